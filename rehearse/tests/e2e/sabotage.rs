//! Each rule of the drain, switched off: the same clients that lose nothing with it then lose
//! something. They never retry, and so see it.

use std::{
    net::TcpStream,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    thread,
    time::Duration,
};

use crate::{
    gate::Gate,
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    readers::pattern,
    until,
    wire::{Wire, get},
};

/// Runs a scene with the rule, where it must lose nothing, and without, where it must.
#[track_caller]
fn only_the_rule_saves(rule: &str, scene: impl Fn(Option<&str>) -> u64) {
    assert_eq!(scene(None), 0, "lost with the rule");
    let lost = scene(Some(rule));
    println!("lost by {rule}: {lost}");
    assert!(
        lost > 0,
        "without the rule nothing was lost, so its loss could not be seen"
    );
}

/// Requests on connections that were established: answered, and not.
#[derive(Debug, Default)]
struct Books {
    answered: AtomicU64,
    lost: AtomicU64,
}

impl Books {
    fn note(&self, answered: bool) {
        let count = if answered { &self.answered } else { &self.lost };
        count.fetch_add(1, Relaxed);
    }
}

/// Connects in bursts, one request a connection, until it is refused.
fn newcomers(service: &Service, books: &Books) {
    // A refusal is no loss: Kubernetes sends nobody to a process that is gone for good.
    let ask = |_| {
        let mut wire = Wire::new(TcpStream::connect(service.http).ok()?);
        // A reset shows again when the response is to come.
        let _ = wire.try_send(get("/hello/newcomer"));
        Some(wire)
    };
    let mut refused = false;
    while !refused {
        let wires: Vec<_> = (0..16).map(ask).collect();
        refused = wires.iter().any(Option::is_none);
        for mut wire in wires.into_iter().flatten() {
            books.note(wire.try_response().is_ok());
        }
    }
}

/// The life of a process without a lame duck, under newcomers; the connections that were
/// established and not answered.
fn lost_by_newcomers(rule: Option<&str>) -> u64 {
    // Takes four at a time, so that some always wait in the kernel's queue.
    let setup = Setup::new().set("http.max_connections", "4");
    let (service, books) = (setup.sabotage(rule).serve(), Books::default());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| newcomers(&service, &books));
        }
        let answered = || (books.answered.load(Relaxed) > 30).then_some(());
        until("answers", answered);
        service.process.signal(Signal::SIGTERM);
    });
    service.left_in_good_order();
    books.lost.into_inner()
}

#[test]
fn without_the_fence_established_connections_are_reset() {
    only_the_rule_saves("no-fence", |rule| {
        (0..20).map(|_| lost_by_newcomers(rule)).sum()
    });
}

/// Asks again and again on one connection as long as it is kept, over a network on which
/// everything takes 10 ms: what the client knows when it decides to send is that old.
fn keeps_alive(service: &Service, books: &Books, think: Duration, asked: &AtomicU64) {
    while let Ok(socket) = TcpStream::connect(service.http) {
        let mut wire = Wire::new(socket);
        loop {
            let sent = wire.try_send(get("/hello/regular"));
            let response = sent.and_then(|()| wire.try_response());
            books.note(response.is_ok());
            asked.fetch_add(1, Relaxed);
            pass(think, "the client thinks");
            let is_kept = response.is_ok_and(|response| !response.head.says_goodbye());
            if !is_kept || !wire.is_silent() {
                break;
            }
            pass(ms(10), "its request is on its way");
        }
    }
}

/// The life of a process with a lame duck in which every client asks; what they lost.
fn lost_by_regulars(rule: Option<&str>) -> u64 {
    let (service, books) = (Setup::held().sabotage(rule).serve(), Books::default());
    let asked: [AtomicU64; 16] = Default::default();
    let everybody_asks_twice = || {
        for asked in &asked {
            let before = asked.load(Relaxed);
            until("two requests", || {
                (asked.load(Relaxed) >= before + 2).then_some(())
            });
        }
    };
    thread::scope(|scope| {
        for (think, asked) in (5..).zip(&asked) {
            let (service, books) = (&service, &books);
            scope.spawn(move || keeps_alive(service, books, ms(think), asked));
        }
        everybody_asks_twice();
        service.begin_lame_duck();
        // The first may have been asked before T0. Of the second it can be said that the process
        // could have told its client to leave.
        everybody_asks_twice();
        service.process.signal(Signal::SIGINT);
    });
    service.left_in_good_order();
    books.lost.into_inner()
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
