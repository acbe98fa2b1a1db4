//! Trials in one line each, scenarios in one line each, and many seeds in one line altogether.

use std::collections::BTreeMap;

use scenarios::Class;
use sim::outcome::Outcome;
use sim::verdict::{Claim, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::text::{Line, Tone, WIDTH, counted, fill, grouped, padded, wrap};
use crate::verdict::{Expected, expectations, replay};
use crate::words::Words;

/// Columns of the word that a scenario's line begins with.
const WORD: usize = 9;
/// Columns before what is told below a trial's line.
const INDENT: usize = 2;
/// Trials of one scenario whose surprises are told.
const SURPRISES_SHOWN: usize = 5;

/// Every class with its tone, in the order of the words.
const CLASSES: [(Class, Tone); 4] = [
    (Class::AsExpected, Tone::Committed),
    (Class::Unexpected, Tone::Lost),
    (Class::Untested, Tone::Risk),
    (Class::ToolFault, Tone::Lost),
];

/// Returns a class's word among `words`, and its tone.
fn worded(class: Class, words: [&'static str; 4]) -> (&'static str, Tone) {
    let place = CLASSES.iter().position(|it| it.0 == class).expect("every class is listed");
    (words[place], CLASSES[place].1)
}

/// What one line says of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Short {
    /// The scenario.
    pub scenario: String,
    /// The matrix case; empty if there is none.
    pub case: String,
    /// The seed.
    pub seed: u64,
    /// The broken claims, with counts.
    pub broken: Vec<(Claim, u64)>,
    /// How many claims hold.
    pub holding: usize,
    /// How it compares.
    pub class: Class,
    /// What did not come as expected.
    pub surprises: Vec<Expected>,
    /// The command that runs it again.
    pub again: String,
}

impl Short {
    /// Makes the short form of a trial, without surprises.
    pub fn of((scenario, case, seed): (&str, &str, u64), outcome: &Outcome, class: Class) -> Short {
        let findings = &outcome.judgement.findings;
        let broken = findings.iter().filter_map(|finding| match &finding.verdict {
            Verdict::Breaks(evidence) => Some((finding.claim, evidence.count)),
            Verdict::Holds | Verdict::Untested(_) => None,
        });
        let holding = findings.iter().filter(|it| it.verdict == Verdict::Holds).count();
        Short {
            scenario: scenario.to_owned(),
            case: case.to_owned(),
            seed,
            broken: broken.collect(),
            holding,
            class,
            surprises: Vec::new(),
            again: String::new(),
        }
    }
}

/// Draws a trial: one line, and what did not come as expected below it.
pub fn line(short: &Short, words: &Words) -> Vec<Line> {
    let (word, tone) = worded(short.class, words.summary.line_classes);
    let mut head = Line::of(Tone::Strong, short.scenario.clone());
    if !short.case.is_empty() {
        head.push(Tone::Quiet, format!(" [{}]", short.case));
    }
    head.push(Tone::Quiet, fill(words.summary.of_seed, &[&short.seed.to_string()]));
    let outcome = outcome_words(&short.broken, short.holding, words);
    let joint = words.summary.joint;
    let mut lines = Vec::new();
    if head.width() + outcome.width() + joint.width() + word.width() <= WIDTH {
        lines.push(head.then(Tone::Plain, format!("{outcome}{joint}")).then(tone, word));
    } else {
        // The word is what everybody looks for, so that it comes whole, whatever else is long.
        lines.push(head);
        let room = WIDTH - INDENT - joint.width() - word.width();
        let mut parts = wrap(&outcome, room).into_iter().peekable();
        while let Some(part) = parts.next() {
            let line = Line::plain(format!("{:INDENT$}{part}", ""));
            lines.push(match parts.peek() {
                Some(_) => line,
                None => line.then(Tone::Plain, joint).then(tone, word),
            });
        }
    }
    lines.extend(surprises(short, INDENT, words));
    lines
}

/// Tells what did not come as expected, and how to see it again.
fn surprises(short: &Short, indent: usize, words: &Words) -> Vec<Line> {
    let mut lines = expectations(&short.surprises, indent, words);
    if !short.surprises.is_empty() && !short.again.is_empty() {
        lines.extend(replay(&short.again, indent, words));
    }
    lines
}

fn outcome_words(broken: &[(Claim, u64)], holding: usize, words: &Words) -> String {
    let words = &words.summary;
    if broken.is_empty() {
        return match holding {
            0 => words.nothing_tested.to_owned(),
            some => counted(some as u64, words.holding),
        };
    }
    let named =
        broken.iter().map(|&(claim, count)| format!("{} ({})", claim.name(), grouped(count)));
    fill(words.broken, &[&named.collect::<Vec<_>>().join(words.joint)])
}

/// Draws a scenario with all its cases in one line, and its surprises below; names take
/// `name_width` columns.
pub fn scenario(name: &str, shorts: &[Short], name_width: usize, words: &Words) -> Vec<Line> {
    let class = shorts.iter().map(|short| short.class).max().unwrap_or(Class::AsExpected);
    let (word, tone) = worded(class, words.summary.scenario_classes);
    let text = match shorts {
        [one] if one.broken.is_empty() => outcome_words(&[], one.holding, words),
        [one] => {
            let named = one.broken.iter();
            let named =
                named.map(|(claim, count)| format!("{} ({})", claim.name(), grouped(*count)));
            breaks(words.summary.breaks, named.collect(), WIDTH - WORD - name_width - 2, words)
        }
        many => cases_words(many, WIDTH - WORD - name_width - 2, words),
    };
    let line = Line::of(tone, padded(word, WORD));
    let line = line.then(Tone::Strong, format!("{name:<name_width$}  "));
    let mut lines = vec![line.then(Tone::Plain, text)];
    let surprising: Vec<&Short> = shorts.iter().filter(|it| !it.surprises.is_empty()).collect();
    for short in surprising.iter().take(SURPRISES_SHOWN) {
        if !short.case.is_empty() {
            lines.push(Line::of(Tone::Quiet, format!("{:WORD$}[{}]", "", short.case)));
        }
        lines.extend(surprises(short, WORD, words));
    }
    if SURPRISES_SHOWN < surprising.len() {
        let more = surprising.len() - SURPRISES_SHOWN;
        lines.push(Line::of(
            Tone::Quiet,
            format!("{:WORD$}{}", "", fill(words.summary.more_cases, &[&more.to_string()])),
        ));
    }
    lines
}

/// Names what breaks in `columns`, and counts what does not fit.
fn breaks(sentence: &str, named: Vec<String>, columns: usize, words: &Words) -> String {
    let words = &words.summary;
    let all = fill(sentence, &[&named.join(words.joint)]);
    if all.width() <= columns || named.len() < 2 {
        return all;
    }
    let more = counted(named.len() as u64 - 1, words.claims);
    fill(sentence, &[&fill(words.broken_and, &[&named[0], &more])])
}

fn cases_words(shorts: &[Short], columns: usize, words: &Words) -> String {
    let mut claims: BTreeMap<Claim, usize> = BTreeMap::new();
    for &(claim, _) in shorts.iter().flat_map(|short| &short.broken) {
        *claims.entry(claim).or_default() += 1;
    }
    let cases = shorts.len().to_string();
    if claims.is_empty() {
        return fill(words.summary.cases_hold, &[&cases]);
    }
    let in_cases = words.summary.in_cases;
    let named = claims.iter().map(|(claim, n)| fill(in_cases, &[claim.name(), &n.to_string()]));
    let sentence = fill(words.summary.cases_broken, &[&cases, "{0}"]);
    breaks(&sentence, named.collect(), columns, words)
}

/// How many seeds of one case broke what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Many {
    seeds: u64,
    broken: BTreeMap<Claim, Broken>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Broken {
    count: u64,
    first: u64,
    /// The seed with the highest count, and that count.
    worst: (u64, u64),
}

impl Many {
    /// Counts a trial.
    pub fn take(&mut self, short: &Short) {
        self.seeds += 1;
        for &(claim, count) in &short.broken {
            let worst = (short.seed, count);
            let broken = Broken { count: 0, first: short.seed, worst };
            let broken = self.broken.entry(claim).or_insert(broken);
            broken.count += 1;
            if broken.worst.1 < count {
                broken.worst = worst;
            }
        }
    }

    /// Draws one line per claim that some of the seeds break.
    pub fn lines(&self, words: &Words) -> Vec<Line> {
        let words = &words.summary;
        let head = counted(self.seeds, words.seeds);
        let mut lines = Vec::new();
        for (claim, broken) in &self.broken {
            let values = [
                grouped(broken.count),
                claim.name().to_owned(),
                percent(broken.count, self.seeds),
                broken.first.to_string(),
                broken.worst.0.to_string(),
                grouped(broken.worst.1),
            ];
            let text = fill(words.seeds_broken, &values.each_ref().map(String::as_str));
            for (at, part) in wrap(&text, WIDTH - head.width()).into_iter().enumerate() {
                let head = if at == 0 { head.clone() } else { " ".repeat(head.width()) };
                lines.push(Line::of(Tone::Strong, head).then(Tone::Plain, part));
            }
        }
        if lines.is_empty() {
            lines.push(Line::of(Tone::Strong, head).then(Tone::Plain, words.seeds_hold));
        }
        lines
    }
}

/// Writes a share in percent with one decimal, rounded half up.
fn percent(part: u64, whole: u64) -> String {
    let tenths = (u128::from(part) * 2_000 + u128::from(whole)) / (2 * u128::from(whole.max(1)));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// How many trials came out how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    classes: BTreeMap<Class, u64>,
}

impl Totals {
    /// Counts a trial.
    pub fn take(&mut self, class: Class) {
        *self.classes.entry(class).or_default() += 1;
    }

    /// Returns how many trials there were.
    pub fn trials(&self) -> u64 {
        self.classes.values().sum()
    }

    /// Returns how many trials are of this class.
    pub fn of(&self, class: Class) -> u64 {
        self.classes.get(&class).copied().unwrap_or(0)
    }

    /// Returns the worst class.
    pub fn worst(&self) -> Class {
        self.classes.keys().max().copied().unwrap_or(Class::AsExpected)
    }

    /// Draws the line below many trials; `scenarios` of them if they are more than one.
    pub fn line(&self, scenarios: usize, words: &Words) -> Line {
        let words = &words.summary;
        let mut head = counted(self.trials(), words.trials);
        if 1 < scenarios {
            head = fill(words.scenarios, &[&scenarios.to_string(), &head]);
        }
        let mut line = Line::of(Tone::Strong, fill(words.total, &[&head]));
        let shown = CLASSES
            .into_iter()
            .zip(words.classes)
            .filter(|&((class, _), _)| class == Class::AsExpected || 0 < self.of(class));
        for (at, ((class, tone), name)) in shown.enumerate() {
            line.push(Tone::Plain, if at == 0 { "" } else { words.joint });
            line.push(tone, format!("{} {name}", grouped(self.of(class))));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_a_tenth_of_a_percent() {
        let cases =
            [((352, 400), "88.0 %"), ((1, 3), "33.3 %"), ((2, 3), "66.7 %"), ((0, 5), "0.0 %")];

        for ((part, whole), shown) in cases {
            assert_eq!(percent(part, whole), shown);
        }
    }
}
