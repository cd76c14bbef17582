//! Text and figures as they stand in the page.

use std::time::{Duration, UNIX_EPOCH};

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
    crate::thousands(n as u64)
}

/// A share in percent.
pub(super) fn percent(part: usize, whole: usize) -> String {
    crate::percent(100.0 * part as f64 / whole.max(1) as f64)
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

/// `2026-11-30 07:06:12 UTC`.
pub(super) fn date(since_1970: u64) -> String {
    let time = UNIX_EPOCH + Duration::from_secs(since_1970);
    let time = humantime::format_rfc3339_seconds(time).to_string();
    time.replace('T', " ").replace('Z', " UTC")
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
}
