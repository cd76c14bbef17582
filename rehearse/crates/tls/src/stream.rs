//! A socket with what lies on it, for readers that wait.

use std::io::{self, ErrorKind};

use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;

use super::layer::{Layer, Received};

/// A connection, over TLS or not.
#[derive(Debug)]
pub struct Stream {
    /// The socket.
    pub tcp: TcpStream,
    /// What lies on it.
    pub layer: Layer,
}

impl From<TcpStream> for Stream {
    /// Without TLS.
    fn from(tcp: TcpStream) -> Self {
        Self {
            tcp,
            layer: Layer::Plain,
        }
    }
}

impl Stream {
    /// Waits for something to read. Cancel-safe.
    ///
    /// # Errors
    /// See [`Layer::read`].
    pub async fn read(&mut self, room: &mut [u8]) -> io::Result<Received> {
        self.when_readable(|layer, tcp| layer.read(tcp, room)).await
    }

    /// The same, and leaves it there. Cancel-safe.
    ///
    /// # Errors
    /// See [`Layer::look`].
    pub async fn look(&mut self) -> io::Result<Received> {
        self.when_readable(Layer::look).await
    }

    async fn when_readable(
        &mut self,
        mut take: impl FnMut(&mut Layer, &TcpStream) -> io::Result<Received>,
    ) -> io::Result<Received> {
        let Self { tcp, layer } = self;
        if layer.holds_bytes() {
            return take(layer, tcp);
        }
        loop {
            tcp.readable().await?;
            match tcp.try_io(Interest::READABLE, || take(layer, tcp)) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                taken => return taken,
            }
        }
    }

    /// What is there: the kernel is asked, if tokio does not know that it has nothing.
    ///
    /// # Errors
    /// See [`Layer::look`].
    pub fn try_look(&mut self) -> io::Result<Received> {
        let Self { tcp, layer } = self;
        match layer.holds_bytes() {
            true => layer.look(tcp),
            false => tcp.try_io(Interest::READABLE, || layer.look(tcp)),
        }
    }

    /// Sends as many bytes as are taken now.
    ///
    /// # Errors
    /// See [`Layer::write`].
    pub fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { tcp, layer } = self;
        tcp.try_io(Interest::WRITABLE, || layer.write(tcp, bytes))
    }

    /// Gives the kernel what was taken.
    ///
    /// # Errors
    /// See [`Layer::flush`].
    pub fn try_flush(&mut self) -> io::Result<()> {
        let Self { tcp, layer } = self;
        match layer.must_flush() {
            true => tcp.try_io(Interest::WRITABLE, || layer.flush(tcp)),
            false => Ok(()),
        }
    }

    /// Waits for FIN, whatever comes before it.
    ///
    /// # Errors
    /// The socket's, such as a reset.
    pub async fn fin(&mut self) -> io::Result<()> {
        loop {
            self.tcp.readable().await?;
            match self.tcp.try_read(&mut [0; 1_024]) {
                Ok(0) => return Ok(()),
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
    }

    /// Waits for the socket.
    ///
    /// # Errors
    /// If the runtime ends.
    pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        self.tcp.ready(interest).await
    }

    /// Says `close_notify` and closes the connection, as far as the kernel takes it now.
    pub fn close(&mut self) {
        self.layer.say_close(&self.tcp);
    }
}
