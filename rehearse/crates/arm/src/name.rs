//! The arms.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// One of the deployments that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArmName {
    /// Plain actix-web with its own graceful stop, SIGTERM at once
    Control,
    /// The control after `preStop: sleep 5`
    Usual,
    /// The service
    Service,
}

impl ArmName {
    /// Its name, as on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Control => "control",
            Self::Usual => "usual",
            Self::Service => "service",
        }
    }
}

impl fmt::Display for ArmName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Control => "control",
            Self::Usual => "usual practice",
            Self::Service => "service",
        })
    }
}
