//! A handler that takes too long.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_http::{
    Response, StatusCode,
    body::{BoxBody, EitherBody},
};

use super::{H1, Step, Upgrade};
use crate::conn::{app::App, request::OVERDUE};

impl<A: App> H1<A> {
    /// Ready once the request at hand has taken longer than it may. What is another protocol's by now
    /// is no request any more.
    pub(super) fn poll_overdue(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let general = this.worker.limits.request_timeout;
        let due = this
            .request
            .as_ref()
            .and_then(|request| request.due(general));
        match due {
            Some(due) if !matches!(this.upgrade, Upgrade::Granted { .. }) => {
                this.timer.poll(due, cx)
            }
            _ => Poll::Pending,
        }
    }

    /// Drops the handler, and answers in its place.
    pub(super) fn give_up_handler(mut self: Pin<&mut Self>) -> Step {
        let status = StatusCode::GATEWAY_TIMEOUT;
        self.as_mut().note_unrouted(status);
        let body = EitherBody::right(BoxBody::new(OVERDUE));
        self.send(Response::with_body(status, ()), body)
    }
}
