//! HTTP/2's rules of the drain, switched off: see [`crate::sabotage`].

use crate::{
    h2_wire::{Event, Peer},
    ms, pass,
    process::{Setup, Signal},
    sabotage::only_the_rule_saves,
    until,
};

#[test]
fn without_waiting_for_the_first_response_newcomers_are_sent_away() {
    only_the_rule_saves("goodbye-at-once", |rule| {
        let service = Setup::telling().sabotage(rule).serve();
        service.begin_lame_duck();
        let sent_away = |_: &i32| {
            let mut peer = Peer::connect(service.http);
            pass(ms(5), "the client knows what has reached it by now");
            peer.round_trip();
            // One that is told before it has asked cannot ask.
            let told = peer
                .seen
                .iter()
                .any(|event| matches!(event, Event::Goaway { .. }));
            !told && peer.ask("/hello/new").status == 200
        };
        let served = (0..10).filter(sent_away).count();
        service.stop();
        10 - served as u64
    });
}

#[test]
fn without_the_round_trip_streams_that_cross_the_goaway_are_thrown_away() {
    only_the_rule_saves("one-goaway", |rule| {
        let service = Setup::telling().sabotage(rule).serve();
        let mut peer = Peer::connect(service.http);
        peer.ask("/hello/first").expect(200, "Hello, first!");
        service.begin_lame_duck();
        while !matches!(peer.event(), Event::Goaway { .. }) {}
        // As a client that has not read it yet.
        let stream = peer.get("/hello/second");
        let answered = peer.try_response(stream).is_ok();
        drop(peer);
        service.stop();
        u64::from(!answered)
    });
}

#[test]
fn without_waiting_for_acknowledgements_the_process_leaves_before_its_bytes() {
    only_the_rule_saves("exit-unacknowledged", |rule| {
        let mut service = Setup::new().sabotage(rule).serve();
        let mut peer = crate::h2_readers::slow_reader(&service);
        let stream = peer.get("/big?bytes=100000");
        while !matches!(peer.event(), Event::Head { .. }) {}
        service.process.signal(Signal::SIGTERM);
        match rule {
            None => pass(ms(1_500), "it would have left by now"),
            Some(_) => until("the end", || (!service.process.is_alive()).then_some(())),
        }
        let left_early = !service.process.is_alive();
        peer.reads = false;
        // On loopback the kernel finishes the job; in a pod it goes with the network.
        let _ = peer.try_response(stream);
        drop(peer);
        service.left_in_good_order();
        u64::from(left_early)
    });
}
