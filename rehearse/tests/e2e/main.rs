//! The real binary, driven with raw sockets and signals: before, during and after the fence.
//!
//! Each test has a process of its own (`examples/unruly`). Nothing here waits for things to
//! settle: a test waits for a state, in `/status` or in the log, and holds handlers back by a
//! [`gate`]. Where the passing of time itself is what is tested, it says so by [`pass`].

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test's helpers fail the test"
)]

mod abuse_bodies;
mod abuse_crowds;
mod abuse_heads;
mod abuse_readers;
mod abuse_shapes;
mod access_log;
mod bodies;
mod command_line;
mod conform;
#[cfg(target_os = "linux")]
mod crossing;
mod deadline;
#[cfg(target_os = "linux")]
mod delay;
#[cfg(target_os = "linux")]
mod delayed;
mod events;
mod framing;
mod full;
mod gate;
mod goodbye;
mod h2_abuse;
mod h2_goaway;
mod h2_memory;
mod h2_preface;
mod h2_protocol;
mod h2_readers;
mod h2_sabotage;
mod h2_shapes;
mod h2_wire;
mod handlers;
mod harness;
mod hooks;
mod interrupted;
mod kinds;
mod left;
mod line_ends;
mod log;
mod log_level;
mod metrics;
mod moments;
mod no_body;
mod offers;
mod on_model;
mod patience;
mod pipelines;
mod prestop;
mod probes;
mod process;
mod readers;
mod rehearsal;
mod replaced;
mod resources;
mod resume;
mod sabotage;
mod scenarios;
mod settings;
mod signals;
mod silence;
mod socket;
mod spread;
mod streams;
mod tls;
mod traffic;
mod unannounced;
#[cfg(target_os = "linux")]
mod vanished;
mod verdict;
mod websocket;
mod websocket_close;
mod wire;
mod workers;

use std::time::Duration;

/// When a test is given up. Far beyond what a slow machine needs.
const HANG: Duration = Duration::from_secs(60);

/// How often a state is asked for.
const POLL: Duration = Duration::from_millis(3);

/// Lets time pass, where its passing is what is tested: `_why` says how.
fn pass(time: Duration, _why: &str) {
    std::thread::sleep(time);
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Waits until `ready` has something.
///
/// # Panics
/// After [`HANG`].
#[track_caller]
fn until<T>(what: &str, mut ready: impl FnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    loop {
        if let Some(found) = ready() {
            return found;
        }
        assert!(started.elapsed() < HANG, "waited in vain: {what}");
        std::thread::sleep(POLL);
    }
}
