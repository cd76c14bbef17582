//! One connection: opened for a request, used by all of a client's streams until it is told to go.

use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;

use super::super::buffer::{self, Buffer};
use super::super::failure::FailureKind;
use super::state::{End, Event, Goaways, State};
use rehearse_tls::{End as TlsEnd, Layer, Received, Stream};

/// A connection and who attends to it: both end with the last stream that needs them.
pub(in super::super) struct Link {
    wire: Arc<Wire>,
    pub(super) peer: SocketAddr,
    /// Its number in the log.
    pub(super) number: u32,
    /// Whenever a stream has ended.
    pub(super) freed: Notify,
    _attendant: AbortOnDropHandle<()>,
}

/// What came of the wish for another stream.
pub(in super::super) enum Opened {
    Stream(OpenStream),
    /// As many are open as the server allows.
    Full,
    /// The server has told us to go.
    Told,
    /// It has gone.
    Ended(End),
}

/// A stream with its request sent. It is left if it is dropped before its end.
pub(in super::super) struct OpenStream {
    link: Arc<Link>,
    id: u32,
    pub(super) events: UnboundedReceiver<Event>,
}

impl Link {
    /// Speaks HTTP/2 on a new connection, which has this number in the log.
    pub(in super::super) fn open(
        stream: Stream,
        peer: SocketAddr,
        number: u32,
        rtt: Duration,
    ) -> Arc<Self> {
        let Stream { tcp, layer } = stream;
        let wire = Arc::new(Wire {
            stream: tcp,
            side: Mutex::new(Side {
                layer,
                state: State::default(),
                buffer: Buffer::new(buffer::LARGEST),
                unsendable: None,
                unseen: None,
            }),
            rtt,
            changed: Notify::new(),
            greeted: Notify::new(),
            over: Notify::new(),
        });
        let attendant = tokio::spawn(Arc::clone(&wire).attend());
        Arc::new(Self {
            wire,
            peer,
            number,
            freed: Notify::new(),
            _attendant: AbortOnDropHandle::new(attendant),
        })
    }

    /// Waits for the server's first word. That it has none is met by the first request, too.
    pub(super) async fn greeted(&self) {
        {
            let mut side = self.wire.lock();
            self.wire.send(&mut side);
        }
        self.wire.greeted.notified().await;
    }

    /// Waits until the connection is over.
    pub(super) async fn over(&self) {
        self.wire.over.notified().await;
    }

    /// How the server ended it by TLS, as far as is known.
    pub(super) fn tls_end(&self) -> Option<TlsEnd> {
        self.wire.lock().layer.end()
    }

    /// Sends a request on a new stream, unless we have seen by now that we are to go.
    pub(in super::super) fn request(self: &Arc<Self>, block: &[u8]) -> Opened {
        let mut side = self.wire.lock();
        self.wire.receive(&mut side);
        match side.state.ended() {
            _ if side.state.is_told() => return Opened::Told,
            Some(end) => return Opened::Ended(end.clone()),
            None if side.state.is_full() => return Opened::Full,
            None => {}
        }
        let (sender, events) = unbounded_channel();
        let id = side.state.open(block, sender);
        self.wire.send(&mut side);
        let link = Arc::clone(self);
        Opened::Stream(OpenStream { link, id, events })
    }
}

impl OpenStream {
    /// Has read so many bytes, and allows as many more.
    pub(super) fn credit(&self, bytes: usize) {
        let wire = &self.link.wire;
        let mut side = wire.lock();
        side.state.credit(self.id, bytes);
        wire.send(&mut side);
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let wire = &self.link.wire;
        let mut side = wire.lock();
        side.state.cancel(self.id);
        wire.send(&mut side);
        self.link.freed.notify_one();
    }
}

struct Wire {
    stream: TcpStream,
    side: Mutex<Side>,
    rtt: Duration,
    /// Something is left to be sent, or to be seen later.
    changed: Notify,
    /// The server has spoken, or never will.
    greeted: Notify,
    /// It is over.
    over: Notify,
}

struct Side {
    layer: Layer,
    state: State,
    buffer: Buffer,
    /// Why nothing can be sent any more. There may still be something to receive.
    unsendable: Option<io::Error>,
    /// What the kernel has and we do not see yet, and when we will. What stands behind it waits.
    unseen: Option<(Instant, News)>,
}

/// News of the connection's end.
enum News {
    Goaway,
    /// An end in good order, or an error.
    End(Result<TlsEnd, io::Error>),
}

