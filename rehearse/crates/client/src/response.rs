//! Reading a response from a connection.

use super::Content;
use super::connection::{Connection, Fate};
use super::failure::{FailureKind, Fault};
use super::stage::Stage;
use rehearse_tls::{End, Received};
use rehearse_wire::http1::{Body, Head, Step};

/// The failure of any status but 200; or, if it is not known what is to be answered, of any that is no
/// success.
pub(super) fn expect_success(head: &Head, content: Content) -> Result<(), Fault> {
    match head.status {
        200 => Ok(()),
        201..=299 if content == Content::Unknown => Ok(()),
        status => Err(Fault::new(FailureKind::WrongStatus, status.to_string())),
    }
}

impl Connection {
    /// Reads the head of the final response, past interim ones such as `100 Continue`.
    pub(super) async fn head(&mut self) -> Result<Head, Fault> {
        loop {
            match self.parse_head()? {
                Some(Head {
                    status: 100 | 102..=199,
                    ..
                }) => self.stage = Stage::Head,
                Some(head) => return Ok(head),
                None => {
                    if let Received::End(end) = self.fill().await? {
                        return Err(self.finished(end));
                    }
                }
            }
        }
    }

    /// The next bytes of the body; `None` once it is complete. Cancel-safe.
    pub(super) async fn piece(&mut self) -> Result<Option<&[u8]>, Fault> {
        let content = loop {
            let step = self.body.step(self.buffer.unread());
            match step.map_err(Fault::bad)? {
                Step::Content(bytes) => break bytes,
                Step::Skip(bytes) => {
                    self.buffer.consume(bytes);
                }
                Step::End => return Ok(None),
                Step::More => match self.fill().await? {
                    Received::Bytes(_) => {}
                    Received::End(end) if self.body == Body::UntilFin && end != End::Truncated => {
                        self.body = Body::Done;
                        return Ok(None);
                    }
                    Received::End(end) => return Err(self.finished(end)),
                },
            }
        };
        self.received += content as u64;
        Ok(Some(self.buffer.consume(content)))
    }

    /// Whether nobody can tell if the body is complete: only the connection's end delimits it, and
    /// that says nothing of what was cut before it. By TLS it does.
    pub(super) fn is_unjudged(&self) -> bool {
        self.body == Body::UntilFin && self.secured().is_none()
    }

    /// Reads the body to its end and keeps at most `limit` bytes of it.
    pub(super) async fn whole_body(&mut self, limit: usize) -> Result<Vec<u8>, Fault> {
        let mut body = Vec::new();
        while let Some(piece) = self.piece().await? {
            body.extend_from_slice(&piece[..piece.len().min(limit - body.len())]);
        }
        Ok(body)
    }

    fn parse_head(&mut self) -> Result<Option<Head>, Fault> {
        let parsed = Head::parse(self.buffer.unread()).map_err(Fault::bad)?;
        let Some((head, length)) = parsed else {
            return Ok(None);
        };
        self.buffer.consume(length);
        self.stage = Stage::Body;
        self.body = head.body;
        // Until a FIN means to a FIN; and HTTP/1.0 keeps nothing open.
        let ends = head.close || head.http10 || head.body == Body::UntilFin;
        if ends && self.fate == Fate::Kept {
            self.fate = Fate::Ended;
        }
        Ok(Some(head))
    }
}
