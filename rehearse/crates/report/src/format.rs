//! Numbers and text as people read them.

/// The width of reports.
pub const COLUMNS: usize = 100;

/// A percentage: `0 %` means none at all, and a small one never looks like it.
pub fn percent(share: f64) -> String {
    match share {
        0.0 => "0 %".to_owned(),
        small if small < 0.01 => {
            let digits = (-small.log10()).ceil() as usize + 1;
            format!("{small:.digits$} %")
        }
        share => format!("{share:.2} %"),
    }
}

/// Text in lines of at most 100 columns, all but the first indented.
pub fn wrapped(text: &str) -> String {
    indented(0, text)
}

/// The same, with so many spaces more before each line.
pub(super) fn indented(by: usize, text: &str) -> String {
    let indent = " ".repeat(by);
    let (mut out, mut column) = (indent.clone(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        match column {
            0 => {}
            column if column + 1 + width <= COLUMNS => out.push(' '),
            _ => out.push_str(&format!("\n{indent}  ")),
        }
        out.push_str(word);
        column = out.lines().last().map_or(0, |line| line.chars().count());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_broken_between_words() {
        let text = "word ".repeat(50);
        let lines: Vec<String> = wrapped(text.trim_end())
            .lines()
            .map(str::to_owned)
            .collect();
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.len() <= COLUMNS));
        assert!(lines[1].starts_with("  word"));
        assert_eq!(wrapped("a b"), "a b");
        let indented = indented(4, text.trim_end());
        assert!(indented.lines().all(|line| line.len() <= COLUMNS));
        assert!(indented.starts_with("    word") && indented.contains("\n      word"));
    }

    #[test]
    fn a_small_percentage_is_not_none() {
        assert_eq!(
            [0.0, 0.0003, 1.97].map(percent),
            ["0 %", "0.00030 %", "1.97 %"]
        );
    }
}
