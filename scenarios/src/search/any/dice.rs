//! Chance for plans: one stream for each thing that is drawn, named after it.

use model::chance::Rng;
use model::time::Duration;
use sim::plan::Shape;

/// The stream of one thing of a plan.
#[derive(Debug)]
pub(crate) struct Dice(Rng);

impl Dice {
    /// Forks the stream of what is called `name`.
    pub fn of(seed: u64, name: &str) -> Dice {
        Dice(Rng::fork(seed, &format!("any/{name}")))
    }

    /// Says yes every other time.
    pub fn coin(&mut self) -> bool {
        self.0.below(2) == 0
    }

    /// Says yes one time in `n`.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.0.below(n) == 0
    }

    /// Draws a number, both ends included.
    pub fn number(&mut self, low: u64, high: u64) -> u64 {
        low + self.0.below(high - low + 1)
    }

    /// Draws one of these, each equally likely.
    pub fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.0.below(all.len() as u64) as usize].clone()
    }

    /// Draws a round number from 1, 2, 5, 10, 20 and so on, both ends included: small ones are
    /// as likely as large ones.
    ///
    /// # Panics
    /// If there is none in the range.
    pub fn round(&mut self, low: u64, high: u64) -> u64 {
        let tens = std::iter::successors(Some(1_u64), |ten| ten.checked_mul(10));
        let series = tens.flat_map(|ten| [1, 2, 5].map(|digit: u64| ten.saturating_mul(digit)));
        let fits: Vec<u64> = series.take_while(|it| *it <= high).filter(|it| low <= *it).collect();
        assert!(!fits.is_empty(), "there is no round number from {low} to {high}");
        self.pick(&fits)
    }

    /// Draws a round number of milliseconds.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_millis(self.round(low, high))
    }

    /// Draws a random length of time around so many milliseconds.
    pub fn shape(&mut self, low: u64, high: u64) -> Shape {
        let mean = self.millis(low, high);
        match self.number(0, 3) {
            0 => Shape::Fixed(mean),
            1 => Shape::Uniform(Duration(mean.0 / 2), Duration(mean.0 * 2)),
            2 => Shape::TwoHumped {
                usual: mean,
                rare: Duration(mean.0 * 20),
                rare_millionths: 50_000,
            },
            _ => {
                Shape::Exponential { floor: Duration(mean.0 / 5), mean, cap: Duration(mean.0 * 20) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_numbers_are_round_and_keep_to_their_range() {
        let mut dice = Dice::of(1, "test");

        let mut seen: Vec<u64> = (0..200).map(|_| dice.round(2, 60)).collect();
        seen.sort_unstable();
        seen.dedup();

        assert_eq!(seen, [2, 5, 10, 20, 50]);
    }
}
