//! HTTP/2 over a raw socket, frame by frame: nothing is answered, opened or hidden that a test does
//! not see.

use std::{collections::BTreeMap, io, net::SocketAddr};

use crate::wire::Wire;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// The last stream's number in a GOAWAY that allows every stream.
pub(crate) const ALL: u32 = (1 << 31) - 1;

/// Error codes (RFC 9113, 7).
pub(crate) const NO_ERROR: u32 = 0;
pub(crate) const INTERNAL_ERROR: u32 = 2;
pub(crate) const SETTINGS_TIMEOUT: u32 = 4;
pub(crate) const REFUSED_STREAM: u32 = 7;
pub(crate) const CANCEL: u32 = 8;
pub(crate) const ENHANCE_YOUR_CALM: u32 = 11;
pub(crate) const HTTP_1_1_REQUIRED: u32 = 13;

/// What the server has sent, without the bookkeeping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A response's head. A status that has no number in HPACK's static table is 0.
    Head {
        stream: u32,
        status: u16,
        end: bool,
    },
    Data {
        stream: u32,
        bytes: Vec<u8>,
        end: bool,
    },
    Reset {
        stream: u32,
        code: u32,
    },
    Goaway {
        last: u32,
        code: u32,
    },
    /// Wants an answer.
    Ping([u8; 8]),
    /// The answer to ours.
    Pong,
    Window,
    Settings,
}

/// A client that speaks HTTP/2.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) wire: Wire,
    next: u32,
    /// Gives back what it has received, so that the server may send more.
    pub(crate) reads: bool,
    /// Everything but data, settings and windows, in its order.
    pub(crate) seen: Vec<Event>,
    /// By how much the server has widened each stream's window.
    pub(crate) widened: BTreeMap<u32, u32>,
    responses: BTreeMap<u32, Response>,
}

/// A stream's response, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) complete: bool,
}

