//! HTTP/1.1 over a raw socket: it never retries, and takes nothing for granted.

use std::{
    io::{self, Error, ErrorKind, Read as _, Write as _},
    net::{IpAddr, Shutdown, SocketAddr, TcpStream},
};

use socket2::{Domain, Socket, Type};

use crate::HANG;

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: e2e\r\n\r\n")
}

pub(crate) fn post(path: &str, length: usize) -> String {
    format!("POST {path} HTTP/1.1\r\nhost: e2e\r\ncontent-length: {length}\r\n\r\n")
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: TcpStream,
    /// Received, and not yet taken.
    buffer: Vec<u8>,
}

/// A response's head.
#[derive(Clone, Debug, Default)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

/// A complete response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self::new(TcpStream::connect(address).unwrap())
    }

    /// A client that comes from a given address of this machine.
    #[track_caller]
    pub(crate) fn connect_from(source: IpAddr, address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(source, 0).into()).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::new(socket.into())
    }

    /// A client whose kernel takes only a few thousand bytes ahead.
    pub(crate) fn connect_with_small_window(address: SocketAddr) -> Self {
        Self::connect_with_window(address, 4096)
    }

    /// A client whose kernel takes about so many bytes ahead.
    pub(crate) fn connect_with_window(address: SocketAddr, bytes: usize) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(bytes).unwrap();
        socket.connect(&address.into()).unwrap();
        Self::new(socket.into())
    }

    pub(crate) fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(HANG)).unwrap();
        socket.set_write_timeout(Some(HANG)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            buffer: Vec::new(),
        }
    }

    pub(crate) fn local_address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The same connection, for somebody else to send on.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.socket.try_clone().unwrap())
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_send(bytes).unwrap();
    }

    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.socket.write_all(bytes.as_ref())
    }

    pub(crate) fn shut_down(&mut self) {
        self.socket.shutdown(Shutdown::Write).unwrap();
    }

    /// Sends a request and takes its response.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &str) -> Response {
        self.send(request);
        self.response()
    }

    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        self.try_response().unwrap()
    }

    pub(crate) fn try_response(&mut self) -> io::Result<Response> {
        let head = self.try_head()?;
        let body = self.try_body(&head)?;
        Ok(Response { head, body })
    }

    #[track_caller]
    pub(crate) fn body(&mut self, head: &Head) -> Vec<u8> {
        self.try_body(head).unwrap()
    }

    fn try_body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        if let Some(length) = head.header("content-length") {
            return self.take(length.parse().map_err(Error::other)?);
        }
        if head.header("transfer-encoding") != Some("chunked") {
            return Err(Error::other("a response without a length"));
        }
        let mut body = Vec::new();
        while let Some(chunk) = self.try_chunk()? {
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    #[track_caller]
    pub(crate) fn head(&mut self) -> Head {
        self.try_head().unwrap()
    }

    pub(crate) fn try_head(&mut self) -> io::Result<Head> {
        loop {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let mut head = httparse::Response::new(&mut headers);
            let parsed = head.parse(&self.buffer).map_err(Error::other)?;
            if let httparse::Status::Complete(length) = parsed {
                let pair = |header: &httparse::Header<'_>| {
                    let value = String::from_utf8_lossy(header.value).into_owned();
                    (header.name.to_ascii_lowercase(), value)
                };
                let headers = head.headers.iter().map(pair).collect();
                let head = Head {
                    status: head.code.unwrap_or_default(),
                    headers,
                };
                self.buffer.drain(..length);
                return Ok(head);
            }
            self.fill()?;
        }
    }

    /// The next chunk of a chunked body; `None` is its proper end.
    #[track_caller]
    pub(crate) fn chunk(&mut self) -> Option<Vec<u8>> {
        self.try_chunk().unwrap()
    }

    pub(crate) fn try_chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let end = loop {
            match self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                Some(end) => break end,
                None => self.fill()?,
            }
        };
        let size = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let size = usize::from_str_radix(&size, 16).map_err(Error::other)?;
        self.buffer.drain(..end + 2);
        let mut chunk = self.take(size + 2)?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    /// Takes so many bytes.
    pub(crate) fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < count {
            self.fill()?;
        }
        Ok(self.buffer.drain(..count).collect())
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut bytes = vec![0; 64 * 1024];
        match self.socket.read(&mut bytes)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            read => {
                self.buffer.extend_from_slice(&bytes[..read]);
                Ok(())
            }
        }
    }

    /// The server's FIN comes, and neither a byte nor a reset before it.
    #[track_caller]
    pub(crate) fn expect_fin(&mut self) {
        let end = self.fill().unwrap_err();
        let rest = String::from_utf8_lossy(&self.buffer);
        assert_eq!((end.kind(), &*rest), (ErrorKind::UnexpectedEof, ""));
    }

    /// Whether the server has neither sent anything nor closed.
    pub(crate) fn is_silent(&self) -> bool {
        self.socket.set_nonblocking(true).unwrap();
        let peeked = self.socket.peek(&mut [0]);
        self.socket.set_nonblocking(false).unwrap();
        self.buffer.is_empty() && peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| &**value)
    }

    pub(crate) fn says_goodbye(&self) -> bool {
        let mut options = self.header("connection").unwrap_or_default().split(',');
        options.any(|option| option.trim().eq_ignore_ascii_case("close"))
    }
}

impl Response {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn expect(&self, status: u16, body: &str) {
        assert_eq!(
            (self.head.status, &*self.text()),
            (status, body),
            "{:?}",
            self.head
        );
    }
}
