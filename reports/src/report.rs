//! The report of one trial: title, timeline, logs, fates, groups, verdict.

use model::rules::{FetchFencing, Rules, Truncation};
use unicode_width::UnicodeWidthStr;

use crate::fates::fates;
use crate::groups::groups;
use crate::logs::logs;
use crate::story::Story;
use crate::text::{Colour, Line, Signs, Tone, WIDTH, fill, fit, render, wrap};
use crate::timeline::{LINES, timeline};
use crate::verdict::{Expected, Helped, expectations, verdict, verdicts};
use crate::words::EN;

/// Lines of a golden file.
pub const GOLDEN_LINES: usize = 60;

/// Draws everything about a trial; the timeline only if there is a history.
pub fn full(
    story: &Story<'_>,
    outside: (&[Expected], &[Helped]),
    again: &str,
    signs: Signs,
) -> Vec<Line> {
    let mut lines = title(story, signs);
    let blocks = [
        timeline(story, signs, LINES),
        logs(story),
        fates(story).into_iter().chain(groups(story)).collect(),
        verdict(story, outside, again, signs),
    ];
    for block in blocks {
        if !block.is_empty() {
            lines.push(Line::default());
            lines.extend(block);
        }
    }
    lines
}

/// Returns the golden text of a trial: under 60 lines, without colours, the same on every
/// host.
pub fn golden(story: &Story<'_>, expected: &[Expected]) -> String {
    let signs = Signs::Unicode;
    let mut end = logs(story);
    end.extend(fates(story));
    end.extend(groups(story));
    end.push(Line::default());
    end.extend(verdicts(story));
    end.extend(expectations(expected));
    let mut lines = title(story, signs);
    lines.push(Line::default());
    // The lines of rebalances wrap.
    let spare = if story.plan.groups.is_empty() { 3 } else { 10 };
    let room = GOLDEN_LINES.saturating_sub(lines.len() + end.len() + spare).max(6);
    lines.extend(timeline(story, signs, room));
    lines.push(Line::default());
    lines.extend(end);
    render(&lines, signs, Colour::Plain)
}

/// Draws the head: which trial, with the settings that matter most, and its lesson.
pub fn title(story: &Story<'_>, signs: Signs) -> Vec<Line> {
    let mut facts = vec![fill(EN.seed, &[&story.seed.to_string()])];
    facts.push(era(story));
    if let Some(replica) = story.outcome.replicas.first() {
        let copies = story.outcome.replicas.iter().filter(|it| it.partition == replica.partition);
        facts.push(format!("rf {}", copies.count()));
    }
    if let Some(topic) = story.plan.topics.first() {
        facts.push(format!("min.isr {}", topic.config.min_insync_replicas));
    }
    let promises = story.promises();
    if !promises.is_empty() {
        facts.push(format!("acks {promises}"));
    }
    let mut head = Line::of(Tone::Strong, format!(" {:<24}", story.scenario));
    let facts = format!(" {}", facts.join(" · "));
    let mut lines = Vec::new();
    if WIDTH < head.width() + facts.width() {
        lines.push(std::mem::take(&mut head));
    }
    lines.push(head.then(Tone::Quiet, facts));
    if !story.case.is_empty() {
        let case = fit(story.case, WIDTH - 7, signs);
        lines.push(Line::of(Tone::Quiet, EN.case).then(Tone::Plain, case));
    }
    let sentences = wrap(story.title, WIDTH - 2).into_iter();
    lines.extend(sentences.map(|text| Line::plain(format!(" {text}"))));
    lines
}

fn era(story: &Story<'_>) -> String {
    if story.plan.rules == Rules::default() {
        return EN.era_modern.to_owned();
    }
    let (used, modern) = (story.plan.rules, Rules::default());
    let mut older = Vec::new();
    if used.truncation != modern.truncation {
        older.push(match used.truncation {
            Truncation::ToHighWatermark => "truncation=to-high-watermark",
            Truncation::ByEpochOnce => "truncation=by-epoch-once",
            Truncation::ByEpoch => "truncation=by-epoch",
        });
    }
    if used.fetch_fencing != modern.fetch_fencing {
        older.push(match used.fetch_fencing {
            FetchFencing::None => "fetch-fencing=none",
            FetchFencing::ByEpoch => "fetch-fencing=by-epoch",
        });
    }
    fill(EN.era_older, &[&older.join(" ")])
}
