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

/// Lines of a golden file, at most.
pub const GOLDEN_LINES: usize = 60;
/// Lines for which the timeline of a golden file is asked, at least.
const ROWS_MIN: usize = 6;

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

/// Returns the golden text of a trial: at most 60 lines, without colours, the same on every
/// host.
pub fn golden(story: &Story<'_>, expected: &[Expected]) -> String {
    let signs = Signs::Unicode;
    let mut end = logs(story);
    end.extend(fates(story));
    end.extend(groups(story));
    end.push(Line::default());
    end.extend(verdicts(story, expected));
    end.extend(expectations(expected, 1, story.words));
    let mut lines = title(story, signs);
    lines.push(Line::default());
    let room = GOLDEN_LINES.saturating_sub(lines.len() + end.len() + 1);
    let mut asked = room.max(ROWS_MIN);
    let mut drawn = timeline(story, signs, asked);
    // What wraps, and what must stay, makes a timeline longer than it was asked to be.
    while room < drawn.len() && ROWS_MIN < asked {
        asked = asked.saturating_sub(drawn.len() - room).max(ROWS_MIN);
        drawn = timeline(story, signs, asked);
    }
    lines.extend(drawn);
    lines.push(Line::default());
    lines.extend(end);
    render(&lines, signs, Colour::Plain)
}

/// Draws the head: which trial, with the settings that matter most, and its lesson.
pub fn title(story: &Story<'_>, signs: Signs) -> Vec<Line> {
    let mut facts = vec![fill(story.words.seed, &[&story.seed.to_string()])];
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
        lines.push(Line::of(Tone::Quiet, story.words.case).then(Tone::Plain, case));
    }
    let sentences = wrap(story.title, WIDTH - 2).into_iter();
    lines.extend(sentences.map(|text| Line::plain(format!(" {text}"))));
    lines
}

fn era(story: &Story<'_>) -> String {
    if story.plan.rules == Rules::default() {
        return story.words.era_modern.to_owned();
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
    let planted = used.mutants.iter().map(|mutant| format!("mutant={}", mutant.name()));
    let mut older: Vec<String> = older.into_iter().map(str::to_owned).collect();
    older.extend(planted);
    fill(story.words.era_older, &[&older.join(" ")])
}
