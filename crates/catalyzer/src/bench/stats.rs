//! Percentiles of repeated measurements.

use serde::Serialize;

/// Median, 99th percentile and minimum of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Summary {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Smallest.
    pub min: f64,
}

/// Measurements of one row, in the order they were made.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Arithmetic mean; 0 without measurements.
    pub fn mean(&self) -> f64 {
        if self.0.is_empty() { 0.0 } else { self.0.iter().sum::<f64>() / self.0.len() as f64 }
    }

    /// The `percent`-th percentile by nearest rank: a value that was really measured. 0 without measurements.
    pub fn percentile(&self, percent: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * sorted.len() as f64).ceil() as usize;
        sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
    }

    /// What reports print, to a tenth; none without measurements.
    pub fn summary(&self) -> Option<Summary> {
        let round = |v: f64| (v * 10.0).round() / 10.0;
        (!self.0.is_empty()).then(|| Summary {
            p50: round(self.percentile(50.0)),
            p99: round(self.percentile(99.0)),
            min: round(self.percentile(0.0)),
        })
    }
}

impl Extend<f64> for Samples {
    fn extend<I: IntoIterator<Item = f64>>(&mut self, values: I) {
        self.0.extend(values);
    }
}

impl FromIterator<f64> for Samples {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let samples: Samples = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(samples.summary(), Some(Summary { p50: 500.0, p99: 990.0, min: 1.0 }));
        assert_eq!(samples.mean(), 500.5);
    }

    #[test]
    fn one_measurement_is_all_percentiles() {
        let samples: Samples = [7.04].into_iter().collect();
        assert_eq!(samples.summary(), Some(Summary { p50: 7.0, p99: 7.0, min: 7.0 }));
    }

    #[test]
    fn no_measurement_gives_no_summary() {
        assert_eq!(Samples::default().summary(), None);
        assert_eq!(Samples::default().percentile(50.0), 0.0);
    }
}
