//! What one end of a connection knows: open streams, what is still to be sent, and how it ends.
//! Without any I/O.

use std::collections::BTreeMap;

use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;

use super::super::buffer::Buffer;
use super::super::failure::{FailureKind, Fault};
use super::received::Block;
use rehearse_wire::http2::frame::{self, Frame, put, setting};
use rehearse_wire::http2::hpack::{Head, NO_TABLE};

/// ENABLE_PUSH: nobody is to send us what we did not ask for.
const NO_PUSH: (u16, u32) = (2, 0);

/// How many streams may be open before the server has said how many it allows (6.5.2).
const STREAMS_AT_FIRST: usize = 100;

/// What the connection as a whole may receive, so that only its streams' own windows hold a server
/// back.
const WINDOW: u32 = (1 << 31) - 1;
const FIRST_WINDOW: u32 = 65_535;

/// What happens to a stream.
#[derive(Debug)]
pub enum Event {
    /// The final response's head.
    Head(Head),
    /// A part of its body.
    Data(Vec<u8>),
    /// It is complete.
    End,
    /// It never will be.
    Broken(Fault),
}

pub(super) struct Stream {
    events: UnboundedSender<Event>,
    pub(super) answered: bool,
    /// Bytes of content.
    pub(super) received: usize,
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub(in super::super) struct End {
    /// What that is to a request without a byte of an answer.
    pub(super) kind: FailureKind,
    pub(super) how: String,
    /// Nothing was due on it when it came, and nothing had announced it.
    pub(super) idle: bool,
    /// When it came.
    pub(super) at: Instant,
}

/// Which GOAWAYs may be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goaways {
    All,
    /// The next one has come a round trip ago, those behind it have not.
    Next,
    None,
}

/// One end of a connection: frames are given to [`Self::take`], and what [`Self::out`] holds is to be
/// sent.
pub struct State {
    /// What is still to be sent.
    pub out: Vec<u8>,
    pub(super) streams: BTreeMap<u32, Stream>,
    /// The number of the next stream.
    pub(super) next: u32,
    /// How many the server allows at once.
    pub(super) most: usize,
    /// Its SETTINGS have come.
    pub(super) greeted: bool,
    pub(super) block: Option<Block>,
    /// The last stream's number, and why, of the latest GOAWAY.
    pub(super) told: Option<(u32, u32)>,
    ended: Option<End>,
    /// The first end that the kernel knew of: when it came, and whether the connection was idle.
    end_came: Option<(Instant, bool)>,
    /// Bytes received that the connection's window was not filled up by.
    pub(super) unreported: u32,
}

impl Default for State {
    /// The client's end of a connection that has just begun.
    fn default() -> Self {
        let mut out = frame::PREFACE.to_vec();
        let settings = [NO_TABLE, NO_PUSH].map(|(id, value)| setting(id, value));
        put(&mut out, frame::SETTINGS, 0, 0, &settings.concat());
        let more = WINDOW - FIRST_WINDOW;
        put(&mut out, frame::WINDOW_UPDATE, 0, 0, &more.to_be_bytes());
        Self {
            out,
            streams: BTreeMap::new(),
            next: 1,
            most: STREAMS_AT_FIRST,
            greeted: false,
            block: None,
            told: None,
            ended: None,
            end_came: None,
            unreported: 0,
        }
    }
}

impl State {
    /// Whether the server's SETTINGS came.
    pub fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Whether a GOAWAY came.
    pub(super) fn is_told(&self) -> bool {
        self.told.is_some()
    }

    /// Whether nothing is due on it.
    pub(super) fn is_idle(&self) -> bool {
        self.streams.is_empty()
    }

    /// Whether nothing was sent yet that a GOAWAY could cross.
    pub(super) fn is_new(&self) -> bool {
        self.next == 1
    }

    /// The connection's end has come, and is seen later.
    pub(super) fn note_end(&mut self) {
        let idle = self.streams.is_empty() && self.told.is_none();
        self.end_came.get_or_insert((Instant::now(), idle));
    }

    /// How it ended, if it did.
    pub(super) fn ended(&self) -> Option<&End> {
        self.ended.as_ref()
    }

