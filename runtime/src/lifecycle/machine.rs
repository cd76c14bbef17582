use std::time::{Duration, Instant};

use super::{Action, Cause, Event, Load, Phase, Rules};

/// How long shutdown hooks may still run once the deadline has passed: the rest of the reserve
/// is for the report and the exit itself.
const HOOKS_AFTER_CUT: Duration = Duration::from_secs(1);

/// Newcomers that are thin look like none. A silence is believed only when it is this many times
/// the longest gap seen between two of them.
const GAPS_OF_SILENCE: u32 = 3;

/// The state machine. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Machine {
    rules: Rules,
    phase: Phase,
    told: Option<Told>,
    fenced: bool,
    closing_idle: bool,
    hooks_running: bool,
    cut: Option<Instant>,
}

/// What is known since T0.
#[derive(Debug)]
struct Told {
    t0: Instant,
    cause: Cause,
    /// A signal has come: after the lame duck the process may go on to drain. preStop alone never
    /// raises the fence, because kubelet sends the signal only after the hook has answered.
    signalled: bool,
    sigints: u32,
    repeated: u32,
    last_newcomer: Instant,
    longest_gap: Duration,
    lame_duck_over: bool,
}

impl Machine {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            phase: Phase::Starting,
            told: None,
            fenced: false,
            closing_idle: false,
            hooks_running: false,
            cut: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// T0 and what caused it.
    pub(crate) fn told(&self) -> Option<(Instant, Cause)> {
        self.told.as_ref().map(|told| (told.t0, told.cause))
    }

    /// Whether the shutdown hooks were to run.
    pub(crate) fn told_to_run_hooks(&self) -> bool {
        self.hooks_running
    }

    /// SIGTERMs that came after the first signal, and changed nothing.
    pub(crate) fn repeated_signals(&self) -> u32 {
        self.told.as_ref().map_or(0, |told| told.repeated)
    }

    /// Takes what happened at `now`, and says what is to be done.
    pub(crate) fn on(&mut self, event: Event, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Started if self.phase == Phase::Starting => self.phase = Phase::Ready,
            Event::Told(cause) => self.on_told(cause, now, &mut actions),
            Event::Newcomer => self.on_newcomer(now),
            Event::Fenced => self.fenced = true,
            Event::Load(load) => self.on_load(load, &mut actions),
            Event::HooksDone if self.hooks_running && self.phase == Phase::Draining => {
                self.stop(&mut actions);
            }
            Event::Started | Event::HooksDone | Event::Tick => {}
        }
        self.on_time(now, &mut actions);
        actions
    }

    /// When the machine wants a [`Event::Tick`], if nothing else happens before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let told = self.told.as_ref()?;
        match self.phase {
            Phase::LameDuck if !told.lame_duck_over => Some(self.lame_duck_ends(told)),
            Phase::Draining => Some(match self.cut {
                Some(cut) => cut + HOOKS_AFTER_CUT,
                None => told.t0 + self.rules.cut_after,
            }),
            _ => None,
        }
    }

    fn on_told(&mut self, cause: Cause, now: Instant, actions: &mut Vec<Action>) {
        let first = self.told.is_none();
        let told = self.told.get_or_insert(Told {
            t0: now,
            cause,
            signalled: false,
            sigints: 0,
            repeated: 0,
            last_newcomer: now,
            longest_gap: Duration::ZERO,
            lame_duck_over: false,
        });
        match cause {
            Cause::Prestop => {}
            // Container runtimes repeat SIGTERM; a repetition is counted and changes nothing.
            Cause::Sigterm if told.signalled => told.repeated += 1,
            Cause::Sigterm => told.signalled = true,
            Cause::Sigint => {
                told.sigints += 1;
                // Whoever presses Ctrl+C again wants the prompt back, not a drain.
                if told.sigints > 1 && self.phase != Phase::Stopped {
                    self.phase = Phase::Stopped;
                    actions.push(Action::Abort);
                    return;
                }
                told.signalled = true;
                // Nobody routes to a laptop: there is nothing to wait for.
                told.lame_duck_over = true;
            }
        }
        match self.phase {
            // Nothing was ever served, so nothing can be lost.
            Phase::Starting => self.stop(actions),
            Phase::Ready if first => {
                self.phase = Phase::LameDuck;
                actions.push(Action::BeginLameDuck);
            }
            _ => {}
        }
    }

    fn on_newcomer(&mut self, now: Instant) {
        if let (Phase::LameDuck, Some(told)) = (self.phase, self.told.as_mut()) {
            told.longest_gap = told.longest_gap.max(now - told.last_newcomer);
            told.last_newcomer = now;
        }
    }

    fn on_load(&mut self, load: Load, actions: &mut Vec<Action>) {
        if self.phase != Phase::Draining || !self.fenced || self.hooks_running {
            return;
        }
        if load.open == 0 {
            self.hooks_running = true;
            actions.push(Action::RunHooks);
        } else if load.in_flight == 0 && !self.closing_idle {
            self.closing_idle = true;
            actions.push(Action::CloseIdle);
        }
    }

    fn on_time(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.phase == Phase::LameDuck {
            self.on_time_in_lame_duck(now, actions);
        }
        if self.phase == Phase::Draining
            && let Some(told) = &self.told
        {
            match self.cut {
                None if now >= told.t0 + self.rules.cut_after => self.cut(now, actions),
                Some(cut) if now >= cut + HOOKS_AFTER_CUT => self.stop(actions),
                _ => {}
            }
        }
    }

    fn cut(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.cut = Some(now);
        actions.push(Action::Cut);
        if !self.hooks_running {
            self.hooks_running = true;
            actions.push(Action::RunHooks);
        }
    }

    fn on_time_in_lame_duck(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let Some(told) = &self.told else { return };
        let ends = self.lame_duck_ends(told);
        let Some(told) = &mut self.told else { return };
        if !told.lame_duck_over && now >= ends {
            told.lame_duck_over = true;
            if !told.signalled {
                actions.push(Action::AnswerPrestop);
            }
        }
        if told.lame_duck_over && told.signalled {
            self.phase = Phase::Draining;
            actions.push(Action::BeginDraining);
        }
    }

    fn lame_duck_ends(&self, told: &Told) -> Instant {
        let silence = self.rules.quiet.max(told.longest_gap * GAPS_OF_SILENCE);
        let quiet = (told.t0 + self.rules.min).max(told.last_newcomer + silence);
        quiet.min(told.t0 + self.rules.max)
    }

    fn stop(&mut self, actions: &mut Vec<Action>) {
        self.phase = Phase::Stopped;
        actions.push(Action::Stop);
    }
}
