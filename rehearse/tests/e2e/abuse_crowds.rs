//! Many connections at once: idle ones, and more than there is room for.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::{
    harness::Service,
    ms, pass,
    process::Setup,
    until,
    wire::{Wire, get},
};

/// Lets this process have as many connections as the system allows.
fn raise_descriptor_limit() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
}

fn idle(service: &Service) -> Wire {
    let mut wire = service.connect();
    wire.ask(&get("/hello/idle")).expect(200, "Hello, idle!");
    wire
}

/// So many clients ask, fall silent, ask again, and are told to leave; each costs so many bytes.
#[cfg(target_os = "linux")]
fn crowd(clients: usize) -> usize {
    raise_descriptor_limit();
    let service = Setup::new()
        .set("http.max_connections", &clients.to_string())
        .set("http.keep_alive", "1h")
        .serve();
    // What is there once and for all.
    for _ in 0..100 {
        drop(idle(&service));
    }
    let before = crate::abuse_readers::memory(&service);
    let mut wires: Vec<Wire> = (0..clients).map(|_| idle(&service)).collect();
    service.wait_connections("open", clients as u64);
    service.wait_connections("in_flight", 0);
    let each = crate::abuse_readers::memory(&service).saturating_sub(before) / clients;
    println!("{clients} idle connections: {each} bytes each");
    for wire in &mut wires {
        wire.ask(&get("/hello/again")).expect(200, "Hello, again!");
    }
    service.process.signal(crate::process::Signal::SIGTERM);
    for wire in &mut wires {
        wire.expect_fin();
    }
    drop(wires);
    service.left_in_good_order();
    each
}

#[cfg(target_os = "linux")]
#[test]
fn two_thousand_idle_connections_are_served_and_drained_and_cost_little() {
    let each = crowd(2_000);
    assert!(each < 4 * 1024, "{each} bytes each");
}

/// As many as one process may have where the limit is 20,000 descriptors.
#[cfg(target_os = "linux")]
#[test]
#[ignore = "takes most of the system's local ports; run it alone"]
fn fifteen_thousand_idle_connections_are_served_and_drained() {
    let each = crowd(15_000);
    assert!(each < 4 * 1024, "{each} bytes each");
}

#[test]
fn a_flood_of_connections_waits_in_the_queue_and_is_served_in_its_turn() {
    let service = Setup::new().set("http.max_connections", "20").serve();
    let mut wires: Vec<Wire> = (0..400).map(|_| service.connect()).collect();
    for wire in &mut wires {
        wire.send(get("/hello/flood"));
    }
    service.wait_connections("open", 20);
    assert_eq!(service.admin("/livez").head.status, 200);
    assert_eq!(service.admin("/readyz").head.status, 200);
    // Each makes room for another.
    for mut wire in wires {
        wire.response().expect(200, "Hello, flood!");
        assert!(service.status()["connections"]["open"].as_u64() <= Some(20));
    }
    service.stop();
}

/// How much of a processor this process has used so far, in clock ticks.
#[cfg(target_os = "linux")]
fn ticks(service: &Service) -> u64 {
    let stat = format!("/proc/{}/stat", service.process.id());
    let stat = std::fs::read_to_string(stat).unwrap();
    // After the name, which may hold anything: user time is the 12th field, the system's the 13th.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let mut fields = fields.split_whitespace().skip(11);
    let mut next = || fields.next().unwrap().parse::<u64>().unwrap();
    next() + next()
}

#[cfg(target_os = "linux")]
#[test]
fn running_out_of_descriptors_neither_spins_nor_floods_the_log() {
    let limits = [("http.workers", "2"), ("http.max_connections", "40")];
    let setup = limits
        .iter()
        .fold(Setup::new(), |setup, (key, value)| setup.set(key, value));
    let service = setup.descriptors(120).serve();
    // Connections of probes take descriptors, too, and are not limited by the public ones.
    let mut probes: Vec<Wire> = (0..110).map(|_| Wire::connect(service.admin)).collect();
    let mut wire = service.connect();
    wire.send(get("/hello/late"));
    let failed = || {
        service
            .process
            .log
            .with("a connection could not be accepted; trying again")
    };
    until("descriptors run out", || {
        (!failed().is_empty()).then_some(())
    });
    let before = ticks(&service);
    pass(ms(1_000), "nobody leaves");
    let spent = ticks(&service) - before;
    // A hundred ticks are the whole second of one processor.
    assert!(spent < 30, "{spent} ticks");
    assert!(
        failed().len() <= 2,
        "once for each listener: {:?}",
        failed()
    );
    probes.clear();
    wire.response().expect(200, "Hello, late!");
    service.stop();
}
