//! What a service will go by: its environment, its file, its own word.

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use super::super::settings::{Answer, check as run_check};
use super::{Environment, Findings, NOTHING, Source, check, each, in_file, with_variable};

#[test]
fn what_the_service_says_against_its_settings_is_a_finding() {
    let found = in_file(&with_variable("{name: LASTCALL__DRAIN__MAX, value: 40s}"));
    assert_eq!(
        found,
        ["hello.yaml: Deployment hello: drain.max = 40s does not fit"]
    );
}

#[test]
fn the_container_that_runs_the_service_must_be_there() {
    let finding = "containers: must have one with the name service";
    each(
        "Deployment hello",
        &[("- name: service", "- name: app", finding)],
    );
}

#[test]
fn settings_that_cannot_be_seen_are_refused() {
    each(
        "Deployment hello",
        &[
            (
                "value: 30s",
                "valueFrom: {secretKeyRef: {name: a, key: b}}",
                "LASTCALL__GRACE_PERIOD by valueFrom: cannot be checked: give its value",
            ),
            (
                "name: LASTCALL__GRACE_PERIOD\n              value: 30s",
                "name: LASTCALL__GRACE_PERIOD_FILE\n              value: /etc/grace",
                "LASTCALL__GRACE_PERIOD_FILE by a file: cannot be checked: give its value",
            ),
            (
                "env:",
                "envFrom: [{configMapRef: {name: a}}]\n          env:",
                "envFrom: could set anything: name each variable in env",
            ),
            (
                "          env:",
                "          args: [--config=/a]\n          env:",
                "args = --config=/a: preStop does not see arguments: set LASTCALL_CONFIG in env",
            ),
        ],
    );
    let found = in_file(&with_variable(
        "{name: LASTCALL_CONFIG, value: /etc/hello/no.toml}",
    ));
    let finding = "LASTCALL_CONFIG = /etc/hello/no.toml: is in no ConfigMap that is mounted here";
    assert_eq!(found, [format!("hello.yaml: Deployment hello: {finding}")]);
}

#[test]
fn a_services_secrets_are_its_own() {
    let token = "{name: LASTCALL__SERVICE__TOKEN, valueFrom: {secretKeyRef: {name: a, key: b}}}";
    assert_eq!(in_file(&with_variable(token)), NOTHING);
}

#[test]
fn what_is_in_a_secret_is_not_missing() {
    const BOTH: &str = "must be set: service.token (LASTCALL__SERVICE__TOKEN), \
                        service.url (LASTCALL__SERVICE__URL)";
    let check = |name: &str, environment: &Environment| {
        let own = |name: &String| name.starts_with("LASTCALL__SERVICE__");
        assert!(!environment.variables.keys().any(own), "no file is here");
        let problems = vec![BOTH.to_owned()];
        check(name, environment).map(|answer| Answer { problems, ..answer })
    };
    let found = |yaml: &str| {
        let mut findings = Findings::default();
        let source = Source::parse("hello.yaml", false, yaml).unwrap();
        super::super::examine(&[source], &check, &mut findings).unwrap();
        let found = findings.all.into_iter();
        found.map(|finding| finding.problem).collect::<Vec<_>>()
    };
    let url = "{name: LASTCALL__SERVICE__URL, valueFrom: {secretKeyRef: {name: a, key: b}}}";
    let token = "{name: LASTCALL__SERVICE__TOKEN_FILE, value: /run/secrets/token}";
    let one = "must be set: service.token (LASTCALL__SERVICE__TOKEN)";
    assert_eq!(found(super::GOOD), [BOTH]);
    assert_eq!(found(&with_variable(url)), [one]);
    let both = format!("{url}\n            - {token}");
    assert_eq!(found(&with_variable(&both)), NOTHING);
}

#[test]
fn the_service_checks_its_environment_and_its_settings_file() {
    let checked = RefCell::new(Vec::new());
    let yaml = with_variable("{name: LASTCALL_CONFIG, value: /etc/hello/settings.toml}");
    let source = Source::parse("hello.yaml", false, &yaml).unwrap();
    let check = |service: &str, environment: &Environment| {
        checked
            .borrow_mut()
            .push((service.to_owned(), environment.clone()));
        check(service, environment)
    };
    super::super::examine(&[source], &check, &mut Findings::default()).unwrap();
    let file = ("/etc/hello/settings.toml", "grace_period = \"30s\"\n");
    let environment = Environment {
        variables: [("LASTCALL__GRACE_PERIOD".to_owned(), "30s".to_owned())].into(),
        file: Some((file.0.to_owned(), file.1.to_owned())),
    };
    assert_eq!(*checked.borrow(), [("hello".to_owned(), environment)]);
}

/// What a fixture, a script, answers. (One written here and now could not be run while another
/// test's child has it open.)
fn answer(script: &str, environment: &Environment) -> anyhow::Result<Answer> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/fixtures");
    run_check(&folder.join(script), environment)
}

#[test]
fn a_service_is_believed() {
    let environment = Environment {
        variables: [("LASTCALL__GRACE_PERIOD".to_owned(), "42s".to_owned())].into(),
        file: None,
    };
    let answer = answer("believed", &environment).unwrap();
    // It would start, but there is something to be mended all the same.
    assert_eq!(
        answer.problems,
        ["the variable LASTCALL_DRAIN__MIN sets nothing"]
    );
    let settings = answer.settings.unwrap();
    assert_eq!(settings.grace_period, Duration::from_secs(42));
    assert_eq!(
        (settings.http.address.port(), settings.admin.address.port()),
        (80, 90)
    );
}

#[test]
fn a_settings_file_is_handed_over_and_called_by_its_name_in_the_pod() {
    let environment = Environment {
        file: Some(("/etc/a.toml".to_owned(), "x = 1\n".to_owned())),
        ..Environment::default()
    };
    let answer = answer("refused", &environment).unwrap();
    assert_eq!(answer.problems, ["/etc/a.toml: x = 1"]);
    assert!(answer.settings.is_none());
}

#[test]
fn a_service_that_says_nothing_of_use_cannot_be_linted() {
    for script in ["silent", "broken"] {
        assert!(answer(script, &Environment::default()).is_err(), "{script}");
    }
}