impl Peer {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::greet(Wire::connect(address), &[])
    }

    /// Sends the preface, and SETTINGS with these numbers and values.
    #[track_caller]
    pub(crate) fn greet(mut wire: Wire, settings: &[(u16, u32)]) -> Self {
        wire.send(PREFACE);
        let pairs = settings.iter();
        let payload: Vec<u8> = pairs
            .flat_map(|(key, value)| [&key.to_be_bytes()[..], &value.to_be_bytes()].concat())
            .collect();
        wire.send(frame(SETTINGS, 0, 0, &payload));
        Self::greeted(wire)
    }

    /// Goes on with a connection on which whatever greeting there is has been sent.
    pub(crate) fn greeted(wire: Wire) -> Self {
        Self {
            wire,
            next: 1,
            reads: true,
            seen: Vec::new(),
            widened: BTreeMap::new(),
            responses: BTreeMap::new(),
        }
    }

    /// Asks by GET on a stream of its own, and returns its number.
    #[track_caller]
    pub(crate) fn get(&mut self, path: &str) -> u32 {
        self.open(&head("GET", path), true)
    }

    /// Begins a POST, whose body [`Peer::data`] sends.
    #[track_caller]
    pub(crate) fn post(&mut self, path: &str) -> u32 {
        self.open(&head("POST", path), false)
    }

    #[track_caller]
    pub(crate) fn open(&mut self, head: &[u8], end: bool) -> u32 {
        let stream = self.next_stream();
        self.wire.send(headers(stream, head, end));
        stream
    }

    pub(crate) fn next_stream(&mut self) -> u32 {
        self.next += 2;
        self.next - 2
    }

    #[track_caller]
    pub(crate) fn data(&mut self, stream: u32, bytes: &[u8], end: bool) {
        let end = if end { END_STREAM } else { 0 };
        self.wire.send(frame(DATA, end, stream, bytes));
    }

    #[track_caller]
    pub(crate) fn reset(&mut self, stream: u32) {
        self.wire.send(reset(stream));
    }

    #[track_caller]
    pub(crate) fn goaway(&mut self) {
        self.wire.send(frame(GOAWAY, 0, 0, &[0; 8]));
    }

    #[track_caller]
    pub(crate) fn ping(&mut self) {
        self.wire.send(frame(PING, 0, 0, b"e2e ping"));
    }

    #[track_caller]
    pub(crate) fn pong(&mut self, ping: [u8; 8]) {
        self.wire.send(frame(PING, ACK, 0, &ping));
    }

    #[track_caller]
    pub(crate) fn widen(&mut self, stream: u32, more: u32) {
        self.wire
            .send(frame(WINDOW_UPDATE, 0, stream, &more.to_be_bytes()));
    }

    /// Waits until the server has done with everything that was sent.
    #[track_caller]
    pub(crate) fn round_trip(&mut self) {
        self.ping();
        while self.event() != Event::Pong {}
    }

    /// The next event that is not bookkeeping.
    #[track_caller]
    pub(crate) fn event(&mut self) -> Event {
        self.try_event().unwrap()
    }

    pub(crate) fn try_event(&mut self) -> io::Result<Event> {
        loop {
            let event = self.try_frame()?;
            if !matches!(event, Event::Settings | Event::Window) {
                return Ok(event);
            }
        }
    }

    #[track_caller]
    pub(crate) fn frame(&mut self) -> Event {
        self.try_frame().unwrap()
    }

    /// The next frame.
    fn try_frame(&mut self) -> io::Result<Event> {
        let header = self.wire.take(9)?;
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
        let (kind, flags) = (header[3], header[4]);
        let stream = number(&header[5..]);
        let payload = self.wire.take(length)?;
        let end = flags & END_STREAM != 0;
        let event = match kind {
            DATA => self.on_data(stream, payload, end)?,
            HEADERS => {
                let status = status(&payload);
                let response = self.responses.entry(stream).or_default();
                (response.status, response.complete) = (status, end);
                Event::Head {
                    stream,
                    status,
                    end,
                }
            }
            RST_STREAM => Event::Reset {
                stream,
                code: number(&payload),
            },
            GOAWAY => Event::Goaway {
                last: number(&payload),
                code: number(&payload[4..]),
            },
            PING if flags & ACK != 0 => Event::Pong,
            PING => Event::Ping(payload.try_into().unwrap()),
            WINDOW_UPDATE => {
                *self.widened.entry(stream).or_default() += number(&payload);
                Event::Window
            }
            SETTINGS => {
                if flags & ACK == 0 {
                    self.wire.try_send(frame(SETTINGS, ACK, 0, &[]))?;
                }
                Event::Settings
            }
            other => panic!("a frame of type {other}"),
        };
        let counts = !matches!(event, Event::Data { .. } | Event::Settings | Event::Window);
        self.seen.extend(counts.then(|| event.clone()));
        Ok(event)
    }

    fn on_data(&mut self, stream: u32, bytes: Vec<u8>, end: bool) -> io::Result<Event> {
        let response = self.responses.entry(stream).or_default();
        response.body.extend_from_slice(&bytes);
        response.complete = end;
        if self.reads && !bytes.is_empty() {
            let more = u32::try_from(bytes.len()).unwrap().to_be_bytes();
            self.wire.try_send(frame(WINDOW_UPDATE, 0, 0, &more))?;
            if !end {
                self.wire.try_send(frame(WINDOW_UPDATE, 0, stream, &more))?;
            }
        }
        Ok(Event::Data { stream, bytes, end })
    }

    /// Waits for a stream's whole response, and answers whatever PING comes.
    #[track_caller]
    pub(crate) fn response(&mut self, stream: u32) -> Response {
        self.try_response(stream).unwrap()
    }

    pub(crate) fn try_response(&mut self, stream: u32) -> io::Result<Response> {
        loop {
            if let Some(response) = self.responses.get(&stream)
                && response.complete
            {
                return Ok(response.clone());
            }
            match self.try_event()? {
                Event::Ping(ping) => self.wire.try_send(frame(PING, ACK, 0, &ping))?,
                Event::Reset {
                    stream: reset,
                    code,
                } if reset == stream => {
                    return Err(io::Error::other(format!("reset, code {code}")));
                }
                _ => {}
            }
        }
    }

    /// Asks, and waits for the answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, path: &str) -> Response {
        let stream = self.get(path);
        self.response(stream)
    }

    /// The first GOAWAY, and the PING behind it.
    #[track_caller]
    pub(crate) fn expect_told(&mut self) -> [u8; 8] {
        let all = Event::Goaway {
            last: ALL,
            code: NO_ERROR,
        };
        assert_eq!(self.event(), all);
        let Event::Ping(ping) = self.event() else {
            panic!("no PING after the first GOAWAY");
        };
        ping
    }

    #[track_caller]
    pub(crate) fn expect_last(&mut self, last: u32, code: u32) {
        assert_eq!(self.event(), Event::Goaway { last, code });
    }

    /// Answers what the server asks until it has taken both steps, the second with this stream's
    /// number, and closes.
    #[track_caller]
    pub(crate) fn expect_to_be_left(&mut self, last: u32) {
        let code = NO_ERROR;
        let told = [ALL, last].map(|last| Event::Goaway { last, code });
        loop {
            let seen = self.seen.iter();
            let goaways: Vec<_> = seen
                .filter(|event| matches!(event, Event::Goaway { .. }))
                .collect();
            match goaways[..] {
                [first, second] => break assert_eq!([first, second], [&told[0], &told[1]]),
                [] | [_] => {}
                _ => panic!("{goaways:?}"),
            }
            if let Event::Ping(ping) = self.event() {
                self.pong(ping);
            }
        }
        self.wire.expect_fin();
    }

    /// Whatever comes before it, a GOAWAY with this code ends the connection.
    #[track_caller]
    pub(crate) fn expect_end(&mut self, code: u32) {
        while self.try_event().is_ok() {}
        let last = self
            .seen
            .iter()
            .rev()
            .find(|event| matches!(event, Event::Goaway { .. }));
        let Some(Event::Goaway { code: found, .. }) = last else {
            panic!("no GOAWAY: {:?}", self.seen);
        };
        assert_eq!(*found, code);
    }
}

