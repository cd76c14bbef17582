//! How kinds of failure look: a colour for where in its life a request broke, and within that a
//! shape for each kind, so that nothing depends on colour alone.

use super::arm::{Arm, Failure};
use super::data::ScenarioLog;

/// What a kind of failure looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Its symbol's id.
    pub(super) symbol: usize,
    /// Its class in the style sheet.
    pub(super) class: &'static str,
}

const CROSS: &str = "M-4-2.5L-2.5-4 0-1.5 2.5-4 4-2.5 1.5 0 4 2.5 2.5 4 0 1.5-2.5 4-4 2.5-1.5 0Z";
const PLUS: &str = "M-1.2-4.2H1.2V-1.2H4.2V1.2H1.2V4.2H-1.2V1.2H-4.2V-1.2H-1.2Z";
const UP: &str = "M0-4.2L4.2 3.4H-4.2Z";
const DOWN: &str = "M0 4.2L4.2-3.4H-4.2Z";
const LEFT: &str = "M-4.2 0L3.4-4.2V4.2Z";
const RIGHT: &str = "M4.2 0L-3.4-4.2V4.2Z";
const CIRCLE: &str = "M-3.6 0a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0Z";
const SQUARE: &str = "M-3.3-3.3H3.3V3.3H-3.3Z";
const DIAMOND: &str = "M0-4.6L4.6 0 0 4.6-4.6 0Z";
const FLAT: &str = "M-4.6-1.8H4.6V1.8H-4.6Z";
const TALL: &str = "M-1.8-4.6H1.8V4.6H-1.8Z";
const HOURGLASS: &str = "M-3.8-4.2H3.8L-3.8 4.2H3.8Z";
const BOW: &str = "M-4.2-3.8V3.8L4.2-3.8V3.8Z";
const RING: &str =
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0ZM-1.8 0a1.8 1.8 0 1 1 3.6 0a1.8 1.8 0 1 1-3.6 0Z";
const FRAME: &str = "M-3.8-3.8H3.8V3.8H-3.8ZM-1.7-1.7V1.7H1.7V-1.7Z";
const CHEVRON: &str = "M-4.2-4L0-1 4.2-4V0L0 4-4.2 0Z";
const HALF: &str = "M-4.2 2A4.2 4.2 0 0 1 4.2 2Z";
const STAR: &str = "M0-4.8L1.3-1.5 4.8-1.2 2.1 1 3 4.4 0 2.5-3 4.4-2.1 1-4.8-1.2-1.3-1.5Z";

/// In the order of a request's life; the last one stands for all that is unknown here.
const KINDS: [(&str, &str, &str); 21] = [
    ("connect-refused", "connect", CROSS),
    ("connect-timeout", "connect", UP),
    ("connect-other", "connect", PLUS),
    ("reset-before-response", "silent", DOWN),
    ("closed-before-response", "silent", CIRCLE),
    ("connection-lost", "silent", SQUARE),
    ("cut-in-head", "cut", UP),
    ("cut-in-body", "cut", DIAMOND),
    ("stream-reset", "cut", LEFT),
    ("stream-refused-by-goaway", "cut", RIGHT),
    ("bad-response", "wrong", STAR),
    ("wrong-status", "wrong", HOURGLASS),
    ("wrong-body", "wrong", BOW),
    ("events-lost", "wrong", RING),
    ("events-doubled", "wrong", TALL),
    ("events-out-of-order", "wrong", FRAME),
    ("echo-missing", "wrong", CHEVRON),
    ("no-close-frame", "wrong", FLAT),
    ("wrong-close-code", "wrong", PLUS),
    ("timeout", "late", HALF),
    ("", "unknown", SQUARE),
];

/// Where a request broke, by class.
const CLASSES: [(&str, &str); 6] = [
    ("connect", "while connecting"),
    ("silent", "before the response"),
    ("cut", "within the response"),
    ("wrong", "wrong response"),
    ("late", "too late"),
    ("unknown", "other"),
];

/// How a kind looks.
pub(super) fn look(kind: &str) -> Look {
    let last = KINDS.len() - 1;
    let known = KINDS.iter().position(|(name, ..)| *name == kind);
    let symbol = known.unwrap_or(last);
    Look {
        symbol,
        class: KINDS[symbol].1,
    }
}

/// The symbols, for `<use>`: `f0`, `f1` …
pub(super) fn symbols() -> String {
    let symbol = |(index, (_, class, path)): (usize, &(&str, &str, &str))| {
        format!("<path id=\"f{index}\" class=\"f {class}\" d=\"{path}\"/>")
    };
    KINDS.iter().enumerate().map(symbol).collect()
}

/// A symbol in a line of text.
pub(super) fn inline(kind: &str) -> String {
    let symbol = look(kind).symbol;
    format!(
        "<svg class=\"symbol\" viewBox=\"-6 -6 12 12\" aria-hidden=\"true\"><use \
         href=\"#f{symbol}\"/></svg>"
    )
}

/// What the colours say, for the classes that occur in a scenario.
pub(super) fn legend(scenario_log: &ScenarioLog) -> String {
    let classes = of_scenario(scenario_log)
        .into_iter()
        .map(|kind| look(kind).class);
    let classes: Vec<&str> = classes.collect();
    let entry = |(class, words): (&str, &str)| {
        classes.contains(&class).then(|| {
            format!(
                "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect x=\"5\" width=\"12\" \
                 height=\"12\" class=\"f {class}\"/></svg>{words}</li>"
            )
        })
    };
    let entries: String = CLASSES.into_iter().filter_map(entry).collect();
    format!("<ul class=\"legend\">{entries}</ul>\n")
}

/// The kinds among some failures with their numbers, in the order of a request's life.
pub(super) fn counts<'f>(failures: impl Iterator<Item = &'f Failure<'f>>) -> Vec<(&'f str, usize)> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for failure in failures {
        match counts.iter_mut().find(|(kind, _)| *kind == failure.kind()) {
            Some((_, count)) => *count += 1,
            None => counts.push((failure.kind(), 1)),
        }
    }
    counts.sort_by_key(|(kind, _)| (look(kind).symbol, *kind));
    counts
}

/// The same of an arm.
pub(super) fn of_arm<'s>(arm: &'s Arm) -> Vec<(&'s str, usize)> {
    counts(arm.failures.iter())
}

/// The kinds that occur in a scenario.
pub(super) fn of_scenario<'s>(scenario_log: &'s ScenarioLog) -> Vec<&'s str> {
    let failures = scenario_log.arms.iter().flat_map(|arm| &arm.failures);
    counts(failures).into_iter().map(|(kind, _)| kind).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_kinds_look_alike() {
        for (index, (_, class, path)) in KINDS.iter().enumerate() {
            let same = |other: &&(&str, &str, &str)| (other.1, other.2) == (*class, *path);
            assert_eq!(KINDS.iter().filter(same).count(), 1, "{index}");
        }
        assert_eq!(look("something new").class, "unknown");
    }
}
