//! A closed loop of requests on one thread: what `rehearse bench` asks servers by, so that the server is the
//! limit. A crate of its own, since it is compiled for speed, and the command line is not.

mod cores;
mod exchange;
mod load;
mod protocol;
mod streams;

pub use self::cores::Pinning;
pub use self::exchange::Connection;
pub use self::load::{Load, Turnover};
pub use self::protocol::Protocol;
pub use self::streams::Streams;
