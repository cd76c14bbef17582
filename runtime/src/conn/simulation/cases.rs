//! The moments at which a request can be lost, one by one.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    task::LocalSet,
    time::{sleep, sleep_until},
};

use super::{
    network::{Network, Path},
    process::{MIN, PATIENCE, Process},
    random::Random,
    socket::Socket,
    wire::Wire,
};
use crate::{clock, exit::Exit, rules::Rules, tls::Tls};

const LATENCY: Duration = Duration::from_millis(50);

/// How a connection is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Plain,
    #[cfg(feature = "tls")]
    ByTls,
}

impl Carried {
    const ALL: &[Self] = &[
        Self::Plain,
        #[cfg(feature = "tls")]
        Self::ByTls,
    ];

    fn server(self) -> Option<Arc<Tls>> {
        match self {
            Self::Plain => None,
            #[cfg(feature = "tls")]
            Self::ByTls => Some(super::tls::server()),
        }
    }

    async fn client(self, socket: Socket) -> Wire {
        match self {
            Self::Plain => Wire::Plain(socket),
            #[cfg(feature = "tls")]
            Self::ByTls => super::tls::connect(socket).await.expect("a handshake"),
        }
    }
}

/// A process, and a connection to it.
struct Pair {
    process: Process,
    client: Wire,
    power_switch: Box<dyn Fn()>,
}

impl Pair {
    async fn new(carried: Carried) -> Self {
        let network = Network::new(Random::new(1), 0);
        let packets = network.clone();
        tokio::task::spawn_local(async move { packets.run().await });
        let process = Process::start(Rules::default(), carried.server()).await;
        let (client, server) = network.connect(Path {
            latency: LATENCY,
            jitter: Duration::ZERO,
        });
        assert!(process.accept(server));
        Self {
            process,
            power_switch: Box::new(client.power_switch()),
            client: carried.client(client).await,
        }
    }

    async fn send(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
        let sent = self.client.write_all(request.as_bytes()).await;
        sent.expect("there is room");
        self.client.flush().await.expect("there is room");
    }

    /// What comes until the server has nothing more to say, or for a second.
    async fn receive(&mut self) -> String {
        let mut received = vec![0; 4096];
        let read = self.client.read(&mut received);
        let count = tokio::time::timeout(Duration::from_secs(1), read).await;
        received.truncate(count.map_or(0, |count| count.unwrap_or(0)));
        String::from_utf8(received).expect("it is text")
    }

    /// A response, and then T0.
    async fn ask_and_terminate(&mut self) -> Instant {
        self.send("/quick").await;
        assert!(self.receive().await.ends_with("quick"));
        self.process.terminate();
        clock::now()
    }
}

fn on_paused_time(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("an event loop can be built");
    LocalSet::new().block_on(&runtime, test);
}

#[test]
fn a_request_that_crosses_the_end_of_its_idle_connection_is_counted() {
    for carried in Carried::ALL {
        on_paused_time(async {
            let mut pair = Pair::new(*carried).await;
            let t0 = pair.ask_and_terminate().await;
            // The FIN is on its way.
            sleep_until((t0 + PATIENCE + LATENCY / 2).into()).await;
            pair.send("/quick").await;
            assert_eq!(pair.receive().await, "");
            drop(pair.client);
            assert_eq!(pair.process.exit().await.0, Exit::Ok);
            assert_eq!(pair.process.control.ledger.crossed.get(), 1, "{carried:?}");
        });
    }
}

/// The event loop tells of what has arrived a little later than the kernel has it.
#[test]
fn a_request_that_arrives_when_its_idle_connection_is_to_end_is_served_or_counted() {
    for carried in Carried::ALL {
        let mut served = 0;
        for millis in 0..12 {
            on_paused_time(async {
                let after = Duration::from_millis(millis);
                served += u64::from(is_served_about_the_end(*carried, after).await);
            });
        }
        assert!((5..=8).contains(&served), "{served} of 12, {carried:?}");
    }
}

/// Whether a request is served that arrives so long after 6 ms before its idle connection is to end.
async fn is_served_about_the_end(carried: Carried, after: Duration) -> bool {
    let mut pair = Pair::new(carried).await;
    let t0 = pair.ask_and_terminate().await;
    let arrives = t0 + PATIENCE - Duration::from_millis(6) + after;
    sleep_until((arrives - LATENCY).into()).await;
    pair.send("/quick").await;
    let answered = pair.receive().await.ends_with("quick");
    drop(pair.client);
    assert_eq!(pair.process.exit().await.0, Exit::Ok);
    let crossed = pair.process.control.ledger.crossed.get();
    assert_eq!(crossed, u64::from(!answered), "{after:?}, {carried:?}");
    answered
}

/// The last of a response waits for room in the kernel, and its handler is done.
#[test]
fn a_client_that_vanishes_in_the_middle_of_a_response_holds_nobody() {
    on_paused_time(async {
        let mut pair = Pair::new(Carried::Plain).await;
        pair.send("/large").await;
        sleep(Duration::from_secs(1)).await;
        (pair.power_switch)();
        pair.process.terminate();
        let t0 = clock::now();
        let (exit, ended) = pair.process.exit().await;
        // From the fence on it takes five seconds to be sure.
        assert!(
            ended - t0 < MIN * 2 + Duration::from_secs(2),
            "{:?}",
            ended - t0
        );
        assert_eq!(
            (exit, pair.process.control.ledger.vanished.get()),
            (Exit::Cut, 1)
        );
        let cut = pair.process.control.ledger.cut();
        assert_eq!(
            cut.into_iter().collect::<Vec<_>>(),
            [("/large (unacknowledged)".to_owned(), 1)]
        );
    });
}
