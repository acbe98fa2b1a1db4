//! The block that says how a trial ended: verdicts, reasons, and what would have helped.

use sim::clause::Sentence;
use sim::outcome::Ended;
use sim::verdict::{Claim, Finding, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::story::Story;
use crate::text::{Line, Signs, Tone, WIDTH, fill, fit, padded, wrap};
use crate::why::why;
use crate::words::Words;
use crate::words::page::label;

/// Columns inside of the frame.
const INSIDE: usize = WIDTH - 6;
/// Columns of a claim's name.
const NAME: usize = 27;
/// Untested claims that no expectation names and that have their reasons told.
const REASONS_MAX: usize = 6;
/// Columns of the heads below the frame.
const HEAD: usize = 10;
/// Columns of a change that would have helped, at most.
const CHANGE: usize = 48;

/// What another trial of the same seed with one change led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helped {
    /// The change as a user would name it: `acks=all`.
    pub change: String,
    /// What to type to make it: values of `--set`.
    pub set: Vec<String>,
    /// How the claim that was broken stands.
    pub standing: HelpedStanding,
    /// What happened, in few words; empty where there is nothing to add.
    pub remark: Sentence,
}

/// How a claim stands in another trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpedStanding {
    /// It holds.
    Holds,
    /// It is broken all the same.
    Breaks,
    /// Nothing could have broken it.
    Untested,
}

/// What a scenario expected, and whether it came so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The expectation: `breaks no-acknowledged-loss`, and why it did not come so.
    pub text: Sentence,
    /// Whether it came so.
    pub came: Came,
}

/// Whether an expectation came true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    /// It did.
    True,
    /// It did not.
    False,
    /// Nobody can tell.
    Untested,
}

/// Draws the block, and below it what was expected and how to see it again.
pub fn verdict(
    story: &Story<'_>,
    (expected, helped): (&[Expected], &[Helped]),
    again: &str,
    signs: Signs,
) -> Vec<Line> {
    let mut lines = vec![rule(('┌', '┐'), story.words.verdict, signs)];
    lines.extend(verdicts(story, expected).into_iter().map(|line| framed(&line, signs)));
    lines.extend(ended(&story.outcome.ended, story.words).map(|line| framed(&line, signs)));
    if let Some((title, reasons)) = why(story, signs) {
        lines.push(rule(('├', '┤'), &title, signs));
        lines.extend(reasons.iter().map(|line| framed(line, signs)));
    }
    if !helped.is_empty() {
        lines.push(rule(('├', '┤'), story.words.helped, signs));
        let width = helped.iter().map(|it| it.change.width()).max().unwrap_or(0).min(CHANGE);
        let shown = helped.iter().flat_map(|it| helped_lines(it, width, story.words));
        lines.extend(shown.map(|line| framed(&line, signs)));
        if is_helpless(helped) {
            let none = Line::of(Tone::Lost, label("helpless", story.words.language));
            lines.push(framed(&none, signs));
        }
    }
    lines.push(rule(('└', '┘'), "", signs));
    lines.extend(expectations(expected, 1, story.words));
    lines.extend(replay(again, 1, story.words));
    lines
}

/// Says whether some changes were tried and none of them helps.
pub fn is_helpless(helped: &[Helped]) -> bool {
    let breaks = |it: &Helped| it.standing == HelpedStanding::Breaks;
    !helped.is_empty() && helped.iter().all(breaks)
}

/// Draws the expectations, one line each.
pub fn expectations(expected: &[Expected], indent: usize, words: &Words) -> Vec<Line> {
    let mut head = words.expected;
    let mut lines = Vec::new();
    for it in expected {
        let (sign, tone) = match it.came {
            Came::True => (words.came[0], Tone::Committed),
            Came::False => (words.came[1], Tone::Lost),
            Came::Untested => (words.came[2], Tone::Risk),
        };
        let room = WIDTH - HEAD - 1 - indent - words.came[1].width();
        let parts = wrap(&it.text.say(&words.grammar), room);
        let last = parts.len() - 1;
        for (at, part) in parts.into_iter().enumerate() {
            let mut line = Line::of(Tone::Quiet, format!("{:indent$}{}", "", padded(head, HEAD)));
            line.push(Tone::Plain, part);
            if at == last {
                line = line.then(Tone::Plain, " ").then(tone, sign);
            }
            lines.push(line);
            head = "";
        }
    }
    lines
}

