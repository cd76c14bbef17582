//! Each rule of the drain, switched off: the same clients that lose nothing with it then lose
//! something. They never retry, and so see it.

use std::{
    net::{SocketAddr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use crate::{
    gate::Gate,
    ms, pass,
    process::{Setup, Signal},
    readers::pattern,
    until,
    wire::{Response, Wire, get},
};

/// Runs a scene with the rule, where it must lose nothing, and without, where it must.
#[track_caller]
pub(crate) fn only_the_rule_saves(rule: &str, scene: impl Fn(Option<&str>) -> u64) {
    assert_eq!(scene(None), 0, "lost with the rule");
    let lost = scene(Some(rule));
    println!("lost by {rule}: {lost}");
    assert!(
        lost > 0,
        "without the rule nothing was lost, so its loss could not be seen"
    );
}

/// What one client has asked on connections that were established, and what was not answered.
#[derive(Debug, Default)]
struct Book {
    asked: AtomicU64,
    lost: AtomicU64,
}

/// Clients in threads of their own, until the process refuses them.
struct Crowd(Vec<(Arc<Book>, JoinHandle<()>)>);

impl Crowd {
    fn gather(count: u64, client: impl Fn(u64, &Book) + Clone + Send + 'static) -> Self {
        let join = |number| {
            let (book, client) = (Arc::<Book>::default(), client.clone());
            let writer = Arc::clone(&book);
            (book, thread::spawn(move || client(number, &writer)))
        };
        Self((0..count).map(join).collect())
    }

    /// Waits until each of them has asked twice from now on.
    fn wait_until_all_ask_twice(&self) {
        let books = self.0.iter().map(|(book, _)| book);
        let goals = books.map(|book| (book, book.asked.load(Relaxed) + 2));
        for (book, goal) in goals.collect::<Vec<_>>() {
            until("requests", || {
                (book.asked.load(Relaxed) >= goal).then_some(())
            });
        }
    }

    /// Waits until they are refused, and adds up what they lost.
    fn lost(self) -> u64 {
        let lost = |(book, client): (Arc<Book>, JoinHandle<()>)| {
            client.join().unwrap();
            book.lost.load(Relaxed)
        };
        self.0.into_iter().map(lost).sum()
    }
}

impl Book {
    /// Asks once, and writes down what comes of it.
    fn ask(&self, wire: &mut Wire) -> Option<Response> {
        let sent = wire.try_send(get("/hello/you"));
        let response = sent.and_then(|()| wire.try_response()).ok();
        self.asked.fetch_add(1, Relaxed);
        self.lost.fetch_add(u64::from(response.is_none()), Relaxed);
        response
    }
}

/// A connection, unless it is refused. A refusal is no loss: Kubernetes sends nobody to a process
/// that is gone for good.
fn connect(address: SocketAddr) -> Option<Wire> {
    TcpStream::connect(address).ok().map(Wire::new)
}

/// The life of a process without a lame duck, under clients that connect for each request; what
/// they lost.
fn lost_by_newcomers(rule: Option<&str>) -> u64 {
    // Takes four at a time, so that others always wait in the kernel's queue.
    let setup = Setup::new().set("http.max_connections", "4");
    let service = setup.sabotage(rule).serve();
    let address = service.http;
    let crowd = Crowd::gather(24, move |_, book| {
        while let Some(mut wire) = connect(address) {
            book.ask(&mut wire);
        }
    });
    crowd.wait_until_all_ask_twice();
    service.process.signal(Signal::SIGTERM);
    let lost = crowd.lost();
    service.left_in_good_order();
    lost
}

#[test]
fn without_the_fence_established_connections_are_reset() {
    only_the_rule_saves("no-fence", |rule| {
        (0..20).map(|_| lost_by_newcomers(rule)).sum()
    });
}

/// Asks again and again on one connection as long as it is kept, over a network on which
/// everything takes 10 ms: what the client knows when it decides to send is that old.
fn keeps_alive(address: SocketAddr, think: Duration, book: &Book) {
    while let Some(mut wire) = connect(address) {
        loop {
            let response = book.ask(&mut wire);
            pass(think, "the client thinks");
            let is_kept = response.is_some_and(|response| !response.head.says_goodbye());
            if !is_kept || !wire.is_silent() {
                break;
            }
            pass(ms(10), "its request is on its way");
        }
    }
}

/// The life of a process with a lame duck, under clients that keep their connections; what they
/// lost.
fn lost_by_regulars(rule: Option<&str>) -> u64 {
    let service = Setup::held().sabotage(rule).serve();
    let address = service.http;
    let crowd = Crowd::gather(16, move |number, book| {
        keeps_alive(address, ms(5 + number), book)
    });
    crowd.wait_until_all_ask_twice();
    service.begin_lame_duck();
    // The first may have been asked before T0; with the answer to the second the process could
    // have told its client to leave.
    crowd.wait_until_all_ask_twice();
    service.process.signal(Signal::SIGINT);
    let lost = crowd.lost();
    service.left_in_good_order();
    lost
}

#[test]
fn without_the_goodbye_kept_connections_are_closed_over_a_request_on_its_way() {
    only_the_rule_saves("no-goodbye", |rule| {
        (0..3).map(|_| lost_by_regulars(rule)).sum()
    });
}

#[test]
fn without_asking_the_kernel_a_request_that_has_arrived_is_thrown_away() {
    only_the_rule_saves("idle-unasked", |rule| {
        let service = Setup::new().set("http.workers", "1").sabotage(rule).serve();
        let mut idle = service.connect();
        idle.ask(&get("/hello/first")).expect(200, "Hello, first!");
        let gate = Gate::new();
        let mut blocked = service.connect();
        blocked.send(get(&gate.target("/block")));
        let waiting = gate.waiting();
        // The worker is busy, so this waits in the kernel while the drain begins.
        idle.send(get("/hello/second"));
        service.process.signal(Signal::SIGTERM);
        service.wait_phase("draining");
        waiting.let_go();
        blocked.response().expect(200, "let go");
        let answered = idle.try_response().is_ok();
        drop((idle, blocked));
        service.left_in_good_order();
        u64::from(!answered)
    });
}

#[test]
fn without_waiting_for_acknowledgements_the_process_leaves_before_its_bytes() {
    const BYTES: usize = 100_000;
    only_the_rule_saves("exit-unacknowledged", |rule| {
        let mut service = Setup::new().sabotage(rule).serve();
        let mut wire = Wire::connect_with_small_window(service.http);
        wire.send(get(&format!("/big?bytes={BYTES}")));
        wire.head();
        service.process.signal(Signal::SIGTERM);
        match rule {
            None => pass(ms(1_000), "it would have left by now"),
            Some(_) => until("the end", || (!service.process.is_alive()).then_some(())),
        }
        // In a pod, whatever the client has not taken by then goes with the network.
        let left_early = !service.process.is_alive();
        let body = wire.take(BYTES).unwrap();
        assert!(body == pattern(BYTES));
        drop(wire);
        service.left_in_good_order();
        u64::from(left_early)
    });
}

#[test]
fn without_the_lame_duck_newcomers_are_refused() {
    only_the_rule_saves("no-lame-duck", |rule| {
        let service = Setup::held().sabotage(rule).serve();
        let gate = Gate::new();
        let mut wire = service.connect();
        wire.send(get(&gate.target("/gate")));
        let waiting = gate.waiting();
        service.process.signal(Signal::SIGTERM);
        until("T0", || {
            (service.status()["phase"] != "ready").then_some(())
        });
        // The next request must find the fence up, if it goes up at all.
        if rule.is_some() {
            until("the fence", || service.refuses().then_some(()));
        }
        let refused = (0..10).filter(|_| service.refuses()).count();
        waiting.let_go();
        wire.response().expect(200, "let go");
        drop(wire);
        match rule {
            None => service.stop(),
            Some(_) => service.left_in_good_order(),
        };
        refused as u64
    });
}
