//! The program that is held to the rules, and what is known of it.

mod bundled;
pub(super) mod command_line;

use std::time::Duration;

use nix::sys::signal::Signal;

use crate::cli::{Pair, Port};
use rehearse_model::address::PodAddress;
use rehearse_model::program::Program;

/// A program, and what it promises.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) program: Program,
    /// What tells it to go.
    pub(super) signal: Signal,
    /// How long a preStop hook sleeps between the pod's deletion and the signal.
    pub(super) prestop_sleep: Duration,
    /// So long after the pod's deletion new connections are served.
    pub(super) lame_duck: Duration,
    /// So long after the pod's deletion it has left by itself.
    pub(super) deadline: Duration,
    pub(super) routes: Routes,
    pub(super) probes: Probes,
    /// Whether it speaks HTTP/2 by prior knowledge.
    pub(super) http2: bool,
    /// A variable with which it must not start.
    pub(super) bad_setting: Option<Pair>,
}

/// What can be asked of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Routes {
    pub(super) plain: String,
    pub(super) slow: Option<Slow>,
    pub(super) download: Option<Download>,
    pub(super) upload: Option<String>,
    pub(super) events: Option<String>,
    pub(super) websocket: Option<String>,
}

/// A response that takes its time; `{ms}` stands for how long.
#[derive(Clone, Debug)]
pub(super) struct Slow {
    pub(super) path: String,
    pub(super) takes: Duration,
}

/// A long response; `{bytes}` stands for its length.
#[derive(Clone, Debug)]
pub(super) struct Download {
    pub(super) path: String,
    pub(super) bytes: usize,
}

/// What watches it.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    pub(super) on: Port,
    pub(super) readiness: Option<String>,
    pub(super) liveness: Option<String>,
    /// Fails as soon as the program terminates.
    pub(super) health: Option<String>,
    /// Blocks for the lame duck.
    pub(super) prestop: Option<String>,
}

impl Slow {
    pub(super) fn is_of_any_length(&self) -> bool {
        self.path.contains("{ms}")
    }

    /// The target whose response takes as long as it usually does.
    pub(super) fn target(&self) -> String {
        self.lasting(self.takes)
    }

    pub(super) fn lasting(&self, time: Duration) -> String {
        self.path.replace("{ms}", &time.as_millis().to_string())
    }
}

impl Download {
    pub(super) fn is_of_any_size(&self) -> bool {
        self.path.contains("{bytes}")
    }

    pub(super) fn target(&self) -> String {
        self.of(self.bytes)
    }

    pub(super) fn of(&self, bytes: usize) -> String {
        self.path.replace("{bytes}", &bytes.to_string())
    }
}

impl Probes {
    pub(super) fn are_on_admin(&self) -> bool {
        self.on == Port::Admin
    }

    pub(super) fn address(&self, server: &PodAddress) -> std::net::SocketAddr {
        match self.on {
            Port::Admin => server.admin,
            Port::Main => server.http,
        }
    }
}
