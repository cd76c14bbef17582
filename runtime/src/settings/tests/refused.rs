//! What is refused, and the one line that says so.

use super::*;

/// The one line for a bad variable.
fn refusal(name: &str, value: &str) -> String {
    one_line(from_env(&[(name, value)]).unwrap_err())
}

/// The one line for a bad file, which is called FILE in it.
fn file_refusal(text: impl AsRef<[u8]>) -> String {
    let file = TempFile::new(text);
    let error = load::<Service>(Some(&file.0), [("PATH", "/bin")]).unwrap_err();
    one_line(error).replace(file.0.to_str().unwrap(), "FILE")
}

#[test]
fn a_bad_value_is_told_with_its_key_its_origin_and_what_is_allowed() {
    for (name, value, told) in [
        (
            "LASTCALL__DRAIN__MIN",
            "soon",
            r#"drain.min = "soon" (LASTCALL__DRAIN__MIN): must be a duration such as "3s" or "500ms""#,
        ),
        (
            "LASTCALL__HTTP__WORKERS",
            "-1",
            "http.workers = -1 (LASTCALL__HTTP__WORKERS): must be a whole number from 1 to 1024",
        ),
        (
            "LASTCALL__LIFECYCLE__READINESS",
            "perhaps",
            "lifecycle.readiness = \"perhaps\" (LASTCALL__LIFECYCLE__READINESS): \
             must be \"serving\" or \"fail-at-drain\"",
        ),
        (
            "LASTCALL__LOG__FORMAT",
            "xml",
            "log.format = \"xml\" (LASTCALL__LOG__FORMAT): \
             must be one of \"auto\", \"text\", \"json\"",
        ),
        (
            "LASTCALL__LOG__LEVEL",
            "info,sqlx=wran",
            "log.level = \"info,sqlx=wran\" (LASTCALL__LOG__LEVEL): must be off, error, warn, info \
             or debug, and for targets by name a list such as \"info,sqlx=warn\"",
        ),
        (
            "LASTCALL__HTTP__ADDRESS",
            "localhost:80",
            "http.address = \"localhost:80\" (LASTCALL__HTTP__ADDRESS): must be an IP address and \
             a port, such as \"0.0.0.0:8080\" or \"[::]:8080\", or the path of a Unix socket, such as \
             \"unix:/run/app.sock\"",
        ),
        (
            "LASTCALL__HTTP__ADDRESS",
            "unix:@app",
            "http.address = \"unix:@app\" (LASTCALL__HTTP__ADDRESS): must be the path of a file, such \
             as \"unix:/run/app.sock\": abstract sockets are not served",
        ),
        (
            "LASTCALL__ADMIN__ADDRESS",
            "unix:/run/app.sock",
            "admin.address = \"unix:/run/app.sock\" (LASTCALL__ADMIN__ADDRESS): must be an IP address \
             and a port, such as \"0.0.0.0:8080\" or \"[::]:8080\"",
        ),
        (
            "LASTCALL__HTTP__KEEP_ALIVE",
            "0s",
            "http.keep_alive = \"0s\" (LASTCALL__HTTP__KEEP_ALIVE): \
             must be above zero: a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "LASTCALL__HTTP__BODY_TIMEOUT",
            "0s",
            "http.body_timeout = \"0s\" (LASTCALL__HTTP__BODY_TIMEOUT): \
             must be above zero: a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "LASTCALL__HTTP__BODY_TIMEOUT",
            "2years",
            "http.body_timeout = \"2years\" (LASTCALL__HTTP__BODY_TIMEOUT): \
             must be a duration of at most 365 days",
        ),
        (
            "LASTCALL__HTTP__BODY_RATE",
            "fast",
            "http.body_rate = \"fast\" (LASTCALL__HTTP__BODY_RATE): \
             must be above zero: bytes per second, such as 500 or \"1KiB\"",
        ),
        (
            "LASTCALL__HTTP__BODY_RATE",
            "0",
            "http.body_rate = 0 (LASTCALL__HTTP__BODY_RATE): \
             must be above zero: bytes per second, such as 500 or \"1KiB\"",
        ),
        (
            "LASTCALL__LIFECYCLE__LIVE_WITHIN",
            "0s",
            "lifecycle.live_within = \"0s\" (LASTCALL__LIFECYCLE__LIVE_WITHIN): \
             must be above zero: a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "LASTCALL__HTTP__HALF_CLOSE",
            "no",
            "http.half_close = \"no\" (LASTCALL__HTTP__HALF_CLOSE): must be true or false",
        ),
        (
            "LASTCALL__DRAIN__PATIENCE",
            "long",
            "drain.patience = \"long\" (LASTCALL__DRAIN__PATIENCE): \
             must be a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "LASTCALL__DRAIN__IGNORE",
            "/lb",
            "drain.ignore = \"/lb\" (LASTCALL__DRAIN__IGNORE): \
             must be a list of paths, each beginning with \"/\", such as [\"/health\"]",
        ),
        (
            "LASTCALL__DRAIN__IGNORE",
            r#"["/lb","health"]"#,
            "drain.ignore = [\"/lb\",\"health\"] (LASTCALL__DRAIN__IGNORE): \
             must be a list of paths, each beginning with \"/\", such as [\"/health\"]",
        ),
        (
            "LASTCALL__DRAIN__IGNORE",
            r#"["/lb?x"]"#,
            "drain.ignore = [\"/lb?x\"] (LASTCALL__DRAIN__IGNORE): \
             must be a list of paths, each beginning with \"/\", such as [\"/health\"]",
        ),
        (
            "LASTCALL__GRACE_PERIOD",
            "30",
            "grace_period = 30 (LASTCALL__GRACE_PERIOD): \
             must be a duration such as \"3s\" or \"500ms\"",
        ),
        (
            "LASTCALL__DRAIN__MAX",
            "100years",
            "drain.max = \"100years\" (LASTCALL__DRAIN__MAX): \
             must be a duration of at most 365 days",
        ),
        (
            "LASTCALL__DRAIN",
            "5s",
            "drain = \"5s\" (LASTCALL__DRAIN): must be a group of settings",
        ),
    ] {
        assert_eq!(refusal(name, value), told);
    }
}

