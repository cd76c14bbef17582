//! One end of a connection, for scripts that answer what they were asked.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub(super) struct Peers {
    pub(super) address: SocketAddr,
    connections: Arc<AtomicUsize>,
    _accepting: JoinSet<()>,
}

impl Peers {
    /// Plays `script(n, peer)` on connection `n` (from 0). An error is the client's end of the
    /// connection; after the script the server reads on to the client's FIN.
    pub(super) async fn start<S, F>(script: S) -> Self
    where
        S: Fn(usize, Peer) -> F + Send + 'static,
        F: Future<Output = io::Result<Peer>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mut accepting, connections) = (JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&connections);
        accepting.spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let peer = Peer::new(stream);
                let played = script(count.fetch_add(1, Ordering::SeqCst), peer);
                served.spawn(async move {
                    if let Ok(mut peer) = played.await {
                        while peer.read().await.is_ok() {}
                    }
                });
            }
        });
        Self {
            address,
            connections,
            _accepting: accepting,
        }
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(super) struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Peer {
    fn new(stream: TcpStream) -> Self {
        // Or the last of two writes would wait for the client's next word.
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// Exactly so many bytes.
    pub(super) async fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.unread.len() < count {
            self.read().await?;
        }
        Ok(self.unread.drain(..count).collect())
    }

    /// Bytes up to and with the end of a head.
    pub(super) async fn head(&mut self) -> io::Result<String> {
        loop {
            let end = self
                .unread
                .windows(4)
                .position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.unread.drain(..end + 4).collect();
                return Ok(String::from_utf8(head).unwrap());
            }
            self.read().await?;
        }
    }

    pub(super) async fn fin(&mut self) -> io::Result<()> {
        self.stream.shutdown().await
    }

    /// Ends the connection by RST.
    pub(super) fn reset(self) -> io::Result<Self> {
        SockRef::from(&self.stream).set_linger(Some(Duration::ZERO))?;
        Err(io::ErrorKind::ConnectionReset.into())
    }

    async fn read(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.unread).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}
