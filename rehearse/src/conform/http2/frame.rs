//! Frames and the few header fields that are needed, as bytes.

/// The last stream of a GOAWAY that names none yet (RFC 9113, 6.8).
pub(in crate::conform) const ANY_STREAM: u32 = 0x7fff_ffff;

// Frame types and flags (RFC 9113, 6).
pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const END_STREAM: u8 = 1;
pub(super) const ACK: u8 = 1;
pub(super) const END_HEADERS: u8 = 4;
pub(super) const PADDED: u8 = 8;

/// The setting of that number (RFC 9113, 6.5.2).
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;

pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl Frame {
    /// Of all its bytes, nine at least.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self {
            kind: bytes[3],
            flags: bytes[4],
            stream: number(&bytes[5..9]) & ANY_STREAM,
            payload: bytes[9..].to_vec(),
        }
    }
}

/// A frame's bytes.
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()];
    [&head.concat(), payload].concat()
}

/// A header field that is not to be indexed, by its name's place in the static table (RFC 7541,
/// 6.2.2). Values shorter than 127 bytes have their length in one.
pub(super) fn literal(name: u8, value: &str) -> Vec<u8> {
    [&[name, value.len().min(126) as u8], value.as_bytes()].concat()
}

/// The same, with a name that the table does not need to know.
pub(super) fn named(name: &str, value: &str) -> Vec<u8> {
    [literal(0, name), literal(0, value)[1..].to_vec()].concat()
}

/// Whether the first field is `:status` 200, 204 or 206 of the static table, behind changes of the
/// dynamic one's size (RFC 7541, 6.1 and 6.3).
pub(super) fn is_success(frame: &Frame) -> bool {
    let padding = usize::from(frame.flags & PADDED != 0);
    let mut fields = frame.payload.iter().skip(padding);
    let first = fields.find(|field| **field & 0xe0 != 0x20);
    matches!(first, Some(0x88..=0x8a))
}

pub(super) fn number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(payload: &[u8], flags: u8) -> Frame {
        Frame {
            kind: HEADERS,
            flags,
            stream: 1,
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn a_frame_has_a_head_of_nine_bytes() {
        assert_eq!(
            frame(PING, ACK, 7, b"ab"),
            [0, 0, 2, 6, 1, 0, 0, 0, 7, b'a', b'b']
        );
        assert_eq!(literal(4, "/x"), [4, 2, b'/', b'x']);
        assert_eq!(named("a", "/x"), [0, 1, b'a', 2, b'/', b'x']);
    }

    #[test]
    fn only_200_204_and_206_are_successes() {
        assert!(is_success(&head(&[0x88, 0x5f], 0)));
        // Behind padding's length, and behind a change of the dynamic table's size.
        assert!(is_success(&head(&[4, 0x88, 0, 0, 0, 0], PADDED)));
        assert!(is_success(&head(&[0x20, 0x89], 0)));
        assert!(!is_success(&head(&[0x8d], 0)), "404");
        assert!(!is_success(&head(&[], 0)));
    }
}
