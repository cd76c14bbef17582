//! The cases, by what they look at. Each is an observation on processes of its own.

mod bodies;
mod budget;
mod downloads;
mod fence;
mod framing;
mod goaway;
mod goodbye;
mod half_close;
mod heads;
mod hosts;
mod http2;
mod idle;
mod leaving;
mod newcomers;
mod offers;
mod pipelines;
mod prestop;
mod probes;
mod refusals;
mod signals;
mod silence;
mod streams;
mod websocket;

use super::case::Case;

/// All of them, in the order in which they are told.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    let groups = [
        newcomers::CASES,
        fence::CASES,
        silence::CASES,
        goodbye::CASES,
        idle::CASES,
        heads::CASES,
        pipelines::CASES,
        framing::CASES,
        hosts::CASES,
        offers::CASES,
        half_close::CASES,
        bodies::CASES,
        refusals::CASES,
        downloads::CASES,
        streams::CASES,
        websocket::CASES,
        goaway::CASES,
        http2::CASES,
        probes::CASES,
        prestop::CASES,
        signals::CASES,
        leaving::CASES,
        budget::CASES,
    ];
    groups.into_iter().flatten()
}
