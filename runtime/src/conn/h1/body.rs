//! What is read while a request is at hand.

use std::{
    io::{self, ErrorKind},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use actix_http::{
    Response, StatusCode,
    body::{BoxBody, EitherBody},
    error::PayloadError,
};

use super::{
    H1, Reading, StateProj, Step, Upgrade,
    content::Content,
    upload::{Fed, Upload},
};
use crate::{
    clock,
    conn::{app::App, policy::Further},
};

/// While a request is handled, so much is read of what follows it: enough to see that something
/// does, and that the client is still there.
const READ_AHEAD: usize = 16 * 1024;

impl<A: App> H1<A> {
    /// Reads on while a request is at hand: its body, if it is wanted, or a little of what
    /// follows. Says when; notes a peer that has no more to say.
    pub(super) fn poll_read_ahead(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<Instant>> {
        let this = self.project();
        let wanted = match this.upload {
            // What follows an offer may be the next request.
            Some(upload) if !upload.is_offer() => upload.sender.wants(cx),
            _ => *this.further == Further::All && this.io.read.len() < READ_AHEAD,
        };
        if !wanted || this.io.eof || *this.reading != Reading::On {
            return Poll::Pending;
        }
        ready!(this.io.poll_fill(cx))?;
        this.further.read_on();
        *this.now = clock::now();
        if let Some(upload) = this.upload {
            upload.arrival.moved(|| *this.now);
        }
        Poll::Ready(Ok(*this.now))
    }

    /// Has a client send its body that waits to be asked for it, once it is `wanted`: a handler that
    /// refuses a request does not want it, and so its client can do without sending it. But whether
    /// it does cannot be known: it may have grown tired of waiting (RFC 9110, 10.1.1). Its body and
    /// its next request could not be told apart, so the connection ends with such a response.
    pub(super) fn ask(self: Pin<&mut Self>, wanted: impl Fn(&Upload) -> bool) {
        let this = self.project();
        if let Some(upload) = this.upload
            && upload.expects
            && wanted(upload)
        {
            upload.expects = false;
            let go_on = b"HTTP/1.1 100 Continue\r\n\r\n";
            this.io.write().extend_from_slice(go_on);
        }
    }

    /// Moves what has arrived of the body to the handler. False if its framing has just been seen to
    /// be broken.
    #[inline]
    pub(super) fn feed(self: Pin<&mut Self>) -> bool {
        // Most requests have none.
        self.upload.is_none() || self.feed_upload()
    }

    fn feed_upload(mut self: Pin<&mut Self>) -> bool {
        let this = self.as_mut().project();
        let Some(upload) = this.upload else {
            return true;
        };
        match upload.feed(&mut this.io.read) {
            Fed::Partly => {}
            Fed::Wholly => {
                self.end_upload(Ok(()));
                return true;
            }
            Fed::Corrupted => {
                *this.reading = Reading::Broken;
                self.end_upload(Err(PayloadError::EncodingCorrupted));
                return false;
            }
        }
        // Behind an offer may be the next request. Who awaits a body where no more is read would wait
        // for ever: not even the client's FIN would be seen.
        let reads_on = *this.further == Further::All && this.io.read.len() < READ_AHEAD;
        match upload.content {
            Content::Offer if !reads_on || this.io.eof => self.end_upload(Ok(())),
            Content::Other if this.io.eof => {
                let heard_fin = upload.is_held();
                *this.upgrade = Upgrade::Granted { heard_fin };
                *this.reading = Reading::Broken;
                self.end_upload(Ok(()));
            }
            _ if this.io.eof => {
                *this.reading = Reading::Broken;
                self.end_upload(Err(PayloadError::Incomplete(None)));
            }
            _ => {}
        }
        true
    }

    /// Ends the body for its reader.
    pub(super) fn end_upload(self: Pin<&mut Self>, end: Result<(), PayloadError>) {
        if let Some(upload) = self.project().upload.take() {
            upload.end(end);
        }
    }

    /// Ready when the body at hand comes too slowly. `read` is when something was read, if that
    /// was in this very poll.
    pub(super) fn poll_late_body(
        self: Pin<&mut Self>,
        read: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let this = self.project();
        let now = || read.unwrap_or_else(clock::now);
        let upload = match this.upload {
            // Another protocol has silences of its own.
            Some(upload) if !matches!(this.upgrade, Upgrade::Granted { .. }) => upload,
            _ => return Poll::Pending,
        };
        if !upload.sender.is_awaited(cx) {
            if upload.arrival.runs() {
                upload.arrival.pause(now());
            }
            return Poll::Pending;
        }
        let limits = upload.sender.limits(this.worker.limits.body);
        match upload.arrival.deadline(limits, now) {
            Some(deadline) => this.timer.poll(deadline, cx),
            None => Poll::Pending,
        }
    }

    /// The body at hand comes too slowly. Its reader is told by a failed read, and the client by a
    /// 408, if it can be.
    pub(super) fn give_up_body(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        *self.as_mut().project().reading = Reading::TooSlow;
        let late = PayloadError::Io(ErrorKind::TimedOut.into());
        self.as_mut().end_upload(Err(late));
        let text = "the request's body came too slowly\n";
        self.answer_instead(StatusCode::REQUEST_TIMEOUT, text, cx)
    }

    /// The body's framing is broken.
    pub(super) fn refuse_body(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Step {
        let text = "the request's body is badly framed\n";
        self.answer_instead(StatusCode::BAD_REQUEST, text, cx)
    }

    /// Answers in the place of a handler whose request's body has failed, unless its response has
    /// begun, which is then the handler's to end. What it would answer is not what was asked, since
    /// nobody knows all that was.
    fn answer_instead(
        mut self: Pin<&mut Self>,
        status: StatusCode,
        text: &'static str,
        cx: &mut Context<'_>,
    ) -> Step {
        let StateProj::Handling { response } = self.as_mut().project().state.project() else {
            return Step::Again;
        };
        // For the handler to see it.
        let _ = catch_unwind(AssertUnwindSafe(|| response.poll(cx).is_ready()));
        self.as_mut().note_unrouted(status);
        let body = EitherBody::right(BoxBody::new(text));
        self.send(Response::with_body(status, ()), body)
    }
}
