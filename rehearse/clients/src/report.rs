//! What the clients lost, as a table in Markdown and as JSON.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Options;
use crate::client::{Figures, Kind};
use crate::pod::End;

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
) -> anyhow::Result<()> {
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
    let columns: Vec<Value> = columns.iter().map(as_json).collect();
    let all = json!({ "seed": seed, "replacements": options.replacements, "arms": columns });
    fs::write(options.results.join("figures.json"), format!("{all:#}\n"))?;
    Ok(())
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
