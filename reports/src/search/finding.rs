//! One finding of a search: what is broken, how little it takes, and how to see it again.

use scenarios::search::shrink::size::Size;
use scenarios::search::signature::Signature;
use scenarios::search::violation::Violation;
use sim::outcome::Outcome;
use sim::plan::{Plan, Step};
use sim::verdict::Verdict;

use crate::json::digest;
use crate::search::caption::{caption, is_told};
use crate::text::{Line, Tone, WIDTH, counted, fill, padded, wrap};
use crate::words::Words;

/// Columns of the word that a line begins with.
const HEAD: usize = 8;
/// Columns of the number of a step.
const STEP: usize = 4;
/// Steps that are told.
const STEPS_MAX: usize = 8;

/// A finding.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// What is wrong.
    pub violation: &'a Violation,
    /// Which story it is.
    pub signature: Signature,
    /// The file as the user named it, or `--any`.
    pub given: &'a str,
    /// The matrix case; empty if there is none.
    pub case: &'a str,
    /// The seed that it was drawn from.
    pub seed: u64,
    /// The smallest plan that shows it.
    pub plan: &'a Plan,
    /// What came out of that.
    pub outcome: &'a Outcome,
    /// How little it takes.
    pub size: Sizes,
    /// The file that holds it.
    pub repro: &'a str,
    /// The command that runs that file.
    pub replay: &'a str,
    /// The version of Trial, and of the rules.
    pub version: (&'a str, u32),
    /// The command that draws it again.
    pub again: &'a str,
}

/// How large a plan was and is.
#[derive(Clone, Copy, Debug)]
pub enum Sizes {
    /// It was made as small as it gets.
    Shrunk {
        /// As it was drawn.
        before: Size,
        /// As it is.
        after: Size,
        /// How many runs that took.
        runs: u64,
    },
    /// It is as it was drawn.
    Drawn(Size),
}

/// Draws a finding.
pub fn lines(found: &Found<'_>, words: &Words) -> Vec<Line> {
    let says = &words.fuzz;
    let mut head = Line::of(Tone::Lost, padded(says.broken, HEAD));
    head.push(Tone::Strong, found.violation.name());
    head.push(Tone::Plain, format!("  {}", found.given));
    if !found.case.is_empty() {
        head.push(Tone::Quiet, format!("  {}", fill(says.case, &[found.case])));
    }
    head.push(Tone::Quiet, format!("  {}", fill(says.seed, &[&found.seed.to_string()])));
    let mut lines = vec![head.uncut()];
    for text in [because(found, words), size(&found.size, words)] {
        for part in wrap(&text, WIDTH - HEAD) {
            lines.push(Line::plain(format!("{:HEAD$}{part}", "")));
        }
    }
    lines.extend(steps(found, words));
    let command = |word: &str, command: &str| {
        Line::of(Tone::Quiet, padded(word, HEAD)).then(Tone::Plain, command).uncut()
    };
    lines.push(command(says.replay, found.replay));
    lines.push(command(says.or, found.again));
    let (version, model) = (found.version.0, found.version.1.to_string());
    let digest = fill(says.digest, &[&digest(found.outcome.digest), version, &model]);
    lines.push(Line::of(Tone::Quiet, format!("{:HEAD$}{digest}", "")));
    lines
}

/// Tells the story: what its steps do, as far as they are few.
fn steps(found: &Found<'_>, words: &Words) -> Vec<Line> {
    let all = &found.plan.steps;
    let told: Vec<&Step> = all.iter().filter(|step| is_told(step)).take(STEPS_MAX).collect();
    let mut lines = Vec::new();
    for (&step, place) in told.iter().zip(1..) {
        let text = wrap(&caption(found.plan, step, words), WIDTH - HEAD - STEP);
        for (at, part) in text.into_iter().enumerate() {
            let number = if at == 0 { format!("{place}.") } else { String::new() };
            lines.push(Line::plain(format!("{:HEAD$}{number:STEP$}{part}", "")));
        }
    }
    if told.len() < all.len() {
        let more = counted((all.len() - told.len()) as u64, words.fuzz.more_steps);
        lines.push(Line::of(Tone::Quiet, format!("{:HEAD$}{:STEP$}{more}", "", "")));
    }
    lines
}

/// Says what is wrong.
pub fn because(found: &Found<'_>, words: &Words) -> String {
    match found.violation {
        Violation::Assertion(message) => {
            fill(words.fuzz.assertion, &[message.lines().next().unwrap_or_default()])
        }
        Violation::Livelock => words.fuzz.livelock.to_owned(),
        Violation::Claim(claim) => {
            let mut findings = found.outcome.judgement.findings.iter();
            match findings.find(|it| it.claim == *claim).map(|it| &it.verdict) {
                Some(Verdict::Breaks(evidence)) => evidence.because.say(&words.grammar),
                // A liveness claim can come true, and yet too late.
                Some(Verdict::Holds | Verdict::Untested(_)) | None => {
                    (words.meaning)(*claim).to_owned()
                }
            }
        }
    }
}

fn size(sizes: &Sizes, words: &Words) -> String {
    let says = &words.fuzz;
    let parts = |size: &Size| {
        let counts = [size.steps, size.brokers, size.partitions, size.clients];
        let [steps, brokers, partitions, clients] = counts.map(|count| count as u64);
        [steps, brokers, partitions, clients, size.records]
    };
    let (before, after, runs) = match sizes {
        Sizes::Drawn(size) => {
            let parts = parts(size).into_iter().zip(says.parts);
            let parts = parts.map(|(count, noun)| counted(count, noun));
            let all: Vec<String> = parts.chain([size.time.to_string()]).collect();
            return fill(says.unshrunk, &[&all.join(says.joint)]);
        }
        Sizes::Shrunk { before, after, runs } => (before, after, counted(*runs, says.in_runs)),
    };
    let changes = parts(before).into_iter().zip(parts(after)).zip(says.parts);
    let changes = changes.filter(|((before, after), _)| before != after);
    let mut changes: Vec<String> = changes
        .map(|((before, after), noun)| {
            fill(says.less, &[&counted(before, noun), &crate::text::grouped(after)])
        })
        .collect();
    if before.time != after.time {
        changes.push(fill(says.less, &[&before.time.to_string(), &after.time.to_string()]));
    }
    match changes.is_empty() {
        true => fill(says.smallest, &[&runs]),
        false => fill(says.shrunk, &[&changes.join(says.joint), &runs]),
    }
}
