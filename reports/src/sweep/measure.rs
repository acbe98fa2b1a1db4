//! What is counted in a run, besides its verdicts.

use serde::{Deserialize, Serialize};
use sim::outcome::Outcome;
use sim::verdict::{Anomaly, Claim, Verdict};

/// A number that every run has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// `send()` calls.
    Sent,
    /// Records that were promised to be in the log.
    Promised,
    /// Records that were reported as sent under `acks=0`.
    Assumed,
    /// Promised records that are in no log.
    Lost,
    /// Records sent with `acks=0` that are in no log.
    Dropped,
    /// Records that are in the log more than once.
    Duplicates,
    /// Records that lie in a partition against their order of sending.
    Inversions,
    /// Records that a group skipped.
    Skipped,
    /// Records that a group processed more than once.
    Repeated,
    /// Microseconds that one partition was without a running leader, at most.
    LeaderlessMax,
    /// Microseconds that partitions were without a running leader, together.
    Leaderless,
    /// Microseconds that a partition was stopped by one rebalance, at most.
    StoppedMax,
    /// Microseconds that partitions were stopped by rebalances: the longest of each, together.
    Stopped,
    /// The largest lag of a group.
    LagMax,
}

impl Measure {
    /// Every one, in order.
    pub const ALL: [Measure; 14] = [
        Measure::Sent,
        Measure::Promised,
        Measure::Assumed,
        Measure::Lost,
        Measure::Dropped,
        Measure::Duplicates,
        Measure::Inversions,
        Measure::Skipped,
        Measure::Repeated,
        Measure::LeaderlessMax,
        Measure::Leaderless,
        Measure::StoppedMax,
        Measure::Stopped,
        Measure::LagMax,
    ];

    /// Measures a run.
    pub fn of(self, outcome: &Outcome) -> u64 {
        let tally = outcome.judgement.tally;
        let groups = &outcome.judgement.groups;
        let stops = groups.iter().flat_map(|it| &it.rebalances).map(|it| it.stopped_for.0);
        match self {
            Measure::Sent => tally.sent,
            Measure::Promised => tally.promised,
            Measure::Assumed => tally.assumed,
            Measure::Lost => seen(outcome, Anomaly::AckedLost),
            Measure::Dropped => dropped(outcome),
            Measure::Duplicates => seen(outcome, Anomaly::DupAppend),
            Measure::Inversions => seen(outcome, Anomaly::SendReorder),
            Measure::Skipped => seen(outcome, Anomaly::GroupLoss),
            Measure::Repeated => seen(outcome, Anomaly::GroupDup),
            Measure::LeaderlessMax => tally.leaderless_max.0,
            Measure::Leaderless => tally.leaderless.0,
            Measure::StoppedMax => stops.max().unwrap_or(0),
            Measure::Stopped => stops.sum(),
            Measure::LagMax => groups.iter().map(|it| it.lag_max.0).max().unwrap_or(0),
        }
    }
}

/// Counts what nothing was promised about and nobody was told of, but for what never left
/// the process of its producer.
fn dropped(outcome: &Outcome) -> u64 {
    let findings = outcome.judgement.findings.iter();
    let counts = findings.filter(|it| it.claim == Claim::NothingDroppedSilently).map(|finding| {
        let never_sent = finding.anomalies.get(&Anomaly::NeverSent).copied().unwrap_or(0);
        match &finding.verdict {
            Verdict::Breaks(evidence) => evidence.count.saturating_sub(never_sent),
            Verdict::Holds | Verdict::Untested(_) => 0,
        }
    });
    counts.sum()
}

/// Returns how often an anomaly was seen; several checkers may look at one, each counts all.
fn seen(outcome: &Outcome, anomaly: Anomaly) -> u64 {
    let findings = &outcome.judgement.findings;
    findings.iter().filter_map(|it| it.anomalies.get(&anomaly)).max().copied().unwrap_or(0)
}
