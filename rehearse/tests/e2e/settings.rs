//! What a service demands of its settings and says of them, and its own subcommands
//! (`examples/demanding`).

use std::{
    env, fs,
    path::PathBuf,
    process,
    sync::atomic::{AtomicU32, Ordering},
};

use crate::process::{End, Setup, Signal, own_ip};

const TOKEN: &str = "c0rrect-h0rse";

/// A file as Kubernetes mounts a secret, gone at the end of the test.
struct Mounted(PathBuf);

impl Mounted {
    fn new(text: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("lastcall-e2e-{}-{next}.secret", process::id()));
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn bare() -> Setup {
    Setup::bare_of("demanding")
}

/// All that it demands, and no lame duck.
fn satisfied() -> Setup {
    let address = format!("{}:0", own_ip());
    let setup = bare()
        .set("http.address", &address)
        .set("admin.address", &address)
        .set("service.database", "sqlite::memory:")
        .set("service.token", TOKEN);
    ["min", "quiet", "max", "jitter", "patience"]
        .iter()
        .fold(setup, |setup, key| setup.set(&format!("drain.{key}"), "0s"))
}

/// Nothing was done, and one line says why.
#[track_caller]
fn expect_refusal(end: &End, code: i32, line: &str) {
    assert_eq!(
        (end.code, end.log.as_slice()),
        (Some(code), &[format!("error: {line}")][..])
    );
}

#[test]
fn what_is_required_and_not_set_is_64_and_all_of_it_is_named() {
    let line = "must be set: service.database (LASTCALL__SERVICE__DATABASE), \
                service.token (LASTCALL__SERVICE__TOKEN)";
    for arguments in [&[][..], &["serve"], &["check"], &["migrate"]] {
        let end = bare().run(arguments);
        expect_refusal(&end, 64, line);
        let printed = arguments == ["check"];
        let shown = end.out.iter().any(|line| line == "# database is not set");
        assert_eq!(shown, printed, "{end:?}");
    }
}

#[test]
fn probes_need_none_of_the_services_own_settings() {
    let service = satisfied().serve();
    let admin = service.admin.to_string();
    let probe = || {
        bare()
            .set("admin.address", &admin)
            .set("service.pin", "many")
            .set("service.token_file", "/no/such/file")
    };
    assert_eq!(probe().run(&["healthcheck"]).code, Some(0));
    assert_eq!(probe().run(&["prestop"]).code, Some(0));
    assert_eq!(service.stop().report["cause"], "prestop");
}

#[test]
fn a_secret_is_shown_to_code_alone() {
    let mounted = Mounted::new("c0rrect-h0rse\n");
    let by_file = || {
        bare()
            .set("service.database", "sqlite::memory:")
            .set("service.token_file", mounted.0.to_str().unwrap())
    };
    let check = by_file().run(&["check"]);
    assert_eq!((check.code, check.log.len()), (Some(0), 0), "{check:?}");
    for line in [
        "token = \"***\"  # LASTCALL__SERVICE__TOKEN_FILE",
        "pin = \"***\"",
        "keep_alive = \"10s\"  # set by the program",
    ] {
        assert!(
            check.out.iter().any(|told| told == line),
            "no {line} in {check:?}"
        );
    }
    let migrate = by_file().run(&["migrate"]);
    assert_eq!(migrate.code, Some(0));
    assert_eq!(migrate.out, [format!("sqlite::memory: {TOKEN} 4711")]);
    let logged = migrate.events("migrating");
    let settings = logged[0]["settings"].as_str().unwrap();
    assert!(settings.contains("token: ***, pin: ***"), "{settings}");

    let serving = satisfied().serve();
    assert_eq!(serving.get("/").text(), "sqlite::memory:");
    let log = serving.stop().end.log.join("\n");
    assert!(
        log.contains("an application is made") && !log.contains(TOKEN),
        "{log}"
    );
}

#[test]
fn a_bad_secret_is_refused_without_its_value() {
    let line = "service.pin = *** (LASTCALL__SERVICE__PIN): \
                must be a whole number from 0 to 65535";
    for arguments in [&[][..], &["check"], &["migrate"]] {
        let end = satisfied().set("service.pin", "hunter2").run(arguments);
        expect_refusal(&end, 64, line);
    }
}

#[test]
fn a_file_that_cannot_be_read_is_64_and_named_with_its_variable() {
    let missing = bare().set("service.token_file", "/no/such/file");
    expect_refusal(
        &missing.run(&[]),
        64,
        "LASTCALL__SERVICE__TOKEN_FILE = /no/such/file: cannot read the file: \
         No such file or directory (os error 2)",
    );
    let twice = satisfied().set("service.token_file", "/no/such/file");
    expect_refusal(
        &twice.run(&["check"]),
        64,
        "LASTCALL__SERVICE__TOKEN and LASTCALL__SERVICE__TOKEN_FILE are both set: \
         must be only one of them",
    );
}

#[test]
fn what_the_author_finds_invalid_is_64() {
    for arguments in [&[][..], &["check"], &["migrate"]] {
        let end = satisfied().set("service.low", "11").run(arguments);
        let line = "service.low = 11 (LASTCALL__SERVICE__LOW): must be at most service.high";
        expect_refusal(&end, 64, line);
    }
}

#[test]
fn an_authors_own_mistakes_are_70() {
    for (key, line) in [
        (
            "http.head_timeout",
            "http.head_timeout = \"soon\" (set by the program): \
             must be a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "drain.mni",
            "unknown setting drain.mni (set by the program): \
             must be one of ignore, jitter, max, min, patience, quiet",
        ),
    ] {
        expect_refusal(&satisfied().var("DEFAULT", key).run(&["check"]), 70, line);
        expect_refusal(&satisfied().var("DEFAULT", key).run(&[]), 70, line);
    }
    for (name, problem) in [
        ("check", "every service has one of this name"),
        ("migrate", "there are two of this name"),
    ] {
        let line = format!("the subcommand {name:?}: {problem}");
        for arguments in [&[][..], &["--help"]] {
            let end = satisfied().var("SUBCOMMAND", name).run(arguments);
            expect_refusal(&end, 70, &line);
        }
    }
}

#[test]
fn a_subcommand_is_in_the_help_and_its_failure_is_69() {
    let help = bare().run(&["--help"]);
    assert_eq!(help.code, Some(0));
    let words = ["migrate", "Prints what only code may see"];
    let line = |line: &String| words.iter().all(|word| line.contains(word));
    assert!(help.out.iter().any(line), "{help:?}");

    let failed = satisfied().run(&["fail"]);
    assert_eq!((failed.code, failed.out.len()), (Some(69), 0));
    let told = failed.events("fail failed");
    assert_eq!(told[0]["error"], "no schema: the disk is full");

    let panicked = satisfied().run(&["panic"]);
    assert_eq!(panicked.code, Some(70));
    assert_eq!(panicked.events("panic: out of order").len(), 1);
}

#[test]
fn a_signal_ends_a_subcommand_though_it_blocks() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let process = satisfied().spawn_with(&["block"]);
        process.log.wait_for("blocked");
        process.signal(signal);
        let end = process.end();
        assert_eq!(end.code, Some(1), "{end:?}");
        assert_eq!(end.events("block was ended by a signal").len(), 1);
    }
}