#[test]
fn a_services_own_settings_are_told_as_well() {
    for (name, value, told) in [
        (
            "LIMIT",
            "70000",
            "limit = 70000 (…): must be a whole number from 0 to 65535",
        ),
        (
            "LIMIT",
            "many",
            "limit = \"many\" (…): must be a whole number from 0 to 65535",
        ),
        (
            "ENABLED",
            "yes",
            "enabled = \"yes\" (…): must be true or false",
        ),
        ("RATIO", "half", "ratio = \"half\" (…): must be a number"),
        (
            "DELAY",
            "soon",
            r#"delay = "soon" (…): must be a duration such as "3s" or "500ms""#,
        ),
        (
            "PORT",
            "ssh",
            "port = \"ssh\" (…): must be a whole number from 0 to 65535",
        ),
        (
            "MODE",
            "Slow",
            "mode = \"Slow\" (…): must be \"Fast\" or \"Safe\"",
        ),
        (
            "HOSTS",
            "a",
            "hosts = \"a\" (…): must be a list such as [\"a\", \"b\"]",
        ),
        ("TLS", "on", "tls = \"on\" (…): must be a group of settings"),
    ] {
        let name = format!("LASTCALL__SERVICE__{name}");
        assert_eq!(
            refusal(&name, value).replace(&name, "…"),
            format!("service.{told}")
        );
    }
}

#[test]
fn numbers_and_texts_of_a_file_are_not_bent_into_each_other() {
    for (text, told) in [
        (
            "http.workers = true",
            "http.workers = true (FILE): must be a whole number from 1 to 1024",
        ),
        (
            "http.workers = 2.7",
            "http.workers = 2.7 (FILE): must be a whole number from 1 to 1024",
        ),
        (
            "http.workers = \"2\"",
            "http.workers = \"2\" (FILE): must be a whole number from 1 to 1024",
        ),
        (
            "http.backlog = 65536",
            "http.backlog = 65536 (FILE): must be a whole number from 1 to 65535",
        ),
        (
            "service.greeting = 1",
            "service.greeting = 1 (FILE): must be a string",
        ),
        (
            "service.hosts = [\"a\", 1]",
            "service.hosts[1] = 1 (FILE): must be a string",
        ),
        (
            "service.tls = {}",
            "service.tls = {} (FILE): missing field `cert`",
        ),
    ] {
        assert_eq!(file_refusal(text), told);
    }
}

#[test]
fn an_unknown_key_is_told_with_its_origin_and_its_neighbours() {
    assert_eq!(
        refusal("LASTCALL__DRAIN__MNI", "5s"),
        "unknown setting drain.mni (LASTCALL__DRAIN__MNI): \
         must be one of ignore, jitter, max, min, patience, quiet"
    );
    let told = file_refusal("[drian]\nmin = \"5s\"");
    let known = "admin, checks, drain, grace_period, http, lifecycle, log, service";
    let known = format!("unknown setting drian (FILE): must be one of {known}");
    // Behind them, `telemetry` where there are traces.
    assert!(told.starts_with(&known), "{told}");
    let told = refusal("LASTCALL__SERVICE__GREETNIG", "Hi");
    assert!(told.starts_with("unknown setting service.greetnig (LASTCALL__SERVICE__GREETNIG): "));
    assert!(
        told.contains("greeting, ") && told.contains("port, "),
        "{told}"
    );
    let told = file_refusal("[service.tls]\ncert = \"pem\"\nkey = \"pem\"");
    assert_eq!(told, "unknown setting service.tls.key (FILE)");
}

