//! The output of a watch: JSON documents, one after another.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use rehearse_kubernetes::Metadata;

/// What a watch reports.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WatchEvent<T> {
    /// This is what the object is from now on; it may be new.
    Applied(T),
    /// It is gone; this was its last state.
    Deleted(T),
    /// Nothing happened, up to this `resourceVersion`.
    Bookmark(String),
    /// The watch has come to its end, mostly because what it was to go on from is forgotten.
    Failed,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "type")]
    kind: String,
    object: Value,
}

#[derive(Deserialize)]
struct WithMetadata {
    metadata: Metadata,
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
    /// If what has arrived is not JSON, or not about such objects.
    pub(super) fn push<T: DeserializeOwned>(
        &mut self,
        piece: &[u8],
    ) -> serde_json::Result<Vec<WatchEvent<T>>> {
        self.buffer.extend_from_slice(piece);
        let mut documents = serde_json::Deserializer::from_slice(&self.buffer).into_iter();
        let (mut events, mut read) = (Vec::new(), 0);
        loop {
            match documents.next() {
                Some(Ok(document)) => {
                    read = documents.byte_offset();
                    events.extend(event(document)?);
                }
                Some(Err(error)) if !error.is_eof() => return Err(error),
                Some(Err(_)) | None => break,
            }
        }
        self.buffer.drain(..read);
        Ok(events)
    }
}

fn event<T: DeserializeOwned>(document: Document) -> serde_json::Result<Option<WatchEvent<T>>> {
    let Document { kind, object } = document;
    Ok(Some(match kind.as_str() {
        "ADDED" | "MODIFIED" => WatchEvent::Applied(serde_json::from_value(object)?),
        "DELETED" => WatchEvent::Deleted(serde_json::from_value(object)?),
        "BOOKMARK" => {
            let WithMetadata { metadata } = serde_json::from_value(object)?;
            WatchEvent::Bookmark(metadata.resource_version)
        }
        "ERROR" => WatchEvent::Failed,
        _ => return Ok(None),
    }))
}

#[cfg(test)]
#[path = "watch_events_tests.rs"]
mod tests;
