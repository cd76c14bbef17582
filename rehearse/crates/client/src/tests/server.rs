//! A server that does to each connection what a script says, and remembers what it was asked.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// One act of a script. After the last one the server reads on until the client's FIN.
#[derive(Clone, Debug)]
pub(super) enum Act {
    /// Reads a request's head.
    Request,
    /// Reads a request's body and answers with its receipt.
    Receipt,
    Send(String),
    SendBytes(Vec<u8>),
    Stall(Duration),
    Fin,
    Reset,
}

/// The acts over and over, for a connection that is kept.
pub(super) fn repeated(acts: &[Act]) -> Vec<Act> {
    [acts].repeat(100).concat()
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
    _accepting: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    heads: Mutex<Vec<String>>,
    connections: AtomicUsize,
    open: AtomicUsize,
}

impl Server {
    /// Serves connection `n` (from 0) by `script(n)`.
    pub(super) async fn start(script: impl Fn(usize) -> Vec<Act> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Seen::default()));
        let (mut accepting, shared) = (JoinSet::new(), Arc::clone(&seen));
        accepting.spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let acts = script(shared.connections.fetch_add(1, Ordering::SeqCst));
                shared.open.fetch_add(1, Ordering::SeqCst);
                let mut peer = Peer {
                    stream,
                    unread: Vec::new(),
                    seen: Arc::clone(&shared),
                };
                served.spawn(async move {
                    // An error is the client's end of the connection: nothing left to play.
                    let _ = peer.play(acts).await;
                    peer.seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            seen,
            _accepting: accepting,
        }
    }

    /// The heads of all requests that arrived.
    pub(super) fn heads(&self) -> Vec<String> {
        self.seen.heads.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn open(&self) -> usize {
        self.seen.open.load(Ordering::SeqCst)
    }
}

struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    seen: Arc<Seen>,
}

impl Peer {
    async fn play(&mut self, acts: Vec<Act>) -> io::Result<()> {
        for act in acts {
            match act {
                Act::Request => drop(self.head().await?),
                Act::Receipt => self.receipt().await?,
                Act::Send(text) => self.stream.write_all(text.as_bytes()).await?,
                Act::SendBytes(bytes) => self.stream.write_all(&bytes).await?,
                Act::Stall(time) => tokio::time::sleep(time).await,
                Act::Fin => self.stream.shutdown().await?,
                Act::Reset => return SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)),
            }
        }
        while self.head().await.is_ok() {}
        Ok(())
    }

    /// Bytes up to and with `end`.
    async fn read_to(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self
                .unread
                .windows(end.len())
                .position(|bytes| bytes == end)
            {
                return Ok(self.unread.drain(..at + end.len()).collect());
            }
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    async fn head(&mut self) -> io::Result<String> {
        let head = String::from_utf8(self.read_to(b"\r\n\r\n").await?).unwrap();
        self.seen.heads.lock().unwrap().push(head.clone());
        Ok(head)
    }

    async fn exactly(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            if self.stream.read_buf(&mut self.unread).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.unread.drain(..count).collect())
    }

    async fn receipt(&mut self) -> io::Result<()> {
        let head = self.head().await?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = match length {
            Some(length) => self.exactly(length.parse().unwrap()).await?,
            None => self.chunked_body().await?,
        };
        let crc32 = format!("{:08x}", crc32fast::hash(&body));
        let json = format!(r#"{{"bytes":{},"crc32":"{crc32}"}}"#, body.len());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", json.len());
        self.stream.write_all((head + &json).as_bytes()).await
    }

    async fn chunked_body(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = String::from_utf8(self.read_to(b"\r\n").await?).unwrap();
            let size = usize::from_str_radix(line.trim(), 16).unwrap();
            body.extend(self.exactly(size).await?);
            assert_eq!(self.exactly(2).await?, b"\r\n");
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
