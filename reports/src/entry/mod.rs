//! Single entries of a history: their kind, whom they concern, and what they carry, once
//! for prose and once for JSON.
//!
//! Names follow the three streams of a history: `op` (`op`, `work`, and members in `group`),
//! `truth` (`truth`, and coordinators in `group`) and `fault` (`fault`).

mod fault;
mod group;
mod op;
mod truth;
mod work;

pub(crate) use group::{commit_error, group_error};

use model::fact::Fact;
use model::ids::{LeaderEpoch, NodeId, Offset, ReplicaSet, TopicPartition, Uid};
use model::log::batch::Batch;
use model::time::Duration;
use serde_json::{Map, Value, json};
use sim::history::{Entry, Event, Fault, Phase};

use crate::story::{Story, broker_ids, broker_name, record_names};

/// What an entry carries, under a name.
pub(crate) type Field = (&'static str, Carried);

/// A value that an entry carries.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Carried {
    /// A place in a log.
    Offset(Offset),
    /// A leader epoch.
    Epoch(LeaderEpoch),
    /// A partition.
    Partition(TopicPartition),
    /// Records, in order.
    Records(Vec<Uid>),
    /// Brokers.
    Brokers(ReplicaSet),
    /// A node.
    Node(NodeId),
    /// A number.
    Number(i64),
    /// A length of time.
    Duration(Duration),
    /// A word.
    Word(String),
    /// Partitions, in order.
    Partitions(Vec<TopicPartition>),
    /// Places in several logs.
    Offsets(Vec<(TopicPartition, Offset)>),
    /// Members by name, with their partitions.
    Assigned(Vec<(String, Vec<TopicPartition>)>),
    /// Nothing: absent rather than zero.
    Absent,
}

/// An entry, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parts {
    /// `op`, `truth` or `fault`.
    pub(crate) stream: &'static str,
    /// The kind, as `--trace` filters name it.
    pub(crate) kind: &'static str,
    /// The node at which it became true.
    pub(crate) node: Option<NodeId>,
    /// What it carries.
    pub(crate) fields: Vec<Field>,
}

/// Takes an entry apart.
pub(crate) fn parts(entry: &Entry) -> Parts {
    let made = |kind, fields| Parts { stream: "fault", kind, node: None, fields };
    match &entry.event {
        Event::Fact(fact) => {
            op::parts(fact).or_else(|| truth::parts(fact)).expect("a fact belongs to a stream")
        }
        Event::Fault(fault) => fault::parts(fault),
        Event::Phase(phase) => {
            let word = match phase {
                Phase::Faults => "faults",
                Phase::Settle => "settle",
                Phase::End => "end",
            };
            made("phase", vec![("phase", Carried::Word(word.to_owned()))])
        }
        Event::Step { step } => made("step", vec![("step", Carried::Number(*step as i64))]),
        Event::Reached { watch } => {
            made("reached", vec![("watch", Carried::Number(*watch as i64))])
        }
    }
}

/// Returns the kind of an entry: `appended`, `crashed`.
pub fn kind(entry: &Entry) -> &'static str {
    parts(entry).kind
}

/// Returns an entry as one line of prose, without its time.
pub fn prose(story: &Story<'_>, entry: &Entry) -> String {
    let parts = parts(entry);
    let mut text = parts.node.map_or_else(|| "–".to_owned(), |node| story.node(node));
    text.push(' ');
    text.push_str(parts.kind);
    for (name, value) in &parts.fields {
        let shown = match value {
            // People count from 1, as in `--set step.1.at=…`.
            Carried::Number(step) if *name == "step" => Some((step + 1).to_string()),
            value => value.show(story),
        };
        let Some(shown) = shown else { continue };
        let is_named = matches!(value, Carried::Number(_) | Carried::Brokers(_));
        text += &match is_named && *name != parts.kind {
            true => format!(" {name} {shown}"),
            false => format!(" {shown}"),
        };
    }
    text
}

/// Says whether an entry is of a kind or concerns a node named `filter`.
pub fn matches(story: &Story<'_>, entry: &Entry, filter: &str) -> bool {
    let parts = parts(entry);
    let named = |node: NodeId| story.node(node) == filter;
    parts.kind == filter
        || parts.stream == filter
        || parts.node.is_some_and(named)
        || parts.fields.iter().any(|(_, value)| match value {
            Carried::Node(node) => named(*node),
            Carried::Records(uids) => uids.iter().any(|uid| format!("r{uid}") == filter),
            _ => false,
        })
}

/// Returns an entry as an object of `history.jsonl`.
pub fn json(story: &Story<'_>, place: usize, entry: &Entry) -> Value {
    let parts = parts(entry);
    let mut object = Map::new();
    object.insert("seq".to_owned(), json!(place));
    object.insert("t".to_owned(), json!(entry.at.0.saturating_mul(1_000)));
    object.insert("stream".to_owned(), json!(parts.stream));
    object.insert("type".to_owned(), json!(parts.kind));
    if let Some(node) = parts.node {
        object.insert("node".to_owned(), json!(story.node(node)));
    }
    for (name, value) in &parts.fields {
        object.insert((*name).to_owned(), value.json(story));
    }
    Value::Object(object)
}