/// Draws the command that runs the trial again; it is broken between flags where it is
/// long, as a shell accepts it, and never cut.
pub fn replay(again: &str, indent: usize, words: &Words) -> Vec<Line> {
    let room = WIDTH - indent - HEAD - 2;
    let mut commands: Vec<String> = Vec::new();
    for (at, part) in again.split(" --").enumerate() {
        let part = if at == 0 { part.to_owned() } else { format!("--{part}") };
        match commands.last_mut() {
            Some(last) if last.width() + 1 + part.width() <= room => {
                *last = format!("{last} {part}");
            }
            _ => commands.push(part),
        }
    }
    let last = commands.len() - 1;
    let mut head = words.again;
    let mut lines = Vec::new();
    for (at, command) in commands.into_iter().enumerate() {
        let more = if at == last { "" } else { " \\" };
        let line = Line::of(Tone::Quiet, format!("{:indent$}{}", "", padded(head, HEAD)));
        lines.push(line.then(Tone::Plain, command + more).uncut());
        head = "";
    }
    lines
}

/// Draws one line per broken claim, all that hold together, and the untested ones. Claims
/// about groups appear if there are groups.
pub fn verdicts(story: &Story<'_>, expected: &[Expected]) -> Vec<Line> {
    let mut lines = Vec::new();
    let concerns = |it: &&Finding| !story.plan.groups.is_empty() || !it.claim.is_about_groups();
    let findings: Vec<&Finding> =
        story.outcome.judgement.findings.iter().filter(concerns).collect();
    let head = |tone, head: &str| Line::of(tone, padded(head, 9));
    let mut with_text = |tone, word: &str, claim: Claim, text: &str| {
        let name = claim.name();
        let mut line = head(tone, word).then(Tone::Strong, format!("{name:<NAME$}"));
        for (at, part) in wrap(text, INSIDE - 2 - 9 - NAME).into_iter().enumerate() {
            if at != 0 {
                lines.push(std::mem::take(&mut line));
                line.pad(9 + NAME);
            }
            line.push(Tone::Plain, part);
        }
        lines.push(line);
    };
    for finding in &findings {
        if let Verdict::Breaks(evidence) = &finding.verdict {
            with_text(
                Tone::Lost,
                story.words.breaks,
                finding.claim,
                &evidence.because.say(&story.words.grammar),
            );
        }
    }
    let holds = findings.iter().filter(|it| it.verdict == Verdict::Holds).map(|it| it.claim);
    let names: Vec<_> = holds.map(|claim| format!("{:<NAME$}", claim.name())).collect();
    for (at, row) in names.chunks(3).enumerate() {
        let word = if at == 0 { story.words.holds } else { "" };
        lines.push(head(Tone::Committed, word).then(Tone::Plain, row.concat()));
    }
    lines.extend(untested(&findings, expected, story.words));
    lines
}

