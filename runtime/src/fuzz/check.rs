//! The rules: each request that is whole and well-formed is answered, in order and as it was
//! meant, up to the response that says goodbye; nothing else is answered; and a goodbye has a
//! reason.

use super::{
    app::{Kind, LARGE},
    model::{self, Asked, Rest},
    play::{Observed, Turn},
    response::{self, Response},
};
use crate::control::Stage;

/// A read asks for no less than this, so what is smaller and was sent at once is read at once.
const READ: usize = 1024;

/// Says which rule is broken.
pub(super) fn check(observed: &Observed) -> Result<(), String> {
    // Another protocol.
    if observed.sent.starts_with(b"PRI * HTTP/2.0") {
        return Ok(());
    }
    let (asked, rest) = model::read(&observed.sent);
    let mut received = &observed.received[..];
    for (number, request) in asked.iter().enumerate() {
        let told = |what: &str| format!("request {number} {what}: {request:?}");
        let Some(mut response) = response::next(&mut received, request.is_head)? else {
            return match observed.may_be_silent(request.begin) || fails(request) {
                true => nothing_more(received),
                false => Err(told("has no answer")),
            };
        };
        if response.status == 408 && observed.short || request.unsure && is_refusal(&response) {
            return nothing_more(received);
        }
        // It may have been cut.
        response.complete &= !response.until_end || !observed.may_be_cut();
        let complete = response.complete;
        if !complete && !observed.may_be_cut() && !fails(request) {
            return Err(told("has an answer without an end"));
        }
        if !is_meant(request, &response) {
            let body = response.body.escape_ascii().to_string();
            return Err(told(&format!(
                "has another's answer, {} {body:.300}",
                response.status
            )));
        }
        if response.goodbye || !complete || fails(request) {
            if response.goodbye && !observed.has_reason(request) {
                return Err(told("is told to leave without a reason"));
            }
            return nothing_more(received);
        }
        if observed.must_be_told(request) {
            return Err(told("is not told to leave"));
        }
        if request.end.is_none() || !request.keep {
            return Err(told("is the last, and is not told so"));
        }
    }
    match (rest, response::next(&mut received, false)?) {
        (_, None) => {}
        (Rest::Bad { .. }, Some(refusal)) if is_refusal(&refusal) => return nothing_more(received),
        (_, Some(late)) if late.status == 408 && observed.short => {}
        (rest, Some(response)) => {
            return Err(format!("an answer to nothing: {rest:?} {response:?}"));
        }
    }
    match rest_is_refused(&model::read(&observed.sent).1, observed) {
        true => Err("what is broken has no answer".to_owned()),
        false => nothing_more(received),
    }
}

/// Whether a broken head, to which no answer has come, must have had one.
fn rest_is_refused(rest: &Rest, observed: &Observed) -> bool {
    match rest {
        Rest::Bad { begin, certain } => *certain && !observed.may_be_silent(*begin),
        Rest::Open => false,
    }
}

fn nothing_more(received: &[u8]) -> Result<(), String> {
    match received.is_empty() {
        true => Ok(()),
        false => Err(format!("and more: {}", received.escape_ascii())),
    }
}

fn is_refusal(response: &Response) -> bool {
    matches!(response.status, 400 | 414 | 431 | 501) && response.goodbye && response.complete
}

/// The response to it has no proper end.
fn fails(request: &Asked) -> bool {
    let unfinished = request.bad || request.end.is_none();
    let breaks = request.kind == Kind::Break || request.kind == Kind::Reflect && unfinished;
    breaks && !request.is_head
}

fn is_meant(request: &Asked, response: &Response) -> bool {
    let name = request.name.as_bytes();
    let unfinished = request.bad || request.end.is_none();
    // If that has been seen before the handler answered.
    if request.bad && response.status == 400 {
        return response.goodbye && response.complete;
    }
    let (status, body) = match request.kind {
        Kind::Echo if unfinished => return response.status == 400,
        Kind::Echo | Kind::Reflect => (200, [name, &request.body].concat()),
        Kind::Stream => (200, name.repeat(3)),
        Kind::Large => (200, [name, "x".repeat(LARGE).as_bytes()].concat()),
        Kind::Panic => (500, b"internal server error\n".to_vec()),
        Kind::Error => (418, name.to_vec()),
        Kind::Break | Kind::Later | Kind::Ignore => (200, name.to_vec()),
        Kind::Empty => (204, Vec::new()),
    };
    let same = match response.complete {
        _ if request.is_head => true,
        true if fails(request) => body.starts_with(&response.body),
        true => response.body == body,
        false => body.starts_with(&response.body),
    };
    response.status == status && same
}

impl Observed {
    fn may_be_cut(&self) -> bool {
        self.reset || self.short || self.turns.iter().any(|turn| turn.stage == Stage::Cut)
    }

    /// Whether what begins there may go unanswered: an idle connection may have ended before.
    fn may_be_silent(&self, begin: usize) -> bool {
        let ended = |turn: &Turn| turn.stage >= Stage::Drain && turn.sent <= begin;
        self.may_be_cut() || self.turns.iter().any(ended)
    }

    /// The server's turns from the one on in which it could first see what lies before `offset`.
    fn from(&self, offset: usize) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(move |turn| turn.sent >= offset)
    }

    /// Whether a goodbye to this request takes nothing from those behind it.
    fn has_reason(&self, request: &Asked) -> bool {
        let Some(end) = request.end.filter(|_| request.keep && !request.bad) else {
            return true;
        };
        // Once the process drains, only what had come by then is answered.
        let told = |turn: &Turn| {
            turn.stage >= Stage::Drain
                || (end..=request.quiet_until).contains(&turn.sent)
                    && (turn.stage >= Stage::Goodbye || turn.half_closed)
        };
        // Answered before its body was here, or was read.
        let streams = matches!(request.kind, Kind::Reflect | Kind::Stream | Kind::Break);
        if request.is_old && streams && !request.is_head {
            // Without chunks only the connection's end is the body's.
            return true;
        }
        let reads_it_all = request.kind == Kind::Echo || end == request.head_end;
        let early = || {
            let mut turns = self.from(request.head_end);
            let first = turns.next().map_or(0, |turn| turn.sent);
            let before = self
                .turns
                .iter()
                .rev()
                .find(|turn| turn.sent < request.head_end);
            first < end || first - before.map_or(0, |turn| turn.sent) > READ
        };
        self.short || self.from(end).any(told) || !reads_it_all && early()
    }

    /// Whether this request was complete, and the last, after the process was told to go.
    fn must_be_told(&self, request: &Asked) -> bool {
        let is_last = request.end.is_some() && request.quiet_until == self.sent.len();
        is_last
            && self
                .from(request.end.unwrap_or_default())
                .all(|turn| turn.stage >= Stage::Goodbye)
    }
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
