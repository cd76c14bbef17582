//! When a connection ends, and when its client is told to leave: decided here, for both protocols,
//! without sockets and clocks.
//!
//! | what ends a connection | when | decided by |
//! |---|---|---|
//! | its last response, or stream | once that is written: a client that was told sends nothing more | [`Further::at_response`], [`goodbye_due`] |
//! | its age, if it is limited | with its next response, or by HTTP/2 then, as in the lame duck | [`leaves_at`] |
//! | its silence | late: a request may be on its way, and nobody here can know | [`Silence::ends_at`], and the kernel, which must say at that moment that nothing waits |
//! | half a head | after `http.head_timeout`, by 408 | [`Silence::ends_at`] |
//! | an event stream that ends after T0 | with its last bytes: its client would come back to a process that leaves | `h1/response_body.rs` |
//! | a newcomer, where there is no room | at once, if it is silent | `registry.rs` |
//! | broken framing; a body that stands still | at once, by 400; after `http.body_timeout`, by 408 | `h1/head.rs`, `h1/body.rs`; `arrival.rs` |
//! | a handler that takes too long, once its response has begun (before, it is a 504) | after `http.request_timeout`, or its route's | `h1/overdue.rs`, `h2/stream.rs` |
//! | a client that has left, by reset or by FIN | at once, unless it may still wait for its response | `h1/client_left.rs` |
//! | a peer that takes nothing | once it has vanished; before the drain, after `http.keep_alive`, too | `delivery.rs` |
//! | the deadline | at once, and counted | [`Stage::Cut`](crate::control::Stage::Cut) |
//!
//! Then the end itself, from the FIN to the last acknowledgement, is `close.rs`.

use std::time::{Duration, Instant};

use crate::control::Fence;

/// How long a client that has just connected may take to ask: until then its connection is not idle.
pub(super) const FIRST_REQUEST: Duration = Duration::from_secs(1);

/// How long a drain waits for the answer to a GOAWAY: a second has room for any network's round trip,
/// with a segment lost and sent again. In the lame duck a client may take longer.
const ROUND_TRIP: Duration = Duration::from_secs(1);

/// How far the process has come, as far as its connections are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) enum Life {
    Serving,
    /// Since T0. Clients of HTTP/2 are told once `drain.min` has passed, since this moment.
    LameDuck {
        http2_told_since: Option<Instant>,
        quiet: Duration,
    },
    Draining(Fence),
}

/// A connection on which nothing is under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Silence {
    pub(super) awaits: Awaits,
    /// Since its last response, or its accept; of a head, since its first byte.
    pub(super) since: Instant,
}

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaits {
    /// Its first request.
    First,
    /// The rest of a head, or of HTTP/2's preface.
    Head,
    /// A further request.
    Next,
    /// By HTTP/2: that its client, which was told at this moment, leaves.
    Leave(Instant),
}

/// For how long clients may be silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct SilenceLimits {
    pub(super) keep_alive: Duration,
    pub(super) head_timeout: Duration,
}

impl Silence {
    /// From when on a connection of HTTP/1.1 may be ended; `None` as long as only its client ends it.
    ///
    /// Its client has not been told, so the FIN is the one moment at which a request can be lost
    /// unseen: it may be on its way. The time counts from T0: one that counted from the last request
    /// would fall into step with a client of just that rhythm.
    #[inline(always)]
    pub(super) fn ends_at(self, life: Life, limits: SilenceLimits) -> Option<Instant> {
        let fence = match (self.awaits, life) {
            (Awaits::Head, _) => return Some(self.since + limits.head_timeout),
            (_, Life::Serving) => return Some(self.since + limits.keep_alive),
            // The client is about to ask, and to be told.
            (_, Life::LameDuck { .. }) => return None,
            (_, Life::Draining(fence)) => fence,
        };
        let earliest = match self.awaits {
            // On a starved machine, or when its first segment was lost, a client that has just
            // connected asks late.
            // So does one whose TLS handshake has just ended.
            Awaits::First => self.since.max(fence.at) + FIRST_REQUEST,
            _ => fence.at,
        };
        let silent = fence.at.saturating_duration_since(self.since) >= fence.long_silence;
        Some(match silent {
            true => earliest,
            false => earliest.max(fence.idle_until),
        })
    }

