//! A request as it comes from `h2`.

use std::rc::Rc;

use actix_http::Payload;
use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{HeaderMap, StatusCode, header::EXPECT};

use super::Session;
use crate::{
    clock,
    conn::{
        app::App,
        h2::{
            head::{self, Refusal},
            incoming::Incoming,
            shared::Head,
            stream::Stream,
        },
        payload,
        request::InFlight,
    },
    control::Stage,
};

impl<A: App> Session<'_, '_, A> {
    /// Hands a request to the service, on a stream of its own.
    pub(super) fn begin(
        &mut self,
        stage: Stage,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let now = clock::now();
        self.state.request_came();
        let worker = &self.shared.worker;
        if stage >= Stage::Goodbye {
            worker.control.request_came(now);
            self.open.note_request(request.uri().path(), now);
        }
        let (parts, body) = request.into_parts();
        let expects = !body.is_end_stream() && expects_continue(&parts.headers);
        let taken = head::request(parts, self.shared.peer.socket_address()).and_then(
            |(request, weight)| {
                let head = Head::new(&self.shared, weight).ok_or(Refusal::TooMuch)?;
                Ok((request, head))
            },
        );
        let (mut request, head) = match taken {
            Ok(taken) => taken,
            Err(refusal) => {
                worker.routes.refuse(refusal.status());
                if let Some(observer) = &worker.observer {
                    observer.refused(self.shared.peer, refusal.status());
                }
                refuse(refusal, &mut respond);
                return self.shared.answered.set(true);
            }
        };
        let (method, target) = (request.method(), request.uri().path_and_query());
        let mut in_flight = InFlight::new(&worker.counters, method, target.cloned(), now);
        if let Some(observer) = &worker.observer {
            in_flight.observe(observer.begin(&mut request, self.shared.peer));
        }
        self.wire.borrow().io.transport.introduce(&request);
        let incoming = (!body.is_end_stream()).then(|| {
            let (sender, receiver) = payload::channel();
            let payload = Box::pin(receiver);
            *request.payload() = Payload::Stream { payload };
            Incoming::new(body, sender, expects)
        });
        let may_be_quick = incoming.is_none();
        let shared = Rc::clone(&self.shared);
        let stream = Stream::begin(shared, request, in_flight, head, incoming, respond);
        let stream = Box::pin(stream);
        match may_be_quick {
            true => self.quick.push(stream),
            false => self.streams.push(stream),
        }
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    let expect = headers.get(EXPECT).map(http::HeaderValue::as_bytes);
    expect.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

/// Says no to what is no request: in one way, whether `h2` finds that or we do. If it fails, the
/// client has gone.
fn refuse(refusal: Refusal, respond: &mut SendResponse<Bytes>) {
    match refusal {
        Refusal::Malformed => respond.send_reset(Reason::PROTOCOL_ERROR),
        // It may be sent again (RFC 9113, 8.7).
        Refusal::TooMuch => respond.send_reset(Reason::REFUSED_STREAM),
        Refusal::TooManyFields => {
            let mut response = http::Response::new(());
            *response.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            let _ = respond.send_response(response, true);
        }
    }
}
