//! The block that says how a trial ended: verdicts, reasons, and what would have helped.

use sim::outcome::Ended;
use sim::verdict::{Claim, Finding, Verdict};
use unicode_width::UnicodeWidthStr;

use crate::story::Story;
use crate::text::{Line, Signs, Tone, WIDTH, fill, fit, wrap};
use crate::why::why;
use crate::words::EN;

/// Columns inside of the frame.
const INSIDE: usize = WIDTH - 6;
/// Columns of a claim's name.
const NAME: usize = 27;
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
    pub remark: String,
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
    /// The expectation in words: `breaks no-acknowledged-loss`.
    pub text: String,
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
    let mut lines = vec![rule(('┌', '┐'), EN.verdict, signs)];
    lines.extend(verdicts(story).into_iter().map(|line| framed(&line, signs)));
    lines.extend(ended(&story.outcome.ended).map(|line| framed(&line, signs)));
    if let Some((title, reasons)) = why(story, signs) {
        lines.push(rule(('├', '┤'), &title, signs));
        lines.extend(reasons.iter().map(|line| framed(line, signs)));
    }
    if !helped.is_empty() {
        lines.push(rule(('├', '┤'), EN.helped, signs));
        let width = helped.iter().map(|it| it.change.width()).max().unwrap_or(0).min(CHANGE);
        let shown = helped.iter().flat_map(|it| helped_lines(it, width));
        lines.extend(shown.map(|line| framed(&line, signs)));
    }
    lines.push(rule(('└', '┘'), "", signs));
    lines.extend(expectations(expected));
    lines.extend(replay(again, 1));
    lines
}

/// Draws the expectations, one line each.
pub fn expectations(expected: &[Expected]) -> Vec<Line> {
    let mut head = EN.expected;
    let mut lines = Vec::new();
    for it in expected {
        let (sign, tone) = match it.came {
            Came::True => (EN.came[0], Tone::Committed),
            Came::False => (EN.came[1], Tone::Lost),
            Came::Untested => (EN.came[2], Tone::Risk),
        };
        let parts = wrap(&it.text, WIDTH - HEAD - 2 - EN.came[1].width());
        let last = parts.len() - 1;
        for (at, part) in parts.into_iter().enumerate() {
            let mut line = Line::of(Tone::Quiet, format!(" {head:<HEAD$}"));
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
pub fn replay(again: &str, indent: usize) -> Vec<Line> {
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
    let mut head = EN.again;
    let mut lines = Vec::new();
    for (at, command) in commands.into_iter().enumerate() {
        let more = if at == last { "" } else { " \\" };
        let line = Line::of(Tone::Quiet, format!("{:indent$}{head:<HEAD$}", ""));
        lines.push(line.then(Tone::Plain, command + more).uncut());
        head = "";
    }
    lines
}

/// Draws one line per broken or untested claim, and all that hold together. Claims about
/// groups appear if there are groups.
pub fn verdicts(story: &Story<'_>) -> Vec<Line> {
    let mut lines = Vec::new();
    let concerns = |it: &&Finding| !story.plan.groups.is_empty() || !it.claim.is_about_groups();
    let findings: Vec<&Finding> =
        story.outcome.judgement.findings.iter().filter(concerns).collect();
    let head = |tone, head: &str| Line::of(tone, format!("{head:<9}"));
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
            with_text(Tone::Lost, EN.breaks, finding.claim, &evidence.because);
        }
    }
    let mut untested = Vec::new();
    for finding in &findings {
        if let Verdict::Untested(why) = &finding.verdict {
            untested.push((finding.claim, format!("({why})")));
        }
    }
    let holds = findings.iter().filter(|it| it.verdict == Verdict::Holds).map(|it| it.claim);
    let names: Vec<_> = holds.map(|claim| format!("{:<NAME$}", claim.name())).collect();
    for (at, row) in names.chunks(3).enumerate() {
        let word = if at == 0 { EN.holds } else { "" };
        lines.push(head(Tone::Committed, word).then(Tone::Plain, row.concat()));
    }
    for (claim, why) in untested {
        let name = claim.name();
        let room = INSIDE - 2 - 9 - NAME;
        let mut word = EN.untested;
        let mut name = format!("{name:<NAME$}");
        for part in wrap(&why, room) {
            let line = head(Tone::Risk, word).then(Tone::Plain, name);
            lines.push(line.then(Tone::Quiet, part));
            word = "";
            name = " ".repeat(NAME);
        }
    }
    lines
}

fn ended(ended: &Ended) -> impl Iterator<Item = Line> {
    let told = match ended {
        Ended::InTime => None,
        Ended::TooManyEvents => Some((EN.stopped_title, EN.stopped.to_owned())),
        Ended::Panicked(why) => Some((EN.fault_title, fill(EN.fault, &[why]))),
    };
    told.into_iter().flat_map(|(title, text)| {
        let parts = wrap(&text, INSIDE - 2 - 9).into_iter().enumerate();
        parts.map(move |(at, part)| {
            let title = if at == 0 { title } else { "" };
            Line::of(Tone::Lost, format!("{title:<9}")).then(Tone::Plain, part)
        })
    })
}

fn helped_lines(helped: &Helped, width: usize) -> Vec<Line> {
    let (word, tone) = match helped.standing {
        HelpedStanding::Holds => (EN.holds, Tone::Committed),
        HelpedStanding::Breaks => (EN.breaks, Tone::Lost),
        HelpedStanding::Untested => (EN.untested, Tone::Risk),
    };
    let mut lines = Vec::new();
    for part in wrap(&helped.remark, INSIDE - 2 - width - 2 - 9) {
        let mut line = Line::default();
        if lines.is_empty() {
            line.push(Tone::Plain, fit(&helped.change, width, Signs::Unicode));
            line.pad(width + 2);
            line.push(tone, format!("{word:<9}"));
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
