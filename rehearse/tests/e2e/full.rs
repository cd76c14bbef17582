//! As many connections as there may be: full is not deaf.

use std::net::TcpStream;

use crate::{
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    until,
    wire::{Wire, get},
};

const ROOM: usize = 20;

fn small() -> Service {
    let setup = Setup::new().set("http.max_connections", &ROOM.to_string());
    setup.serve()
}

fn kept(service: &Service) -> Wire {
    let mut wire = service.connect();
    wire.ask(&get("/hello/kept")).expect(200, "Hello, kept!");
    wire
}

#[test]
fn an_idle_connection_makes_room_for_a_newcomer_and_the_longest_idle_goes_first() {
    let service = small();
    let mut idle: Vec<Wire> = (0..ROOM).map(|_| kept(&service)).collect();
    pass(ms(1_100), "they are idle for a second");
    for wire in &mut idle[1..] {
        wire.ask(&get("/hello/kept")).expect(200, "Hello, kept!");
    }
    pass(
        ms(1_100),
        "so are the others again, and the first for longest",
    );
    service.get("/hello/new").expect(200, "Hello, new!");
    idle[0].expect_fin();
    assert!(idle[1..].iter().all(Wire::is_silent));
    drop(idle);
    service.stop();
}

#[test]
fn who_has_never_spoken_goes_before_who_is_idle() {
    let service = small();
    let mut idle = kept(&service);
    pass(ms(100), "the idle one is older");
    let mut mute: Vec<Wire> = (1..ROOM).map(|_| service.connect()).collect();
    pass(ms(1_100), "and silent for a second, as they are");
    service.get("/hello/new").expect(200, "Hello, new!");
    mute[0].expect_fin();
    idle.ask(&get("/hello/kept")).expect(200, "Hello, kept!");
    drop((idle, mute));
    service.stop();
}

#[test]
fn many_newcomers_at_once_find_room() {
    let service = small();
    let idle: Vec<Wire> = (0..ROOM).map(|_| kept(&service)).collect();
    pass(ms(1_100), "they are idle for a second");
    let mut new: Vec<Wire> = (0..ROOM).map(|_| service.connect()).collect();
    for wire in &mut new {
        wire.ask(&get("/hello/new")).expect(200, "Hello, new!");
    }
    drop((idle, new));
    service.stop();
}

#[test]
fn active_clients_are_not_put_out() {
    let service = small();
    let mut active: Vec<Wire> = (0..ROOM).map(|_| kept(&service)).collect();
    let mut new = service.connect();
    new.send(get("/hello/new"));
    for _ in 0..10 {
        pass(ms(200), "less than a second");
        for wire in &mut active {
            wire.ask(&get("/hello/kept")).expect(200, "Hello, kept!");
        }
    }
    assert!(new.is_silent(), "a newcomer waits");
    drop(active.pop());
    new.response().expect(200, "Hello, new!");
    drop((active, new));
    service.stop();
}

#[test]
fn from_the_fence_on_nobody_is_put_out() {
    let limit = ROOM.to_string();
    let setup = Setup::new().set("http.max_connections", &limit);
    let service = setup.set("drain.patience", "1h").serve();
    let mut idle: Vec<Wire> = (0..ROOM).map(|_| kept(&service)).collect();
    let mut queued: Vec<Wire> = (0..5).map(|_| service.connect()).collect();
    service.process.signal(Signal::SIGTERM);
    until("the fence", || service.refuses().then_some(()));
    for wire in idle.iter_mut().chain(&mut queued) {
        wire.ask(&get("/hello/late")).expect(200, "Hello, late!");
    }
    drop((idle, queued));
    service.left_in_good_order();
}

#[test]
fn the_admin_port_answers_a_probe_whoever_holds_connections_to_it() {
    for sent in ["", "GET /livez HTTP/1.1\r\n"] {
        let service = Setup::new().serve();
        let held: Vec<Wire> = (0..200)
            .map(|_| {
                let mut wire = Wire::connect(service.admin);
                wire.send(sent);
                wire
            })
            .collect();
        for probe in ["/livez", "/readyz", "/status"] {
            let response = service.admin(probe);
            assert_eq!(response.head.status, 200, "{probe}, behind {sent:?}");
        }
        drop(held);
        service.stop();
    }
}

#[test]
fn a_crowd_at_the_admin_port_finds_room_in_its_queue_while_the_process_gets_no_processor() {
    let service = Setup::new().serve();
    service.process.signal(Signal::SIGSTOP);
    // With no room in the queue the kernel drops the SYN, and a client repeats it after a second.
    let connect = |_| TcpStream::connect_timeout(&service.admin, ms(900));
    let held: Result<Vec<TcpStream>, _> = (0..400).map(connect).collect();
    service.process.signal(Signal::SIGCONT);
    let held = held.expect("the queue has room");
    assert_eq!(service.admin("/livez").head.status, 200);
    drop(held);
    service.stop();
}

#[test]
fn at_its_limit_the_port_goes_on_accepting_whenever_a_connection_leaves() {
    let service = Setup::new().set("http.max_connections", "2").serve();
    let http = service.http;
    let ask_often = move || {
        for _ in 0..400 {
            let response = Wire::connect(http).ask(&get("/hello/crowd"));
            response.expect(200, "Hello, crowd!");
        }
    };
    let crowd: Vec<_> = (0..8).map(|_| std::thread::spawn(ask_often)).collect();
    for client in crowd {
        client.join().unwrap();
    }
    service.stop();
}
