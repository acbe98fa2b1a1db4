//! A scenario as the rest of Trial sees it: read, checked, one plan per case.

use std::ops::Range;
use std::sync::Arc;

use model::time::Duration;
use sim::plan::Plan;
use sim::verdict::{Anomaly, Claim};

/// A scenario file, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The file's name without folder and ending.
    pub name: String,
    /// The file as the user named it; `None` for one of the library.
    pub path: Option<String>,
    /// The file's text.
    pub source: Arc<str>,
    /// The lesson as a sentence; the name, if the file has no title.
    pub title: Text,
    /// What it teaches, in a sentence or two.
    pub teaches: Option<Text>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The seed that `run` uses.
    pub seed: u64,
    /// The cases of the matrix; one case without name if there is none.
    pub cases: Vec<Case>,
}

/// A text for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// In English, or in whatever language the file is written.
    pub en: String,
    /// In Chinese.
    pub zh: Option<String>,
}

/// A question that `demo` asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// What it asks.
    pub question: Text,
    /// The answer, to be shown later.
    pub answer: Option<Text>,
}

/// One cell of the matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Its name: `acks=all,min.insync.replicas=1`, or nothing without a matrix.
    pub name: String,
    /// The full paths that it sets, and their values.
    pub settings: Vec<(String, String)>,
    /// Everything that is decided before a trial; its seed is the scenario's own.
    pub plan: Plan,
    /// What should happen.
    pub expects: Vec<Expect>,
    /// What a reader wants to know of each step of the plan.
    pub steps: Vec<StepInfo>,
}

/// A step for readers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepInfo {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The caption.
    pub say: Option<Text>,
    /// The question.
    pub ask: Option<Ask>,
    /// What it does: `crash`.
    pub verb: String,
}

/// One expectation.
#[derive(Clone, Debug, PartialEq)]
pub struct Expect {
    /// What should happen.
    pub what: Expected,
    /// Its line in the file, from 1.
    pub line: usize,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

/// What should happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Expected {
    /// A claim turns out like this.
    Claim {
        /// The claim.
        claim: Claim,
        /// How it should turn out.
        hope: Hope,
        /// How many records (or times) should be concerned, if it breaks.
        count: Option<CountRange>,
        /// The deadline of a liveness claim, counted from the heal.
        within: Option<Duration>,
    },
    /// An anomaly is seen so many times.
    Anomaly {
        /// The anomaly.
        anomaly: Anomaly,
        /// How many times.
        count: CountRange,
    },
    /// A condition holds at some time.
    Reaches {
        /// Its place among the plan's watches.
        watch: usize,
        /// The condition as written.
        text: String,
    },
}

/// How a claim should turn out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hope {
    /// It holds although it was at risk.
    #[default]
    Holds,
    /// It breaks: that is the lesson.
    Breaks,
    /// Nothing puts it at risk, and the author knows (`untested = true`).
    Untested,
}

/// A range of counts, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountRange {
    /// The fewest.
    pub least: u64,
    /// The most; `None` is any number.
    pub most: Option<u64>,
}

impl CountRange {
    /// Says whether a count is in the range.
    pub fn contains(self, count: u64) -> bool {
        self.least <= count && self.most.is_none_or(|most| count <= most)
    }

    /// Reads `7`, `3..`, `3..10`, `..=10` or `100..=250`.
    pub fn read(text: &str) -> Option<CountRange> {
        let number = |text: &str| text.trim().replace('_', "").parse::<u64>().ok();
        let Some((least, most)) = text.split_once("..") else {
            let count = number(text)?;
            return Some(CountRange { least: count, most: Some(count) });
        };
        let least = if least.trim().is_empty() { 0 } else { number(least)? };
        let most = match (most.trim(), most.trim().strip_prefix('=')) {
            ("", _) => None,
            (_, Some(most)) => Some(number(most)?),
            (most, None) => Some(number(most)?.checked_sub(1)?),
        };
        let range = CountRange { least, most };
        most.is_none_or(|most| least <= most).then_some(range)
    }
}

impl std::fmt::Display for CountRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.least, self.most) {
            (least, Some(most)) if least == most => write!(f, "{least}"),
            (0, Some(most)) => write!(f, "at most {most}"),
            (least, None) => write!(f, "at least {least}"),
            (least, Some(most)) => write!(f, "{least} to {most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_numbers_or_ranges() {
        let table = [
            ("7", Some((7, Some(7)))),
            ("3..", Some((3, None))),
            ("..=10", Some((0, Some(10)))),
            ("100..=250", Some((100, Some(250)))),
            ("3..10", Some((3, Some(9)))),
            ("..0", None),
            ("5..=3", None),
            ("many", None),
        ];

        for (text, range) in table {
            let read = CountRange::read(text).map(|range| (range.least, range.most));
            assert_eq!(read, range, "{text}");
        }
    }
}
