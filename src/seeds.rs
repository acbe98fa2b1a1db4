//! Seeds as users write them: decimal or 0x, one or a range.

use std::ops::RangeInclusive;
use std::str::FromStr;

/// One seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub u64);

/// Seeds from the first to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub RangeInclusive<u64>);

/// A number of runs, or of something else that costs some: at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs(pub u64);

/// How many trials run at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jobs(pub usize);

/// More threads than this never help.
const JOBS_MAX: usize = 1_024;

impl FromStr for Runs {
    type Err = String;

    fn from_str(text: &str) -> Result<Runs, String> {
        let runs = text.trim().replace('_', "").parse().ok().filter(|&runs| 0 < runs);
        runs.map(Runs).ok_or_else(|| "it is a whole number, at least 1".to_owned())
    }
}

impl FromStr for Jobs {
    type Err = String;

    fn from_str(text: &str) -> Result<Jobs, String> {
        let jobs = text.trim().parse().ok().filter(|jobs| (1..=JOBS_MAX).contains(jobs));
        jobs.map(Jobs).ok_or_else(|| {
            format!("--jobs (or TRIAL_JOBS) is a number of trials from 1 to {JOBS_MAX}")
        })
    }
}

impl FromStr for Seed {
    type Err = String;

    fn from_str(text: &str) -> Result<Seed, String> {
        let plain = text.replace('_', "");
        let read = match plain.strip_prefix("0x").or_else(|| plain.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => plain.parse(),
        };
        read.map(Seed).map_err(|_| "a seed is a number from 0 to 2^64-1, decimal or 0x".to_owned())
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let (from, to) = text.split_once("..").unwrap_or(("0", text));
        let first = Seed::from_str(from)?.0;
        let last = match to.strip_prefix('=') {
            Some(last) => Some(Seed::from_str(last)?.0),
            None => Seed::from_str(to)?.0.checked_sub(1),
        };
        match last.filter(|&last| first <= last) {
            Some(last) => Ok(Seeds(first..=last)),
            None => Err(format!("{first}..{to} holds no seed: the end must lie beyond the start")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_decimal_or_hexadecimal() {
        let cases = [("7", Some(7)), ("0x1f4", Some(500)), ("1_000", Some(1_000)), ("-1", None)];

        for (text, seed) in cases {
            assert_eq!(text.parse::<Seed>().ok().map(|seed| seed.0), seed, "{text}");
        }
    }

    #[test]
    fn jobs_are_at_least_one_and_at_most_a_thousand() {
        let cases =
            [("1", Some(1)), ("1024", Some(1_024)), ("0", None), ("1025", None), ("x", None)];

        for (text, jobs) in cases {
            assert_eq!(text.parse::<Jobs>().ok().map(|jobs| jobs.0), jobs, "{text}");
        }
    }

    #[test]
    fn ranges_hold_at_least_one_seed() {
        let cases = [
            ("1..5", Some(1..=4)),
            ("1..=5", Some(1..=5)),
            ("50", Some(0..=49)),
            ("0x10..0x12", Some(16..=17)),
            ("18446744073709551615..=18446744073709551615", Some(u64::MAX..=u64::MAX)),
            ("5..1", None),
            ("5..5", None),
            ("5..=4", None),
            ("0", None),
            ("..", None),
            ("a..b", None),
        ];

        for (text, range) in cases {
            assert_eq!(text.parse::<Seeds>().ok().map(|seeds| seeds.0), range, "{text}");
        }
    }
}
