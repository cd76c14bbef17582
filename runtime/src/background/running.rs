//! What runs behind the responses, by name: background work, and jobs that handlers have handed over.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::control::{Control, Notice};

/// How many of each name run, and which have failed.
#[derive(Debug, Default)]
pub(crate) struct Running(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    running: BTreeMap<&'static str, usize>,
    failed: BTreeMap<&'static str, u64>,
    finished: u64,
}

/// One that runs, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Guard {
    control: Arc<Control>,
    name: &'static str,
}

impl Running {
    /// Counts one that begins.
    pub(super) fn begin(control: &Arc<Control>, name: &'static str) -> Guard {
        let mut names = control.ledger.background.lock();
        *names.running.entry(name).or_default() += 1;
        drop(names);
        let control = Arc::clone(control);
        Guard { control, name }
    }

    /// How many run.
    pub(crate) fn count(&self) -> usize {
        self.lock().running.values().sum()
    }

    /// How many run, by name.
    pub(crate) fn by_name(&self) -> BTreeMap<&'static str, usize> {
        self.lock().running.clone()
    }

    /// How many have failed or panicked, by name.
    pub(crate) fn failed(&self) -> BTreeMap<&'static str, u64> {
        self.lock().failed.clone()
    }

    /// How many have ended well since the drain began.
    pub(crate) fn finished(&self) -> u64 {
        self.lock().finished
    }

    fn lock(&self) -> MutexGuard<'_, Names> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guard {
    /// Notes how it went, before it counts as ended.
    pub(super) fn ended(&self, well: bool) {
        let mut names = self.control.ledger.background.lock();
        match well {
            true if self.control.t0().is_some() => names.finished += 1,
            true => {}
            false => *names.failed.entry(self.name).or_default() += 1,
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut names = self.control.ledger.background.lock();
        if let Some(count) = names.running.get_mut(self.name) {
            *count -= 1;
            if *count == 0 {
                names.running.remove(self.name);
            }
        }
        drop(names);
        self.control.notify(Notice::Progress);
    }
}
