//! HTTP/1.1 on a [`Connection`].

use super::connection::{Connection, Unexpected};

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

/// A response's head.
#[derive(Clone, Debug, Default)]
pub(super) struct Head {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
}

/// A complete response, whose body has come and is of no further interest.
#[derive(Clone, Debug)]
pub(super) struct Response {
    pub(super) head: Head,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    /// Whether it says `Connection: close`.
    pub(super) fn announces_close(&self) -> bool {
        self.connection("close")
    }

    /// Whether `Connection` has this option.
    pub(super) fn connection(&self, option: &str) -> bool {
        let options = self.header("connection").unwrap_or_default().split(',');
        options
            .into_iter()
            .any(|given| given.trim().eq_ignore_ascii_case(option))
    }

    pub(super) fn is_chunked(&self) -> bool {
        self.header("transfer-encoding")
            .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"))
    }

    /// Whether its body's end can be told before the connection's.
    fn has_length(&self) -> bool {
        self.is_chunked() || self.header("content-length").is_some()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Connection {
    /// Sends a request, and takes its response: complete, and a success.
    pub(super) async fn exchange(&mut self, request: &str) -> Result<Response, Unexpected> {
        self.send(request).await?;
        self.success().await
    }

    /// A response that is complete, and a success.
    pub(super) async fn success(&mut self) -> Result<Response, Unexpected> {
        let response = self.response().await?;
        match response.head.is_success() {
            true => Ok(response),
            false => Err(Unexpected::Other(format!(
                "status {}",
                response.head.status
            ))),
        }
    }

    /// A complete response, whatever it says.
    pub(super) async fn response(&mut self) -> Result<Response, Unexpected> {
        let head = self.head().await?;
        self.body(&head).await?;
        Ok(Response { head })
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
        if head.has_length() {
            self.body(head).await?;
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

    /// The rest of the response whose head this is.
    pub(super) async fn body(&mut self, head: &Head) -> Result<Vec<u8>, Unexpected> {
        if head.is_chunked() {
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk().await? {
                body.extend_from_slice(&chunk);
            }
            return Ok(body);
        }
        match head.header("content-length").map(str::parse) {
            Some(Ok(length)) => self.take(length).await,
            Some(Err(_)) => Err(Unexpected::Other(
                "a content-length that is no number".to_owned(),
            )),
            None if matches!(head.status, 100..=199 | 204 | 304) => Ok(Vec::new()),
            None => Err(Unexpected::Other("a response without a length".to_owned())),
        }
    }

    /// The next head.
    pub(super) async fn head(&mut self) -> Result<Head, Unexpected> {
        loop {
            if let Some(head) = self.buffered_head()? {
                return Ok(head);
            }
            self.fill().await?;
        }
    }

    fn buffered_head(&mut self) -> Result<Option<Head>, Unexpected> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut head = httparse::Response::new(&mut headers);
        let bad =
            |error: httparse::Error| Unexpected::Other(format!("no HTTP/1.1 response: {error}"));
        let httparse::Status::Complete(length) = head.parse(&self.buffer).map_err(bad)? else {
            return Ok(None);
        };
        let pair = |header: &httparse::Header<'_>| {
            let value = String::from_utf8_lossy(header.value).into_owned();
            (header.name.to_ascii_lowercase(), value)
        };
        let status = head.code.unwrap_or_default();
        let headers = head.headers.iter().map(pair).collect();
        self.buffer.drain(..length);
        Ok(Some(Head { status, headers }))
    }

    /// The next chunk of a chunked body; `None` is its proper end.
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Unexpected> {
        let end = loop {
            match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                Some(end) => break end,
                None => self.fill().await?,
            }
        };
        let line = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let size = usize::from_str_radix(&line, 16);
        let size = size.map_err(|_| Unexpected::Other(format!("a chunk of size {line:?}")))?;
        self.buffer.drain(..end + 2);
        let mut chunk = self.take(size + 2).await?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }
}
