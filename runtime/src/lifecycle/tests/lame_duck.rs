use super::*;

/// When the fence goes up after a SIGTERM at 0, with newcomers at these times.
fn fence(schedule: Schedule, newcomers: &[u64]) -> u64 {
    let ready = Life::starting(schedule)
        .at(0, Input::Started)
        .at(0, SIGTERM);
    let life = newcomers
        .iter()
        .fold(ready, |life, ms| life.at(*ms, traffic(*ms)));
    life.until(600_000).when(Action::BeginDraining).unwrap()
}

fn every(step: u64, until: u64) -> Vec<u64> {
    (1..=until / step).map(|n| n * step).collect()
}

#[test]
fn without_newcomers_the_lame_duck_lasts_min() {
    assert_eq!(fence(SCHEDULE, &[]), 3_000);
}

#[test]
fn without_newcomers_the_lame_duck_lasts_quiet_if_that_is_longer() {
    assert_eq!(
        fence(
            Schedule {
                min: Duration::ZERO,
                ..SCHEDULE
            },
            &[]
        ),
        1_000
    );
    assert_eq!(
        fence(
            Schedule {
                min: Duration::from_millis(400),
                ..SCHEDULE
            },
            &[]
        ),
        1_000
    );
}

#[test]
fn newcomers_that_stop_early_enough_do_not_prolong_the_lame_duck() {
    assert_eq!(fence(SCHEDULE, &every(100, 2_000)), 3_000);
}

#[test]
fn a_newcomer_keeps_the_lame_duck_open_for_quiet() {
    assert_eq!(fence(SCHEDULE, &every(100, 2_100)), 3_100);
    assert_eq!(fence(SCHEDULE, &every(100, 5_700)), 6_700);
}

#[test]
fn a_newcomer_in_the_very_moment_of_the_end_keeps_the_lame_duck_open() {
    assert_eq!(fence(SCHEDULE, &every(300, 3_000)), 4_000);
}

#[test]
fn newcomers_who_never_stop_keep_the_lame_duck_open_for_max() {
    assert_eq!(fence(SCHEDULE, &every(100, 20_000)), 15_000);
}

#[test]
fn a_newcomer_just_before_max_does_not_prolong_it() {
    let newcomers = every(100, 14_900);
    let life = newcomers
        .iter()
        .fold(Life::ready().at(0, SIGTERM), |l, ms| {
            l.at(*ms, traffic(*ms))
        });
    assert_eq!(life.wake(), Some(15_000));
    assert_eq!(life.at(14_999, traffic(14_999)).wake(), Some(15_000));
}

#[test]
fn the_lame_duck_counts_from_t0_and_not_from_the_start() {
    let life = Life::ready().at(100_000, SIGTERM).until(600_000);
    assert_eq!(life.when(Action::BeginDraining), Some(103_000));
    let life = Life::ready().at(100_000, SIGTERM);
    let life = every(100, 20_000)
        .iter()
        .fold(life, |l, ms| l.at(100_000 + ms, traffic(100_000 + ms)));
    assert_eq!(life.when(Action::BeginDraining), Some(115_000));
}

#[test]
fn thin_traffic_is_waited_for_three_times_its_longest_gap() {
    assert_eq!(
        fence(SCHEDULE, &[500, 1_000, 1_800, 2_500]),
        2_500 + 3 * 800
    );
    assert_eq!(
        fence(SCHEDULE, &[500, 1_450, 2_400, 3_350]),
        3_350 + 3 * 950
    );
}

#[test]
fn quiet_is_waited_for_where_three_gaps_are_shorter() {
    assert_eq!(fence(SCHEDULE, &every(333, 2_997)), 2_997 + 1_000);
    assert_eq!(fence(SCHEDULE, &every(334, 3_006)), 3_006 + 3 * 334);
}

#[test]
fn t0_itself_is_no_sign() {
    assert_eq!(fence(SCHEDULE, &[1_100]), 3_000);
    assert_eq!(fence(SCHEDULE, &[1_500, 1_600, 1_700]), 3_000);
    assert_eq!(fence(SCHEDULE, &[2_900]), 2_900 + 1_000);
}

#[test]
fn the_longest_gap_counts_and_not_the_last() {
    assert_eq!(
        fence(SCHEDULE, &[100, 1_000, 1_100, 1_700]),
        1_700 + 3 * 900
    );
}

#[test]
fn a_silence_of_min_is_believed_however_long_the_gaps() {
    assert_eq!(fence(SCHEDULE, &[100, 1_500, 1_600]), 1_600 + 3_000);
    assert_eq!(fence(SCHEDULE, &[1_000, 2_500, 5_400]), 5_400 + 3_000);
}

#[test]
fn a_sign_that_comes_to_be_known_late_counts_by_its_own_time() {
    let life = Life::ready()
        .at(0, SIGTERM)
        .at(2_500, traffic(2_500))
        .at(2_900, traffic(2_400));
    let life = life.until(60_000);
    assert_eq!(life.when(Action::BeginDraining), Some(3_500));
}

