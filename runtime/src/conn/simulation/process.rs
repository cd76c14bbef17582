//! A process whose connections are simulated: the worker, the lifecycle and its driver are the real
//! ones; only the listener and the signals are made up.

use std::{
    cell::{Cell, RefCell},
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use actix_service::{ServiceFactory as _, map_config};
use actix_web::dev::AppConfig;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_local,
};

use super::{app, socket::Socket};
use crate::{
    body_limits::BodyLimits,
    clock,
    conn::{self, Limits, Observe, PeerAddress, Room, Worker},
    control::{Control, Counters, Fenced, Notice, OpenConnection},
    drain,
    drive::{Driver, Opened},
    exit::Exit,
    lifecycle::{Cause, Schedule},
    metrics::{Metrics, Routes},
    report::Report,
    rules::{Rule, Rules},
    settings::Drain,
    tls::Tls,
};

pub(super) const MIN: Duration = Duration::from_secs(5);
pub(super) const QUIET: Duration = Duration::from_secs(1);
pub(super) const MAX: Duration = Duration::from_secs(15);
pub(super) const PATIENCE: Duration = Duration::from_secs(21);
pub(super) const CUT_AFTER: Duration = Duration::from_secs(28);
pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(75);

type Switch = Box<dyn Fn()>;

/// See the module's documentation.
#[derive(Clone)]
pub(super) struct Process {
    pub(super) control: Arc<Control>,
    pub(super) tls: Option<Arc<Tls>>,
    counters: Arc<Counters>,
    serve: Rc<dyn Fn(Socket, OpenConnection)>,
    listening: Rc<Cell<bool>>,
    /// Take the machine off the network, connection by connection.
    switches: Rc<RefCell<Vec<Switch>>>,
    ended: watch::Receiver<Option<(Exit, Instant)>>,
}

impl Process {
    /// Starts one, by TLS or without; it serves at once.
    pub(super) async fn start(rules: Rules, tls: Option<Arc<Tls>>) -> Self {
        let (notify, notices) = mpsc::unbounded_channel();
        let control = Control::new(settings(), rules, notify);
        drain::enter(Arc::clone(&control));
        let counters = Arc::<Counters>::default();
        let serve = worker(&control, &counters, tls.clone()).await;
        let listening = Rc::new(Cell::new(true));
        let (end, ended) = watch::channel(None);
        let process = Self {
            control: Arc::clone(&control),
            tls,
            counters: Arc::clone(&counters),
            serve,
            listening: Rc::clone(&listening),
            switches: Rc::default(),
            ended,
        };
        let mut schedule = SCHEDULE;
        if rules.lack(Rule::LameDuck) {
            (schedule.min, schedule.quiet, schedule.max) = Default::default();
        }
        let driver = Driver::new(
            schedule,
            Report::default(),
            Arc::clone(&control),
            notices,
            None,
        );
        let (fence, raised) = oneshot::channel();
        spawn_local(async move {
            if raised.await.is_ok() {
                listening.set(false);
                control.notify(Notice::Fenced(Fenced::default()));
            }
        });
        let switches = Rc::clone(&process.switches);
        spawn_local(async move {
            let counters = vec![counters];
            let opened = async {
                Ok::<_, std::convert::Infallible>(Opened {
                    counters,
                    fences: vec![fence],
                    threads: Vec::new(),
                })
            };
            let Ok((finished, _)) = driver.run(opened).await;
            // With a pod's last process goes its network, and what its kernel had still to send.
            switches.borrow().iter().for_each(|switch| switch());
            end.send_replace(Some((finished.exit, clock::now())));
        });
        process
    }

    /// T0.
    pub(super) fn terminate(&self) {
        self.control.notify(Notice::Terminate(Cause::Sigterm));
    }

    /// Takes a connection, unless the fence is up.
    pub(super) fn accept(&self, socket: Socket) -> bool {
        if self.listening.get() {
            let switch: Switch = Box::new(socket.power_switch());
            self.switches.borrow_mut().push(switch);
            let open =
                OpenConnection::new(Arc::clone(&self.control), Arc::clone(&self.counters), None);
            (self.serve)(socket, open);
        }
        self.listening.get()
    }

    /// Its exit, and when, if it has ended.
    pub(super) fn ended(&self) -> Option<(Exit, Instant)> {
        *self.ended.borrow()
    }

    /// Waits for its exit.
    pub(super) async fn exit(&self) -> (Exit, Instant) {
        let mut ended = self.ended.clone();
        let exit = ended.wait_for(Option::is_some).await;
        exit.expect("its driver ends with an exit")
            .expect("it was waited for")
    }
}

const SCHEDULE: Schedule = Schedule {
    min: MIN,
    quiet: QUIET,
    max: MAX,
    patience: PATIENCE,
    cut_after: CUT_AFTER,
};

fn settings() -> Drain {
    Drain {
        min: MIN,
        quiet: QUIET,
        max: MAX,
        jitter: QUIET,
        patience: PATIENCE,
        ignore: Vec::new(),
    }
}

fn limits() -> Limits {
    Limits {
        keep_alive: KEEP_ALIVE,
        head_timeout: Duration::from_secs(5),
        body: BodyLimits::new().timeout(Duration::from_secs(30)),
        request_timeout: None,
        connection_age: None,
        half_close: true,
        room: Room {
            connections: usize::MAX,
            after: KEEP_ALIVE,
            half_heads: false,
        },
    }
}

async fn worker(
    control: &Arc<Control>,
    counters: &Arc<Counters>,
    tls: Option<Arc<Tls>>,
) -> Rc<dyn Fn(Socket, OpenConnection)> {
    let factory = map_config(app::app(), |()| AppConfig::default());
    let service = factory.new_service(()).await.expect("it has no state");
    let worker = Worker::new(
        service,
        Arc::clone(control),
        Arc::clone(counters),
        limits(),
        Rc::new(Routes::new(Metrics::new("", ""))),
        Observe::NOTHING,
        tls,
    );
    let mut stage = control.watch();
    let serve = Rc::clone(&worker);
    spawn_local(async move {
        while stage.changed().await.is_ok() {
            worker.wake_all();
        }
    });
    let peer = PeerAddress::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    Rc::new(move |socket, open| serve.serve(conn::socket::Socket::Simulated(socket), peer, open))
}
