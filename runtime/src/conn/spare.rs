//! Buffers that nobody needs at the moment.
//!
//! A connection needs a buffer only while there is something in it, and mostly there is nothing:
//! ten thousand idle clients would hold a hundred megabytes for bytes that do not come. So a
//! connection takes its buffers from its thread when it needs them, and gives them back.

use std::cell::Cell;

use bytes::BytesMut;

/// A buffer of a thread. One is enough: a thread serves one connection at a time, and mostly all
/// that has been read is taken, and all that is written is handed on, before it turns to another.
pub(super) struct Spare(Cell<Option<BytesMut>>);

thread_local! {
    /// For what is read.
    pub(super) static READ: Spare = const { Spare(Cell::new(None)) };
    /// For what is written. A kind of its own: it is never shared with a request's headers, and
    /// stays whole.
    pub(super) static WRITE: Spare = const { Spare(Cell::new(None)) };
}

impl Spare {
    /// An empty buffer, of any capacity.
    #[inline]
    pub(super) fn take(&self) -> BytesMut {
        self.0.take().unwrap_or_default()
    }

    /// Takes an empty buffer back. The one that was there before is the one less.
    #[inline]
    pub(super) fn give(&self, buffer: BytesMut) {
        self.0.set(Some(buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let spare = Spare(Cell::default());
        assert_eq!(spare.take().capacity(), 0);
        spare.give(BytesMut::with_capacity(100));
        spare.give(BytesMut::with_capacity(200));
        assert_eq!(spare.take().capacity(), 200);
        assert_eq!(spare.take().capacity(), 0);
    }
}
