//! The tables of figures.

use std::collections::BTreeMap;

use super::arm::{Arm, Failure};
use super::data::ScenarioLog;
use super::kinds;
use super::pods::{Life, Phase};
use super::svg::or_dash;
use super::text::{escape, escape_up_to, percent, thousands};

/// A table in HTML: the first cell of each row is its head. Cells are HTML already.
pub(super) fn table(class: &str, head: &[String], rows: &[Vec<String>]) -> String {
    let cells: String = head
        .iter()
        .map(|cell| format!("<th scope=\"col\">{cell}</th>"))
        .collect();
    let row = |cells: &Vec<String>| {
        let cell = |(index, cell): (usize, &String)| match index {
            0 => format!("<th scope=\"row\">{cell}</th>"),
            _ => format!("<td>{cell}</td>"),
        };
        let cells: String = cells.iter().enumerate().map(cell).collect();
        format!("<tr>{cells}</tr>")
    };
    let rows: String = rows.iter().map(row).collect();
    format!(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"{class}\"><thead><tr>{cells}</tr>\
         </thead><tbody>{rows}</tbody></table></div>\n"
    )
}

/// An arm's name with its colour.
pub(super) fn name(arm: &Arm) -> String {
    let (class, name) = (arm.class(), escape(arm.spoken()));
    format!("<span class=\"arm {class}\"><i class=\"swatch\"></i>{name}</span>")
}

/// Requests and latencies, a row for each arm.
pub(super) fn figures(scenario_log: &ScenarioLog) -> String {
    let head = [
        "arm",
        "requests",
        "failed",
        "failed %",
        "unjudged",
        "average",
        "min",
        "max",
        "std. dev.",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "unannounced closes",
        "crossed",
    ];
    let rows: Vec<Vec<String>> = scenario_log.arms.iter().map(figures_of).collect();
    let table = table("figures", &head.map(str::to_owned), &rows);
    format!(
        "<h3>Requests and latency</h3>\n{table}<p class=\"note\">Latency in ms, from the moment a \
         request was due to its end; complete requests only. Unannounced closes: connections that \
         the server ended without a word. Crossed: requests sent while such an end was on its way. \
         Unjudged: the body ends only with its connection, so nobody can know whether it is \
         complete.</p>\n"
    )
}

fn figures_of(arm: &Arm) -> Vec<String> {
    let (failed, requests) = (arm.failures.len(), arm.requests.len());
    let latencies = &arm.latencies;
    let mut cells = vec![
        name(arm),
        thousands(requests),
        strong(failed),
        percent(failed, requests),
        thousands(arm.unjudged()),
    ];
    let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|share| latencies.quantile(share));
    let (mean, deviation) = (latencies.mean(), latencies.deviation());
    let (min, max) = (latencies.min(), latencies.max());
    cells.extend([mean, min, max, deviation, p50, p90, p99, p999].map(or_dash));
    cells.extend([arm.unannounced(), arm.crossed()].map(thousands));
    cells
}

fn strong(failed: usize) -> String {
    match failed {
        0 => "0".to_owned(),
        failed => format!("<b>{}</b>", thousands(failed)),
    }
}

/// How requests failed, at which moment of a pod's life, and how pods ended: a column for each arm.
pub(super) fn failures(scenario_log: &ScenarioLog) -> String {
    let part = |name: &str, table: String| match table.as_str() {
        "" => String::new(),
        table => format!("<h3>{name}</h3>\n{table}"),
    };
    let any = scenario_log.arms.iter().any(|arm| !arm.failures.is_empty());
    let tables = |table: fn(&ScenarioLog) -> String| {
        if any {
            table(scenario_log)
        } else {
            String::new()
        }
    };
    let left = [
        part("Failures by kind", tables(by_kind)),
        part("How pods ended", ends(scenario_log)),
    ];
    let right = part("Failures by the moment of the pod’s life", tables(by_phase));
    let right = if any {
        format!("<div>{right}</div>\n")
    } else {
        String::new()
    };
    match left.concat().as_str() {
        "" => String::new(),
        left => format!("<div class=\"pair\">\n<div>{left}</div>\n{right}</div>\n"),
    }
}

fn head(scenario_log: &ScenarioLog, first: &str) -> Vec<String> {
    let names = scenario_log.arms.iter().map(name);
    std::iter::once(first.to_owned()).chain(names).collect()
}

fn by_kind(scenario_log: &ScenarioLog) -> String {
    let of_arms: Vec<_> = scenario_log.arms.iter().map(kinds::of_arm).collect();
    let row = |kind: &str| {
        let count = |counts: &Vec<(&str, usize)>| {
            let count = counts.iter().find(|(name, _)| *name == kind);
            zero(count.map_or(0, |(_, count)| *count))
        };
        let name = format!(
            "<span class=\"kind\">{}{}</span>",
            kinds::inline(kind),
            escape_up_to(60, kind)
        );
        std::iter::once(name)
            .chain(of_arms.iter().map(count))
            .collect()
    };
    let rows: Vec<Vec<String>> = kinds::of_scenario(scenario_log)
        .into_iter()
        .map(row)
        .collect();
    table("counts", &head(scenario_log, "kind"), &rows)
}

/// Empty where clients go through a node's port: nobody knows which pods their requests went to.
fn by_phase(scenario_log: &ScenarioLog) -> String {
    let failures = || scenario_log.arms.iter().flat_map(|arm| &arm.failures);
    let by_port = |failure: &Failure| failure.request.peer.is_some();
    if failures().all(|failure| failure.pod.is_none()) && failures().any(by_port) {
        return String::new();
    }
    let row = |phase: Option<Phase>| {
        let (words, bounds) = phase.map_or(("no pod", "no endpoint to connect to"), Phase::words);
        let name = format!("{words} <small>{bounds}</small>");
        let count = |arm: &Arm| {
            arm.failures
                .iter()
                .filter(|f| arm.phase(f) == phase)
                .count()
        };
        let counts: Vec<usize> = scenario_log.arms.iter().map(count).collect();
        let always = phase.is_some();
        (always || counts.iter().any(|count| *count > 0)).then(|| {
            std::iter::once(name)
                .chain(counts.into_iter().map(zero))
                .collect()
        })
    };
    let phases = Phase::ALL.into_iter().map(Some).chain([None]);
    let rows: Vec<Vec<String>> = phases.filter_map(row).collect();
    table("counts", &head(scenario_log, "moment"), &rows)
}

/// Deleted pods by how they ended.
fn ends(scenario_log: &ScenarioLog) -> String {
    let mut ends: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, arm) in scenario_log.arms.iter().enumerate() {
        let gone = |life: &&Life| life.deleted.is_some() || life.exited.is_some();
        for life in arm.pods.iter().filter(gone) {
            let counts = ends.entry(life.outcome()).or_default();
            counts.resize(scenario_log.arms.len(), 0);
            counts[index] += 1;
        }
    }
    let row = |(end, counts): (String, Vec<usize>)| {
        let end = escape_up_to(80, &end);
        std::iter::once(end)
            .chain(counts.into_iter().map(zero))
            .collect()
    };
    // As many as are ever different, unless something is wrong with the log.
    let rows: Vec<Vec<String>> = ends.into_iter().take(12).map(row).collect();
    match rows.is_empty() {
        true => String::new(),
        false => table("counts", &head(scenario_log, "end"), &rows),
    }
}

/// None at all steps back.
fn zero(count: usize) -> String {
    match count {
        0 => "<span class=\"zero\">0</span>".to_owned(),
        count => thousands(count),
    }
}
