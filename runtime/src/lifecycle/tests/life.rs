use std::{
    fmt::Debug,
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::super::{Action, Cause, Input, Load, Machine, Phase, Schedule};

/// So many milliseconds after the moment from which all lives count.
pub(super) fn moment(ms: u64) -> Instant {
    static ZERO: OnceLock<Instant> = OnceLock::new();
    *ZERO.get_or_init(Instant::now) + Duration::from_millis(ms)
}

/// A sign of traffic.
pub(super) fn traffic(ms: u64) -> Input {
    Input::Traffic(moment(ms))
}

/// A machine, driven as the driver drives it, and what it had done when. Times are milliseconds.
pub(super) struct Life {
    pub(super) machine: Machine,
    pub(super) now: u64,
    pub(super) load: Load,
    /// Somebody is connected by HTTP/2.
    pub(super) http2: bool,
    pub(super) done: Vec<(u64, Action)>,
}

impl Life {
    pub(super) fn starting(schedule: Schedule) -> Self {
        Self {
            machine: Machine::new(schedule),
            now: 0,
            load: Load::default(),
            http2: false,
            done: Vec::new(),
        }
    }

    pub(super) fn ready() -> Self {
        Self::starting(super::SCHEDULE).at(0, Input::Started)
    }

    /// Nothing open, told to go at 0 and draining since 3,000, with the fence not up yet.
    pub(super) fn draining() -> Self {
        Self::ready().at(0, super::SIGTERM).until(3_000)
    }

    /// Ticks whenever the machine asks for it before `ms`, then lets `input` happen.
    pub(super) fn at(mut self, ms: u64, input: Input) -> Self {
        if let Some(before) = ms.checked_sub(1) {
            self = self.until(before);
        }
        self.step(ms, input);
        self
    }

    /// Ticks whenever the machine asks for it, `ms` included.
    pub(super) fn until(mut self, ms: u64) -> Self {
        while let Some(wake) = self.wake().filter(|wake| *wake <= ms) {
            let wake = wake.max(self.now);
            self.step(wake, Input::Tick);
            assert!(
                self.wake().is_none_or(|next| next > wake),
                "asks for a tick over and over"
            );
        }
        self
    }

    /// From now on somebody is connected by HTTP/2.
    pub(super) fn with_http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// From now on so much is open and in flight; nobody tells the machine yet.
    pub(super) fn serving(mut self, open: usize, in_flight: usize) -> Self {
        self.load = Load {
            open,
            in_flight,
            background: 0,
        };
        self
    }

    /// The load becomes this at `ms`, and a worker says so.
    pub(super) fn load(self, ms: u64, open: usize, in_flight: usize) -> Self {
        let life = self.until(ms - 1).serving(open, in_flight);
        let load = life.load;
        life.at(ms, Input::Load(load))
    }

    /// Asserts that none of these does anything, moves the phase, T0, or the time of waking.
    pub(super) fn unmoved(mut self, ms: u64, inputs: &[Input]) -> Self {
        self = self.until(ms);
        for input in inputs {
            let before = self.state();
            self.step(ms, *input);
            let after = self.state();
            assert_eq!(after, before, "{input:?}");
        }
        self
    }

    fn state(&self) -> impl Debug + PartialEq + use<> {
        let (phase, told) = (self.phase(), self.machine.termination());
        (phase, told, self.wake(), self.done.clone())
    }

    pub(super) fn step(&mut self, ms: u64, input: Input) {
        assert!(ms >= self.now, "time runs forward");
        self.now = ms;
        let now = moment(ms);
        let mut actions = self.machine.on(input, now);
        if actions.contains(&Action::TellHttp2) {
            actions.extend(self.machine.on(Input::Http2Told(self.http2), now));
        }
        if self.phase() == Phase::Draining {
            actions.extend(self.machine.on(Input::Load(self.load), now));
        }
        self.done
            .extend(actions.into_iter().map(|action| (ms, action)));
    }

    pub(super) fn wake(&self) -> Option<u64> {
        let wake = self.machine.wake_at()?.duration_since(moment(0));
        Some(u64::try_from(wake.as_millis()).unwrap())
    }

    pub(super) fn phase(&self) -> Phase {
        self.machine.phase()
    }

    pub(super) fn actions(&self) -> Vec<Action> {
        self.done.iter().map(|(_, action)| *action).collect()
    }

    /// When it had this done, if at all. It must not have had it done twice.
    pub(super) fn when(&self, action: Action) -> Option<u64> {
        let mut times = self
            .done
            .iter()
            .filter(|(_, done)| *done == action)
            .map(|(ms, _)| *ms);
        let first = times.next();
        assert_eq!(times.next(), None, "{action:?} came twice");
        first
    }

    pub(super) fn t0(&self) -> Option<(u64, Cause)> {
        let (t0, cause) = self.machine.termination()?;
        let ms = t0.duration_since(moment(0)).as_millis();
        Some((u64::try_from(ms).unwrap(), cause))
    }
}
