//! The time by which connections are served and the drain is led.

use std::time::Instant;

/// Now. tokio's clock, which tests can pause; else it is the system's.
#[inline]
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
