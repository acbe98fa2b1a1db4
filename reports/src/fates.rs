//! What became of each record: a strip of signs, and how many of each.

use std::collections::BTreeMap;

use model::ids::Uid;
use sim::verdict::Fate;
use unicode_width::UnicodeWidthStr;

use crate::story::{Story, record_names};
use crate::text::{Line, Tone, fill, grouped, padded};

/// Records that are shown one by one.
const SINGLE_MAX: usize = 36;
/// Records side by side.
const PER_LINE: usize = 18;
/// Runs of equal fates that are named.
const RUNS_MAX: usize = 20;
/// Columns of the bar that stands for many records.
const BAR: usize = 80;

/// The fates in the order in which they are counted.
pub const ALL: [Fate; 8] = [
    Fate::Delivered,
    Fate::Lost,
    Fate::NeverPromised,
    Fate::UnknownPresent,
    Fate::UnknownAbsent,
    Fate::RefusedButPresent,
    Fate::Duplicated,
    Fate::OutOfOrder,
];

/// Draws the strip and the counts; empty if there are no records.
pub fn fates(story: &Story<'_>) -> Vec<Line> {
    let fates = &story.outcome.judgement.fates;
    if fates.is_empty() {
        return Vec::new();
    }
    let mut lines =
        if fates.len() <= SINGLE_MAX { single(story, fates) } else { binned(story, fates) };
    lines.extend(counts(story, fates));
    lines
}

/// Returns the sign of a fate.
pub fn sign(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "◉",
        Fate::Lost => "✗",
        Fate::NeverPromised => "–",
        Fate::UnknownPresent | Fate::UnknownAbsent => "?",
        Fate::RefusedButPresent => "!",
        Fate::Duplicated => "×2",
        Fate::OutOfOrder => "⇄",
    }
}

/// Returns the name of a fate in machine formats.
pub fn name(fate: Fate) -> &'static str {
    match fate {
        Fate::Delivered => "delivered",
        Fate::Lost => "lost",
        Fate::NeverPromised => "never-promised",
        Fate::UnknownPresent => "unknown-present",
        Fate::UnknownAbsent => "unknown-absent",
        Fate::RefusedButPresent => "refused-but-present",
        Fate::Duplicated => "duplicated",
        Fate::OutOfOrder => "out-of-order",
    }
}

fn tone(fate: Fate) -> Tone {
    match fate {
        Fate::Delivered => Tone::Committed,
        Fate::Lost => Tone::Lost,
        Fate::NeverPromised => Tone::Quiet,
        Fate::UnknownPresent | Fate::UnknownAbsent | Fate::RefusedButPresent => Tone::Risk,
        Fate::Duplicated | Fate::OutOfOrder => Tone::Doubled,
    }
}

fn head(story: &Story<'_>, first: bool) -> Line {
    let head = if first { story.words.records } else { "" };
    Line::of(Tone::Quiet, format!(" {} ", padded(head, 8)))
}

fn single(story: &Story<'_>, fates: &[Fate]) -> Vec<Line> {
    let numbered: Vec<_> = (0..).map(Uid).zip(fates).collect();
    let lines = numbered.chunks(PER_LINE).enumerate().map(|(at, chunk)| {
        let mut line = head(story, at == 0);
        for (place, &(uid, &fate)) in (1..).zip(chunk) {
            let name = format!("r{uid}");
            line.push(Tone::Plain, format!("{name:<3}"));
            line.push(tone(fate), sign(fate));
            line.pad(10 + 5 * place);
        }
        line
    });
    lines.collect()
}

/// Names the runs of equal fates if they are few, else draws a bar with the worst of each bin.
fn binned(story: &Story<'_>, fates: &[Fate]) -> Vec<Line> {
    let mut runs: Vec<(Uid, Uid, Fate)> = Vec::new();
    for (uid, &fate) in (0..).map(Uid).zip(fates) {
        match runs.last_mut() {
            Some((_, last, same)) if *same == fate => *last = uid,
            _ => runs.push((uid, uid, fate)),
        }
    }
    if RUNS_MAX < runs.len() {
        let bin = fates.len().div_ceil(BAR);
        let mut line = head(story, true);
        for records in fates.chunks(bin) {
            let worst = *records.iter().max_by_key(|&&fate| badness(fate)).expect("a bin is full");
            line.push(tone(worst), sign(worst).chars().next_back().unwrap_or(' ').to_string());
        }
        let note = format!("          {}", fill(story.words.bin, &[&bin.to_string()]));
        return vec![line, Line::of(Tone::Quiet, note)];
    }
    let mut lines = vec![head(story, true)];
    for (first, last, fate) in runs {
        let run = format!("{} ", record_names(first, last));
        let open = lines.last().expect("there is a first line").width();
        if crate::text::WIDTH < open + run.width() + 5 {
            lines.push(head(story, false));
        }
        let line = lines.last_mut().expect("there is a first line");
        line.push(Tone::Plain, run);
        line.push(tone(fate), format!("{}  ", sign(fate)));
    }
    lines
}

/// Orders fates by what a reader must not miss.
fn badness(fate: Fate) -> u8 {
    match fate {
        Fate::Delivered => 0,
        Fate::NeverPromised => 1,
        Fate::UnknownPresent => 2,
        Fate::UnknownAbsent => 3,
        Fate::RefusedButPresent => 4,
        Fate::OutOfOrder => 5,
        Fate::Duplicated => 6,
        Fate::Lost => 7,
    }
}

fn counts(story: &Story<'_>, fates: &[Fate]) -> Vec<Line> {
    let mut counts: BTreeMap<Fate, u64> = BTreeMap::new();
    for &fate in fates {
        *counts.entry(fate).or_default() += 1;
    }
    let mut lines = vec![head(story, false)];
    for (fate, name) in ALL.into_iter().zip(story.words.fates) {
        let count = counts.get(&fate).copied().unwrap_or(0);
        let always = matches!(fate, Fate::Delivered | Fate::Lost | Fate::Duplicated);
        if count == 0 && !always {
            continue;
        }
        let text = format!("{} {name} {}", sign(fate), grouped(count));
        let open = lines.last().expect("there is a first line").width();
        if crate::text::WIDTH < open + text.width() + 4 {
            lines.push(head(story, false));
        }
        let tone = if count == 0 { Tone::Quiet } else { tone(fate) };
        let line = lines.last_mut().expect("there is a first line");
        line.push(tone, text);
        line.push(Tone::Plain, "    ");
    }
    lines
}
