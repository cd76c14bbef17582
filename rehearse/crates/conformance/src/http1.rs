//! Requests of HTTP/1.1, and their responses on a [`Connection`].

use super::connection::{Connection, Unexpected};
use rehearse_wire::http1::{Body, Head, Step};

/// A request without a body.
pub(super) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: conform\r\n\r\n")
}

/// A path that no program has.
pub(super) const MISSING_PATH: &str = "/no-such-path-of-conform";

/// By which a client waits to be asked for its body (RFC 9110, 10.1.1).
pub(super) const EXPECT: &str = "expect: 100-continue\r\n";

/// The same request with further fields, each with its line end.
pub(super) fn with_fields(request: &str, fields: &str) -> String {
    request.replacen("\r\n\r\n", &format!("\r\n{fields}\r\n"), 1)
}

/// A request for the head of a response alone.
pub(super) fn head(path: &str) -> String {
    get(path).replacen("GET", "HEAD", 1)
}

/// The head of a request with a body of that length.
pub(super) fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: conform\r\ncontent-length: {length}\r\n\r\n")
}

/// The head of a request with a chunked body.
pub(super) fn post_chunked(path: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: conform\r\ntransfer-encoding: chunked\r\n\r\n")
}

impl Connection {
    /// Sends a request, and takes its response: complete, and a success.
    pub(super) async fn exchange(&mut self, request: &str) -> Result<Head, Unexpected> {
        self.send(request).await?;
        self.success().await
    }

    /// The head of a response that is complete, and a success.
    pub(super) async fn success(&mut self) -> Result<Head, Unexpected> {
        let head = self.response().await?;
        match head.is_success() {
            true => Ok(head),
            false => Err(Unexpected::Other(format!("status {}", head.status))),
        }
    }

    /// The head of a complete response, whatever it says.
    pub(super) async fn response(&mut self) -> Result<Head, Unexpected> {
        let head = self.head().await?;
        self.body().await?;
        Ok(head)
    }

    /// A response with this status, with which the connection ends.
    pub(super) async fn refused_with(&mut self, status: u16) -> Result<(), Unexpected> {
        let head = self.head().await?;
        if head.status != status {
            let seen = format!("status {} in place of {status}", head.status);
            return Err(Unexpected::Other(seen));
        }
        self.ends_behind(&head).await
    }

    /// The connection ends without a reset behind the response whose head this is, and nothing more
    /// is answered.
    pub(super) async fn ends_behind(&mut self, head: &Head) -> Result<(), Unexpected> {
        if head.body != Body::UntilFin {
            self.body().await?;
            return self.fin().await;
        }
        loop {
            match self.fill().await {
                Ok(()) => {}
                Err(Unexpected::Fin) => return Ok(()),
                Err(other) => return Err(other),
            }
        }
    }

    /// The next head. What follows is its body.
    pub(super) async fn head(&mut self) -> Result<Head, Unexpected> {
        let bad = |why| Unexpected::Other(format!("no HTTP/1.1 response: {why}"));
        loop {
            if let Some((head, length)) = Head::parse(&self.buffer).map_err(bad)? {
                self.buffer.drain(..length);
                self.body = head.body;
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    /// The rest of the response whose head came last: so many bytes of content.
    pub(super) async fn body(&mut self) -> Result<usize, Unexpected> {
        if self.body == Body::UntilFin {
            let seen = "a response without a length, of which nobody can tell whether it was cut";
            return Err(Unexpected::Other(seen.to_owned()));
        }
        let mut bytes = 0;
        while let Some(piece) = self.piece().await? {
            bytes += piece;
        }
        Ok(bytes)
    }

    /// The length of the next piece of a response's content; `None` is its proper end.
    pub(super) async fn piece(&mut self) -> Result<Option<usize>, Unexpected> {
        let bad = |why: &str| Unexpected::Other(why.to_owned());
        loop {
            match self.body.step(&self.buffer).map_err(bad)? {
                Step::Content(bytes) => {
                    self.buffer.drain(..bytes);
                    return Ok(Some(bytes));
                }
                Step::Skip(bytes) => drop(self.buffer.drain(..bytes)),
                Step::End => return Ok(None),
                Step::More => self.fill().await?,
            }
        }
    }
}
