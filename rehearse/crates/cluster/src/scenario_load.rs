//! The load that a scenario puts on each arm.

use std::time::Duration;

use super::options::Cluster;
use super::scenario::{Bundled, Clients, Task};
use rehearse_arm::load::{Load, Routes};
use rehearse_client::{Method, Think};

/// The clients of the published figures, which wait for nothing between two requests.
const PUBLISHED: usize = 190;

/// Readers of long responses; senders of slow bodies.
const READERS: usize = 10;

/// Followers of events; clients on WebSockets.
const LISTENERS: usize = 20;

/// Clients of HTTP/2, and the streams of each.
const H2: (usize, usize) = (5, 20);

/// The load on an arm that answers this, if it is known: otherwise the same for all arms.
pub(super) fn load(task: &Task, answer: Option<String>, options: &Cluster) -> Load {
    let scenario = &task.scenario;
    let usual = Load {
        routes: Routes::bundled(&task.target, "/", answer),
        clients: options.clients as usize,
        think: options.think,
        slow_clients: options.slow_clients as usize,
        slow_think: options.slow_think,
        method: Method::Get,
        rate: f64::from(options.rate),
        uploads: 0,
        downloads: 0,
        events: 0,
        websockets: 0,
        h2: 0,
        streams: H2.1,
        slow_streams: scenario.service == Bundled::Streaming,
        timeout: options.timeout,
        rtt: options.rtt,
        network: Duration::ZERO,
    };
    match scenario.clients {
        Clients::Both => usual,
        Clients::Published => Load {
            clients: PUBLISHED,
            think: Think::Steady(Duration::ZERO),
            slow_clients: 0,
            rate: 0.0,
            ..usual
        },
        Clients::Readers => Load {
            downloads: READERS,
            clients: usual.clients.div_ceil(5),
            slow_clients: usual.slow_clients.div_ceil(5),
            rate: usual.rate / 5.0,
            ..usual
        },
        Clients::Mixed => Load {
            uploads: READERS,
            downloads: READERS,
            events: LISTENERS,
            websockets: LISTENERS,
            h2: H2.0,
            clients: usual.clients.div_ceil(5),
            slow_clients: usual.slow_clients.div_ceil(5),
            rate: usual.rate / 5.0,
            ..usual
        },
    }
}
