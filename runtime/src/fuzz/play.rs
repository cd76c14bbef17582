//! A run: the client's side, and the server's worker, on one thread.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::dev::AppConfig;
use socket2::SockRef;
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
    task::{LocalSet, spawn_local, yield_now},
};

use super::{
    app,
    script::{Script, Step},
};
use crate::{
    body_limits::BodyLimits,
    conn::{Accepted, Limits, Observe, PeerAddress, Room, ToWorker},
    control::{Control, Counters, OpenConnection, Stage},
    metrics::Metrics,
    rules::Rules,
    settings::Drain,
    worker::{self, WorkerConfig},
};

/// When a connection is taken to hang.
const HANG: Duration = Duration::from_secs(20);

/// The short limits.
const SHORT: Duration = Duration::from_millis(15);

/// So little the server's kernel takes of a response, if it is to take little.
const NARROW: usize = 8 * 1024;

/// So many turns let the server see what has arrived, and answer.
const TURNS: usize = 4;

/// What the server could have known in a turn of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) sent: usize,
    pub(super) stage: Stage,
    pub(super) half_closed: bool,
}

/// What happened.
pub(super) struct Observed {
    pub(super) sent: Vec<u8>,
    pub(super) received: Vec<u8>,
    pub(super) turns: Vec<Turn>,
    /// The client has reset the connection.
    pub(super) reset: bool,
    /// The limits of time were short.
    pub(super) short: bool,
}

impl std::fmt::Debug for Observed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let received = self.received.escape_ascii().to_string();
        writeln!(f, "sent {}", self.sent.escape_ascii())?;
        writeln!(f, "received {received:.5000}")?;
        let mut turns = self.turns.clone();
        turns.dedup();
        writeln!(f, "turns {turns:?}")
    }
}

struct Client {
    socket: Option<TcpStream>,
    control: Arc<Control>,
    reading: bool,
    /// The server's FIN or reset has come.
    ended: bool,
    /// Nothing more can be sent.
    mute: bool,
    half_closed: bool,
    observed: Observed,
}

/// Plays a script to its end.
pub(super) fn play(runtime: &Runtime, listener: &TcpListener, script: &Script) -> Observed {
    let local = LocalSet::new();
    let observed = runtime.block_on(local.run_until(run(listener, script)));
    // With its tasks, such as that of the date.
    drop(local);
    observed
}

async fn run(listener: &TcpListener, script: &Script) -> Observed {
    let control = Control::new(
        Drain::default(),
        Rules::default(),
        mpsc::unbounded_channel().0,
    );
    let counters = Arc::<Counters>::default();
    let connections = start(&control, &counters, script.short).await;
    let address = listener.local_addr().expect("it is bound");
    let socket = TcpStream::connect(address).expect("the listener has room");
    let (accepted, peer) = listener.accept().expect("somebody has connected");
    if script.narrow {
        let narrowed = SockRef::from(&accepted).set_send_buffer_size(NARROW);
        narrowed.expect("it is a TCP socket");
    }
    let open = OpenConnection::new(Arc::clone(&control), Arc::clone(&counters), None);
    let accepted = Accepted {
        socket: accepted.into(),
        peer: PeerAddress::Tcp(peer),
        open,
    };
    assert!(
        connections.send(ToWorker::Serve(accepted)).is_ok(),
        "the worker is there"
    );
    let mut client = Client::new(socket, Arc::clone(&control), script.short);
    for step in &script.steps {
        client.step(step).await;
    }
    client.finish().await;
    let began = Instant::now();
    for turn in 0.. {
        let (load, requests) = (counters.load(), counters.requests());
        if (load.open, load.in_flight, requests) == (0, 0, 0) {
            return client.observed;
        }
        assert!(
            began.elapsed() < HANG,
            "a connection is left behind: {load:?}, {requests} requests, {script:#?}"
        );
        rest(turn).await;
    }
    unreachable!("nobody counts that far")
}

/// Lets the server work; seldom is it more than a few turns' work.
async fn rest(turn: usize) {
    match turn {
        0..500 => yield_now().await,
        _ => tokio::time::sleep(Duration::from_millis(1)).await,
    }
}

