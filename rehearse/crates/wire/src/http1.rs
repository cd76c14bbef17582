//! A response's head, and where its body ends: HTTP/1.1's framing (RFC 9112, 6 and 7), without any
//! I/O.

use httparse::{EMPTY_HEADER, Header, Response, Status};

use crate::websocket::ACCEPT;

/// No server that is looked at sends more; a response that does is refused, not cut off.
const MAX_HEADERS: usize = 64;

/// A body, as far as it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes are still to come.
    Length(u64),
    /// Chunks, up to an end marker.
    Chunked(Chunk),
    /// Neither length nor chunks: the connection's FIN ends it.
    UntilFin,
    /// Complete.
    Done,
}

/// What comes next in a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The line with a chunk's size.
    Size,
    /// So many bytes of a chunk.
    Data(u64),
    /// The line end behind a chunk.
    DataEnd,
    /// A trailer, or the last line.
    Trailer,
}

/// What to do with the bytes at hand.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// So many bytes are content.
    Content(usize),
    /// So many bytes are framing.
    Skip(usize),
    /// There is too little to go on.
    More,
    /// The body is complete.
    End,
}

/// What a response's head says of its body and of its connection.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Its status.
    pub status: u16,
    /// Where the body ends.
    pub body: Body,
    /// It is of HTTP/1.0, which keeps nothing open unless it says so.
    pub http10: bool,
    /// `Connection: close`.
    pub close: bool,
    /// `Connection: keep-alive`.
    pub keep_alive: bool,
    /// Its body is an event stream.
    pub event_stream: bool,
    /// The answer to our key.
    pub websocket: bool,
}

impl Head {
    /// The head that these bytes begin with, if it is whole, and its length. The error says what is
    /// malformed.
    pub fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, String> {
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        let Status::Complete(length) = response.parse(bytes).map_err(|e| e.to_string())? else {
            return Ok(None);
        };
        let (Some(status), Some(minor)) = (response.code, response.version) else {
            return Err("no status line".to_owned());
        };
        let head = Self::of(status, minor == 0, response.headers)?;
        Ok(Some((head, length)))
    }

    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the body comes in chunks.
    pub fn is_chunked(&self) -> bool {
        matches!(self.body, Body::Chunked(_))
    }

    fn of(status: u16, http10: bool, headers: &[Header<'_>]) -> Result<Self, &'static str> {
        let (mut length, mut chunked) = (None, false);
        let (mut close, mut keep_alive) = (false, false);
        let (mut event_stream, mut websocket) = (false, false);
        for header in headers {
            let value = header.value.trim_ascii();
            if header.name.eq_ignore_ascii_case("content-length") {
                let bytes = decimal(value).ok_or("bad Content-Length")?;
                if length
                    .replace(bytes)
                    .is_some_and(|earlier| earlier != bytes)
                {
                    return Err("two different Content-Lengths");
                }
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err("a Transfer-Encoding other than chunked");
                }
                chunked = true;
            } else if header.name.eq_ignore_ascii_case("connection") {
                for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
                    close |= option.eq_ignore_ascii_case(b"close");
                    keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                }
            } else if header.name.eq_ignore_ascii_case("content-type") {
                let media = value.split(|&byte| byte == b';').next().unwrap_or_default();
                event_stream = media
                    .trim_ascii()
                    .eq_ignore_ascii_case(b"text/event-stream");
            } else if header.name.eq_ignore_ascii_case("sec-websocket-accept") {
                websocket = value == ACCEPT;
            }
        }
        let body = match (length, chunked) {
            (Some(_), true) => return Err("both Content-Length and Transfer-Encoding"),
            _ if matches!(status, 100..200 | 204 | 304) => Body::Done,
            (Some(bytes), false) => Body::Length(bytes),
            (None, true) => Body::Chunked(Chunk::Size),
            (None, false) => Body::UntilFin,
        };
        Ok(Self {
            status,
            body,
            http10,
            close,
            keep_alive,
            event_stream,
            websocket,
        })
    }
}

/// Digits only: `parse` alone would take a sign.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = value.iter().all(u8::is_ascii_digit);
    digits
        .then_some(value)
        .and_then(|value| str::from_utf8(value).ok()?.parse().ok())
}

impl Body {
    /// Takes one step over `bytes`, the next ones of the connection; the caller consumes as many
    /// as the step says. The error says what is malformed.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, &'static str> {
        match self {
            Self::Length(0) | Self::Done => {
                *self = Self::Done;
                Ok(Step::End)
            }
            _ if bytes.is_empty() => Ok(Step::More),
            Self::Length(left) => Ok(Step::Content(take(left, bytes))),
            Self::UntilFin => Ok(Step::Content(bytes.len())),
            Self::Chunked(chunk) => {
                let (step, next) = chunk.step(bytes)?;
                *self = next;
                Ok(step)
            }
        }
    }

    /// What a connection that ends now leaves out.
    pub fn missing(&self) -> String {
        match self {
            Self::Length(left) => format!("{left} bytes missing"),
            Self::Chunked(_) => "no end marker".to_owned(),
            Self::UntilFin | Self::Done => "no FIN".to_owned(),
        }
    }
}

impl Chunk {
    fn step(mut self, bytes: &[u8]) -> Result<(Step, Body), &'static str> {
        let step = match &mut self {
            Self::Size => match httparse::parse_chunk_size(bytes) {
                Ok(Status::Partial) => Step::More,
                Ok(Status::Complete((line, size))) => {
                    self = if size == 0 {
                        Self::Trailer
                    } else {
                        Self::Data(size)
                    };
                    Step::Skip(line)
                }
                Err(_) => return Err("a bad chunk size"),
            },
            Self::Data(left) => {
                let taken = take(left, bytes);
                if *left == 0 {
                    self = Self::DataEnd;
                }
                Step::Content(taken)
            }
            Self::DataEnd => match bytes {
                [b'\r', b'\n', ..] => {
                    self = Self::Size;
                    Step::Skip(2)
                }
                [b'\r'] => Step::More,
                _ => return Err("a chunk longer than its size"),
            },
            Self::Trailer => match bytes.windows(2).position(|pair| pair == b"\r\n") {
                Some(0) => return Ok((Step::Skip(2), Body::Done)),
                Some(line) => Step::Skip(line + 2),
                None => Step::More,
            },
        };
        Ok((step, Body::Chunked(self)))
    }
}

fn take(left: &mut u64, bytes: &[u8]) -> usize {
    let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
    *left -= taken as u64;
    taken
}
