//! Label selectors, by Kubernetes' own rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An object's labels.
pub type Labels = BTreeMap<String, String>;

/// Which objects are meant, by their labels. An empty one means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct LabelSelector {
    match_labels: Labels,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl LabelSelector {
    /// All of these labels.
    pub fn of(match_labels: Labels) -> Self {
        Self {
            match_labels,
            ..Self::default()
        }
    }

    /// Whether it means an object with these labels.
    pub fn matches(&self, labels: &Labels) -> bool {
        let equal = |(key, value): (&String, &String)| labels.get(key) == Some(value);
        self.match_labels.iter().all(equal)
            && self.match_expressions.iter().all(|one| one.holds(labels))
    }

    /// The labels that it looks at.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let expressions = self.match_expressions.iter().map(|one| &one.key);
        let keys = self.match_labels.keys().chain(expressions);
        keys.map(String::as_str)
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let listed = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_and_expressions_must_all_hold() {
        let selector: LabelSelector = serde_json::from_value(json!({
            "matchLabels": {"app": "orders"},
            "matchExpressions": [
                {"key": "track", "operator": "In", "values": ["stable", "canary"]},
                {"key": "legacy", "operator": "DoesNotExist"},
            ],
        }))
        .unwrap();
        let matches = |labels: &[(&str, &str)]| {
            let labels = labels
                .iter()
                .map(|&(key, value)| (key.into(), value.into()));
            selector.matches(&labels.collect())
        };
        assert!(matches(&[
            ("app", "orders"),
            ("track", "canary"),
            ("other", "1")
        ]));
        assert!(!matches(&[("app", "orders")]));
        assert!(!matches(&[("app", "orders"), ("track", "beta")]));
        let legacy = [("app", "orders"), ("track", "stable"), ("legacy", "")];
        assert!(!matches(&legacy));
        assert_eq!(
            selector.keys().collect::<Vec<_>>(),
            ["app", "track", "legacy"]
        );
        assert!(LabelSelector::default().matches(&Labels::new()));
    }
}