impl Carried {
    fn show(&self, story: &Story<'_>) -> Option<String> {
        Some(match self {
            Carried::Offset(offset) => format!("@{offset}"),
            Carried::Epoch(epoch) => format!("e{epoch}"),
            Carried::Partition(partition) => story.partition(*partition),
            Carried::Records(uids) => record_names(*uids.first()?, *uids.last()?),
            Carried::Brokers(brokers) => broker_ids(*brokers),
            Carried::Node(node) => story.node(*node),
            Carried::Number(number) => number.to_string(),
            Carried::Duration(length) => length.to_string(),
            Carried::Word(word) => word.clone(),
            Carried::Partitions(partitions) => story.partition_list(partitions),
            Carried::Offsets(offsets) => {
                let named =
                    offsets.iter().map(|&(at, to)| format!("{} @{to}", story.partition(at)));
                named.collect::<Vec<_>>().join(", ")
            }
            Carried::Assigned(members) => {
                let named = members.iter().map(|(member, partitions)| {
                    format!("{member}: {}", story.partition_list(partitions))
                });
                named.collect::<Vec<_>>().join("; ")
            }
            Carried::Absent => return None,
        })
    }

    fn json(&self, story: &Story<'_>) -> Value {
        match self {
            Carried::Offset(offset) => json!(offset.0),
            Carried::Epoch(epoch) => json!(epoch.0),
            Carried::Partition(partition) => json!(story.partition(*partition)),
            Carried::Records(uids) => json!(uids.iter().map(|uid| uid.0).collect::<Vec<_>>()),
            Carried::Brokers(brokers) => json!(brokers.iter().map(broker_name).collect::<Vec<_>>()),
            Carried::Node(node) => json!(story.node(*node)),
            Carried::Number(number) => json!(number),
            Carried::Duration(length) => json!(length.0.saturating_mul(1_000)),
            Carried::Word(word) => json!(word),
            Carried::Partitions(partitions) => names(story, partitions),
            Carried::Offsets(offsets) => {
                let named = offsets.iter().map(|&(at, to)| (story.partition(at), json!(to.0)));
                Value::Object(named.collect())
            }
            Carried::Assigned(members) => {
                let named =
                    members.iter().map(|(member, list)| (member.clone(), names(story, list)));
                Value::Object(named.collect())
            }
            Carried::Absent => Value::Null,
        }
    }
}

fn names(story: &Story<'_>, partitions: &[TopicPartition]) -> Value {
    json!(partitions.iter().map(|&it| story.partition(it)).collect::<Vec<_>>())
}

/// Returns what a batch carries: its records, and who numbered them.
pub(crate) fn batch(batch: &Batch) -> Vec<Field> {
    let uids = batch.records.list().iter().map(|record| record.uid).collect();
    let mut fields = vec![("uids", Carried::Records(uids))];
    if let Some(stamp) = batch.producer {
        fields.push(("pid", Carried::Number(stamp.id.0 as i64)));
        fields.push(("producer_epoch", Carried::Number(i64::from(stamp.epoch.0))));
        fields.push(("first_seq", Carried::Number(i64::from(stamp.sequence.0))));
    }
    fields
}

/// Returns the partition that an entry is about, if it is about one.
pub fn partition(entry: &Entry) -> Option<TopicPartition> {
    match &entry.event {
        Event::Fact(fact) => fact_partition(fact),
        Event::Fault(Fault::UnsyncedLost { partition, .. }) => Some(*partition),
        Event::Fault(_) | Event::Phase(_) | Event::Step { .. } | Event::Reached { .. } => None,
    }
}

fn fact_partition(fact: &Fact) -> Option<TopicPartition> {
    match fact {
        Fact::Completed { partition, .. } => *partition,
        Fact::Buffered { partition, .. }
        | Fact::BatchSent { partition, .. }
        | Fact::BatchRetried { partition, .. }
        | Fact::Polled { partition, .. }
        | Fact::PositionReset { partition, .. }
        | Fact::ConsumerFailed { partition, .. }
        | Fact::Appended { partition, .. }
        | Fact::DuplicateDropped { partition, .. }
        | Fact::ProduceRefused { partition, .. }
        | Fact::ProduceAcknowledged { partition, .. }
        | Fact::ProduceUnconfirmed { partition, .. }
        | Fact::HighWatermark { partition, .. }
        | Fact::FollowerFetched { partition, .. }
        | Fact::LogLoaded { partition, .. }
        | Fact::FetchRefused { partition, .. }
        | Fact::Diverged { partition, .. }
        | Fact::Truncated { partition, .. }
        | Fact::Flushed { partition, .. }
        | Fact::BecameLeader { partition, .. }
        | Fact::BecameFollower { partition, .. }
        | Fact::IsrProposed { partition, .. }
        | Fact::IsrRefused { partition, .. }
        | Fact::PartitionChanged { partition, .. }
        | Fact::LogStartMoved { partition, .. }
        | Fact::OffsetListed { partition, .. } => Some(*partition),
        Fact::Work(work) => Some(work.partition),
        Fact::Member(_)
        | Fact::Group(_)
        | Fact::SendCalled { .. }
        | Fact::Abandoned { .. }
        | Fact::SentAgain { .. }
        | Fact::ProducerIdentified { .. }
        | Fact::RequestTimedOut { .. }
        | Fact::TopicCreated { .. }
        | Fact::AdminRefused { .. }
        | Fact::BrokerRegistered { .. }
        | Fact::RegistrationRefused { .. }
        | Fact::BrokerUnfenced { .. }
        | Fact::BrokerFenced { .. }
        | Fact::ShutdownBegan { .. }
        | Fact::ControllerStarted { .. }
        | Fact::BrokerRecovered { .. } => None,
    }
}
