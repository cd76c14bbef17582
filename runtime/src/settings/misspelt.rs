//! Variables that look like settings and are none, because their names are slightly wrong.

use std::fmt;

use serde_json::Value as Json;
use strsim::osa_distance;

use super::load::PREFIX;

/// So many letters wrong, missing, doubled or swapped are a slip.
const SLIP: usize = 2;

/// A variable that sets nothing. `Display` is the one line for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misspelt {
    name: String,
    nearest: String,
}

impl fmt::Display for Misspelt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, nearest } = self;
        write!(
            f,
            "the variable {name} sets nothing; the nearest setting is {nearest}"
        )
    }
}

/// Those among `names` that look like settings, whose defaults are given, and are none.
pub(super) fn misspelt<'a>(names: impl Iterator<Item = &'a str>, defaults: &Json) -> Vec<Misspelt> {
    let suspects: Vec<_> = names.filter(|name| is_suspect(name)).collect();
    let mut known = Vec::new();
    if !suspects.is_empty() {
        variables("LASTCALL", defaults, &mut known);
    }
    let judged = suspects.into_iter().filter_map(|name| judge(name, &known));
    judged.collect()
}

/// What is `LASTCALL__` in full is read, and refused if it is unknown. What Kubernetes makes for a
/// Service named `lastcall` has single underscores.
fn is_suspect(name: &str) -> bool {
    let upper = name.to_uppercase();
    let kubernetes = ["LASTCALL_PORT", "LASTCALL_SERVICE_"];
    upper.starts_with("LASTCALL")
        && !name.starts_with(PREFIX)
        && (upper.contains("__") || !kubernetes.iter().any(|made| upper.starts_with(made)))
}

fn judge(name: &str, known: &[String]) -> Option<Misspelt> {
    let upper = name.to_uppercase();
    let squeezed = upper.replace("__", "_");
    let distance = |known: &String| osa_distance(&squeezed, &known.replace("__", "_"));
    let (distance, nearest) = known.iter().map(|known| (distance(known), known)).min()?;
    // Nobody else joins words by two underscores.
    (distance <= SLIP || upper.contains("__")).then(|| Misspelt {
        name: name.to_owned(),
        nearest: nearest.clone(),
    })
}

/// The variables of all settings in `value`, and those that name files with their values.
fn variables(prefix: &str, value: &Json, names: &mut Vec<String>) {
    match value {
        Json::Object(group) if !group.is_empty() => {
            for (key, value) in group {
                variables(&format!("{prefix}__{}", key.to_uppercase()), value, names);
            }
        }
        _ => names.extend([prefix.to_owned(), format!("{prefix}_FILE")]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Effective, load};

    fn nearest(name: &str) -> Option<String> {
        let loaded = load::<()>(None, [(name, "1")]).unwrap();
        let found = loaded.misspelt.into_iter().next()?;
        assert_eq!(found.name, name);
        Some(found.nearest)
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_nearest_setting() {
        for (name, setting) in [
            ("LASTCALL_HTTP__ADDRESS", "LASTCALL__HTTP__ADDRESS"),
            ("LASTCALL_HTTP_ADDRESS", "LASTCALL__HTTP__ADDRESS"),
            ("LASTCALL_GRACE_PERIOD", "LASTCALL__GRACE_PERIOD"),
            ("LASTCALL_DRIAN_MIN", "LASTCALL__DRAIN__MIN"),
            ("lastcall__drain__min", "LASTCALL__DRAIN__MIN"),
            (
                "LASTCALL_HTTP_MAX_CONECTIONS",
                "LASTCALL__HTTP__MAX_CONNECTIONS",
            ),
            ("LASTCALL_LOG__LEVLE", "LASTCALL__LOG__LEVEL"),
            (
                "LASTCALL_ADMIN_ADRESS_FILE",
                "LASTCALL__ADMIN__ADDRESS_FILE",
            ),
        ] {
            assert_eq!(nearest(name).as_deref(), Some(setting), "{name}");
        }
    }

    #[test]
    fn what_kubernetes_makes_and_what_is_not_ours_is_left_alone() {
        for name in [
            "LASTCALL_PORT",
            "LASTCALL_PORT_8080_TCP_ADDR",
            "LASTCALL_SERVICE_HOST",
            "LASTCALL_SERVICE_PORT",
            "LASTCALL_SERVICE_PORT_HTTP",
            "LASTCALL_HELLO_SERVICE_HOST",
            "LASTCALL_HELLO_PORT_8080_TCP",
            "LASTCALL_CONFIG",
            "LASTCALL_SABOTAGE",
            "LASTCALLED",
            "HTTP__ADDRESS",
            "PATH",
        ] {
            assert_eq!(nearest(name), None, "{name}");
        }
    }

    #[test]
    fn every_setting_has_a_variable() {
        let mut names = Vec::new();
        let defaults = serde_json::to_value(Effective::of(())).unwrap();
        variables("LASTCALL", &defaults, &mut names);
        for name in [
            "LASTCALL__GRACE_PERIOD",
            "LASTCALL__DRAIN__IGNORE",
            "LASTCALL__SERVICE",
        ] {
            assert!(
                names.iter().any(|known| known == name),
                "{name} of {names:?}"
            );
        }
    }
}
