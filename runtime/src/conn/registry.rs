//! The connections of one thread: whom to wake when the stage changes, and who may make room.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    task::Waker,
    time::Instant,
};

use slab::Slab;

/// The connections of one thread.
#[derive(Debug, Default)]
pub(super) struct Registry(RefCell<Slab<Rc<Entry>>>);

/// What a connection tells of itself. It has its own handle on it, and so says with each request
/// that it waits, at the cost of a store.
#[derive(Debug)]
struct Entry {
    waker: Waker,
    /// Since when the connection waits for its client, as far as it has said. It need not have said
    /// that it does no longer.
    waits: Cell<Option<AwaitsClient>>,
    /// It is to make room, if it has waited since then.
    asked: Cell<Option<Instant>>,
}

/// A connection that waits for its client. Who has never spoken comes first, and then who has been
/// silent longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AwaitsClient {
    /// It has had a response.
    pub(super) has_spoken: bool,
    pub(super) since: Instant,
}

/// A connection's entry in its thread's list.
#[derive(Debug)]
pub(super) struct Registration {
    registry: Rc<Registry>,
    key: usize,
    entry: Rc<Entry>,
}

impl Registry {
    pub(super) fn enter(self: &Rc<Self>, waker: &Waker) -> Registration {
        let entry = Rc::new(Entry {
            waker: waker.clone(),
            waits: Cell::default(),
            asked: Cell::default(),
        });
        Registration {
            registry: Rc::clone(self),
            key: self.0.borrow_mut().insert(Rc::clone(&entry)),
            entry,
        }
    }

    pub(super) fn wake_all(&self) {
        for (_, entry) in &*self.0.borrow() {
            entry.waker.wake_by_ref();
        }
    }

    /// At most `count` connections that have waited since `before` or longer, the first to go
    /// first.
    pub(super) fn waiting(&self, count: usize, before: Instant) -> Vec<(AwaitsClient, usize)> {
        let entries = self.0.borrow();
        let waiting = entries.iter().filter_map(|(key, entry)| {
            let waits = entry.waits.get().filter(|waits| waits.since <= before);
            Some((waits?, key))
        });
        let mut waiting: Vec<_> = waiting.collect();
        waiting.sort_unstable();
        waiting.truncate(count);
        waiting
    }

    /// Asks a connection to make room, if it still waits, and has since `before`.
    pub(super) fn ask(&self, key: usize, before: Instant) {
        if let Some(entry) = self.0.borrow().get(key) {
            entry.waits.set(None);
            entry.asked.set(Some(before));
            entry.waker.wake_by_ref();
        }
    }
}

impl Registration {
    /// Notes that the connection waits for its client. True if it is to make room.
    #[inline]
    pub(super) fn waits(&self, waits: AwaitsClient) -> bool {
        self.entry.waits.set(Some(waits));
        let asked = self.entry.asked.get();
        asked.is_some_and(|before| waits.since <= before)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.0.borrow_mut().remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Three {
        zero: Instant,
        registry: Rc<Registry>,
        entries: Vec<Registration>,
    }

    fn three() -> Three {
        let registry = Rc::<Registry>::default();
        let entries = (0..3).map(|_| registry.enter(Waker::noop())).collect();
        Three {
            zero: Instant::now(),
            registry,
            entries,
        }
    }

    impl Three {
        fn at(&self, seconds: u64) -> Instant {
            self.zero + Duration::from_secs(seconds)
        }

        fn waits(&self, which: usize, has_spoken: bool, since: u64) -> bool {
            self.entries[which].waits(AwaitsClient {
                has_spoken,
                since: self.at(since),
            })
        }

        fn first(&self, count: usize, before: u64) -> Vec<usize> {
            let waiting = self.registry.waiting(count, self.at(before));
            waiting.into_iter().map(|(_, key)| key).collect()
        }
    }

    #[test]
    fn who_never_spoke_goes_first_and_then_who_was_silent_longest() {
        let three = three();
        assert!(three.first(3, 9).is_empty(), "nobody waits");
        three.waits(0, true, 3);
        three.waits(1, true, 1);
        three.waits(2, false, 5);
        assert_eq!(three.first(3, 9), [2, 1, 0]);
        assert_eq!(three.first(1, 9), [2]);
        assert_eq!(
            three.first(3, 4),
            [1, 0],
            "2 has not waited for long enough"
        );
    }

    #[test]
    fn who_has_been_busy_since_it_was_chosen_stays() {
        let three = three();
        three.waits(0, true, 1);
        three.registry.ask(0, three.at(4));
        assert!(three.first(3, 9).is_empty(), "it is asked once");
        assert!(!three.waits(0, true, 5), "it has had a request meanwhile");
        assert!(three.waits(0, true, 1));
    }
}
