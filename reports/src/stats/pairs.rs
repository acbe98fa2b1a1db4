//! Two settings under the same seeds: the paired comparison.
//!
//! The same seed gives both runs the same latencies and faults, so the runs come in pairs,
//! and only the pairs that differ say something about the settings.

use crate::stats::{Interval, at_most, deviations};

/// McNemar's table: in how many pairs it happened where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// Under both settings.
    pub both: u64,
    /// Under the first one only.
    pub first_only: u64,
    /// Under the second one only.
    pub second_only: u64,
    /// Under neither.
    pub neither: u64,
}

impl Pairs {
    /// Counts a pair.
    pub fn take(&mut self, first: Happened, second: Happened) {
        *match (first, second) {
            (Happened::Yes, Happened::Yes) => &mut self.both,
            (Happened::Yes, Happened::No) => &mut self.first_only,
            (Happened::No, Happened::Yes) => &mut self.second_only,
            (Happened::No, Happened::No) => &mut self.neither,
        } += 1;
    }

    /// Returns how many pairs there are.
    pub fn count(self) -> u64 {
        self.both + self.first_only + self.second_only + self.neither
    }

    /// Returns the share under the second setting less the share under the first one.
    pub fn difference(self) -> f64 {
        (self.second_only as f64 - self.first_only as f64) / self.count().max(1) as f64
    }

    /// Returns an interval of the difference: one pair is added to both kinds that differ,
    /// so that it is no point when no pair differs.
    ///
    /// Source: Bonett and Price, 2012.
    pub fn interval(self, confidence: f64) -> Interval {
        let n = self.count() as f64 + 2.0;
        let first = (self.first_only as f64 + 1.0) / n;
        let second = (self.second_only as f64 + 1.0) / n;
        let middle = second - first;
        let reach = deviations(confidence) * ((first + second - middle * middle) / n).sqrt();
        Interval { low: (middle - reach).max(-1.0), high: (middle + reach).min(1.0) }
    }

    /// Returns how likely pairs differ so one-sidedly, or more so, if the settings do not
    /// matter.
    ///
    /// Source: McNemar's test in its exact form, two-sided.
    pub fn significance(self) -> f64 {
        let differ = self.first_only + self.second_only;
        let fewer = self.first_only.min(self.second_only);
        (2.0 * at_most(fewer, differ, 0.5)).min(1.0)
    }
}

/// Whether something happened in a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It did.
    Yes,
    /// It did not.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_by_where_it_happened() {
        let mut pairs = Pairs::default();
        let (yes, no) = (Happened::Yes, Happened::No);

        for (first, second) in [(yes, yes), (yes, no), (yes, no), (no, yes), (no, no)] {
            pairs.take(first, second);
        }

        assert_eq!(pairs, Pairs { both: 1, first_only: 2, second_only: 1, neither: 1 });
        assert_eq!(pairs.difference(), -0.2);
    }

    #[test]
    fn the_interval_of_a_difference_is_that_of_the_formula_by_hand() {
        let pairs = Pairs { both: 36, first_only: 2, second_only: 12, neither: 0 };

        let found = pairs.interval(0.95);

        // Of 52: 13 and 3, so 0.1923 ± 1.96 · √((0.25 + 0.0577 − 0.0370) / 52).
        assert!((found.low - 0.050_9).abs() < 1e-4, "{found:?}");
        assert!((found.high - 0.333_7).abs() < 1e-4, "{found:?}");
    }

    #[test]
    fn the_test_is_a_toss_of_a_coin_for_each_pair_that_differs() {
        let table = [((5, 0), 0.062_5), ((0, 0), 1.0), ((3, 3), 1.0), ((2, 12), 0.012_939_45)];

        for ((first_only, second_only), known) in table {
            let pairs = Pairs { both: 7, first_only, second_only, neither: 9 };
            let found = pairs.significance();
            assert!((found - known).abs() < 1e-6, "{first_only}, {second_only}: {found}");
        }
    }

    #[test]
    fn a_difference_that_no_pair_shows_still_has_an_interval() {
        let pairs = Pairs { neither: 400, ..Pairs::default() };

        let Interval { low, high } = pairs.interval(0.95);

        assert!(-0.01 < low && low < 0.0 && 0.0 < high && high < 0.01, "{low} {high}");
    }
}
