//! What an operator may set, as the program itself takes it.

use std::process::{Command, Output};

fn check(name: &str, value: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_streaming"));
    program.arg("check").env_clear().env(name, value);
    program.output().expect("the program can be started")
}

#[test]
fn a_close_code_may_be_going_away_or_service_restart() {
    for code in ["1001", "1012"] {
        let output = check("LASTCALL__SERVICE__CLOSE_CODE", code);
        assert!(output.status.success(), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(code));
    }
}

#[test]
fn any_other_close_code_is_one_clear_error() {
    for code in [
        "1000", "1011", "1", "70000", "-1", "away", "\"1001\"", "1001.0", "[1001]",
    ] {
        let output = check("LASTCALL__SERVICE__CLOSE_CODE", code);
        assert_eq!(output.status.code(), Some(64), "{code}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in [
            "service.close_code = ",
            "LASTCALL__SERVICE__CLOSE_CODE",
            "must be 1001 (going away) or 1012 (service restart)",
        ] {
            assert!(said.contains(part), "{code}: {said}");
        }
    }
}
