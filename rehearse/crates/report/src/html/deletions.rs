//! All deletions of an arm laid over one another: how long after a pod's deletion requests failed,
//! and what had become of the pod by then.

use super::arm::{Arm, Failure};
use super::axis::ticks;
use super::data::ScenarioLog;
use super::kinds;
use super::since_deletion::{BINS, Offsets, bins, inside, offsets, reach, since};
use super::svg::{LEFT, RIGHT, Scale, bar, chart, label, line};
use super::text::{count, span, thousands};

/// What is shown of the time before T0, as a share of that after it.
const BEFORE: f64 = 0.12;
/// The height of an arm's histogram, and of all that belongs to it.
const PLOT: f64 = 62.0;
const PITCH: f64 = 112.0;

/// Only if a request failed, and a pod was deleted.
pub(super) fn html(scenario_log: &ScenarioLog) -> String {
    let mut all = scenario_log.arms.iter().flat_map(offsets).peekable();
    if all.peek().is_none() {
        return String::new();
    }
    let to = reach(scenario_log, all.map(|(offset, _)| offset));
    let from = -BEFORE * to;
    let x = Scale::time(from, to);
    let of_arms: Vec<_> = scenario_log
        .arms
        .iter()
        .map(|arm| inside(arm, from, to))
        .collect();
    let highest = of_arms.iter().flat_map(|of| bins(of, from, to));
    let highest = highest.map(|bin| bin.len()).max().unwrap_or(0).max(1);
    let mut content = axis(&x, from, to, PITCH * scenario_log.arms.len() as f64);
    for (index, (arm, of)) in scenario_log.arms.iter().zip(&of_arms).enumerate() {
        let top = 10.0 + index as f64 * PITCH;
        content += &row(arm, of, &x, (from, to), (top, highest));
    }
    let about = "Failed requests by the time since their pod was deleted, for each arm";
    format!(
        "<h3>Around a pod’s deletion</h3>\n<p class=\"lead\">All deletions laid over one another, above \
         the life of the arm’s median pod. The highest column: {} within {}.</p>\n{}{}",
        count(highest, "request"),
        span((to - from) / BINS as f64),
        kinds::legend(scenario_log),
        chart(
            PITCH * scenario_log.arms.len() as f64 + 34.0,
            about,
            &content
        )
    )
}

fn row(arm: &Arm, of: &Offsets, x: &Scale, (from, to): (f64, f64), at: (f64, usize)) -> String {
    let (top, highest) = at;
    let base = top + PLOT;
    let mut out = label(4.0, top + 14.0, "start", "name", arm.spoken());
    let failed = format!("{} failed", thousands(arm.failures.len()));
    out += &label(4.0, top + 31.0, "start", "tick", &failed);
    if of.outside > 0 {
        let outside = format!("{} outside this chart", thousands(of.outside));
        out += &label(4.0, top + 46.0, "start", "tick", &outside);
    }
    let width = (to - from) / BINS as f64;
    for (index, failures) in bins(of, from, to).iter().enumerate() {
        let begin = from + index as f64 * width;
        let scale = (PLOT - 4.0) / highest as f64;
        out += &stack(failures, (begin, begin + width), x, (base, scale));
    }
    if of.inside.is_empty() {
        out += &label(
            x.at(0.0) + 6.0,
            base - 8.0,
            "start",
            "empty",
            "no failed request",
        );
    }
    out += &line((LEFT, base), (RIGHT, base), "axis");
    out + &life(arm, x, (from, to), base + 5.0)
}

/// The failures of a bin, a block for each kind.
fn stack(failures: &[&Failure], (from, to): (f64, f64), x: &Scale, y: (f64, f64)) -> String {
    let (mut base, scale) = y;
    let (left, right) = (x.at(from), x.at(to) - 0.8);
    let [begin, end] = [from, to].map(|at| format!("{} {}", sign(at), span(at)));
    let mut out = String::new();
    for (kind, many) in kinds::counts(failures.iter().copied()) {
        let title = format!("T0 {begin} … T0 {end}\n{} × {kind}", thousands(many));
        let class = format!("f {}", kinds::look(kind).class);
        let top = base - (many as f64 * scale).max(2.0);
        out += &bar((left, right), (top, base), &class, &title);
        base = top;
    }
    out
}

