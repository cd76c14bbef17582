//! Holds a handler of `unruly` back until the test lets it go.

use std::net::{SocketAddr, TcpListener, TcpStream};

/// A listener that a handler connects to, and waits on.
#[derive(Debug)]
pub(crate) struct Gate {
    listener: TcpListener,
}

/// A handler that waits; dropping this lets it go.
#[derive(Debug)]
pub(crate) struct Waiting {
    _connection: TcpStream,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// The target by which `route` waits at this gate.
    pub(crate) fn target(&self, route: &str) -> String {
        format!("{route}?at={}", self.address())
    }

    /// Blocks until a handler waits.
    pub(crate) fn waiting(&self) -> Waiting {
        Waiting {
            _connection: self.listener.accept().unwrap().0,
        }
    }
}

impl Waiting {
    pub(crate) fn let_go(self) {}
}
