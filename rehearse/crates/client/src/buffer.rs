//! A connection's read buffer: it grows while reads fill it, and is never freed between requests.

use std::ops::Range;

/// It begins as small as a response usually is, because there may be thousands.
pub(super) const SMALLEST: usize = 4 << 10;
/// Beyond this a larger read costs as much as it saves.
pub(super) const LARGEST: usize = 64 << 10;

#[derive(Debug)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    /// What is received and not consumed.
    unread: Range<usize>,
    limit: usize,
}

impl Buffer {
    /// A buffer that grows up to `limit`.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            bytes: vec![0; SMALLEST],
            unread: 0..0,
            limit,
        }
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.unread.clone()]
    }

    /// Takes the next `count` bytes, which must be there. They stay valid until the next read.
    pub(super) fn consume(&mut self, count: usize) -> &[u8] {
        let from = self.unread.start;
        self.unread.start += count;
        &self.bytes[from..self.unread.start]
    }

    /// Where the next bytes may be read to; `None` if the unread ones fill the buffer at its limit.
    pub(super) fn room(&mut self) -> Option<&mut [u8]> {
        let full = self.unread.end == self.bytes.len();
        if full && (self.unread.is_empty() || self.unread.start == 0) {
            self.bytes.resize((self.bytes.len() * 2).min(self.limit), 0);
        }
        if full || self.unread.is_empty() {
            self.bytes.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        let room = &mut self.bytes[self.unread.end..];
        (!room.is_empty()).then_some(room)
    }

    /// Notes that `count` bytes were read into the room.
    pub(super) fn filled(&mut self, count: usize) {
        self.unread.end += count;
    }
}
