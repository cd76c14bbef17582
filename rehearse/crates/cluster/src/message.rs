//! Messages of kubectl as people read them.

/// Of what kubectl says when it fails, so much is repeated.
const WORDS: usize = 600;

/// The end of a message, on one line.
pub(super) fn one_line(stderr: &str) -> String {
    let line = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    let surplus = line.chars().count().saturating_sub(WORDS);
    line.chars().skip(surplus).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_and_its_end() {
        assert_eq!(one_line("error:\n  no such\tpod\n"), "error: no such pod");
        assert_eq!(one_line(&"word ".repeat(1_000)).chars().count(), WORDS);
    }
}
