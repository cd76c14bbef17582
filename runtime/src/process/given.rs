//! Listeners that a process need not bind, since somebody has opened them for it.

use std::os::fd::OwnedFd;

use anyhow::anyhow;

use super::{Failure, public_port::Taken};
use crate::{exit::Exit, listener};

/// How errors and the log name what the program has given.
const BY_PROGRAM: &str = "the listener given to `listen_on`";

/// Descriptors, before anybody has looked at them.
#[derive(Debug, Default)]
pub(crate) struct Given {
    pub(crate) by_program: Vec<OwnedFd>,
}

/// The first public one stands in the place of `http.address`.
#[derive(Debug)]
pub(crate) struct Listeners {
    pub(super) public: Vec<Taken>,
    pub(super) admin: Option<Taken>,
}

impl Given {
    /// Takes them for what they must be.
    ///
    /// # Errors
    /// When one is no listener.
    pub(crate) fn listeners(self) -> Result<Listeners, Failure> {
        let taken = self.by_program.into_iter().map(|descriptor| {
            let bound = listener::take(descriptor)
                .map_err(|unfit| (Exit::Software, anyhow!("{BY_PROGRAM}: {unfit}")))?;
            let name = BY_PROGRAM;
            Ok(Taken { name, bound })
        });
        Ok(Listeners {
            public: taken.collect::<Result<_, Failure>>()?,
            admin: None,
        })
    }
}
