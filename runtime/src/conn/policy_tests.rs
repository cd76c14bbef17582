use super::*;

const LIMITS: SilenceLimits = SilenceLimits {
    keep_alive: Duration::from_secs(75),
    head_timeout: Duration::from_secs(5),
};

const QUIET: Duration = Duration::from_secs(10);

/// Seconds after some moment long ago; `min` has passed at 95, and the fence goes up at 100.
fn at(seconds: u64) -> Instant {
    static ZERO: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    *ZERO.get_or_init(Instant::now) + Duration::from_secs(seconds)
}

const EARLY: Life = Life::LameDuck {
    http2_told_since: None,
    quiet: QUIET,
};

fn lame_duck() -> Life {
    Life::LameDuck {
        http2_told_since: Some(at(95)),
        quiet: QUIET,
    }
}

fn draining(idle_until: u64) -> Life {
    Life::Draining(Fence {
        at: at(100),
        idle_until: at(idle_until),
        long_silence: Duration::from_secs(30),
    })
}

fn silence(awaits: Awaits, since: u64) -> Silence {
    Silence {
        awaits,
        since: at(since),
    }
}

fn idle(since: u64) -> Silence {
    silence(Awaits::Next, since)
}

fn new(since: u64) -> Silence {
    silence(Awaits::First, since)
}

#[test]
fn before_t0_keep_alive_ends_what_is_idle_by_either_protocol() {
    for silence in [idle(10), new(10)] {
        assert_eq!(silence.ends_at(Life::Serving, LIMITS), Some(at(85)));
        assert_eq!(silence.http2_ends_at(Life::Serving, LIMITS), Some(at(85)));
    }
}

#[test]
fn in_the_lame_duck_silence_ends_nothing() {
    for silence in [idle(0), new(0)] {
        for life in [EARLY, lame_duck()] {
            assert_eq!(silence.ends_at(life, LIMITS), None);
            assert_eq!(silence.http2_ends_at(life, LIMITS), None);
        }
    }
}

#[test]
fn half_a_head_has_its_time_whatever_the_process_does() {
    for life in [Life::Serving, EARLY, draining(116)] {
        let half = silence(Awaits::Head, 98);
        assert_eq!(half.ends_at(life, LIMITS), Some(at(103)));
        assert_eq!(half.http2_ends_at(life, LIMITS), Some(at(103)));
    }
}

#[test]
fn behind_the_fence_it_is_waited_for_however_long_ago_its_last_request_was() {
    assert_eq!(idle(99).ends_at(draining(116), LIMITS), Some(at(116)));
    assert_eq!(idle(71).ends_at(draining(116), LIMITS), Some(at(116)));
}

#[test]
fn one_that_has_been_silent_for_long_at_the_fence_ends_there() {
    assert_eq!(idle(70).ends_at(draining(116), LIMITS), Some(at(100)));
    assert_eq!(new(70).ends_at(draining(116), LIMITS), Some(at(101)));
}

#[test]
fn a_new_one_has_a_second_to_ask_even_if_nobody_else_is_waited_for() {
    assert_eq!(new(99).ends_at(draining(100), LIMITS), Some(at(101)));
    assert_eq!(idle(99).ends_at(draining(100), LIMITS), Some(at(100)));
    assert_eq!(new(99).ends_at(draining(116), LIMITS), Some(at(116)));
    assert_eq!(new(99).http2_ends_at(draining(116), LIMITS), Some(at(101)));
    assert_eq!(new(107).http2_ends_at(draining(116), LIMITS), Some(at(108)));
}

#[test]
fn an_idle_client_of_http2_is_told_at_the_fence_and_has_a_round_trip_to_leave() {
    assert_eq!(idle(99).http2_ends_at(draining(116), LIMITS), Some(at(100)));
    let told = |told| silence(Awaits::Leave(at(told)), 90);
    assert_eq!(told(97).http2_ends_at(draining(116), LIMITS), Some(at(101)));
    assert_eq!(
        told(102).http2_ends_at(draining(116), LIMITS),
        Some(at(103))
    );
    for life in [Life::Serving, lame_duck()] {
        assert_eq!(told(97).http2_ends_at(life, LIMITS), Some(at(172)));
    }
}

