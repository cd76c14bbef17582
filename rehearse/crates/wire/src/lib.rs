//! The protocols as a client reads them: HTTP/1.1, HTTP/2 with HPACK, WebSocket, Server-Sent Events.
//!
//! Bytes in, meaning out: no sockets, no clocks. Whatever in `rehearse` reads a protocol reads it
//! here, so that one test proves it for all.

pub mod http1;
pub mod http2;
pub mod sse;
pub mod websocket;
