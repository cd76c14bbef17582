//! What the streams that never end by themselves have carried.

use comfy_table::Table;

use super::table::{align, table};
use super::{ArmReport, thousands};
use rehearse_arm::load::Kind;
use rehearse_client::Outcome;

/// A column: what it is called, and its figure.
type Column = (&'static str, fn(&Outcome) -> u64);

const EVENTS: [Column; 5] = [
    ("in order", |outcome| outcome.events),
    ("fewest of a client", |outcome| {
        outcome.events_fewest.unwrap_or(0)
    }),
    ("lost", |outcome| outcome.events_missing),
    ("doubled", |outcome| outcome.events_doubled),
    ("out of order", |outcome| outcome.events_misplaced),
];

/// The last is what RFC 6455, 5.5.1, lets nobody answer.
const WEBSOCKETS: [Column; 3] = [
    ("came back", |outcome| outcome.complete),
    ("ticks", |outcome| outcome.ticks),
    ("crossed by a Close", |outcome| outcome.messages_crossed),
];

/// A table for each such kind of client that took part.
pub(super) fn tables(arms: &[ArmReport]) -> impl Iterator<Item = Table> {
    let events = of("events", Kind::Events, &EVENTS, arms);
    let messages = of("messages", Kind::Websocket, &WEBSOCKETS, arms);
    [events, messages].into_iter().flatten()
}

fn of(what: &str, kind: Kind, columns: &[Column], arms: &[ArmReport]) -> Option<Table> {
    let rows: Vec<Vec<String>> = arms
        .iter()
        .filter_map(|arm| {
            let clients = arm.clients.iter().find(|clients| clients.kind == kind)?;
            let figures = columns.iter().map(|(_, figure)| figure(&clients.outcome));
            let name = std::iter::once(arm.arm.to_string());
            Some(name.chain(figures.map(thousands)).collect())
        })
        .collect();
    let names = columns.iter().map(|(name, _)| *name);
    let head: Vec<&str> = std::iter::once(what).chain(names).collect();
    (!rows.is_empty()).then(|| {
        let mut table = table(&head);
        table.add_rows(rows);
        align(table)
    })
}
