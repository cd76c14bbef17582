use super::*;

fn arms(control: Option<u64>, usual: Option<u64>, service: Option<u64>) -> Vec<Tally> {
    let tally = |arm, failed: Option<u64>| {
        failed.map(|failed| Tally {
            arm,
            requests: 60_000,
            failed,
            pod_faults: 0,
        })
    };
    let arms = [
        tally(ArmName::Control, control),
        tally(ArmName::Usual, usual),
        tally(ArmName::Service, service),
    ];
    arms.into_iter().flatten().collect()
}

fn judged(arms: &[Tally]) -> (Verdict, u8, String) {
    let verdict = Verdict::of(arms);
    (verdict, verdict.exit_code(), verdict.in_words(arms))
}

#[test]
fn none_lost_beside_a_control_that_loses_is_a_pass_with_its_bound() {
    let (verdict, code, words) = judged(&arms(Some(1_204), Some(31), Some(0)));
    assert_eq!((verdict, code), (Verdict::Pass, 0));
    assert_eq!(
        words,
        "PASS: the service lost 0 of 60,000 requests; in the same run the control lost 1,204 of \
         60,000, the usual practice 31 of 60,000. None of 60,000: below 0.0050 % at 95 % \
         confidence."
    );
}

#[test]
fn a_single_loss_fails_whatever_the_control_lost() {
    for control in [Some(0), Some(9), None] {
        let (verdict, code, words) = judged(&arms(control, None, Some(1)));
        assert_eq!((verdict, code), (Verdict::Lost, 1));
        assert!(
            words.starts_with("FAIL: the service lost 1 of 60,000 requests"),
            "{words}"
        );
    }
}

#[test]
fn a_control_that_loses_nothing_proves_nothing() {
    let (verdict, code, words) = judged(&arms(Some(0), Some(3), Some(0)));
    assert_eq!((verdict, code), (Verdict::NothingToLose, 2));
    assert!(words.starts_with("NO PROOF:"), "{words}");
}

#[test]
fn a_pod_that_was_cut_fails_the_service_even_if_no_client_saw_it() {
    let mut tallies = arms(Some(9), None, Some(0));
    tallies[1].pod_faults = 1;
    assert_eq!(judged(&tallies).0, Verdict::PodFault);
    tallies[0].pod_faults = 5;
    tallies[1].pod_faults = 0;
    assert_eq!(
        judged(&tallies).0,
        Verdict::Pass,
        "the control's exits are its own affair"
    );
}

#[test]
fn without_control_or_service_the_verdict_says_what_is_missing() {
    let (verdict, code, words) = judged(&arms(None, Some(3), Some(0)));
    assert_eq!((verdict, code), (Verdict::WithoutControl, 0));
    assert!(words.starts_with("UNPROVEN:"), "{words}");
    let (verdict, code, words) = judged(&arms(Some(5), None, None));
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
    assert_eq!(
        bound(24_014),
        "None of 24,014: below 0.013 % at 95 % confidence."
    );
    assert_eq!(
        bound(1_048_576),
        "None of 1,048,576: below 0.00029 % at 95 % confidence."
    );
    assert_eq!(bound(8), "None of 8: below 38 % at 95 % confidence.");
}
