//! What numbers from many seeds are worth: intervals, exact where it is possible.
//!
//! Pure functions from counts to intervals. Floating-point numbers are fine here: a report
//! is made of them, and no history depends on it. In reading order:
//! - [`share`]: a share of runs, Clopper–Pearson and Wilson
//! - [`pairs`]: two settings under the same seeds, McNemar's table
//! - [`quantile`]: quantiles of a sample with order-statistic intervals, and the band of
//!   Dvoretzky, Kiefer and Wolfowitz around a distribution
//! - [`words`]: how all that is written

pub mod pairs;
pub mod quantile;
pub mod share;
pub mod words;

use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc_inv;

/// Confidence of every interval that reports show.
pub const CONFIDENCE: f64 = 0.95;

/// Two bounds of a number that nobody knows exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Returns how many standard deviations a normal variable stays within on both sides with
/// this confidence: 1.96 for 0.95.
///
/// Source: ours.
pub(crate) fn deviations(confidence: f64) -> f64 {
    std::f64::consts::SQRT_2 * erfc_inv(1.0 - confidence)
}

/// Returns the chance of at most `hits` of `of` if each has chance `share`.
///
/// Source: the incomplete beta function is the tail of the binomial distribution.
pub(crate) fn at_most(hits: u64, of: u64, share: f64) -> f64 {
    match (hits < of, 0.0 < share, share < 1.0) {
        (false, _, _) | (_, false, _) => 1.0,
        (_, _, false) => 0.0,
        _ => beta_reg((of - hits) as f64, hits as f64 + 1.0, 1.0 - share),
    }
}
