//! The text of `check`: the effective settings as TOML, then the budget as comments.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::field::text;
use super::origin::Origins;
use super::{Budget, Effective, Loaded, Origin};

/// A settings file that gives exactly these settings; a trailing comment says who set a value
/// that is no default. With the budget, its steps follow.
pub(crate) fn print<S: Serialize>(loaded: &Loaded<S>, budget: Option<&Budget>) -> String {
    let mut out = String::new();
    // They were made from such values in the first place.
    let service = serde_json::to_value(&loaded.settings.service);
    let settings = service.and_then(|own| serde_json::to_value(loaded.settings.with(own)));
    if let Ok(Json::Object(settings)) = settings {
        group(&mut out, &loaded.origins, &[], &settings);
    }
    if let Some(budget) = budget {
        out.push_str(&timeline(&loaded.settings, budget));
    }
    out
}

/// A group's own values first, as TOML demands, then the groups in it.
fn group(out: &mut String, origins: &Origins, path: &[&str], values: &Map<String, Json>) {
    let (groups, leaves): (Vec<_>, Vec<_>) =
        values.iter().partition(|(_, value)| value.is_object());
    if !path.is_empty() && (!leaves.is_empty() || groups.is_empty()) {
        let header: Vec<_> = path.iter().map(|key| quoted(key)).collect();
        out.push_str(&format!("\n[{}]\n", header.join(".")));
    }
    for (key, value) in leaves {
        let written = match origins.of(&[path, &[key]].concat().join(".")) {
            Origin::Default => String::new(),
            origin => format!("  # {origin}"),
        };
        match value {
            // A service without settings of its own.
            Json::Null if path.is_empty() => {}
            Json::Null => out.push_str(&format!("# {} is not set\n", quoted(key))),
            value => out.push_str(&format!("{} = {}{written}\n", quoted(key), toml(value))),
        }
    }
    for (key, value) in groups {
        if let Json::Object(values) = value {
            group(out, origins, &[path, &[key]].concat(), values);
        }
    }
}

fn quoted(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        string(key)
    }
}

/// JSON's escapes are TOML's, except that TOML wants DEL escaped too.
fn string(text: &str) -> String {
    Json::from(text).to_string().replace('\u{7f}', "\\u007f")
}

