//! A scenario as the rest of Trial sees it: read, checked, one plan per case.

use std::ops::Range;
use std::sync::Arc;

use model::chance::Rng;
use model::time::Duration;
use sim::plan::{Plan, Shape, Step, Trigger};
use sim::verdict::{Anomaly, Claim};

use crate::found::Found;
use crate::nemesis::Nemesis;

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
    /// What to ask before it is shown.
    pub ask: Option<Question>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// The seed that `run` uses.
    pub seed: u64,
    /// Where it comes from, if a search has found it.
    pub found: Option<Found>,
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

/// A language of texts for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    /// English, which every text has.
    #[default]
    English,
    /// Chinese.
    Chinese,
}

impl Language {
    /// Returns its tag by BCP 47.
    pub fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh",
        }
    }
}

impl Text {
    /// Returns the text in a language; in English if there is no other.
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => self.zh.as_ref().unwrap_or(&self.en),
        }
    }
}

/// A question with its options, to be answered before a trial is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What it asks.
    pub question: Text,
    /// What can be answered: two options at least, five at most.
    pub options: Vec<Text>,
    /// The place of the right one among the options, from 0.
    pub answer: usize,
    /// Why it is right.
    pub because: Text,
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
    /// Everything that the file decides before a trial, drawn for the scenario's own seed;
    /// random faults are not in it until the case is drawn.
    pub plan: Plan,
    /// What should happen.
    pub expects: Vec<Expect>,
    /// How often claims should break, over many seeds.
    pub chances: Vec<Chance>,
    /// What a reader wants to know of each step of the plan.
    pub steps: Vec<StepInfo>,
    /// Which random faults are drawn into the plan for each seed.
    pub nemesis: Option<Nemesis>,
}

impl Case {
    /// Returns the case as it is for a seed: what steps leave to chance is drawn, and random
    /// faults are steps like others.
    ///
    /// Each length comes from a stream of its own, so that two cases of one seed agree.
    pub fn drawn(&self, seed: u64) -> Case {
        let mut drawn = Case { plan: self.paced(seed), nemesis: None, ..self.clone() };
        if let Some(nemesis) = &self.nemesis {
            drawn.steps.extend(nemesis.draw(&mut drawn.plan, seed));
        }
        drawn
    }

    /// Returns the plan of the file's own steps, with the lengths that a seed draws for them.
    pub(crate) fn paced(&self, seed: u64) -> Plan {
        let mut plan = Plan { seed, ..self.plan.clone() };
        for (at, (step, info)) in plan.steps.iter_mut().zip(&self.steps).enumerate() {
            let draw =
                |shape: Shape, what| shape.draw(&mut Rng::fork(seed, &format!("step/{at}/{what}")));
            if let Some(shape) = info.random.pause {
                set_pause(step, draw(shape, "pause"));
            }
            if let Some(shape) = info.random.lasts {
                step.undo_after = Some(draw(shape, "lasts"));
            }
        }
        plan
    }
}

fn set_pause(step: &mut Step, length: Duration) {
    match &mut step.trigger {
        Trigger::At(_) => {}
        Trigger::After(pause) | Trigger::When(_, pause) => *pause = length,
    }
}

/// What a step leaves to chance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Random {
    /// Its `after` or `wait`.
    pub pause: Option<Shape>,
    /// Its `for`.
    pub lasts: Option<Shape>,
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
    /// What it leaves to chance.
    pub random: Random,
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

/// How often a claim should break, over many seeds: `chance = { of = "…", … }`.
///
/// Only a sweep can judge it. A run does not look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chance {
    /// The claim.
    pub claim: Claim,
    /// The smallest share of runs that break it.
    pub least: f64,
    /// The largest share of runs that break it.
    pub most: f64,
    /// How certain a judgement must be, over 0.5 and below 1.
    pub confidence: f64,
    /// Its line in the file, from 1.
    pub line: usize,
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
