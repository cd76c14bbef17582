//! Ratios, their spread, and what they should be.

use std::fmt;

use serde::Serialize;

/// What a ratio should be on a quiet machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub(super) fn is_reached(self, ratio: f64) -> bool {
        match self {
            Self::AtLeast(least) => ratio >= least,
            Self::AtMost(most) => ratio <= most,
        }
    }

    /// The goal beside what came of it.
    pub(super) fn beside(self, ratio: f64) -> String {
        let met = if self.is_reached(ratio) {
            "reached"
        } else {
            "missed"
        };
        format!("goal {self}: {met}")
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, ">= {least:.2}"),
            Self::AtMost(most) => write!(f, "<= {most:.2}"),
        }
    }
}

/// What is shown of repeated measurements.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Spread {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Spread {
    /// Of at least one value.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = ((sorted.len() - 1) / 2, sorted.len() / 2);
        Self {
            median: f64::midpoint(sorted[low], sorted[high]),
            min: sorted[0],
            max: sorted[sorted.len() - 1],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle_of_odd_and_even_numbers() {
        let odd = Spread::of([1.02, 0.96, 0.99]);
        assert_eq!((odd.min, odd.median, odd.max), (0.96, 0.99, 1.02));
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 9.0]).median, 3.0);
        assert_eq!(Spread::of([7.0]).median, 7.0);
    }

    #[test]
    fn a_goal_is_reached_at_its_bound_and_missed_beyond() {
        let (least, most) = (Goal::AtLeast(0.98), Goal::AtMost(1.04));
        assert!(least.is_reached(0.98) && !least.is_reached(0.979_9));
        assert!(most.is_reached(1.04) && !most.is_reached(1.040_1));
        assert_eq!(least.beside(0.97), "goal >= 0.98: missed");
        assert_eq!(most.beside(0.79), "goal <= 1.04: reached");
    }
}
