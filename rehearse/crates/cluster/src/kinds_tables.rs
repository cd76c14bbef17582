//! Kinds of client, where a scenario has many: a table of its own.

use std::fmt::Write as _;

use super::report::Row;
use rehearse_report::{proof, wrapped};

/// More than these have no room beside each other in the scenario's own section.
const MOST: usize = 3;

fn is_mixed(row: &Row) -> bool {
    row.report.kinds().len() > MOST
}

/// The kinds of such scenarios, one after another.
pub(super) fn mixed(rows: &[Row]) -> String {
    let mut out = String::new();
    for row in rows.iter().filter(|row| is_mixed(row)) {
        let _infallible = writeln!(out, "{}, by kind of client:", row.report.conditions);
        for table in row.report.of_each_kind() {
            let _infallible = writeln!(out, "{table}");
        }
        if let Some(kinds) = proof::by_kind(&row.report.arms) {
            let _infallible = writeln!(out, "{}", wrapped(&kinds));
        }
    }
    out
}