#[test]
fn nobody_is_told_by_http2_before_min_has_passed_or_before_its_first_response() {
    assert_eq!(goodbye_due(Some(at(1)), Life::Serving, None), None);
    assert_eq!(goodbye_due(Some(at(1)), EARLY, None), None);
    for life in [Life::Serving, EARLY, lame_duck(), draining(116)] {
        assert_eq!(goodbye_due(None, life, None), None);
    }
}

#[test]
fn who_is_there_when_min_has_passed_is_told_then_and_who_comes_later_later() {
    assert_eq!(goodbye_due(Some(at(1)), lame_duck(), None), Some(at(95)));
    assert_eq!(goodbye_due(Some(at(95)), lame_duck(), None), Some(at(95)));
    assert_eq!(goodbye_due(Some(at(96)), lame_duck(), None), Some(at(101)));
}

#[test]
fn everybody_is_told_by_http2_when_the_process_drains() {
    for (first, told) in [(1, 100), (99, 100), (101, 101)] {
        assert_eq!(
            goodbye_due(Some(at(first)), draining(116), None),
            Some(at(told))
        );
    }
}

/// What each response says, of those before which this is left to be read, or waits in the kernel.
fn goodbyes(life: Life, left: &[(bool, bool)]) -> Vec<bool> {
    let mut further = Further::default();
    let responses = left.iter();
    responses
        .map(|(read_all, waits)| further.at_response(life, false, *read_all, || *waits))
        .collect()
}

#[test]
fn nobody_is_told_before_t0_and_everybody_after_it() {
    assert_eq!(goodbyes(Life::Serving, &[(true, false)]), [false]);
    assert_eq!(goodbyes(EARLY, &[(true, false)]), [true]);
}

#[test]
fn a_goodbye_is_withheld_while_a_further_request_is_here() {
    let here = [(false, false), (true, true), (false, true)];
    assert_eq!(goodbyes(EARLY, &here), [false, false, false]);
}

#[test]
fn once_the_process_drains_what_had_been_read_is_answered_and_no_more() {
    let draining = draining(116);
    // Two more had been read, and the client goes on sending.
    let further = [(false, true), (false, true), (true, true)];
    assert_eq!(goodbyes(draining, &further), [false, false, true]);
    // One was in the kernel.
    assert_eq!(
        goodbyes(draining, &[(true, true), (false, true)]),
        [false, true]
    );
    let mut further = Further::default();
    assert!(!further.at_response(draining, false, false, || true));
    further.read_on();
    assert!(
        further.at_response(draining, false, false, || true),
        "more was read with its body"
    );
}

#[test]
fn a_connection_that_has_grown_old_is_told_as_in_the_lame_duck() {
    let mut further = Further::default();
    let mut told = |read_all, waits| further.at_response(Life::Serving, true, read_all, || waits);
    assert!(
        !told(false, false) && !told(true, true),
        "a further request is here"
    );
    assert!(told(true, false));
    let due = |first| goodbye_due(Some(at(first)), Life::Serving, Some(at(60)));
    assert_eq!((due(1), due(70)), (Some(at(60)), Some(at(70))));
    assert_eq!(goodbye_due(None, Life::Serving, Some(at(60))), None);
}

#[test]
fn connections_that_came_together_leave_over_a_fifth_of_their_age() {
    let age = Duration::from_secs(100);
    let leaves = |port| leaves_at(at(0), age, port) - at(0);
    let mut times = Vec::from_iter((40_000..40_100).map(leaves));
    times.sort();
    assert!(times[0] >= Duration::from_secs(90) && times[99] <= Duration::from_secs(110));
    let widest = times.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(widest < Some(Duration::from_secs(1)), "{widest:?}");
}
