//! What a client asks.

use super::frame::{DATA, END_HEADERS, END_STREAM, HEADERS, frame, literal, named};
use super::{Answer, Http2};
use crate::conform::connection::Unexpected;

// `:method` and `:scheme http` of the static table (RFC 7541, appendix A).
const GET: [u8; 2] = [0x82, 0x86];
const POST: [u8; 2] = [0x83, 0x86];

impl Http2 {
    /// Sends a request without a body; its stream.
    pub(in crate::conform) async fn get(&mut self, path: &str) -> Result<u32, Unexpected> {
        self.request(&GET, path, &[], END_STREAM).await
    }

    /// The same, with a `Host` beside `:authority`.
    pub(in crate::conform) async fn get_for(
        &mut self,
        path: &str,
        host: &str,
    ) -> Result<u32, Unexpected> {
        self.request(&GET, path, &named("host", host), END_STREAM)
            .await
    }

    /// Sends the head of a request with a body; its stream.
    pub(in crate::conform) async fn post(&mut self, path: &str) -> Result<u32, Unexpected> {
        self.request(&POST, path, &[], 0).await
    }

    async fn request(
        &mut self,
        method: &[u8],
        path: &str,
        fields: &[u8],
        flags: u8,
    ) -> Result<u32, Unexpected> {
        let stream = self.next_stream;
        self.next_stream += 2;
        // Their names are entries 4 and 1 of the static table.
        let block = [method, &literal(4, path), &literal(1, "conform"), fields].concat();
        let head = frame(HEADERS, END_HEADERS | flags, stream, &block);
        self.connection.send(head).await?;
        self.answers.insert(stream, Answer::default());
        Ok(stream)
    }

    /// Sends a part of a request's body.
    pub(in crate::conform) async fn data(
        &mut self,
        stream: u32,
        part: &[u8],
        last: bool,
    ) -> Result<(), Unexpected> {
        let flags = if last { END_STREAM } else { 0 };
        self.connection.send(frame(DATA, flags, stream, part)).await
    }
}