/// Draws the claims that nothing could have broken, with the reason, once for all that have
/// the same one. Where they are many, those that no expectation names go by name alone.
fn untested(findings: &[&Finding], expected: &[Expected], words: &Words) -> Vec<Line> {
    let all = findings.iter().filter_map(|finding| match &finding.verdict {
        Verdict::Untested(why) => Some((finding.claim.name(), why.say(&words.grammar))),
        Verdict::Holds | Verdict::Breaks(_) => None,
    });
    let is_named = |name: &str| {
        expected.iter().any(|it| it.text.to_string().split(' ').any(|word| word == name))
    };
    let (named, mut others): (Vec<_>, Vec<_>) = all.partition(|(name, _)| is_named(name));
    let mut told = named;
    if others.len() <= REASONS_MAX || expected.is_empty() {
        told.append(&mut others);
    }
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, why) in told {
        match reasons.iter_mut().find(|(reason, _)| *reason == why) {
            Some((_, names)) => names.push(name),
            None => reasons.push((why, vec![name])),
        }
    }
    let line = |at: usize, text: String| {
        let word = if at == 0 { words.untested } else { "" };
        Line::of(Tone::Risk, padded(word, 9)).then(Tone::Quiet, text)
    };
    let mut lines = Vec::new();
    for (why, names) in reasons {
        let name = format!("{:<1$} ", names.join(", "), NAME - 1);
        let (indent, text) = match names.len() {
            1 => (NAME, wrap(&fill(words.aside, &[&why]), INSIDE - 2 - 9 - NAME)),
            _ => (2, wrap(&format!("{name}{}", fill(words.aside, &[&why])), INSIDE - 2 - 9 - 2)),
        };
        for (at, part) in text.into_iter().enumerate() {
            let before = match (at, names.len()) {
                (0, 1) => name.clone(),
                (0, _) => String::new(),
                (_, _) => " ".repeat(indent),
            };
            lines.push(line(at, before + &part));
        }
    }
    let names: Vec<_> = others.iter().map(|(name, _)| format!("{name:<NAME$}")).collect();
    lines.extend(names.chunks(3).enumerate().map(|(at, row)| line(at, row.concat())));
    lines
}

fn ended(ended: &Ended, words: &Words) -> impl Iterator<Item = Line> {
    let told = match ended {
        Ended::InTime => None,
        Ended::TooManyEvents => Some((words.stopped_title, words.stopped.to_owned())),
        Ended::Panicked(why) => Some((words.fault_title, fill(words.fault, &[why]))),
    };
    told.into_iter().flat_map(|(title, text)| {
        let parts = wrap(&text, INSIDE - 2 - 9).into_iter().enumerate();
        parts.map(move |(at, part)| {
            let title = if at == 0 { title } else { "" };
            Line::of(Tone::Lost, padded(title, 9)).then(Tone::Plain, part)
        })
    })
}

fn helped_lines(helped: &Helped, width: usize, words: &Words) -> Vec<Line> {
    let (word, tone) = match helped.standing {
        HelpedStanding::Holds => (words.holds, Tone::Committed),
        HelpedStanding::Breaks => (words.breaks, Tone::Lost),
        HelpedStanding::Untested => (words.untested, Tone::Risk),
    };
    let mut lines = Vec::new();
    for part in wrap(&helped.remark.say(&words.grammar), INSIDE - 2 - width - 2 - 9) {
        let mut line = Line::default();
        if lines.is_empty() {
            line.push(Tone::Plain, fit(&helped.change, width, Signs::Unicode));
            line.pad(width + 2);
            line.push(tone, padded(word, 9));
        }
        line.pad(width + 2 + 9);
        lines.push(line.then(Tone::Quiet, part));
    }
    lines
}

/// Draws a line of the frame with a title in it.
fn rule((left, right): (char, char), title: &str, signs: Signs) -> Line {
    let title = fit(&signs.spell(title), INSIDE - 4, signs);
    let text = if title.is_empty() { String::new() } else { format!("─ {title} ") };
    let mut line = Line::of(Tone::Quiet, format!(" {left}{text}"));
    let missing = (INSIDE + 3).saturating_sub(line.width() + 1);
    line.push(Tone::Quiet, "─".repeat(missing));
    line.then(Tone::Quiet, right.to_string()).fitted(signs, WIDTH)
}

/// Draws a line between the sides of the frame.
fn framed(line: &Line, signs: Signs) -> Line {
    let mut inner = line.fitted(signs, INSIDE - 2);
    inner.pad(INSIDE - 1);
    let side = signs.spell("│").into_owned();
    let mut framed = Line::of(Tone::Quiet, format!(" {side} "));
    framed.append(inner);
    framed.then(Tone::Quiet, side)
}
