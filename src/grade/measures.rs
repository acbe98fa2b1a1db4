//! Numbers of one trial that budgets and questions are about.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{AppendRole, Fact, SendOutcome};
use model::ids::{BrokerId, NodeId, Uid};
use model::message::{Api, Half, MessageKind};
use model::time::Time;
use reports::fates;
use reports::sweep::measure::Measure;
use sim::KeepHistory;
use sim::history::{Entry, Event};
use sim::outcome::Outcome;
use sim::verdict::{Anomaly, Fate};

/// How long after `send()` an acknowledgement still counts as prompt.
const PROMPT_MICROS: u64 = 1_000_000;

/// A number of one trial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measured {
    /// What sweeps count; a time is in milliseconds here, and its name ends in `-ms`.
    Counted(Measure),
    /// How often an anomaly was seen: `anomaly:NAME`.
    Seen(Anomaly),
    /// Records with this fate.
    Fated(Fate),
    /// Milliseconds from the moment when a condition held first, or from the beginning, to the
    /// moment when another one did.
    Span {
        /// Where it begins.
        from: Option<String>,
        /// Where it ends.
        until: String,
    },
    /// One of the numbers that only exercises ask for.
    Own(Own),
}

/// What only exercises ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Own {
    /// Milliseconds from `send()` to the acknowledgement: 99 of 100 records are as fast.
    ProduceLatencyP99Ms,
    /// Milliseconds from `send()` to the acknowledgement, of the slowest record.
    ProduceLatencyMaxMs,
    /// Of a hundred records sent, those that were acknowledged.
    AcknowledgedPercent,
    /// Of a hundred records sent, those that were acknowledged within a second.
    AvailablePercent,
    /// Records that were acknowledged and that no consumer had been given yet, at most.
    BehindMax,
    /// Milliseconds from the acknowledgement of a record until a consumer was given it, at most.
    UnreadMaxMs,
    /// Fetches that a follower sends between the append of a record and the moment at which
    /// consumers may have it.
    FetchesToVisible,
    /// Messages of the whole trial.
    Messages,
    /// Rebalances of all groups.
    Rebalances,
    /// Members that owned a partition when their group was last stable.
    MembersAtWork,
}

impl Own {
    const ALL: [(&str, Own); 10] = [
        ("produce-latency-p99-ms", Own::ProduceLatencyP99Ms),
        ("produce-latency-max-ms", Own::ProduceLatencyMaxMs),
        ("acknowledged-percent", Own::AcknowledgedPercent),
        ("available-percent", Own::AvailablePercent),
        ("behind-max", Own::BehindMax),
        ("unread-max-ms", Own::UnreadMaxMs),
        ("fetches-to-visible", Own::FetchesToVisible),
        ("messages", Own::Messages),
        ("rebalances", Own::Rebalances),
        ("members-at-work", Own::MembersAtWork),
    ];

    fn needs(self) -> KeepHistory {
        match self {
            Own::ProduceLatencyP99Ms
            | Own::ProduceLatencyMaxMs
            | Own::AcknowledgedPercent
            | Own::AvailablePercent
            | Own::BehindMax
            | Own::UnreadMaxMs
            | Own::FetchesToVisible => KeepHistory::Yes,
            Own::Messages | Own::Rebalances | Own::MembersAtWork => KeepHistory::No,
        }
    }

    fn of(self, outcome: &Outcome) -> u64 {
        let groups = &outcome.judgement.groups;
        match self {
            Own::ProduceLatencyP99Ms => {
                let latencies = latencies(&outcome.history);
                let place = (latencies.len() * 99).div_ceil(100).saturating_sub(1);
                millis(latencies.get(place).copied())
            }
            Own::ProduceLatencyMaxMs => millis(latencies(&outcome.history).last().copied()),
            Own::AcknowledgedPercent => percent(&outcome.history, u64::MAX - 1),
            Own::AvailablePercent => percent(&outcome.history, PROMPT_MICROS),
            Own::BehindMax => behind_max(&outcome.history),
            Own::UnreadMaxMs => millis(Some(unread_max(&outcome.history))),
            Own::FetchesToVisible => fetches_to_visible(outcome),
            Own::Messages => outcome.totals.messages,
            Own::Rebalances => groups.iter().map(|it| it.rebalances.len() as u64).sum(),
            Own::MembersAtWork => {
                let owners = groups.iter().flat_map(|it| &it.owners);
                owners.filter(|(_, partitions)| 0 < *partitions).count() as u64
            }
        }
    }
}

