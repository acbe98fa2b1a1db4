//! The broker as group coordinator: finding it, holding office, writing, answering.
//!
//! Source: `KafkaApis`, `GroupCoordinatorService`, `CoordinatorPartitionWriter`,
//! `AutoTopicCreationManager`, Kafka 4.0.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::broker::{Broker, Served};
use crate::config::{LogDefault, TopicConfig};
use crate::fact::{Fact, GroupEvent, GroupFact};
use crate::group::decision::{Decision, Draft, Waiter};
use crate::group::partition_of;
use crate::group::record::GroupRecord;
use crate::group::shard::{Office, Shard, Written, translate, turn_away};
use crate::ids::{BrokerId, ConnectionId, GroupId, LeaderEpoch, Offset, TopicId, TopicPartition};
use crate::log::batch::Batch;
use crate::message::cluster::{NewTopic, TopicLayout};
use crate::message::data::Acks;
use crate::message::group::FindCoordinatorReply;
use crate::message::{Correlation, ErrorCode, Message, Request, Response};
use crate::mutant::Mutant;
use crate::partition::RoleChange;
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// Kafka's name of the topic that keeps groups and offsets.
const NAME: &str = "__consumer_offsets";
/// How long a coordinator reads before its first record is there.
const LOAD_LATENCY: Duration = Duration::from_millis(1);
/// Bytes that a loading coordinator reads in a microsecond (100 MB/s).
const LOAD_BYTES_PER_MICROSECOND: u64 = 100;

/// The coordinators that a broker hosts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// By partition of `__consumer_offsets`.
    shards: BTreeMap<u16, Shard>,
    first: First,
    /// Requests without an answer.
    open: BTreeSet<Waiter>,
    /// Connections whose open request has been answered: the next may come in.
    freed: VecDeque<ConnectionId>,
}

/// When the first coordinator has something to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum First {
    /// A coordinator was touched since it was looked up.
    #[default]
    Unknown,
    Known(Option<Time>),
}

impl Groups {
    /// Forgets what a closed connection waited for; its members stay until they time out.
    pub fn forget(&mut self, connection: ConnectionId) {
        self.open.retain(|waiter| waiter.connection != connection);
    }

    /// Returns when the first of the coordinators has something to do.
    pub fn next_deadline(&self) -> Option<Time> {
        match self.first {
            First::Known(first) => first,
            First::Unknown => self.shards.values().filter_map(Shard::next_deadline).min(),
        }
    }

    /// Looks up when the first of the coordinators has something to do.
    pub fn look_up_deadline(&mut self) {
        if self.first == First::Unknown {
            self.first = First::Known(self.next_deadline());
        }
    }

    /// Says whether a connection has been answered whose next request may come in.
    pub fn has_freed(&self) -> bool {
        !self.freed.is_empty()
    }

    /// Takes out the next connection that has been answered.
    pub fn next_freed(&mut self) -> Option<ConnectionId> {
        self.freed.pop_front()
    }

    /// Returns the coordinator over one partition, if this broker hosts it.
    pub fn shard(&self, partition: u16) -> Option<&Shard> {
        self.shards.get(&partition)
    }

    fn shard_mut(&mut self, partition: u16) -> Option<&mut Shard> {
        self.first = First::Unknown;
        self.shards.get_mut(&partition)
    }

    fn insert(&mut self, partition: u16, shard: Shard) {
        self.first = First::Unknown;
        self.shards.insert(partition, shard);
    }

    fn remove(&mut self, partition: u16) -> Option<Shard> {
        self.first = First::Unknown;
        self.shards.remove(&partition)
    }
}

