//! Durations, distributions, shares and moments, with their units.

use std::time::{Duration as StdDuration, UNIX_EPOCH};

use model::time::{Duration, Timestamp};
use sim::plan::Shape;

use super::layout::{Table, Value};

const MILLI: u64 = 1_000;
const SECOND: u64 = 1_000 * MILLI;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Writes a duration in the unit that a person would choose, exactly.
pub(super) fn duration(length: Duration) -> String {
    match length.0 {
        0 => "0s".to_owned(),
        micros if micros % HOUR == 0 => format!("{}h", micros / HOUR),
        micros if 5 * MINUTE <= micros && micros % MINUTE == 0 => format!("{}m", micros / MINUTE),
        micros if micros % SECOND == 0 => format!("{}s", micros / SECOND),
        micros if SECOND < micros && micros % MILLI == 0 => {
            let decimals = format!("{:03}", micros % SECOND / MILLI);
            format!("{}.{}s", micros / SECOND, decimals.trim_end_matches('0'))
        }
        micros if micros % MILLI == 0 => format!("{}ms", micros / MILLI),
        micros => format!("{micros}us"),
    }
}

/// Writes microseconds with their sign: `+5s`, `-250ms`.
pub(super) fn signed(micros: i64) -> String {
    let sign = if micros < 0 { '-' } else { '+' };
    format!("{sign}{}", duration(Duration(micros.unsigned_abs())))
}

/// Writes a moment of real time: `2030-01-01T00:00:00Z`.
pub(super) fn moment(at: Timestamp) -> String {
    let since = StdDuration::from_millis(u64::try_from(at.0).unwrap_or(0));
    humantime::format_rfc3339(UNIX_EPOCH + since).to_string()
}

/// A share in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share(pub u32);

impl From<Share> for Value {
    fn from(share: Share) -> Value {
        let (whole, rest) = (share.0 / 1_000_000, share.0 % 1_000_000);
        let decimals = format!("{rest:06}");
        Value::Plain(match decimals.trim_end_matches('0') {
            "" => whole.to_string(),
            decimals => format!("{whole}.{decimals}"),
        })
    }
}

impl From<Duration> for Value {
    fn from(length: Duration) -> Value {
        Value::from(duration(length))
    }
}

impl From<Shape> for Value {
    fn from(shape: Shape) -> Value {
        let mut table = Table::default();
        match shape {
            Shape::Fixed(length) => return Value::from(length),
            Shape::Uniform(from, to) => {
                table.set("shape", "uniform");
                table.set("from", from);
                table.set("to", to);
            }
            Shape::Exponential { floor, mean, cap } => {
                table.set("shape", "exponential");
                table.set("floor", floor);
                table.set("mean", mean);
                table.set("cap", cap);
            }
            Shape::TwoHumped { usual, rare, rare_millionths } => {
                table.set("shape", "two-humped");
                table.set("usual", usual);
                table.set("rare", rare);
                table.set("rare-share", Share(rare_millionths));
            }
        }
        Value::Table(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        let table = [
            (0, "0s"),
            (200, "200us"),
            (20_000, "20ms"),
            (1_500_000, "1.5s"),
            (8_311_000, "8.311s"),
            (8_311_250, "8311250us"),
            (160_000_000, "160s"),
            (600_000_000, "10m"),
            (3_600_000_000, "1h"),
        ];

        for (micros, text) in table {
            assert_eq!(duration(Duration(micros)), text);
        }
    }

    #[test]
    fn shares_are_decimals() {
        for (millionths, text) in [(0, "0"), (250_000, "0.25"), (1, "0.000001"), (1_000_000, "1")] {
            assert!(matches!(Value::from(Share(millionths)), Value::Plain(it) if it == text));
        }
    }

    proptest! {
        #[test]
        fn durations_are_exact(micros in 0_u64..40_000_000_000, step in 1_u64..1_000_000) {
            for micros in [micros, micros / step * step] {
                let read = humantime::parse_duration(&duration(Duration(micros))).unwrap();

                prop_assert_eq!(read.as_nanos(), u128::from(micros) * 1_000);
            }
        }
    }
}
