//! What the clients of one arm do.

mod routes;
mod running;

use std::time::Duration;

use serde::Serialize;

pub use self::routes::Routes;
pub use self::running::{KindOutcome, Meter, Running};

use rehearse_client::{Method, Mode, Plan, SlowStreams, Think};
use rehearse_tls::Trust;

/// The period of one client that connects anew each time. Long, because a client makes one request
/// at a time: the rate comes from their number.
const ONE_SHOT_PERIOD: Duration = Duration::from_secs(3);

const UPLOAD: Mode = Mode::Upload {
    every: Duration::from_secs(3),
    bytes: 100_000,
    parts: 10,
    over: Duration::from_secs(2),
};

/// 3 MB at 1 MB/s: in flight when a drain begins, and for seconds after.
const DOWNLOAD: Mode = Mode::Download {
    every: Duration::from_secs(5),
    bytes: 3_000_000,
    rate: Some(1_000_000),
};

/// The period of a stream of HTTP/2. A client makes as many requests in it as it has streams.
const STREAM_PERIOD: Duration = Duration::from_secs(2);

/// 300 kB at 100 kB/s: held back by its window when a drain begins, and for seconds after.
const SLOW_STREAM: (Duration, u64, u64) = (Duration::from_secs(5), 300_000, 100_000);

/// The load on one arm.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where clients send what.
    pub routes: Routes,
    /// Keep-alive clients.
    pub clients: usize,
    /// Their pause from a response to the next request.
    pub think: Think,
    /// More keep-alive clients, which think for longer.
    pub slow_clients: usize,
    /// Their pause.
    pub slow_think: Think,
    /// How both kinds of keep-alive clients ask.
    pub method: Method,
    /// New connections a second, with one request each.
    pub rate: f64,
    /// Clients that send slow bodies.
    pub uploads: usize,
    /// Clients that read slowly.
    pub downloads: usize,
    /// Clients that follow an event stream.
    pub events: usize,
    /// Clients that talk on a WebSocket.
    pub websockets: usize,
    /// Clients that speak HTTP/2, each on one connection, and get the target.
    pub h2: usize,
    /// How many streams each of those has.
    pub streams: usize,
    /// Whether every fourth of their streams reads a long response slowly instead.
    pub slow_streams: bool,
    /// From a request's start to its complete response.
    pub timeout: Duration,
    /// For how long clients do not see what the kernel knows of a connection's end.
    pub rtt: Duration,
    /// The round trip of the network itself.
    pub network: Duration,
    /// Whom clients trust, if they speak TLS.
    pub tls: Option<Trust>,
}

/// A kind of client, by its name in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "they are the modes of the client")]
pub enum Kind {
    KeepAlive,
    SlowKeepAlive,
    OneShot,
    Upload,
    Download,
    Events,
    Websocket,
    H2,
}

impl Kind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeepAlive => "keep-alive",
            Self::SlowKeepAlive => "slow-keep-alive",
            Self::OneShot => "one-shot",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Events => "events",
            Self::Websocket => "websocket",
            Self::H2 => "h2",
        }
    }
}

impl Load {
    /// How many connections there are in all. A client of HTTP/2 that has been told to go has a
    /// second one, while streams of the first go on.
    pub fn total(&self) -> usize {
        let others = self.uploads + self.downloads + self.events + self.websockets + 2 * self.h2;
        self.clients + self.slow_clients + self.one_shot_clients() + others
    }

    fn one_shot_clients(&self) -> usize {
        (self.rate * ONE_SHOT_PERIOD.as_secs_f64()).ceil() as usize
    }

    fn h2_mode(&self) -> Mode {
        let (every, bytes, rate) = SLOW_STREAM;
        let slow = SlowStreams {
            target: self.routes.download.clone(),
            every,
            bytes,
            rate,
        };
        Mode::H2 {
            streams: self.streams,
            every: STREAM_PERIOD,
            slow: self.slow_streams.then_some(slow),
        }
    }

    pub(crate) fn plans(&self, seed: u64) -> Vec<(Kind, Plan)> {
        let clients = self.one_shot_clients();
        let every = Duration::from_secs_f64(clients.max(1) as f64 / self.rate.max(f64::EPSILON));
        let routes = &self.routes;
        let talk = Mode::WebSocket {
            think: self.think,
            message: routes.message.clone(),
        };
        let kept = |think| Mode::KeepAlive {
            think,
            method: self.method,
        };
        let (brisk, slow) = (kept(self.think), kept(self.slow_think));
        let kept_target = match self.method {
            Method::Get => &routes.get,
            Method::Post => &routes.post,
        };
        let one_shot = Mode::OneShot { every };
        let plans = [
            (Kind::KeepAlive, brisk, self.clients, kept_target),
            (Kind::SlowKeepAlive, slow, self.slow_clients, kept_target),
            (Kind::OneShot, one_shot, clients, &routes.get),
            (Kind::Upload, UPLOAD, self.uploads, &routes.upload),
            (Kind::Download, DOWNLOAD, self.downloads, &routes.download),
            (Kind::Events, Mode::Events, self.events, &routes.events),
            (Kind::Websocket, talk, self.websockets, &routes.websocket),
            (Kind::H2, self.h2_mode(), self.h2, &routes.get),
        ];
        let wanted = plans.into_iter().filter(|(_, _, clients, _)| *clients > 0);
        let plan = |(kind, mode, clients, target): (Kind, Mode, usize, &String)| {
            let seed = seed ^ (kind as u64) << 32;
            (
                kind,
                Plan {
                    mode,
                    clients,
                    target: target.clone(),
                    headers: routes.headers.clone(),
                    body: routes.body.clone(),
                    content: routes.content,
                    expect: routes.expect.clone(),
                    seed,
                    timeout: self.timeout,
                    rtt: self.rtt,
                    network: self.network,
                    tls: self.tls.clone(),
                },
            )
        };
        wanted.map(plan).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(clients: usize, rate: f64, events: usize) -> Load {
        Load {
            routes: Routes::bundled("/", "/", None),
            clients,
            think: Think::Steady(Duration::from_millis(300)),
            slow_clients: 0,
            slow_think: Think::Exponential(Duration::from_secs(5)),
            method: Method::Get,
            rate,
            uploads: 0,
            downloads: 0,
            events,
            websockets: 0,
            h2: 0,
            streams: 0,
            slow_streams: false,
            timeout: Duration::from_secs(30),
            rtt: Duration::ZERO,
            network: Duration::ZERO,
            tls: None,
        }
    }

    #[test]
    fn a_rate_becomes_clients_that_add_up_to_it() {
        for rate in [0.2, 1.0, 7.5, 100.0] {
            let plans = load(0, rate, 0).plans(1);
            let [(Kind::OneShot, plan)] = &plans[..] else {
                panic!("{plans:?}")
            };
            let Mode::OneShot { every } = plan.mode else {
                panic!("{plan:?}")
            };
            let sum = plan.clients as f64 / every.as_secs_f64();
            assert!(
                (sum / rate - 1.0).abs() < 1e-6,
                "{sum} instead of {rate} a second"
            );
        }
    }

    #[test]
    fn kinds_without_clients_have_no_plan_and_the_others_their_own_seed() {
        assert!(load(0, 0.0, 0).plans(1).is_empty());
        let plans = load(5, 0.0, 3).plans(1);
        let kinds: Vec<Kind> = plans.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(kinds, [Kind::KeepAlive, Kind::Events]);
        assert_ne!(plans[0].1.seed, plans[1].1.seed);
    }
}
