//! Latencies and their figures.

/// The latencies of complete requests, in milliseconds.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    sorted: Vec<f64>,
}

impl Latencies {
    pub(super) fn of(mut latencies: Vec<f64>) -> Self {
        latencies.sort_unstable_by(f64::total_cmp);
        Self { sorted: latencies }
    }

    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    pub(super) fn min(&self) -> Option<f64> {
        self.sorted.first().copied()
    }

    pub(super) fn max(&self) -> Option<f64> {
        self.sorted.last().copied()
    }

    pub(super) fn mean(&self) -> Option<f64> {
        let sum: f64 = self.sorted.iter().sum();
        (!self.sorted.is_empty()).then(|| sum / self.len() as f64)
    }

    pub(super) fn deviation(&self) -> Option<f64> {
        let mean = self.mean()?;
        let squares: f64 = self.sorted.iter().map(|ms| (ms - mean).powi(2)).sum();
        Some((squares / self.len() as f64).sqrt())
    }

    /// The least latency that so great a share of all, from 0 to 1, does not exceed.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        // Without the small step back 0.999 of 1,000 would be the 1,000th.
        let rank = (share * self.len() as f64 - 1e-9).ceil().max(1.0) as usize;
        self.sorted
            .get((rank - 1).min(self.len().saturating_sub(1)))
            .copied()
    }
}

/// The middle one of some figures.
pub(super) fn median(figures: impl Iterator<Item = f64>) -> Option<f64> {
    Latencies::of(figures.collect()).quantile(0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_thousand() {
        let latencies = Latencies::of((1..=1_000).rev().map(f64::from).collect());
        let quantiles = [0.0, 0.5, 0.9, 0.999, 1.0].map(|share| latencies.quantile(share));
        assert_eq!(quantiles, [1.0, 500.0, 900.0, 999.0, 1_000.0].map(Some));
        assert_eq!(latencies.mean(), Some(500.5));
        let deviation = latencies.deviation().unwrap();
        assert!((deviation - 288.675).abs() < 0.001, "{deviation}");
    }

    #[test]
    fn none_have_no_figures() {
        let none = Latencies::default();
        assert_eq!(
            (none.min(), none.mean(), none.quantile(0.5)),
            (None, None, None)
        );
        assert_eq!(none.deviation(), None);
        assert_eq!(median(std::iter::empty()), None);
    }
}
