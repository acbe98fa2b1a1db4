//! A share of independent runs, and how well it is known.

use crate::stats::{Interval, at_most, deviations};

/// Halvings of an interval: more than a double has bits.
const HALVINGS: usize = 64;

/// So many of so many runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Runs in which it happened.
    pub hits: u64,
    /// All runs.
    pub of: u64,
}

impl Share {
    /// Returns the share itself, 0 for no runs.
    pub fn value(self) -> f64 {
        self.hits as f64 / self.of.max(1) as f64
    }

    /// Returns the exact interval: never too narrow, whatever the true share is.
    ///
    /// Source: Clopper and Pearson, 1934.
    pub fn exact(self, confidence: f64) -> Interval {
        let tail = (1.0 - confidence) / 2.0;
        Interval { low: self.lower_bound(1.0 - tail), high: self.upper_bound(1.0 - tail) }
    }

    /// Returns what the true share is not below, with this confidence: a one-sided bound.
    pub fn lower_bound(self, confidence: f64) -> f64 {
        if self.hits == 0 {
            return 0.0;
        }
        // The share under which so many hits or more are just as rare as allowed.
        let more = |share| 1.0 - at_most(self.hits - 1, self.of, share);
        turning_point(|share| more(share) < 1.0 - confidence)
    }

    /// Returns what the true share is not above, with this confidence: a one-sided bound.
    pub fn upper_bound(self, confidence: f64) -> f64 {
        if self.of <= self.hits {
            return 1.0;
        }
        turning_point(|share| 1.0 - confidence < at_most(self.hits, self.of, share))
    }

    /// Returns the interval of Wilson: narrower, right on average; good for whiskers.
    ///
    /// Source: Wilson, 1927.
    pub fn wilson(self, confidence: f64) -> Interval {
        if self.of == 0 {
            return Interval { low: 0.0, high: 1.0 };
        }
        let (n, p, z) = (self.of as f64, self.value(), deviations(confidence));
        let middle = p + z * z / (2.0 * n);
        let reach = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        let low = if self.hits == 0 { 0.0 } else { (middle - reach) / whole };
        let high = if self.hits == self.of { 1.0 } else { (middle + reach) / whole };
        Interval { low, high }
    }
}

/// Finds where a condition that is true for small shares turns false.
fn turning_point(is_below: impl Fn(f64) -> bool) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        if is_below(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.midpoint(high)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits, runs, and both intervals in percent as tables of them have it.
    const KNOWN: [(u64, u64, [f64; 2], [f64; 2]); 7] = [
        (0, 100, [0.0, 3.622], [0.0, 3.699]),
        (0, 1_000, [0.0, 0.3682], [0.0, 0.3827]),
        (0, 10_000, [0.0, 0.03688], [0.0, 0.0384]),
        (3, 1_000, [0.0619, 0.8742], [0.1021, 0.8783]),
        (37, 200, [13.37, 24.59], [13.73, 24.46]),
        (200, 200, [98.17, 100.0], [98.12, 100.0]),
        (5, 10, [18.71, 81.29], [23.66, 76.34]),
    ];

    #[test]
    fn intervals_are_those_of_the_tables() {
        for (hits, of, exact, wilson) in KNOWN {
            let share = Share { hits, of };

            for (found, known) in [(share.exact(0.95), exact), (share.wilson(0.95), wilson)] {
                for (found, known) in [(found.low, known[0]), (found.high, known[1])] {
                    let error = (100.0 * found - known).abs();
                    assert!(error <= 0.001 + 0.002 * known, "{hits}/{of}: {found} for {known} %");
                }
            }
        }
    }

    #[test]
    fn no_hit_in_n_runs_has_the_bound_that_can_be_written_down() {
        for runs in [1, 20, 400, 29_956] {
            let bound = Share { hits: 0, of: runs }.upper_bound(0.975);

            let known = 1.0 - 0.025_f64.powf(1.0 / runs as f64);
            assert!((bound - known).abs() < 1e-9, "{runs}: {bound} for {known}");
        }
    }

    #[test]
    fn the_exact_interval_covers_the_truth_as_often_as_it_says() {
        for truth in [0.01, 0.05, 0.3, 0.5, 0.93] {
            let runs = 60;
            let chance = |hits: u64| {
                let below = if hits == 0 { 0.0 } else { at_most(hits - 1, runs, truth) };
                at_most(hits, runs, truth) - below
            };
            let covered: f64 = (0..=runs)
                .filter(|&hits| {
                    let it = Share { hits, of: runs }.exact(0.95);
                    it.low <= truth && truth <= it.high
                })
                .map(chance)
                .sum();

            assert!(0.95 <= covered, "{truth}: {covered}");
        }
    }

    #[test]
    fn without_runs_everything_is_possible() {
        let nothing = Share::default();

        assert_eq!(nothing.exact(0.95), Interval { low: 0.0, high: 1.0 });
        assert_eq!(nothing.wilson(0.95), Interval { low: 0.0, high: 1.0 });
    }
}
