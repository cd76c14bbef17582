//! Command lines that people repeat.

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:=,@%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_if_it_must_be() {
        assert_eq!(quoted("deployment/hello"), "deployment/hello");
        assert_eq!(quoted(r#"{"a":'b'}"#), r#"'{"a":'\''b'\''}'"#);
        assert_eq!(quoted(""), "''");
    }
}
