//! A finding that was run again: whether it is still the same, in few lines or as JSON.

use scenarios::found::{Answer, Found, Replayed};
use serde_json::{Value, json};
use sim::MODEL_VERSION;
use sim::outcome::Ended;
use sim::verdict::{Claim, Evidence, Verdict};

use crate::json::{VERSION, digest};
use crate::story::Story;
use crate::table::Row;
use crate::text::{Line, Tone, WIDTH, fill, grouped, wrap};

/// Draws the answer, what is wrong, and where the finding comes from.
pub fn replay(story: &Story<'_>, replayed: &Replayed<'_>) -> Vec<Line> {
    let Replayed { found, answer, .. } = *replayed;
    let words = &story.words.replay;
    let model = MODEL_VERSION.to_string();
    let (tone, text) = match answer {
        Answer::SameHistory => (Tone::Strong, words.same_history.to_owned()),
        Answer::SameVerdict => {
            (Tone::Strong, fill(words.same_verdict, &[&found.model.to_string(), &model]))
        }
        Answer::NoLongerBroken => (Tone::Committed, words.no_longer.to_owned()),
        Answer::OtherHistory => (Tone::Lost, fill(words.other_history, &[&model])),
    };
    let mut told = Vec::new();
    if answer == Answer::OtherHistory {
        told.push(words.other_means.to_owned());
    }
    told.push(standing(story, replayed));
    let (was, is) = (digest(found.digest), digest(story.outcome.digest));
    told.push(match was == is {
        true => fill(words.digest, &[&is]),
        false => fill(words.digests, &[&was, &is]),
    });
    let (seed, model) = (seed(found.seed), found.model.to_string());
    told.push(fill(words.found, &[&seed, &found.trial, &model]));
    let mut lines = vec![Line::of(tone, text)];
    for text in told {
        lines.extend(wrap(&text, WIDTH - 2).into_iter().map(|it| Line::plain(format!("  {it}"))));
    }
    // A command stays in one line, so that it can be copied.
    lines.push(Line::plain(format!("  {}", found.by)).uncut());
    lines
}

/// Writes a seed as the file has it: large ones as drawn.
fn seed(seed: u64) -> String {
    if seed < 1_000_000 { seed.to_string() } else { format!("{seed:#x}") }
}

/// Says what has become of the violation that was found, or what is wrong instead.
fn standing(story: &Story<'_>, replayed: &Replayed<'_>) -> String {
    let (words, name) = (&story.words.replay, replayed.found.violation.as_str());
    match (&story.outcome.ended, &replayed.because) {
        (Ended::Panicked(why), _) => fill(words.assertion, &[why]),
        (Ended::TooManyEvents, _) => fill(words.livelock, &[&grouped(story.outcome.totals.events)]),
        (Ended::InTime, Some(because)) => {
            let because = because.say(&story.words.grammar);
            match evidence(story, replayed.found) {
                Some(evidence) => {
                    fill(words.breaks, &[name, &evidence.first.to_string(), &because])
                }
                None => fill(words.late, &[name, &because]),
            }
        }
        (Ended::InTime, None) if Claim::by_name(name).is_some() => fill(words.stands, &[name]),
        (Ended::InTime, None) => words.in_time.to_owned(),
    }
}

/// Returns the evidence that the claim that was found broken is broken; a claim that came true
/// too late has none.
fn evidence<'o>(story: &Story<'o>, found: &Found) -> Option<&'o Evidence> {
    let mut findings = story.outcome.judgement.findings.iter();
    findings.find_map(|finding| match &finding.verdict {
        Verdict::Breaks(evidence) if finding.claim.name() == found.violation => Some(evidence),
        Verdict::Breaks(_) | Verdict::Holds | Verdict::Untested(_) => None,
    })
}

/// Returns the same for machines.
pub fn json(story: &Story<'_>, replayed: &Replayed<'_>) -> Value {
    let Replayed { found, because, .. } = replayed;
    let answer = match replayed.answer {
        Answer::SameHistory => "same-history",
        Answer::SameVerdict => "same-verdict",
        Answer::NoLongerBroken => "no-longer-broken",
        Answer::OtherHistory => "other-history",
    };
    let evidence = evidence(story, found);
    json!({
        "v": VERSION,
        "event": "replayed",
        "scenario": story.scenario,
        "seed": story.seed,
        "answer": answer,
        "check": found.violation,
        "because": because.as_ref().map(|it| it.to_string()),
        "t": evidence.map(|it| it.first.0.saturating_mul(1_000)),
        "ended": crate::json::ended(&story.outcome.ended),
        "digest": digest(story.outcome.digest),
        "model": MODEL_VERSION,
        "found": {
            "by": found.by,
            "seed": found.seed,
            "digest": digest(found.digest),
            "trial": found.trial,
            "model": found.model,
        },
    })
}

/// Returns one fact of the trace for machines.
pub fn fact_json(row: &Row) -> Value {
    json!({
        "v": VERSION,
        "event": "fact",
        "at": row.at,
        "who": row.who,
        "where": row.place,
        "what": row.what,
    })
}
