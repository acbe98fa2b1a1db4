//! Draws random lengths of time, with the same bits on every platform.
//!
//! An exponential length comes from an integer table of quantiles, not from a logarithm of
//! floating-point numbers, whose last bits differ between machines.

use model::chance::Rng;
use model::time::Duration;

use crate::plan::Shape;

/// Steps of the quantile table.
const CELLS: usize = 1_024;
/// Fraction bits of a quantile.
const FRACTION: u32 = 16;
/// Quantiles of the exponential distribution with mean 1: entry `i` is -ln(1 - i/1024).
static QUANTILES: [u32; CELLS] = quantiles();
/// ln 1024: where the last cell begins again from zero.
const TAIL: u64 = 454_260;
/// The rarest draw restarts the last cell so often; one in 2^80 gets there.
const RESTARTS_MAX: u32 = 8;

/// A random stream that is forked when it is first needed, and again when the seed is another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stream(Option<Box<Forked>>);

#[derive(Clone, Debug, PartialEq)]
struct Forked {
    seed: u64,
    rng: Rng,
}

impl Stream {
    /// Returns the stream, forking it under the name that `name` gives.
    pub(crate) fn get(&mut self, seed: u64, name: impl FnOnce() -> String) -> &mut Rng {
        if self.0.as_ref().is_none_or(|forked| forked.seed != seed) {
            self.0 = Some(Box::new(Forked { seed, rng: Rng::fork(seed, &name()) }));
        }
        &mut self.0.as_mut().expect("it was forked just now").rng
    }
}

impl Shape {
    /// Returns the length if it is always the same.
    pub(crate) fn fixed(self) -> Option<Duration> {
        match self {
            Shape::Fixed(at) => Some(at),
            Shape::Uniform(..) | Shape::Exponential { .. } | Shape::TwoHumped { .. } => None,
        }
    }

    /// Draws a length.
    pub fn draw(self, rng: &mut Rng) -> Duration {
        match self {
            Shape::Fixed(at) => at,
            Shape::Uniform(low, high) => rng.between(low, high),
            Shape::Exponential { floor, mean, cap } => {
                let beyond = u128::from((mean - floor).0) * u128::from(exponential(rng));
                (floor + Duration((beyond >> FRACTION) as u64)).min(cap)
            }
            Shape::TwoHumped { usual, rare, rare_millionths } => {
                if rng.chance(rare_millionths) {
                    rare
                } else {
                    usual
                }
            }
        }
    }
}

/// Draws from the exponential distribution with mean 1, in units of 2^-16.
fn exponential(rng: &mut Rng) -> u64 {
    let mut total = 0;
    for _ in 0..RESTARTS_MAX {
        let word = rng.word();
        let cell = (word >> 54) as usize;
        if cell + 1 < CELLS {
            let (low, high) = (u64::from(QUANTILES[cell]), u64::from(QUANTILES[cell + 1]));
            let part = (word >> 38) & 0xffff;
            return total + low + (((high - low) * part) >> 16);
        }
        // Beyond the last quantile the distribution looks like itself.
        total += TAIL;
    }
    total
}

const fn quantiles() -> [u32; CELLS] {
    let mut table = [0; CELLS];
    let mut cell = 1;
    while cell < CELLS {
        table[cell] = logarithm(((CELLS as u64) << 32) / (CELLS - cell) as u64);
        cell += 1;
    }
    table
}

/// Returns the natural logarithm (16 fraction bits) of a ratio above 1 (32 fraction bits).
const fn logarithm(ratio: u64) -> u32 {
    const LN_2: u64 = 2_977_044_472; // 32 fraction bits
    let mut rest = ratio as u128;
    let mut log2 = 0_u64; // 24 fraction bits
    while 1 << 33 <= rest {
        rest >>= 1;
        log2 += 1 << 24;
    }
    let mut bit = 1 << 23;
    while 0 < bit {
        rest = (rest * rest) >> 32;
        if 1 << 33 <= rest {
            rest >>= 1;
            log2 += bit;
        }
        bit >>= 1;
    }
    ((log2 as u128 * LN_2 as u128) >> 40) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000;

    #[test]
    fn the_table_holds_known_logarithms() {
        // ln 2 = 0.693147 and ln 1024 = 6.931472, times 65536 and rounded down.
        assert_eq!(QUANTILES[0], 0);
        assert_eq!(QUANTILES[512], 45_426);
        assert_eq!(u64::from(QUANTILES[1_023]), TAIL);
    }

    #[test]
    fn every_shape_has_the_mean_it_says() {
        let exponential =
            Shape::Exponential { floor: Duration(MS), mean: Duration(3 * MS), cap: Duration::MAX };
        let humped = Shape::TwoHumped {
            usual: Duration(MS),
            rare: Duration(11 * MS),
            rare_millionths: 100_000,
        };
        let cases = [
            (Shape::Fixed(Duration(2 * MS)), 2 * MS),
            (Shape::Uniform(Duration(MS), Duration(3 * MS)), 2 * MS),
            (exponential, 3 * MS),
            (humped, 2 * MS),
        ];

        for (shape, mean) in cases {
            let drawn = mean_of(shape);
            assert!(drawn.abs_diff(mean) <= mean / 50, "{shape:?}: {drawn}");
        }
    }

    #[test]
    fn an_exponential_length_keeps_to_floor_and_cap() {
        let (floor, cap) = (Duration(500), Duration(2_000));
        let shape = Shape::Exponential { floor, mean: Duration(1_500), cap };
        let mut rng = Rng::fork(1, "test");

        for _ in 0..10_000 {
            let length = shape.draw(&mut rng);
            assert!(floor <= length && length <= cap);
        }
    }

    #[test]
    fn an_exponential_length_is_pinned_for_ever() {
        let shape =
            Shape::Exponential { floor: Duration(500), mean: Duration(2_000), cap: Duration::MAX };
        let mut rng = Rng::fork(7, "link/broker-1→broker-2");

        let drawn: Vec<u64> = (0..5).map(|_| shape.draw(&mut rng).0).collect();

        assert_eq!(drawn, [2_340, 2_403, 4_423, 1_628, 1_402]);
    }

    fn mean_of(shape: Shape) -> u64 {
        let mut rng = Rng::fork(3, "mean");
        (0..20_000).map(|_| shape.draw(&mut rng).0).sum::<u64>() / 20_000
    }
}
