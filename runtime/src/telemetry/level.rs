//! The log's levels, and how they are changed while it is written.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::ErrorCounter;
use tracing_log::AsLog as _;
use tracing_subscriber::{filter::Targets, reload};

use crate::settings::Levels;

/// The levels of this process's log, if it is ours. There is one log, however many services there are.
static LOG: Mutex<Option<Arc<LogLevel>>> = Mutex::new(None);

/// Hands levels to a filter.
type Apply = Box<dyn Fn(Targets) -> Result<(), reload::Error> + Send>;

/// What is logged now.
pub(crate) struct LogLevel(Mutex<State>, ErrorCounter);

struct State {
    levels: Levels,
    filters: Vec<Apply>,
}

impl LogLevel {
    pub(super) fn new(levels: Levels, dropped: ErrorCounter) -> Arc<Self> {
        let filters = Vec::new();
        Arc::new(Self(Mutex::new(State { levels, filters }), dropped))
    }

    /// Lines that were not written, since too many waited already.
    pub(crate) fn dropped_lines(&self) -> u64 {
        self.1.dropped_lines() as u64
    }

    /// This one is changed from outside.
    pub(super) fn make_current(self: &Arc<Self>) {
        *lock(&LOG) = Some(Arc::clone(self));
    }

    /// That of this process's log, if it is ours.
    pub(crate) fn current() -> Option<Arc<Self>> {
        lock(&LOG).clone()
    }

    /// A filter by these levels, whatever they are changed to.
    pub(super) fn filter<S: 'static>(&self) -> reload::Layer<Targets, S> {
        let mut state = lock(&self.0);
        let (filter, handle) = reload::Layer::new(targets(&state.levels));
        state
            .filters
            .push(Box::new(move |targets| handle.reload(targets)));
        filter
    }

    pub(crate) fn levels(&self) -> Levels {
        lock(&self.0).levels.clone()
    }

    /// Changes them, and says so, if anything that is said at `info` is written, before or after.
    pub(crate) fn set(&self, levels: Levels, by: &str) {
        let before = self.levels();
        let say = || tracing::info!(from = %before, to = %levels, by, "log.level changed");
        if before.general >= levels.general {
            say();
        }
        {
            let mut state = lock(&self.0);
            state.levels = levels.clone();
            // One whose subscriber has gone has nothing to filter.
            state
                .filters
                .retain(|apply| apply(targets(&levels)).is_ok());
        }
        // Dependencies that log with `log` ask this first.
        tracing_log::log::set_max_level(LevelFilter::current().as_log());
        if before.general < levels.general {
            say();
        }
    }

    /// Goes one step: more is written, or less.
    pub(crate) fn step(&self, more: bool, by: &str) {
        self.set(self.levels().step(more), by);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Leaves out what a dependency says of each frame that it does not like: a peer can send such frames
/// by the million, and log lines must be bounded by connections, not by bytes. Whoever asks for
/// `debug`, or for `h2` by name, wants to see them.
fn targets(levels: &Levels) -> Targets {
    let of_frames = match levels.general {
        LevelFilter::DEBUG => LevelFilter::DEBUG,
        level => level.min(LevelFilter::ERROR),
    };
    Targets::new()
        .with_default(levels.general)
        .with_target("h2", of_frames)
        .with_targets(levels.targets.clone())
}