async fn start(
    control: &Arc<Control>,
    counters: &Arc<Counters>,
    short: bool,
) -> mpsc::UnboundedSender<ToWorker> {
    let limit = if short { SHORT } else { HANG * 10 };
    let limits = Limits {
        keep_alive: limit,
        head_timeout: limit,
        body: BodyLimits::new().timeout(limit),
        request_timeout: None,
        connection_age: None,
        half_close: true,
        room: Room {
            connections: usize::MAX,
            after: limit,
            half_heads: false,
        },
    };
    let worker_config = WorkerConfig {
        observe: Observe::NOTHING,
        control: Arc::clone(control),
        metrics: Metrics::new("", ""),
        limits,
        app: AppConfig::default(),
        tls: None,
        blocking_threads: 1,
    };
    let (connections, messages) = mpsc::unbounded_channel();
    let (ready, stands) = oneshot::channel();
    let counters = Arc::clone(counters);
    spawn_local(worker::serve(
        worker_config,
        counters,
        app::app,
        messages,
        ready,
    ));
    assert!(stands.await.is_ok_and(|built| built), "the app is built");
    connections
}

impl Client {
    fn new(socket: TcpStream, control: Arc<Control>, short: bool) -> Self {
        socket.set_nonblocking(true).expect("it is a socket");
        // What is sent is in the server's kernel at once, as the rules assume.
        socket.set_nodelay(true).expect("it is a TCP socket");
        Self {
            socket: Some(socket),
            control,
            reading: true,
            ended: false,
            mute: false,
            half_closed: false,
            observed: Observed {
                sent: Vec::new(),
                received: Vec::new(),
                turns: Vec::new(),
                reset: false,
                short,
            },
        }
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Send(bytes) => self.send(bytes).await,
            Step::Pause => self.turns(TURNS).await,
            Step::Wait if self.observed.short => {
                self.turns(1).await;
                tokio::time::sleep(SHORT * 2).await;
            }
            Step::Wait => self.turns(TURNS).await,
            Step::HalfClose => self.half_close(),
            Step::Reset => self.reset(),
            Step::Raise(stage) => self.control.raise(*stage, Instant::now()),
            Step::StopReading => self.reading = false,
        }
    }

    async fn turns(&mut self, count: usize) {
        for _ in 0..count {
            self.observed.turns.push(Turn {
                sent: self.observed.sent.len(),
                stage: self.control.stage(),
                half_closed: self.half_closed,
            });
            yield_now().await;
            if self.reading {
                self.read();
            }
        }
    }

    async fn send(&mut self, mut bytes: &[u8]) {
        let mut patience = 200;
        while !bytes.is_empty() && !self.mute && !self.half_closed {
            let Some(socket) = &mut self.socket else {
                return;
            };
            match socket.write(bytes) {
                Ok(written) => {
                    self.observed.sent.extend_from_slice(&bytes[..written]);
                    bytes = &bytes[written..];
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && patience > 0 => {
                    patience -= 1;
                    self.turns(1).await;
                }
                // The server reads no more. What would follow a gap is another request.
                Err(_) => self.mute = true,
            }
        }
    }

    fn half_close(&mut self) {
        if let Some(socket) = &self.socket {
            // It fails when the server has reset the connection.
            let _ = socket.shutdown(Shutdown::Write);
        }
        self.half_closed = true;
    }

    fn reset(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _ = SockRef::from(&socket).set_linger(Some(Duration::ZERO));
        }
        self.observed.reset = true;
    }

    /// Takes what there is.
    fn read(&mut self) {
        let mut bytes = [0; 16 * 1024];
        while let Some(socket) = self.socket.as_mut().filter(|_| !self.ended) {
            match socket.read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(read) => self.observed.received.extend_from_slice(&bytes[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.ended = true,
            }
        }
    }

    /// Says all it had to say, and waits for the server's end.
    async fn finish(&mut self) {
        self.turns(TURNS).await;
        self.half_close();
        self.reading = true;
        let began = Instant::now();
        for turn in 0.. {
            if self.socket.is_none() || self.ended {
                break;
            }
            self.turns(1).await;
            rest(turn).await;
            assert!(
                began.elapsed() < HANG,
                "the server does not end: {:#?}",
                self.observed
            );
        }
        self.socket = None;
    }
}
