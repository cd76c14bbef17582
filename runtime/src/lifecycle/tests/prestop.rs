use super::*;

#[test]
fn prestop_is_t0_and_is_answered_when_the_lame_duck_is_over() {
    let life = Life::ready().at(500, PRESTOP);
    assert_eq!(
        (life.phase(), life.t0()),
        (Phase::LameDuck, Some((500, Cause::Prestop)))
    );
    let life = life.until(3_500);
    assert_eq!(
        life.done,
        [
            (500, Action::BeginLameDuck),
            (3_500, Action::TellHttp2),
            (3_500, Action::AnswerPrestop)
        ]
    );
}

#[test]
fn prestop_alone_never_raises_the_fence_and_is_never_cut() {
    let life = Life::ready().serving(3, 2).at(0, PRESTOP).until(3_000);
    assert_eq!(
        life.wake(),
        None,
        "there is nothing to wait for but the signal"
    );
    let nothing = Input::Load(Load::default());
    let life = life
        .unmoved(3_000, &[PRESTOP, Input::Tick, nothing])
        .unmoved(28_000, &[Input::Tick, traffic(28_000), nothing])
        .unmoved(
            3_600_000,
            &[Input::Tick, traffic(3_600_000), nothing, PRESTOP],
        );
    assert_eq!(life.phase(), Phase::LameDuck);
}

#[test]
fn sigterm_during_the_lame_duck_of_prestop_changes_neither_t0_nor_the_end() {
    let life = Life::ready().at(0, PRESTOP).unmoved(1_000, &[SIGTERM]);
    let life = life.until(2_999);
    assert_eq!(life.phase(), Phase::LameDuck);
    let life = life.until(3_000);
    assert_eq!(life.when(Action::BeginDraining), Some(3_000));
    assert_eq!(life.t0(), Some((0, Cause::Prestop)));
    assert_eq!(
        life.machine.repeated_signals(),
        0,
        "it was the first of its kind"
    );
    assert_eq!(
        life.serving(1, 1).until(60_000).when(Action::Cut),
        Some(28_000)
    );
}

#[test]
fn sigterm_after_the_lame_duck_of_prestop_drains_at_once() {
    let life = Life::ready()
        .serving(1, 1)
        .at(0, PRESTOP)
        .at(9_000, SIGTERM);
    assert_eq!(
        (life.phase(), life.when(Action::BeginDraining)),
        (Phase::Draining, Some(9_000))
    );
    assert_eq!(life.when(Action::AnswerPrestop), Some(3_000));
    assert_eq!(
        life.until(60_000).when(Action::Cut),
        Some(28_000),
        "the budget counts from T0"
    );
}

#[test]
fn sigint_during_the_lame_duck_of_prestop_ends_it() {
    let life = Life::ready().at(0, PRESTOP).at(1_000, SIGINT);
    assert_eq!(
        life.done,
        [(0, Action::BeginLameDuck), (1_000, Action::BeginDraining)]
    );
    assert_eq!(life.t0(), Some((0, Cause::Prestop)));
}

#[test]
fn sigint_after_the_lame_duck_of_prestop_drains_at_once() {
    let life = Life::ready().at(0, PRESTOP).at(9_000, SIGINT);
    assert_eq!(life.when(Action::BeginDraining), Some(9_000));
    assert_eq!(life.machine.repeated_signals(), 0);
}

#[test]
fn prestop_after_sigterm_changes_nothing_in_any_phase() {
    Life::ready()
        .serving(1, 1)
        .at(0, SIGTERM)
        .unmoved(0, &[PRESTOP])
        .unmoved(2_999, &[PRESTOP])
        .unmoved(3_000, &[PRESTOP])
        .at(3_001, Input::Fenced)
        .unmoved(3_002, &[PRESTOP])
        .load(3_003, 0, 0)
        .unmoved(3_003, &[PRESTOP])
        .at(3_004, Input::HooksDone)
        .unmoved(3_004, &[PRESTOP]);
}

#[test]
fn prestop_again_is_no_repeated_signal_and_waits_for_the_same_end() {
    let life = Life::ready()
        .at(0, PRESTOP)
        .unmoved(2_900, &[PRESTOP, PRESTOP])
        .until(60_000);
    assert_eq!(life.when(Action::AnswerPrestop), Some(3_000));
    assert_eq!(life.machine.repeated_signals(), 0);
}

#[test]
fn prestop_in_starting_leaves_at_once_because_nothing_was_served() {
    let life = Life::starting(SCHEDULE).at(700, PRESTOP);
    assert_eq!(life.done, [(700, Action::Stop)]);
    assert_eq!(
        (life.phase(), life.t0()),
        (Phase::Stopped, Some((700, Cause::Prestop)))
    );
    assert!(!life.machine.hooks_have_begun());
    life.unmoved(701, &[Input::Started, SIGTERM, Input::Tick]);
}

#[test]
fn prestop_with_a_lame_duck_of_zero_is_answered_in_the_same_step() {
    let life = Life::starting(NO_LAME_DUCK)
        .at(0, Input::Started)
        .at(10, PRESTOP);
    assert_eq!(
        life.done,
        [
            (10, Action::BeginLameDuck),
            (10, Action::TellHttp2),
            (10, Action::AnswerPrestop)
        ]
    );
    assert_eq!((life.phase(), life.wake()), (Phase::LameDuck, None));
}

#[test]
fn once_a_signal_has_come_draining_itself_is_the_answer_to_prestop() {
    for told in [
        &[SIGTERM][..],
        &[PRESTOP, SIGTERM],
        &[SIGTERM, PRESTOP],
        &[SIGINT],
    ] {
        let life = told
            .iter()
            .fold(Life::ready(), |life, told| life.at(0, *told))
            .until(3_000);
        assert_eq!(life.when(Action::AnswerPrestop), None, "{told:?}");
        assert!(life.actions().contains(&Action::BeginDraining), "{told:?}");
    }
}

#[test]
fn hooks_have_their_second_even_if_the_signal_comes_after_the_deadline() {
    let life = Life::ready()
        .serving(1, 1)
        .at(0, PRESTOP)
        .at(60_000, SIGTERM);
    assert_eq!(life.when(Action::BeginDraining), Some(60_000));
    let life = life.until(600_000);
    let hooks = life
        .when(Action::RunHooks)
        .expect("hooks run before the process leaves");
    let stop = life
        .when(Action::Stop)
        .expect("hooks that hang are not waited for");
    assert!(
        stop >= hooks + 1_000,
        "told to run at {hooks} and given up at {stop}"
    );
}
