//! Pods' lives, each in a lane of its own.

use super::arm::Arm;
use super::marks::Mark;
use super::pods::Life;
use super::svg::{LEFT, RIGHT, Scale, bar, label, line};
use super::text::{count, moment, span};

/// Lanes at most.
const MOST: usize = 200;

/// How high the lanes of so many pods are.
fn pitch(pods: usize) -> f64 {
    match pods {
        0..=12 => 20.0,
        13..=20 => 16.0,
        21..=40 => 11.0,
        41..=90 => 7.0,
        _ => 4.0,
    }
}

/// The lanes from `top` down, and where they end.
pub(super) fn draw(arm: &Arm, marks: &[Mark], x: &Scale, end: f64, top: f64) -> (String, f64) {
    let shown = shown(arm);
    let pitch = pitch(shown.len());
    let mut out = label(4.0, top + 10.0, "start", "part", "pods");
    let mut y = top;
    let every = [1, 2, 5]
        .into_iter()
        .find(|every| *every as f64 * pitch >= 13.0);
    let every = every.unwrap_or(5);
    for (index, life) in shown.iter().map(|index| &arm.pods[*index]).enumerate() {
        out += &lane(life, x, end, (y, pitch));
        if index.is_multiple_of(every) {
            let name = format!("pod {}", life.number);
            out += &label(LEFT - 8.0, y + pitch.min(12.0) * 0.75, "end", "tick", &name);
        }
        y += pitch;
    }
    out += &hits(arm, marks, &shown, x, (top, pitch));
    if shown.is_empty() {
        out += &label(LEFT, top + 10.0, "start", "empty", "no pods in the log");
        y += pitch;
    }
    if shown.len() < arm.pods.len() {
        let (all, shown) = (count(arm.pods.len(), "pod"), shown.len());
        let note = format!("{shown} of {all}: those that lost requests first, then by number");
        out += &label((LEFT + RIGHT) / 2.0, y + 12.0, "middle", "empty", &note);
        y += 18.0;
    }
    (out, y)
}

/// The pods that have a lane, by index: before others those that lost requests.
fn shown(arm: &Arm) -> Vec<usize> {
    let mut losses = vec![false; arm.pods.len()];
    for index in arm.failures.iter().filter_map(|failure| failure.pod) {
        losses[index] = true;
    }
    let mut shown: Vec<usize> = (0..arm.pods.len()).collect();
    shown.sort_by_key(|index| !losses[*index]);
    shown.truncate(MOST);
    shown.sort_unstable();
    shown
}

fn lane(life: &Life, x: &Scale, end: f64, (top, pitch): (f64, f64)) -> String {
    let bottom = top + (pitch * 0.62).max(2.4);
    let over = life.exited.unwrap_or(end);
    let mut out = String::new();
    for (class, words, from, to) in segments(life, over) {
        let times = format!("{} – {}: {}", moment(from), moment(to), span(to - from));
        let mut title = format!("pod {} ({}) {words}\n{times}", life.number, life.address);
        if life.deleted.is_some_and(|deleted| from >= deleted) {
            title += &since_deletion(life);
        }
        if to == over {
            title += &format!("\n{}", life.outcome());
        }
        out += &bar((x.at(from), x.at(to)), (top, bottom), class, &title);
    }
    if let Some(exited) = life.exited {
        let class = if life.sigkill.is_some() {
            "killed"
        } else {
            "exit"
        };
        out += &line(
            (x.at(exited), top - 1.0),
            (x.at(exited), bottom + 1.0),
            class,
        );
    }
    out + &routing(life, x, end, (bottom, top + pitch))
}

/// What happened after T0, and when.
fn since_deletion(life: &Life) -> String {
    let moments = [
        ("readiness failed", life.unready),
        ("preStop ended", life.prestop_ended),
        ("SIGTERM", life.sigterm),
        ("SIGKILL", life.sigkill),
        ("exit", life.exited),
        ("no longer routed to", life.unrouted()),
    ];
    let since = |(what, at): (&str, Option<f64>)| {
        let offset = at? - life.deleted?;
        (offset >= 0.0).then(|| format!("{what} + {}", span(offset)))
    };
    let since: Vec<String> = moments.into_iter().filter_map(since).collect();
    match since.is_empty() {
        true => String::new(),
        false => format!("\nsince T0: {}", since.join(", ")),
    }
}

/// The parts of its life: class, words, begin and end.
fn segments(life: &Life, over: f64) -> Vec<(&'static str, &'static str, f64, f64)> {
    // Of a pod on a cluster nobody sees when it is sent SIGTERM.
    let deleted = match (life.sigterm, life.exited) {
        (None, Some(_)) => "is deleted (T0)",
        _ => "is deleted (T0), not yet sent SIGTERM",
    };
    let moments = [
        ("starting", "is starting", Some(life.begin())),
        ("serving", "is ready", life.ready),
        ("prestop", deleted, life.deleted),
        ("draining", "has been sent SIGTERM", life.sigterm),
    ];
    let known: Vec<_> = moments
        .into_iter()
        .filter_map(|(class, words, from)| Some((class, words, from?)))
        .collect();
    let ends = known.iter().skip(1).map(|next| next.2).chain([over]);
    let segments = known.iter().zip(ends);
    let segments = segments.map(|(&(class, words, from), to)| (class, words, from, to.min(over)));
    segments.filter(|(.., from, to)| to > from).collect()
}

/// A line under the lane for as long as clients are routed there, heavy after T0.
fn routing(life: &Life, x: &Scale, end: f64, (bar_end, next): (f64, f64)) -> String {
    let thin = next - bar_end < 4.0;
    let y = bar_end + if thin { 0.8 } else { 2.0 };
    let mut out = String::new();
    for (from, until) in &life.routed {
        let until = until.unwrap_or(end);
        let deleted = life.deleted.unwrap_or(end).min(until).max(*from);
        out += &line((x.at(*from), y), (x.at(deleted), y), "routed");
        if until > deleted {
            let title = format!(
                "pod {}: the clients’ node still routes here for {} after T0, until {}",
                life.number,
                span(until - deleted),
                moment(until)
            );
            let (above, below) = if thin { (0.6, 0.6) } else { (1.2, 1.4) };
            let (from, to) = (x.at(deleted), x.at(until));
            out += &bar((from, to), (y - above, y + below), "lag", &title);
        }
    }
    out
}

/// The failures of each pod, on its lane.
fn hits(arm: &Arm, marks: &[Mark], shown: &[usize], x: &Scale, lanes: (f64, f64)) -> String {
    let (top, pitch) = lanes;
    let size = (pitch / 22.0).clamp(0.45, 0.8);
    let hit = |mark: &Mark| {
        let lane = shown.binary_search(&mark.failure.pod?).ok()?;
        let y = top + lane as f64 * pitch + (pitch * 0.31).max(1.2);
        let at = x.at(mark.failure.request.ended_ms);
        Some(mark.draw(at, y, size, &mark.short_title(arm)))
    };
    marks.iter().filter_map(hit).collect()
}
