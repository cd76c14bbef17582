//! HTTP/2: one connection, over the `h2` crate and actix's service.
//!
//! `h2` knows frames, windows and states; when a connection says goodbye, how long it may be
//! silent and how it ends is ours, as in HTTP/1.1. actix's own dispatcher says no goodbye at all.

mod frames;
mod head;
mod incoming;
mod io;
pub(super) mod preface;
mod session;
mod shared;
mod stream;

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::Poll,
};

use bytes::Bytes;
use h2::server::{Builder, Connection};

use self::{
    io::{FramedIo, H2Io},
    session::{Ended, Session},
    shared::{Outgoing, Shared},
};
use super::{
    Worker,
    app::App,
    buffered_io::BufferedIo,
    close::{Behind, Close},
    peer::PeerAddress,
    registry::Registration,
    request::LastResponse,
    timer::Timer,
};
use crate::{
    clock,
    control::{OpenConnection, Stage},
};

/// Streams that a client may have open at once: the least that RFC 9113 (6.5.2) advises. What is
/// more is refused, which is safe to repeat.
const STREAMS: u32 = 100;

/// The size of a request's head, decoded: beyond it the answer is 431, and far beyond it the
/// connection ends.
const HEADER_LIST: u32 = 64 * 1024;

/// What a client may send ahead of a handler that does not read, in one stream and in all of a
/// connection. So a few such streams leave room for the others, and a client far away (100 ms)
/// still uploads 2.5 MB a second in each.
const STREAM_WINDOW: u32 = 256 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;

/// What a stream keeps of a response for a client that does not read.
const SEND_BUFFER: usize = 64 * 1024;

/// A connection whose client has sent the preface of HTTP/2.
#[derive(Debug)]
pub(super) struct Handover<'l, A> {
    pub(super) worker: &'l Rc<Worker<A>>,
    pub(super) peer: PeerAddress,
    pub(super) io: &'l mut BufferedIo,
    pub(super) open: &'l mut OpenConnection,
    pub(super) timer: &'l mut Timer,
    pub(super) registration: Option<&'l Registration>,
}

/// Serves a connection to its end. Its task is the one that is woken when the stage changes.
pub(super) async fn serve<A: App>(handover: Handover<'_, A>) {
    let Handover {
        worker,
        peer,
        io,
        open,
        timer,
        registration,
    } = handover;
    let shared = Rc::new(Shared {
        worker: Rc::clone(worker),
        peer,
        last: RefCell::new(LastResponse::default()),
        answered: Cell::new(false),
        waiting: Cell::new(0),
        read_ahead: Cell::new(0),
        heads: Cell::new(0),
        outgoing: Outgoing::default(),
        since: Cell::new(clock::now()),
    });
    open.set_http2();
    let wire = RefCell::new(FramedIo::new(io));
    // The preface is here, and a new socket has room for the answer: this does not wait.
    let Ok(connection) = handshake(H2Io(&wire)).await else {
        return;
    };
    let mut session = Session::new(
        Rc::clone(&shared),
        &wire,
        open,
        timer,
        registration,
        connection,
    );
    let ended = poll_fn(|cx| session.poll(cx)).await;
    drop(session);
    let Ended::Close { owing } = ended else {
        return;
    };
    let io = wire.into_inner().io;
    let mut close = Close::new(io, Behind::Anything, clock::now());
    if !owing {
        close.owes_nothing();
    }
    poll_fn(|cx| {
        let stage = worker.control.stage();
        if stage == Stage::Cut {
            if !close.is_acknowledged() {
                shared.count_unacknowledged();
            }
            return Poll::Ready(());
        }
        close.poll_counting(io, timer, worker, open, &shared.last.borrow(), cx)
    })
    .await;
}

/// Against floods of resets, CONTINUATIONs and empty frames `h2` has limits of its own.
async fn handshake<'w, 'l>(io: H2Io<'w, 'l>) -> Result<Connection<H2Io<'w, 'l>, Bytes>, h2::Error> {
    Builder::new()
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADER_LIST)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER)
        .handshake(io)
        .await
}
