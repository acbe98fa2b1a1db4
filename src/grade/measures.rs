//! Numbers of one trial that budgets and questions are about.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{AppendRole, Fact, SendOutcome};
use model::ids::{BrokerId, NodeId, Uid};
use model::message::{Api, Half, MessageKind};
use model::time::Time;
use reports::sweep::measure::Measure;
use serde::Deserialize;
use sim::KeepHistory;
use sim::history::{Entry, Event};
use sim::outcome::Outcome;
use sim::verdict::Fate;

/// How long after `send()` an acknowledgement still counts as prompt.
const PROMPT_MICROS: u64 = 1_000_000;

/// A number of one trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// Milliseconds from `send()` to the acknowledgement: 99 of 100 records are as fast.
    ProduceLatencyP99Ms,
    /// Milliseconds from `send()` to the acknowledgement, of the slowest record.
    ProduceLatencyMaxMs,
    /// Of a hundred records sent, those that were acknowledged.
    AcknowledgedPercent,
    /// Of a hundred records sent, those that were acknowledged within a second.
    AvailablePercent,
    /// Records that are in the final log, as promised.
    Delivered,
    /// Records that were acknowledged and that no consumer had been given yet, at most.
    BehindMax,
    /// Milliseconds from the acknowledgement of a record until a consumer was given it, at most.
    UnreadMaxMs,
    /// Fetches that a follower sends between the append of a record and the moment at which
    /// consumers may have it.
    FetchesToVisible,
    /// Promised records that are in no log.
    Lost,
    /// Records that a group skipped.
    Skipped,
    /// Records that a group processed more than once.
    Repeated,
}

impl Measured {
    /// Returns its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Measured::ProduceLatencyP99Ms => "produce-latency-p99-ms",
            Measured::ProduceLatencyMaxMs => "produce-latency-max-ms",
            Measured::AcknowledgedPercent => "acknowledged-percent",
            Measured::AvailablePercent => "available-percent",
            Measured::Delivered => "delivered",
            Measured::BehindMax => "behind-max",
            Measured::UnreadMaxMs => "unread-max-ms",
            Measured::FetchesToVisible => "fetches-to-visible",
            Measured::Lost => "lost",
            Measured::Skipped => "skipped",
            Measured::Repeated => "repeated",
        }
    }

    /// Says whether the history must be kept to measure it.
    pub fn needs(self) -> KeepHistory {
        match self {
            Measured::Delivered | Measured::Lost | Measured::Skipped | Measured::Repeated => {
                KeepHistory::No
            }
            Measured::ProduceLatencyP99Ms
            | Measured::ProduceLatencyMaxMs
            | Measured::AcknowledgedPercent
            | Measured::AvailablePercent
            | Measured::BehindMax
            | Measured::UnreadMaxMs
            | Measured::FetchesToVisible => KeepHistory::Yes,
        }
    }

    /// Measures a trial; a record that is never acknowledged is slower than any budget.
    pub fn of(self, outcome: &Outcome) -> u64 {
        match self {
            Measured::ProduceLatencyP99Ms => {
                let latencies = latencies(&outcome.history);
                let place = (latencies.len() * 99).div_ceil(100).saturating_sub(1);
                millis(latencies.get(place).copied())
            }
            Measured::ProduceLatencyMaxMs => millis(latencies(&outcome.history).last().copied()),
            Measured::AcknowledgedPercent => percent(&outcome.history, u64::MAX - 1),
            Measured::AvailablePercent => percent(&outcome.history, PROMPT_MICROS),
            Measured::Delivered => {
                let fates = outcome.judgement.fates.iter();
                fates.filter(|fate| **fate == Fate::Delivered).count() as u64
            }
            Measured::BehindMax => behind_max(&outcome.history),
            Measured::UnreadMaxMs => millis(Some(unread_max(&outcome.history))),
            Measured::FetchesToVisible => fetches_to_visible(outcome),
            Measured::Lost => Measure::Lost.of(outcome),
            Measured::Skipped => Measure::Skipped.of(outcome),
            Measured::Repeated => Measure::Repeated.of(outcome),
        }
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

/// Rounds up to milliseconds.
fn millis(micros: Option<u64>) -> u64 {
    micros.map_or(u64::MAX, |micros| micros.div_ceil(1_000))
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
