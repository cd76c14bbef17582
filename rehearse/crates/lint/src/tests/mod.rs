//! One good manifest, and each way to break it: one edit, one finding.

mod grace_period;
mod ports;
mod restricted;
mod settings;
mod tls;

use super::document::Source;
use super::findings::Findings;
use super::settings::{Answer, Environment};

const GOOD: &str = include_str!("fixtures/good.yaml");
const NOTHING: [String; 0] = [];

/// The good manifest, with the one occurrence of `old` replaced.
fn with(old: &str, new: &str) -> String {
    assert_eq!(GOOD.matches(old).count(), 1, "{old}");
    GOOD.replace(old, new)
}

/// The good manifest, with one more variable in the service's environment.
fn with_variable(variable: &str) -> String {
    with(
        "value: 30s",
        &format!("value: 30s\n            - {variable}"),
    )
}

/// A `check` that knows the defaults and four variables.
fn check(_: &str, environment: &Environment) -> anyhow::Result<Answer> {
    let set = |name: &str, default: &str| {
        let value = environment.variables.get(&format!("LASTCALL__{name}"));
        value.cloned().unwrap_or_else(|| default.to_owned())
    };
    let settings = toml::from_str(&format!(
        "grace_period = {:?}\n[http]\naddress = {:?}\n[admin]\naddress = {:?}",
        set("GRACE_PERIOD", "30s"),
        set("HTTP__ADDRESS", "0.0.0.0:8080"),
        set("ADMIN__ADDRESS", "0.0.0.0:9090"),
    ));
    let max = set("DRAIN__MAX", "15s");
    Ok(Answer {
        settings: Some(settings?),
        problems: Vec::from_iter((max != "15s").then(|| format!("drain.max = {max} does not fit"))),
    })
}

fn findings(sources: &[Source]) -> Vec<String> {
    let mut findings = Findings::default();
    super::examine(sources, &check, &mut findings).unwrap();
    findings.all.iter().map(ToString::to_string).collect()
}

fn in_file(yaml: &str) -> Vec<String> {
    findings(&[Source::parse("hello.yaml", false, yaml).unwrap()])
}

/// Each of these edits of the good manifest leads to this finding, and to no other.
fn each(object: &str, breaks: &[(&str, &str, &str)]) {
    for (old, new, finding) in breaks {
        let found = in_file(&with(old, new));
        assert_eq!(found, [format!("hello.yaml: {object}: {finding}")], "{new}");
    }
}

#[test]
fn a_good_manifest_is_left_alone() {
    assert_eq!(in_file(GOOD), NOTHING);
}

#[test]
fn what_is_no_manifest_is_reported_in_one_line() {
    for (yaml, words) in [
        ("a: [", "line 1 column 4"),
        (
            "kind: Deployment\nspec: {template: {}}",
            "missing field `spec`",
        ),
        ("kind: Pod\nspec: {containers: {}}", "expected a sequence"),
    ] {
        let error = Source::parse("hello.yaml", false, yaml).unwrap_err();
        assert!(
            error.contains(words) && error.lines().count() == 1,
            "{error}"
        );
    }
}
