//! The watch's output: JSON documents, one after another.

use serde::Deserialize;

use super::pod::Pod;

/// What `kubectl get pods -w --output-watch-events -o json` prints, one after another.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Event {
    /// What happened to it.
    #[serde(rename = "type")]
    pub(super) change: Change,
    /// The pod afterwards; for one that is gone, its last state.
    #[serde(rename = "object")]
    pub(super) pod: Pod,
}

/// What can happen to a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Change {
    /// It is new, or was there when the watch began.
    Added,
    /// Its description or its state is another.
    Modified,
    /// It is gone.
    Deleted,
    /// Bookmarks and errors of the watch itself.
    #[serde(other)]
    Other,
}

/// Cuts a stream of JSON documents, as it arrives in pieces, into events.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    buffer: Vec<u8>,
}

impl Splitter {
    /// Takes one more piece, and returns the events that it completes.
    ///
    /// # Errors
    /// If what has arrived is not JSON.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Vec<Event>, serde_json::Error> {
        self.buffer.extend_from_slice(piece);
        let mut documents =
            serde_json::Deserializer::from_slice(&self.buffer).into_iter::<serde_json::Value>();
        let (mut events, mut read) = (Vec::new(), 0);
        loop {
            match documents.next() {
                Some(Ok(document)) => {
                    read = documents.byte_offset();
                    // What is not about a pod (a bookmark, an error) says nothing about pods.
                    events.extend(serde_json::from_value::<Event>(document));
                }
                Some(Err(error)) if !error.is_eof() => return Err(error),
                Some(Err(_)) | None => break,
            }
        }
        self.buffer.drain(..read);
        Ok(events)
    }
}

#[cfg(test)]
#[path = "json_stream_tests.rs"]
mod tests;
