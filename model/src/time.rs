//! Virtual time: integer microseconds, and the wall clocks that nodes read.
//!
//! Kafka's timers run on monotonic clocks, so they see [`Time`]; only rules about record
//! timestamps and retention see a [`Timestamp`], which a skewed clock can bend.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A moment: microseconds of virtual time since the trial began.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Time(pub u64);

/// A length of time in microseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Duration(pub u64);

/// What a node's wall clock shows: milliseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Time {
    /// The moment at which a trial begins.
    pub const ZERO: Time = Time(0);
    /// A moment that no trial reaches.
    pub const MAX: Time = Time(u64::MAX);

    /// Returns the time since `earlier`, or zero if `earlier` lies ahead.
    pub fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    /// No time at all.
    pub const ZERO: Duration = Duration(0);
    /// Longer than any trial: Kafka's `Long.MAX_VALUE` for "never".
    pub const MAX: Duration = Duration(u64::MAX);

    /// Makes a duration of whole microseconds.
    pub const fn from_micros(micros: u64) -> Duration {
        Duration(micros)
    }

    /// Makes a duration of whole milliseconds.
    pub const fn from_millis(millis: u64) -> Duration {
        Duration(millis.saturating_mul(1_000))
    }

    /// Makes a duration of whole seconds.
    pub const fn from_secs(secs: u64) -> Duration {
        Duration(secs.saturating_mul(1_000_000))
    }

    /// Says whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Returns whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add<Duration> for Time {
    type Output = Time;

    fn add(self, length: Duration) -> Time {
        Time(self.0.saturating_add(length.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, length: Duration) {
        *self = *self + length;
    }
}

impl Sub<Time> for Time {
    type Output = Duration;

    fn sub(self, earlier: Time) -> Duration {
        self.since(earlier)
    }
}

impl Add for Duration {
    type Output = Duration;

    fn add(self, more: Duration) -> Duration {
        Duration(self.0.saturating_add(more.0))
    }
}

impl Sub for Duration {
    type Output = Duration;

    fn sub(self, less: Duration) -> Duration {
        Duration(self.0.saturating_sub(less.0))
    }
}

impl fmt::Display for Time {
    /// Shows seconds with three decimals, as everywhere in Trial: `1.964`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}

impl fmt::Display for Duration {
    /// Shows the largest unit that keeps three digits: `5 ms`, `1.500 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Duration::MAX_MICROS => f.write_str("never"),
            micros @ 0..1_000 => write!(f, "{micros} us"),
            micros if micros < 1_000_000 && micros % 1_000 == 0 => {
                write!(f, "{} ms", micros / 1_000)
            }
            micros if micros % 1_000_000 == 0 => write!(f, "{} s", micros / 1_000_000),
            micros => write!(f, "{}.{:03} s", micros / 1_000_000, micros / 1_000 % 1_000),
        }
    }
}

impl Duration {
    const MAX_MICROS: u64 = u64::MAX;
}
/// Returns the first of some moments; `None` if there is none.
pub fn earliest<const N: usize>(moments: [Option<Time>; N]) -> Option<Time> {
    let first = moments.into_iter().fold(Time::MAX, sooner);
    // Nothing is ever due at the end of time.
    (first != Time::MAX).then_some(first)
}

/// Returns the first of two moments, the second of which may never come.
pub(crate) fn sooner(first: Time, other: Option<Time>) -> Time {
    first.min(other.unwrap_or(Time::MAX))
}
