//! Where frames begin and end in what is read. `h2` keeps its buffer to itself, and a connection
//! whose client is in the middle of a request's head is not idle.

use super::preface::PREFACE;

/// A frame's header: length in three bytes, type, flags, stream (RFC 9113, 4.1).
const HEADER: usize = 9;

const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// Follows the frames of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    /// What is still to come of the preface.
    preface: usize,
    header: [u8; HEADER],
    /// How much of `header` has come.
    have: usize,
    /// How much of the payload is still to come.
    payload: usize,
    /// Whole frames so far, none or some.
    any: bool,
    /// A request's head has begun, and not ended.
    head: bool,
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            preface: PREFACE.len(),
            header: [0; HEADER],
            have: 0,
            payload: 0,
            any: false,
            head: false,
        }
    }

    /// Whether a whole frame has come: the first is the client's SETTINGS.
    pub(super) fn has_begun(&self) -> bool {
        self.any
    }

    /// Whether part of a head has come, or so little of a frame that it may be one.
    pub(super) fn is_half_head(&self) -> bool {
        self.head || (self.have > 0 && self.have < HEADER)
    }

    /// Takes what has been read.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        skip(&mut bytes, &mut self.preface);
        while !bytes.is_empty() {
            if self.have < HEADER {
                let count = bytes.len().min(HEADER - self.have);
                self.header[self.have..self.have + count].copy_from_slice(&bytes[..count]);
                self.have += count;
                bytes = &bytes[count..];
                if self.have < HEADER {
                    return;
                }
                self.begin();
            }
            skip(&mut bytes, &mut self.payload);
            if self.payload == 0 {
                self.end();
            }
        }
    }

    fn begin(&mut self) {
        let [a, b, c, ..] = self.header;
        self.payload = u32::from_be_bytes([0, a, b, c]) as usize;
        self.head |= self.is_of_head();
    }

    fn end(&mut self) {
        let ends_head = self.header[4] & END_HEADERS != 0;
        self.head &= !(self.is_of_head() && ends_head);
        self.have = 0;
        self.any = true;
    }

    fn is_of_head(&self) -> bool {
        matches!(self.header[3], HEADERS | CONTINUATION)
    }
}

fn skip(bytes: &mut &[u8], left: &mut usize) {
    let count = bytes.len().min(*left);
    *left -= count;
    *bytes = &bytes[count..];
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
    const DATA: &[u8] = &[0, 0, 3, 0, 1, 0, 0, 0, 1, b'a', b'b', b'c'];

    fn head(kind: u8, flags: u8) -> Vec<u8> {
        vec![0, 0, 2, kind, flags, 0, 0, 0, 1, 0x82, 0x86]
    }

    fn begun() -> Frames {
        let mut frames = Frames::new();
        frames.follow(PREFACE);
        assert!(!frames.has_begun());
        frames.follow(SETTINGS);
        assert!(frames.has_begun() && !frames.is_half_head());
        frames
    }

    #[test]
    fn a_head_is_half_from_its_first_byte_to_its_last() {
        let mut frames = begun();
        let head = head(HEADERS, END_HEADERS);
        for byte in &head[..head.len() - 1] {
            frames.follow(&[*byte]);
            assert!(frames.is_half_head());
        }
        frames.follow(&head[head.len() - 1..]);
        assert!(!frames.is_half_head());
    }

    #[test]
    fn a_head_without_its_end_is_half_until_a_continuation_brings_it() {
        let mut frames = begun();
        frames.follow(&head(HEADERS, 0));
        assert!(frames.is_half_head());
        frames.follow(&head(CONTINUATION, 0));
        assert!(frames.is_half_head());
        frames.follow(&[&head(CONTINUATION, END_HEADERS), DATA].concat());
        assert!(!frames.is_half_head());
    }

    #[test]
    fn half_a_body_is_no_half_head() {
        let mut frames = begun();
        frames.follow(&DATA[..HEADER + 1]);
        assert!(!frames.is_half_head());
        frames.follow(&DATA[HEADER + 1..]);
        frames.follow(&DATA[..HEADER - 1]);
        assert!(frames.is_half_head(), "as far as can be told");
    }

    #[test]
    fn cuts_at_any_byte_change_nothing() {
        let stream = [
            PREFACE,
            SETTINGS,
            &head(HEADERS, 0),
            &head(CONTINUATION, END_HEADERS),
            DATA,
        ]
        .concat();
        for cut in 0..stream.len() {
            let mut frames = Frames::new();
            frames.follow(&stream[..cut]);
            frames.follow(&stream[cut..]);
            assert!(frames.has_begun() && !frames.is_half_head(), "{cut}");
        }
    }
}
