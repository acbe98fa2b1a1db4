//! From a history to the facts, records and batches of a trace.
//!
//! In reading order: this file, `clients`, `cluster` (logs, leaders, the controller), `groups`
//! (members, their work, coordinators), `faults`.

mod clients;
mod cluster;
mod faults;
mod groups;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::fact::Fact;
use model::ids::{
    BrokerId, ClientId, Generation, MemberId, NodeId, Offset, TopicId, TopicPartition, Uid,
};
use model::log::batch::Batch as LogBatch;
use sim::history::{Entry, Event, Phase};
use sim::outcome::Outcome;
use sim::verdict::Verdict;

use super::fact::{FactKind, NONE, TraceFact};
use super::{Batch, Trace};
use crate::story::Subject;

/// Fills records, batches and facts of a trace.
pub(super) fn gather(story: &Subject<'_>, trace: &mut Trace) {
    let places = trace.actors.iter().enumerate().map(|(place, it)| (it.node, place)).collect();
    let mut gatherer = Gatherer {
        story,
        trace,
        at: 0,
        entry: 0,
        places,
        batches: BTreeMap::new(),
        sendings: BTreeMap::new(),
        owned: BTreeMap::new(),
        generations: BTreeMap::new(),
    };
    for (place, entry) in story.outcome.history.iter().enumerate() {
        gatherer.entry(place, entry);
    }
    for (record, fate) in trace.records.iter_mut().zip(&story.outcome.judgement.fates) {
        record.fate = Some(*fate);
    }
}

/// Returns the partition that pictures show first: that of the first loss, else that of the
/// first evidence with a record, else the first one.
pub(super) fn focus(outcome: &Outcome) -> TopicPartition {
    let judgement = &outcome.judgement;
    if let Some(loss) = judgement.losses.first() {
        return loss.partition;
    }
    let evidence = judgement.findings.iter().find_map(|finding| match &finding.verdict {
        Verdict::Breaks(evidence) => Some(evidence),
        Verdict::Holds | Verdict::Untested(_) => None,
    });
    let shown = evidence.and_then(|evidence| {
        let events = evidence.entries.iter().filter_map(|&at| outcome.history.get(at));
        let mut partitions = events.filter_map(crate::entry::partition);
        partitions.find(|it| it.topic != TopicId::CONSUMER_OFFSETS)
    });
    shown.unwrap_or_else(|| {
        outcome.replicas.first().map_or_else(TopicPartition::default, |it| it.partition)
    })
}

struct Gatherer<'a, 'b> {
    story: &'a Subject<'b>,
    trace: &'a mut Trace,
    at: u64,
    entry: usize,
    /// Where each node is among the actors.
    places: BTreeMap<NodeId, usize>,
    /// By first offset, epoch and first record, which name a batch of one partition.
    batches: BTreeMap<(TopicPartition, u64, u32, Uid, usize), i64>,
    /// By first and last record and how many: batches as producers send them.
    sendings: BTreeMap<(Uid, Uid, usize), i64>,
    /// What each member owns.
    owned: BTreeMap<ClientId, BTreeSet<TopicPartition>>,
    generations: BTreeMap<i64, Generation>,
}

impl Gatherer<'_, '_> {
    fn entry(&mut self, place: usize, entry: &Entry) {
        (self.at, self.entry) = (entry.at.0, place);
        match &entry.event {
            Event::Fact(fact) => self.fact(fact),
            Event::Fault(fault) => self.fault(fault),
            Event::Step { step } => self.add(FactKind::Step, NONE, NONE, [*step as i64, 0]),
            Event::Phase(Phase::Settle) => self.add(FactKind::Settle, NONE, NONE, [0, 0]),
            Event::Phase(Phase::End) => self.add(FactKind::End, NONE, NONE, [0, 0]),
            Event::Phase(Phase::Faults) | Event::Reached { .. } => {}
        }
    }