#[test]
fn thin_traffic_is_waited_for_no_longer_than_max() {
    let thin: Vec<u64> = [&[1_000][..], &every(2_900, 14_500)].concat();
    assert_eq!(fence(SCHEDULE, &thin), 15_000);
}

#[test]
fn clients_of_http2_are_told_when_min_has_passed() {
    let life = Life::ready().at(0, SIGTERM).until(2_999);
    assert_eq!(life.when(Action::TellHttp2), None);
    assert_eq!(life.until(3_000).when(Action::TellHttp2), Some(3_000));
}

#[test]
fn who_was_told_by_http2_finds_the_port_open_for_quiet() {
    let life = Life::ready().with_http2().at(0, SIGTERM).until(60_000);
    assert_eq!(life.when(Action::BeginDraining), Some(4_000));
    let back = Life::ready()
        .with_http2()
        .at(0, SIGTERM)
        .at(3_600, traffic(3_600))
        .until(60_000);
    assert_eq!(
        back.when(Action::BeginDraining),
        Some(4_600),
        "it is still sent here"
    );
}

#[test]
fn sigint_leaves_it_to_the_drain_to_tell_clients_of_http2() {
    let life = Life::ready().with_http2().at(100, SIGINT).until(20_000);
    assert_eq!(life.when(Action::BeginDraining), Some(100));
    assert_eq!(life.when(Action::TellHttp2), None);
}

#[test]
fn newcomers_before_t0_are_not_looked_at() {
    let life = Life::ready()
        .at(1_000, traffic(1_000))
        .at(50_000, traffic(50_000));
    let life = life.at(50_100, SIGTERM).until(600_000);
    assert_eq!(life.when(Action::BeginDraining), Some(53_100));
}

#[test]
fn signs_after_prestop_count_for_the_signal_that_follows() {
    let life = Life::ready()
        .at(0, PRESTOP)
        .at(1_700, traffic(1_700))
        .at(2_000, SIGTERM)
        .at(2_600, traffic(2_600));
    assert_eq!(
        life.until(60_000).when(Action::BeginDraining),
        Some(2_600 + 3 * 900)
    );
}

#[test]
fn newcomers_after_the_answer_to_prestop_do_not_open_the_lame_duck_again() {
    let life = Life::ready()
        .at(0, PRESTOP)
        .at(3_500, traffic(3_500))
        .at(3_501, SIGTERM);
    assert_eq!(life.when(Action::AnswerPrestop), Some(3_000));
    assert_eq!(life.when(Action::BeginDraining), Some(3_501));
}

#[test]
fn a_lame_duck_of_zero_drains_in_the_same_step() {
    let life = Life::starting(NO_LAME_DUCK)
        .at(0, Input::Started)
        .at(10, SIGTERM);
    assert_eq!(
        (life.phase(), life.when(Action::BeginLameDuck)),
        (Phase::Draining, Some(10))
    );
    assert_eq!(life.when(Action::BeginDraining), Some(10));
    assert_eq!(life.actions()[0], Action::BeginLameDuck);
}

#[test]
fn the_lame_duck_does_not_end_because_nothing_is_open() {
    let events = [
        Input::Load(Load::default()),
        Input::Tick,
        Input::Started,
        Input::HooksDone,
    ];
    let life = Life::ready()
        .at(0, SIGTERM)
        .unmoved(1_000, &events)
        .unmoved(2_999, &events);
    assert_eq!(life.phase(), Phase::LameDuck);
}

#[test]
fn a_tick_that_comes_late_ends_the_lame_duck_then() {
    let mut life = Life::ready().at(0, SIGTERM);
    life.step(4_321, Input::Tick);
    assert_eq!(life.when(Action::BeginDraining), Some(4_321));
}

#[test]
fn the_end_is_seen_with_whatever_happens_first_after_it() {
    for input in [
        SIGTERM,
        PRESTOP,
        Input::Started,
        Input::Load(Load {
            open: 1,
            in_flight: 1,
            background: 0,
        }),
    ] {
        let mut life = Life::ready().at(0, SIGTERM);
        life.step(3_000, input);
        assert_eq!(life.when(Action::BeginDraining), Some(3_000), "{input:?}");
    }
}

#[test]
fn the_last_sign_of_traffic_and_whether_max_was_reached_are_known_afterwards() {
    let told = |signs: &[u64]| {
        let ready = Life::ready().at(0, SIGTERM);
        let life = signs
            .iter()
            .fold(ready, |life, ms| life.at(*ms, traffic(*ms)));
        let machine = life.until(20_000).machine;
        (machine.last_sign(), machine.max_reached())
    };
    assert_eq!(told(&[]), (None, false));
    assert_eq!(told(&every(100, 2_100)), (Some(moment(2_100)), false));
    assert_eq!(told(&every(100, 13_900)), (Some(moment(13_900)), false));
    assert_eq!(told(&every(100, 14_100)), (Some(moment(14_100)), true));
    // What comes when the process drains says nothing of the lame duck.
    assert_eq!(told(&[500, 9_000]), (Some(moment(500)), false));
}
