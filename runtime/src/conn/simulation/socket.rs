//! One side of a simulated connection, as its process has it: bytes come in pieces, and the event
//! loop tells of them late.

use std::{
    cell::{Cell, RefCell},
    io::{self, ErrorKind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::tcp::{RETRANSMIT, Side, Tcp, Way};
use crate::{
    clock,
    kernel::{Peer, Waiting},
};

/// What a sender's kernel keeps of what has not been acknowledged.
const SEND_BUFFER: usize = 4 * 1024;

/// One side of a connection.
pub(crate) struct Socket {
    tcp: Rc<Tcp>,
    side: Side,
    abandoned: Cell<bool>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ways = &self.tcp.ways;
        write!(
            f,
            "sends {:?}, receives {:?}",
            ways[self.side],
            ways[1 - self.side]
        )
    }
}

impl Socket {
    pub(super) fn new(tcp: Rc<Tcp>, side: Side) -> Self {
        Self {
            tcp,
            side,
            abandoned: Cell::new(false),
        }
    }

    fn incoming(&self) -> &RefCell<Way> {
        &self.tcp.ways[1 - self.side]
    }

    fn outgoing(&self) -> &RefCell<Way> {
        &self.tcp.ways[self.side]
    }

    /// Has this side be gone without a word when it is called, whoever has the socket then.
    pub(super) fn power_switch(&self) -> impl Fn() + 'static {
        let tcp = Rc::clone(&self.tcp);
        move || tcp.cut()
    }

    /// Tells whether anything waits on this side, whoever has the socket then.
    pub(super) fn look(&self) -> impl Fn() -> bool + 'static {
        let (tcp, side) = (Rc::clone(&self.tcp), 1 - self.side);
        move || !tcp.ways[side].borrow().received.is_empty()
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let way = self.incoming().borrow();
        match way.received.is_empty() {
            false => Waiting::Bytes,
            true if way.fin || way.reset => Waiting::End,
            true => Waiting::Nothing,
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn read_now(&self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut way = self.incoming().borrow_mut();
        let count = way.received.len().min(bytes.len());
        if count == 0 && !way.fin {
            return Err(ErrorKind::WouldBlock.into());
        }
        for (place, byte) in bytes.iter_mut().zip(way.received.drain(..count)) {
            *place = byte;
        }
        Ok(count)
    }

    pub(crate) fn request_waits(&self) -> bool {
        let way = self.incoming().borrow();
        way.received
            .iter()
            .any(|byte| !matches!(byte, b'\r' | b'\n'))
    }

    pub(crate) fn unacknowledged(&self) -> usize {
        let way = self.outgoing().borrow();
        way.outstanding + way.unsent.len() + usize::from(way.fin_unsent)
    }

    pub(crate) fn peer(&self) -> Peer {
        let way = self.outgoing().borrow();
        // Of a window that is shut there are probes, and a living peer answers them.
        let probed = self.tcp.gone.get().filter(|_| !way.unsent.is_empty());
        let times = |since: Option<Instant>| {
            let silent = since.map_or(Duration::ZERO, |since| clock::now() - since);
            let sent_again = |times: &u32| RETRANSMIT * ((1 << times) - 1) <= silent;
            (1..=15).take_while(sent_again).count() as u8
        };
        Peer {
            retransmissions: times(way.since),
            probes: times(probed.filter(|_| way.outstanding == 0)),
            round_trip: self.tcp.path.latency * 2,
        }
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.set(true);
    }

    pub(crate) fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.incoming().borrow_mut();
        if way.told {
            return Poll::Ready(Ok(()));
        }
        way.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut way = self.incoming().borrow_mut();
        if !way.told {
            // As tokio does, from memory.
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if way.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        let count = way.received.len().min(buffer.remaining());
        if count > 0 {
            let bytes: Vec<u8> = way.received.drain(..count).collect();
            buffer.put_slice(&bytes);
            drop(way);
            let (tcp, side) = (Rc::clone(&self.tcp), 1 - self.side);
            let at = clock::now() + self.tcp.network.takes(self.tcp.path);
            self.tcp.network.at(at, move || tcp.pump(side));
            return Poll::Ready(Ok(()));
        }
        if way.fin {
            return Poll::Ready(Ok(()));
        }
        way.told = false;
        way.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut way = self.outgoing().borrow_mut();
        if way.reset {
            return Poll::Ready(Err(ErrorKind::ConnectionReset.into()));
        }
        if way.shut {
            return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
        }
        let count = bytes
            .len()
            .min(SEND_BUFFER.saturating_sub(way.outstanding + way.unsent.len()));
        if count == 0 {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        way.unsent.extend(&bytes[..count]);
        drop(way);
        self.tcp.pump(self.side);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut way = self.outgoing().borrow_mut();
        if way.reset {
            return Poll::Ready(Err(ErrorKind::NotConnected.into()));
        }
        if !std::mem::replace(&mut way.shut, true) {
            way.fin_unsent = true;
            drop(way);
            self.tcp.pump(self.side);
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let unread = !self.incoming().borrow().received.is_empty();
        self.incoming().borrow_mut().deaf = true;
        let mut way = self.outgoing().borrow_mut();
        if self.abandoned.get() || unread {
            way.shut = true;
            way.unsent.clear();
            drop(way);
            self.tcp.reset();
        } else if !std::mem::replace(&mut way.shut, true) {
            way.fin_unsent = true;
            drop(way);
            self.tcp.pump(self.side);
        }
    }
}
