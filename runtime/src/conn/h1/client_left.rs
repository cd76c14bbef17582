//! Clients that have left while their request is at hand.

use actix_http::body::{BodySize, MessageBody};

use super::{H1, State, Upgrade};
use crate::conn::{app::App, request::InFlight};

impl<A: App> H1<A> {
    /// Whether the client's FIN says that nobody waits for the response at hand.
    ///
    /// A FIN ends what is sent, and not what is read: a client may say by it that no further
    /// request follows, and still gets its answer, unless that is set otherwise. A process that has
    /// gone looks just the same until something is sent to it, and so a response that has no end but
    /// the drain's would stay for hours where little is sent. Its client cannot be waiting for the
    /// whole of it, so there a FIN is taken for what it nearly always is.
    ///
    /// Another protocol has ends of its own: its FIN is the end of what its handler reads, and what
    /// that means is for the handler to say, if it does read.
    pub(super) fn has_left(&self) -> bool {
        if !self.io.eof {
            return false;
        }
        let endless = || match &self.state {
            State::Responding { body, .. } => body.size() == BodySize::Stream,
            _ => false,
        };
        let heard_fin = matches!(self.upgrade, Upgrade::Granted { heard_fin: true });
        let told = || self.request.as_ref().is_some_and(InFlight::ends_itself);
        !self.worker.limits.half_close || (told() && endless() && !heard_fin)
    }
}
