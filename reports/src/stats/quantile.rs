//! Quantiles and distributions of a sample, with intervals that assume nothing about it.

use crate::stats::{Interval, at_most};

/// A quantile with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The value in the sample.
    pub value: f64,
    /// Values of the sample between which the true quantile lies; `None` if the sample is too
    /// small to say so.
    pub interval: Option<Interval>,
}

/// Finds a quantile of an ordered sample; `None` if it is empty.
///
/// How many values lie below the true quantile is a binomial number, so two of the ordered
/// values enclose it with a known chance: no resampling and no chance of our own.
///
/// Source: David and Nagaraja, Order Statistics, section 7.1.
pub fn quantile(sorted: &[f64], share: f64, confidence: f64) -> Option<Quantile> {
    let n = sorted.len() as u64;
    let place = (share * n as f64).ceil().max(1.0) as usize - 1;
    let value = *sorted.get(place)?;
    let tail = (1.0 - confidence) / 2.0;
    // Ranks from 1: the last one that is too low rarely enough, the first one too high.
    let low = (1..=n).take_while(|rank| at_most(rank - 1, n, share) <= tail).last();
    let high = (1..=n).find(|rank| 1.0 - at_most(rank - 1, n, share) <= tail);
    let interval = low.zip(high).map(|(low, high)| Interval {
        low: sorted[low as usize - 1],
        high: sorted[high as usize - 1],
    });
    Some(Quantile { value, interval })
}

/// Returns how far the share of a sample below any value is from the true share, at most:
/// the half width of a band around the whole distribution.
///
/// Source: Dvoretzky, Kiefer and Wolfowitz, 1956, with Massart's constant.
pub fn band(sample: usize, confidence: f64) -> f64 {
    ((2.0 / (1.0 - confidence)).ln() / (2.0 * sample.max(1) as f64)).sqrt().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_between_the_ranks_of_the_tables() {
        for (n, ranks) in [(6, (1, 6)), (10, (2, 9)), (20, (6, 15)), (100, (40, 61))] {
            let sorted: Vec<f64> = (1..=n).map(f64::from).collect();

            let found = quantile(&sorted, 0.5, 0.95).and_then(|it| it.interval);

            let known = Interval { low: f64::from(ranks.0), high: f64::from(ranks.1) };
            assert_eq!(found, Some(known), "of {n}");
        }
    }

    #[test]
    fn a_sample_that_is_too_small_has_a_quantile_without_an_interval() {
        let sorted: Vec<f64> = (1..=100).map(f64::from).collect();

        let found = quantile(&sorted, 0.99, 0.95).expect("the sample is not empty");

        assert_eq!(found, Quantile { value: 99.0, interval: None });
        assert_eq!(quantile(&[], 0.5, 0.95), None);
    }

    #[test]
    fn the_band_narrows_with_the_root_of_the_sample() {
        for (n, known) in [(100, 0.135_81), (400, 0.067_90), (1, 1.0)] {
            assert!((band(n, 0.95) - known).abs() < 1e-5, "{n}: {}", band(n, 0.95));
        }
    }
}
