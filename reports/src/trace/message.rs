//! From the flights of a trial to the arrows of its trace.

use model::message::{Api, Half};
use sim::flights::{Flight, Said};

use super::Trace;
use crate::story::Subject;

/// A message on its way, as far as it concerns one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceMessage {
    /// When it left, in microseconds.
    pub at: u64,
    /// How long it flew, in microseconds; `None` if it never arrived.
    pub flight: Option<u64>,
    /// The place in `Trace::actors` of its sender.
    pub from: usize,
    /// The place in `Trace::actors` of its receiver.
    pub to: usize,
    /// What it is drawn as.
    pub arrow: Arrow,
    /// Kafka's name of the API.
    pub api: Api,
    /// Whether it is the question or the answer.
    pub half: Half,
    /// The place in `Trace::partitions` of what it is about; `None` if of nothing shown.
    pub partition: Option<usize>,
    /// For [`Arrow::Produce`] the first record, for [`Arrow::Data`] and [`Arrow::Ack`] the
    /// first offset (-1 if none was told), for [`Arrow::Fetch`] the offset asked for.
    pub low: i64,
    /// For [`Arrow::Produce`] and [`Arrow::Data`] how many records; for [`Arrow::Ack`] the
    /// number of the error in `Trace::errors`.
    pub count: i64,
    /// How many entries the history had when it left.
    pub after: usize,
}

/// What a message is drawn as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arrow {
    /// Records on their way to a leader.
    Produce,
    /// What a leader says of them.
    Ack,
    /// A question for records; drawn only when asked for.
    Fetch,
    /// Records on their way to a follower or a consumer.
    Data,
    /// Anything that changes who does what: groups, elections, topics.
    Control,
    /// Heartbeats, metadata, empty answers: ticks.
    Quiet,
}

impl Arrow {
    /// Every kind, in the order of its numbers in JSON.
    pub const ALL: [Arrow; 6] =
        [Arrow::Produce, Arrow::Ack, Arrow::Fetch, Arrow::Data, Arrow::Control, Arrow::Quiet];

    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Arrow::Produce => "produce",
            Arrow::Ack => "ack",
            Arrow::Fetch => "fetch",
            Arrow::Data => "data",
            Arrow::Control => "control",
            Arrow::Quiet => "quiet",
        }
    }
}

/// Fills the messages of a trace.
pub(super) fn messages(story: &Subject<'_>, trace: &mut Trace) {
    for flight in &story.outcome.flights {
        let ends = (trace.actor(flight.from), trace.actor(flight.to));
        let (Some(from), Some(to)) = ends else { continue }; // the operator has no lane
        let before = trace.messages.len();
        let blank = TraceMessage {
            at: flight.sent.0,
            flight: flight.arrived.map(|at| (at - flight.sent).0),
            from,
            to,
            arrow: plain(flight.kind.api),
            api: flight.kind.api,
            half: flight.kind.half,
            partition: None,
            low: -1,
            count: 0,
            after: flight.after,
        };
        add(flight, blank, trace);
        if trace.messages.len() == before {
            let arrow = match blank.arrow {
                Arrow::Control => Arrow::Control,
                _ => Arrow::Quiet,
            };
            trace.messages.push(TraceMessage { arrow, ..blank });
        }
    }
}

/// Adds one message for each partition that a flight says something of.
fn add(flight: &Flight, blank: TraceMessage, trace: &mut Trace) {
    for cargo in &flight.cargo {
        let Some(partition) = trace.partition(cargo.partition) else { continue };
        let (arrow, low, count) = match cargo.what {
            Said::Append { first, count } => (Arrow::Produce, i64::from(first.0), i64::from(count)),
            Said::Appended { base, error } => {
                let base = base.map_or(-1, |base| base.0 as i64);
                (Arrow::Ack, base, trace.error(error.name()))
            }
            Said::Fetch(offset) => (Arrow::Fetch, offset.0 as i64, 0),
            Said::Fetched { from, to, .. } if from == to => continue,
            Said::Fetched { from, to, .. } => (Arrow::Data, from.0 as i64, (to - from) as i64),
        };
        let partition = Some(partition);
        trace.messages.push(TraceMessage { arrow, partition, low, count, ..blank });
    }
}

/// Says what a message without records is drawn as.
fn plain(api: Api) -> Arrow {
    match api {
        Api::CreateTopics
        | Api::CreatePartitions
        | Api::DeleteRecords
        | Api::IncrementalAlterConfigs
        | Api::ElectLeaders
        | Api::AlterPartition
        | Api::BrokerRegistration
        | Api::InitProducerId
        | Api::OffsetForLeaderEpoch
        | Api::JoinGroup
        | Api::SyncGroup
        | Api::LeaveGroup
        | Api::OffsetCommit
        | Api::OffsetFetch
        | Api::OffsetDelete => Arrow::Control,
        Api::Produce
        | Api::Fetch
        | Api::ListOffsets
        | Api::Metadata
        | Api::BrokerHeartbeat
        | Api::FetchMetadata
        | Api::AllocateProducerIds
        | Api::FindCoordinator
        | Api::Heartbeat
        | Api::ConsumerGroupHeartbeat => Arrow::Quiet,
    }
}
