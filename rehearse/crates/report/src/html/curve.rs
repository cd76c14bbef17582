//! The distribution of latency: the arms' percentiles on an axis that spreads out the slowest.

use super::arm::Arm;
use super::axis::latency_axis;
use super::data::ScenarioLog;
use super::latency::bounds;
use super::svg::{LEFT, RIGHT, Scale, bar, chart, label, line, n};

use super::text::{escape, millis};

const TOP: f64 = 10.0;
const BOTTOM: f64 = 250.0;
/// Points of a curve.
const POINTS: usize = 240;
/// Where the axis is labelled.
const SHARES: [(f64, &str); 7] = [
    (0.0, "0 %"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
    (0.99999, "99.999 %"),
];

/// Only if a request was complete.
pub(super) fn html(scenario_log: &ScenarioLog) -> String {
    let most = scenario_log
        .arms
        .iter()
        .map(|arm| arm.latencies.len())
        .max();
    let most = most.unwrap_or(0);
    if most == 0 {
        return String::new();
    }
    // Beyond one of all requests there is no percentile; beyond 99.999 % nobody asks for one.
    let nines = (most as f64).log10().clamp(1.0, 5.0);
    let x = Scale::linear((0.0, nines), LEFT, RIGHT);
    let bounds = bounds(scenario_log);
    let y = Scale::log(bounds, BOTTOM, TOP);
    let curves = scenario_log
        .arms
        .iter()
        .map(|arm| curve(arm, nines, &x, &y));
    let curves: String = curves.collect();
    let hits: String = SHARES
        .iter()
        .map(|at| hit(scenario_log, nines, &x, *at))
        .collect();
    let content = axis(nines, &x) + &latency_axis(&y, bounds) + &curves + &hits;
    let legend: String = scenario_log.arms.iter().map(entry).collect();
    format!(
        "<h3>Latency distribution</h3>\n<ul class=\"legend\">{legend}</ul>\n{}",
        chart(
            BOTTOM + 26.0,
            "Latency by percentile, for each arm",
            &content
        )
    )
}

fn entry(arm: &Arm) -> String {
    format!(
        "<li><svg viewBox=\"0 0 34 12\" class=\"wide\" aria-hidden=\"true\"><path d=\"M1 6H33\" \
         class=\"curve {}\"/></svg>{}</li>",
        arm.class(),
        escape(arm.spoken())
    )
}

fn curve(arm: &Arm, nines: f64, x: &Scale, y: &Scale) -> String {
    let latencies = &arm.latencies;
    let last = (latencies.len().max(1) as f64).log10().min(nines);
    let mut path = String::new();
    for point in 0..=POINTS {
        let at = last * point as f64 / POINTS as f64;
        // The slowest of all belongs at the end, and no share below 1 reaches it.
        let share = if point == POINTS {
            1.0
        } else {
            1.0 - 10_f64.powf(-at)
        };
        let Some(ms) = latencies.quantile(share) else {
            continue;
        };
        let command = if path.is_empty() { 'M' } else { 'L' };
        path += &format!("{command}{} {}", n(x.at(at)), n(y.at(ms)));
    }
    format!("<path class=\"curve {}\" d=\"{path}\"/>", arm.class())
}

fn nines_of(share: f64) -> f64 {
    -(1.0 - share).log10()
}

fn axis(nines: f64, x: &Scale) -> String {
    let shown = SHARES
        .iter()
        .filter(|(share, _)| nines_of(*share) <= nines + 1e-6);
    let ticks = shown.map(|(share, text)| {
        let at = x.at(nines_of(*share));
        line((at, TOP), (at, BOTTOM), "grid") + &label(at, BOTTOM + 17.0, "middle", "tick", text)
    });
    let ticks: String = ticks.collect();
    ticks + &line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis")
}

/// The arms' figures at a percentile, for the pointer.
fn hit(scenario_log: &ScenarioLog, nines: f64, x: &Scale, (share, text): (f64, &str)) -> String {
    let at = nines_of(share);
    if at > nines + 1e-6 {
        return String::new();
    }
    let figures = scenario_log.arms.iter().filter_map(|arm| {
        let ms = arm.latencies.quantile(share)?;
        Some(format!("\n{}: {} ms", arm.spoken(), millis(ms)))
    });
    let title = figures.fold(text.to_owned(), |title, figure| title + &figure);
    let middle = x.at(at);
    bar((middle - 14.0, middle + 14.0), (TOP, BOTTOM), "hit", &title)
}
