//! Where axes are labelled.

use super::svg::{LEFT, RIGHT, Scale, label, line};

/// Round values between two others: about so many.
pub(super) fn ticks(from: f64, to: f64, wanted: f64) -> Vec<f64> {
    let raw = ((to - from) / wanted).max(1e-9);
    let power = 10_f64.powf(raw.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| *step >= raw * 0.999);
    let step = step.unwrap_or(raw);
    let (first, last) = (
        (from / step - 1e-6).ceil() as i64,
        (to / step + 1e-6).floor() as i64,
    );
    (first..=last).map(|tick| tick as f64 * step).collect()
}

/// Values that are so close to one another need no logarithmic axis.
const CLOSE: f64 = 1.5;

/// Bounds of a logarithmic axis around two values, at 1, 2 or 5 of a decade.
pub(super) fn log_bounds(min: f64, max: f64) -> (f64, f64) {
    let (min, max) = (min.max(0.01), max.max(min).max(0.01));
    // A service that always takes as long: a whole decade would make a flat line of it.
    if max < CLOSE * min {
        let margin = ((max - min) * 0.2).max(min * 0.005);
        return (min - margin, max + margin);
    }
    let steps = log_steps(min / 10.0, max * 10.0);
    let below = steps.iter().rev().find(|step| **step <= min);
    let above = steps
        .iter()
        .find(|step| **step >= max && **step > min * 1.5);
    (
        below.copied().unwrap_or(min),
        above.copied().unwrap_or(max * 10.0),
    )
}

/// Where a logarithmic axis is labelled.
pub(super) fn log_ticks(from: f64, to: f64) -> Vec<f64> {
    if to < CLOSE * from {
        return ticks(from, to, 4.0);
    }
    let decades = (to / from).log10();
    let is_power = |step: &f64| (step.log10() - step.log10().round()).abs() < 1e-6;
    let mut steps = log_steps(from * 0.999, to * 1.001);
    if decades > 2.0 {
        steps.retain(is_power);
    }
    steps
}

fn log_steps(from: f64, to: f64) -> Vec<f64> {
    let (first, last) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let decades = (first..=last).map(|power| 10_f64.powi(power));
    let steps = decades.flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * decade));
    steps.filter(|step| (from..=to).contains(step)).collect()
}

/// The lines of a logarithmic axis of latencies.
pub(super) fn latency_axis(scale: &Scale, bounds: (f64, f64)) -> String {
    let tick = |ms: f64| {
        let y = scale.at(ms);
        let text = match ms {
            ms if ms < 999.5 => format!("{} ms", (ms * 100.0).round() / 100.0),
            ms => format!("{} s", ms.round() / 1_000.0),
        };
        let grid = line((LEFT, y), (RIGHT, y), "grid");
        grid + &label(LEFT - 8.0, y + 4.0, "end", "tick", &text)
    };
    log_ticks(bounds.0, bounds.1)
        .into_iter()
        .map(tick)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            ticks(0.0, 40.0, 10.0),
            [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0]
        );
        assert_eq!(ticks(-1.0, 2.0, 3.0), [-1.0, 0.0, 1.0, 2.0]);
    }

    #[test]
    fn latencies_of_one_value_still_have_an_axis() {
        assert_eq!(log_bounds(1_000.0, 1_000.0), (995.0, 1_005.0));
        assert!(log_ticks(995.0, 1_005.0).contains(&1_000.0));
        assert_eq!(log_bounds(1.0, 70.0), (1.0, 100.0));
        assert_eq!(log_ticks(1.0, 20.0), [1.0, 2.0, 5.0, 10.0, 20.0]);
        let (from, to) = log_bounds(0.0, 0.0);
        assert!(0.0 < from && from < to);
    }
}
