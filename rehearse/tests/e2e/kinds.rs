//! Two kinds of response: those whose handlers take `Drain` are told to end, all others are
//! finished. The drain report counts each.

use serde_json::json;

use crate::{
    gate::Gate,
    harness::Left,
    process::{Setup, Signal},
    socket::{Message, Socket},
    until,
    wire::{Wire, get, post},
};

/// Streams told, and responses finished.
#[track_caller]
fn expect_counted(left: &Left, told: u64, finished: u64) {
    let report = &left.report;
    let counted = (&report["streams_told"], &report["responses_finished"]);
    assert_eq!(counted, (&json!(told), &json!(finished)), "{report}");
}

#[test]
fn each_kind_of_response_is_counted() {
    let service = Setup::new().serve();
    let (gate, stream_gate) = (Gate::new(), Gate::new());
    let ask = |request: String| {
        let mut wire = service.connect();
        wire.send(request);
        wire
    };
    let mut events: Vec<Wire> = ["/events", "/streaming/events"]
        .map(|path| ask(get(path)))
        .into();
    let mut sockets = [Socket::open(&service), Socket::open(&service)];
    let mut late = ask(get(&gate.target("/gate")));
    let mut stream = ask(get(&stream_gate.target("/gated-stream")));
    let mut upload = ask(format!("{}01234", post("/streaming/upload", 10)));
    let held = [gate.waiting(), stream_gate.waiting()];
    service.wait_requests(7);
    service.process.signal(Signal::SIGTERM);
    for wire in &mut events {
        wire.response();
    }
    for socket in &mut sockets {
        socket.expect_close(1001);
        socket.send(&Message::Close(Some(1001)));
    }
    until("all are told", || {
        (service.status()["streams_told"] == 4).then_some(())
    });
    assert_eq!(service.status()["responses_finished"], 0);
    held.into_iter().for_each(drop);
    late.response().expect(200, "let go");
    stream.response().expect(200, "a beginning, an end");
    upload.send("56789");
    assert_eq!(upload.response().head.status, 200);
    expect_counted(&service.left_in_good_order(), 4, 3);
}

#[test]
fn what_was_over_before_the_drain_or_begins_in_it_is_of_neither_kind() {
    let service = Setup::held().serve();
    let gate = Gate::new();
    service.get("/hello/before").expect(200, "Hello, before!");
    let mut new = service.connect();
    let mut half = service.connect();
    half.send("GET /hello/half HT");
    let mut busy = service.connect();
    busy.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    service.begin_lame_duck();
    service.get("/hello/duck").expect(200, "Hello, duck!");
    service.begin_draining();
    // Its head is whole only now.
    half.send("TP/1.1\r\nhost: e2e\r\n\r\n");
    half.response().expect(200, "Hello, half!");
    new.ask(&get("/hello/drain")).expect(200, "Hello, drain!");
    assert_eq!(service.status()["responses_finished"], 0);
    waiting.let_go();
    busy.response().expect(200, "let go");
    expect_counted(&service.left_in_good_order(), 0, 1);
}

#[test]
fn a_stream_that_ends_before_it_is_told_is_of_neither_kind() {
    let service = Setup::held()
        .set("drain.jitter", "1000h")
        .set("grace_period", "1100h")
        .serve();
    let mut socket = Socket::open(&service);
    service.begin_lame_duck();
    service.begin_draining();
    socket.send(&Message::Close(Some(1000)));
    assert_eq!(socket.next_but_ticks(), Message::Close(Some(1000)));
    socket.wire.expect_fin();
    expect_counted(&service.left_in_good_order(), 0, 0);
}

#[test]
fn a_response_whose_end_is_not_acknowledged_at_the_deadline_is_not_finished() {
    let service = Setup::new().set("grace_period", "5s").serve();
    let gate = Gate::new();
    let mut wire = Wire::connect_with_small_window(service.http);
    // The first answer fills what the client takes, so that the second stays in the kernel.
    wire.send(get("/big?bytes=60000") + &get(&gate.target("/gated-stream")));
    let waiting = gate.waiting();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    waiting.let_go();
    until("the answer is written", || {
        (service.status()["responses_finished"] == 1).then_some(())
    });
    let left = service.left();
    assert_eq!(left.code, Some(3), "{}", left.report);
    let cut = json!({"/gated-stream (unacknowledged)": 1});
    assert_eq!(left.report["cut"], cut);
    expect_counted(&left, 0, 0);
}

#[test]
fn a_response_that_is_cut_is_not_finished() {
    let service = Setup::short().serve();
    let mut wire = service.connect();
    wire.send(get("/never/7"));
    service.wait_connections("in_flight", 1);
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(left.report["cut"], json!({"/never/{id}": 1}));
    expect_counted(&left, 0, 0);
}
