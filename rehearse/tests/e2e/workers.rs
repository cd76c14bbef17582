//! Connections are shared out among workers that take them by themselves.

use crate::{
    gate::Gate,
    harness::Service,
    process::Setup,
    until,
    wire::{Wire, get},
};

fn kept(service: &Service, count: usize) -> Vec<Wire> {
    let connect = |_| {
        let mut wire = service.connect();
        wire.ask(&get("/hello/you")).expect(200, "Hello, you!");
        wire
    };
    (0..count).map(connect).collect()
}

#[test]
fn nobody_who_comes_waits_for_a_worker_that_a_handler_blocks() {
    let service = Setup::new().set("http.workers", "2").serve();
    let gate = Gate::new();
    let mut blocks = service.connect();
    blocks.send(get(&gate.target("/block")));
    let waiting = gate.waiting();
    // Far more than the blocked worker has.
    let newcomers = kept(&service, 40);
    waiting.let_go();
    blocks.response().expect(200, "let go");
    drop((newcomers, blocks));
    service.stop();
}

#[test]
fn nobody_who_waits_in_the_queue_at_the_fence_is_given_to_a_worker_that_a_handler_blocks() {
    // The limit keeps newcomers in the queue.
    let setup = Setup::held().set("http.workers", "2");
    let service = setup.set("http.max_connections", "1").serve();
    let gate = Gate::new();
    let mut blocks = service.connect();
    blocks.send(get(&gate.target("/block")));
    let waiting = gate.waiting();
    let mut queued: Vec<Wire> = (0..10).map(|_| service.connect()).collect();
    service.begin_lame_duck();
    service.begin_draining();
    for wire in &mut queued {
        wire.ask(&get("/hello/queued"))
            .expect(200, "Hello, queued!");
    }
    waiting.let_go();
    blocks.response().expect(200, "let go");
    service.left_in_good_order();
}

/// Blocks one connection's worker, and asks on all others at once: one that is answered, when so many are.
fn answered_beside(wires: &mut [Wire], blocks: usize, least: usize) -> usize {
    let gate = Gate::new();
    wires[blocks].send(get(&gate.target("/block")));
    let waiting = gate.waiting();
    let others = || (0..wires.len()).filter(|other| *other != blocks);
    for other in others() {
        wires[other].another().send(get("/hello/you"));
    }
    let mut answered = Vec::new();
    until("the other worker's connections are answered", || {
        answered = others()
            .filter(|other| !wires[*other].is_silent())
            .collect();
        (answered.len() >= least).then_some(())
    });
    waiting.let_go();
    wires[blocks].response().expect(200, "let go");
    for other in (0..wires.len()).filter(|other| *other != blocks) {
        wires[other].response().expect(200, "Hello, you!");
    }
    answered[0]
}

#[test]
fn both_workers_have_their_share_of_connections_that_stay() {
    let service = Setup::new().set("http.workers", "2").serve();
    let mut wires = kept(&service, 20);
    // Of 20 that came one after the other; the one that blocks the first worker is the other's.
    let other = answered_beside(&mut wires, 0, 8);
    answered_beside(&mut wires, other, 8);
    drop(wires);
    service.stop();
}
