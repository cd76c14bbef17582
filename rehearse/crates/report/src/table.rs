//! The report as text, at most 100 columns wide.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::closes;
use super::drains::Drains;
use super::format::indented;
use super::notes::notes;
use super::spread;
use super::streams;
use super::timeline;
use super::tls;
use super::{ArmReport, Published, ScenarioReport, percent, thousands, wrapped};
use rehearse_arm::ArmName;
use rehearse_arm::load::Kind;

impl ScenarioReport {
    /// Conditions, tables, failures and verdict.
    pub fn text(&self) -> String {
        let title = wrapped(&format!("{} ({:.0}s)", self.conditions, self.seconds));
        let mut out = format!("{title}\n{}\n", self.figures());
        let closes = closes::closes(&self.arms);
        let streams = streams::tables(&self.arms);
        let tls = tls::tls(&self.arms, self.exchange.as_ref());
        let spread = spread::spread(&self.arms);
        let more = closes.into_iter().chain(streams).chain(tls).chain(spread);
        for table in self.tails().into_iter().chain(more) {
            let _infallible = writeln!(out, "{table}");
        }
        for line in self.arms.iter().flat_map(notes) {
            let text = line.trim_start();
            let indent = 2 + line.len() - text.len();
            let _infallible = writeln!(out, "{}", indented(indent, text));
        }
        let service = self.arms.iter().find(|arm| arm.arm == ArmName::Service);
        for line in service
            .into_iter()
            .flat_map(|arm| timeline::lines(arm, self.began))
        {
            let _infallible = writeln!(out, "{line}");
        }
        for line in self.drains.iter().flat_map(Drains::in_words) {
            let _infallible = writeln!(out, "{}", wrapped(&line));
        }
        let _infallible = writeln!(out, "{}", wrapped(&self.summary));
        out
    }

    /// Requests and latency in milliseconds.
    fn figures(&self) -> Table {
        let columns = [
            "arm",
            "replicas",
            "requests",
            "average",
            "minimum",
            "maximum",
            "std. dev.",
            "errors",
        ];
        let mut table = table(&columns);
        table.add_rows(self.arms.iter().map(figures));
        table.add_rows(self.published.iter().map(published));
        align(table)
    }

    /// Of each kind of client how many of how many failed; and what endless streams have carried.
    pub fn of_each_kind(&self) -> Vec<Table> {
        let by_kind = self.by_kind(&self.kinds());
        let closes = closes::closes(&self.arms);
        let streams = streams::tables(&self.arms);
        std::iter::once(by_kind)
            .chain(closes)
            .chain(streams)
            .chain(tls::tls(&self.arms, self.exchange.as_ref()))
            .collect()
    }

    /// The kinds of client that took part.
    pub fn kinds(&self) -> Vec<Kind> {
        let clients = self.arms.iter().flat_map(|arm| &arm.clients);
        let mut kinds: Vec<Kind> = clients.map(|clients| clients.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// Percentiles in milliseconds; and of each kind of client, how many of how many failed: in a
    /// table of their own, a row for each, where there are more than fit.
    fn tails(&self) -> Vec<Table> {
        let kinds = self.kinds();
        let percentiles = ["p50", "p90", "p99", "p99.9", "reconnects"];
        let names = kinds.iter().map(|kind| kind.name());
        let rows = |row: &dyn Fn(&ArmReport) -> Vec<String>, columns: Vec<&str>| {
            let mut table = table(&[&["arm"], &columns[..]].concat());
            table.add_rows(self.arms.iter().map(|arm| {
                let mut cells = vec![arm.arm.to_string()];
                cells.extend(row(arm));
                cells
            }));
            align(table)
        };
        let shares = |arm: &ArmReport| shares(arm, &kinds);
        if kinds.len() > 2 {
            return vec![rows(&tail, percentiles.to_vec()), self.by_kind(&kinds)];
        }
        let both = |arm: &ArmReport| [tail(arm), shares(arm)].concat();
        vec![rows(&both, percentiles.into_iter().chain(names).collect())]
    }

    /// A row for each kind of client, a column for each arm.
    fn by_kind(&self, kinds: &[Kind]) -> Table {
        let arms: Vec<String> = self.arms.iter().map(|arm| arm.arm.to_string()).collect();
        let columns: Vec<&str> = arms.iter().map(String::as_str).collect();
        let mut table = table(&[&["failed/all"], &columns[..]].concat());
        table.add_rows(kinds.iter().map(|kind| {
            let shares = self.arms.iter().flat_map(|arm| shares(arm, &[*kind]));
            std::iter::once(kind.name().to_owned()).chain(shares)
        }));
        align(table)
    }
}

fn figures(arm: &ArmReport) -> Vec<String> {
    let total = &arm.total;
    let latencies = [
        total.avg_ms(),
        total.min_ms(),
        total.max_ms(),
        total.stddev_ms(),
    ];
    let mut row = vec![
        arm.arm.to_string(),
        arm.replicas.clone(),
        thousands(total.requests),
    ];
    row.extend(latencies.map(|ms| latency(arm, ms)));
    row.push(percent(arm.errors_percent));
    row
}

fn published(figures: &Published) -> Vec<String> {
    let &Published {
        replicas,
        requests,
        avg_ms,
        min_ms,
        max_ms,
        stddev_ms,
        errors_percent,
    } = figures;
    let mut row = vec![
        "published".to_owned(),
        replicas.to_string(),
        thousands(requests),
    ];
    row.extend([avg_ms, min_ms, max_ms, stddev_ms].map(|ms| thousands(ms as u64)));
    row.push(percent(errors_percent));
    row
}

fn tail(arm: &ArmReport) -> Vec<String> {
    let percentiles = [50.0, 90.0, 99.0, 99.9].map(|p| latency(arm, arm.total.percentile(p)));
    let reconnects = thousands(arm.total.reconnects);
    percentiles.into_iter().chain([reconnects]).collect()
}

fn shares(arm: &ArmReport, kinds: &[Kind]) -> Vec<String> {
    let share = |kind| {
        let clients = arm.clients.iter().find(|clients| clients.kind == kind)?;
        let (failed, requests) = (clients.outcome.failures.total(), clients.outcome.requests);
        Some(format!("{}/{}", thousands(failed), thousands(requests)))
    };
    kinds
        .iter()
        .map(|kind| share(*kind).unwrap_or_default())
        .collect()
}

/// Milliseconds with as many digits as they deserve.
fn latency(arm: &ArmReport, ms: f64) -> String {
    match ms {
        _ if arm.total.complete == 0 => "-".to_owned(),
        ms if ms < 10.0 => format!("{ms:.2}"),
        ms if ms < 100.0 => format!("{ms:.1}"),
        ms => thousands(ms.round() as u64),
    }
}

/// An empty table with these columns.
pub fn table(columns: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_BORDERS_ONLY)
        .set_header(columns.to_vec());
    table
}

/// The same with all columns but the first aligned to the right.
pub fn align(mut table: Table) -> Table {
    table
        .column_iter_mut()
        .skip(1)
        .for_each(|c| c.set_cell_alignment(CellAlignment::Right));
    table
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
