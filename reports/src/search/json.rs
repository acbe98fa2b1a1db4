//! Searches for machines: JSON lines, stable and versioned (`"v":1`).

use scenarios::search::campaign::Seeds;
use scenarios::search::shrink::size::Size;
use scenarios::search::violation::Violation;
use serde_json::{Value, json};
use sim::verdict::Verdict;

use crate::json::{VERSION, check_class, digest};
use crate::search::effort::{Effort, Ended};
use crate::search::finding::{Found, Sizes, because};
use crate::stats::CONFIDENCE;
use crate::words::EN;

/// A campaign begins; without a number of runs it ends by the clock.
pub fn run_started(name: &str, seeds: Seeds, runs: Option<u64>) -> Value {
    let (campaign, seed) = origin(seeds);
    json!({
        "v": VERSION,
        "event": "run-started",
        "scenario": name,
        "campaign": campaign,
        "seed": seed,
        "runs": runs,
    })
}

/// Something is broken.
pub fn finding(name: &str, found: &Found<'_>) -> Value {
    let (seed, check) = (found.seed, found.violation.name());
    let evidence = found.outcome.judgement.findings.iter().find_map(|finding| {
        match (&finding.verdict, found.violation) {
            (Verdict::Breaks(evidence), Violation::Claim(claim)) if finding.claim == *claim => {
                Some(evidence)
            }
            _ => None,
        }
    });
    let (size, shrunk) = match &found.size {
        Sizes::Drawn(size) => (size, Value::Null),
        Sizes::Shrunk { before, after, runs } => (
            after,
            json!({ "before": self::size(before), "after": self::size(after), "runs": runs }),
        ),
    };
    json!({
        "v": VERSION,
        "event": "finding",
        "id": format!("{name}/{}/{seed}/{check}", found.case),
        "signature": found.signature.to_string(),
        "check": check,
        "class": class(found.violation),
        "scenario": name,
        "case": found.case,
        "seed": seed,
        "digest": digest(found.outcome.digest),
        "because": because(found, &EN),
        "count": evidence.map(|it| it.count),
        "t": evidence.map(|it| it.first.0.saturating_mul(1_000)),
        "records": evidence.map(|it| it.records.iter().map(|uid| uid.0).collect::<Vec<_>>()),
        "events": found.outcome.totals.events,
        "replay": found.again,
        "repro": found.repro,
        "size": self::size(size),
        "shrunk": shrunk,
    })
}

/// A campaign is over.
pub fn run_finished(effort: &Effort<'_>) -> Value {
    let (looked, share) = (effort.looked, effort.share());
    let (campaign, seed) = origin(effort.seeds);
    let interval = share.map(|share| share.exact(CONFIDENCE));
    let claims = looked.promised.iter().map(|(claim, promised)| {
        let at_risk = looked.at_risk.get(claim).copied().unwrap_or(0);
        (claim.name().to_owned(), json!({ "promised": promised, "at-risk": at_risk }))
    });
    json!({
        "v": VERSION,
        "event": "run-finished",
        "scenario": effort.name,
        "campaign": campaign,
        "seed": seed,
        "ended": match effort.ended {
            Ended::Through => "through",
            Ended::Enough => "enough",
            Ended::Interrupted => "interrupted",
        },
        "runs": looked.runs,
        "broken": looked.broken,
        "tested": looked.tested,
        "events": looked.events,
        "findings": effort.findings,
        "alike": effort.alike,
        "share": interval.map(|interval| json!({ "low": interval.low, "high": interval.high })),
        "claims": claims.collect::<serde_json::Map<_, _>>(),
        "states": looked.states.distinct(),
        "edges": looked.edges.distinct(),
        "novelty": effort.novelty().value(),
    })
}

/// All campaigns of a call are over.
pub fn summary(campaigns: usize, runs: u64, broken: u64, findings: u64) -> Value {
    json!({
        "v": VERSION,
        "event": "summary",
        "campaigns": campaigns,
        "runs": runs,
        "broken": broken,
        "findings": findings,
    })
}

/// Returns the campaign that the seeds of all runs come from, or the one seed that was asked for.
fn origin(seeds: Seeds) -> (Option<u64>, Option<u64>) {
    match seeds {
        Seeds::Of(campaign) => (Some(campaign), None),
        Seeds::Only(seed) => (None, Some(seed)),
    }
}

fn class(violation: &Violation) -> &'static str {
    match violation {
        Violation::Assertion(_) | Violation::Livelock => violation.name(),
        Violation::Claim(claim) => check_class(*claim),
    }
}

/// Says how large a plan is; `t` is the length of its trial in nanoseconds.
pub(super) fn size(size: &Size) -> Value {
    json!({
        "steps": size.steps,
        "brokers": size.brokers,
        "partitions": size.partitions,
        "clients": size.clients,
        "records": size.records,
        "t": size.time.0.saturating_mul(1_000),
    })
}
