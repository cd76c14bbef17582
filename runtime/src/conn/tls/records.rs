//! A socket under TLS, and where in the stream of records reading stands.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::{clock, conn::socket::Socket};

/// Of a record's five bytes of header the last two are its length (RFC 8446, 5.1).
const HEADER: u8 = 5;

/// A socket under TLS.
#[derive(Debug)]
pub(super) struct Records {
    pub(super) socket: Socket,
    boundary: Boundary,
    /// When the first byte came.
    began: Option<Instant>,
    /// When the first byte of the record came that is not complete.
    half_since: Option<Instant>,
}

/// How far the record at hand has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Boundary {
    /// So many bytes of its header, the length as far as it is known.
    Header { read: u8, length: u16 },
    /// So many bytes are to come.
    Body { left: u16 },
}

impl Boundary {
    const START: Self = Self::Header { read: 0, length: 0 };

    /// Behind these bytes.
    fn after(self, bytes: &[u8]) -> Self {
        let (mut at, mut rest) = (self, bytes);
        while let [byte, behind @ ..] = rest {
            (at, rest) = match at {
                Self::Body { left } => {
                    let taken = rest.len().min(left.into());
                    // No more than `left`, which is a `u16`.
                    let left = left - taken as u16;
                    (Self::body(left), &rest[taken..])
                }
                Self::Header { read, length } => {
                    let length = match HEADER - read {
                        1 | 2 => length << 8 | u16::from(*byte),
                        _ => 0,
                    };
                    let read = read + 1;
                    let next = match read {
                        HEADER => Self::body(length),
                        _ => Self::Header { read, length },
                    };
                    (next, behind)
                }
            };
        }
        at
    }

    fn body(left: u16) -> Self {
        match left {
            0 => Self::START,
            left => Self::Body { left },
        }
    }
}

impl Records {
    pub(super) fn new(socket: Socket) -> Self {
        Self {
            socket,
            boundary: Boundary::START,
            began: None,
            half_since: None,
        }
    }

    /// When the first byte came.
    pub(super) fn began(&self) -> Option<Instant> {
        self.began
    }

    /// Since when a record has been arriving that is not complete.
    pub(super) fn half_since(&self) -> Option<Instant> {
        self.half_since
    }

    /// What has come at this very moment, whatever the event loop knows of it.
    pub(super) fn read_now(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read_now(bytes)?;
        self.follow(&bytes[..count]);
        Ok(count)
    }

    fn follow(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.boundary = self.boundary.after(bytes);
        if self.began.is_none() {
            self.began = Some(clock::now());
        }
        self.half_since = match self.boundary {
            Boundary::START => None,
            _ => self.half_since.or_else(|| Some(clock::now())),
        };
    }
}

/// A socket as rustls wants one: what would have to wait is `WouldBlock`, and the task is woken.
pub(super) struct Polled<'r, 'c, 'w> {
    pub(super) records: &'r mut Records,
    pub(super) cx: &'c mut Context<'w>,
}

impl Polled<'_, '_, '_> {
    fn poll_read(&mut self, bytes: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buffer = ReadBuf::new(bytes);
        ready!(Pin::new(&mut self.records.socket).poll_read(self.cx, &mut buffer))?;
        self.records.follow(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }
}

impl io::Read for Polled<'_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        or_would_block(self.poll_read(bytes))
    }
}

impl io::Write for Polled<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut self.records.socket).poll_write(self.cx, bytes))
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut self.records.socket).poll_write_vectored(self.cx, slices))
    }

    /// A socket keeps nothing back.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn or_would_block<T>(result: Poll<io::Result<T>>) -> io::Result<T> {
    match result {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

/// The same, whatever the event loop knows.
pub(super) struct Now<'r>(pub(super) &'r mut Records);

impl io::Read for Now<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read_now(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A handshake's record of three bytes, an alert of none, application data of 258.
    fn records() -> Vec<u8> {
        let mut bytes = vec![22, 3, 1, 0, 3, 1, 2, 3, 21, 3, 3, 0, 0, 23, 3, 3, 1, 2];
        bytes.extend([0; 258]);
        bytes
    }

    #[test]
    fn only_between_two_records_none_is_half() {
        let bytes = records();
        let whole: Vec<_> = (0..=bytes.len())
            .filter(|count| Boundary::START.after(&bytes[..*count]) == Boundary::START)
            .collect();
        assert_eq!(whole, [0, 8, 13, 276]);
    }

    #[test]
    fn in_whatever_pieces_they_come() {
        let bytes = records();
        for size in 1..=bytes.len() {
            let pieces = bytes.chunks(size);
            let end = pieces.fold(Boundary::START, Boundary::after);
            assert_eq!(end, Boundary::START, "in pieces of {size}");
        }
    }
}