impl Broker {
    /// Returns the coordinators that this broker hosts.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Tells who coordinates a group; the first question creates the internal topic.
    pub(super) fn on_find_coordinator(
        &mut self,
        group: &GroupId,
        turn: &mut Turn<'_>,
    ) -> FindCoordinatorReply {
        if group.as_str().is_empty() {
            return FindCoordinatorReply { coordinator: Err(ErrorCode::InvalidGroupId) };
        }
        let Some(partition) = self.group_partition(group) else {
            self.create_offsets_topic(turn);
            return FindCoordinatorReply { coordinator: Err(ErrorCode::CoordinatorNotAvailable) };
        };
        let is_alive = |id: &BrokerId| self.image.brokers.get(id).is_some_and(|it| !it.fenced);
        let registration = self.image.partition(offsets_partition(partition));
        let leader = registration.and_then(|it| it.leader).filter(is_alive);
        FindCoordinatorReply { coordinator: leader.ok_or(ErrorCode::CoordinatorNotAvailable) }
    }

    /// Returns the partition that keeps a group, once the internal topic exists.
    fn group_partition(&self, group: &GroupId) -> Option<u16> {
        let topic = self.image.topics.get(&TopicId::CONSUMER_OFFSETS)?;
        let partitions = topic.partitions.len() as u16;
        (0 < partitions).then(|| partition_of(group, partitions))
    }

    fn create_offsets_topic(&mut self, turn: &mut Turn<'_>) {
        let config = &self.setup.config;
        let layout = TopicLayout::Counts {
            partitions: Some(config.offsets_topic_partitions),
            replicas: Some(config.offsets_topic_replication_factor),
        };
        let id = TopicId::CONSUMER_OFFSETS;
        let plain = TopicConfig::default();
        let defaulted = LogDefault::applied(&self.setup.log_defaults, id, &plain);
        let settings = TopicConfig {
            segment_bytes: config.offsets_topic_segment_bytes,
            // The controller has no defaults of its own; they are the same for all brokers.
            unclean_leader_election: defaulted.unclean_leader_election,
            ..plain
        };
        let topic = NewTopic { id, name: NAME.into(), layout, config: settings };
        self.alterations.want_topic(topic);
        self.send_alterations(turn);
    }

    /// Serves a request for the coordinator of a group.
    pub(super) fn on_group_request(
        &mut self,
        request: &Request,
        (connection, correlation): (ConnectionId, Correlation),
        turn: &mut Turn<'_>,
    ) -> Served {
        let group = group_of(request);
        let partition = self.group_partition(group);
        let shard =
            partition.and_then(|partition| Some((partition, self.groups.shard(partition)?)));
        let away = match shard {
            None => Err(ErrorCode::NotCoordinator),
            Some((_, shard)) if shard.office != Office::Active => {
                Err(ErrorCode::CoordinatorLoadInProgress)
            }
            Some((partition, _)) => Ok(partition),
        };
        let partition = match away {
            Ok(partition) => partition,
            Err(error) => {
                Broker::answer(connection, correlation, turn_away(request, error), turn);
                return Served::Done;
            }
        };
        let waiter = Waiter { connection, correlation };
        self.groups.open.insert(waiter);
        let decision = self.decide(partition, turn, |shard, draft| {
            shard.coordinator.decide(request, waiter, draft)
        });
        self.carry_out(partition, decision, turn);
        self.finish_writes(partition, turn);
        if self.groups.open.contains(&waiter) {
            return Served::Parked;
        }
        // Whoever asked goes on by itself; only those that were parked are let in later.
        self.groups.freed.retain(|freed| *freed != connection);
        Served::Done
    }

    /// Lets a coordinator follow the leadership of its partition.
    pub(super) fn on_offsets_leadership(
        &mut self,
        partition: TopicPartition,
        change: RoleChange,
        epoch: LeaderEpoch,
        turn: &mut Turn<'_>,
    ) {
        match (change, self.groups.shard_mut(partition.partition)) {
            (RoleChange::None, _) => {}
            (RoleChange::Leads, Some(shard)) => shard.epoch = epoch,
            (RoleChange::Leads, None) => {
                let log = &self.partitions[&partition].log;
                let bytes: u64 = log.batches().map(|it| u64::from(it.records.bytes())).sum();
                // Simplified: Kafka replays batch by batch as the disk gives them; here all of
                // them count at the end of the same time.
                let reading = Duration::from_micros(bytes / LOAD_BYTES_PER_MICROSECOND);
                let shard = Shard::load(epoch, turn.now + LOAD_LATENCY + reading);
                self.groups.insert(partition.partition, shard);
            }
            (RoleChange::Follows(_), _) => {
                let Some(shard) = self.groups.remove(partition.partition) else { return };
                let decision = shard.resign(self.draft(partition.partition, turn));
                self.note_group_events(decision.events, turn);
                self.deliver(decision.answers, turn);
            }
        }
    }

