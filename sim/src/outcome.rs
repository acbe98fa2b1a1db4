//! What a trial leaves behind.

use std::sync::Arc;

use model::ids::{BrokerId, Offset, TopicPartition};
use model::log::batch::Batch;
use model::time::{Duration, Time};

use crate::coverage::Coverage;
use crate::flights::Flight;
use crate::history::Entry;
use crate::verdict::{Fate, Finding, GroupStory, Loss};

/// The result of one trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Digest of the whole history.
    pub digest: u64,
    /// The history, if it was asked for; else empty.
    pub history: Vec<Entry>,
    /// The messages of the trial in the order in which they left, if the history was asked
    /// for; else empty. Not part of the digest.
    pub flights: Vec<Flight>,
    /// What the checkers say.
    pub judgement: Judgement,
    /// How the trial ended.
    pub ended: Ended,
    /// When each step of the plan fired first.
    pub steps: Vec<Option<Time>>,
    /// How many messages each step's rule applied to (0 for steps that are no rules).
    pub rules_applied: Vec<u32>,
    /// When each watched condition held first.
    pub watches: Vec<Option<Time>>,
    /// Every replica at the end.
    pub replicas: Vec<ReplicaEnd>,
    /// When the settle phase began.
    pub healed_at: Time,
    /// How much happened.
    pub totals: Totals,
    /// The abstract states that it went through, if they were counted; else nothing.
    pub coverage: Coverage,
}

/// What the checkers say of a history.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judgement {
    /// One finding per claim, in the order of `Claim::ALL`.
    pub findings: Vec<Finding>,
    /// What became of each record, by uid.
    pub fates: Vec<Fate>,
    /// The story of each lost record, in order of uid.
    pub losses: Vec<Loss>,
    /// Since when each partition has accepted writes, counted from the settle phase on, and
    /// every earlier send has had an outcome; `None` if that is not so at the end.
    pub resumed: Vec<(TopicPartition, Option<Time>)>,
    /// Since when each partition has had every replica in its ISR, counted from the settle
    /// phase on; `None` if that is not so at the end.
    pub caught_up: Vec<(TopicPartition, Option<Time>)>,
    /// How each group fared, in the order of the plan.
    pub groups: Vec<GroupStory>,
    /// Since when each group has been stable, and since when it has had no lag, counted from
    /// the settle phase on; `None` if that is not so at the end.
    pub groups_settled: Vec<(Option<Time>, Option<Time>)>,
    /// What sweeps count over many trials.
    pub tally: Tally,
}

/// Numbers of one trial that sweeps compare.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// `send()` calls.
    pub sent: u64,
    /// Those that were promised to be in the log (`acks=1` or `acks=all`).
    pub promised: u64,
    /// Those that were reported as sent under `acks=0`, which promises nothing.
    pub assumed: u64,
    /// The longest time that one partition was without a leader whose process runs, from its
    /// creation on.
    pub leaderless_max: Duration,
    /// All such times of all partitions together.
    pub leaderless: Duration,
}

/// How a trial ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Both phases ran to their end.
    InTime,
    /// `max-events` was reached: a livelock, or a budget that is too small.
    TooManyEvents,
    /// The model broke one of its own assertions.
    Panicked(String),
}

/// How much happened in a trial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Events that the world handled.
    pub events: u64,
    /// Messages that were sent.
    pub messages: u64,
    /// Entries of the history.
    pub entries: u64,
    /// Virtual time at the end.
    pub end: Time,
}

/// One replica at the end of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplicaEnd {
    /// The broker.
    pub broker: BrokerId,
    /// The partition.
    pub partition: TopicPartition,
    /// Its log's start.
    pub start: Offset,
    /// Its log's end.
    pub end: Offset,
    /// Its high watermark.
    pub high_watermark: Offset,
    /// Whether it is the registered leader.
    pub leads: bool,
    /// Whether it is in the registered ISR.
    pub in_isr: bool,
    /// Its log.
    pub batches: Vec<Arc<Batch>>,
}
