//! Systems without a fence (macOS, the BSDs): the nearest equivalents.

use std::{io, os::fd::AsFd};

/// # Errors
/// Always: the caller sweeps the accept queue once and closes the listener.
pub(crate) fn raise_fence(_: &impl AsFd) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: as [`raise_fence`].
pub(crate) fn raise_unix_fence(_: &impl AsFd) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: whether it is shows when it is to accept.
pub(crate) fn is_listening(_: &impl AsFd) -> io::Result<bool> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: only an `accept` that would block shows an empty queue.
pub(crate) fn accept_queue(_: &impl AsFd) -> io::Result<u32> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: the caller waits for the peer's FIN instead.
pub(crate) fn unacknowledged(_: &impl AsFd) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: what is written counts as read.
pub(crate) fn unread(_: &impl AsFd) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}

/// # Errors
/// Always: only time tells.
pub(crate) fn peer(_: &impl AsFd) -> io::Result<super::Peer> {
    Err(io::ErrorKind::Unsupported.into())
}
