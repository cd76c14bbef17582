//! What is spoken, and what that means for the load.

use std::fmt;

use clap::ValueEnum;
use serde::Serialize;

/// Streams of each HTTP/2 connection when throughput is measured.
pub(crate) const STREAMS: u32 = 8;

/// What the arms are asked by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1 on kept connections
    Http1,
    /// HTTP/2 by prior knowledge, against actix's own dispatcher
    Http2,
}

impl Protocol {
    /// How many connections have as many requests under way as so many of HTTP/1.1.
    pub fn connections(self, of_http1: u32) -> u32 {
        match self {
            Self::Http1 => of_http1,
            Self::Http2 => of_http1.div_ceil(STREAMS),
        }
    }

    /// `32 keep-alive connections`.
    pub fn load(self, of_http1: u32) -> String {
        let n = self.connections(of_http1);
        match self {
            Self::Http1 => format!("{n} keep-alive connections"),
            Self::Http2 => format!("{n} connections of {STREAMS} streams"),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http1 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        })
    }
}