impl Response {
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, body: &str) {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!((self.status, &*text), (status, body));
    }
}

pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend_from_slice(&[kind, flags]);
    frame.extend_from_slice(&stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

pub(crate) fn headers(stream: u32, head: &[u8], end: bool) -> Vec<u8> {
    let end = if end { END_STREAM } else { 0 };
    frame(HEADERS, END_HEADERS | end, stream, head)
}

/// A head whose CONTINUATION is still to come.
pub(crate) fn headers_begun(stream: u32, head: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_STREAM, stream, head)
}

pub(crate) fn reset(stream: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
}

/// A request's head in HPACK, by the static table and literals alone.
pub(crate) fn head(method: &str, path: &str) -> Vec<u8> {
    let mut head = match method {
        "GET" => vec![0x82],
        "POST" => vec![0x83],
        other => literal(2, other),
    };
    head.push(0x86); // :scheme http
    head.extend(literal(4, path));
    head.extend(literal(1, "e2e"));
    head
}

/// One more field for a head.
pub(crate) fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0][..], &string(name), &string(value)].concat()
}

fn literal(name: u8, value: &str) -> Vec<u8> {
    [&[name][..], &string(value)].concat()
}

/// A string without Huffman's code, whose length is a number with a prefix of 7 bits.
fn string(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    match text.len() {
        short @ 0..127 => bytes.push(u8::try_from(short).unwrap()),
        long => {
            bytes.push(127);
            let mut rest = long - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
    }
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes(bytes[..4].try_into().unwrap()) & ALL
}

/// The status comes first, and the usual ones have a number (RFC 7541, appendix A).
fn status(head: &[u8]) -> u16 {
    match head.first() {
        Some(0x88) => 200,
        Some(0x89) => 204,
        Some(0x8a) => 206,
        Some(0x8b) => 304,
        Some(0x8c) => 400,
        Some(0x8d) => 404,
        Some(0x8e) => 500,
        _ => 0,
    }
}