fn sign(offset: f64) -> char {
    if offset < 0.0 { '−' } else { '+' }
}

/// The median pod's life around T0, and for how long clients were still routed to it.
fn life(arm: &Arm, x: &Scale, (from, to): (f64, f64), top: f64) -> String {
    if arm.pods.iter().all(|life| life.deleted.is_none()) {
        return label(
            LEFT + 6.0,
            top + 9.0,
            "start",
            "empty",
            "no pod was deleted",
        );
    }
    let sigterm = since(arm, |life| life.sigterm);
    let exit = since(arm, |life| life.exited);
    let over = exit.unwrap_or(to);
    let term = sigterm.unwrap_or(over).min(over);
    let segments = [
        ("serving", "ready, until T0", from, 0.0),
        ("prestop", "deleted, before SIGTERM", 0.0, term),
        ("draining", "SIGTERM to exit", term, over),
    ];
    let mut out = String::new();
    for (class, words, begin, end) in segments.into_iter().filter(|(.., from, to)| to > from) {
        let title = match begin < 0.0 {
            true => format!("median pod: {words}"),
            false => format!("median pod: {words}, {}", span(end - begin)),
        };
        out += &bar((x.at(begin), x.at(end)), (top, top + 9.0), class, &title);
    }
    if let Some(exit) = exit.filter(|exit| *exit <= to) {
        out += &line((x.at(exit), top - 1.0), (x.at(exit), top + 10.0), "exit");
    }
    let unrouted = since(arm, |life| life.unrouted());
    out += &lag(unrouted, x, top + 11.0);
    out + &words(x, sigterm, exit, unrouted, top + 25.0)
}

/// For how long clients were routed to a deleted pod.
fn lag(unrouted: Option<f64>, x: &Scale, top: f64) -> String {
    let Some(lag) = unrouted else {
        return String::new();
    };
    let title = format!("the clients’ node still routes here: median {}", span(lag));
    bar((x.at(0.0), x.at(lag)), (top, top + 2.6), "lag", &title)
}

/// The moments of the median pod, in words below it.
fn words(
    x: &Scale,
    sigterm: Option<f64>,
    exit: Option<f64>,
    unrouted: Option<f64>,
    y: f64,
) -> String {
    let after = |name: &str, moment: Option<f64>| {
        moment.map(|moment| format!("{name} {} {}", sign(moment), span(moment)))
    };
    let moments = [
        after("SIGTERM", sigterm),
        after("exit", exit),
        after("no longer routed to", unrouted),
    ];
    let words: Vec<String> = moments.into_iter().flatten().collect();
    label(
        x.at(0.0) + 6.0,
        y,
        "start",
        "tick",
        &format!("median: {}", words.join(" · ")),
    )
}

fn axis(x: &Scale, from: f64, to: f64, bottom: f64) -> String {
    let y = bottom + 8.0;
    let ticks = ticks(from / 1_000.0, to / 1_000.0, 10.0);
    let tick = |at: &f64| {
        let place = x.at(at * 1_000.0);
        let (class, text) = match *at {
            zero if zero.abs() < 1e-9 => ("zero-line", "T0".to_owned()),
            at => {
                let seconds = (at.abs() * 1_000.0).round() / 1_000.0;
                ("grid", format!("{} {seconds} s", sign(at)))
            }
        };
        line((place, 6.0), (place, y), class) + &label(place, y + 16.0, "middle", "tick", &text)
    };
    let note = label(4.0, y + 16.0, "start", "tick", "time since T0");
    note + &ticks.iter().map(tick).collect::<String>()
}
