//! The kubelet's readiness probe.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The time from one probe to the next.
pub const PERIOD: Duration = Duration::from_secs(1);

/// How long an answer may take (the kubelet's default).
pub const TIMEOUT: Duration = Duration::from_secs(1);

/// Failures in a row that make a pod unready (the kubelet's default).
pub const FAILURE_THRESHOLD: u32 = 3;

/// What a pod is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// `httpGet`: any status from 200 to 399 passes.
    Http {
        /// The admin port, or else the public one.
        admin: bool,
        /// The path to get.
        path: String,
    },
    /// `tcpSocket` on the public port: a connection passes.
    Tcp,
}

/// A pod's readiness, from the answers to its probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    ready: bool,
    failures: u32,
}

impl Readiness {
    /// Takes an answer into account; returns the new readiness if that changes it.
    pub fn record(&mut self, passed: bool) -> Option<bool> {
        self.failures = if passed { 0 } else { self.failures + 1 };
        let ready = passed || self.ready && self.failures < FAILURE_THRESHOLD;
        (ready != std::mem::replace(&mut self.ready, ready)).then_some(ready)
    }
}

/// Probes once.
///
/// # Errors
/// Why the probe failed, in words.
pub async fn probe(address: SocketAddr, path: Option<&str>) -> Result<(), String> {
    let attempt = async {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|e| e.to_string())?;
        match path {
            Some(path) => get(stream, address, path).await,
            None => Ok(()),
        }
    };
    let outcome = tokio::time::timeout(TIMEOUT, attempt).await;
    outcome.unwrap_or_else(|_| Err(format!("no answer within {TIMEOUT:?}")))
}

async fn get(mut stream: TcpStream, address: SocketAddr, path: &str) -> Result<(), String> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: kube-probe/1.34\r\n\
         Accept: */*\r\nConnection: close\r\n\r\n"
    );
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|e| e.to_string())?;
    let mut head = Vec::new();
    stream
        .take(16 * 1024)
        .read_to_end(&mut head)
        .await
        .map_err(|e| e.to_string())?;
    match status(&head) {
        Some(200..=399) => Ok(()),
        Some(status) => Err(format!("status {status}")),
        None => Err("no HTTP response".to_owned()),
    }
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_success_makes_ready_and_three_failures_in_a_row_unready() {
        let mut r = Readiness::default();
        let answers = [
            false, true, true, false, false, true, false, false, false, false, true,
        ];
        let changes: Vec<_> = answers.map(|passed| r.record(passed)).into_iter().collect();
        let mut expected = vec![None; 11];
        (expected[1], expected[8], expected[10]) = (Some(true), Some(false), Some(true));
        assert_eq!(changes, expected);
    }

    #[test]
    fn only_200_to_399_pass() {
        assert_eq!(status(b"HTTP/1.1 204 No Content\r\n\r\n"), Some(204));
        assert_eq!(status(b"HTTP/1.0 503 Service Unavailable"), Some(503));
        assert_eq!(status(b"SSH-2.0-OpenSSH_9.2"), None);
        assert_eq!(status(b""), None);
    }

    #[tokio::test]
    async fn a_refused_probe_says_so() {
        let refused = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let why = probe(refused, Some("/readyz")).await.unwrap_err();
        assert!(why.contains("refused"), "{why}");
    }
}
