//! What each kind of frame means, when it is received.

use super::super::buffer;
use super::super::failure::{FailureKind, Fault};
use super::state::{Event, State};
use rehearse_wire::http2::frame::{self, Frame, put};
use rehearse_wire::http2::hpack::Head;

/// The setting by which a server bounds streams (6.5.2).
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// When the connection's window is filled up again.
const REFILL: u32 = 1 << 20;

/// A block of headers that is not whole yet.
pub(super) struct Block {
    stream: u32,
    end_stream: bool,
    bytes: Vec<u8>,
}

impl State {
    /// Takes a frame in. The error says what rule it breaks.
    pub fn take(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        if !self.greeted && (frame.kind != frame::SETTINGS || frame.has(frame::ACK)) {
            return Err("a first frame that is not SETTINGS");
        }
        if self.block.is_some() && frame.kind != frame::CONTINUATION {
            return Err("a header block that is interrupted");
        }
        if frame.stream >= self.next || (frame.stream != 0 && frame.stream.is_multiple_of(2)) {
            return Err("a frame on a stream that was never opened");
        }
        match frame.kind {
            frame::DATA => self.data(frame),
            frame::HEADERS => self.headers(frame),
            frame::CONTINUATION => self.continuation(frame),
            frame::RST_STREAM => self.reset(frame),
            frame::SETTINGS => self.settings(frame),
            frame::PING if !frame.has(frame::ACK) => {
                put(&mut self.out, frame::PING, frame::ACK, 0, frame.payload);
                Ok(())
            }
            frame::GOAWAY => self.go_away(frame),
            frame::PUSH_PROMISE => Err("PUSH_PROMISE, which was not allowed"),
            // WINDOW_UPDATE: our requests have no body. Unknown kinds must be ignored (4.1).
            _ => Ok(()),
        }
    }

    fn data(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        self.unreported += u32::try_from(frame.payload.len()).unwrap_or(0);
        if self.unreported >= REFILL {
            let bytes = std::mem::take(&mut self.unreported).to_be_bytes();
            put(&mut self.out, frame::WINDOW_UPDATE, 0, 0, &bytes);
        }
        let content = frame.content()?;
        // A stream that we have left may have been answered meanwhile.
        let Some(stream) = self.streams.get_mut(&frame.stream) else {
            return Ok(());
        };
        if !stream.answered {
            return Err("DATA before a head");
        }
        stream.received += content.len();
        if !content.is_empty() {
            stream.tell(Event::Data(content.to_vec()));
        }
        self.end_stream(frame.stream, frame.has(frame::END_STREAM));
        Ok(())
    }

    fn headers(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        let block = Block {
            stream: frame.stream,
            end_stream: frame.has(frame::END_STREAM),
            bytes: frame.content()?.to_vec(),
        };
        self.extend(block, frame)
    }

    fn continuation(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        let block = self.block.take();
        let block = block.filter(|block| block.stream == frame.stream);
        let mut block = block.ok_or("CONTINUATION of nothing")?;
        block.bytes.extend_from_slice(frame.payload);
        self.extend(block, frame)
    }

    fn extend(&mut self, block: Block, frame: &Frame<'_>) -> Result<(), &'static str> {
        if block.bytes.len() > buffer::LARGEST {
            return Err("a header block without end");
        }
        if !frame.has(frame::END_HEADERS) {
            self.block = Some(block);
            return Ok(());
        }
        let head = Head::parse(&block.bytes)?;
        let Some(stream) = self.streams.get_mut(&block.stream) else {
            return Ok(());
        };
        match (head.status, stream.answered) {
            // Interim: not the answer.
            (Some(100..=199), false) if !block.end_stream => return Ok(()),
            (Some(200..), false) => {
                stream.answered = true;
                stream.tell(Event::Head(head));
            }
            (None, true) if block.end_stream => {}
            _ => return Err("a head without :status, or one too many"),
        }
        self.end_stream(block.stream, block.end_stream);
        Ok(())
    }

    fn end_stream(&mut self, stream: u32, ends: bool) {
        if ends && let Some(stream) = self.streams.remove(&stream) {
            stream.tell(Event::End);
        }
    }

    fn reset(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        let why = frame::code(frame.number(0)?);
        if let Some(stream) = self.streams.remove(&frame.stream) {
            let far = match stream.answered {
                true => format!("{why} after {} bytes of the body", stream.received),
                false => format!("{why} before a response"),
            };
            stream.tell(Event::Broken(Fault::new(FailureKind::StreamReset, far)));
        }
        Ok(())
    }

    fn settings(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        if frame.has(frame::ACK) {
            return Ok(());
        }
        self.greeted = true;
        if let Some(most) = frame.setting(MAX_CONCURRENT_STREAMS)? {
            self.most = most as usize;
        }
        put(&mut self.out, frame::SETTINGS, frame::ACK, 0, &[]);
        Ok(())
    }

    fn go_away(&mut self, frame: &Frame<'_>) -> Result<(), &'static str> {
        let (last, why) = (frame.number(0)? & !(1 << 31), frame.number(4)?);
        if self.told.is_some_and(|(earlier, _)| earlier < last) {
            return Err("a GOAWAY that takes an earlier one back");
        }
        self.told = Some((last, why));
        for (number, stream) in self.streams.split_off(&last.saturating_add(1)) {
            let detail = format!("stream {number}, the last is {last} ({})", frame::code(why));
            let fault = Fault::new(FailureKind::StreamRefusedByGoaway, detail);
            stream.tell(Event::Broken(fault));
        }
        Ok(())
    }
}
