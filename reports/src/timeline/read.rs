//! Reads a history and makes rows of it.
//!
//! What is quiet by default makes no row: metadata, buffers, empty fetches, flushes, and
//! everything that happens before the cluster is up.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{AppendRole, Fact};
use model::ids::{
    BrokerId, ClientId, LeaderEpoch, NodeId, Offset, ReplicaSet, TopicPartition, Uid,
};
use model::log::batch::Batch;
use sim::history::{Entry, Event, Fault, Phase};

use super::group_rows::GroupsSeen;
use super::row::{Row, Weight};
use super::{broker_rows, client_rows, controller_rows, fault_rows, group_rows, member_rows};
use crate::story::Story;
use crate::words::Words;

/// What is known of the cluster at one point of a history.
pub(crate) struct Reader<'a> {
    pub(crate) story: Story<'a>,
    pub(crate) focus: TopicPartition,
    pub(crate) words: &'static Words,
    pub(crate) rows: Vec<Row>,
    /// The registered leader.
    pub(crate) leader: Option<BrokerId>,
    /// The first leader with its epoch.
    pub(crate) first_leader: Option<(BrokerId, LeaderEpoch)>,
    /// Where the rows of elections are, with the log end that each shows.
    pub(crate) elections: BTreeMap<LeaderEpoch, (usize, Offset)>,
    /// The batches of each replica: end offset and first record.
    pub(crate) logs: BTreeMap<BrokerId, Vec<(Offset, Uid)>>,
    /// For each record the first record of its batch, as last sent.
    pub(crate) batch_of: BTreeMap<Uid, Uid>,
    /// Who sends a batch, and to whom it was sent last.
    pub(crate) route_of: BTreeMap<Uid, (ClientId, BrokerId)>,
    pub(crate) fenced: ReplicaSet,
    pub(crate) down: BTreeSet<NodeId>,
    /// Entries of batches that never reached their broker.
    pub(crate) lost_sends: BTreeSet<usize>,
    /// The last record that was sent again.
    pub(crate) sent_again: Option<Uid>,
    /// What groups did.
    pub(crate) groups: GroupsSeen<'a>,
}

