//! preStop: by `POST /prestop`, and by the subcommand that calls it.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    path::PathBuf,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::{
    gate::Gate,
    harness::Service,
    ms,
    process::{Setup, Signal, own_ip},
    wire::{Response, Wire, get, post},
};

const LAME_DUCK: Duration = ms(400);

fn setup() -> Setup {
    Setup::new()
        .set("drain.min", "400ms")
        .set("drain.max", "400ms")
}

/// Calls preStop, and tells what it answers and how long that takes.
fn prestop(service: &Service) -> JoinHandle<(Response, Duration)> {
    let admin = service.admin;
    thread::spawn(move || {
        let started = Instant::now();
        (
            Wire::connect(admin).ask(&post("/prestop", 0)),
            started.elapsed(),
        )
    })
}

#[test]
fn prestop_answers_when_the_lame_duck_is_over_and_raises_no_fence() {
    let service = setup().serve();
    let mut kept = service.connect();
    assert!(!kept.ask(&get("/hello/kept")).head.says_goodbye());
    let (response, lasted) = prestop(&service).join().unwrap();
    assert_eq!(response.head.status, 200);
    assert!(lasted >= LAME_DUCK, "{lasted:?}");

    let status = service.status();
    assert_eq!(
        (&status["phase"], &status["lame_duck_over"]),
        (&"lame-duck".into(), &true.into())
    );
    assert!(kept.ask(&get("/hello/kept")).head.says_goodbye());
    let newcomer = service.get("/hello/newcomer");
    newcomer.expect(200, "Hello, newcomer!");
    assert!(newcomer.head.says_goodbye());
    drop(kept);

    service.process.signal(Signal::SIGTERM);
    let report = service.left_in_good_order().report;
    assert_eq!(report["cause"], "prestop");
    assert_eq!(report["repeated_signals"], 0);
}

#[test]
fn a_signal_after_prestop_drains_at_once() {
    // A second lame duck would show as a phase that can be met, an hour long.
    let service = setup()
        .set("drain.max", "1h")
        .set("drain.quiet", "10ms")
        .serve();
    prestop(&service).join().unwrap();
    let gate = Gate::new();
    let mut wire = service.connect();
    wire.send(get(&gate.target("/gate")));
    let waiting = gate.waiting();
    service.process.signal(Signal::SIGTERM);
    service.wait_phase("draining");
    waiting.let_go();
    wire.response().expect(200, "let go");
    drop(wire);
    service.left_in_good_order();
}

#[test]
fn a_second_prestop_waits_for_the_same_end() {
    let service = setup().serve();
    let first = prestop(&service);
    service.wait_phase("lame-duck");
    let second = prestop(&service);
    for call in [first, second] {
        assert_eq!(call.join().unwrap().0.head.status, 200);
        assert_eq!(service.status()["lame_duck_over"], true);
    }
    // And one that comes too late is answered at once.
    assert_eq!(prestop(&service).join().unwrap().0.head.status, 200);
    service.stop();
}

#[test]
fn prestop_is_answered_though_the_signal_comes_meanwhile_and_the_process_leaves() {
    let service = setup().serve();
    let call = prestop(&service);
    service.wait_phase("lame-duck");
    service.process.signal(Signal::SIGTERM);
    service.left_in_good_order();
    assert_eq!(call.join().unwrap().0.head.status, 200);
}

#[test]
fn only_a_post_is_a_prestop() {
    let service = Setup::held().serve();
    assert_ne!(service.admin("/prestop").head.status, 200);
    assert_eq!(service.status()["phase"], "ready");
    service.stop();
}

/// A settings file, removed in the end.
struct File(PathBuf);

impl File {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("lastcall-e2e-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }

    /// The program with this file in its environment, where `exec` hooks and probes find it too.
    fn setup(&self) -> Setup {
        Setup::bare().var("LASTCALL_CONFIG", self.0.to_str().unwrap())
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn the_subcommands_find_the_service_by_its_settings_file() {
    let admin = SocketAddr::new(own_ip(), 9090);
    let file = File::new(
        "subcommands",
        &format!(
            "http.address = '127.0.0.1:0'\nadmin.address = '{admin}'\n\
             drain = {{ min = '400ms', quiet = '0s', max = '400ms', jitter = '0s' }}\n"
        ),
    );
    assert_eq!(
        file.setup().run(&["healthcheck"]).code,
        Some(69),
        "nobody is there"
    );
    let service = file.setup().serve();
    assert_eq!(service.admin, admin);
    assert_eq!(file.setup().run(&["healthcheck"]).code, Some(0));
    assert_eq!(service.status()["phase"], "ready");

    let started = Instant::now();
    let end = file.setup().run(&["prestop"]);
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(started.elapsed() >= LAME_DUCK);
    assert_eq!(service.status()["lame_duck_over"], true);
    assert_eq!(
        file.setup().run(&["healthcheck"]).code,
        Some(0),
        "draining is no illness"
    );

    service.process.signal(Signal::SIGTERM);
    assert_eq!(service.left_in_good_order().report["cause"], "prestop");
    let end = file.setup().run(&["prestop"]);
    assert_eq!(end.code, Some(69));
    assert_eq!(end.log.len(), 1, "{end:?}");
    assert!(end.logged(&admin.to_string()));
}

/// An address of this machine that is not loopback: as a neighbouring pod's is.
fn own_address_on_a_network() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    // Only chooses a route, and with it the source; nothing is sent (192.0.2.0/24 is nobody's).
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback()).then_some(ip)
}

#[test]
fn a_pod_cannot_be_drained_from_another_address_than_loopback() {
    let Some(ip) = own_address_on_a_network() else {
        eprintln!("not tested: this machine is on no network");
        return;
    };
    let service = setup().set("admin.address", "0.0.0.0:0").serve();
    let admin = SocketAddr::new(ip, service.admin.port());
    // The listener is reached there, and only this one answer depends on who asks.
    assert_eq!(Wire::connect(admin).ask(&get("/livez")).head.status, 200);
    let refusal = Wire::connect(admin).ask(&post("/prestop", 0));
    assert_eq!(refusal.head.status, 403);
    assert_eq!(service.status()["phase"], "ready");
    assert_eq!(prestop(&service).join().unwrap().0.head.status, 200);
    assert_eq!(service.status()["phase"], "lame-duck");
    service.process.signal(Signal::SIGTERM);
    service.left_in_good_order();
}

#[test]
fn a_mesh_that_connects_for_anybody_cannot_drain_a_pod() {
    let service = setup().set("admin.address", "0.0.0.0:0").serve();
    let port = service.admin.port();
    let to = |ip: [u8; 4]| SocketAddr::new(ip.into(), port);
    // Istio's sidecar connects from 127.0.0.6 on behalf of whoever called it.
    for (source, address) in [
        ([127, 0, 0, 6], to([127, 0, 0, 1])),
        ([127, 0, 0, 6], to([127, 0, 0, 6])),
        ([127, 1, 2, 3], to([127, 0, 0, 1])),
    ] {
        let mut sidecar = Wire::connect_from(source.into(), address);
        assert_eq!(sidecar.ask(&get("/livez")).head.status, 200);
        let refusal = Wire::connect_from(source.into(), address).ask(&post("/prestop", 0));
        assert_eq!(refusal.head.status, 403, "{source:?} to {address}");
        assert_eq!(service.status()["phase"], "ready");
    }
    let mut hook = Wire::connect(to([127, 0, 0, 1]));
    assert_eq!(hook.ask(&post("/prestop", 0)).head.status, 200);
    service.process.signal(Signal::SIGTERM);
    service.left_in_good_order();
}
