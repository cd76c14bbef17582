use super::super::{Phase, Probes, probes};
use crate::settings::Readiness;

fn all(phase: Phase, readiness: Readiness) -> (bool, bool, bool) {
    let Probes {
        livez,
        readyz,
        healthz,
    } = probes(phase, readiness, true);
    (livez, readyz, healthz)
}

#[test]
fn readiness_passes_through_the_lame_duck_and_health_fails_from_t0() {
    let expected = [
        (Phase::Starting, (true, false, false)),
        (Phase::Ready, (true, true, true)),
        (Phase::LameDuck, (true, true, false)),
        (Phase::Draining, (true, false, false)),
        (Phase::Stopped, (true, false, false)),
    ];
    for (phase, answers) in expected {
        assert_eq!(all(phase, Readiness::Serving), answers, "{phase:?}");
    }
}

#[test]
fn the_classic_readiness_fails_from_t0_and_is_the_same_otherwise() {
    let expected = [
        (Phase::Starting, (true, false, false)),
        (Phase::Ready, (true, true, true)),
        (Phase::LameDuck, (true, false, false)),
        (Phase::Draining, (true, false, false)),
        (Phase::Stopped, (true, false, false)),
    ];
    for (phase, answers) in expected {
        assert_eq!(all(phase, Readiness::FailAtDrain), answers, "{phase:?}");
    }
}

#[test]
fn a_failing_check_makes_unready_and_never_dead() {
    for phase in [Phase::Ready, Phase::LameDuck] {
        let expected = Probes {
            livez: true,
            readyz: false,
            healthz: false,
        };
        assert_eq!(probes(phase, Readiness::Serving, false), expected);
    }
}