impl Measured {
    /// Finds a number by its name in files; those of two moments have none.
    pub fn by_name(name: &str) -> Option<Measured> {
        if let Some(anomaly) = name.strip_prefix("anomaly:") {
            return Anomaly::by_name(anomaly).map(Measured::Seen);
        }
        let own = Own::ALL.iter().find(|(it, _)| *it == name).map(|(_, own)| Measured::Own(*own));
        let counted = || Measure::ALL.into_iter().map(Measured::Counted);
        let fated = || fates::ALL.into_iter().map(Measured::Fated);
        own.or_else(|| counted().chain(fated()).find(|it| it.name() == name))
    }

    /// Returns its name.
    pub fn name(&self) -> String {
        match self {
            Measured::Counted(measure) => {
                // The names are those of `sweep.json`.
                let name = serde_json::to_value(measure).unwrap_or_default();
                let unit = if is_time(*measure) { "-ms" } else { "" };
                format!("{}{unit}", name.as_str().unwrap_or_default())
            }
            Measured::Seen(anomaly) => format!("anomaly:{}", anomaly.name()),
            Measured::Fated(fate) => fates::name(*fate).to_owned(),
            Measured::Span { from: None, until } => format!("ms to [{until}]"),
            Measured::Span { from: Some(from), until } => format!("ms from [{from}] to [{until}]"),
            Measured::Own(own) => {
                let found = Own::ALL.iter().find(|(_, it)| it == own);
                found.map_or("", |(name, _)| name).to_owned()
            }
        }
    }

    /// Says whether the history must be kept to measure it.
    pub fn needs(&self) -> KeepHistory {
        match self {
            Measured::Own(own) => own.needs(),
            Measured::Counted(_)
            | Measured::Seen(_)
            | Measured::Fated(_)
            | Measured::Span { .. } => KeepHistory::No,
        }
    }

    /// Measures a trial that has watched some conditions; a record that is never acknowledged
    /// is slower than any budget, and a condition that never held comes later.
    pub fn of(&self, outcome: &Outcome, watched: &[&str]) -> u64 {
        match self {
            Measured::Counted(measure) if is_time(*measure) => measure.of(outcome).div_ceil(1_000),
            Measured::Counted(measure) => measure.of(outcome),
            Measured::Seen(anomaly) => {
                let findings = outcome.judgement.findings.iter();
                findings.filter_map(|it| it.anomalies.get(anomaly)).max().copied().unwrap_or(0)
            }
            Measured::Fated(fate) => {
                let fates = outcome.judgement.fates.iter();
                fates.filter(|it| *it == fate).count() as u64
            }
            Measured::Span { from, until } => {
                let held = |condition: &String| {
                    let place = watched.iter().position(|it| it == condition)?;
                    outcome.watches.get(place).copied().flatten()
                };
                let begun = from.as_ref().map_or(Some(Time(0)), held);
                let span = begun.zip(held(until)).map(|(from, to)| to.0.saturating_sub(from.0));
                millis(span)
            }
            Measured::Own(own) => own.of(outcome),
        }
    }
}

/// Returns the conditions that measures wait for, each once.
pub fn conditions(measured: &[Measured]) -> Vec<&str> {
    let mut all = BTreeSet::new();
    for it in measured {
        if let Measured::Span { from, until } = it {
            all.extend(from.iter().chain([until]).map(String::as_str));
        }
    }
    all.into_iter().collect()
}

fn is_time(measure: Measure) -> bool {
    match measure {
        Measure::LeaderlessMax | Measure::Leaderless | Measure::StoppedMax | Measure::Stopped => {
            true
        }
        Measure::Sent
        | Measure::Promised
        | Measure::Assumed
        | Measure::Lost
        | Measure::Dropped
        | Measure::Duplicates
        | Measure::Inversions
        | Measure::Skipped
        | Measure::Repeated
        | Measure::LagMax => false,
    }
}

/// Returns the microseconds from `send()` to the acknowledgement of every record, ascending;
/// `u64::MAX` for one that was never acknowledged.
fn latencies(history: &[Entry]) -> Vec<u64> {
    let mut sent: BTreeMap<Uid, Time> = BTreeMap::new();
    let mut took: BTreeMap<Uid, u64> = BTreeMap::new();
    for Entry { at, event } in history {
        match event {
            Event::Fact(Fact::SendCalled { record, .. }) => {
                sent.entry(record.uid).or_insert(*at);
                took.entry(record.uid).or_insert(u64::MAX);
            }
            Event::Fact(Fact::Completed {
                uids, outcome: SendOutcome::Acknowledged(_), ..
            }) => {
                for uid in uids.iter() {
                    if let Some(begun) = sent.get(uid) {
                        took.insert(*uid, at.0 - begun.0);
                    }
                }
            }
            _ => {}
        }
    }
    let mut all: Vec<u64> = took.into_values().collect();
    all.sort_unstable();
    all
}

