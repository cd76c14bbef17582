//! The log's level, changed while the process runs.

use std::net::Ipv4Addr;

use crate::{
    harness::Service,
    process::{Setup, Signal},
    until,
    wire::{Response, Wire, get},
};

fn put(wire: &mut Wire, level: &str) -> Response {
    let length = level.len();
    wire.ask(&format!(
        "PUT /log/level HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{level}"
    ))
}

fn level(service: &Service) -> String {
    service.admin("/log/level").text()
}

/// Whether a handler's events at this level are written now.
fn is_written(service: &Service, at: &str) -> bool {
    service.get(&format!("/logs/{at}"));
    // Said behind it, by one thread, at a level that is always written.
    let said = |log: &[String], text: &str| log.iter().filter(|line| line.contains(text)).count();
    let asked = said(&service.process.log.lines(), "a handler fails");
    service.get("/logs/error");
    until("what was said last", || {
        let log = service.process.log.lines();
        (said(&log, "a handler fails") > asked).then_some(())
    });
    let text = format!("a handler says {at}");
    said(&service.process.log.lines(), &text) > 0
}

#[test]
fn the_level_is_shown_and_changed_at_the_admin_port() {
    let service = Setup::new().set("log.level", "info,sqlx=warn").serve();
    assert_eq!(level(&service), "info,sqlx=warn\n");
    assert!(!is_written(&service, "debug"));
    let mut admin = Wire::connect(service.admin);
    put(&mut admin, "debug,h2=info\n").expect(200, "debug,h2=info\n");
    assert!(is_written(&service, "debug"));
    let refused = put(&mut admin, "loud");
    assert_eq!(refused.head.status, 400);
    assert!(
        refused.text().contains("off, error, warn, info or debug"),
        "{}",
        refused.text()
    );
    assert_eq!(level(&service), "debug,h2=info\n");
    drop(admin);
    service.stop();
}

#[test]
fn only_the_pod_itself_may_change_it() {
    let service = Setup::new().set("admin.address", "0.0.0.0:0").serve();
    let sidecar = Ipv4Addr::new(127, 0, 0, 6).into();
    let mut outside = Wire::connect_from(sidecar, ([127, 0, 0, 1], service.admin.port()).into());
    assert_eq!(put(&mut outside, "debug").head.status, 403);
    assert_eq!(outside.ask(&get("/log/level")).text(), "info\n");
    drop(outside);
    let mut inside = Wire::connect(([127, 0, 0, 1], service.admin.port()).into());
    put(&mut inside, "debug").expect(200, "debug\n");
    drop(inside);
    service.stop();
}

#[test]
fn sigusr1_says_more_and_sigusr2_less() {
    let service = Setup::new().serve();
    for (signal, expected) in [
        (Signal::SIGUSR1, "debug\n"),
        (Signal::SIGUSR2, "info\n"),
        (Signal::SIGUSR2, "warn\n"),
        (Signal::SIGUSR1, "info\n"),
    ] {
        service.process.signal(signal);
        until("the level", || (level(&service) == expected).then_some(()));
    }
    assert_eq!(service.status()["phase"], "ready");
    service.stop();
}
