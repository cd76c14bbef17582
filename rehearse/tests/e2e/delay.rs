//! The drain on a network that takes time, where a FIN is on its way for a while.

use std::{
    process::{Command, Stdio},
    thread,
    time::Instant,
};

use serde_json::Value;

use crate::{
    delayed::delayed,
    ms, pass,
    process::{Setup, Signal, program},
    rehearsal::{all_have_gone, interrupt, marked},
    until,
    websocket::ticking,
    wire::get,
};

#[test]
fn each_packet_takes_its_time() {
    delayed(ms(60), |network| {
        let service = network.within_reach(Setup::new()).serve();
        let started = Instant::now();
        let mut wire = network.connect(&service);
        let connected = started.elapsed();
        wire.ask(&get("/hello/far")).expect(200, "Hello, far!");
        let answered = started.elapsed();
        // A round trip each, of 120 ms; not even a slow machine is quicker.
        assert!(connected >= ms(120), "{connected:?}");
        assert!(answered >= ms(240), "{answered:?}");
        drop(wire);
        service.stop();
    });
}

#[test]
fn what_a_client_sends_before_it_sees_the_drain_is_answered_if_it_is_not_idle() {
    delayed(ms(60), |network| {
        let service = network.within_reach(Setup::new()).serve();
        // Connected, and its request is on its way when the fence goes up.
        let mut wire = network.connect(&service);
        wire.send(get("/hello/early"));
        service.process.signal(Signal::SIGTERM);
        let response = wire.response();
        response.expect(200, "Hello, early!");
        assert!(response.head.says_goodbye());
        wire.expect_fin();
        service.left_in_good_order();
    });
}

#[test]
fn a_first_request_whose_packet_is_lost_is_served_past_the_fence() {
    delayed(ms(40), |network| {
        let service = network.within_reach(Setup::new()).serve();
        let mut wire = network.connect(&service);
        network.lose_next(&wire);
        wire.send(get("/hello/lost"));
        service.process.signal(Signal::SIGTERM);
        wire.response().expect(200, "Hello, lost!");
        wire.expect_fin();
        service.left_in_good_order();
    });
}

#[test]
fn from_a_client_that_has_vanished_nothing_comes_and_others_are_served() {
    delayed(ms(5), |network| {
        let service = network.within_reach(Setup::new()).serve();
        let mut vanished = network.connect(&service);
        vanished
            .ask(&get("/hello/here"))
            .expect(200, "Hello, here!");
        // Packets keep their order: with this one its acknowledgement of the response is through.
        let mut other = network.connect(&service);
        network.vanish(&vanished);
        vanished.send(get("/hello/gone"));
        other.ask(&get("/hello/other")).expect(200, "Hello, other!");
        pass(ms(300), "an answer would have come by now");
        assert!(vanished.is_silent());
        assert_eq!(service.status()["connections"]["in_flight"], 0);
        drop((vanished, other));
        service.process.signal(Signal::SIGINT);
        service.left_in_good_order();
    });
}

#[test]
fn a_websocket_is_closed_by_both_sides_however_long_their_frames_take() {
    delayed(ms(60), |network| {
        let setup = ticking(Setup::new(), "1h");
        let service = network.within_reach(setup).serve();
        let mut socket = network.open(&service);
        service.process.signal(Signal::SIGTERM);
        socket.expect_close(1001);
        socket.answer_close(1001);
        service.left_in_good_order();
    });
}

/// A short rehearsal with a network of 20 ms in between.
fn rehearsal() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rehearse"));
    let options = "run --json --quiet --arms service --network-delay 20ms --replicas 2 \
                   --rollouts 1 --clients 20 --rate 10 --path /hello/you --ready /readyz";
    command.args(options.split_whitespace()).arg("--");
    command.arg(program());
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

#[test]
fn a_rehearsal_takes_place_on_such_a_network() {
    delayed(ms(1), |_is_possible| {
        let output = rehearsal().output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["network_delay_ms"], 20);
        let arm = &report["scenarios"][0]["arms"][0];
        assert!(arm["complete"].as_u64() > Some(0), "{report:#}");
        // A round trip for a request, at least.
        assert!(
            arm["latency"]["min_ms"].as_f64() >= Some(40.0),
            "{report:#}"
        );
        assert_eq!(arm["pods"]["faults"], 0, "{report:#}");
    });
}

#[test]
fn ctrl_c_leaves_no_process_behind_on_either_side_of_it() {
    delayed(ms(1), |_is_possible| {
        let marker = format!("REHEARSED_BY=delay-{}", std::process::id());
        let mut command = rehearsal();
        let (name, value) = marker.split_once('=').unwrap();
        let mut child = command.env(name, value).spawn().unwrap();
        // The rehearsal itself, and its pods.
        until("pods", || {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            (marked(&marker) >= 3).then_some(())
        });
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        all_have_gone(&marker);
    });
}

#[test]
fn a_handshake_in_progress_at_the_fence_is_completed_and_served() {
    delayed(ms(200), |network| {
        let service = network.within_reach(Setup::new()).serve();
        // Something to stay for, so that the fence can be waited for.
        let mut slow = network.connect(&service);
        slow.send(get("/slow?ms=3000"));
        service.wait_requests(1);
        thread::scope(|scope| {
            let client = scope.spawn(|| {
                let mut wire = network.connect(&service);
                wire.ask(&get("/hello/half")).expect(200, "Hello, half!");
                wire.expect_fin();
            });
            // Its SYN has arrived; the rest of the handshake takes a round trip.
            network.wait_handshake(&service);
            service.begin_draining();
            client.join().unwrap();
        });
        slow.response().expect(200, "awake");
        drop(slow);
        let report = service.left_in_good_order().report;
        assert_eq!(report["accepted_after_fence"], 1, "{report}");
    });
}
