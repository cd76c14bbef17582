//! The command line, and settings that are refused.

use std::{fs, net::TcpListener};

use crate::process::{End, Setup};

/// One line that says all of `parts`, exit code 64, and nothing done.
#[track_caller]
fn expect_refusal(end: &End, parts: &[&str]) {
    assert_eq!(
        (end.code, end.log.len(), end.out.len()),
        (Some(64), 1, 0),
        "{end:?}"
    );
    for part in parts {
        assert!(end.log[0].contains(part), "no {part:?} in: {}", end.log[0]);
    }
}

#[test]
fn bad_settings_are_refused_in_one_line_that_says_what_is_allowed() {
    let table: [(&str, &str, &[&str]); 13] = [
        (
            "drain.mni",
            "3s",
            &[
                "drain.mni",
                "LASTCALL__DRAIN__MNI",
                "ignore, jitter, max, min, patience, quiet",
            ],
        ),
        (
            "service.colour",
            "red",
            &["service.colour", "shutdown, start, streaming"],
        ),
        (
            "service.start",
            "late",
            &["service.start", "\"late\"", "hang", "block"],
        ),
        (
            "drain.min",
            "soon",
            &["drain.min", "\"soon\"", "a duration such as"],
        ),
        (
            "drain.max",
            "40s",
            &["drain.max = 40s", "grace_period = 30s", "28s"],
        ),
        (
            "http.workers",
            "-1",
            &["http.workers", "-1", "a whole number from 1"],
        ),
        (
            "lifecycle.readiness",
            "perhaps",
            &["lifecycle.readiness", "perhaps", "fail-at-drain"],
        ),
        (
            "http.address",
            "localhost",
            &["http.address", "localhost", "an IP address and a port"],
        ),
        (
            "http.keep_alive",
            "0s",
            &["http.keep_alive", "0s", "above zero"],
        ),
        (
            "http.body_rate",
            "quick",
            &["http.body_rate", "quick", "bytes per second"],
        ),
        ("grace_period", "2s", &["grace_period = 2s", "at least 3s"]),
        (
            "drain.patience",
            "29s",
            &["drain.patience = 29s", "grace_period = 30s", "28s"],
        ),
        (
            "drain.ignore",
            "[\"lb\"]",
            &["drain.ignore", "[\"lb\"]", "beginning with \"/\""],
        ),
    ];
    for (key, value, parts) in table {
        expect_refusal(&Setup::bare().set(key, value).run(&[]), parts);
    }
}

#[test]
fn a_settings_file_that_cannot_be_read_is_refused() {
    let missing = "/nowhere/to/be/found.toml";
    let parts = [missing, "No such file"];
    expect_refusal(&Setup::bare().run(&["--config", missing]), &parts);
    expect_refusal(
        &Setup::bare()
            .var("LASTCALL_CONFIG", missing)
            .run(&["check"]),
        &parts,
    );
}

#[test]
fn a_settings_file_that_is_no_toml_is_refused() {
    let name = format!("lastcall-e2e-{}-broken.toml", std::process::id());
    let file = std::env::temp_dir().join(name);
    fs::write(&file, "drain = {\n").unwrap();
    let end = Setup::bare().run(&["--config", file.to_str().unwrap()]);
    fs::remove_file(&file).unwrap();
    expect_refusal(&end, &[file.to_str().unwrap(), "not valid TOML"]);
}

#[test]
fn an_address_in_use_is_71_and_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    for key in ["http.address", "admin.address"] {
        let end = Setup::new().set(key, &taken).run(&[]);
        assert_eq!(end.code, Some(71), "{end:?}");
        let errors: Vec<_> = end
            .log
            .iter()
            .filter(|line| line.contains("ERROR"))
            .collect();
        assert_eq!(errors.len(), 1, "{end:?}");
        for part in [key, &taken, "in use"] {
            assert!(errors[0].contains(part), "no {part:?} in: {}", errors[0]);
        }
    }
}

#[test]
fn check_prints_settings_and_budget() {
    let end = Setup::bare().set("drain.min", "5s").run(&["check"]);
    assert_eq!((end.code, end.log.len()), (Some(0), 0), "{end:?}");
    let text = end.out.join("\n");
    for part in [
        "min = \"5s\"  # LASTCALL__DRAIN__MIN",
        "keep_alive = \"75s\"",
        "body_timeout = \"30s\"",
        "patience = \"21s\"  # from grace_period",
        "28s",
        "start =",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[test]
fn a_misspelt_variable_is_told_by_check_and_by_the_service() {
    let words = ["LASTCALL_HTTP__ADRESS", "LASTCALL__HTTP__ADDRESS"];
    let misspelt = |setup: Setup| setup.var(words[0], "x").var("LASTCALL_SERVICE_HOST", "x");
    let expect = |log: &[String]| {
        let told = log
            .iter()
            .filter(|line| words.iter().all(|word| line.contains(word)));
        assert_eq!(told.count(), 1, "{log:?}");
        assert!(
            !log.iter()
                .any(|line| line.contains("LASTCALL_SERVICE_HOST"))
        );
    };
    let end = misspelt(Setup::bare()).run(&["check"]);
    assert_eq!((end.code, end.log.len()), (Some(0), 1), "{end:?}");
    expect(&end.log);
    expect(&misspelt(Setup::new()).serve().stop().end.log);
    let healthcheck = misspelt(Setup::bare().set("admin.address", "127.0.0.1:1"));
    assert_eq!(
        healthcheck.run(&["healthcheck"]).log.len(),
        1,
        "the error alone"
    );
}

#[test]
fn check_refuses_what_serving_would_refuse() {
    let end = Setup::bare().set("drain.max", "40s").run(&["check"]);
    assert_eq!(end.code, Some(64));
    assert!(end.logged("drain.max = 40s"), "{end:?}");
}

#[test]
fn help_and_version_are_answered() {
    let help = Setup::bare().run(&["--help"]);
    assert_eq!((help.code, help.log.len()), (Some(0), 0));
    let text = help.out.join("\n");
    for part in [
        "prestop",
        "healthcheck",
        "check",
        "--config",
        "LASTCALL_CONFIG",
        "Exit codes",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    let version = Setup::bare().run(&["--version"]);
    let expected = format!("unruly {}", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.code, version.out), (Some(0), vec![expected]));
}

#[test]
fn a_wrong_command_line_is_64() {
    let end = Setup::bare().run(&["--conifg", "x"]);
    assert_eq!((end.code, end.out.len()), (Some(64), 0));
    assert!(end.logged("--conifg"), "{end:?}");
}
