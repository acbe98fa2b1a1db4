//! From a history to the facts, records and batches of a trace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::fact::{
    AppendRole, Fact, GroupEvent, GroupFact, MemberEvent, MemberFact, SendOutcome, WorkEvent,
    WorkFact, WorkOutcome,
};
use model::ids::{BrokerId, ClientId, Generation, NodeId, ReplicaSet, TopicPartition, Uid};
use model::log::batch::Batch as LogBatch;
use sim::history::{Entry, Event, Fault, Phase};

use super::fact::{FactKind, TraceFact};
use super::{Batch, Record, Trace};
use crate::story::Story;

/// Nobody, or nothing.
const NONE: i64 = -1;

/// Fills records, batches and facts of a trace.
pub(super) fn gather(story: &Story<'_>, trace: &mut Trace) {
    let mut gatherer = Gatherer {
        story,
        trace,
        at: 0,
        entry: 0,
        batches: BTreeMap::new(),
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

struct Gatherer<'a, 'b> {
    story: &'a Story<'b>,
    trace: &'a mut Trace,
    at: u64,
    entry: usize,
    /// By first offset, epoch and first record, which name a batch of one partition.
    batches: BTreeMap<(TopicPartition, u64, u32, Uid, usize), i64>,
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
            Event::Step { step } => self.add(FactKind::Step, NONE, NONE, *step as i64, 0),
            Event::Phase(Phase::Settle) => self.add(FactKind::Settle, NONE, NONE, 0, 0),
            Event::Phase(Phase::Faults | Phase::End) | Event::Reached { .. } => {}
        }
    }

    fn add(&mut self, kind: FactKind, actor: i64, partition: i64, value: i64, other: i64) {
        let (at, entry) = (self.at, self.entry);
        self.trace.facts.push(TraceFact { at, kind, actor, partition, value, other, entry });
    }

    /// Adds a fact of a partition that pictures show.
    fn of(&mut self, kind: FactKind, node: NodeId, at: TopicPartition, value: i64, other: i64) {
        let Some(partition) = self.trace.partition(at) else { return };
        let actor = self.actor(node);
        self.add(kind, actor, partition as i64, value, other);
    }

    fn actor(&self, node: NodeId) -> i64 {
        self.trace.actor(node).map_or(NONE, |place| place as i64)
    }

    fn broker(&self, broker: BrokerId) -> i64 {
        self.actor(NodeId::Broker(broker))
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

    /// Adds what clients did; says whether it was that.
    fn client(&mut self, fact: &Fact) -> bool {
        match fact {
            Fact::SendCalled { client, record, .. } => {
                let actor = self.actor(NodeId::Client(*client));
                let key = record.key.as_ref().map(|key| String::from_utf8_lossy(key).into_owned());
                let by = self.trace.actor(NodeId::Client(*client));
                let place = record.uid.0 as usize;
                if self.trace.records.len() <= place {
                    self.trace.records.resize(place + 1, Record::default());
                }
                self.trace.records[place] = Record { by, key, partition: None, fate: None };
                self.add(FactKind::Send, actor, NONE, i64::from(record.uid.0), 0);
            }
            Fact::Buffered { client, uid, partition } => {
                let place = self.trace.partition(*partition);
                if let Some(record) = self.trace.records.get_mut(uid.0 as usize) {
                    record.partition = place;
                }
                let node = NodeId::Client(*client);
                self.of(FactKind::Route, node, *partition, i64::from(uid.0), 0);
            }
            Fact::BatchRetried { client, partition, batch, error } => {
                let error = self.trace.error(error.name());
                let node = NodeId::Client(*client);
                self.of(FactKind::Retry, node, *partition, first(batch), error);
            }
            Fact::Completed { client, uids, outcome, .. } => {
                let kind = match outcome {
                    SendOutcome::Acknowledged(Some(_)) => FactKind::Ack,
                    SendOutcome::Acknowledged(None) => return true, // acks=0: nobody was told
                    SendOutcome::Failed(_) => FactKind::Fail,
                    SendOutcome::Unknown(_) => FactKind::Unknown,
                };
                self.runs(kind, *client, uids);
            }
            Fact::Abandoned { client, uids } => self.runs(FactKind::Abandon, *client, uids),
            Fact::Polled { client, partition, from, to, .. } => {
                let node = NodeId::Client(*client);
                self.of(FactKind::Poll, node, *partition, from.0 as i64, to.0 as i64);
            }
            Fact::PositionReset { client, partition, from, to, .. } => {
                let from = from.map_or(NONE, |from| from.0 as i64);
                let node = NodeId::Client(*client);
                self.of(FactKind::Reset, node, *partition, to.0 as i64, from);
            }
            _ => return false,
        }
        true
    }

    /// Adds one fact per run of records that follow each other.
    fn runs(&mut self, kind: FactKind, client: ClientId, uids: &[Uid]) {
        let actor = self.actor(NodeId::Client(client));
        for run in uids.chunk_by(|a, b| a.0 + 1 == b.0) {
            self.add(kind, actor, NONE, i64::from(run[0].0), run.len() as i64);
        }
    }

    /// Adds what happened to logs; says whether it was that.
    fn log(&mut self, fact: &Fact) -> bool {
        let node = |broker: &BrokerId| NodeId::Broker(*broker);
        match fact {
            Fact::Appended { broker, partition, batch, role } => {
                let Some(number) = self.batch(*partition, batch) else { return true };
                let leads = i64::from(*role == AppendRole::Leader);
                self.of(FactKind::Append, node(broker), *partition, number, leads);
            }
            Fact::DuplicateDropped { broker, partition, batch, .. } => {
                self.of(FactKind::Repeat, node(broker), *partition, first(batch), 0);
            }
            Fact::ProduceRefused { broker, partition, batch, error } => {
                let error = self.trace.error(error.name());
                self.of(FactKind::Refuse, node(broker), *partition, first(batch), error);
            }
            Fact::ProduceAcknowledged { broker, partition, base_offset, end, .. } => {
                let (from, to) = (base_offset.0 as i64, end.0 as i64);
                self.of(FactKind::Promise, node(broker), *partition, from, to);
            }
            Fact::HighWatermark { broker, partition, to, .. } => {
                self.of(FactKind::Hw, node(broker), *partition, to.0 as i64, 0);
            }
            Fact::LogLoaded { broker, partition, end, high_watermark, .. } => {
                let (end, mark) = (end.0 as i64, high_watermark.0 as i64);
                self.of(FactKind::Load, node(broker), *partition, mark, end);
            }
            Fact::LogStartMoved { broker, partition, to, .. } => {
                self.of(FactKind::Start, node(broker), *partition, to.0 as i64, 0);
            }
            Fact::Truncated { broker, partition, from, to, .. } => {
                self.of(FactKind::Cut, node(broker), *partition, to.0 as i64, from.0 as i64);
            }
            Fact::Flushed { broker, partition, to } => {
                self.of(FactKind::Flush, node(broker), *partition, to.0 as i64, 0);
            }
            Fact::FollowerFetched { broker, follower, partition, end } => {
                let follower = self.broker(*follower);
                self.of(FactKind::Fetched, node(broker), *partition, end.0 as i64, follower);
            }
            Fact::Diverged { broker, follower, partition, at } => {
                let follower = self.broker(*follower);
                self.of(FactKind::Diverged, node(broker), *partition, at.end.0 as i64, follower);
            }
            _ => return false,
        }
        true
    }

    /// Adds who leads, who follows, who may serve.
    fn cluster(&mut self, fact: &Fact) {
        match fact {
            Fact::BecameLeader { broker, partition, epoch, end, .. } => {
                let (epoch, end) = (i64::from(epoch.0), end.0 as i64);
                self.of(FactKind::Leads, NodeId::Broker(*broker), *partition, epoch, end);
            }
            Fact::BecameFollower { broker, partition, epoch, leader } => {
                let leader = leader.map_or(NONE, |leader| self.broker(leader));
                let (node, epoch) = (NodeId::Broker(*broker), i64::from(epoch.0));
                self.of(FactKind::Follows, node, *partition, epoch, leader);
            }
            Fact::PartitionChanged { partition, leader, leader_epoch, isr, .. } => {
                self.registered(*partition, leader.1, i64::from(leader_epoch.0), *isr);
            }
            Fact::BrokerFenced { broker } => {
                let actor = self.broker(*broker);
                self.add(FactKind::Fence, actor, NONE, 0, 0);
            }
            Fact::BrokerUnfenced { broker } => {
                let actor = self.broker(*broker);
                self.add(FactKind::Unfence, actor, NONE, 0, 0);
            }
            _ => {}
        }
    }

    fn registered(
        &mut self,
        id: TopicPartition,
        leader: Option<BrokerId>,
        epoch: i64,
        isr: (ReplicaSet, ReplicaSet),
    ) {
        let Some(partition) = self.trace.partition(id) else { return };
        let leader = leader.map_or(NONE, |leader| self.broker(leader));
        self.add(FactKind::Leader, leader, partition as i64, epoch, 0);
        let left = isr.0.iter().filter(|it| !isr.1.contains(*it)).map(|it| (it, 0));
        let joined = isr.1.iter().filter(|it| !isr.0.contains(*it)).map(|it| (it, 1));
        let changes: Vec<_> = left.chain(joined).collect();
        for (broker, is_in) in changes {
            self.of(FactKind::Isr, NodeId::Broker(broker), id, is_in, 0);
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
            table.push(Batch { base, epoch, records });
            table.len() as i64 - 1
        });
        Some(*number)
    }

    fn fault(&mut self, fault: &Fault) {
        let (kind, node, value) = match fault {
            Fault::Started { node, incarnation } => (FactKind::Up, node, i64::from(*incarnation)),
            Fault::Crashed(node) => (FactKind::Down, node, 0),
            Fault::PowerLost(node) => (FactKind::Down, node, 1),
            Fault::Exited(node) => (FactKind::Down, node, 2),
            Fault::Paused(node) => (FactKind::Pause, node, 0),
            Fault::Resumed(node) => (FactKind::Resume, node, 0),
            Fault::UnsyncedLost { broker, partition, from, to } => {
                let node = NodeId::Broker(*broker);
                self.of(FactKind::Took, node, *partition, to.0 as i64, from.0 as i64);
                return;
            }
            _ => return,
        };
        if let NodeId::Client(client) = node
            && kind == FactKind::Down
        {
            self.owns(*client, &[]);
        }
        let actor = self.actor(*node);
        if actor != NONE {
            self.add(kind, actor, NONE, value, 0);
        }
    }

    fn member(&mut self, fact: &MemberFact) {
        match &fact.what {
            MemberEvent::Owns(partitions) => self.owns(fact.client, partitions),
            MemberEvent::Expelled(_) => self.owns(fact.client, &[]),
            _ => {}
        }
    }

    /// Adds what changes about a member's partitions.
    fn owns(&mut self, client: ClientId, partitions: &[TopicPartition]) {
        let after: BTreeSet<_> = partitions.iter().copied().collect();
        let before = self.owned.insert(client, after.clone()).unwrap_or_default();
        for lost in before.difference(&after) {
            self.of(FactKind::Own, NodeId::Client(client), *lost, 0, 0);
        }
        for gained in after.difference(&before) {
            self.of(FactKind::Own, NodeId::Client(client), *gained, 1, 0);
        }
    }

    fn work(&mut self, fact: &WorkFact) {
        let kind = match fact.what {
            WorkEvent::Began(_) => FactKind::Begin,
            WorkEvent::Ended(WorkOutcome::Done | WorkOutcome::Parked | WorkOutcome::HandedOn) => {
                FactKind::Done
            }
            WorkEvent::Ended(
                WorkOutcome::Skipped | WorkOutcome::Shed | WorkOutcome::TakenForRepeat,
            ) => FactKind::Leave,
            WorkEvent::Ended(WorkOutcome::Failed)
            | WorkEvent::Effect(_)
            | WorkEvent::CopySent { .. } => return,
        };
        let (offset, uid) = (fact.offset.0 as i64, i64::from(fact.uid.0));
        self.of(kind, NodeId::Client(fact.client), fact.partition, offset, uid);
    }

    fn group(&mut self, fact: &GroupFact) {
        let plans = self.story.plan.groups.iter();
        let place = plans.enumerate().find(|(_, plan)| *plan.name == *fact.group.0);
        let Some((group, _)) = place else { return };
        let (group, node) = (group as i64, NodeId::Broker(fact.broker));
        match &fact.what {
            GroupEvent::State { to, generation, .. } => {
                let actor = self.actor(node);
                if self.generations.insert(group, *generation) != Some(*generation) {
                    let number = i64::from(generation.0);
                    self.add(FactKind::Generation, actor, NONE, number, group);
                }
                self.add(FactKind::Group, actor, NONE, *to as i64, group);
            }
            GroupEvent::Committed { offsets, .. } => {
                for (partition, offset) in offsets.iter() {
                    self.of(FactKind::Commit, node, *partition, offset.0 as i64, group);
                }
            }
            GroupEvent::CommitRefused { offsets, .. } => {
                for (partition, offset) in offsets.iter() {
                    self.of(FactKind::CommitRefused, node, *partition, offset.0 as i64, group);
                }
            }
            GroupEvent::OffsetsRemoved { partitions, .. } => {
                for partition in partitions.iter() {
                    self.of(FactKind::Commit, node, *partition, NONE, group);
                }
            }
            GroupEvent::Loaded { offsets, .. } => {
                for (partition, offset) in offsets.iter() {
                    self.of(FactKind::Commit, node, *partition, offset.0 as i64, group);
                }
            }
            _ => {}
        }
    }
}

fn first(batch: &LogBatch) -> i64 {
    batch.records.list().first().map_or(NONE, |record| i64::from(record.uid.0))
}
