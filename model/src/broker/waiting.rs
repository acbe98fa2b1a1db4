//! Requests that wait: produce for replicas, fetch for records.
//!
//! Kafka's purgatories. A parked request blocks its connection: what was pipelined behind it
//! is served after it has been answered.
//!
//! Source: `DelayedProduce`, `DelayedFetch`, `DelayedOperation`, Kafka 4.0.

use crate::ids::{ConnectionId, TopicPartition};
use crate::message::Correlation;
use crate::message::data::{Acks, FetchRequest, ProduceOutcome};
use crate::partition::leader::Placed;
use crate::time::Time;
use crate::turn::Turn;

/// Everything that waits on one broker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Waiting {
    /// Produce requests with `acks=all`, in order of arrival.
    pub produces: Vec<ParkedProduce>,
    /// Fetches without enough records, in order of arrival.
    pub fetches: Vec<ParkedFetch>,
}

/// A produce request that waits for its partitions' high watermarks.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedProduce {
    /// Where to answer.
    pub connection: ConnectionId,
    /// To which request.
    pub correlation: Correlation,
    /// When to give up.
    pub deadline: Time,
    /// What the producer waits for.
    pub acks: Acks,
    /// The answer so far, in the order of the request.
    pub outcomes: Vec<ProduceOutcome>,
    /// Which of them are open, by place, and what they wait for.
    pub open: Vec<(usize, Placed)>,
}

/// A fetch that waits for records.
#[derive(Clone, Debug, PartialEq)]
pub struct ParkedFetch {
    /// Where to answer.
    pub connection: ConnectionId,
    /// To which request.
    pub correlation: Correlation,
    /// When to answer with what there is.
    pub deadline: Time,
    /// What was asked.
    pub request: FetchRequest,
    /// The places in the request of those partitions that had news when it was parked, or that
    /// have been touched since: for a follower, the others have none.
    ///
    /// Invariant: in order.
    pub news: Vec<usize>,
}

/// Parked fetches that had nothing to say at the last look: after a change of many partitions
/// each of them needs one look only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Idle {
    /// A bit for each of the first places.
    places: u64,
    /// The facts of the turn by then: whatever changes a log or a role leaves one.
    facts: usize,
}

impl Idle {
    /// Says whether the fetch at this place had nothing to say, and nothing has changed since.
    pub(super) fn holds(&mut self, place: usize, turn: &Turn<'_>) -> bool {
        if self.facts != turn.out.facts.len() {
            *self = Idle { places: 0, facts: turn.out.facts.len() };
        }
        place < u64::BITS as usize && self.places & 1 << place != 0
    }

    /// Takes down that a fetch has nothing to say.
    pub(super) fn insert(&mut self, place: usize) {
        if place < u64::BITS as usize {
            self.places |= 1 << place;
        }
    }

    /// Takes down that the places are others from here on.
    pub(super) fn clear(&mut self) {
        self.places = 0;
    }
}

impl Waiting {
    /// Forgets what a closed connection waited for.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.produces.retain(|parked| parked.connection != connection);
        self.fetches.retain(|parked| parked.connection != connection);
    }

    /// Takes down that there may be news of a partition.
    pub fn note_news(&mut self, partition: TopicPartition) {
        for parked in &mut self.fetches {
            let mut wanted = parked.request.partitions.iter();
            let Some(place) = wanted.position(|it| it.partition == partition) else { continue };
            if let Err(at) = parked.news.binary_search(&place) {
                parked.news.insert(at, place);
            }
        }
    }

    /// Returns when the first of them gives up.
    pub fn next_deadline(&self) -> Option<Time> {
        let mut first = Time::MAX;
        for parked in &self.produces {
            first = first.min(parked.deadline);
        }
        for parked in &self.fetches {
            first = first.min(parked.deadline);
        }
        Some(first).filter(|first| *first != Time::MAX)
    }
}

impl ParkedProduce {
    /// Says whether it waits for this partition.
    pub fn waits_for(&self, partition: TopicPartition) -> bool {
        self.open.iter().any(|&(place, _)| self.outcomes[place].partition == partition)
    }
}

impl ParkedFetch {
    /// Says whether it reads this partition.
    pub fn reads(&self, partition: TopicPartition) -> bool {
        self.request.partitions.iter().any(|wanted| wanted.partition == partition)
    }
}
