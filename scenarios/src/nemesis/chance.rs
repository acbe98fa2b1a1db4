//! Draws for the nemesis: whole numbers only, each from a stream that is named after what it
//! decides.

use model::chance::Rng;
use model::time::Duration;

/// Names the streams of one fault.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    seed: u64,
    /// Which fault it is, from 0.
    fault: usize,
}

impl Dice {
    pub fn of(seed: u64, fault: usize) -> Dice {
        Dice { seed, fault }
    }

    /// Opens the stream that decides one thing about the fault.
    pub fn stream(self, what: &str) -> Rng {
        Rng::fork(self.seed, &format!("nemesis/fault/{}/{what}", self.fault))
    }
}

/// Opens a stream that decides something about the whole plan.
pub(super) fn stream(seed: u64, what: &str) -> Rng {
    Rng::fork(seed, &format!("nemesis/{what}"))
}

/// Draws one of some things, each equally likely.
pub(super) fn pick<T: Clone>(from: &[T], rng: &mut Rng) -> Option<T> {
    if from.is_empty() {
        return None;
    }
    from.get(rng.below(from.len() as u64) as usize).cloned()
}

/// Draws one of some things by their weights.
pub(super) fn weighted<T: Copy>(from: &[(T, u32)], rng: &mut Rng) -> Option<T> {
    let total: u64 = from.iter().map(|(_, weight)| u64::from(*weight)).sum();
    if total == 0 {
        return None;
    }
    let mut left = rng.below(total);
    for (it, weight) in from {
        match left.checked_sub(u64::from(*weight)) {
            None => return Some(*it),
            Some(rest) => left = rest,
        }
    }
    None
}

/// Draws a number from `least`, at least 1, to `most` so that each power of two is as likely
/// as the next.
pub(super) fn log_uniform(least: u64, most: u64, rng: &mut Rng) -> u64 {
    let (least, most) = (least.max(1), most.max(least).max(1));
    let (low, high) = (u64::from(least.ilog2()), u64::from(most.ilog2()));
    let power = low + rng.below(high - low + 1);
    let (from, to) = ((1 << power).max(least), ((2_u64 << power) - 1).min(most));
    from + rng.below(to - from + 1)
}

/// Draws a length so that each power of two is as likely as the next, in whole milliseconds.
pub(super) fn log_length(least: Duration, most: Duration, rng: &mut Rng) -> Duration {
    Duration::from_millis(log_uniform(least.0 / 1_000, most.0 / 1_000, rng))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_uniform_number_is_in_each_power_of_two_equally_often() {
        let mut rng = Rng::fork(1, "test");
        let mut counts = [0; 7];
        for _ in 0..7_000 {
            counts[log_uniform(1, 64, &mut rng).ilog2() as usize] += 1;
        }

        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_weight_of_nothing_is_never_drawn() {
        let mut rng = Rng::fork(1, "test");

        for _ in 0..1_000 {
            assert_eq!(weighted(&[('a', 0), ('b', 3), ('c', 0)], &mut rng), Some('b'));
        }
        assert_eq!(weighted(&[('a', 0)], &mut rng), None);
    }
}