    /// The same for HTTP/2, where it is ended by GOAWAY, which an idle client can be told at any time;
    /// and, once it was told, by the FIN.
    #[inline]
    pub(super) fn http2_ends_at(self, life: Life, limits: SilenceLimits) -> Option<Instant> {
        match (self.awaits, life) {
            (Awaits::Head, _) => Some(self.since + limits.head_timeout),
            (Awaits::Leave(told), Life::Draining(fence)) => Some(fence.at.max(told) + ROUND_TRIP),
            (Awaits::Leave(told), _) => Some(told + limits.keep_alive),
            (Awaits::First, Life::Draining(fence)) => {
                Some(self.since.max(fence.at) + FIRST_REQUEST)
            }
            (Awaits::Next, Life::Draining(fence)) => Some(fence.at),
            // Those who are there are told when `min` has passed, and who comes later after its first
            // response.
            (_, Life::LameDuck { .. }) => None,
            (_, Life::Serving) => Some(self.since + limits.keep_alive),
        }
    }
}

/// When a client of HTTP/2 is to be told whose first response was sent at this moment.
///
/// Late: a client that is told while it is still sent here comes back here, and is told again; and in
/// real clients each GOAWAY is a small race. One that has had no response is not told, because many
/// take a connection that says goodbye at once for a failure.
/// `leaves_at`: when it is told in any case.
pub(super) fn goodbye_due(
    first_response: Option<Instant>,
    life: Life,
    leaves_at: Option<Instant>,
) -> Option<Instant> {
    let first = first_response?;
    match life {
        Life::Serving => leaves_at.map(|at| first.max(at)),
        Life::LameDuck {
            http2_told_since,
            quiet,
        } => Some(match http2_told_since? {
            since if first <= since => since,
            // It is still sent here, so it would come back at once. But it must be told before the
            // lame duck can end, which it has lengthened by coming.
            _ => first + quiet / 2,
        }),
        Life::Draining(fence) => Some(first.max(fence.at)),
    }
}

/// When a connection reaches `http.max_connection_age`: up to a tenth earlier or later, since those that came
/// together, as after a rollout, are not to leave together. Its client's number says which, which is a port
/// mostly: numbers that follow each other are far apart by this hash (Knuth, The Art of Computer Programming,
/// 6.4).
pub(super) fn leaves_at(accepted: Instant, age: Duration, number: u16) -> Instant {
    let spread = u32::from(number).wrapping_mul(0x9E37_79B1);
    let factor = 0.9 + 0.2 * f64::from(spread) / f64::from(u32::MAX);
    // No setting is beyond a year.
    accepted + age.mul_f64(factor)
}

/// Which further requests are answered on a connection of HTTP/1.1. After a goodbye a client must
/// discard what follows (RFC 9112, 9.6), so it is withheld while a further request is here already;
/// but not for ever: a client that always has two under way would never be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Further {
    /// Whatever comes.
    #[default]
    All,
    /// The process drains: what had been read by then.
    AlreadyRead,
    /// None but the one at hand, or the one that is arriving.
    None,
}

impl Further {
    /// More has been read. What is read for a request that had begun may bring further ones with
    /// it, and so on for ever.
    pub(super) fn read_on(&mut self) {
        if *self == Self::AlreadyRead {
            *self = Self::None;
        }
    }

    /// Whether the response at hand says goodbye. `read_all`: nothing that was read is left;
    /// `request_waits` asks the kernel. `is_old`: the connection has reached its age; no further request is
    /// withheld for that.
    pub(super) fn at_response(
        &mut self,
        life: Life,
        is_old: bool,
        read_all: bool,
        request_waits: impl FnOnce() -> bool,
    ) -> bool {
        match (*self, life) {
            (_, Life::Serving) => is_old && read_all && !request_waits(),
            (Self::None, _) => true,
            (Self::AlreadyRead, _) => read_all,
            (Self::All, _) if read_all && !request_waits() => true,
            (Self::All, Life::LameDuck { .. }) => false,
            (Self::All, Life::Draining(_)) => {
                *self = if read_all {
                    Self::None
                } else {
                    Self::AlreadyRead
                };
                false
            }
        }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
