use super::*;

#[test]
fn a_signal_in_starting_leaves_at_once_and_runs_no_hooks() {
    for (signal, cause) in [
        (SIGTERM, Cause::Sigterm),
        (SIGQUIT, Cause::Sigquit),
        (SIGINT, Cause::Sigint),
        (SIGHUP, Cause::Sighup),
    ] {
        let life = Life::starting(SCHEDULE).at(700, signal);
        assert_eq!(life.done, [(700, Action::Stop)]);
        assert_eq!(
            (life.phase(), life.t0()),
            (Phase::Stopped, Some((700, cause)))
        );
        assert_eq!(life.wake(), None);
        assert!(!life.machine.hooks_have_begun());
    }
}

#[test]
fn a_start_that_ends_after_the_signal_comes_too_late() {
    let events = [
        Input::Started,
        traffic(701),
        Input::HooksDone,
        Input::Tick,
        SIGINT,
        SIGINT,
    ];
    Life::starting(SCHEDULE)
        .at(700, SIGTERM)
        .unmoved(701, &events);
}

#[test]
fn sigterm_repeated_in_any_phase_is_counted_and_changes_nothing() {
    let count = |life: &Life| life.machine.repeated_signals();
    let mut life = Life::ready().serving(1, 1).at(0, SIGTERM);
    assert_eq!(count(&life), 0);
    life = life
        .unmoved(0, &[SIGTERM])
        .unmoved(2_999, &[SIGTERM, SIGTERM]);
    assert_eq!((life.phase(), count(&life)), (Phase::LameDuck, 3));
    life = life
        .unmoved(3_000, &[SIGTERM])
        .at(3_100, Input::Fenced)
        .unmoved(3_100, &[SIGTERM]);
    assert_eq!((life.phase(), count(&life)), (Phase::Draining, 5));
    life = life.load(3_200, 0, 0).unmoved(3_200, &[SIGTERM]);
    assert_eq!(
        (life.when(Action::RunHooks), count(&life)),
        (Some(3_200), 6)
    );
    life = life.at(3_300, Input::HooksDone).unmoved(3_300, &[SIGTERM]);
    assert_eq!((life.phase(), count(&life)), (Phase::Stopped, 7));
}

#[test]
fn sigterm_repeated_does_not_keep_the_lame_duck_open() {
    let life = (0..30).fold(Life::ready(), |life, n| life.at(n * 500, SIGTERM));
    assert_eq!(life.when(Action::BeginDraining), Some(3_000));
    assert_eq!(life.machine.repeated_signals(), 29);
}

#[test]
fn sigterm_repeated_after_the_one_that_followed_prestop_is_counted() {
    let life = Life::ready()
        .at(0, PRESTOP)
        .at(100, SIGTERM)
        .unmoved(200, &[SIGTERM]);
    assert_eq!(life.machine.repeated_signals(), 1);
}

#[test]
fn sigint_waits_for_no_idle_connection() {
    let until = |life: &Life, ms| life.machine.idle_until(moment(ms));
    assert_eq!(until(&Life::ready().at(50, SIGINT), 50), moment(50));
    let ended = Life::ready().at(0, SIGTERM).at(400, SIGINT);
    assert_eq!(until(&ended, 400), moment(400));
}

#[test]
fn sigint_in_ready_skips_the_lame_duck() {
    let life = Life::ready().serving(1, 1).at(50, SIGINT);
    assert_eq!(
        life.done,
        [(50, Action::BeginLameDuck), (50, Action::BeginDraining)]
    );
    assert_eq!(
        (life.phase(), life.t0()),
        (Phase::Draining, Some((50, Cause::Sigint)))
    );
    assert_eq!(life.machine.repeated_signals(), 0);
}

#[test]
fn sigint_skips_no_more_than_the_lame_duck() {
    let life = Life::ready()
        .serving(2, 1)
        .at(0, SIGINT)
        .unmoved(10, &[Input::Tick]);
    let life = life.at(20, Input::Fenced).until(1_000);
    assert_eq!(
        (life.phase(), life.when(Action::RunHooks)),
        (Phase::Draining, None)
    );
    let life = life
        .load(1_000, 1, 0)
        .load(1_100, 0, 0)
        .at(1_200, Input::HooksDone);
    assert_eq!(life.when(Action::Stop), Some(1_200));
}