    pub(super) fn is_full(&self) -> bool {
        self.streams.len() >= self.most
    }

    /// Opens a stream for a request that is all head.
    pub fn open(&mut self, block: &[u8], events: UnboundedSender<Event>) -> u32 {
        self.open_by(frame::END_HEADERS | frame::END_STREAM, block, events)
    }

    /// Opens a stream for a request whose body follows by [`Self::send_body`].
    pub fn open_with_body(&mut self, block: &[u8], events: UnboundedSender<Event>) -> u32 {
        self.open_by(frame::END_HEADERS, block, events)
    }

    /// Sends a part of a request's body. All of it must fit the window that a stream begins with.
    pub fn send_body(&mut self, stream: u32, part: &[u8], last: bool) {
        let flags = if last { frame::END_STREAM } else { 0 };
        put(&mut self.out, frame::DATA, flags, stream, part);
    }

    fn open_by(&mut self, flags: u8, block: &[u8], events: UnboundedSender<Event>) -> u32 {
        let stream = self.next;
        self.next += 2;
        put(&mut self.out, frame::HEADERS, flags, stream, block);
        let opened = Stream {
            events,
            answered: false,
            received: 0,
        };
        self.streams.insert(stream, opened);
        stream
    }

    /// Allows so many more bytes on a stream.
    pub(super) fn credit(&mut self, stream: u32, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(WINDOW);
        if bytes > 0 && self.streams.contains_key(&stream) {
            let bytes = bytes.to_be_bytes();
            put(&mut self.out, frame::WINDOW_UPDATE, 0, stream, &bytes);
        }
    }

    /// Leaves a stream, unless it is over.
    pub(super) fn cancel(&mut self, stream: u32) {
        if self.streams.remove(&stream).is_some() {
            let code = frame::CANCEL.to_be_bytes();
            put(&mut self.out, frame::RST_STREAM, 0, stream, &code);
        }
    }

    /// The connection is over: so are its streams.
    pub(super) fn end(&mut self, kind: FailureKind, how: &str) {
        if self.ended.is_some() {
            return;
        }
        let how = match self.told.filter(|(_, why)| *why != 0) {
            Some((_, why)) => format!("{how}, after GOAWAY ({})", frame::code(why)),
            None => how.to_owned(),
        };
        self.note_end();
        let (at, idle) = self.end_came.unwrap_or((Instant::now(), false));
        for stream in std::mem::take(&mut self.streams).into_values() {
            let mut fault = match kind {
                FailureKind::BadResponse => Fault::bad(how.as_str()),
                _ if stream.answered => {
                    let detail = format!("{how} after {} bytes of the body", stream.received);
                    Fault::new(FailureKind::CutInBody, detail)
                }
                kind => Fault::new(kind, how.as_str()),
            };
            // It was opened since.
            fault.crossed = idle;
            stream.tell(Event::Broken(fault));
        }
        self.out.clear();
        self.ended = Some(End {
            kind,
            how,
            idle,
            at,
        });
    }

    /// Takes all whole frames out of the buffer, up to a GOAWAY that may not be taken in yet: then
    /// it says so.
    pub(super) fn digest(&mut self, buffer: &mut Buffer, mut goaways: Goaways) -> bool {
        while self.ended.is_none() {
            let taken = match Frame::parse(buffer.unread()) {
                Ok(Some(frame)) if frame.kind == frame::GOAWAY && goaways == Goaways::None => {
                    return true;
                }
                Ok(Some(frame)) => {
                    if frame.kind == frame::GOAWAY && goaways == Goaways::Next {
                        goaways = Goaways::None;
                    }
                    self.take(&frame).map(|()| frame.size())
                }
                Ok(None) => return false,
                Err(wrong) => Err(wrong),
            };
            match taken {
                Ok(size) => {
                    buffer.consume(size);
                }
                Err(wrong) => self.end(FailureKind::BadResponse, wrong),
            }
        }
        false
    }
}

impl Stream {
    pub(super) fn tell(&self, event: Event) {
        // Who has left does not want to know.
        let _left = self.events.send(event);
    }
}
