//! Reads `chance`: how often a claim should break over many seeds.

use std::ops::RangeInclusive;

use crate::codes::Code;
use crate::expect::claim_named;
use crate::problems::Problems;
use crate::scenario::Chance;
use crate::section::Section;
use crate::tree::{Node, Value};
use crate::values::wrong_type;

/// How certain a judgement is, if the file does not say.
const CONFIDENCE: f64 = 0.95;

/// Reads `{ of = "no-acknowledged-loss", broken-at-least = 0.9, confidence = 0.99 }`.
pub(crate) fn read(node: &Node, line: usize, problems: &mut Problems<'_>) -> Option<Chance> {
    let mut section = Section::open(node, "`chance`", problems)?;
    let claim = section.need("of", "`chance`", problems).and_then(|it| claim_named(it, problems));
    let least = section.take_entry("broken-at-least");
    let most = section.take_entry("broken-at-most");
    let confidence = section.take_entry("confidence");
    let span = section.span;
    section.finish(problems);
    if least.is_none() && most.is_none() {
        problems
            .error(Code::Missing, span, "this says nothing about the chance")
            .help("Give it `broken-at-least` or `broken-at-most`, a number from 0 to 1.");
        return None;
    }
    let mut number = |entry: Option<&crate::tree::Entry>, range: RangeInclusive<f64>, usual| {
        entry.map_or(Some(usual), |entry| share(&entry.node, range, problems))
    };
    let (low, high) = (number(least, 0.0..=1.0, 0.0), number(most, 0.0..=1.0, 1.0));
    let confidence = number(confidence, 0.5..=0.999_999, CONFIDENCE);
    let (claim, low, high, confidence) = (claim?, low?, high?, confidence?);
    if high < low {
        problems.error(Code::Contradiction, span, "`broken-at-most` is below `broken-at-least`");
        return None;
    }
    Some(Chance { claim, least: low, most: high, confidence, line })
}

fn share(node: &Node, range: RangeInclusive<f64>, problems: &mut Problems<'_>) -> Option<f64> {
    let share = match node.value {
        Value::Float(share) => share,
        Value::Int(number) => number as f64,
        _ => {
            wrong_type(node, "a number from 0 to 1", problems);
            return None;
        }
    };
    if range.contains(&share) {
        return Some(share);
    }
    let label = format!("expected a number from {} to {}", range.start(), range.end());
    problems
        .error(Code::BadShare, node.span, format!("{share} is no probability here"))
        .label(label);
    None
}