#[test]
fn sigint_after_sigterm_ends_the_lame_duck() {
    let life = Life::ready().serving(1, 1).at(0, SIGTERM).at(400, SIGINT);
    assert_eq!(
        (life.phase(), life.when(Action::BeginDraining)),
        (Phase::Draining, Some(400))
    );
    assert_eq!(life.t0(), Some((0, Cause::Sigterm)));
    assert_eq!(life.until(60_000).when(Action::Cut), Some(28_000));
}

#[test]
fn sigterm_after_sigint_changes_nothing() {
    let life = Life::ready()
        .serving(1, 1)
        .at(0, SIGINT)
        .unmoved(10, &[SIGTERM, SIGTERM]);
    assert_eq!(life.t0(), Some((0, Cause::Sigint)));
}

#[test]
fn the_first_sigint_in_draining_ends_idle_connections_and_the_second_aborts() {
    let life = Life::draining().serving(1, 1).at(5_000, SIGINT);
    assert_eq!(
        (life.phase(), life.when(Action::EndIdle)),
        (Phase::Draining, Some(5_000))
    );
    let life = life.at(5_500, SIGINT);
    assert_eq!(
        (life.phase(), life.when(Action::Abort)),
        (Phase::Stopped, Some(5_500))
    );
}

#[test]
fn the_second_sigint_aborts_wherever_the_drain_is() {
    let told = || Life::ready().serving(1, 1).at(0, SIGINT);
    let fenced = || told().at(10, Input::Fenced);
    let cases = [
        ("waiting for the fence", told()),
        ("waiting for what is in flight", fenced()),
        ("waiting for idle connections", fenced().load(20, 1, 0)),
        ("running hooks", fenced().load(20, 0, 0)),
        ("after the cut", fenced().until(28_000)),
    ];
    for (case, life) in cases {
        let life = life.at(28_500, SIGINT);
        assert_eq!(life.when(Action::Abort), Some(28_500), "{case}");
        assert_eq!(
            (life.phase(), life.when(Action::Stop)),
            (Phase::Stopped, None),
            "{case}"
        );
        assert_eq!(life.wake(), None, "{case}");
    }
}

#[test]
fn sigints_within_half_a_second_of_the_first_are_one_and_change_nothing() {
    for repeated in [SIGINT, SIGHUP] {
        let life = Life::ready().serving(1, 1).at(0, SIGTERM).at(100, SIGINT);
        let life = life
            .unmoved(100, &[repeated])
            .unmoved(350, &[repeated])
            .unmoved(599, &[repeated, repeated])
            .at(600, repeated);
        assert_eq!(life.when(Action::Abort), Some(600));
    }
}

#[test]
fn sigquit_does_what_sigterm_does_and_sighup_what_sigint_does() {
    let life = Life::ready().at(0, SIGQUIT).unmoved(1, &[SIGTERM, SIGQUIT]);
    assert_eq!(
        (life.phase(), life.machine.repeated_signals()),
        (Phase::LameDuck, 2)
    );
    let life = life.at(400, SIGHUP);
    assert_eq!(life.when(Action::BeginDraining), Some(400));
    assert_eq!(life.at(900, SIGINT).when(Action::Abort), Some(900));
}

#[test]
fn after_an_abort_nothing_is_done_any_more() {
    let life = Life::ready().serving(1, 1).at(0, SIGINT).at(500, SIGINT);
    life.unmoved(
        1_100,
        &[
            SIGINT,
            SIGTERM,
            PRESTOP,
            Input::Fenced,
            Input::Load(Load::default()),
        ],
    )
    .unmoved(
        28_000,
        &[
            Input::Tick,
            traffic(28_000),
            Input::Started,
            Input::HooksDone,
        ],
    );
}

#[test]
fn hooks_that_return_after_an_abort_do_not_turn_it_into_a_stop() {
    let life = Life::ready()
        .at(0, SIGINT)
        .at(10, Input::Fenced)
        .at(520, SIGINT);
    assert_eq!(life.when(Action::RunHooks), Some(10));
    assert_eq!(
        life.unmoved(530, &[Input::HooksDone]).when(Action::Stop),
        None
    );
}
