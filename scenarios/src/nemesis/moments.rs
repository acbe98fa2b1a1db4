//! When faults happen and how long they last: storms and lulls, and the constants of protocols.

use model::chance::Rng;
use model::time::{Duration, Time};
use sim::plan::Shape;

use super::chance::{Dice, log_length, pick, stream};
use super::seams::About;
use super::stage::Stage;

/// Thousandths of a timeout just before, at and after which protocols change their minds.
const FACTORS: [u64; 5] = [500, 950, 1_000, 1_050, 2_000];
/// Thousandths of a timeout after which others have acted on who is silent, or nearly so.
const OUTLASTING: [u64; 6] = [950, 1_050, 1_200, 1_500, 2_000, 3_000];

/// The times of a plan's faults.
#[derive(Debug)]
pub(super) struct Moments {
    seed: u64,
    faults_for: Duration,
    constants: Vec<Duration>,
    of_brokers: Vec<Duration>,
    of_members: Vec<Duration>,
    /// The storms, or the whole time: start and length.
    windows: Vec<(Duration, Duration)>,
    every: Option<Shape>,
}

impl Moments {
    pub fn of(stage: &Stage, every: Option<Shape>, seed: u64) -> Moments {
        let faults_for = stage.faults_for;
        let rng = &mut stream(seed, "storms");
        let windows = match rng.below(2) {
            0 => vec![(Duration::ZERO, faults_for)],
            _ => (0..1 + rng.below(3)).map(|_| storm(faults_for, rng)).collect(),
        };
        Moments {
            seed,
            faults_for,
            constants: stage.constants.clone(),
            of_brokers: stage.of_brokers.clone(),
            of_members: stage.of_members.clone(),
            windows,
            every,
        }
    }

    /// Returns when a fault without a condition happens; `None` if that is too late.
    pub fn start(&self, fault: usize) -> Option<Time> {
        let at = match self.every {
            Some(every) => (0..=fault)
                .map(|nth| every.draw(&mut Dice::of(self.seed, nth).stream("gap")))
                .fold(Duration::ZERO, |sum, gap| Duration(sum.0.saturating_add(gap.0))),
            None => self.snapped_start(fault),
        };
        let at = Duration(at.0 / 1_000 * 1_000);
        (at < self.faults_for).then_some(Time::ZERO + at)
    }

    /// Half of all times lie so long after the time of the fault before as a protocol waits.
    fn snapped_start(&self, fault: usize) -> Duration {
        let plain = self.plain_start(fault);
        let rng = &mut Dice::of(self.seed, fault).stream("snap");
        let Some(before) = fault.checked_sub(1).filter(|_| rng.below(2) == 0) else {
            return plain;
        };
        let Some(wait) = times(&self.constants, &FACTORS, rng) else { return plain };
        let snapped = self.plain_start(before) + wait;
        if snapped < self.faults_for { snapped } else { plain }
    }

    fn plain_start(&self, fault: usize) -> Duration {
        let rng = &mut Dice::of(self.seed, fault).stream("time");
        let (start, length) = pick(&self.windows, rng).unwrap_or_default();
        start + Duration(rng.below(length.0.max(1)))
    }

    /// Draws how long a fault lasts; `None` is to the end of the faults.
    ///
    /// Most faults last about as long as others wait for whom they hit: shorter ones change
    /// little, much longer ones keep everything down.
    pub fn dwell(&self, about: About, dice: Dice) -> Option<Duration> {
        let rng = &mut dice.stream("dwell");
        match rng.below(20) {
            0 => None,
            1..=10 => self.outlasting(about, rng).or_else(|| Some(self.length(rng))),
            11..=12 => times(&self.constants, &FACTORS, rng).or_else(|| Some(self.length(rng))),
            _ => Some(self.length(rng)),
        }
    }

    /// Draws a length after which others have acted on who is silent, or nearly so.
    pub fn outlasting(&self, about: About, rng: &mut Rng) -> Option<Duration> {
        let waits = match about {
            About::Brokers => &self.of_brokers,
            About::Groups => &self.of_members,
            About::Anything => &self.constants,
        };
        times(waits, &OUTLASTING, rng)
    }

    fn length(&self, rng: &mut Rng) -> Duration {
        log_length(Duration::from_millis(1), self.faults_for, rng)
    }
}

/// Draws a timeout or interval, or so many thousandths of it.
fn times(lengths: &[Duration], factors: &[u64], rng: &mut Rng) -> Option<Duration> {
    let (length, factor) = (pick(lengths, rng)?, pick(factors, rng)?);
    Some(Duration::from_millis((length.0 * factor / 1_000_000).max(1)))
}

fn storm(faults_for: Duration, rng: &mut Rng) -> (Duration, Duration) {
    let start = Duration(rng.below(faults_for.0.max(1)));
    let longest = Duration((faults_for.0 - start.0).max(1_000));
    let shortest = Duration(faults_for.0 / 64).min(longest);
    (start, log_length(shortest, longest, rng))
}
