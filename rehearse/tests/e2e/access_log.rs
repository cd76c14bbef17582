//! What is told of each request: its id, and its line in the access log.

use serde_json::Value;

use crate::{
    gate::Gate,
    h2_wire::Peer,
    harness::Service,
    process::{Setup, Signal},
    until,
    wire::{Response, get, post},
};

fn asks(path: &str, id: &str) -> String {
    let asks = get(path);
    asks.replacen("\r\n", &format!("\r\nx-request-id: {id}\r\n"), 1)
}

/// The lines of the access log, once there are so many.
#[track_caller]
fn lines(service: &Service, count: usize) -> Vec<Value> {
    let lines = || {
        let lines = service.process.log.lines();
        let events = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events
            .filter(|event| event["target"] == "lastcall::access")
            .collect::<Vec<_>>()
    };
    until("lines of the access log", || {
        let lines = lines();
        (lines.len() >= count).then_some(lines)
    })
}

fn id(response: &Response) -> String {
    let id = response.head.header("x-request-id");
    id.expect("the response has an id").to_owned()
}

#[test]
fn a_request_has_one_id_in_its_response_its_log_and_the_access_log() {
    let service = Setup::new().set("log.access", "on").serve();
    let mut wire = service.connect();
    let given = wire.ask(&asks("/logs", "from-afar/1"));
    given.expect(200, "from-afar/1");
    assert_eq!(id(&given), "from-afar/1");
    let made = wire.ask(&get("/logs"));
    made.expect(200, &id(&made));
    let unfit = wire.ask(&asks("/logs", "a b"));
    assert_eq!(id(&unfit).len(), 32);
    let ids = [id(&given), id(&made), id(&unfit)];
    let of = |lines: Vec<Value>| {
        lines
            .iter()
            .map(|line| line["request_id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(lines(&service, 3)), ids);
    assert_eq!(of(service.process.log.with("a handler speaks")), ids);
    service.stop();
}

#[test]
fn a_line_tells_who_asked_for_what_and_what_came_of_it() {
    let service = Setup::new().set("log.access", "on").serve();
    let mut wire = service.connect();
    wire.ask(&get("/hello/you?secret=1"))
        .expect(200, "Hello, you!");
    wire.ask(&get("/nowhere"));
    wire.ask(&get("/panic"));
    wire.ask(&post("/hello/you", 0));
    let seen = lines(&service, 4);
    let peer = wire.local_address().to_string();
    for (line, (method, route, path, status)) in seen.iter().zip([
        ("GET", "/hello/{name}", "/hello/you", 200),
        ("GET", "unmatched", "/nowhere", 404),
        ("GET", "/panic", "/panic", 500),
        ("POST", "/hello/{name}", "/hello/you", 404),
    ]) {
        assert_eq!(line["message"], "answered", "{line}");
        assert_eq!(
            (&line["method"], &line["route"]),
            (&method.into(), &route.into()),
            "{line}"
        );
        assert_eq!(
            (&line["path"], &line["status"]),
            (&path.into(), &status.into()),
            "{line}"
        );
        assert_eq!(line["peer"], peer);
        assert!(
            line["duration_ms"]
                .as_f64()
                .is_some_and(|taken| taken > 0.0),
            "{line}"
        );
    }
    assert_eq!(
        (&seen[0]["bytes"], &seen[1]["bytes"]),
        (&11.into(), &0.into())
    );
    wire.send("nonsense\r\n\r\n");
    wire.response();
    let refused = &lines(&service, 5)[4];
    assert_eq!(
        (&refused["message"], &refused["status"]),
        (&"refused".into(), &400.into())
    );
    drop(wire);
    service.stop();
}

#[test]
fn streams_of_http2_are_told_of_too() {
    let service = Setup::new().set("log.access", "on").serve();
    let mut peer = Peer::connect(service.http);
    let response = peer.ask("/logs");
    let line = &lines(&service, 1)[0];
    assert_eq!(
        (&line["route"], &line["bytes"]),
        (&"/logs".into(), &32.into())
    );
    assert_eq!(line["request_id"], *String::from_utf8_lossy(&response.body));
    drop(peer);
    service.stop();
}

#[test]
fn a_client_that_leaves_and_what_the_deadline_cuts_are_told_of_as_such() {
    let service = Setup::short().set("log.access", "on").serve();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get("/endless"));
    wire.head();
    wire.chunk();
    drop(wire);
    let left = &lines(&service, 1)[0];
    assert_eq!(
        (&left["message"], &left["status"]),
        (&"client left".into(), &200.into())
    );
    assert!(
        left["bytes"].as_u64().is_some_and(|bytes| bytes > 0),
        "{left}"
    );
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let _waiting = gate.waiting();
    service.process.signal(Signal::SIGINT);
    let end = service.left().end;
    let cut = &end.events("cut")[0];
    assert_eq!(
        (&cut["route"], cut.get("status")),
        (&"/gate".into(), None),
        "{cut}"
    );
}

#[test]
fn ids_can_be_had_without_the_access_log_and_be_made_whatever_a_client_says() {
    let service = Setup::new().serve();
    assert!(service.get("/logs").head.header("x-request-id").is_none());
    assert!(
        service
            .process
            .log
            .wait_for("a handler speaks")
            .get("request_id")
            .is_none()
    );
    service.stop();
    let service = Setup::new().set("http.request_id", "make").serve();
    let response = service.connect().ask(&asks("/logs", "forged"));
    assert_eq!(id(&response).len(), 32);
    let spoken = service.process.log.wait_for("a handler speaks");
    assert_eq!(spoken["request_id"], id(&response));
    let left = service.stop();
    assert!(!left.end.logged("lastcall::access"));
    let service = Setup::new()
        .set("log.access", "on")
        .set("http.request_id", "off")
        .serve();
    service.get("/hello/you");
    assert!(lines(&service, 1)[0].get("request_id").is_none());
    service.stop();
}
