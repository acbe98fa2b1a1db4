//! Machine output: JSON lines, one object per event class, stable and versioned (`"v":1`).

use scenarios::Class;
use serde_json::{Value, json};
use sim::history::Entry;
use sim::outcome::Ended;
use sim::verdict::{Anomaly, Claim, Evidence, Finding, Verdict};

use crate::entry;
use crate::stats::CONFIDENCE;
use crate::story::Story;
use crate::summary::Totals;
use crate::sweep::chance::Judged;
use crate::sweep::{Setting, Sweep};
use crate::verdict::{Came, Expected, Helped, HelpedStanding};
use crate::words::EN;

/// The version of these objects.
pub const VERSION: u32 = 1;

/// Events of the evidence that a finding carries.
const EVENTS_MAX: usize = 20;

/// A trial begins.
pub fn run_started(scenario: &str, case: &str, seed: u64) -> Value {
    json!({
        "v": VERSION,
        "event": "run-started",
        "scenario": scenario,
        "case": case,
        "seed": seed,
    })
}

/// A claim is broken.
pub fn finding(story: &Story<'_>, finding: &Finding, evidence: &Evidence, again: &str) -> Value {
    json!({
        "v": VERSION,
        "event": "finding",
        "id": finding_id(story, finding),
        "check": finding.claim.name(),
        "class": check_class(finding.claim),
        "scenario": story.scenario,
        "case": story.case,
        "seed": story.seed,
        "digest": digest(story.outcome.digest),
        "because": evidence.because.to_string(),
        "count": evidence.count,
        "t": evidence.first.0.saturating_mul(1_000),
        "events": events(story, evidence),
        "records": evidence.records.iter().map(|uid| uid.0).collect::<Vec<_>>(),
        "anomalies": anomalies(finding),
        "replay": again,
        // Made by a search alone: a file that holds the trial, and sizes before and after.
        "repro": null,
        "shrunk": null,
    })
}

/// Every broken claim of a trial, in order.
pub fn findings(story: &Story<'_>, again: &str) -> Vec<Value> {
    let findings = story.outcome.judgement.findings.iter();
    findings
        .filter_map(|it| match &it.verdict {
            Verdict::Breaks(evidence) => Some(finding(story, it, evidence, again)),
            Verdict::Holds | Verdict::Untested(_) => None,
        })
        .collect()
}

/// Returns whether a claim is about safety or about progress.
pub(crate) fn check_class(claim: Claim) -> &'static str {
    match claim {
        Claim::WritesResume
        | Claim::ReplicasCatchUp
        | Claim::GroupStabilises
        | Claim::GroupDrains => "liveness",
        Claim::NoAcknowledgedLoss
        | Claim::NoCommittedLoss
        | Claim::NothingDroppedSilently
        | Claim::NoPhantom
        | Claim::NoDuplicates
        | Claim::IdempotentNoDuplicates
        | Claim::OrderPerPartition
        | Claim::ReplicasAgree
        | Claim::HighWatermarkMonotonic
        | Claim::OneLeaderPerEpoch
        | Claim::IsrCoversHighWatermark
        | Claim::OrderPerKey
        | Claim::NothingSkipped
        | Claim::NothingRepeated
        | Claim::OneOwnerPerPartition
        | Claim::CommitsMoveForward
        | Claim::EffectsOnce => "safety",
    }
}

/// Returns the evidence as objects of `history.jsonl`; only their places without a history.
fn events(story: &Story<'_>, evidence: &Evidence) -> Vec<Value> {
    let shown = evidence.entries.iter().take(EVENTS_MAX);
    shown
        .map(|&at| match story.outcome.history.get(at) {
            Some(entry) => entry::json(story, at, entry),
            None => json!({ "seq": at }),
        })
        .collect()
}

fn finding_id(story: &Story<'_>, finding: &Finding) -> String {
    format!("{}/{}/{}/{}", story.scenario, story.case, story.seed, finding.claim.name())
}

fn anomalies(finding: &Finding) -> Value {
    let named = finding.anomalies.iter();
    named.map(|(anomaly, count): (&Anomaly, _)| (anomaly.name().to_owned(), json!(count))).collect()
}

/// A trial is over.
pub fn run_finished(
    story: &Story<'_>,
    class: Class,
    (expected, helped): (&[Expected], &[Helped]),
    again: &str,
) -> Value {
    let outcome = story.outcome;
    let claims: Vec<Value> = outcome.judgement.findings.iter().map(claim).collect();
    json!({
        "v": VERSION,
        "event": "run-finished",
        "scenario": story.scenario,
        "case": story.case,
        "seed": story.seed,
        "class": class_name(class),
        "digest": digest(outcome.digest),
        "ended": ended(&outcome.ended),
        "events": outcome.totals.events,
        "messages": outcome.totals.messages,
        "entries": outcome.totals.entries,
        "t": outcome.totals.end.0.saturating_mul(1_000),
        "claims": claims,
        "expected": expected.iter().map(expectation).collect::<Vec<_>>(),
        "helped": helped.iter().map(help).collect::<Vec<_>>(),
        "replay": again,
    })
}

