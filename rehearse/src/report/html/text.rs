//! Text and figures as they stand in the page.

use crate::report;

/// Text that may stand in an element or a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // HTML allows no control characters, not even as references.
            control if control.is_control() && control != '\n' => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

/// The same of at most so many characters.
pub(super) fn escape_up_to(most: usize, text: &str) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", escape(&text[..end])),
        None => escape(text),
    }
}

/// `61,204`.
pub(super) fn thousands(n: usize) -> String {
    report::thousands(n as u64)
}

/// A share in percent.
pub(super) fn percent(part: usize, whole: usize) -> String {
    report::percent(100.0 * part as f64 / whole.max(1) as f64)
}

/// Milliseconds with as many digits as they deserve, without their unit.
pub(super) fn millis(ms: f64) -> String {
    match ms {
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => thousands(ms.round() as usize),
    }
}

/// A length of time: `0.31 ms`, `312 ms`, `1.24 s`.
pub(super) fn span(ms: f64) -> String {
    match ms.abs() {
        under if under < 1_000.0 => format!("{} ms", millis(under)),
        under if under < 100_000.0 => format!("{:.2} s", under / 1_000.0),
        over => format!("{} s", thousands((over / 1_000.0).round() as usize)),
    }
}

/// A moment of the scenario.
pub(super) fn moment(ms: f64) -> String {
    format!("{:.3} s", ms / 1_000.0)
}

/// A number of things: `1 pod`, `2 pods`.
pub(super) fn count(n: usize, thing: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(n))
}

/// With a capital letter in front.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(char::to_uppercase);
    first
        .into_iter()
        .flatten()
        .chain(characters)
        .collect::<String>()
}

/// A word as a POSIX shell reads it.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// `2026-11-30 07:06:12 UTC`. By the proleptic Gregorian calendar, whose years begin in March here,
/// so that the leap day is a year's last.
pub(super) fn date(since_1970: u64) -> String {
    let (days, second) = (since_1970 / 86_400 + 719_468, since_1970 % 86_400);
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_becomes_text() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&\0"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;\u{fffd}"
        );
        assert_eq!(escape_up_to(2, "ä<b"), "ä&lt;…");
        assert_eq!(escape_up_to(3, "ä<b"), "ä&lt;b");
    }

    #[test]
    fn figures_keep_the_digits_that_count() {
        assert_eq!(
            [0.314, 31.44, 3_144.4].map(millis),
            ["0.31", "31.4", "3,144"]
        );
        assert_eq!(
            [312.0, 1_240.0, 200_000.0].map(span),
            ["312 ms", "1.24 s", "200 s"]
        );
        assert_eq!(percent(3, 1_000_000), "0.00030 %");
        assert_eq!(percent(0, 0), "0 %");
        assert_eq!(count(1, "pod"), "1 pod");
    }

    #[test]
    fn dates_know_leap_years() {
        assert_eq!(date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00:00 UTC");
        assert_eq!(date(1_796_022_372), "2026-11-30 07:06:12 UTC");
    }

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(shell("--seed=7"), "--seed=7");
        assert_eq!(shell("it's"), r"'it'\''s'");
        assert_eq!(shell(""), "''");
    }
}
