//! The driver: feeds the lifecycle with what happens, and carries out what it decides.

use std::{
    collections::VecDeque,
    future::Future,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::spawn_local,
};

use crate::{
    background::Background,
    clock,
    control::{Control, Counters, Fenced, Notice, Stage},
    exit::Exit,
    lifecycle::{Action, Cause, Input, Machine, Phase, Schedule},
    process::instance::Finished,
    report::{Report, millis},
    rules::Rule,
    status::Status,
    telemetry::traces,
    threads::Thread,
};

/// How long a worker may take to account for what the deadline cuts. One that does not answer is
/// blocked by a handler.
const ACCOUNT: Duration = Duration::from_millis(300);

/// What it takes to stop what was opened.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) counters: Vec<Arc<Counters>>,
    /// Each has an acceptor raise its fence.
    pub(crate) fences: Vec<oneshot::Sender<()>>,
    /// The workers'.
    pub(crate) threads: Vec<Thread>,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Driver {
    machine: Machine,
    control: Arc<Control>,
    notices: mpsc::UnboundedReceiver<Notice>,
    status: watch::Sender<Status>,
    background: Option<Background>,
    /// Until they go up; and how many are still on their way.
    fences: Vec<oneshot::Sender<()>>,
    going_up: usize,
    threads: Vec<Thread>,
    /// Traces are on their way.
    flushing: bool,
    report: Report,
    exit: Option<Exit>,
}

impl Driver {
    pub(crate) fn new(
        schedule: Schedule,
        report: Report,
        control: Arc<Control>,
        notices: mpsc::UnboundedReceiver<Notice>,
        background: Option<Background>,
    ) -> Self {
        Self {
            machine: Machine::new(schedule),
            control,
            notices,
            status: watch::Sender::default(),
            background,
            fences: Vec::new(),
            going_up: 0,
            threads: Vec::new(),
            flushing: false,
            report,
            exit: None,
        }
    }

    pub(crate) fn status(&self) -> watch::Receiver<Status> {
        self.status.subscribe()
    }

    /// Drives a process from its start to its last report. `open` starts the service and binds
    /// its port.
    ///
    /// # Errors
    /// That of `open`.
    pub(crate) async fn run<E>(
        mut self,
        open: impl Future<Output = Result<Opened, E>>,
    ) -> Result<(Finished, Vec<Thread>), E> {
        let mut open = pin!(open);
        while self.exit.is_none() {
            let wake_at = self.machine.wake_at();
            let wake = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            let starting = self.machine.phase() == Phase::Starting;
            let input = tokio::select! {
                biased;
                Some(notice) = self.notices.recv() => self.hear(notice),
                opened = &mut open, if starting => {
                    let opened = opened?;
                    self.control.ledger.count(opened.counters);
                    self.fences = opened.fences;
                    self.threads = opened.threads;
                    Input::Started
                }
                () = wake => Input::Tick,
            };
            self.step(input).await;
        }
        let finished = Finished {
            exit: self.exit.unwrap_or(Exit::Software),
            report: self.report,
        };
        Ok((finished, self.threads))
    }

    fn hear(&mut self, notice: Notice) -> Input {
        match notice {
            Notice::Terminate(Cause::Prestop) if self.control.lacks(Rule::PrestopServes) => {
                Input::Terminate(Cause::Sigterm)
            }
            Notice::Terminate(cause) => Input::Terminate(cause),
            Notice::Newcomer(at) => {
                self.report.connections_after_t0 += 1;
                let t0 = self.machine.termination().map(|(t0, _)| t0);
                let since = t0.map(|t0| millis(at.saturating_duration_since(t0)));
                self.report.last_connection_ms = self.report.last_connection_ms.max(since);
                Input::Traffic(at)
            }
            Notice::KeptRequest(at) => Input::Traffic(at),
            Notice::Fenced(Fenced { accepted, kernel }) => {
                self.report.accepted_after_fence += accepted;
                let so_far = self.report.kernel_fence;
                self.report.kernel_fence = match (kernel, so_far) {
                    (Some(kernel), Some(so_far)) => Some(kernel && so_far),
                    (kernel, so_far) => kernel.or(so_far),
                };
                self.report.at_fence = Some(self.control.ledger.load());
                self.going_up = self.going_up.saturating_sub(1);
                match self.going_up {
                    0 => Input::Fenced,
                    _ => Input::Tick,
                }
            }
            Notice::Progress => Input::Load(self.control.ledger.load()),
            Notice::HooksDone(failed) => {
                self.report.hooks_failed = failed;
                self.background = None;
                self.flush_traces()
            }
            Notice::TracesFlushed(result) => {
                self.flushing = false;
                if let Err(error) = result {
                    tracing::warn!(error, "traces were lost");
                }
                Input::HooksDone
            }
        }
    }

    async fn step(&mut self, input: Input) {
        let now = clock::now();
        self.feed(input, now).await;
        if self.machine.phase() == Phase::Draining {
            // Whatever happened may have been the last thing that was waited for.
            self.feed(Input::Load(self.control.ledger.load()), now)
                .await;
        }
        self.publish(self.machine.phase());
    }

