//! One request after the other on one connection, checked at little cost.

use anyhow::{Context, anyhow, bail, ensure};
use rehearse_wire::http1::{Body, Head};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: lastcall\r\n\r\n";
const STATUS: &[u8] = b"HTTP/1.1 200 OK\r\n";
pub(crate) const BODY: &[u8] = b"Hello, world!";

/// Longer than any response of these routes.
const LONGEST: usize = 2_048;

/// A keep-alive connection. Its first response is parsed; those that follow must have the same
/// length, status and body, which is quick to see.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: [u8; LONGEST],
    length: Option<usize>,
}

impl Connection {
    /// On this stream, on which nothing was sent yet.
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: [0; LONGEST],
            length: None,
        }
    }

    /// Sends a request and reads its response; returns the response's length in bytes.
    ///
    /// # Errors
    /// If the connection breaks, or the response is another one than the first.
    pub async fn exchange(&mut self) -> anyhow::Result<usize> {
        let sent = self.stream.write_all(REQUEST).await;
        sent.context("a request could not be sent")?;
        let mut read = 0;
        while self.length.is_none_or(|length| read < length) {
            let got = self.stream.read(&mut self.buffer[read..]).await;
            let got = got.context("a response was cut")?;
            ensure!(got > 0, "a response was cut after {read} bytes");
            read += got;
            if self.length.is_none() {
                self.length = length(&self.buffer[..read])?;
            }
        }
        let response = &self.buffer[..read];
        ensure!(
            self.length == Some(read) && response.starts_with(STATUS) && response.ends_with(BODY),
            "a wrong response: {:?}",
            String::from_utf8_lossy(response)
        );
        Ok(read)
    }
}

/// The length of the response that begins here, once its head is complete.
fn length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let parsed = Head::parse(bytes).map_err(|error| anyhow!("no HTTP response: {error}"))?;
    let Some((head, length)) = parsed else {
        ensure!(bytes.len() < LONGEST, "a response's head is too long");
        return Ok(None);
    };
    match head.body {
        Body::Length(body) if body <= (LONGEST - length) as u64 => Ok(Some(length + body as usize)),
        Body::Length(body) => bail!("a response's body is too long: {body} bytes"),
        _ => bail!("a response has no Content-Length"),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 13\r\n\r\nHello, world!";

    /// A server that answers the first request with these bytes, then closes.
    async fn answered(response: &str) -> anyhow::Result<usize> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, server) = tokio::join!(client, listener.accept());
        let mut server = server.unwrap().0;
        server.write_all(response.as_bytes()).await.unwrap();
        server.shutdown().await.unwrap();
        Connection::new(client.unwrap()).exchange().await
    }

    #[tokio::test]
    async fn only_a_complete_and_correct_response_counts() {
        assert_eq!(answered(GOOD).await.unwrap(), GOOD.len());
        for bad in [
            &GOOD[..GOOD.len() - 1],
            &GOOD.replace("200", "500"),
            &GOOD.replace("world", "wOrld"),
            &GOOD.replace("length: 13", "length: 12"),
            &GOOD.replace("length: 13", "length: 14"),
            &GOOD.replace("content-length", "x"),
            &GOOD.replace("length: 13", "length: 99999"),
            "SSH-2.0-OpenSSH_9.2\r\n",
        ] {
            assert!(answered(bad).await.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_head_in_parts_is_waited_for() {
        let head = GOOD.len() - BODY.len();
        assert!((0..head).all(|n| length(&GOOD.as_bytes()[..n]).unwrap().is_none()));
        assert_eq!(length(&GOOD.as_bytes()[..head]).unwrap(), Some(GOOD.len()));
    }
}
