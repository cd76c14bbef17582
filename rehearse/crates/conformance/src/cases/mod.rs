//! The cases, by what they look at. Each is an observation on processes of its own.

mod connection_close;
mod early_responses;
mod event_streams;
mod exit;
mod framing;
mod goaway;
mod half_close;
mod host_header;
mod http2_streams;
mod idle_connections;
mod listener_close;
mod long_responses;
mod new_connections;
mod pipelining;
mod prestop;
mod probes;
mod request_bodies;
mod requests_in_flight;
mod settings;
mod signals;
mod silent_connections;
mod tls_ends;
mod tls_requests;
mod upgrade;
mod websocket;

use super::case::Case;

/// All of them, in the order of the suite.
pub(super) fn all() -> impl Iterator<Item = &'static Case> {
    let groups = [
        new_connections::CASES,
        listener_close::CASES,
        silent_connections::CASES,
        connection_close::CASES,
        idle_connections::CASES,
        requests_in_flight::CASES,
        pipelining::CASES,
        framing::CASES,
        host_header::CASES,
        upgrade::CASES,
        half_close::CASES,
        request_bodies::CASES,
        early_responses::CASES,
        long_responses::CASES,
        event_streams::CASES,
        websocket::CASES,
        goaway::CASES,
        http2_streams::CASES,
        tls_ends::CASES,
        tls_requests::CASES,
        probes::CASES,
        prestop::CASES,
        signals::CASES,
        exit::CASES,
        settings::CASES,
    ];
    groups.into_iter().flatten()
}
