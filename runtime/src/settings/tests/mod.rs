//! What operators write, and what they are told.

mod author;
mod mounted;
mod refused;
mod secrets;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::*;
use crate::exit::Exit;

/// All kinds of settings that a service may have.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Service {
    greeting: String,
    #[serde(with = "humantime_serde")]
    delay: Duration,
    limit: u16,
    ratio: f64,
    enabled: bool,
    hosts: Vec<String>,
    labels: HashMap<String, String>,
    port: Option<u16>,
    name: Option<String>,
    tls: Option<Tls>,
    mode: Mode,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Tls {
    cert: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Mode {
    Fast,
    Safe,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            greeting: "Hello".to_owned(),
            delay: Duration::from_secs(1),
            limit: 10,
            ratio: 0.5,
            enabled: false,
            hosts: Vec::new(),
            labels: HashMap::new(),
            port: None,
            name: None,
            tls: None,
            mode: Mode::Fast,
        }
    }
}

/// A settings file that is gone at the end of the test.
struct TempFile(PathBuf);

impl TempFile {
    fn new(text: impl AsRef<[u8]>) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lastcall-settings-{}-{count}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn from_env(variables: &[(&str, &str)]) -> Result<Loaded<Service>, SettingsError> {
    load(None, variables.iter().copied())
}

fn from_file(text: &str) -> Result<Loaded<Service>, SettingsError> {
    load(Some(&TempFile::new(text).0), [("PATH", "/bin")])
}

fn one_line(error: SettingsError) -> String {
    assert_eq!(error.exit(), Exit::Usage);
    let line = error.to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

#[test]
fn the_defaults_are_those_of_the_design() {
    let loaded = from_env(&[]).unwrap();
    let Effective {
        http,
        admin,
        grace_period,
        drain,
        lifecycle,
        checks,
        log,
        service,
        ..
    } = loaded.settings;
    assert_eq!(http.address.to_string(), "0.0.0.0:8080");
    let seconds =
        [http.keep_alive, http.head_timeout, http.body_timeout].map(|time| time.as_secs());
    assert_eq!(seconds, [75, 5, 30]);
    assert_eq!((http.body_rate, http.half_close), (None, true));
    assert_eq!((http.request_id, log.access), (None, Access::Off));
    assert!((1..=1_024).contains(&http.workers));
    assert_eq!((http.backlog, http.max_connections), (4_096, 10_000));
    assert_eq!(admin.address.to_string(), "0.0.0.0:9090");
    assert_eq!(grace_period.as_secs(), 30);
    let seconds = [drain.min, drain.quiet, drain.max, drain.jitter].map(|time| time.as_secs());
    assert_eq!(seconds, [5, 1, 15, 1]);
    assert_eq!((drain.patience.as_secs(), drain.ignore), (21, Vec::new()));
    assert_eq!(lifecycle.readiness, Readiness::Serving);
    assert_eq!(lifecycle.live_within, None);
    assert_eq!(lifecycle.background_failure, BackgroundFailure::Drain);
    assert_eq!((http.request_timeout, http.blocking_threads), (None, 512));
    assert_eq!(http.max_connection_age, None);
    let seconds = [checks.interval, checks.timeout].map(|time| time.as_secs());
    assert_eq!(seconds, [5, 1]);
    assert_eq!((checks.failure_threshold, checks.success_threshold), (3, 1));
    assert_eq!(
        (log.format, log.level),
        (LogFormat::Auto, Levels::default())
    );
    assert_eq!(service.greeting, "Hello");
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let file = TempFile::new("[drain]\nmin = \"4s\"\nquiet = \"2s\"\n[service]\nlimit = 5\n");
    let loaded = load::<Service>(Some(&file.0), [("LASTCALL__DRAIN__MIN", "5s")]).unwrap();
    let drain = &loaded.settings.drain;
    assert_eq!(
        [drain.min, drain.quiet, drain.max].map(|time| time.as_secs()),
        [5, 2, 15]
    );
    assert_eq!(loaded.settings.service.limit, 5);
    assert_eq!(loaded.settings.service.greeting, "Hello");
    assert_eq!(
        loaded.origin("drain.min"),
        Origin::Variable("LASTCALL__DRAIN__MIN".into())
    );
    assert_eq!(loaded.origin("drain.quiet"), Origin::File(file.0.clone()));
    assert_eq!(loaded.origin("drain.max"), Origin::GracePeriod);
    assert_eq!(loaded.origin("grace_period"), Origin::Default);
}

#[test]
fn other_variables_are_none_of_our_business() {
    let foreign = [
        ("LASTCALL_CONFIG", "x"),
        ("LASTCALL_SABOTAGE", "no-fence"),
        ("LASTCALL_SERVICE_HOST", "10.0.0.1"),
        ("lastcall__drain__min", "soon"),
    ];
    assert!(from_env(&foreign).is_ok());
}

#[test]
fn a_variable_takes_the_type_of_its_setting() {
    let service = from_env(&[
        ("LASTCALL__SERVICE__LIMIT", "99"),
        ("LASTCALL__SERVICE__RATIO", "2"),
        ("LASTCALL__SERVICE__ENABLED", "true"),
        ("LASTCALL__SERVICE__DELAY", "250ms"),
        ("LASTCALL__SERVICE__PORT", "8443"),
        ("LASTCALL__SERVICE__NAME", "7"),
        ("LASTCALL__SERVICE__MODE", "Safe"),
        ("LASTCALL__SERVICE__HOSTS", r#"["a", "b"]"#),
        ("LASTCALL__SERVICE__LABELS__TIER", "1"),
        ("LASTCALL__SERVICE__TLS__CERT", "pem"),
    ])
    .unwrap()
    .settings
    .service;
    assert_eq!(
        (service.limit, service.ratio, service.enabled),
        (99, 2.0, true)
    );
    assert_eq!(service.delay, Duration::from_millis(250));
    assert_eq!(
        (service.port, service.name.as_deref()),
        (Some(8443), Some("7"))
    );
    assert_eq!(service.mode, Mode::Safe);
    assert_eq!(service.hosts, ["a", "b"]);
    assert_eq!(service.labels["tier"], "1");
    assert_eq!(service.tls.unwrap().cert, "pem");
}

#[test]
fn the_runtimes_own_lists_rates_and_optional_durations_can_be_set_either_way() {
    let variables = [
        ("LASTCALL__DRAIN__IGNORE", r#"["/lb", "/"]"#),
        ("LASTCALL__HTTP__BODY_RATE", "1KiB"),
        ("LASTCALL__HTTP__HALF_CLOSE", "false"),
        ("LASTCALL__LIFECYCLE__LIVE_WITHIN", "20s"),
    ];
    let file = "drain.ignore = [\"/lb\", \"/\"]\nhttp.body_rate = 1024\n\
                http.half_close = false\nlifecycle.live_within = \"20s\"";
    let number = from_env(&[("LASTCALL__HTTP__BODY_RATE", "1024")]).unwrap();
    for loaded in [from_env(&variables).unwrap(), from_file(file).unwrap()] {
        let Effective {
            http,
            drain,
            lifecycle,
            ..
        } = loaded.settings;
        assert_eq!(drain.ignore, ["/lb", "/"]);
        assert!(http.body_rate.is_some() && !http.half_close);
        assert_eq!(http.body_rate, number.settings.http.body_rate);
        assert_eq!(lifecycle.live_within, Some(Duration::from_secs(20)));
    }
}

#[test]
fn a_text_stays_a_text_whatever_it_looks_like() {
    for greeting in [
        "123",
        "true",
        "",
        " ",
        "null",
        "[1]",
        "\"quoted\"",
        "a.b__c",
        "1e3",
    ] {
        let loaded = from_env(&[("LASTCALL__SERVICE__GREETING", greeting)]).unwrap();
        assert_eq!(loaded.settings.service.greeting, greeting);
    }
}

#[test]
fn the_limits_themselves_are_allowed() {
    let http = from_file(
        "http = { workers = 1024, backlog = 65535, max_connections = 1000000 }\n\
         drain = { min = \"0s\", quiet = \"0s\", max = \"0s\", jitter = \"0s\" }",
    );
    assert_eq!(http.unwrap().settings.http.workers, 1_024);
}

#[test]
fn a_service_may_have_no_settings_of_its_own() {
    assert!(load::<()>(None, [("LASTCALL__DRAIN__MIN", "1s")]).is_ok());
    let told = one_line(load::<()>(None, [("LASTCALL__SERVICE__X", "1")]).unwrap_err());
    assert_eq!(
        told,
        "service = {\"x\":\"1\"} (LASTCALL__SERVICE__X): \
         must be absent: this service has no settings of its own"
    );
}

#[test]
fn defaults_that_are_no_settings_are_the_authors_mistake() {
    #[derive(Debug, Serialize, Deserialize, Default)]
    struct Broken {
        #[serde(skip_serializing)]
        #[allow(dead_code)]
        forgotten: String,
    }
    let error = load::<Broken>(None, [("A", "b")]).unwrap_err();
    assert_eq!(error.exit(), Exit::Software);
    assert!(error.to_string().contains("forgotten"), "{error}");
}