fn claim(finding: &Finding) -> Value {
    let (result, because, count) = match &finding.verdict {
        Verdict::Holds => ("holds", None, 0),
        Verdict::Breaks(evidence) => ("breaks", Some(evidence.because.to_string()), evidence.count),
        Verdict::Untested(why) => ("untested", Some(why.to_string()), 0),
    };
    json!({
        "id": finding.claim.name(),
        "result": result,
        "because": because,
        "n": count,
        "risk": finding.risk,
        "anomalies": anomalies(finding),
    })
}

fn expectation(expected: &Expected) -> Value {
    let standing = match expected.came {
        Came::True => "met",
        Came::False => "failed",
        Came::Untested => "untested",
    };
    json!({ "expect": expected.text.to_string(), "standing": standing })
}

fn help(helped: &Helped) -> Value {
    let result = match helped.standing {
        HelpedStanding::Holds => "holds",
        HelpedStanding::Breaks => "breaks",
        HelpedStanding::Untested => "untested",
    };
    json!({ "change": helped.change, "set": helped.set, "result": result, "remark": helped.remark.to_string() })
}

pub(crate) fn ended(ended: &Ended) -> Value {
    match ended {
        Ended::InTime => json!("in-time"),
        Ended::TooManyEvents => json!("too-many-events"),
        Ended::Panicked(why) => json!({ "panicked": why }),
    }
}

/// All trials are over.
pub fn summary(totals: &Totals) -> Value {
    let count = |class| totals.of(class);
    json!({
        "v": VERSION,
        "event": "summary",
        "runs": totals.trials(),
        "as-expected": count(Class::AsExpected),
        "unexpected": count(Class::Unexpected),
        "untested": count(Class::Untested),
        "tool-faults": count(Class::ToolFault),
    })
}

/// How often the claims broke under one setting of a sweep; those that were never at risk
/// are left out.
pub fn odds(sweep: &Sweep, setting: &Setting) -> Value {
    let claims = Claim::ALL.iter().map(|&claim| (claim, setting.odds(claim)));
    let claims: Vec<Value> = claims
        .filter(|(_, odds)| 0 < odds.tested)
        .map(|(claim, odds)| {
            let interval = odds.broken.exact(CONFIDENCE);
            let seed = |run: usize| sweep.seeds.get(run).copied();
            json!({
                "id": claim.name(),
                "broken": odds.broken.hits,
                "runs": odds.broken.of,
                "tested": odds.tested,
                "share": odds.broken.value(),
                "low": interval.low,
                "high": interval.high,
                "first": odds.first_and_worst.and_then(|(first, _)| seed(first)),
                "worst": odds.first_and_worst.and_then(|(_, worst)| seed(worst)),
            })
        })
        .collect();
    json!({
        "v": VERSION,
        "event": "odds",
        "scenario": setting.scenario,
        "setting": setting.name,
        "values": setting.values,
        "runs": setting.runs(),
        "unfinished": setting.unfinished,
        "claims": claims,
        "replay": setting.again,
    })
}

/// How an expected chance stands.
pub fn chance(judged: Judged, text: &str) -> Value {
    let standing = match judged {
        Judged::Met => "met",
        Judged::Failed => "failed",
        Judged::Undecided => "undecided",
    };
    json!({ "v": VERSION, "event": "chance", "expect": text, "standing": standing })
}

/// All runs of a sweep are over.
pub fn sweep_summary(sweep: &Sweep) -> Value {
    json!({
        "v": VERSION,
        "event": "sweep-summary",
        "settings": sweep.settings.len(),
        "runs": sweep.settings.iter().map(Setting::runs).sum::<usize>(),
        "meaning": EN.sweep.meaning,
        "replay": sweep.again,
    })
}

/// Returns the name of a class.
pub fn class_name(class: Class) -> &'static str {
    match class {
        Class::AsExpected => "as-expected",
        Class::Unexpected => "unexpected",
        Class::Untested => "untested",
        Class::ToolFault => "tool-fault",
    }
}

/// Writes a digest as everywhere: sixteen hexadecimal digits.
pub fn digest(digest: u64) -> String {
    format!("{digest:016x}")
}

/// An entry of the history that was asked for: that of `history.jsonl`, as an event.
pub fn traced(story: &Story<'_>, place: usize, entry: &Entry) -> Value {
    let mut object = json!({ "v": VERSION, "event": "entry" });
    let own = entry::json(story, place, entry);
    for (name, value) in own.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

/// Returns a whole history as JSON lines.
pub fn history(story: &Story<'_>) -> String {
    let mut text = String::new();
    for (place, entry) in story.outcome.history.iter().enumerate() {
        text += &entry::json(story, place, entry).to_string();
        text.push('\n');
    }
    text
}
