//! The connection layer under arbitrary bytes: a client that sends them in arbitrary pieces,
//! pauses, half-closes, resets and stops reading, while the process passes through its stages.
//!
//! The sockets are real, and so are the worker and its application. What must come back follows
//! from what was sent as a whole, whatever the pieces: see `check.rs`.

mod app;
mod check;
mod chunked;
mod model;
mod play;
mod response;
mod script;

use std::{cell::RefCell, net::TcpListener};

use tokio::runtime::Runtime;

use self::script::Script;

/// What a thread needs for all its runs.
struct Stage {
    runtime: Runtime,
    listener: TcpListener,
}

thread_local! {
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

/// Plays what `input` says, and checks what came back.
///
/// # Panics
/// When a rule is broken, or a connection hangs.
pub fn run(input: &[u8]) {
    STAGE.with_borrow_mut(|stage| {
        let stage = stage.get_or_insert_with(Stage::new);
        let script = Script::read(input);
        let observed = play::play(&stage.runtime, &stage.listener, &script);
        if let Err(broken) = check::check(&observed) {
            panic!("{broken}\n{script:#?}\n{observed:#?}");
        }
    });
}

impl Stage {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // The kernel's news with each turn: a pause is then a few turns, and not a time.
            .event_interval(1)
            .build()
            .expect("an event loop can be built");
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        Self { runtime, listener }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        panic::{set_hook, take_hook},
        sync::Once,
    };

    use super::*;

    thread_local! {
        static PANICS: Cell<usize> = const { Cell::new(0) };
    }

    /// Counts the panics of each thread: those of a connection's task end in the event loop.
    fn count_panics() {
        static COUNTING: Once = Once::new();
        COUNTING.call_once(|| {
            let before = take_hook();
            set_hook(Box::new(move |panic| {
                PANICS.set(PANICS.get() + 1);
                before(panic);
            }));
        });
    }

    /// Numbers that look arbitrary, and are the same each time (xorshift64).
    fn bytes(seed: u64) -> Vec<u8> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let len = 8 + next() % 120;
        (0..len).map(|_| (next() >> 32) as u8).collect()
    }

    #[test]
    fn whatever_a_client_sends_each_good_request_is_answered_and_nothing_else() {
        count_panics();
        let seeds = std::env::var("LASTCALL_FUZZ_SEEDS").map_or(400, |seeds| {
            seeds.parse().expect("LASTCALL_FUZZ_SEEDS is a number")
        });
        for seed in 0..seeds {
            run(&bytes(seed));
            assert_eq!(PANICS.get(), 0, "a connection panicked, seed {seed}");
        }
    }

    /// What libFuzzer starts from, and what it has found before.
    #[test]
    fn the_corpus_breaks_no_rule() {
        count_panics();
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus");
        let seeds: Vec<_> = std::fs::read_dir(corpus).unwrap().collect();
        assert!(!seeds.is_empty());
        for seed in seeds {
            let seed = seed.unwrap().path();
            run(&std::fs::read(&seed).unwrap());
            assert_eq!(PANICS.get(), 0, "a connection panicked: {}", seed.display());
        }
    }
}
