//! What is replaced.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::str::FromStr;
use std::time::Duration;

use crate::client::Body;
use crate::pod::{ADMIN_PORT, GRACE_PERIOD, PORT};

/// A server, and for how long it is left alone before SIGTERM.
#[derive(Clone)]
pub(crate) struct Arm {
    server: Server,
    pub(crate) sleep: Duration,
}

#[derive(Clone, Copy, PartialEq)]
enum Server {
    /// `services/slow`.
    Service,
    /// The same routes on plain actix-web.
    Control,
    /// `rehearse/peers/go`.
    Go,
}

impl FromStr for Arm {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (server, sleep) = text.split_once('+').unwrap_or((text, "0"));
        let server = match server {
            "service" => Server::Service,
            "control" => Server::Control,
            "go" => Server::Go,
            _ => return Err("must be service, control or go, with +SECONDS or without".to_owned()),
        };
        let sleep = sleep.parse().map_err(|error| format!("seconds: {error}"))?;
        let sleep = Duration::from_secs(sleep);
        Ok(Self { server, sleep })
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.server {
            Server::Service => "service",
            Server::Control => "control",
            Server::Go => "go",
        })?;
        match self.sleep.as_secs() {
            0 => Ok(()),
            seconds => write!(f, "+{seconds}"),
        }
    }
}

impl Arm {
    /// How to start a pod at this address.
    pub(crate) fn command(&self, bin_dir: &Path, tools: &Path, address: Ipv4Addr) -> Command {
        let mut command = match self.server {
            Server::Service => Command::new(bin_dir.join("slow")),
            Server::Control => {
                let mut control = Command::new(bin_dir.join("control"));
                control.arg("slow").env("CONTROL_H2C", "1");
                // Its default of 30 s would end in SIGKILL after a sleep.
                let timeout = GRACE_PERIOD.saturating_sub(self.sleep + Duration::from_secs(2));
                control.args(["--shutdown-timeout", &timeout.as_secs().to_string()]);
                control
            }
            Server::Go => Command::new(tools.join("go-server")),
        };
        command
            .env("LASTCALL__HTTP__ADDRESS", format!("{address}:{PORT}"))
            .env(
                "LASTCALL__ADMIN__ADDRESS",
                format!("{address}:{ADMIN_PORT}"),
            )
            .env("HOST", address.to_string())
            .env("PORT", PORT.to_string());
        command
    }

    /// What a client with such a body asks for.
    pub(crate) fn path(&self, body: Body, takes: Duration) -> String {
        match (body, self.server) {
            (Body::None, Server::Go) => format!("/slow?ms={}", takes.as_millis()),
            (Body::None, _) => format!("/?ms={}", takes.as_millis()),
            (Body::Again | Body::Once, _) => "/upload".to_owned(),
        }
    }
}
