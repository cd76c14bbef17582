use std::time::{Duration, Instant};

use super::{Action, Cause, Input, Load, Phase, Schedule};

/// How long shutdown hooks may still run once the deadline has passed: the rest of the reserve
/// is for the report and the exit itself.
const HOOKS_AFTER_CUT: Duration = Duration::from_secs(1);

/// Thin traffic looks like none. A silence is believed only when it is this many times the longest
/// gap seen between two signs of it, at most [`Schedule::min`].
const GAPS_OF_SILENCE: u32 = 3;

/// One Ctrl+C may arrive twice: the terminal sends it to all, and a runner passes it on. A second
/// one counts as such only after this long.
const SAME_INTERRUPT: Duration = Duration::from_millis(500);

/// The state machine. See the module's documentation.
#[derive(Debug)]
pub(crate) struct Machine {
    schedule: Schedule,
    phase: Phase,
    termination: Option<Termination>,
    fenced: bool,
    hooks_running: bool,
    cut: Option<Instant>,
}

/// What is known since T0.
#[derive(Debug)]
struct Termination {
    t0: Instant,
    cause: Cause,
    /// A signal has come: after the lame duck the process may go on to drain. preStop alone never
    /// raises the fence, because kubelet sends the signal only after the hook has answered.
    signalled: bool,
    /// The first SIGINT or SIGHUP.
    interrupted: Option<Instant>,
    repeated: u32,
    /// T0 itself is none.
    last_sign: Option<Instant>,
    longest_gap: Duration,
    http2: Http2,
    lame_duck_over: bool,
    /// It was ended by `max`, when there had still been signs of traffic.
    max_reached: bool,
}

/// Clients of HTTP/2 are told late: one that is told right after T0 comes back to this very
/// process, and is told again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Http2 {
    /// `min` has not passed.
    Untold,
    /// [`Action::TellHttp2`] is being carried out.
    Telling,
    /// Somebody was told, and whoever is still sent here comes back, to an open port.
    Told,
    /// There was nobody to tell.
    Absent,
}

impl Machine {
    pub(crate) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            phase: Phase::Starting,
            termination: None,
            fenced: false,
            hooks_running: false,
            cut: None,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// T0 and what caused it.
    pub(crate) fn termination(&self) -> Option<(Instant, Cause)> {
        self.termination
            .as_ref()
            .map(|termination| (termination.t0, termination.cause))
    }

    /// Until when an idle connection of HTTP/1.1 that was not told is waited for; the fence goes up
    /// at `now`. Its client's next request may be on its way already, which nobody here can see;
    /// the time is counted from T0 and not from the last request, lest a client of just that rhythm
    /// meets the end each time.
    pub(crate) fn idle_until(&self, now: Instant) -> Instant {
        match &self.termination {
            // Nobody routes to a laptop.
            Some(termination) if termination.interrupted.is_none() => {
                now.max(termination.t0 + self.schedule.patience)
            }
            _ => now,
        }
    }

    /// Whether the shutdown hooks were told to run.
    pub(crate) fn hooks_have_begun(&self) -> bool {
        self.hooks_running
    }

    /// SIGTERMs and SIGQUITs that came after the first signal, and changed nothing.
    pub(crate) fn repeated_signals(&self) -> u32 {
        self.termination
            .as_ref()
            .map_or(0, |termination| termination.repeated)
    }

    /// The last sign of traffic in the lame duck.
    pub(crate) fn last_sign(&self) -> Option<Instant> {
        self.termination.as_ref()?.last_sign
    }

    /// Whether `max` ended the lame duck, when there had still been signs of traffic.
    pub(crate) fn max_reached(&self) -> bool {
        self.termination
            .as_ref()
            .is_some_and(|termination| termination.max_reached)
    }

