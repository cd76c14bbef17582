//! What the clients lost, as a table in Markdown and as JSON.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Options;
use crate::client::{Figures, Kind};
use crate::pod::End;

/// What a run says of the service.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Pass,
    /// It lost a request over HTTP/1.1, or more over HTTP/2 than each control left alone for a while.
    /// httpx is apart, because it takes any GOAWAY for the end of the connection.
    Fail,
}

/// One arm's figures.
pub(crate) struct Column {
    pub(crate) arm: String,
    pub(crate) figures: Vec<(Kind, Figures)>,
    pub(crate) ends: Vec<End>,
}

impl Column {
    /// Failed and all requests of the clients that belong.
    fn sum(&self, belongs: impl Fn(&Kind) -> bool) -> (u64, u64) {
        let mine = self.figures.iter().filter(|(kind, _)| belongs(kind));
        mine.fold((0, 0), |(failed, all), (_, figures)| {
            (failed + figures.failed(), all + figures.requests)
        })
    }

    fn longest_end(&self) -> Duration {
        self.ends
            .iter()
            .map(|end| end.took)
            .max()
            .unwrap_or_default()
    }

    fn codes(&self) -> Vec<Option<i32>> {
        let mut codes: Vec<Option<i32>> = self.ends.iter().map(|end| end.code).collect();
        codes.sort_unstable();
        codes.dedup();
        codes
    }
}

/// Prints the table, and writes all of it beside the logs.
pub(crate) fn print(
    options: &Options,
    kinds: &[Kind],
    columns: &[Column],
    seed: u64,
) -> anyhow::Result<Verdict> {
    let names: Vec<&str> = columns.iter().map(|column| column.arm.as_str()).collect();
    println!("| failed of all | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(columns.len()));
    for kind in kinds {
        row(&kind.name(), columns, |other| other.name() == kind.name());
    }
    row("**HTTP/1.1**", columns, |kind| !kind.is_http2());
    row("**HTTP/2 but httpx**", columns, |kind| {
        kind.is_http2() && !kind.is_httpx()
    });
    row("**HTTP/2, httpx**", columns, |kind| {
        kind.is_http2() && kind.is_httpx()
    });
    println!();
    columns.iter().for_each(explain);
    println!("Repeat with --seed {seed}.");
    let arms: Vec<Value> = columns.iter().map(as_json).collect();
    let all = json!({ "seed": seed, "replacements": options.replacements, "arms": arms });
    fs::write(options.results.join("figures.json"), format!("{all:#}\n"))?;
    Ok(judge(columns))
}

fn judge(columns: &[Column]) -> Verdict {
    let http1 = |kind: &Kind| !kind.is_http2();
    let http2 = |kind: &Kind| kind.is_http2() && !kind.is_httpx();
    let slept = columns
        .iter()
        .filter(|column| column.arm.starts_with("control+"));
    let allowed = slept
        .map(|column| column.sum(http2).0)
        .max()
        .unwrap_or_default();
    let lost = |service: &Column| service.sum(http1).0 > 0 || service.sum(http2).0 > allowed;
    match columns
        .iter()
        .any(|column| column.arm.starts_with("service") && lost(column))
    {
        true => Verdict::Fail,
        false => Verdict::Pass,
    }
}

/// A row that nobody belongs to is none.
fn row(name: &str, columns: &[Column], belongs: impl Fn(&Kind) -> bool + Copy) {
    let sums = columns.iter().map(|column| column.sum(belongs));
    let cells: Vec<String> = sums
        .map(|(failed, all)| format!("{failed} of {all}"))
        .collect();
    if columns.iter().any(|column| column.sum(belongs).1 > 0) {
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn explain(column: &Column) {
    let Column { arm, figures, .. } = column;
    let longest = column.longest_end().as_secs_f64();
    println!(
        "{arm}: the longest end took {longest:.1} s; exit codes {:?}",
        column.codes()
    );
    for (kind, figures) in figures {
        for (failure, count) in &figures.failures {
            println!("  {arm}, {}: {count} x {failure}", kind.name());
        }
    }
}

fn as_json(column: &Column) -> Value {
    let clients = column
        .figures
        .iter()
        .map(|(kind, figures)| (kind.name(), json!(figures)));
    json!({
        "arm": column.arm,
        "longest_end_ms": column.longest_end().as_millis(),
        "exit_codes": column.codes(),
        "clients": clients.collect::<serde_json::Map<_, _>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(arm: &str, lost: &[(&str, u64)]) -> Column {
        let figures = Kind::all().into_iter().map(|kind| {
            let lost = lost.iter().find(|(name, _)| *name == kind.name());
            let failures = lost
                .map(|(_, count)| ("lost".to_owned(), *count))
                .into_iter()
                .collect();
            (
                kind,
                Figures {
                    requests: 100,
                    failures,
                },
            )
        });
        Column {
            arm: arm.to_owned(),
            figures: figures.collect(),
            ends: Vec::new(),
        }
    }

    #[test]
    fn nothing_may_be_lost_over_http1() {
        let control = || column("control+5", &[("go-h1-get", 9), ("go-h2-get", 2)]);
        assert_eq!(judge(&[column("service", &[]), control()]), Verdict::Pass);
        for name in ["go-h1-get", "java-upgrade-post", "httpx-h1-get"] {
            assert_eq!(
                judge(&[column("service", &[(name, 1)]), control()]),
                Verdict::Fail,
                "{name}"
            );
        }
    }

    #[test]
    fn no_more_may_be_lost_over_http2_than_by_the_control_after_a_sleep() {
        let columns = |lost| {
            let control = column("control", &[("go-h2-get", 99)]);
            let slept = column("control+5", &[("reqwest-h2-get", 2), ("httpx-h2-get", 50)]);
            [
                column(
                    "service",
                    &[("node-http2-h2-get", lost), ("httpx-h2-get", 60)],
                ),
                control,
                slept,
            ]
        };
        assert_eq!(judge(&columns(2)), Verdict::Pass);
        assert_eq!(judge(&columns(3)), Verdict::Fail);
        assert_eq!(judge(&columns(1)[..1]), Verdict::Fail);
    }

    #[test]
    fn what_others_lose_is_no_failure_of_the_service() {
        assert_eq!(judge(&[column("go+5", &[("go-h1-get", 3)])]), Verdict::Pass);
    }
}
