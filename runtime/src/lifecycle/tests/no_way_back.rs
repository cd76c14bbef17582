//! Whatever happens, in whatever order: these hold.

use std::collections::HashMap;

use super::*;

/// Enough for every action to be seen hundreds of times.
const LIVES: u32 = 20_000;

/// xorshift64: the same lives in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    fn millis(&mut self, bound: u64) -> Duration {
        Duration::from_millis(self.below(bound))
    }

    /// A schedule that fits the budget.
    fn schedule(&mut self) -> Schedule {
        if self.below(4) == 0 {
            return NO_LAME_DUCK;
        }
        let (min, quiet) = (self.millis(4_000), self.millis(2_000));
        let max = min + quiet + self.millis(6_000);
        Schedule {
            min,
            quiet,
            max,
            patience: self.millis(12_000),
            cut_after: max + self.millis(6_000),
        }
    }

    fn input(&mut self, ms: u64) -> Input {
        match self.below(24) {
            0..=3 => Input::Started,
            4..=5 => PRESTOP,
            6..=7 => SIGTERM,
            8 => SIGINT,
            9..=12 => traffic(ms),
            13..=15 => Input::Fenced,
            16..=20 => {
                let open = self.below(3) as usize;
                Input::Load(Load {
                    open,
                    in_flight: open.min(self.below(3) as usize),
                    background: 0,
                })
            }
            21..=22 => Input::HooksDone,
            _ => Input::Tick,
        }
    }

    /// When the next event comes: mostly soon, at times long after.
    fn pause(&mut self) -> u64 {
        match self.below(8) {
            0..=2 => 0,
            3..=6 => self.below(900),
            _ => self.below(12_000),
        }
    }
}

/// What has happened to a machine, and what must therefore hold.
struct Witness {
    schedule: Schedule,
    life: Life,
    phase: Phase,
    signals: u32,
    sigints: u32,
    fenced: bool,
    /// So many of the actions have been looked at.
    checked: usize,
    /// When the last event came, but for ticks.
    silent_from: u64,
}

impl Witness {
    fn new(schedule: Schedule) -> Self {
        let life = Life::starting(schedule);
        let phase = Phase::Starting;
        Self {
            schedule,
            life,
            phase,
            signals: 0,
            sigints: 0,
            fenced: false,
            checked: 0,
            silent_from: 0,
        }
    }

    fn step(&mut self, ms: u64, input: Input) {
        let (t0, repeated) = (self.life.t0(), self.life.machine.repeated_signals());
        match input {
            SIGTERM => self.signals += 1,
            SIGINT => (self.signals, self.sigints) = (self.signals + 1, self.sigints + 1),
            Input::Fenced => self.fenced = true,
            Input::Load(load) => self.life.load = load,
            _ => {}
        }
        self.life.step(ms, input);
        assert!(self.life.phase() >= self.phase, "no way back");
        self.phase = self.life.phase();
        assert!(t0.is_none() || t0 == self.life.t0(), "T0 stands");
        assert!(self.life.machine.repeated_signals() >= repeated);
        while let Some((at, action)) = self.life.done.get(self.checked).copied() {
            self.allowed(at, action);
            self.checked += 1;
        }
        let actions = self.life.actions();
        let over = actions.contains(&Action::Stop) || actions.contains(&Action::Abort);
        assert_eq!(self.phase == Phase::Stopped, over);
        assert!(!over || self.life.wake().is_none());
    }

    /// What may be done, and what must have been before it.
    fn allowed(&self, at: u64, action: Action) {
        use Action::{Abort, AnswerPrestop, BeginDraining, BeginLameDuck};
        use Action::{Cut, EndIdle, RunHooks, Stop, TellHttp2};
        let before = &self.life.actions()[..self.checked];
        let had = |action| before.contains(&action);
        let since_t0 = Duration::from_millis(at - self.life.t0().unwrap().0);
        let allowed = match action {
            BeginLameDuck => before.is_empty(),
            AnswerPrestop => {
                had(BeginLameDuck) && !had(BeginDraining) && since_t0 >= self.schedule.min
            }
            BeginDraining => {
                let waited = since_t0 >= self.schedule.min || self.sigints > 0;
                had(BeginLameDuck) && self.signals > 0 && waited
            }
            TellHttp2 => had(BeginLameDuck) && !had(BeginDraining) && since_t0 >= self.schedule.min,
            EndIdle => had(BeginDraining) && self.sigints == 1,
            RunHooks => had(BeginDraining) && (self.fenced || had(Cut)),
            Cut => had(BeginDraining) && since_t0 >= self.schedule.cut_after,
            Stop => had(RunHooks) || before.is_empty(),
            Abort => self.sigints > 1,
        };
        let first = !had(action) && !had(Stop) && !had(Abort);
        assert!(allowed && first, "{action:?} after {before:?}");
    }

    /// Ticks whenever the machine asks for it, `ms` included.
    fn until(&mut self, ms: u64) {
        while let Some(wake) = self.life.wake().filter(|wake| *wake <= ms) {
            let wake = wake.max(self.life.now);
            self.step(wake, Input::Tick);
            assert!(
                self.life.wake().is_none_or(|next| next > wake),
                "after a tick: in the future"
            );
        }
    }
}

/// Lives a life of random events, and then of silence.
fn live(random: &mut Random) -> Witness {
    let mut witness = Witness::new(random.schedule());
    witness.life.http2 = random.below(2) == 0;
    for _ in 0..random.below(80) {
        let ms = witness.life.now + random.pause();
        // Now and then the driver is held up, and the tick comes late or not at all.
        if random.below(10) > 0 {
            witness.until(ms);
        }
        witness.step(ms, random.input(ms));
    }
    witness.silent_from = witness.life.now;
    witness.until(u64::MAX);
    witness
}

#[test]
fn no_order_of_events_leads_back_or_does_anything_twice() {
    let (mut random, mut seen) = (Random(0x1a57_ca11), HashMap::<String, u32>::new());
    for _ in 0..LIVES {
        let witness = live(&mut random);
        for action in witness.life.actions() {
            *seen.entry(format!("{action:?}")).or_default() += 1;
        }
    }
    // What the lives never came to, they would not have shown.
    assert_eq!(seen.len(), 9, "{seen:?}");
    assert!(seen.values().all(|times| *times > 200), "{seen:?}");
}

#[test]
fn a_process_that_got_a_signal_leaves_in_time_even_if_nothing_else_ever_happens() {
    let mut random = Random(0x1a57_ca12);
    let (mut left, mut waiting) = (0, 0);
    for _ in 0..LIVES {
        let witness = live(&mut random);
        if witness.signals == 0 {
            let drained = witness.life.actions().contains(&Action::BeginDraining);
            assert!(!drained, "preStop alone never raises the fence");
            waiting += 1;
            continue;
        }
        let (t0, _) = witness.life.t0().unwrap();
        let deadline = t0 + u64::try_from(witness.schedule.cut_after.as_millis()).unwrap();
        assert_eq!(witness.phase, Phase::Stopped, "{:?}", witness.life.done);
        let (end, _) = witness.life.done.last().unwrap();
        let in_time = deadline.max(witness.silent_from) + 1_000;
        assert!(*end <= in_time, "{:?}", witness.life.done);
        left += 1;
    }
    assert!(
        left > LIVES / 10 && waiting > LIVES / 10,
        "{left} left, {waiting} still wait"
    );
}