/// Rounds up to milliseconds; what never came stays `u64::MAX`.
fn millis(micros: Option<u64>) -> u64 {
    let known = micros.filter(|micros| *micros < u64::MAX);
    known.map_or(u64::MAX, |micros| micros.div_ceil(1_000))
}

/// Returns how many of a hundred records were acknowledged in time, rounded down.
fn percent(history: &[Entry], within: u64) -> u64 {
    let latencies = latencies(history);
    let prompt = latencies.iter().filter(|micros| **micros <= within).count() as u64;
    (prompt * 100).checked_div(latencies.len() as u64).unwrap_or(0)
}

fn behind_max(history: &[Entry]) -> u64 {
    let (mut acknowledged, mut polled, mut most) = (0_u64, 0_u64, 0_u64);
    for entry in history {
        match &entry.event {
            Event::Fact(Fact::Completed {
                uids, outcome: SendOutcome::Acknowledged(_), ..
            }) => acknowledged += uids.len() as u64,
            Event::Fact(Fact::Polled { from, to, .. }) => polled += *to - *from,
            _ => {}
        }
        most = most.max(acknowledged.saturating_sub(polled));
    }
    most
}

/// Returns the longest time in microseconds from the acknowledgement of a record until a
/// consumer had it; `u64::MAX` if that never came.
fn unread_max(history: &[Entry]) -> u64 {
    let mut unread: BTreeMap<Uid, Time> = BTreeMap::new();
    let mut read: BTreeSet<Uid> = BTreeSet::new();
    let mut most = 0;
    for Entry { at, event } in history {
        match event {
            Event::Fact(Fact::Completed {
                uids, outcome: SendOutcome::Acknowledged(_), ..
            }) => {
                let waiting = uids.iter().filter(|uid| !read.contains(*uid));
                unread.extend(waiting.map(|uid| (*uid, *at)));
            }
            Event::Fact(Fact::Polled { batch, from, to, .. }) => {
                let given = batch.records_from(*from).take_while(|(offset, _)| offset < to);
                for (_, record) in given {
                    read.insert(record.uid);
                    if let Some(since) = unread.remove(&record.uid) {
                        most = most.max(at.0 - since.0);
                    }
                }
            }
            _ => {}
        }
    }
    if unread.is_empty() { most } else { u64::MAX }
}

/// Returns the usual number of fetches that a follower sends in the time from the append of a
/// record to the moment at which the high watermark has passed it: that of the follower with
/// most of them, and of all records the one in the middle.
fn fetches_to_visible(outcome: &Outcome) -> u64 {
    let mut counts = Vec::new();
    for (place, entry) in outcome.history.iter().enumerate() {
        let Event::Fact(Fact::Appended { broker, partition, batch, role: AppendRole::Leader }) =
            &entry.event
        else {
            continue;
        };
        let passed = outcome.history[place..].iter().find(|later| match &later.event {
            Event::Fact(Fact::HighWatermark { broker: by, partition: of, to, .. }) => {
                by == broker && of == partition && batch.base_offset < *to
            }
            _ => false,
        });
        if let Some(passed) = passed {
            counts.push(fetches(outcome, *broker, (entry.at, passed.at)));
        }
    }
    counts.sort_unstable();
    counts.get(counts.len() / 2).copied().unwrap_or(0)
}

/// Counts the fetches that each follower sends to a leader in a stretch of time; returns the
/// most.
fn fetches(outcome: &Outcome, leader: BrokerId, (from, to): (Time, Time)) -> u64 {
    let mut counts: BTreeMap<BrokerId, u64> = BTreeMap::new();
    let fetch = MessageKind { api: Api::Fetch, half: Half::Request };
    for flight in &outcome.flights {
        let arrived = flight.arrived.is_some_and(|at| at <= to);
        let NodeId::Broker(follower) = flight.from else { continue };
        let is_his = flight.to == NodeId::Broker(leader) && flight.kind == fetch;
        if is_his && arrived && from <= flight.sent {
            *counts.entry(follower).or_default() += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_found_by_its_name() {
        let own = Own::ALL.iter().map(|(_, own)| Measured::Own(*own));
        let counted = Measure::ALL.into_iter().map(Measured::Counted);
        for measured in own.chain(counted).chain([Measured::Seen(Anomaly::KeySplit)]) {
            assert_eq!(Measured::by_name(&measured.name()), Some(measured));
        }
    }

    #[test]
    fn every_condition_is_watched_once() {
        let span = |from: Option<&str>, until: &str| Measured::Span {
            from: from.map(str::to_owned),
            until: until.to_owned(),
        };

        let spans = [span(None, "b"), span(Some("b"), "a"), span(Some("a"), "c")];

        assert_eq!(conditions(&spans), ["a", "b", "c"]);
    }
}
