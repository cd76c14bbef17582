//! The program that is held to the rules, and what is known of it.

use std::time::Duration;

use nix::sys::signal::Signal;

use rehearse_model::address::PodAddress;
use rehearse_model::program::Program;
use rehearse_tls::Trust;

/// A program, and what it promises.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What it is called in tables.
    pub name: String,
    /// How it is started, and when it is ready.
    pub program: Program,
    /// What tells it to go.
    pub signal: Signal,
    /// How long a preStop hook sleeps between the pod's deletion and the signal.
    pub prestop_sleep: Duration,
    /// So long after the pod's deletion new connections are served.
    pub lame_duck: Duration,
    /// So long after the pod's deletion it has left by itself.
    pub deadline: Duration,
    /// What can be asked of it.
    pub routes: Routes,
    /// What watches it.
    pub probes: Probes,
    /// Whether it speaks HTTP/2 by prior knowledge.
    pub http2: bool,
    /// Whom its clients trust, if it speaks TLS on its main port.
    pub tls: Option<Trust>,
    /// A variable and its value, with which it ends idle connections after a second or two.
    pub short_keep_alive: Option<(String, String)>,
    /// A variable and its value, with which it must not start.
    pub bad_setting: Option<(String, String)>,
}

/// The paths of what can be asked of a program.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    /// Answered at once with a success.
    pub plain: String,
    /// Answered late.
    pub slow: Option<Slow>,
    /// Answered at length.
    pub download: Option<Download>,
    /// Takes POST with a body.
    pub upload: Option<String>,
    /// Server-Sent Events, several a second.
    pub events: Option<String>,
    /// A WebSocket.
    pub websocket: Option<String>,
}

/// A response that takes its time.
#[derive(Clone, Debug)]
pub struct Slow {
    /// In it `{ms}` stands for how long, if that can be chosen.
    pub path: String,
    /// How long it takes, or is to take.
    pub takes: Duration,
}

/// A long response.
#[derive(Clone, Debug)]
pub struct Download {
    /// In it `{bytes}` stands for its length, if that can be chosen.
    pub path: String,
    /// How long it is, or is to be: more than the kernel's buffers hold.
    pub bytes: usize,
}

/// The paths of what watches a program.
#[derive(Clone, Debug)]
pub struct Probes {
    /// Whether they are on the admin port, or else on the main one.
    pub on_admin: bool,
    /// Fails once new connections are refused; without a path it is a connection to the main port.
    pub readiness: Option<String>,
    /// Passes to the end.
    pub liveness: Option<String>,
    /// Fails as soon as the program terminates.
    pub health: Option<String>,
    /// Blocks for the lame duck.
    pub prestop: Option<PreStopHook>,
}

/// A preStop hook that asks the program; each by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PreStopHook {
    /// A command in the pod (`exec`) sends POST.
    Exec(String),
    /// The kubelet (`httpGet`) sends GET, from the node's address and without credentials.
    HttpGet(String),
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
    pub(super) fn address(&self, server: &PodAddress) -> std::net::SocketAddr {
        match self.on_admin {
            true => server.admin,
            false => server.http,
        }
    }
}