impl<'a> Reader<'a> {
    /// Reads the whole history of a trial.
    pub(crate) fn read(story: &Story<'a>) -> Reader<'a> {
        let focus = story.focus();
        let mut reader = Reader {
            story: *story,
            focus,
            words: story.words,
            rows: Vec::new(),
            leader: None,
            first_leader: None,
            elections: BTreeMap::new(),
            logs: BTreeMap::new(),
            batch_of: BTreeMap::new(),
            route_of: BTreeMap::new(),
            fenced: ReplicaSet::EMPTY,
            down: BTreeSet::new(),
            lost_sends: lost_sends(&story.outcome.history, focus),
            sent_again: None,
            groups: GroupsSeen::new(story),
        };
        let history = &story.outcome.history;
        let mut at = 0;
        while at < history.len() {
            at = reader.entry(at, history);
        }
        reader
    }

    /// Reads one entry, or several that make one row; returns the next one's place.
    fn entry(&mut self, at: usize, history: &[Entry]) -> usize {
        let entry = &history[at];
        let rebalance = group_rows::rebalance(self, at, entry.at);
        self.rows.extend(rebalance);
        match &entry.event {
            Event::Fault(_) => return fault_rows::read(self, at, history),
            Event::Fact(fact) => self.fact(at, entry, fact),
            Event::Phase(Phase::Settle) => {
                let row = Row::new(entry.at, at, Weight::Key).band(self.words.settle);
                self.rows.push(row);
            }
            Event::Step { step } => return self.step(at, history, *step),
            Event::Phase(Phase::Faults | Phase::End) | Event::Reached { .. } => {}
        }
        at + 1
    }

    fn step(&mut self, at: usize, history: &[Entry], step: usize) -> usize {
        let Some(say) = self.story.says.get(step).filter(|say| !say.is_empty()) else {
            return at + 1;
        };
        self.rows.push(Row::new(history[at].at, at, Weight::Caption).band(format!("» {say}")));
        // A marker's own row would tell less than the caption does.
        let next = history.get(at + 1).map(|next| &next.event);
        at + 1 + usize::from(matches!(next, Some(Event::Fault(Fault::Marked))))
    }

    fn fact(&mut self, at: usize, entry: &Entry, fact: &Fact) {
        let elsewhere = crate::entry::partition(entry).is_some_and(|it| it != self.focus);
        if elsewhere {
            return;
        }
        let row = client_rows::read(self, at, entry.at, fact)
            .or_else(|| broker_rows::read(self, at, entry.at, fact))
            .or_else(|| controller_rows::read(self, at, entry.at, fact))
            .or_else(|| group_rows::read(self, at, entry.at, fact))
            .or_else(|| member_rows::read(self, at, entry.at, fact));
        let Some(row) = row else { return };
        let rest = match self.rows.last_mut() {
            Some(last) => last.join(row, self.words.gap),
            None => Some(row),
        };
        self.rows.extend(rest);
    }

    /// Returns a replica's log end as far as the history told.
    pub(crate) fn end_of(&self, broker: BrokerId) -> Offset {
        let log = self.logs.get(&broker);
        log.and_then(|log| log.last()).map_or(Offset::ZERO, |&(end, _)| end)
    }

    /// Notes that a batch lies in a replica's log.
    pub(crate) fn append(&mut self, broker: BrokerId, batch: &Batch) {
        let first = first_of(batch);
        self.logs.entry(broker).or_default().push((batch.end(), first));
    }

    /// Notes that a replica's log ends at `end`.
    pub(crate) fn cut(&mut self, broker: BrokerId, end: Offset) {
        let log = self.logs.entry(broker).or_default();
        log.retain(|&(batch_end, _)| batch_end <= end);
        let kept = log.last().map_or(Offset::ZERO, |&(end, _)| end);
        if kept < end {
            let first = Uid(u32::MAX); // the rest of a batch that was cut in the middle
            log.push((end, first));
        }
    }

    /// Returns the first records of the batches that end beyond `from` and at most at `to`.
    pub(crate) fn batches(&self, broker: BrokerId, from: Offset, to: Offset) -> Vec<Uid> {
        let Some(log) = self.logs.get(&broker) else { return Vec::new() };
        let first = log.partition_point(|&(end, _)| end <= from);
        log[first..].iter().take_while(|&&(end, _)| end <= to).map(|&(_, uid)| uid).collect()
    }

    /// Returns the first record of the batch that lies before `offset`.
    pub(crate) fn batch_below(&self, broker: BrokerId, offset: Offset) -> Option<Uid> {
        let log = self.logs.get(&broker)?;
        let place = log.partition_point(|&(end, _)| end < offset);
        log.get(place).map(|&(_, uid)| uid)
    }

    /// Returns the first record of the batch that `uid` was last sent in.
    pub(crate) fn batch_of(&self, uid: Uid) -> Uid {
        self.batch_of.get(&uid).copied().unwrap_or(uid)
    }
}

/// Returns the first record of a batch.
pub(crate) fn first_of(batch: &Batch) -> Uid {
    batch.records.list()[0].uid
}

/// Returns the last record of a batch.
pub(crate) fn last_of(batch: &Batch) -> Uid {
    batch.records.list()[batch.records.list().len() - 1].uid
}

/// Finds the sendings that no broker ever handled.
fn lost_sends(history: &[Entry], focus: TopicPartition) -> BTreeSet<usize> {
    let mut pending: BTreeMap<(Uid, BrokerId), Vec<usize>> = BTreeMap::new();
    for (at, entry) in history.iter().enumerate() {
        if crate::entry::partition(entry) != Some(focus) {
            continue;
        }
        match &entry.event {
            Event::Fact(Fact::BatchSent { batch, broker, .. }) => {
                pending.entry((first_of(batch), *broker)).or_default().push(at);
            }
            Event::Fact(
                Fact::Appended { batch, broker, role: AppendRole::Leader, .. }
                | Fact::DuplicateDropped { batch, broker, .. }
                | Fact::ProduceRefused { batch, broker, .. },
            ) => {
                // Of several attempts the last one is likeliest to have arrived.
                if let Some(sent) = pending.get_mut(&(first_of(batch), *broker)) {
                    sent.pop();
                }
            }
            _ => {}
        }
    }
    pending.into_values().flatten().collect()
}
