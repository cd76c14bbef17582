use super::*;

const EMPTY: Input = Input::Load(Load {
    open: 0,
    in_flight: 0,
    background: 0,
});
const IDLE: Input = Input::Load(Load {
    open: 3,
    in_flight: 0,
    background: 0,
});

#[test]
fn background_work_is_waited_for_as_connections_are() {
    let mut life = Life::draining();
    life.load.background = 1;
    let life = life.at(3_001, Input::Fenced).unmoved(9_000, &[Input::Tick]);
    assert_eq!(life.when(Action::RunHooks), None);
    let life = life.load(9_001, 0, 0);
    assert_eq!(life.when(Action::RunHooks), Some(9_001));
}

#[test]
fn nothing_is_closed_before_the_fence_is_up() {
    let life = Life::draining().unmoved(3_000, &[EMPTY, IDLE, Input::Tick, Input::HooksDone]);
    assert_eq!((life.phase(), life.wake()), (Phase::Draining, Some(28_000)));
    let life = life.serving(3, 0).unmoved(27_999, &[IDLE, EMPTY]);
    assert_eq!(life.when(Action::RunHooks), None);
}

#[test]
fn a_process_without_connections_runs_its_hooks_in_the_step_of_the_fence() {
    let life = Life::draining().at(3_001, Input::Fenced);
    assert_eq!(life.when(Action::RunHooks), Some(3_001));
}

#[test]
fn an_idle_connection_is_waited_for_until_patience_after_t0() {
    let life = Life::draining().serving(3, 0);
    assert_eq!(life.machine.idle_until(moment(3_000)), moment(21_000));
    let late = Life::ready().at(0, PRESTOP).at(24_000, SIGTERM);
    assert_eq!(
        late.machine.idle_until(moment(24_000)),
        moment(24_000),
        "the fence goes up later than that"
    );
    let life = life.at(3_001, Input::Fenced).unmoved(27_999, &[IDLE]);
    assert_eq!(life.when(Action::RunHooks), None, "it is open");
}

#[test]
fn hooks_run_when_nothing_is_open_any_more() {
    let life = Life::draining()
        .serving(2, 2)
        .at(3_001, Input::Fenced)
        .load(3_500, 1, 0);
    let life = life.unmoved(3_600, &[Input::HooksDone, IDLE]);
    assert!(!life.machine.hooks_have_begun());
    let life = life.load(4_000, 0, 0);
    assert_eq!(life.when(Action::RunHooks), Some(4_000));
    assert!(life.machine.hooks_have_begun());
}

#[test]
fn the_last_connection_may_go_without_ever_having_been_idle() {
    let life = Life::draining()
        .serving(1, 1)
        .at(3_001, Input::Fenced)
        .load(4_000, 0, 0);
    assert_eq!(life.when(Action::RunHooks), Some(4_000));
}

#[test]
fn the_process_stops_when_its_hooks_are_done_and_not_before() {
    let life = Life::draining().at(3_001, Input::Fenced);
    let life = life.unmoved(9_000, &[Input::Tick, EMPTY, Input::Fenced, traffic(9_000)]);
    assert_eq!(life.phase(), Phase::Draining);
    let life = life.at(9_001, Input::HooksDone);
    assert_eq!(
        (life.phase(), life.when(Action::Stop)),
        (Phase::Stopped, Some(9_001))
    );
    assert_eq!(life.when(Action::Cut), None);
}

#[test]
fn what_is_left_at_the_deadline_is_cut_and_the_hooks_run_after_it() {
    let life = Life::draining()
        .serving(2, 1)
        .at(3_001, Input::Fenced)
        .until(27_999);
    assert_eq!(life.when(Action::Cut), None);
    let life = life.until(28_000);
    assert_eq!(
        life.done[life.done.len() - 2..],
        [(28_000, Action::Cut), (28_000, Action::RunHooks)]
    );
    let life = life.serving(0, 0).at(28_200, Input::HooksDone);
    assert_eq!(
        (life.phase(), life.when(Action::Stop)),
        (Phase::Stopped, Some(28_200))
    );
}

