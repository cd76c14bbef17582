//! The life of a process, on a clock that only these tests move.

mod draining;
mod health;
mod lame_duck;
mod life;
mod no_way_back;
mod prestop;
mod signals;

use std::time::Duration;

use super::{Action, Cause, Input, Load, Phase, Schedule};
use life::{Life, moment, traffic};

const PRESTOP: Input = Input::Terminate(Cause::Prestop);
const SIGTERM: Input = Input::Terminate(Cause::Sigterm);
const SIGINT: Input = Input::Terminate(Cause::Sigint);
const SIGQUIT: Input = Input::Terminate(Cause::Sigquit);
const SIGHUP: Input = Input::Terminate(Cause::Sighup);

/// The defaults of the settings.
const SCHEDULE: Schedule = Schedule {
    min: Duration::from_secs(3),
    quiet: Duration::from_secs(1),
    max: Duration::from_secs(15),
    patience: Duration::from_secs(21),
    cut_after: Duration::from_secs(28),
};

const NO_LAME_DUCK: Schedule = Schedule {
    min: Duration::ZERO,
    quiet: Duration::ZERO,
    max: Duration::ZERO,
    ..SCHEDULE
};

#[test]
fn a_process_is_starting_until_its_port_is_bound() {
    let life = Life::starting(SCHEDULE).until(60_000);
    assert_eq!(life.phase(), Phase::Starting);
    assert_eq!(life.at(60_000, Input::Started).phase(), Phase::Ready);
}

#[test]
fn a_process_that_nobody_tells_to_go_serves_for_ever_and_asks_for_no_tick() {
    let events = [
        Input::Started,
        traffic(86_399_000),
        Input::Load(Load::default()),
        Input::Tick,
    ];
    let life = Life::ready()
        .unmoved(86_400_000, &events)
        .unmoved(86_400_001, &[Input::HooksDone]);
    assert_eq!(
        (life.phase(), life.wake(), life.t0()),
        (Phase::Ready, None, None)
    );
    assert_eq!(life.done, []);
}

#[test]
fn a_life_goes_through_every_phase_in_order() {
    let mut life = Life::ready().serving(2, 1).at(1_000, SIGTERM);
    assert_eq!(
        (life.phase(), life.t0()),
        (Phase::LameDuck, Some((1_000, Cause::Sigterm)))
    );
    assert_eq!(life.when(Action::BeginLameDuck), Some(1_000));

    life = life.until(3_999);
    assert_eq!(life.phase(), Phase::LameDuck);
    life = life.until(4_000);
    assert_eq!(
        (life.phase(), life.when(Action::BeginDraining)),
        (Phase::Draining, Some(4_000))
    );

    life = life.at(4_010, Input::Fenced).load(4_500, 1, 0);
    assert_eq!(life.when(Action::RunHooks), None);
    life = life.load(4_600, 0, 0);
    assert_eq!(
        (life.phase(), life.when(Action::RunHooks)),
        (Phase::Draining, Some(4_600))
    );

    life = life.at(4_700, Input::HooksDone);
    assert_eq!(
        (life.phase(), life.when(Action::Stop)),
        (Phase::Stopped, Some(4_700))
    );
    assert_eq!(
        (life.when(Action::Cut), life.when(Action::Abort)),
        (None, None)
    );
    assert_eq!(life.wake(), None);
}

#[test]
fn the_load_of_a_process_is_that_of_all_its_workers() {
    let workers = [
        Load {
            open: 3,
            in_flight: 1,
            background: 0,
        },
        Load::default(),
        Load {
            open: 2,
            in_flight: 2,
            background: 0,
        },
    ];
    assert_eq!(
        workers.into_iter().sum::<Load>(),
        Load {
            open: 5,
            in_flight: 3,
            background: 0,
        }
    );
}
