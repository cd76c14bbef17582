//! Lastcall's runtime: an actix-web service that loses no request when it is replaced.
//!
//! A service is a settings type, its routes in plain actix-web, and one call:
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use actix_web::{App, web};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Debug, Default, Deserialize, Serialize)]
//! struct Settings {}
//!
//! fn main() -> ExitCode {
//!     lastcall::service!().run(|_: &Settings| App::new().route("/", web::get().to(async || "Hello")))
//! }
//! ```
//!
//! The binary then serves, and has `prestop`, `healthcheck`, `check`, `--config`, `--help` and
//! `--version`. Handlers know nothing of the drain, but for those that stream without end: they
//! take [`Drain`].
//!
//! | what a service needs beside its routes | |
//! |---|---|
//! | something before the port is open, something after the last response | [`Service::start`], [`Service::on_shutdown`] |
//! | work that goes on beside the requests; jobs that outlive their response | [`Service::background`], [`Jobs`] |
//! | readiness that depends on something | [`Service::check`] |
//! | settings that must be set, that nobody may see, that must fit each other | [`Required`], [`Secret`], [`Service::validate`] |
//! | subcommands of its own | [`Service::command`] |
//! | a listener that somebody else has opened | [`Service::listen_on`] |
//! | limits for single routes | [`RequestTimeout`], [`BodyLimits`] |
//! | a `main` of its own, several services in one process | [`Service::bind`], [`Bound::serve`] |
//! | tests | [`Service::test`], [`test::TestService`] |
//!
//! A response is never lost, and a drain never longer than it must be: how that is done stands in
//! ARCHITECTURE.md of the repository.
#![deny(unsafe_code)]

mod accept;
mod acceptor;
mod address;
mod admin;
mod background;
mod body_limits;
mod bound;
mod checks;
mod cli;
mod clock;
mod conn;
mod control;
mod drain;
mod drive;
mod error;
mod exit;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzz;
mod handle;
#[allow(unsafe_code, reason = "the fence and its queries have no safe wrapper")]
mod kernel;
mod lifecycle;
mod listener;
mod metrics;
#[cfg(all(
    feature = "musl-memory",
    target_arch = "x86_64",
    any(test, target_env = "musl")
))]
#[allow(
    unsafe_code,
    reason = "they are given pointers, and replace functions by name"
)]
mod musl_memory;
mod probe;
mod process;
mod report;
mod request_id;
mod request_timeout;
mod rules;
mod service;
mod settings;
mod signals;
mod status;
mod telemetry;
pub mod test;
mod threads;
#[cfg(feature = "tls")]
mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
mod tls;
mod worker;

// musl's own has one lock for all threads.
#[cfg(all(feature = "musl", target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use address::Address;
pub use background::{Jobs, Stop};
pub use body_limits::{BodyLimits, BodyLimitsService};
pub use bound::{Bound, Serving};
pub use drain::Drain;
pub use error::Error;
pub use handle::Handle;
pub use lifecycle::{Cause, Load, Phase};
pub use prometheus_client;
pub use report::Report;
pub use request_id::RequestId;
pub use request_timeout::{Limited, RequestTimeout, RequestTimeoutService};
pub use service::{Service, State, Stateless, With};
pub use settings::{Invalid, Required, Secret, Settings};
pub use telemetry::Telemetry;
#[cfg(feature = "otlp")]
pub use telemetry::traces::trace_headers;
#[cfg(feature = "tls")]
pub use tls::PeerCertificates;
pub use worker::Application;

/// A [`Service`] by the name and the version of the crate that calls this.
///
/// ```
/// use lastcall::Service;
///
/// let service: Service<()> = lastcall::service!();
/// assert!(format!("{service:?}").contains(env!("CARGO_PKG_NAME")));
/// ```
#[macro_export]
macro_rules! service {
    () => {
        $crate::Service::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
    };
}
