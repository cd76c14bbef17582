//! `/ws`: sends back each message, ticks in between, and ends by a Close of its own when told.

mod inbox;

use std::ops::ControlFlow::{self, Break, Continue};
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use actix_web::body::{BodyStream, BoxBody, MessageBody};
use actix_web::{FromRequest, HttpRequest, HttpResponse, Result, dev, get, rt, web};
use actix_ws::{AggregatedMessage as Message, CloseReason, Session};
use futures_util::stream;
use lastcall::Drain;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use self::inbox::{Inbox, Received};
use crate::{Set, ticks::Clock};

/// How long a client has to answer the drain's Close. One that lives answers within a round trip,
/// or, if packets are lost, within TCP's first retransmissions: 0.2, 0.6, 1.4 and 3 s after the
/// loss. It must fit what a drain has left for it: with the default grace period of 30 s, after
/// the longest lame duck and the jitter, 12 s.
const PATIENCE: Duration = Duration::from_secs(5);

/// A WebSocket that sends back each message.
#[get("/ws")]
pub(crate) async fn ws(
    set: Set,
    request: HttpRequest,
    body: web::Payload,
    drain: Drain,
) -> Result<HttpResponse> {
    let unread = web::Payload::from_request(&request, &mut dev::Payload::None).await?;
    let (response, session, _) = actix_ws::handle(&request, unread)?;
    let inbox = Inbox::new(body);
    let (open, over) = oneshot::channel::<()>();
    rt::spawn(async move {
        converse(session, inbox, set, drain).await;
        drop(open);
    });
    Ok(response.map_body(|_, frames| kept_open(frames, over)))
}

/// The response's body is what the session sends, and for `actix-ws` a Close is its end, with
/// which it stops to listen, too. Then FIN would go out before the client's answer is here; so the
/// body goes on, and is kept, until all is over.
fn kept_open(mut frames: BoxBody, mut over: oneshot::Receiver<()>) -> BoxBody {
    let frames = stream::poll_fn(
        move |cx| match ready!(Pin::new(&mut frames).poll_next(cx)) {
            None => Pin::new(&mut over).poll(cx).map(|_| None),
            frame => Poll::Ready(frame),
        },
    );
    BoxBody::new(BodyStream::new(frames))
}

async fn converse(mut session: Session, mut inbox: Inbox, set: Set, drain: Drain) {
    let clock = Clock::read(set.interval);
    let mut tick = clock.latest() + 1;
    let mut due = pin!(sleep_until(Instant::now() + clock.until(tick)));
    let mut told = pin!(drain.told());
    loop {
        let step = tokio::select! {
            biased;
            () = &mut told => return leave(session, inbox, set.close_code).await,
            () = &mut due => {
                let sent = session.text(format!("tick {tick}")).await;
                // A client that takes its time to read gets fewer, not all of them late.
                // And none of them twice: the timer, set before the clock was read, may be early.
                tick = clock.latest().max(tick) + 1;
                due.as_mut().reset(Instant::now() + clock.until(tick));
                sent.map_or(Break(None), Continue)
            }
            received = inbox.next() => answer(&mut session, received).await,
        };
        if let Break(reason) = step {
            // If it cannot be sent, there is nobody to read it.
            let _ = session.close(reason).await;
            return;
        }
    }
}

/// Answers what was received; what this breaks with is the Close that ends the conversation.
async fn answer(session: &mut Session, received: Received) -> ControlFlow<Option<CloseReason>> {
    let sent = match received {
        Some(Ok(Message::Text(text))) => session.text(text).await,
        Some(Ok(Message::Binary(bytes))) => session.binary(bytes).await,
        Some(Ok(Message::Ping(payload))) => session.pong(&payload).await,
        Some(Ok(Message::Pong(_))) => Ok(()),
        // The client's own code goes back to it (RFC 6455, 5.5.1).
        Some(Ok(Message::Close(reason))) => return Break(reason),
        Some(Err(fault)) => return Break(Some(fault.into())),
        None => return Break(None),
    };
    sent.map_or(Break(None), Continue)
}

/// Tells the client to go, and waits for its answer.
async fn leave(mut session: Session, mut inbox: Inbox, code: u16) {
    let goodbye = async {
        // No data may follow a Close (RFC 6455, 5.5.1), so what is here already is answered before
        // it. What crosses it on the way is dropped: the client knows, because an echo that has
        // not come before the Close never will, and can ask elsewhere. To go on echoing would
        // break the protocol; to wait for silence before the Close might take for ever.
        for received in inbox.here() {
            if let Break(reason) = answer(&mut session, Some(received)).await {
                let _ = session.close(reason).await;
                return;
            }
        }
        let reason = CloseReason::from(actix_ws::CloseCode::from(code));
        let _ = session.close(Some(reason)).await;
        while let Some(Ok(message)) = inbox.next().await {
            if let Message::Close(_) = message {
                return;
            }
        }
    };
    // Who has not answered by then is left; its connection ends in good order all the same.
    let _ = timeout(PATIENCE, goodbye).await;
}
