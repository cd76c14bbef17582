//! HTTP/2's frames (RFC 9113, 4.1 and 6), without any I/O.

/// Content (6.1).
pub const DATA: u8 = 0;
/// The beginning of a head or of trailers (6.2).
pub const HEADERS: u8 = 1;
/// The end of one stream (6.4).
pub const RST_STREAM: u8 = 3;
/// What its sender allows (6.5).
pub const SETTINGS: u8 = 4;
/// A response that nobody asked for (6.6).
pub const PUSH_PROMISE: u8 = 5;
/// To be returned as it is (6.7).
pub const PING: u8 = 6;
/// No further streams (6.8).
pub const GOAWAY: u8 = 7;
/// How much more may be sent (6.9).
pub const WINDOW_UPDATE: u8 = 8;
/// More of a head (6.10).
pub const CONTINUATION: u8 = 9;

/// Flag of DATA and HEADERS: the last of its stream.
pub const END_STREAM: u8 = 0x1;
/// Flag of SETTINGS and PING: an acknowledgement.
pub const ACK: u8 = 0x1;
/// Flag of HEADERS and CONTINUATION: the last of the head.
pub const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The code with which a client leaves a stream (7).
pub const CANCEL: u32 = 8;

/// What a client sends first (3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame's own head.
const HEAD: usize = 9;

/// The largest payload, since we announce no larger one (4.2).
const LARGEST: usize = 16_384;

/// One frame as it was received.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it is, such as [`DATA`].
    pub kind: u8,
    flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What follows its head, padding and priority included.
    pub payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that these bytes begin with, if it is whole. The error says what is malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, &'static str> {
        let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
            return Ok(None);
        };
        let length = u32_of(&[0, head[0], head[1], head[2]]) as usize;
        if length > LARGEST {
            return Err("no HTTP/2, or a frame larger than was allowed");
        }
        let frame = |payload| Self {
            kind: head[3],
            flags: head[4],
            stream: u32_of(&head[5..]) & !(1 << 31),
            payload,
        };
        Ok(rest.get(..length).map(frame))
    }

    /// The bytes that it takes, its own head included.
    pub fn size(&self) -> usize {
        HEAD + self.payload.len()
    }

    /// Whether a flag is set.
    pub fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What DATA and HEADERS carry, without padding and priority.
    pub fn content(&self) -> Result<&'a [u8], &'static str> {
        let mut content = self.payload;
        if self.has(PADDED) {
            let (&padding, rest) = content.split_first().ok_or("padding without a length")?;
            let kept = rest.len().checked_sub(padding.into());
            content = &rest[..kept.ok_or("more padding than payload")?];
        }
        if self.kind == HEADERS && self.has(PRIORITY) {
            content = content
                .get(5..)
                .ok_or("HEADERS shorter than their priority")?;
        }
        Ok(content)
    }

    /// The 32-bit number at this place of the payload.
    pub fn number(&self, at: usize) -> Result<u32, &'static str> {
        let bytes = self.payload.get(at..at + 4);
        bytes.map(u32_of).ok_or("a frame too short for its kind")
    }

    /// The value of a setting, if this SETTINGS frame has it: the last one counts (6.5).
    pub fn setting(&self, id: u16) -> Result<Option<u32>, &'static str> {
        if !self.payload.len().is_multiple_of(6) {
            return Err("SETTINGS of a broken length");
        }
        let mut settings = self.payload.chunks_exact(6).rev();
        let found = settings.find(|setting| setting[..2] == id.to_be_bytes());
        Ok(found.map(|setting| u32_of(&setting[2..])))
    }
}

/// Appends a frame.
pub fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len()).expect("a frame of ours is small");
    out.extend_from_slice(&length.to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// One setting of a SETTINGS frame.
pub fn setting(id: u16, value: u32) -> [u8; 6] {
    let ([a, b], [c, d, e, f]) = (id.to_be_bytes(), value.to_be_bytes());
    [a, b, c, d, e, f]
}

/// An error code's name (7), for people.
pub fn code(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    let name = NAMES.get(code as usize);
    name.map_or_else(|| format!("code {code}"), |name| (*name).to_owned())
}

fn u32_of(bytes: &[u8]) -> u32 {
    let bytes = bytes.iter().take(4);
    bytes.fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_read_as_it_was_put_and_only_when_it_is_whole() {
        let mut bytes = Vec::new();
        put(&mut bytes, DATA, END_STREAM, 7, b"hello");
        for cut in 0..bytes.len() {
            assert_eq!(Frame::parse(&bytes[..cut]), Ok(None));
        }
        let frame = Frame::parse(&bytes).unwrap().unwrap();
        assert_eq!((frame.kind, frame.stream, frame.size()), (DATA, 7, 14));
        assert!(frame.has(END_STREAM) && frame.content() == Ok(b"hello"));
    }

    #[test]
    fn what_is_not_http_2_is_told_apart_by_its_length() {
        assert!(Frame::parse(b"HTTP/1.1 400 Bad Request\r\n").is_err());
    }

    #[test]
    fn padding_and_priority_are_no_content() {
        let mut bytes = Vec::new();
        let payload = [&[2, 0, 0, 0, 0, 9][..], b"block", &[0, 0]].concat();
        put(&mut bytes, HEADERS, PADDED | PRIORITY, 1, &payload);
        let frame = Frame::parse(&bytes).unwrap().unwrap();
        assert_eq!(frame.content(), Ok(&b"block"[..]));
        bytes.clear();
        put(&mut bytes, DATA, PADDED, 1, &[9, 1]);
        assert!(Frame::parse(&bytes).unwrap().unwrap().content().is_err());
    }

    #[test]
    fn of_a_repeated_setting_the_last_one_counts() {
        let mut bytes = Vec::new();
        let settings = [setting(3, 10), setting(4, 5), setting(3, 20)].concat();
        put(&mut bytes, SETTINGS, 0, 0, &settings);
        let frame = Frame::parse(&bytes).unwrap().unwrap();
        assert_eq!(
            (frame.setting(3), frame.setting(1)),
            (Ok(Some(20)), Ok(None))
        );
    }
}
