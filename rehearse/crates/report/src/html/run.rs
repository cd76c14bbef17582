//! What was run, and how to run it again.

use super::line::Header;
use super::text::{date, escape};
use rehearse_platform::quoted;

/// Empty if the log does not say.
pub(super) fn html(header: Option<&Header>) -> String {
    let Some(header) = header else {
        return String::new();
    };
    let entries = [
        ("Version", escape(&header.rehearse)),
        ("Began", date(header.began)),
        ("Seed", header.seed.to_string()),
        ("Propagation", escape(&header.propagation)),
    ];
    let entries = entries.map(|(name, what)| format!("<div><dt>{name}</dt><dd>{what}</dd></div>"));
    format!(
        "<section class=\"run\"><h2>The run</h2>\n<p>Repeat it, with the same delays and \
         schedules:</p>\n<pre>{}</pre>\n<dl>{}</dl></section>\n",
        escape(&command(header)),
        entries.concat()
    )
}

/// The command line with the seed, whether or not it had been given.
fn command(header: &Header) -> String {
    let is_seed = |word: &String| word == "--seed" || word.starts_with("--seed=");
    let mut words: Vec<String> = header.command.iter().map(|word| quoted(word)).collect();
    let mut options = header.command.iter().take_while(|word| *word != "--");
    if !options.any(is_seed) {
        // What follows `--` is not an option.
        let end = header.command.iter().position(|word| word == "--");
        let end = end.unwrap_or(words.len());
        words.insert(end, format!("--seed {}", header.seed));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeated(command: &[&str]) -> String {
        super::command(&Header {
            version: 1,
            rehearse: "0.1.0".to_owned(),
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            began: 0,
            seed: 7,
            propagation: String::new(),
        })
    }

    #[test]
    fn a_run_is_repeated_with_its_seed() {
        assert_eq!(repeated(&["rehearse", "a b"]), "rehearse 'a b' --seed 7");
        assert_eq!(repeated(&["rehearse", "--seed=9"]), "rehearse --seed=9");
        assert_eq!(repeated(&["rehearse", "--", "x"]), "rehearse --seed 7 -- x");
    }
}
