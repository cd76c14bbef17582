//! TLS as a strict client speaks it, and the certificates that a rehearsal makes.
//!
//! A client verifies its server by an authority that it is given ([`Trust`]), and by nothing else. On a
//! connection ([`Stream`]) it asks the kernel itself what has come, and tells apart how it ended
//! ([`End`]): after `close_notify`, which says that nothing was cut, or without it.
//!
//! [`Authority`] makes certificates, and [`Mounted`] keeps one in a folder as the kubelet keeps a
//! Secret, in which it can be exchanged at one stroke.

mod authority;
mod handshake;
mod layer;
mod mounted;
mod stream;
#[cfg(test)]
mod tests;
mod trust;

pub use self::authority::{Authority, Issued, NotIssued};
pub use self::handshake::HandshakeFailed;
pub use self::layer::{End, Layer, Received, Secured};
pub use self::mounted::Mounted;
pub use self::stream::Stream;
pub use self::trust::{Connector, NotTrusted, Protocol, Trust};