    fn add(&mut self, kind: FactKind, actor: i64, partition: i64, numbers: [i64; 2]) {
        self.add_more(kind, actor, partition, numbers, [NONE, NONE]);
    }

    fn add_more(
        &mut self,
        kind: FactKind,
        actor: i64,
        partition: i64,
        [value, other]: [i64; 2],
        [peer, more]: [i64; 2],
    ) {
        let (at, entry) = (self.at, self.entry);
        let fact = TraceFact { at, kind, actor, partition, value, other, peer, more, entry };
        self.trace.facts.push(fact);
    }

    /// Adds a fact of a partition that pictures show.
    fn of(&mut self, kind: FactKind, node: NodeId, at: TopicPartition, numbers: [i64; 2]) {
        self.of_more(kind, node, at, numbers, [NONE, NONE]);
    }

    fn of_more(
        &mut self,
        kind: FactKind,
        node: NodeId,
        at: TopicPartition,
        numbers: [i64; 2],
        rest: [i64; 2],
    ) {
        let Some(partition) = self.trace.partition(at) else { return };
        let actor = self.actor(node);
        self.add_more(kind, actor, partition as i64, numbers, rest);
    }

    /// Adds a fact of each of these partitions that pictures show, or one without partition if
    /// there is none.
    fn of_each(&mut self, kind: FactKind, client: ClientId, all: &[TopicPartition], value: i64) {
        let node = NodeId::Client(client);
        for partition in all {
            self.of(kind, node, *partition, [value, 0]);
        }
        if all.is_empty() {
            self.add(kind, self.actor(node), NONE, [value, 0]);
        }
    }

    fn actor(&self, node: NodeId) -> i64 {
        self.places.get(&node).map_or(NONE, |&place| place as i64)
    }

    fn broker(&self, broker: BrokerId) -> i64 {
        self.actor(NodeId::Broker(broker))
    }

    fn client_place(&self, client: ClientId) -> i64 {
        self.actor(NodeId::Client(client))
    }

    /// Returns the place of a member, if it is known which client it is.
    fn member_place(&self, member: &MemberId) -> i64 {
        self.trace.members.get(member).map_or(NONE, |&place| place as i64)
    }

    fn fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Member(fact) => self.member(fact),
            Fact::Work(fact) => self.work(fact),
            Fact::Group(fact) => self.group(fact),
            _ if self.client(fact) || self.log(fact) => {}
            _ => self.cluster(fact),
        }
    }

    /// Returns a batch's number in the table; `None` for partitions that no picture shows.
    fn batch(&mut self, partition: TopicPartition, batch: &Arc<LogBatch>) -> Option<i64> {
        self.trace.partition(partition)?;
        let records = batch.records.list();
        let (base, epoch) = (batch.base_offset.0, batch.leader_epoch.0);
        let name = (partition, base, epoch, records.first()?.uid, records.len());
        let table = &mut self.trace.batches;
        let number = self.batches.entry(name).or_insert_with(|| {
            let records = records.iter().map(|record| record.uid).collect();
            let producer = batch.producer.map(|stamp| stamp.id.0);
            table.push(Batch { base, epoch, records, producer });
            table.len() as i64 - 1
        });
        Some(*number)
    }

    /// Returns the number of a batch as a producer sends it.
    fn sending(&mut self, batch: &LogBatch) -> i64 {
        let records = batch.records.list();
        let Some((first, last)) = records.first().zip(records.last()) else { return NONE };
        let table = &mut self.trace.sendings;
        *self.sendings.entry((first.uid, last.uid, records.len())).or_insert_with(|| {
            table.push(records.iter().map(|record| record.uid).collect());
            table.len() as i64 - 1
        })
    }
}

fn first(batch: &LogBatch) -> i64 {
    batch.records.list().first().map_or(NONE, |record| i64::from(record.uid.0))
}

fn offset(offset: Option<Offset>) -> i64 {
    offset.map_or(NONE, |offset| offset.0 as i64)
}
