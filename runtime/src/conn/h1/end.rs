//! How a connection ends.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::{H1, Reading, State, StateProj, Upgrade};
use crate::{
    clock,
    conn::{
        app::App,
        close::{Behind, Close},
    },
};

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// By FIN; and what its client sends behind that.
    Fin(Behind),
    /// By RST: only that tells that a body has failed which lasts until the connection ends.
    Reset,
}

impl<A: App> H1<A> {
    /// Everything is written, and nothing more will be answered.
    pub(super) fn begin_close(self: Pin<&mut Self>, end: End) {
        let mut this = self.project();
        let is_http = !matches!(this.upgrade, Upgrade::Granted { .. });
        let now = clock::now();
        let mut close = match end {
            End::Reset => Close::abrupt(this.io, now),
            End::Fin(behind) => {
                let behind = match (this.upload.take(), *this.reading) {
                    (Some(_), _) | (None, Reading::TooSlow) => Behind::Body,
                    (None, Reading::On) if is_http => behind,
                    (None, Reading::On | Reading::Broken) => Behind::Anything,
                };
                Close::new(this.io, behind, now)
            }
        };
        close.note(&this.io.read, &this.worker.control);
        this.state.set(State::Closing {
            close: Box::new(close),
        });
    }

    pub(super) fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let StateProj::Closing { close } = this.state.project() else {
            return Poll::Ready(());
        };
        close.poll_counting(this.io, this.timer, this.worker, this.open, this.last, cx)
    }

    /// The deadline: counts what of this connection is lost.
    pub(super) fn count_cut(self: Pin<&mut Self>) {
        let this = self.project();
        let (worker, routes) = (&this.worker, &this.worker.routes);
        let close = match this.state.project() {
            StateProj::Closing { close } => Some(close),
            _ => None,
        };
        // Without a FIN yet, too: the last response may be in the kernel, and its reader slow.
        let unacknowledged = match &close {
            Some(close) => !close.is_acknowledged(),
            None => this
                .io
                .transport
                .unacknowledged()
                .is_some_and(|left| left > 0),
        };
        if let Some(request) = this.request {
            worker.control.ledger.count_cut(&request.cut(routes), 1);
        } else if unacknowledged || !this.io.write.is_empty() {
            this.last.count_unacknowledged(&worker.control);
        } else if !this.io.read.is_empty() || this.io.transport.half_since().is_some() {
            worker.control.ledger.count_cut("(half a request head)", 1);
        } else if close.is_none() && this.io.transport.request_waits() {
            worker
                .control
                .ledger
                .count_cut("(a request not yet read)", 1);
        }
    }
}
