use std::collections::BTreeMap;

use super::*;

fn end(cause: Cause, wait_status: i32) -> End {
    End {
        pod: 4,
        address: ([127, 5, 0, 4], 8080).into(),
        cause,
        status: Some(ExitStatus::from_raw(wait_status)),
        hook_fault: None,
        stderr: Vec::new(),
        at: tokio::time::Instant::now(),
        report: None,
    }
}

fn faults(end: End, may_die_of_sigterm: bool) -> u64 {
    let mut ledger = Ledger::default();
    enter(&mut ledger, end, may_die_of_sigterm);
    ledger.faults
}

#[test]
fn only_a_deleted_pod_with_exit_0_left_in_good_order() {
    assert_eq!(faults(end(Cause::Deleted, 0), false), 0);
    assert_eq!(faults(end(Cause::Deleted, 3 << 8), false), 1);
    assert_eq!(faults(end(Cause::Unasked, 0), false), 1);
    assert_eq!(faults(end(Cause::GraceOver, 9), false), 1);
    let hook_fault = Some("exit 1".to_owned());
    assert_eq!(
        faults(
            End {
                hook_fault,
                ..end(Cause::Deleted, 0)
            },
            false
        ),
        1
    );
}

#[test]
fn death_by_sigterm_is_a_fault_only_of_who_promises_an_exit_code() {
    assert_eq!(faults(end(Cause::Deleted, 15), false), 1);
    assert_eq!(faults(end(Cause::Deleted, 15), true), 0);
    assert_eq!(faults(end(Cause::Deleted, 143 << 8), true), 0);
    assert_eq!(faults(end(Cause::Deleted, 9), true), 1);
}

#[test]
fn faults_are_all_counted_and_a_few_described() {
    let mut ledger = Ledger::default();
    (0..50).for_each(|_| enter(&mut ledger, end(Cause::Deleted, 3 << 8), false));
    assert_eq!((ledger.faults, ledger.fault_examples.len()), (50, 10));
    assert_eq!(
        ledger.fault_examples[0].what,
        "pod 4 (127.5.0.4:8080): exit 3"
    );
    assert_eq!(ledger.exits, BTreeMap::from([("3".to_owned(), 50)]));
}