    /// Takes what happened at `now`, and says what is to be done.
    pub(crate) fn on(&mut self, input: Input, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Started if self.phase == Phase::Starting => self.phase = Phase::Ready,
            Input::Terminate(cause) => self.on_terminate(cause, now, &mut actions),
            Input::Traffic(at) => self.on_traffic(at),
            Input::Http2Told(any) => self.on_http2_told(any),
            Input::Fenced => self.fenced = true,
            Input::Load(load) => self.on_load(load, &mut actions),
            Input::HooksDone if self.hooks_running && self.phase == Phase::Draining => {
                self.stop(&mut actions);
            }
            Input::Started | Input::HooksDone | Input::Tick => {}
        }
        self.on_time(now, &mut actions);
        actions
    }

    /// When the machine wants a [`Input::Tick`], if nothing else happens before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        let termination = self.termination.as_ref()?;
        match self.phase {
            Phase::LameDuck
                if termination.http2 == Http2::Untold && !termination.lame_duck_over =>
            {
                Some(termination.t0 + self.schedule.min)
            }
            Phase::LameDuck if !termination.lame_duck_over => {
                Some(self.lame_duck_ends(termination))
            }
            Phase::Draining => Some(match self.cut {
                Some(cut) => cut + HOOKS_AFTER_CUT,
                None => termination.t0 + self.schedule.cut_after,
            }),
            _ => None,
        }
    }

    fn on_terminate(&mut self, cause: Cause, now: Instant, actions: &mut Vec<Action>) {
        let first = self.termination.is_none();
        let termination = self.termination.get_or_insert(Termination {
            t0: now,
            cause,
            signalled: false,
            interrupted: None,
            repeated: 0,
            last_sign: None,
            longest_gap: Duration::ZERO,
            http2: Http2::Untold,
            lame_duck_over: false,
            max_reached: false,
        });
        match cause {
            Cause::Prestop => {}
            // Container runtimes repeat SIGTERM; a repetition is counted and changes nothing.
            Cause::Sigterm | Cause::Sigquit if termination.signalled => termination.repeated += 1,
            Cause::Sigterm | Cause::Sigquit | Cause::Program | Cause::Failure => {
                termination.signalled = true;
            }
            Cause::Sigint | Cause::Sighup => match termination.interrupted {
                Some(at) if now < at + SAME_INTERRUPT => {}
                // Whoever presses Ctrl+C again wants the prompt back, not a drain.
                Some(_) if self.phase != Phase::Stopped => {
                    self.phase = Phase::Stopped;
                    actions.push(Action::Abort);
                    return;
                }
                Some(_) => {}
                None => {
                    termination.interrupted = Some(now);
                    termination.signalled = true;
                    // Nobody routes to a laptop: there is nothing to wait for.
                    termination.lame_duck_over = true;
                    if self.phase == Phase::Draining {
                        actions.push(Action::EndIdle);
                    }
                }
            },
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

    fn on_traffic(&mut self, at: Instant) {
        if let (Phase::LameDuck, Some(termination)) = (self.phase, self.termination.as_mut()) {
            // A connection's sign counts by its accept, and may come to be known after a later one.
            let gap = termination
                .last_sign
                .map(|last| at.saturating_duration_since(last));
            termination.longest_gap = termination.longest_gap.max(gap.unwrap_or_default());
            termination.last_sign = termination.last_sign.max(Some(at));
        }
    }

    fn on_http2_told(&mut self, any: bool) {
        if let Some(termination) = &mut self.termination {
            termination.http2 = if any { Http2::Told } else { Http2::Absent };
        }
    }

    fn on_load(&mut self, load: Load, actions: &mut Vec<Action>) {
        if self.phase != Phase::Draining || !self.fenced || self.hooks_running {
            return;
        }
        if load.open == 0 && load.background == 0 {
            self.hooks_running = true;
            actions.push(Action::RunHooks);
        }
    }

    fn on_time(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.phase == Phase::LameDuck {
            self.on_time_in_lame_duck(now, actions);
        }
        if self.phase == Phase::Draining
            && let Some(termination) = &self.termination
        {
            match self.cut {
                None if now >= termination.t0 + self.schedule.cut_after => self.cut(now, actions),
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
        let Some(termination) = &self.termination else {
            return;
        };
        let ends = self.lame_duck_ends(termination);
        let busy = self.quiet_since(termination) > termination.t0 + self.schedule.max;
        let min_over = now >= termination.t0 + self.schedule.min;
        let Some(termination) = &mut self.termination else {
            return;
        };
        if !termination.lame_duck_over
            && matches!(termination.http2, Http2::Untold | Http2::Telling)
        {
            if min_over && termination.http2 == Http2::Untold {
                termination.http2 = Http2::Telling;
                actions.push(Action::TellHttp2);
            }
            return;
        }
        if !termination.lame_duck_over && now >= ends {
            termination.lame_duck_over = true;
            termination.max_reached = busy;
            if !termination.signalled {
                actions.push(Action::AnswerPrestop);
            }
        }
        if termination.lame_duck_over && termination.signalled {
            self.phase = Phase::Draining;
            actions.push(Action::BeginDraining);
        }
    }

    fn lame_duck_ends(&self, termination: &Termination) -> Instant {
        let Schedule {
            min, quiet, max, ..
        } = self.schedule;
        // Who was told by GOAWAY, and is still sent here, comes back within this time, and so is a
        // sign of traffic.
        let at_least = match termination.http2 {
            Http2::Told => min + quiet,
            Http2::Untold | Http2::Telling | Http2::Absent => min,
        };
        (termination.t0 + at_least)
            .max(self.quiet_since(termination))
            .min(termination.t0 + max)
    }

    /// When it has been quiet for long enough, if nothing more comes.
    fn quiet_since(&self, termination: &Termination) -> Instant {
        let Schedule { min, quiet, .. } = self.schedule;
        let silence = quiet.max(min.min(termination.longest_gap * GAPS_OF_SILENCE));
        termination
            .last_sign
            .map_or(termination.t0 + quiet, |last| last + silence)
    }

    fn stop(&mut self, actions: &mut Vec<Action>) {
        self.phase = Phase::Stopped;
        actions.push(Action::Stop);
    }
}
