//! Numbers that look arbitrary, and are the same for each seed.

use std::{cell::Cell, rc::Rc, time::Duration};

/// xorshift64*.
#[derive(Clone, Debug)]
pub(super) struct Random(Rc<Cell<u64>>);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        let state = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let random = Self(Rc::new(Cell::new(state)));
        // The first few look alike for seeds that do.
        for _ in 0..4 {
            random.next();
        }
        random
    }

    fn next(&self) -> u64 {
        let mut state = self.0.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.0.set(state);
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `bound`, which is not 0.
    pub(super) fn below(&self, bound: u64) -> u64 {
        (self.next() >> 11) % bound
    }

    /// In so many of a hundred cases.
    pub(super) fn percent(&self, of_a_hundred: u64) -> bool {
        self.below(100) < of_a_hundred
    }

    /// At most so long, in milliseconds.
    pub(super) fn up_to(&self, longest: Duration) -> Duration {
        let millis = u64::try_from(longest.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.below(millis + 1))
    }
}