    async fn feed(&mut self, input: Input, now: Instant) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let before = self.machine.phase();
            let actions = self.machine.on(input, now);
            let phase = self.machine.phase();
            if phase != before {
                tracing::info!(phase = phase.name(), "phase");
            }
            for action in actions {
                inputs.extend(self.act(action, now).await);
            }
        }
    }

    fn publish(&self, phase: Phase) {
        self.status.send_if_modified(|status| {
            let over = status.lame_duck_over || phase > Phase::LameDuck;
            let changed = status.phase != phase || status.lame_duck_over != over;
            *status = Status {
                phase,
                termination: self.machine.termination(),
                lame_duck_over: over,
            };
            changed
        });
    }

    /// Carries an action out, and says what the machine is to hear of it at once.
    async fn act(&mut self, action: Action, now: Instant) -> Option<Input> {
        match action {
            Action::BeginLameDuck => {
                self.control.raise(Stage::Goodbye, now);
                self.report.at_t0 = self.control.ledger.load();
                self.enter(Phase::LameDuck, now);
            }
            Action::TellHttp2 => {
                // Raised first and counted second, while a connection is counted first and looks at
                // the stage second: in whatever order the two run, nobody is missed.
                self.control.raise(Stage::TellHttp2, now);
                return Some(Input::Http2Told(self.control.ledger.http2() > 0));
            }
            Action::AnswerPrestop => {
                self.status
                    .send_modify(|status| status.lame_duck_over = true);
            }
            Action::BeginDraining => {
                self.enter(Phase::Draining, now);
                self.control.end_idle_at(self.machine.idle_until(now));
                self.control.raise(Stage::Drain, now);
                if self.control.lacks(Rule::Finish) {
                    self.control.raise(Stage::Cut, now);
                }
                if !self.control.lacks(Rule::Refuse) {
                    self.going_up = self.fences.len();
                    for fence in self.fences.drain(..) {
                        // The acceptor ends with the fence alone.
                        let _ = fence.send(());
                    }
                }
            }
            Action::EndIdle => self.control.end_idle_at(now),
            Action::RunHooks => self.run_hooks(),
            Action::Cut => self.cut(now).await,
            Action::Stop => self.leave(now),
            Action::Abort => {
                self.exit = Some(Exit::Aborted);
                self.enter(Phase::Stopped, now);
            }
        }
        None
    }

    fn run_hooks(&mut self) {
        self.report.at_end = Some(self.control.ledger.load());
        match &self.background {
            Some(background) => background.run_hooks(),
            None => self.control.notify(Notice::HooksDone(Vec::new())),
        }
    }

    /// The last step before the process leaves: what hooks have done is in the traces, too. A collector
    /// that does not answer is waited for until the deadline, and cuts no request.
    fn flush_traces(&mut self) -> Input {
        let Some(flushed) = traces::flush() else {
            return Input::HooksDone;
        };
        self.flushing = true;
        let control = Arc::clone(&self.control);
        spawn_local(async move {
            let result = flushed
                .await
                .unwrap_or_else(|_| Err("it panicked".to_owned()));
            control.notify(Notice::TracesFlushed(result));
        });
        Input::Tick
    }

    /// Ends what is left, and has it counted by route.
    async fn cut(&mut self, now: Instant) {
        self.control.raise(Stage::Cut, now);
        let asked = clock::now();
        while self.control.ledger.load().open > 0 && asked.elapsed() < ACCOUNT {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for (name, count) in self.control.ledger.background.by_name() {
            let name = format!("{name} (background)");
            self.control.ledger.count_cut(&name, count as u64);
        }
        let unaccounted = self.control.ledger.load().in_flight;
        if unaccounted > 0 {
            self.control
                .ledger
                .count_cut("(a worker that a handler blocks)", unaccounted as u64);
        }
    }

    fn leave(&mut self, now: Instant) {
        let background = self.background.take();
        let running = background.filter(|_| self.machine.hooks_have_begun());
        let unfinished = running.map_or_else(Vec::new, |background| background.unfinished());
        let cut = !unfinished.is_empty() || !self.control.ledger.cut().is_empty();
        let names = unfinished.iter().map(|name| format!("{name} (unfinished)"));
        self.report.hooks_failed.extend(names);
        if self.flushing {
            self.report
                .hooks_failed
                .push("traces (unfinished)".to_owned());
        }
        let failed = self
            .machine
            .termination()
            .is_some_and(|(_, cause)| cause == Cause::Failure);
        self.exit = Some(match (cut, failed) {
            (true, _) => Exit::Cut,
            (false, true) => Exit::Software,
            (false, false) => Exit::Ok,
        });
        self.enter(Phase::Stopped, now);
    }

    /// Brings the report up to date, and publishes it.
    fn enter(&mut self, phase: Phase, now: Instant) {
        self.report.enter(phase, now);
        self.report.cause = self.machine.termination().map(|(_, cause)| cause);
        self.report.repeated_signals = self.machine.repeated_signals();
        let termination = self.machine.termination().zip(self.machine.last_sign());
        self.report.last_sign_ms =
            termination.map(|((t0, _), sign)| millis(sign.saturating_duration_since(t0)));
        self.report.max_reached = self.machine.max_reached();
        self.report.last_request_ms = self.control.ledger.last_request().map(millis);
        self.report.streams_told = self.control.ledger.streams_told.get();
        self.report.responses_finished = self.control.ledger.responses_finished.get();
        self.report.crossed = self.control.ledger.crossed.get();
        self.report.unanswered = self.control.ledger.unanswered.get();
        self.report.vanished = self.control.ledger.vanished.get();
        self.report.background_finished = self.control.ledger.background.finished();
        self.report.background_failed = self.control.ledger.background.failed();
        self.report.cut = self.control.ledger.cut();
        self.report.exit = self.exit.map(Exit::code);
        self.report.publish();
    }
}
