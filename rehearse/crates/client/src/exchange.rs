//! What one request sends, and what its answer must be.

use super::connection::{Connection, Sent};
use super::failure::Fault;
use super::log::Answer;
use super::schedule::Pace;

/// One kind of request. A mode is an exchange; the rest is alike in all of them: the schedule, the
/// connection, the log.
pub(super) trait Exchange: Send + Sync + 'static {
    /// Makes one request on `connection`, which is known to be quiet, and judges the answer.
    /// The exchange sets the connection's fate if the client is done with it.
    fn run(
        &mut self,
        connection: &mut Connection,
    ) -> impl Future<Output = Result<Answer, Fault>> + Send;

    /// From this request to the next.
    fn pace(&self) -> Pace;

    /// After the last request.
    fn leave(&mut self) {}

    /// The size of the kernel's receive buffer in bytes, if it matters.
    fn receive_buffer(&self) -> Option<u32> {
        None
    }
}

/// Sends a request that is all head.
pub(super) async fn send_head(connection: &mut Connection, head: &[u8]) -> Result<(), Fault> {
    match connection.send(head).await? {
        Sent::Whole => Ok(()),
        Sent::Interrupted => Err(Fault::bad("an answer before the request was sent")),
    }
}
