//! An arm over time: latency, failures and pods above the same axis.

use super::arm::Arm;
use super::axis::ticks;
use super::data::ScenarioLog;
use super::kinds;
use super::lanes;
use super::latency;
use super::marks::{self, Mark};
use super::svg::{LEFT, RIGHT, Scale, chart, label, line};
use super::tables::name;
use super::text::{count, thousands};

/// The height of a row of marks.
const ROW: f64 = 18.0;
/// Pods whose deletion is drawn across the whole chart: with more, there would be nothing else.
const GUIDES: usize = 48;

/// A chart for each arm, all with the same axes.
pub(super) fn html(scenario_log: &ScenarioLog, cap: usize) -> String {
    let charts: String = scenario_log
        .arms
        .iter()
        .map(|arm| of_arm(scenario_log, arm, cap))
        .collect();
    format!("<h3>Over time</h3>\n{}{charts}", legend())
}

fn of_arm(scenario_log: &ScenarioLog, arm: &Arm, cap: usize) -> String {
    let marks = marks::of(arm, cap);
    let x = Scale::time(0.0, scenario_log.end_ms);
    let (latency, below) = latency::draw(scenario_log, arm, &x, 8.0);
    let (failures, below) = failures(arm, &marks, &x, below + 14.0);
    let (pods, below) = lanes::draw(arm, &marks, &x, scenario_log.end_ms, below + 10.0);
    let guides = guides(arm, &x, below + 4.0);
    let axis = axis(scenario_log.end_ms, &x, below + 4.0);
    let failed = count(arm.failures.len(), "failed request");
    let about = format!(
        "{}: latency over time, {failed}, and the lives of {}",
        arm.spoken(),
        count(arm.pods.len(), "pod")
    );
    let note = match marks.len() < arm.failures.len() {
        true => format!(
            "<p class=\"note\">{failed} are drawn as {}: larger ones stand for several of the same \
             kind, pod and moment.</p>\n",
            count(marks.len(), "mark")
        ),
        false => String::new(),
    };
    format!(
        "<section class=\"arm-chart\"><h4>{} <span>{failed} of {}</span></h4>\n{}{note}</section>\n",
        name(arm),
        thousands(arm.requests.len()),
        chart(
            below + 26.0,
            &about,
            &[axis, guides, latency, failures, pods].concat()
        )
    )
}

/// A row of marks for each kind of failure, from `top` down, and where they end.
fn failures(arm: &Arm, marks: &[Mark], x: &Scale, top: f64) -> (String, f64) {
    let kinds = kinds::of_arm(arm);
    if kinds.is_empty() {
        let out = label(4.0, top + 13.0, "start", "part", "failed")
            + &label(LEFT - 8.0, top + 13.0, "end", "tick", "0")
            + &line((LEFT, top + 9.0), (RIGHT, top + 9.0), "row");
        return (out, top + ROW);
    }
    let mut out = String::new();
    for (row, (kind, count)) in kinds.iter().enumerate() {
        let y = top + row as f64 * ROW + ROW / 2.0;
        let shown: String = kind.chars().take(24).collect();
        out += &label(4.0, y + 4.0, "start", "kind", &shown);
        out += &label(LEFT - 8.0, y + 4.0, "end", "tick", &thousands(*count));
        out += &line((LEFT, y), (RIGHT, y), "row");
        let of_kind = marks.iter().filter(|mark| mark.failure.kind() == *kind);
        out.extend(of_kind.enumerate().map(|(index, mark)| {
            // Neighbours do not hide one another if they are not all at the same height.
            let y = y + (index * 3 % 7) as f64 - 3.0;
            let at = x.at(mark.failure.request.ended_ms);
            mark.draw(at, y, 1.0, &mark.title(arm))
        }));
    }
    (out, top + kinds.len() as f64 * ROW)
}

/// A line wherever a pod is deleted.
fn guides(arm: &Arm, x: &Scale, bottom: f64) -> String {
    let deleted: Vec<f64> = arm.pods.iter().filter_map(|life| life.deleted).collect();
    if deleted.len() > GUIDES {
        return String::new();
    }
    let guide = |at: &f64| line((x.at(*at), 8.0), (x.at(*at), bottom), "guide");
    deleted.iter().map(guide).collect()
}

fn axis(end: f64, x: &Scale, y: f64) -> String {
    let seconds = end / 1_000.0;
    let ticks = ticks(0.0, seconds, 10.0);
    let step = ticks.get(1).copied().unwrap_or(1.0);
    let digits = (-step.log10().floor()).clamp(0.0, 3.0) as usize;
    let tick = |at: &f64| {
        let (place, text) = (x.at(at * 1_000.0), format!("{at:.digits$} s"));
        line((place, 8.0), (place, y), "grid") + &label(place, y + 16.0, "middle", "tick", &text)
    };
    let ticks: String = ticks.iter().map(tick).collect();
    ticks + &line((LEFT, y), (RIGHT, y), "axis")
}

/// What bars, bands and lines mean.
fn legend() -> String {
    let bar = |class: &str, words: &str| {
        format!(
            "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect x=\"0\" y=\"1\" width=\"22\" \
             height=\"10\" class=\"{class}\"/></svg>{words}</li>"
        )
    };
    let stroke = |class: &str, words: &str| {
        format!(
            "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><path d=\"M1 6H21\" \
             class=\"{class}\"/></svg>{words}</li>"
        )
    };
    let latency = [
        bar("band", "fastest to slowest"),
        stroke("p99", "p99"),
        stroke("p50", "median"),
        stroke("guide", "a pod is deleted (T0)"),
    ];
    let pods = [
        bar("starting", "starting"),
        bar("serving", "ready"),
        bar("prestop", "deleted (T0)"),
        bar("draining", "sent SIGTERM"),
        stroke("routed", "clients’ node routes here"),
        "<li><svg viewBox=\"0 0 22 12\" aria-hidden=\"true\"><rect x=\"0\" y=\"4.5\" width=\"22\" \
         height=\"3\" class=\"lag\"/></svg>still after T0</li>"
            .to_owned(),
    ];
    let [latency, pods] = [latency.concat(), pods.concat()];
    format!("<ul class=\"legend\">{latency}</ul>\n<ul class=\"legend\">{pods}</ul>\n")
}
