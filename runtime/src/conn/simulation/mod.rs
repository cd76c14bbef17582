//! The life of a process in a network that takes time, on paused time: a thousand of them a second,
//! each by a seed.

mod app;
mod cases;
mod client;
mod crowded;
mod http2;
mod lives;
mod network;
mod process;
mod random;
mod requests;
mod responses;
mod socket;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod wire;

pub(super) use socket::Socket;
