//! Latency over time: what lies between the fastest and the slowest request, the 99th percentile
//! and the median of each column of the chart. Never an element for each request: there may be
//! millions.

use super::arm::{Arm, latency};
use super::axis::{latency_axis, log_bounds};
use super::data::ScenarioLog;
use super::line::{Outcome, Request};
use super::stats::Latencies;
use super::svg::{LEFT, RIGHT, Scale, bar, label, n};
use super::text::{count, moment, span};

/// The height of the plot.
const HEIGHT: f64 = 132.0;
/// Columns of the plot at most.
const COLUMNS: usize = 334;
/// Requests that a column holds on average at least.
const PER_COLUMN: usize = 16;
/// The same where it is about the 99th percentile: of fewer than 100 that is the slowest.
const PER_P99: usize = 120;

/// The requests that ended within a stretch of time.
struct Column {
    from: f64,
    to: f64,
    latencies: Latencies,
}

/// The chart with its upper edge at `top`, and its lower edge. All arms have the same axis.
pub(super) fn draw(scenario_log: &ScenarioLog, arm: &Arm, x: &Scale, top: f64) -> (String, f64) {
    let bottom = top + HEIGHT;
    let bounds = bounds(scenario_log);
    let y = Scale::log(bounds, bottom, top);
    let columns = columns(arm, scenario_log.end_ms, PER_COLUMN);
    let wide = self::columns(arm, scenario_log.end_ms, PER_P99);
    let lines = [("p99", steps(&wide, x, &y)), ("p50", path(&columns, x, &y))];
    let mut out = label(4.0, top + 10.0, "start", "part", "latency");
    out += &latency_axis(&y, bounds);
    out += &format!("<path class=\"band\" d=\"{}\"/>", band(&columns, x, &y));
    for (class, path) in lines {
        out += &format!("<path class=\"{class}\" d=\"{path}\"/>");
    }
    if arm.latencies.len() == 0 {
        let middle = (top + bottom) / 2.0;
        out += &label(
            (LEFT + RIGHT) / 2.0,
            middle,
            "middle",
            "empty",
            "no complete request",
        );
    }
    let hover = columns.iter().flatten().map(|column| {
        let (from, to) = (x.at(column.from), x.at(column.to));
        bar((from, to), (top, bottom), "hit", &column.title())
    });
    out.extend(hover);
    (out, bottom)
}

/// The bounds of all arms' latencies.
pub(super) fn bounds(scenario_log: &ScenarioLog) -> (f64, f64) {
    let extremes = scenario_log
        .arms
        .iter()
        .map(|arm| (arm.latencies.min(), arm.latencies.max()));
    let (min, max) = extremes.fold((f64::INFINITY, 0.0_f64), |(min, max), (least, most)| {
        (min.min(least.unwrap_or(min)), max.max(most.unwrap_or(max)))
    });
    match min.is_finite() {
        true => log_bounds(min, max),
        false => (0.1, 100.0),
    }
}

fn columns(arm: &Arm, end: f64, per_column: usize) -> Vec<Option<Column>> {
    let number = (arm.latencies.len() / per_column).clamp(20, COLUMNS);
    let width = end.max(1.0) / number as f64;
    let mut latencies = vec![Vec::new(); number];
    let complete = |r: &&&Request| r.outcome == Outcome::Complete;
    for request in arm.requests.iter().filter(complete) {
        let index = (request.ended_ms / width) as usize;
        latencies[index.min(number - 1)].push(latency(request));
    }
    let column = |(index, latencies): (usize, Vec<f64>)| {
        (!latencies.is_empty()).then(|| Column {
            from: index as f64 * width,
            to: (index + 1) as f64 * width,
            latencies: Latencies::of(latencies),
        })
    };
    latencies.into_iter().enumerate().map(column).collect()
}

impl Column {
    fn middle(&self) -> f64 {
        (self.from + self.to) / 2.0
    }

    /// Where a quantile lies.
    fn height(&self, y: &Scale, share: f64) -> f64 {
        y.at(self.latencies.quantile(share).unwrap_or_default())
    }

    fn title(&self) -> String {
        let figure = |share| span(self.latencies.quantile(share).unwrap_or_default());
        format!(
            "{} – {}: {}\nmedian {}, p90 {}, min {}, max {}",
            moment(self.from),
            moment(self.to),
            count(self.latencies.len(), "complete request"),
            figure(0.5),
            figure(0.9),
            figure(0.0),
            figure(1.0)
        )
    }
}

/// Stretches without a gap.
fn stretches(columns: &[Option<Column>]) -> impl Iterator<Item = Vec<&Column>> {
    let stretches = columns.split(Option::is_none);
    let stretches = stretches.map(|stretch| stretch.iter().flatten().collect::<Vec<_>>());
    stretches.filter(|stretch| !stretch.is_empty())
}

/// The medians, from one column's middle to the next.
fn path(columns: &[Option<Column>], x: &Scale, y: &Scale) -> String {
    let mut out = String::new();
    for stretch in stretches(columns) {
        for (index, column) in stretch.iter().enumerate() {
            let height = column.height(y, 0.5);
            let (command, at) = (if index == 0 { 'M' } else { 'L' }, x.at(column.middle()));
            out += &format!("{command}{} {}", n(at), n(height));
        }
        // A line of no length shows as a dot, its ends being round.
        if stretch.len() == 1 {
            out.push_str("h0");
        }
    }
    out
}

/// The 99th percentiles, each across the whole of its column: these are wide.
fn steps(columns: &[Option<Column>], x: &Scale, y: &Scale) -> String {
    let mut out = String::new();
    for stretch in stretches(columns) {
        for column in stretch {
            let [from, to] = [column.from, column.to].map(|at| n(x.at(at)));
            out += &format!("M{from} {}H{to}", n(column.height(y, 0.99)));
        }
    }
    out
}

/// From the fastest to the slowest.
fn band(columns: &[Option<Column>], x: &Scale, y: &Scale) -> String {
    let mut out = String::new();

    for stretch in stretches(columns) {
        let mut command = 'M';
        for column in &stretch {
            let slowest = n(column.height(y, 1.0) - 0.5);
            let [from, to] = [column.from, column.to].map(|at| n(x.at(at)));
            out += &format!("{command}{from} {slowest}H{to}");
            command = 'L';
        }
        for column in stretch.iter().rev() {
            let fastest = n(column.height(y, 0.0) + 0.5);
            let [from, to] = [column.from, column.to].map(|at| n(x.at(at)));
            out += &format!("L{to} {fastest}H{from}");
        }
        out.push('Z');
    }
    out
}
