//! The admin listener, from before the start hook to after the last report.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use actix_web::dev::AppConfig;
use anyhow::anyhow;
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{JoinHandle, spawn_local},
};

use super::{
    Failure,
    public_port::{Taken, bind, cannot_listen, listen},
};
use crate::{
    Address,
    accept::Places,
    acceptor::{Acceptor, WorkerHandle},
    admin::{self, View},
    clock,
    conn::{Limits, Observe, Room},
    control::{Control, Counters, Notice, Stage},
    exit::Exit,
    lifecycle::Phase,
    metrics::Metrics,
    rules::{Rule, Rules},
    settings::Drain,
    status::Status,
    worker::{self, WorkerConfig},
};

/// The setting that names it.
const KEY: &str = "admin.address";

/// For probes, a scraper, preStop. Whoever else holds connections makes room: the kubelet kills a
/// process that does not answer.
const ROOM: Room = Room {
    connections: 128,
    after: Duration::ZERO,
    half_heads: true,
};
/// More than a crowd that comes while this thread gets no processor: the kernel drops the SYN of
/// whoever finds the queue full, and a probe that repeats it after a second is late.
const BACKLOG: u32 = 4_096;

/// How long answers may take to get out at the very end.
const DRAIN: Duration = Duration::from_millis(250);

/// See the module's documentation.
pub(super) struct AdminListener {
    pub(super) address: SocketAddr,
    control: Arc<Control>,
    notices: mpsc::UnboundedReceiver<Notice>,
    counters: Arc<Counters>,
    accepting: JoinHandle<()>,
}

/// Ready when the drain begins, if the rule is off that the admin listener closes last.
async fn told_to_go_first(mut status: watch::Receiver<Status>, rules: Rules) {
    if rules.lack(Rule::AdminLast) {
        let draining = status.wait_for(|status| status.phase >= Phase::Draining);
        let _driver_gone = draining.await;
    } else {
        std::future::pending().await
    }
}

impl AdminListener {
    pub(super) async fn open(
        address: SocketAddr,
        given: Option<Taken>,
        limits: Limits,
        view: View,
    ) -> Result<Self, Failure> {
        let limits = Limits {
            room: ROOM,
            request_timeout: None,
            connection_age: None,
            ..limits
        };
        let Taken { name, bound } = match given {
            Some(given) => given,
            None => Taken {
                name: KEY,
                bound: bind(KEY, &Address::Tcp(address))?,
            },
        };
        let address = bound.address().socket_address().unwrap_or(address);
        let listener = listen(name, bound, BACKLOG)?;
        // Its connections have a life of their own: they serve until the very end.
        let (notify, notices) = mpsc::unbounded_channel();
        let rules = view.control.rules();
        let control = Control::new(Drain::default(), rules, notify);
        let worker_config = WorkerConfig {
            control: Arc::clone(&control),
            metrics: Metrics::new("", ""),
            limits,
            observe: Observe::NOTHING,
            app: AppConfig::__priv_test_new(false, address.to_string(), address),
            blocking_threads: 1,
            tls: None,
        };
        let counters = Arc::<Counters>::default();
        let (sender, messages) = mpsc::unbounded_channel();
        let (ready, stands) = oneshot::channel();
        let worker = WorkerHandle {
            counters: Arc::clone(&counters),
            messages: sender,
        };
        let status = view.status.clone();
        let app = || admin::app(view);
        spawn_local(worker::serve(
            worker_config,
            Arc::clone(&counters),
            app,
            messages,
            ready,
        ));
        if !matches!(stands.await, Ok(true)) {
            return Err((
                Exit::Software,
                anyhow!("the admin endpoints could not be built"),
            ));
        }
        let (room, places) = (limits.room, Places::new(limits.room.connections));
        let acceptor = Acceptor::open(Arc::clone(&control), vec![worker], listener, room, places)
            .map_err(|error| cannot_listen(name, &Address::Tcp(address), error))?;
        let accepting = spawn_local(async move {
            // Never fenced: it ends with the process.
            let (_never, fence) = oneshot::channel();
            tokio::select! {
                () = acceptor.run(fence) => {}
                () = told_to_go_first(status, rules) => {}
            }
        });
        Ok(Self {
            address,
            control,
            notices,
            counters,
            accepting,
        })
    }

    /// Closes the listener, and lets answers on their way (that of `/prestop`) get out.
    pub(super) async fn close(mut self) {
        self.accepting.abort();
        // Only once it has gone the port is closed.
        let _ = (&mut self.accepting).await;
        self.control.raise(Stage::Drain, clock::now());
        let gone = async {
            while self.counters.load().in_flight > 0 && self.notices.recv().await.is_some() {}
        };
        // Whoever has not taken an answer by then does not want it.
        let _ = tokio::time::timeout(DRAIN, gone).await;
    }
}
