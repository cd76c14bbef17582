//! A listening socket that somebody else has opened, and holds: systemd, or a process that lives longer
//! than this one.

use std::{ffi::OsString, io, os::fd::OwnedFd, os::unix::ffi::OsStringExt as _, path::PathBuf};

use socket2::{SockAddr, Socket, Type};

use super::tcp;
use crate::{Address, kernel};

/// Why a descriptor is none that can be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unfit {
    /// It is no socket, or one of another kind.
    #[error("must be a stream socket, of TCP or Unix, that listens")]
    NoListener,
    /// The system refuses.
    #[error("cannot be used: {0}")]
    System(#[from] io::Error),
}

/// Sees what a descriptor is.
///
/// Who holds it sees that it does not block from here on, and that connections inherit options of TCP.
/// All that serve from it want the same, and nothing else of it is changed.
pub(super) fn take(descriptor: OwnedFd) -> Result<(Socket, Address), Unfit> {
    let socket = Socket::from(descriptor);
    let is_stream = socket.r#type().is_ok_and(|kind| kind == Type::STREAM);
    // Where nobody can say, it shows when it is to accept.
    let listens = is_stream && kernel::is_listening(&socket).unwrap_or(true);
    if !listens {
        return Err(Unfit::NoListener);
    }
    let address = address(&socket.local_addr()?).ok_or(Unfit::NoListener)?;
    if let Address::Tcp(_) = address {
        tcp::prepare_connections(&socket)?;
    }
    socket.set_nonblocking(true)?;
    socket.set_cloexec(true)?;
    Ok((socket, address))
}

fn address(of: &SockAddr) -> Option<Address> {
    if let Some(address) = of.as_socket() {
        return Some(Address::Tcp(address));
    }
    if let Some(path) = of.as_pathname() {
        return Some(Address::Unix(path.to_owned()));
    }
    let name = of.as_abstract_namespace()?;
    let shown = [b"@", name].concat();
    Some(Address::Unix(PathBuf::from(OsString::from_vec(shown))))
}
