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
    let host = options.url.as_ref().map(|url| url.authority());
    let host = host.and_then(|host| format!("Host: {host}").parse().ok());
    let usual = Load {
        routes: Routes {
            headers: host.into_iter().collect(),
            ..Routes::bundled(&task.target, "/", answer)
        },
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
        tls: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::tests::parsed;
    use crate::scenarios;
    use rehearse_client::Headers;

    #[test]
    fn behind_a_url_its_own_host_is_asked() {
        let host = |options: &str| {
            let options = parsed(&format!("cluster --no-control --deployment shop{options}"));
            let options = options.unwrap();
            let task = scenarios::selected(&options).unwrap().tasks.remove(0);
            load(&task, None, &options).routes.headers
        };
        let asked = |line: &str| Headers::from_iter([line.parse().unwrap()]);
        let url = " --url http://shop.example/cart";
        assert_eq!(host(url), asked("Host: shop.example"));
        let with_port = " --url http://shop.example:8080";
        assert_eq!(host(with_port), asked("Host: shop.example:8080"));
        assert_eq!(host(""), Headers::default());
    }
}