#[test]
fn the_deadline_counts_from_t0() {
    let life = Life::ready()
        .serving(1, 1)
        .at(100_000, SIGTERM)
        .until(600_000);
    assert_eq!(life.when(Action::Cut), Some(128_000));
}

#[test]
fn hooks_that_hang_after_the_cut_are_left_a_second_later() {
    let life = Life::draining()
        .serving(1, 1)
        .at(3_001, Input::Fenced)
        .until(28_000);
    assert_eq!(life.wake(), Some(29_000));
    let life = life.unmoved(
        28_999,
        &[EMPTY, IDLE, Input::Tick, SIGTERM, PRESTOP, Input::Fenced],
    );
    let life = life.until(29_000);
    assert_eq!(
        (life.phase(), life.when(Action::Stop)),
        (Phase::Stopped, Some(29_000))
    );
}

#[test]
fn hooks_that_hang_since_before_the_deadline_are_not_run_again() {
    let life = Life::draining().at(3_001, Input::Fenced).until(60_000);
    assert_eq!(life.when(Action::RunHooks), Some(3_001));
    assert_eq!(life.when(Action::Cut), Some(28_000));
    assert_eq!(life.when(Action::Stop), Some(29_000));
}

#[test]
fn hooks_that_return_in_the_moment_of_the_deadline_leave_nothing_to_cut() {
    let life = Life::draining()
        .at(3_001, Input::Fenced)
        .at(28_000, Input::HooksDone);
    assert_eq!(
        (life.when(Action::Stop), life.when(Action::Cut)),
        (Some(28_000), None)
    );
}

#[test]
fn a_fence_that_never_comes_up_does_not_hold_the_process_beyond_the_deadline() {
    let life = Life::draining().serving(1, 0).until(60_000);
    assert_eq!(life.when(Action::Cut), Some(28_000));
    assert_eq!(life.when(Action::RunHooks), Some(28_000));
    assert_eq!(life.when(Action::Stop), Some(29_000));
}

#[test]
fn a_fence_that_comes_up_after_the_cut_changes_nothing() {
    let life = Life::draining().serving(1, 0).until(28_000);
    life.unmoved(28_100, &[Input::Fenced, IDLE, EMPTY, Input::Tick]);
}

#[test]
fn newcomers_and_starts_do_not_bring_the_lame_duck_back() {
    let events = [traffic(2_900), Input::Started, traffic(3_000), Input::Tick];
    Life::draining()
        .serving(1, 1)
        .unmoved(3_000, &events)
        .unmoved(27_999, &events);
}

#[test]
fn events_that_come_twice_change_nothing() {
    let life = Life::draining().serving(2, 0).at(3_001, Input::Fenced);
    let life = life
        .unmoved(3_002, &[Input::Fenced, IDLE, Input::Tick])
        .load(3_010, 0, 0);
    life.unmoved(
        3_011,
        &[Input::Fenced, EMPTY, EMPTY, Input::Tick, Input::Started],
    );
}

#[test]
fn after_a_stop_nothing_is_done_any_more() {
    let stopped = || {
        Life::draining()
            .at(3_001, Input::Fenced)
            .at(3_100, Input::HooksDone)
    };
    let events = [
        Input::Fenced,
        EMPTY,
        IDLE,
        traffic(3_000),
        Input::Started,
        Input::Tick,
    ];
    let life = stopped()
        .unmoved(3_100, &events)
        .unmoved(28_000, &events)
        .unmoved(29_000, &events);
    life.unmoved(29_000, &[SIGTERM, PRESTOP, SIGINT, SIGINT]);
}

#[test]
fn hooks_that_return_twice_or_after_the_stop_do_not_stop_the_process_again() {
    let life = Life::draining()
        .at(3_001, Input::Fenced)
        .at(3_100, Input::HooksDone);
    life.unmoved(3_200, &[Input::HooksDone]);
    let life = Life::draining().at(3_001, Input::Fenced).until(29_000);
    assert_eq!(
        life.unmoved(29_100, &[Input::HooksDone]).when(Action::Stop),
        Some(29_000)
    );
}
