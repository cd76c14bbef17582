//! A request's body, taken from what has been read.

use actix_http::{RequestHead, header};
use bytes::{Bytes, BytesMut};

use super::chunks::Chunks;

/// How the body at hand is framed.
///
/// Not by actix's codec: it lets nearly anything pass behind the last chunk, and takes whatever
/// follows an offer of WebSocket for its frames, granted or not.
#[derive(Debug)]
pub(super) enum Content {
    /// So many bytes more.
    Length(u64),
    Chunked(Chunks),
    /// None, unless the handler answers 101: then what follows is another protocol's.
    Offer,
    /// Another protocol's, until the connection ends.
    Other,
}

/// What is next of a body.
#[derive(Debug)]
pub(super) enum Piece {
    Data(Bytes),
    End,
    /// Nothing before more is read.
    None,
    /// It is none, whatever comes.
    Bad,
}

impl Content {
    /// The body behind a head in which the codec has seen one, and which has therefore one framing
    /// at most; `None` if there is none.
    pub(super) fn of(head: &RequestHead) -> Option<Self> {
        if head.headers.contains_key(header::TRANSFER_ENCODING) {
            return Some(Self::Chunked(Chunks::default()));
        }
        let length = head.headers.get(header::CONTENT_LENGTH);
        // The codec has seen to it that it is a number.
        match length.and_then(|length| length.to_str().ok()?.trim().parse().ok()) {
            Some(length) if length > 0 => Some(Self::Length(length)),
            _ => None,
        }
    }

    pub(super) fn decode(&mut self, read: &mut BytesMut) -> Piece {
        match self {
            Self::Length(0) => Piece::End,
            Self::Length(left) => take(read, left).map_or(Piece::None, Piece::Data),
            Self::Chunked(chunks) => chunks.decode(read),
            Self::Offer => Piece::None,
            Self::Other => take(read, &mut { u64::MAX }).map_or(Piece::None, Piece::Data),
        }
    }
}

/// What has been read of so many bytes.
pub(super) fn take(read: &mut BytesMut, left: &mut u64) -> Option<Bytes> {
    if read.is_empty() {
        return None;
    }
    let length = usize::try_from(*left).map_or(read.len(), |left| left.min(read.len()));
    *left -= length as u64;
    Some(read.split_to(length).freeze())
}
