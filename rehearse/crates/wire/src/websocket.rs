//! WebSocket's handshake and frames (RFC 6455, 1.3 and 5.2), without any I/O.

/// What a `GET` asks for the protocol by. The key is the RFC's, whose answer is known: a key is there
/// to keep caches from answering, and there is none in between.
pub const HANDSHAKE: &str = "connection: Upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// The answer to that key.
pub const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A message goes on.
pub const CONTINUATION: u8 = 0x0;
/// A message of text, or its beginning.
pub const TEXT: u8 = 0x1;
/// A message of bytes, or its beginning.
pub const BINARY: u8 = 0x2;
/// The last frame of its sender.
pub const CLOSE: u8 = 0x8;
/// To be answered by [`PONG`].
pub const PING: u8 = 0x9;
/// The answer to [`PING`].
pub const PONG: u8 = 0xa;

/// A bit that no extension of ours has given a meaning, to be sent beside an opcode.
pub const RSV1: u8 = 0x40;

const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The most that a control frame may carry (5.5); longer lengths take more bytes than one.
const SHORT: usize = 125;

/// No service of ours sends more in one frame.
const LONGEST: usize = 32 << 10;

/// One frame as it was received.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is, such as [`TEXT`].
    pub opcode: u8,
    /// Whether the message ends with it.
    pub last: bool,
    /// What it carries.
    pub payload: &'a [u8],
    /// The bytes that it takes, its own head included.
    pub size: usize,
}

impl<'a> Frame<'a> {
    /// The server's frame that these bytes begin with, if it is whole. The error says what is
    /// malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, &'static str> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        let (opcode, last) = (first & 0x0f, first & FIN != 0);
        if first & 0x70 != 0 {
            return Err("a frame of an extension that was not agreed on");
        }
        if second & MASKED != 0 {
            return Err("a masked frame from a server");
        }
        let (length, head) = match (second & !MASKED, rest) {
            (126, &[a, b, ..]) => (usize::from(u16::from_be_bytes([a, b])), 4),
            (127, &[0, 0, 0, 0, a, b, c, d, ..]) => (u32::from_be_bytes([a, b, c, d]) as usize, 10),
            (127, [_, _, _, _, _, _, _, _, ..]) => (usize::MAX, 10),
            (126 | 127, _) => return Ok(None),
            (short, _) => (usize::from(short), 2),
        };
        match opcode {
            CONTINUATION | TEXT | BINARY if length <= LONGEST => {}
            CLOSE | PING | PONG if length <= SHORT && last => {}
            CONTINUATION | TEXT | BINARY => return Err("a frame too long for any of ours"),
            CLOSE | PING | PONG => return Err("a control frame in parts, or too long"),
            _ => return Err("a frame of an unknown kind"),
        }
        let payload = bytes.get(head..head + length);
        Ok(payload.map(|payload| Self {
            opcode,
            last,
            payload,
            size: head + length,
        }))
    }
}

/// The code that a Close carries, if any (7.4).
pub fn close_code(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().map(|code| u16::from_be_bytes(*code))
}

/// Appends a client's frame, which must be masked (5.3), of at most 125 bytes.
pub fn put(out: &mut Vec<u8>, opcode: u8, payload: &[u8], mask: [u8; 4]) {
    let payload = &payload[..payload.len().min(SHORT)];
    out.extend_from_slice(&[FIN | opcode, MASKED | payload.len() as u8]);
    out.extend_from_slice(&mask);
    let mask = mask.iter().cycle();
    out.extend(payload.iter().zip(mask).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6455, 5.7.
    #[test]
    fn a_frame_is_read_when_it_is_whole() {
        let bytes = b"\x81\x05Hello";
        for cut in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..cut]), Ok(None));
        }
        let frame = Frame::parse(bytes).unwrap().unwrap();
        assert_eq!((frame.opcode, frame.last), (TEXT, true));
        assert_eq!((frame.payload, frame.size), (&b"Hello"[..], 7));
        let part = Frame::parse(b"\x01\x03Hel").unwrap().unwrap();
        assert!(!part.last);
        let long = [&[0x82, 126, 1, 0][..], &[7; 256]].concat();
        assert_eq!(Frame::parse(&long).unwrap().unwrap().size, 260);
    }

    #[test]
    fn ours_are_masked() {
        let mut out = Vec::new();
        put(&mut out, TEXT, b"Hello", [0x37, 0xfa, 0x21, 0x3d]);
        let masked = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(
            out,
            [&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d][..], &masked].concat()
        );
        assert!(Frame::parse(&out).is_err(), "which a server's must not be");
    }

    #[test]
    fn what_no_server_may_send_is_refused() {
        let too_long = [0x82, 127, 0, 0, 0, 1, 0, 0, 0, 0];
        let ping_in_parts = [0x09, 0];
        for bytes in [
            &too_long[..],
            &ping_in_parts,
            &[0x83, 0],
            &[0xc1, 0],
            &[0x88, 126, 0, 200],
        ] {
            assert!(Frame::parse(bytes).is_err(), "{bytes:x?}");
        }
    }
}
