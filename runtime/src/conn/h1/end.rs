//! How a connection ends: in good order, or cut by the deadline.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use actix_http::{Request, body::MessageBody};
use actix_service::Service;
use actix_web::dev::ServiceResponse;

use super::H1;
use crate::{
    conn::close::Close,
    control::Stage,
    kernel::{self, Waiting},
};

impl<S, B> H1<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Everything is written, and nothing more will be answered.
    pub(super) fn begin_close(self: Pin<&mut Self>) {
        let this = self.project();
        let unread = this.payload.take().is_some() || *this.broken;
        let now = Instant::now();
        *this.close = Some(match *this.until_close {
            // A body that lasts until then has failed: only a reset tells.
            true => Close::abrupt(this.link, now),
            false => Close::new(this.link, unread, now),
        });
    }

    /// Nothing is left to be done once it is ready.
    pub(super) fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let Some(close) = this.close else {
            return Poll::Ready(());
        };
        let patience =
            (this.worker.control.stage() < Stage::Drain).then_some(this.worker.limits.keep_alive);
        let ended = close.poll(this.link, this.timer, patience, cx);
        this.slot.set_in_flight(!close.is_acknowledged());
        ended
    }

    /// The deadline: counts what of this connection is lost.
    pub(super) fn count_cut(self: Pin<&mut Self>) {
        let this = self.project();
        let (worker, routes) = (&this.worker, &this.worker.routes);
        // Without a FIN yet, too: the last response may be in the kernel, and its reader slow.
        let unacknowledged = match this.close {
            Some(close) => !close.is_acknowledged(),
            None => kernel::unacknowledged(&this.link.io).is_ok_and(|left| left > 0),
        };
        if let Some(request) = this.request {
            worker.control.count_cut(&request.route(routes), 1);
        } else if unacknowledged || !this.link.write.is_empty() {
            worker.control.count_cut(&this.route.unacknowledged(), 1);
            if *this.finished {
                worker.control.uncount_finished();
            }
        } else if !this.link.read.is_empty() {
            worker.control.count_cut("(half a request head)", 1);
        } else if this.close.is_none() && kernel::waiting(&this.link.io) == Waiting::Bytes {
            worker.control.count_cut("(a request not yet read)", 1);
        }
    }
}
