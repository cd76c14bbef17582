//! A request as it comes from `h2`.

use std::{rc::Rc, time::Instant};

use actix_http::{Payload, Request, body::MessageBody};
use actix_service::Service;
use actix_web::dev::ServiceResponse;
use bytes::Bytes;
use h2::{RecvStream, server::SendResponse};
use http::{HeaderMap, StatusCode, header::EXPECT};

use super::Session;
use crate::{
    conn::{
        h2::{head, incoming::Incoming, stream::Stream},
        payload,
        request::InFlight,
    },
    control::Stage,
};

impl<S, B> Session<'_, '_, S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody + 'static,
{
    /// Hands a request to the service, on a stream of its own.
    pub(super) fn begin(
        &mut self,
        stage: Stage,
        request: http::Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
    ) {
        let now = Instant::now();
        (self.asked, self.settled) = (true, false);
        let worker = &self.shared.worker;
        if stage >= Stage::Goodbye {
            worker.control.request_came(now);
            self.slot.note_request(request.uri().path(), now);
        }
        let (parts, body) = request.into_parts();
        let expects = expects_continue(&parts.headers);
        let Some(mut request) = head::request(parts, self.shared.peer) else {
            refuse(&mut respond);
            return self.shared.answered.set(true);
        };
        let (method, target) = (request.method().clone(), request.uri().path_and_query());
        let in_flight = InFlight::new(&worker.counters, method, target.cloned(), now);
        let incoming = (!body.is_end_stream()).then(|| {
            let (sender, receiver) = payload::channel();
            let payload = Box::pin(receiver);
            *request.payload() = Payload::Stream { payload };
            Incoming::new(body, sender)
        });
        if expects && incoming.is_some() {
            go_on(&mut respond);
        }
        let shared = Rc::clone(&self.shared);
        let stream = Stream::begin(shared, request, in_flight, incoming, respond);
        self.streams.push(stream);
    }
}

fn expects_continue(headers: &HeaderMap) -> bool {
    let expect = headers.get(EXPECT).map(http::HeaderValue::as_bytes);
    expect.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

/// Has the client send its body. If that fails, it has gone.
fn go_on(respond: &mut SendResponse<Bytes>) {
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::CONTINUE;
    let _ = respond.send_informational(response);
}

/// Answers a head that actix cannot take. If that fails, the client has gone.
fn refuse(respond: &mut SendResponse<Bytes>) {
    let mut response = http::Response::new(());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let _ = respond.send_response(response, true);
}
