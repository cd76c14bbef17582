//! Listeners that a process need not bind, since somebody has opened them for it.

use std::os::fd::OwnedFd;

use anyhow::anyhow;

use super::{
    Failure,
    inherited::{self, Inherited, Purpose, refused},
    public_port::Taken,
};
use crate::{
    exit::Exit,
    listener::{self, Bound, Unfit},
};

/// How errors and the log name where they come from.
const BY_PROGRAM: &str = "the listener given to `listen_on`";
const INHERITED: &str = "the inherited listener";

/// Descriptors, before anybody has looked at them.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) by_program: Vec<OwnedFd>,
    inherited: Result<Vec<Inherited>, Failure>,
}

/// The first public one stands in the place of `http.address`.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    pub(super) public: Vec<Taken>,
    pub(super) admin: Option<Taken>,
}

impl Default for Given {
    fn default() -> Self {
        Self {
            by_program: Vec::new(),
            inherited: Ok(Vec::new()),
        }
    }
}

impl Given {
    /// Takes what whoever has started this process has left to it. Only a process that serves needs to hear
    /// what is wrong with it.
    pub(super) fn inherit(&mut self) {
        self.inherited = inherited::take();
    }

    /// Takes them for what they must be. Those that the program has given come first.
    ///
    /// # Errors
    /// When one is no listener.
    pub(crate) fn listeners(self) -> Result<Listeners, Failure> {
        let mut listeners = Listeners::default();
        for descriptor in self.by_program {
            let bound = listener::take(descriptor)
                .map_err(|unfit| (Exit::Software, anyhow!("{BY_PROGRAM} {unfit}")))?;
            let name = BY_PROGRAM;
            listeners.public.push(Taken { name, bound });
        }
        for inherited in self.inherited? {
            let purpose = inherited.purpose;
            let name = INHERITED;
            let bound = take(inherited)?;
            match purpose {
                Purpose::Public => listeners.public.push(Taken { name, bound }),
                Purpose::Admin => listeners.admin = Some(Taken { name, bound }),
            }
        }
        Ok(listeners)
    }
}

fn take(inherited: Inherited) -> Result<Bound, Failure> {
    let Inherited {
        number,
        purpose,
        descriptor,
    } = inherited;
    let bound = listener::take(descriptor).map_err(|unfit| match unfit {
        Unfit::NoListener => refused(number, &unfit.to_string()),
        Unfit::System(_) => (Exit::OsErr, anyhow!("{INHERITED} {unfit}")),
    })?;
    // preStop must know where it comes from.
    if purpose == Purpose::Admin && bound.address().socket_address().is_none() {
        return Err(refused(
            number,
            "must be a TCP socket: it is called \"admin\"",
        ));
    }
    Ok(bound)
}