    /// Finishes what a moved high watermark or a timer lets a coordinator finish.
    pub(super) fn settle_group_shard(&mut self, partition: u16, turn: &mut Turn<'_>) {
        let Some(shard) = self.groups.shard(partition) else { return };
        if let Office::Loading { until } = shard.office {
            if turn.now < until {
                return;
            }
            self.activate(partition, turn);
        }
        self.finish_writes(partition, turn);
        while let Some(mut shard) = self.due_shard(partition, turn.now) {
            let decision = shard.expire(self.draft(partition, turn));
            self.groups.insert(partition, shard);
            let Some(decision) = decision else { break };
            self.carry_out(partition, decision, turn);
            self.finish_writes(partition, turn);
        }
    }

    /// Gives every coordinator that is due its turn.
    pub(super) fn run_group_timers(&mut self, turn: &mut Turn<'_>) {
        if self.groups.next_deadline().is_none_or(|at| turn.now < at) {
            return;
        }
        let is_due = |shard: &Shard| shard.next_deadline().is_some_and(|at| at <= turn.now);
        let due: Vec<_> =
            self.groups.shards.iter().filter(|(_, it)| is_due(it)).map(|(&id, _)| id).collect();
        for partition in due {
            self.settle_group_shard(partition, turn);
        }
    }

    /// Takes a shard whose timers have run out out of its place.
    fn due_shard(&mut self, partition: u16, now: Time) -> Option<Shard> {
        let due = self.groups.shard(partition)?.next_deadline().is_some_and(|at| at <= now);
        if due { self.groups.remove(partition) } else { None }
    }

    /// Replays the partition: the coordinator serves from here on.
    fn activate(&mut self, partition: u16, turn: &mut Turn<'_>) {
        let Some(mut shard) = self.groups.remove(partition) else { return };
        let log = &self.partitions[&offsets_partition(partition)].log;
        for batch in log.batches() {
            for (at, record) in (batch.base_offset.0..).zip(batch.records.groups().unwrap_or(&[])) {
                // Mutant: only the groups are read back.
                let is_offset = matches!(record, GroupRecord::Offset { .. });
                if is_offset && turn.rules.has(Mutant::OffsetsNotReplayed) {
                    continue;
                }
                shard.coordinator.replay(record, Offset(at));
            }
        }
        shard.activate(log.end(), turn.now, self.setup.config.offsets_retention_check_interval);
        let mut draft = self.draft(partition, turn);
        shard.coordinator.take_up(&mut draft);
        let events = draft.decision.events;
        self.groups.insert(partition, shard);
        self.note_group_events(events, turn);
    }

    fn finish_writes(&mut self, partition: u16, turn: &mut Turn<'_>) {
        loop {
            let log = self.partitions.get(&offsets_partition(partition)).map(|it| &it.log);
            let Some(high_watermark) = log.map(|log| log.high_watermark()) else { return };
            let Some(shard) = self.groups.shard_mut(partition) else { return };
            shard.coordinator.on_commit_point(high_watermark);
            let next = shard.next_finished(high_watermark, turn.now, turn.rules);
            let Some((then, outcome)) = next else {
                return;
            };
            let decision =
                self.decide(partition, turn, |shard, draft| shard.finish(then, outcome, draft));
            self.carry_out(partition, decision, turn);
        }
    }

    fn decide(
        &self,
        partition: u16,
        turn: &mut Turn<'_>,
        decide: impl FnOnce(&Shard, Draft<'_, '_>) -> Decision,
    ) -> Decision {
        let shard = self.groups.shard(partition).expect("the shard was looked up before");
        decide(shard, self.draft(partition, turn))
    }

