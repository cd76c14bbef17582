//! Command lines and messages as people read them.

/// Of what kubectl says when it fails, so much is repeated.
const WORDS: usize = 600;

/// A word as a shell wants it.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@+".contains(c);
    match word.chars().all(plain) && !word.is_empty() {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

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

    #[test]
    fn a_word_is_quoted_only_if_it_must_be() {
        assert_eq!(quoted("deployment/hello"), "deployment/hello");
        assert_eq!(quoted(r#"{"a":'b'}"#), r#"'{"a":'\''b'\''}'"#);
        assert_eq!(quoted(""), "''");
    }
}
