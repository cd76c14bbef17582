//! A request's body on its way to the handler.

use actix_http::error::PayloadError;
use bytes::BytesMut;

use super::content::{Content, Piece};
use crate::conn::{arrival::Arrival, payload::Sender};

/// The body of the request at hand, until all of it has come.
#[derive(Debug)]
pub(super) struct Upload {
    pub(super) sender: Sender,
    pub(super) content: Content,
    pub(super) arrival: Arrival,
    /// Its client waits to be asked for it (`Expect: 100-continue`).
    pub(super) expects: bool,
}

/// What has become of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// There is more to come.
    Partly,
    Wholly,
    /// Its framing is broken.
    Corrupted,
}

impl Upload {
    pub(super) fn is_asked(&self) -> bool {
        self.sender.is_asked()
    }

    pub(super) fn is_held(&self) -> bool {
        self.sender.is_held()
    }

    /// An offer to speak another protocol, of which nothing is known to be a body yet.
    pub(super) fn is_offer(&self) -> bool {
        matches!(self.content, Content::Offer)
    }

    /// Moves what has arrived to the handler.
    pub(super) fn feed(&mut self, read: &mut BytesMut) -> Fed {
        // A client that sends its body unasked need not be asked for it (RFC 9110, 10.1.1).
        self.expects &= read.is_empty();
        loop {
            match self.content.decode(read) {
                Piece::Data(data) => {
                    self.arrival.count(data.len());
                    self.sender.push(data);
                }
                Piece::End => return Fed::Wholly,
                Piece::None => return Fed::Partly,
                Piece::Bad => return Fed::Corrupted,
            }
        }
    }

    /// Ends the body for its reader.
    pub(super) fn end(self, end: Result<(), PayloadError>) {
        self.sender.end(end);
    }
}
