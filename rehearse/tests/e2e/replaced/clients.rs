//! Strict clients of one place, whichever process serves there: they never retry, and count everything
//! that is not a whole and correct answer.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    thread::{self, JoinHandle},
};

use crate::{HANG, ms, pass, until};

/// Where clients reach a service.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Port(SocketAddr),
    Path(PathBuf),
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) asked: u64,
    pub(super) failed: u64,
}

/// How a client uses its connections.
#[derive(Clone, Copy, Debug)]
enum Habit {
    /// One for each request.
    OneShot,
    /// Keeps it until it is told to leave, and thinks in between.
    Keeps { think_ms: u64 },
}

#[derive(Debug, Default)]
struct Book {
    asked: AtomicU64,
    failed: AtomicU64,
}

/// Clients that ask until they are told to stop.
pub(super) struct Clients {
    over: Arc<AtomicBool>,
    clients: Vec<(Arc<Book>, JoinHandle<()>)>,
}

trait Stream: Read + Write {}

impl<S: Read + Write> Stream for S {}

impl Place {
    fn connect(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Port(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(HANG))?;
                Ok(Box::new(stream))
            }
            Self::Path(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(HANG))?;
                Ok(Box::new(stream))
            }
        }
    }
}

impl Clients {
    pub(super) fn gather(place: &Place) -> Self {
        let over = Arc::<AtomicBool>::default();
        let kept = [5, 12, 19, 26, 33, 40].map(|think_ms| Habit::Keeps { think_ms });
        let habits = [Habit::OneShot; 4].into_iter().chain(kept);
        let join = |habit| {
            let (book, place, over) = (Arc::<Book>::default(), place.clone(), Arc::clone(&over));
            let noted = Arc::clone(&book);
            let client = move || {
                while !over.load(SeqCst) {
                    if let Err(error) = connection(&place, habit, &noted, &over) {
                        noted.failed.fetch_add(1, Relaxed);
                        println!("{habit:?}: {error}");
                    }
                    pass(ms(2), "the client thinks");
                }
            };
            (book, thread::spawn(client))
        };
        let clients = habits.map(join).collect();
        Self { over, clients }
    }

    /// Waits until each client has asked twice more.
    pub(super) fn go_on(&self) {
        let asked = |(book, _): &(Arc<Book>, _)| book.asked.load(Relaxed);
        let before: Vec<_> = self.clients.iter().map(asked).collect();
        until("all clients ask twice", || {
            let mut now = self.clients.iter().map(asked).zip(&before);
            now.all(|(now, before)| now >= before + 2).then_some(())
        });
    }

    pub(super) fn end(self) -> Tally {
        self.over.store(true, SeqCst);
        let mut tally = Tally {
            asked: 0,
            failed: 0,
        };
        for (book, client) in self.clients {
            client.join().unwrap();
            tally.asked += book.asked.load(Relaxed);
            tally.failed += book.failed.load(Relaxed);
        }
        tally
    }
}

/// The life of a connection, from its client's side.
fn connection(place: &Place, habit: Habit, book: &Book, over: &AtomicBool) -> io::Result<()> {
    let name = book.asked.fetch_add(1, Relaxed);
    let mut stream = place.connect()?;
    let mut goes_on = ask(&mut *stream, name, habit)?;
    while let (true, Habit::Keeps { think_ms }) = (goes_on, habit) {
        pass(ms(think_ms), "the client thinks");
        if over.load(SeqCst) {
            return Ok(());
        }
        let name = book.asked.fetch_add(1, Relaxed);
        goes_on = ask(&mut *stream, name, habit)?;
    }
    match stream.read(&mut [0])? {
        0 => Ok(()),
        _ => Err(io::Error::other("more than was asked for")),
    }
}

/// Asks once; whether the connection goes on.
fn ask(stream: &mut dyn Stream, name: u64, habit: Habit) -> io::Result<bool> {
    let end = match habit {
        Habit::OneShot => "connection: close\r\n",
        Habit::Keeps { .. } => "",
    };
    write!(stream, "GET /hello/{name} HTTP/1.1\r\nhost: a\r\n{end}\r\n")?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        answer.extend(byte);
    }
    let head = String::from_utf8_lossy(&answer).to_lowercase();
    let expected = format!("Hello, {name}!");
    let mut body = vec![0; expected.len()];
    stream.read_exact(&mut body)?;
    let length = format!("content-length: {}\r\n", expected.len());
    if !head.starts_with("http/1.1 200 ") || !head.contains(&length) || body != expected.as_bytes()
    {
        return Err(io::Error::other(format!("not what was asked for: {head}")));
    }
    Ok(!head.contains("connection: close"))
}