impl Wire {
    fn lock(&self) -> MutexGuard<'_, Side> {
        self.side.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Receives and sends as the socket allows, until the connection is over.
    async fn attend(self: Arc<Self>) {
        loop {
            let (all_sent, seen) = {
                let side = self.lock();
                let seen = side.unseen.as_ref().map(|(seen, _)| *seen);
                (side.all_sent(), seen)
            };
            let interest = match (all_sent, seen) {
                (true, _) => Interest::READABLE,
                (false, None) => Interest::READABLE | Interest::WRITABLE,
                (false, Some(_)) => Interest::WRITABLE,
            };
            let goes_on = tokio::select! {
                ready = self.stream.ready(interest), if !all_sent || seen.is_none() => {
                    ready.is_ok_and(|ready| self.exchange(ready))
                }
                () = sleep_until(seen.unwrap_or_else(Instant::now)), if seen.is_some() => {
                    let mut side = self.lock();
                    self.receive(&mut side);
                    self.take_stock(&mut side)
                }
                () = self.changed.notified() => continue,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Receives and sends what the kernel is ready for. Says whether the connection goes on.
    fn exchange(&self, ready: Ready) -> bool {
        // Each goes on until the kernel has no more, and tokio is to know that.
        let none = || io::Result::<()>::Err(ErrorKind::WouldBlock.into());
        let mut side = self.lock();
        if !ready.is_writable() || ready.is_readable() {
            let _none = self.stream.try_io(Interest::READABLE, || {
                self.receive(&mut side);
                none()
            });
        }
        if ready.is_writable() {
            let _none = self.stream.try_io(Interest::WRITABLE, || {
                self.send(&mut side);
                if side.all_sent() { Ok(()) } else { none() }
            });
        }
        self.take_stock(&mut side)
    }

    /// What follows from what was taken in. Says whether the connection goes on.
    fn take_stock(&self, side: &mut Side) -> bool {
        let (state, over) = (&side.state, side.state.ended().is_some());
        if over || state.is_greeted() {
            self.greeted.notify_one();
        }
        if over {
            self.over.notify_one();
        }
        if over || (state.is_told() && state.is_idle() && side.all_sent()) {
            // Who is told to leave, leaves; and a FIN is answered, so that the server's own close
            // can end.
            side.layer.say_close(&self.stream);
            let _gone = SockRef::from(&self.stream).shutdown(Shutdown::Write);
        }
        !over
    }

    /// Takes in what the kernel has: asked directly, because tokio's view of the socket may be one
    /// turn of the reactor old. And answers what needs an answer.
    fn receive(&self, side: &mut Side) {
        let mut goaways = self.visible(side);
        while side.state.ended().is_none() && side.unseen.is_none() {
            if side.state.digest(&mut side.buffer, goaways) {
                self.keep_unseen(side, News::Goaway);
                break;
            }
            goaways = self.visible(side);
            let Some(room) = side.buffer.room() else {
                let kind = FailureKind::BadResponse;
                return side.state.end(kind, "a frame longer than the buffer");
            };
            match side.layer.read(&self.stream, room) {
                Ok(Received::End(end)) => self.meet_end(side, Ok(end)),
                Ok(Received::Bytes(read)) => side.buffer.filled(read),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => self.meet_end(side, Err(error)),
            }
        }
        self.send(side);
    }

    /// Which GOAWAYs may be seen now. Sees an end whose time has come.
    fn visible(&self, side: &mut Side) -> Goaways {
        // What comes with the server's first word is seen with it by who has waited for that.
        let at_once = self.rtt.is_zero() || side.state.is_new();
        let later = if at_once { Goaways::All } else { Goaways::None };
        match side.unseen.take_if(|(seen, _)| *seen <= Instant::now()) {
            None => later,
            Some((_, News::Goaway)) => Goaways::Next,
            Some((_, News::End(end))) => {
                side.end(end);
                later
            }
        }
    }

    /// An end that was announced, or that nothing can cross, is seen at once.
    fn meet_end(&self, side: &mut Side, end: Result<TlsEnd, io::Error>) {
        if self.rtt.is_zero() || side.state.is_new() || side.state.is_told() {
            side.end(end);
        } else {
            side.state.note_end();
            self.keep_unseen(side, News::End(end));
        }
    }

    fn keep_unseen(&self, side: &mut Side, news: News) {
        side.unseen = Some((Instant::now() + self.rtt, news));
        self.changed.notify_one();
    }

    fn send(&self, side: &mut Side) {
        while !side.all_sent() && side.unsendable.is_none() {
            let Side { layer, state, .. } = side;
            let sent = match state.out.is_empty() {
                true => layer.flush(&self.stream).map(|()| 0),
                false => layer.write(&self.stream, &state.out),
            };
            match sent {
                Ok(sent) => drop(side.state.out.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return self.changed.notify_one();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // What was received before it is read first; then the end is met there, too.
                Err(error) => side.unsendable = Some(error),
            }
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let side = self.side.get_mut().unwrap_or_else(PoisonError::into_inner);
        side.layer.say_close(&self.stream);
    }
}

impl Side {
    /// Whether the kernel has all that is to be sent.
    fn all_sent(&self) -> bool {
        self.state.out.is_empty() && !self.layer.must_flush()
    }

    /// The end as it was met when reading, or before that when writing.
    fn end(&mut self, end: Result<TlsEnd, io::Error>) {
        use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
        let error = match (self.unsendable.take(), end) {
            (Some(error), _) | (None, Err(error)) => error,
            (None, Ok(end)) => {
                let kind = FailureKind::ClosedBeforeResponse;
                return self.state.end(kind, &end.to_string());
            }
        };
        let kind = match error.kind() {
            ErrorKind::InvalidData => FailureKind::BadResponse,
            ConnectionReset | ConnectionAborted | BrokenPipe => FailureKind::ResetBeforeResponse,
            _ => FailureKind::ConnectionLost,
        };
        self.state.end(kind, &error.to_string());
    }
}
