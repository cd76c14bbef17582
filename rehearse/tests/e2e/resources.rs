//! What a process takes, and what it does when there is no more to take.

use std::{fs, path::Path};

use crate::{
    harness::Service,
    ms, pass,
    process::{Setup, Signal},
    until,
    wire::{Wire, get},
};

/// How often the threads of a process have gone to sleep so far, of their own will.
fn sleeps(service: &Service) -> u64 {
    let tasks = format!("/proc/{}/task", service.process.id());
    let threads = fs::read_dir(tasks).unwrap();
    threads
        .map(|thread| sleeps_of(&thread.unwrap().path()))
        .sum()
}

fn sleeps_of(thread: &Path) -> u64 {
    // A thread may be gone by now.
    let status = fs::read_to_string(thread.join("status")).unwrap_or_default();
    let count = |line: &str| {
        line.strip_prefix("voluntary_ctxt_switches:")?
            .trim()
            .parse()
            .ok()
    };
    status.lines().find_map(count).unwrap_or_default()
}

#[cfg(target_os = "linux")]
#[test]
fn an_idle_process_comes_to_rest() {
    let service = Setup::held().serve();
    let mut idle: Vec<Wire> = (0..10).map(|_| service.connect()).collect();
    for wire in &mut idle {
        wire.ask(&get("/hello/idle"));
    }
    service.begin_lame_duck();
    // Timers that are far off still wake it a few times (they move through tokio's wheel), and
    // then no more. Who polls never comes to rest.
    until("half a second in which none of its threads wakes", || {
        let before = sleeps(&service);
        pass(ms(500), "nothing happens");
        (sleeps(&service) == before).then_some(())
    });
    drop(idle);
    service.stop();
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_whose_peer_does_not_read_its_last_response_costs_little() {
    let service = Setup::held().serve();
    let mut slow = Wire::connect_with_small_window(service.http);
    service.begin_lame_duck();
    slow.send(get("/big?bytes=200000"));
    // Written, and not taken.
    service.wait_requests(0);
    pass(ms(500), "the kernel is asked more and more rarely");
    let before = sleeps(&service);
    pass(ms(1_000), "nothing happens");
    let woken = sleeps(&service) - before;
    assert!(woken < 40, "woken {woken} times in a second");
    drop(slow);
    service.stop();
}

#[test]
fn connections_in_the_queue_are_served_though_descriptors_run_out() {
    // 80 for the runtime and 40 for connections; 160 wait in the kernel's queue.
    let limits = [("http.workers", "2"), ("http.max_connections", "40")];
    let setup = limits
        .iter()
        .fold(Setup::new(), |setup, (key, value)| setup.set(key, value));
    let service = setup.descriptors(120).serve();
    let wires: Vec<Wire> = (0..200).map(|_| service.connect()).collect();
    service.process.signal(Signal::SIGTERM);
    service.process.log.wait_for("the accept queue is held up");
    for mut wire in wires {
        wire.ask(&get("/hello/queued"))
            .expect(200, "Hello, queued!");
    }
    service.left_in_good_order();
}