#[test]
fn a_value_for_a_group_is_refused_even_beside_its_members() {
    let variables = [("LASTCALL__DRAIN", "5s"), ("LASTCALL__DRAIN__MIN", "5s")];
    let told = one_line(from_env(&variables).unwrap_err());
    assert_eq!(
        told,
        "drain = \"5s\" (LASTCALL__DRAIN): must be a group of settings"
    );
}

#[test]
fn a_file_that_cannot_be_read_or_parsed_is_named() {
    let missing = load::<Service>(Some("no/such/file.toml".as_ref()), [("A", "b")]).unwrap_err();
    let told = one_line(missing);
    assert!(
        told.starts_with("cannot read the settings file no/such/file.toml: "),
        "{told}"
    );
    let told = file_refusal("[drain]\nmin = soon\n");
    assert!(
        told.starts_with("the settings file FILE is not valid TOML: line 2, column 7: "),
        "{told}"
    );
    let told = file_refusal(b"service.greeting = \"\xff\"");
    assert!(
        told.starts_with("cannot read the settings file FILE: "),
        "{told}"
    );
}

#[cfg(unix)]
#[test]
fn a_variable_must_be_text_if_it_is_ours() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt;
    let bytes = || OsString::from_vec(vec![b'H', 0xff]);
    assert!(load::<Service>(None, [("OTHER", bytes())]).is_ok());
    let error = load::<Service>(None, [("LASTCALL__SERVICE__GREETING", bytes())]).unwrap_err();
    assert_eq!(
        one_line(error),
        r#"service.greeting = "H\xFF" (LASTCALL__SERVICE__GREETING): must be UTF-8 text"#
    );
}

#[test]
fn a_long_value_is_cut_short() {
    let told = refusal("LASTCALL__DRAIN__MIN", &"ä".repeat(1_000));
    assert!(told.contains("ää…") && told.chars().count() < 200, "{told}");
}

#[test]
fn the_two_listeners_cannot_share_a_port_but_may_each_take_a_free_one() {
    let load = |http, admin| {
        from_env(&[
            ("LASTCALL__HTTP__ADDRESS", http),
            ("LASTCALL__ADMIN__ADDRESS", admin),
        ])
    };
    assert_eq!(
        one_line(load("127.0.0.1:80", "127.0.0.1:80").unwrap_err()),
        "http.address = \"127.0.0.1:80\" and admin.address = \"127.0.0.1:80\": \
         must be two different ports"
    );
    assert!(load("0.0.0.0:80", "127.0.0.1:80").is_err());
    assert!(load("127.0.0.1:80", "127.0.0.2:80").is_ok());
    assert!(load("127.0.0.1:0", "127.0.0.1:0").is_ok());
}

/// A program without the feature has no such settings, rather than such as do nothing.
#[cfg(not(feature = "otlp"))]
#[test]
fn traces_cannot_be_asked_for_where_there_are_none() {
    let error = from_env(&[("LASTCALL__TELEMETRY__SAMPLE", "1")]).unwrap_err();
    assert!(
        error.to_string().starts_with("unknown setting telemetry"),
        "{error}"
    );
}

#[cfg(feature = "otlp")]
#[test]
fn a_collector_is_named_by_its_url_and_a_share_is_a_part_of_one() {
    for (variable, value, told) in [
        (
            "LASTCALL__TELEMETRY__OTLP_ENDPOINT",
            "collector:4318",
            "must be the URL of a collector, without TLS, such as \"http://collector:4318\"",
        ),
        (
            "LASTCALL__TELEMETRY__OTLP_ENDPOINT",
            "https://collector:4318",
            "must be the URL of a collector, without TLS, such as \"http://collector:4318\"",
        ),
        (
            "LASTCALL__TELEMETRY__SAMPLE",
            "1.5",
            "must be a number from 0 to 1, such as 0.01",
        ),
    ] {
        let error = from_env(&[(variable, value)]).unwrap_err().to_string();
        assert!(error.ends_with(told), "{error}");
    }
    let share = from_env(&[("LASTCALL__TELEMETRY__SAMPLE", "0.25")]).unwrap();
    assert_eq!(share.settings.telemetry.sample, Some(0.25));
}
