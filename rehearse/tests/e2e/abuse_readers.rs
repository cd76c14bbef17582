//! Clients that ask, and do not read what they are answered.

use std::fs;

use serde_json::json;

use crate::{
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    wire::{Wire, get},
};

fn reads_nothing(service: &Service, target: &str) -> Wire {
    let mut wire = Wire::connect_with_small_window(service.http);
    wire.send(get(target));
    wire.head();
    wire
}

#[test]
fn a_client_that_takes_nothing_is_ended_after_the_keep_alive_time() {
    let service = Setup::new().set("http.keep_alive", "500ms").serve();
    let mut wire = reads_nothing(&service, "/flood");
    service.wait_connections("open", 0);
    // What it had taken before, and then no proper end.
    while let Ok(chunk) = wire.try_chunk() {
        assert!(chunk.is_some(), "something is missing");
    }
    service.stop();
}

#[test]
fn a_client_that_takes_a_little_now_and_then_is_served() {
    let service = Setup::new().set("http.keep_alive", "1500ms").serve();
    let mut wire = reads_nothing(&service, "/flood");
    for _ in 0..20 {
        pass(
            ms(200),
            "far more slowly than the kernel's buffers ask for more",
        );
        wire.take(4096).unwrap();
    }
    assert_eq!(service.status()["connections"]["open"], 1);
    drop(wire);
    service.stop();
}

#[test]
fn a_client_that_takes_nothing_in_the_drain_is_ended_by_the_deadline_and_counted() {
    let setup = Setup::new().set("http.keep_alive", "2s");
    let service = setup.set("grace_period", "6s").serve();
    let _wire = reads_nothing(&service, "/flood");
    service.process.signal(Signal::SIGTERM);
    let left = service.left();
    assert_eq!(
        (left.code, &left.report["cut"]),
        (Some(3), &json!({"/flood": 1}))
    );
    let lasted = left.report["draining_ms"].as_u64().unwrap();
    assert!(
        lasted >= 3_500,
        "ended before the deadline: {}",
        left.report
    );
}

#[test]
fn a_client_that_takes_nothing_and_goes_on_sending_is_ended() {
    let service = Setup::new().set("http.keep_alive", "500ms").serve();
    let mut wire = Wire::connect_with_small_window(service.http);
    wire.send("GET /big?bytes=100000 HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n");
    assert_eq!(wire.head().status, 200);
    let mut sent = 0;
    while wire.try_send("x").is_ok() {
        sent += 1;
        assert!(sent < 600, "half a minute, and it is still there");
        pass(ms(50), "a client that sends, and does not read");
    }
    service.wait_connections("open", 0);
    service.stop();
}

/// What the process has in memory, in bytes.
#[cfg(target_os = "linux")]
pub(crate) fn memory(service: &Service) -> usize {
    let status = format!("/proc/{}/status", service.process.id());
    let status = fs::read_to_string(status).unwrap();
    let kilobytes = |line: &str| {
        let rest = line.strip_prefix("VmRSS:")?.trim();
        rest.strip_suffix(" kB")?.parse().ok()
    };
    let kilobytes: usize = status.lines().find_map(kilobytes).unwrap();
    kilobytes * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_that_takes_nothing_holds_little_memory() {
    const CLIENTS: usize = 50;
    let service = Setup::new().serve();
    drop(reads_nothing(&service, "/flood"));
    let before = memory(&service);
    let wires: Vec<Wire> = (0..CLIENTS)
        .map(|_| reads_nothing(&service, "/flood"))
        .collect();
    pass(ms(300), "each is sent as much as its kernel takes");
    let each = memory(&service).saturating_sub(before) / CLIENTS;
    println!("{each} bytes for each client that takes nothing");
    assert!(each < 256 * 1024, "{each} bytes each");
    drop(wires);
    service.stop();
}