    fn draft<'a, 'b>(&'a self, partition: u16, turn: &'a mut Turn<'b>) -> Draft<'a, 'b> {
        let log = &self.partitions[&offsets_partition(partition)].log;
        Draft {
            config: &self.setup.config,
            image: &self.image,
            high_watermark: log.high_watermark(),
            turn,
            decision: Decision::default(),
        }
    }

    /// Writes a decision's records, takes in what it changes, and answers.
    fn carry_out(&mut self, partition: u16, mut decision: Decision, turn: &mut Turn<'_>) {
        let written = self.write_group_records(partition, &decision, turn);
        self.note_group_events(std::mem::take(&mut decision.events), turn);
        let written_events = std::mem::take(&mut decision.written_events);
        match written {
            Written::Refused(error) => self.note_refused_commits(written_events, error, turn),
            Written::Nothing | Written::At { .. } => self.note_group_events(written_events, turn),
        }
        let timeout = self.setup.config.offsets_commit_timeout;
        let shard = self.groups.shard_mut(partition).expect("a shard has decided");
        let answers = shard.take(decision, written, turn.now, timeout);
        self.deliver(answers, turn);
    }

    fn note_group_events(&self, events: Vec<(GroupId, GroupEvent)>, turn: &mut Turn<'_>) {
        let broker = self.setup.id;
        for (group, what) in events {
            turn.note(Fact::Group(GroupFact { broker, group, what }));
        }
    }

    /// Notes the commits that the log did not take; nothing else became true.
    fn note_refused_commits(
        &self,
        events: Vec<(GroupId, GroupEvent)>,
        error: ErrorCode,
        turn: &mut Turn<'_>,
    ) {
        let error = translate(error);
        let refused = events.into_iter().filter_map(|(group, event)| match event {
            GroupEvent::Committed { member, generation, offsets } => {
                Some((group, GroupEvent::CommitRefused { member, generation, offsets, error }))
            }
            _ => None,
        });
        self.note_group_events(refused.collect(), turn);
    }

    /// Appends as `acks=1` does: replication is what the answers wait for, so neither
    /// `min.insync.replicas` nor a small ISR refuses the append.
    fn write_group_records(
        &mut self,
        partition: u16,
        decision: &Decision,
        turn: &mut Turn<'_>,
    ) -> Written {
        if decision.records.is_empty() {
            return Written::Nothing;
        }
        let name = |topic| -> Arc<str> {
            let topic = self.image.topics.get(&topic);
            topic.map_or_else(|| "".into(), |topic| topic.name.clone())
        };
        let list = decision.records.iter().map(|record| record.encode(turn.wall, name)).collect();
        let batch = Arc::new(Batch::of_groups(list, decision.records.clone()));
        match self.append(offsets_partition(partition), &batch, Acks::Leader, turn) {
            Ok(placed) => Written::At { base: placed.base_offset, end: placed.end },
            Err(error) => Written::Refused(error),
        }
    }

    /// Answers those that are still there.
    fn deliver(&mut self, answers: Vec<(Waiter, Response)>, turn: &mut Turn<'_>) {
        for (waiter, response) in answers {
            if self.groups.open.remove(&waiter) {
                let message = Message::Response(waiter.correlation, response);
                turn.send(waiter.connection, message);
                self.groups.freed.push_back(waiter.connection);
            }
        }
    }
}

/// Returns the group that a request is about.
///
/// # Panics
/// If the request is not one that group coordinators serve.
fn group_of(request: &Request) -> &GroupId {
    match request {
        Request::JoinGroup(request) => &request.group,
        Request::SyncGroup(request) => &request.group,
        Request::Heartbeat(request) => &request.group,
        Request::LeaveGroup(request) => &request.group,
        Request::OffsetCommit(request) => &request.group,
        Request::OffsetFetch(request) => &request.group,
        Request::OffsetDelete(request) => &request.group,
        Request::ConsumerGroupHeartbeat(request) => &request.group,
        _ => panic!("{} does not go to a group coordinator", request.api().name()),
    }
}

fn offsets_partition(partition: u16) -> TopicPartition {
    TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition }
}
