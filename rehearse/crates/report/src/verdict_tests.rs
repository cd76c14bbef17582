use super::*;

fn arms(control: Option<u64>, usual: Option<u64>, service: Option<u64>) -> Vec<Tally> {
    let tally = |arm, failed: Option<u64>| {
        failed.map(|failed| Tally {
            arm,
            requests: 60_000,
            failed,
            replaced: 0,
        })
    };
    let arms = [
        tally(ArmName::Control, control),
        tally(ArmName::Usual, usual),
        tally(ArmName::Service, service),
    ];
    arms.into_iter().flatten().collect()
}

fn judged(arms: &[Tally], faults: &[Fault]) -> (Verdict, u8, String) {
    let judged = Judged {
        arms,
        faults,
        allowed: 0,
    };
    let verdict = judged.verdict();
    (verdict, verdict.exit_code(), judged.in_words())
}

#[test]
fn none_lost_beside_a_control_that_loses_is_a_pass_with_its_bound() {
    let (verdict, code, words) = judged(&arms(Some(1_204), Some(31), Some(0)), &[]);
    assert_eq!((verdict, code), (Verdict::Pass, 0));
    assert_eq!(
        words,
        "PASS: the service lost 0 of 60,000 requests; in the same run the control lost 1,204 of \
         60,000, the usual practice 31 of 60,000. None of 60,000: below 0.0050 % at 95 % \
         confidence."
    );
}

#[test]
fn replacements_have_a_bound_of_their_own() {
    let mut arms = arms(Some(9), None, Some(0));
    arms[1].replaced = 120;
    let (.., words) = judged(&arms, &[]);
    let bound = "None of 60,000: below 0.0050 % at 95 % confidence. Losses come by replaced pod, and \
                 none of 120 lost any: below 2.5 % of them.";
    assert!(words.ends_with(bound), "{words}");
}

#[test]
fn a_single_loss_fails_whatever_the_control_lost() {
    for control in [Some(0), Some(9), None] {
        let (verdict, code, words) = judged(&arms(control, None, Some(1)), &[]);
        assert_eq!((verdict, code), (Verdict::Lost, 1));
        assert!(
            words.starts_with("FAIL: the service lost 1 of 60,000 requests"),
            "{words}"
        );
    }
}

#[test]
fn what_may_be_lost_is_no_failure_and_has_no_bound() {
    let arms = arms(Some(9), None, Some(3));
    let judged = |allowed| Judged {
        arms: &arms,
        faults: &[],
        allowed,
    };
    assert_eq!(judged(2).verdict(), Verdict::Lost);
    assert_eq!(judged(3).verdict(), Verdict::Pass);
    let seen = [arms[0], arms[1]].map(|arm| Tally {
        failed: if arm.arm == ArmName::Control { 0 } else { 3 },
        ..arm
    });
    let beside_none = Judged {
        arms: &seen,
        ..judged(3)
    };
    assert_eq!(beside_none.verdict(), Verdict::Pass, "a loss was seen");
    let words = judged(3).in_words();
    assert!(words.contains("lost 3 of 60,000 requests (--max-failed is 3)"));
    assert!(!words.contains("confidence"), "{words}");
}

#[test]
fn a_control_that_loses_nothing_proves_nothing() {
    let (verdict, code, words) = judged(&arms(Some(0), Some(3), Some(0)), &[]);
    assert_eq!((verdict, code), (Verdict::NothingToLose, 2));
    assert!(words.starts_with("NO PROOF:"), "{words}");
}

#[test]
fn every_fault_fails_a_service_that_lost_nothing_and_is_named() {
    let arms = arms(Some(9), None, Some(0));
    let slow = Fault::Slow {
        kind: rehearse_arm::load::Kind::OneShot,
        longest: 10_000.0,
        control: 3.0,
    };
    let faults = [Fault::Pods(1), slow, Fault::Unjudged(4)];
    let (verdict, code, words) = judged(&arms, &faults);
    assert_eq!((verdict, code), (Verdict::Slow, 1), "the worst");
    for fault in &faults {
        assert!(words.contains(&fault.in_words()), "{words}");
    }
    assert!(words.starts_with("FAIL: the service lost 0 of"), "{words}");
}

#[test]
fn without_control_or_service_the_verdict_says_what_is_missing() {
    let (verdict, code, words) = judged(&arms(None, Some(3), Some(0)), &[]);
    assert_eq!((verdict, code), (Verdict::WithoutControl, 2));
    assert!(words.starts_with("UNPROVEN:"), "{words}");
    let (verdict, code, words) = judged(&arms(Some(5), None, None), &[]);
    assert_eq!((verdict, code), (Verdict::WithoutService, 0));
    assert!(
        words.starts_with("NO VERDICT:") && words.contains("control lost 5"),
        "{words}"
    );
}

#[test]
fn the_worst_scenario_decides() {
    let worst = [Verdict::Pass, Verdict::Lost, Verdict::NothingToLose]
        .into_iter()
        .max();
    assert_eq!(worst, Some(Verdict::Lost));
}

#[test]
fn a_bound_is_never_rounded_down() {
    let bounds = [24_014, 1_048_576, 8].map(most);
    assert_eq!(bounds, ["0.013", "0.00029", "38"]);
}
