//! Requests on streams of one HTTP/2 connection, checked at little cost.

use std::io;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::exchange::BODY;
use rehearse_wire::http2::frame::{
    self, ACK, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS,
};

/// `GET http://lastcall/`, as clients with a header table send it: once in full (RFC 7541, 6.2.1),
/// then by reference.
const FIRST: &[u8] = b"\x82\x86\x84\x41\x08lastcall";
const LATER: &[u8] = b"\x82\x86\x84\xbe";

/// `:status 200`, which comes first.
const STATUS: u8 = 0x88;

/// Never refilled: no turn gets so far.
const WINDOW: u32 = (1 << 31) - 1 - 65_535;

/// One request at a time in each place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    stream: u32,
    answered: bool,
    /// Of the body, all of them right.
    body: usize,
    /// Of all frames.
    bytes: usize,
}

/// A connection whose streams are always busy: an answer is followed by the next request.
#[derive(Debug)]
pub struct Streams {
    stream: TcpStream,
    unread: Vec<u8>,
    out: Vec<u8>,
    places: Vec<Place>,
    next: u32,
    /// Bytes of the last response.
    pub response_bytes: usize,
}

impl Streams {
    /// So many of them on this connection, on which nothing was sent yet.
    pub fn new(stream: TcpStream, streams: u32) -> Self {
        let mut out = frame::PREFACE.to_vec();
        frame::put(&mut out, SETTINGS, 0, 0, &[]);
        let window = WINDOW.to_be_bytes();
        frame::put(&mut out, frame::WINDOW_UPDATE, 0, 0, &window);
        let mut connection = Self {
            stream,
            unread: Vec::with_capacity(64 << 10),
            out,
            places: vec![Place::default(); streams as usize],
            next: 1,
            response_bytes: 0,
        };
        (0..connection.places.len()).for_each(|place| connection.ask(place));
        connection
    }

    /// Sends what is due, reads what is there, at least a byte, and returns how many responses that
    /// has completed.
    ///
    /// # Errors
    /// If the connection breaks, or a response is not as it should be.
    pub async fn turn(&mut self) -> anyhow::Result<u32> {
        let sent = self.stream.write_all(&self.out).await;
        sent.context("a request could not be sent")?;
        self.out.clear();
        let got = self.stream.read_buf(&mut self.unread).await;
        let got = got.and_then(|got| match got {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            got => Ok(got),
        });
        got.context("the connection has ended")?;
        let (mut complete, mut taken) = (0, 0);
        let unread = std::mem::take(&mut self.unread);
        while let Some(frame) = Frame::parse(&unread[taken..]).map_err(anyhow::Error::msg)? {
            complete += u32::from(self.take(&frame)?);
            taken += frame.size();
        }
        self.unread = unread;
        self.unread.drain(..taken);
        Ok(complete)
    }

    /// Says whether a response is complete with it.
    fn take(&mut self, frame: &Frame<'_>) -> anyhow::Result<bool> {
        match frame.kind {
            SETTINGS | PING if !frame.has(ACK) => {
                let payload = if frame.kind == PING {
                    frame.payload
                } else {
                    &[]
                };
                frame::put(&mut self.out, frame.kind, ACK, 0, payload);
                return Ok(false);
            }
            HEADERS | DATA => {}
            kind => {
                ensure!(
                    ![RST_STREAM, GOAWAY].contains(&kind),
                    "a stream was refused"
                );
                return Ok(false);
            }
        }
        let mut places = self.places.iter();
        let place = places.position(|place| place.stream == frame.stream);
        let place = place.context("a frame of no open stream")?;
        let seen = &mut self.places[place];
        seen.bytes += frame.size();
        let content = frame.content().map_err(anyhow::Error::msg)?;
        if frame.kind == HEADERS {
            let good = content.first() == Some(&STATUS) && frame.has(END_HEADERS);
            ensure!(good && !seen.answered, "a wrong head: {content:x?}");
            seen.answered = true;
        } else {
            let rest = BODY[seen.body..].starts_with(content);
            ensure!(rest && seen.answered, "a wrong body: {content:?}");
            seen.body += content.len();
        }
        if !frame.has(END_STREAM) {
            return Ok(false);
        }
        ensure!(seen.body == BODY.len(), "a body of {} bytes", seen.body);
        self.response_bytes = seen.bytes;
        self.ask(place);
        Ok(true)
    }

    fn ask(&mut self, place: usize) {
        let stream = self.next;
        self.next += 2;
        self.places[place] = Place {
            stream,
            ..Place::default()
        };
        let block = if stream == 1 { FIRST } else { LATER };
        frame::put(
            &mut self.out,
            HEADERS,
            END_HEADERS | END_STREAM,
            stream,
            block,
        );
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers with these frames, then closes.
    async fn turns(frames: &[(u8, u8, u32, &[u8])]) -> anyhow::Result<u32> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let mut server = server.unwrap().0;
        let mut out = Vec::new();
        for (kind, flags, stream, payload) in frames {
            frame::put(&mut out, *kind, *flags, *stream, payload);
        }
        server.write_all(&out).await.unwrap();
        Streams::new(client.unwrap(), 2).turn().await
    }

    #[tokio::test]
    async fn only_complete_and_correct_responses_count() {
        let head = |stream| (HEADERS, END_HEADERS, stream, &[STATUS, 0xc0][..]);
        let data = |stream| (DATA, END_STREAM, stream, BODY);
        let end = |stream| (DATA, END_STREAM, stream, &[][..]);
        let hello = (SETTINGS, 0, 0, &[][..]);
        let both = [hello, head(3), head(1), data(1), (DATA, 0, 3, BODY), end(3)];
        assert_eq!(turns(&both).await.unwrap(), 2);
        assert_eq!(turns(&both[..4]).await.unwrap(), 1);
        for bad in [
            &[hello, data(1)][..],
            &[hello, head(1), (DATA, END_STREAM, 1, b"Hello, wOrld!")],
            &[hello, head(1), (DATA, END_STREAM, 1, b"Hello, world")],
            &[hello, head(1), end(1)],
            &[hello, (HEADERS, END_HEADERS, 1, &[0x8e])],
            &[hello, head(5)],
            &[hello, (RST_STREAM, 0, 1, &[0, 0, 0, 7])],
            &[hello, (GOAWAY, 0, 0, &[0; 8])],
        ] {
            assert!(turns(bad).await.is_err(), "{bad:?}");
        }
    }
}