/// A value in one line. A list may not hold nulls, nor a table: they are left out.
fn toml(value: &Json) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match value {
        Json::String(text) => string(text),
        Json::Array(items) => {
            format!(
                "[{}]",
                list(
                    items
                        .iter()
                        .filter(|item| !item.is_null())
                        .map(toml)
                        .collect()
                )
            )
        }
        Json::Object(table) => {
            let set = table.iter().filter(|(_, value)| !value.is_null());
            let items = set.map(|(key, value)| format!("{} = {}", quoted(key), toml(value)));
            format!("{{ {} }}", list(items.collect()))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

/// What the budget means for a drain, step by step.
fn timeline<S>(settings: &Effective<S>, budget: &Budget) -> String {
    let (quiet, jitter) = (text(settings.drain.quiet), text(settings.drain.jitter));
    let mut steps = [
        (
            Duration::ZERO,
            "lame duck: all is served, every client is told to leave".to_owned(),
        ),
        (
            budget.fence_at_earliest,
            format!("the fence, if there was no sign of traffic for {quiet}"),
        ),
        (
            budget.fence_at_latest,
            "the fence at the latest: new connections are refused".to_owned(),
        ),
        (
            budget.streams_told_at_latest,
            format!("streams have been told to end, over {jitter}"),
        ),
        (
            budget.patience_until,
            "patience ends: untold idle connections are waited for no longer".to_owned(),
        ),
        (
            budget.cut_at,
            "the cut: what is still in flight is lost, and exit is 3".to_owned(),
        ),
        (
            budget.kill_at,
            "SIGKILL, if terminationGracePeriodSeconds says the same".to_owned(),
        ),
    ];
    steps.sort_by_key(|(at, _)| *at);
    let mut out = "\n# The drain, from T0 on (the first of preStop and the signals):\n".to_owned();
    for (at, what) in steps {
        out.push_str(&format!("# {:>8}  {what}\n", text(at)));
    }
    out.push_str(&format!(
        "# So {} or more are left for the longest request to finish after the fence.\n\
         # One replica: drain.min should exceed its replacement's time to ready by 2s.\n",
        text(budget.cut_at - budget.fence_at_latest),
    ));
    if let Some(limit) = budget.descriptor_limit {
        out.push_str(&format!(
            "\n# Descriptors: {} for connections and {} for the rest fit the limit, {limit}.\n",
            settings.http.max_connections, budget.descriptors_reserved,
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;
    use crate::settings::load;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Service {
        greeting: String,
        name: Option<String>,
        hosts: Vec<String>,
        labels: BTreeMap<String, f64>,
    }

    impl Default for Service {
        fn default() -> Self {
            Self {
                greeting: "He said \"hi\"\n\t\\ \u{7f}\u{1} ü".to_owned(),
                name: None,
                hosts: vec!["a".to_owned(), "b#c".to_owned()],
                labels: BTreeMap::from([
                    ("plain".to_owned(), 1.0),
                    ("with space".to_owned(), 1e30),
                ]),
            }
        }
    }

    fn printed<S>(variables: &[(&str, &str)]) -> String
    where
        S: serde::de::DeserializeOwned + Serialize + Default,
    {
        let mut loaded = load::<S>(None, variables.iter().copied()).unwrap();
        let budget = loaded.fit(Some(20_000)).unwrap();
        print(&loaded, Some(&budget))
    }

    #[test]
    fn what_is_printed_is_a_settings_file_that_says_the_same() {
        let text = printed::<Service>(&[("LASTCALL__SERVICE__HOSTS", "[]")]);
        let file = std::env::temp_dir().join(format!("lastcall-print-{}.toml", std::process::id()));
        std::fs::write(&file, &text).unwrap();
        let read = load::<Service>(Some(&file), [("A", "b")]);
        std::fs::remove_file(&file).unwrap();
        let read = read.unwrap().settings;
        assert_eq!(
            read.service,
            Service {
                hosts: Vec::new(),
                ..Service::default()
            }
        );
        assert_eq!(read.http.keep_alive, Duration::from_secs(75));
    }

    #[test]
    fn values_are_printed_as_people_write_them_and_say_who_set_them() {
        let text = printed::<Service>(&[
            ("LASTCALL__DRAIN__MIN", "1m 500ms"),
            ("LASTCALL__GRACE_PERIOD", "2m"),
            ("LASTCALL__HTTP__ADDRESS", "unix:/run/app.sock"),
            ("LASTCALL__DRAIN__MAX", "90s"),
        ]);
        for line in [
            "grace_period = \"120s\"  # LASTCALL__GRACE_PERIOD",
            "address = \"unix:/run/app.sock\"  # LASTCALL__HTTP__ADDRESS",
            "address = \"0.0.0.0:9090\"",
            "min = \"60500ms\"  # LASTCALL__DRAIN__MIN",
            "keep_alive = \"75s\"",
            "readiness = \"serving\"",
            "# name is not set",
            "\"with space\" = 1e+30",
        ] {
            assert!(
                text.lines().any(|printed| printed == line),
                "no {line} in:\n{text}"
            );
        }
    }

    #[test]
    fn the_budget_is_told_in_80_columns() {
        let text = printed::<()>(&[]);
        for at in ["5s", "15s", "16s", "21s", "28s", "30s"] {
            let step = |line: &str| {
                line.trim_start_matches(['#', ' '])
                    .starts_with(&format!("{at}  "))
            };
            assert!(text.lines().any(step), "no step at {at} in:\n{text}");
        }
        assert!(text.contains("One replica: drain.min should exceed"));
        let longest = text
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(longest.chars().count() <= 80, "{longest}");
        assert!(!text.contains("[service]"), "it has none:\n{text}");
    }
}
