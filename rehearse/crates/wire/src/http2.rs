//! HTTP/2 (RFC 9113): frames, and heads in HPACK (RFC 7541).

pub mod frame;
pub mod hpack;
