//! HTTP/2 over a raw socket, frame by frame: nothing is answered, opened or hidden that a test does
//! not see.

mod frames;

use std::{collections::BTreeMap, io, net::SocketAddr};

use self::frames::{
    ACK, DATA, END_STREAM, HEADERS, PING, RST_STREAM, SETTINGS, WINDOW_UPDATE, number, status,
};
pub(crate) use self::frames::{
    ALL, CONTINUATION, ENHANCE_YOUR_CALM, GOAWAY, HTTP_1_1_REQUIRED, INTERNAL_ERROR, NO_ERROR,
    PREFACE, PROTOCOL_ERROR, REFUSED_STREAM, SETTINGS_TIMEOUT, field, frame, head, headers,
    headers_begun, reset,
};
use crate::wire::Wire;

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
