//! Drives the applications of groups: what each calls on its consumer and its producer.

use std::sync::Arc;

use model::client::consumer::{Consumer, Subscribe};
use model::client::producer::Producer;
use model::fact::{CopyPurpose, Fact};
use model::ids::{BrokerId, ClientId, GroupId, NodeId, Offset, TopicId, TopicPartition, Uid};
use model::log::batch::Record;
use model::message::group::OffsetAndMetadata;
use model::time::Timestamp;
use model::turn::Turn;

use crate::apps::handling::Desk;
use crate::apps::has_producer;
use crate::apps::polling::call::{Call, Copy};
use crate::apps::workers::Offsets;
use crate::history::{Fault, Phase};
use crate::nodes::{Process, State};
use crate::plan::{
    ClientRole, CommitOrder, Created, GroupIndex, GroupPlan, MemberPlan, OnFailure, OutputKeys,
    SeekTo, Start, Subscribed,
};
use crate::queue::Place;
use crate::worker::Worker;
use crate::world::World;

/// Whether a client is to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// A `join` step starts it.
    Awaited,
    /// It runs, or is started again when the faults are over.
    Expected,
    /// It was told to leave.
    Away,
}

/// Whether an application goes on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoesOn,
    Waits,
}

impl Presence {
    /// How a client begins.
    pub(crate) fn first(role: &ClientRole) -> Presence {
        match role {
            ClientRole::Member(MemberPlan { start: Start::ByStep, .. }) => Presence::Awaited,
            ClientRole::Member(_) | ClientRole::Producer(_) | ClientRole::Consumer(_) => {
                Presence::Expected
            }
        }
    }
}

impl World {
    pub(crate) fn group(&self, group: GroupIndex) -> &GroupPlan {
        &self.plan.groups[usize::from(group.0)]
    }

    /// Returns the plan of a member.
    pub(crate) fn member(&self, client: ClientId) -> Option<&MemberPlan> {
        match &self.plan.clients.get(usize::from(client.0))?.role {
            ClientRole::Member(member) => Some(member),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        }
    }

    /// Lists the topics that must exist before a client starts.
    pub(crate) fn awaited_topics(&self, role: &ClientRole) -> Vec<TopicId> {
        let member = match role {
            ClientRole::Producer(plan) => return vec![plan.topic],
            ClientRole::Consumer(plan) => return vec![plan.topic],
            ClientRole::Member(member) => member,
        };
        let group = self.group(member.group);
        let all = (0..self.plan.topics.len() as u16).map(TopicId);
        let mut topics = match member.topics.as_ref().unwrap_or(&group.topics) {
            Subscribed::Topics(topics) => topics.clone(),
            Subscribed::Pattern(_) => all.collect(),
        };
        topics.extend(group.handling.output.as_ref().map(|output| output.topic));
        if let OnFailure::DeadLetter { topic, .. } = group.handling.on_failure {
            topics.push(topic);
        }
        let is_first =
            |topic: &TopicId| self.plan.topics[usize::from(topic.0)].created == Created::AtStart;
        topics.retain(is_first);
        topics
    }

    /// Makes the process of a member.
    pub(crate) fn member_process(
        &self,
        id: ClientId,
        member: &MemberPlan,
        bootstrap: Vec<BrokerId>,
    ) -> Process {
        let handling = &self.group(member.group).handling;
        let name = self.plan.clients[usize::from(id.0)].name.clone();
        let consumer = Consumer::new(id, name, member.config.clone(), bootstrap.clone());
        if !has_producer(handling) {
            return Process::Consumer(consumer);
        }
        let config = handling.output.as_ref().map(|output| output.config.clone());
        let producer = Producer::new(id, config.unwrap_or_default(), bootstrap);
        let producer = producer.expect("the plan's settings have been checked");
        Process::Worker(Box::new(Worker { consumer, producer }))
    }

    /// A member's process has begun: it subscribes.
    pub(crate) fn subscribe(&mut self, client: ClientId) {
        let plan = Arc::clone(&self.plan);
        let Some(member) = self.member(client) else { return };
        let group = &plan.groups[usize::from(member.group.0)];
        let to = match member.topics.as_ref().unwrap_or(&group.topics) {
            Subscribed::Topics(topics) => Subscribe::Topics(topics.clone()),
            Subscribed::Pattern(pattern) => {
                let all = (0..).map(TopicId).zip(&plan.topics);
                let matching =
                    all.filter(|(_, it)| matches(pattern.as_bytes(), it.name.as_bytes()));
                Subscribe::Pattern(matching.map(|(topic, _)| topic).collect())
            }
        };
        let name = GroupId(group.name.clone());
        self.with_consumer(client, |consumer, turn| consumer.subscribe(name, to, turn));
    }

    /// Lets the application of a member go on until it waits for something.
    pub(crate) fn go_on_working(&mut self, client: ClientId, group: GroupIndex) {
        let place = self.client(client);
        while self.computer(place).is_up() {
            let call = self.next_call(client, group);
            if self.carry_out_call(client, group, call) == Flow::Waits {
                return;
            }
        }
    }

    fn next_call(&mut self, client: ClientId, group: GroupIndex) -> Call {
        let mut notes = std::mem::take(&mut self.work_notes);
        let app = self.apps[usize::from(client.0)].member();
        let mut desk = Desk {
            now: self.now,
            handling: &self.plan.groups[usize::from(group.0)].handling,
            rules: self.plan.rules,
            store: &mut self.stores[usize::from(group.0)],
            ordinals: &self.ordinals,
            notes: &mut notes,
        };
        let call = app.next(&mut desk);
        for note in notes.drain(..) {
            self.note_fact(&Fact::Work(note));
        }
        self.work_notes = notes;
        call
    }

    fn carry_out_call(&mut self, client: ClientId, group: GroupIndex, call: Call) -> Flow {
        let place = self.client(client);
        match call {
            Call::Wait(at) => {
                if let Some(at) = at {
                    self.wake_application(client, at);
                }
                return Flow::Waits;
            }
            Call::Poll => {
                let timeout = self.group(group).poll_timeout;
                self.with_consumer(client, |consumer, turn| consumer.poll(timeout, turn));
                // Each `poll()` is an event of its own, so that none can go round for ever.
                return Flow::Waits;
            }
            Call::CommitSync(offsets) => {
                let offsets = offsets.as_ref().map(with_metadata);
                self.with_consumer(client, |consumer, turn| consumer.commit_sync(offsets, turn));
            }
            Call::CommitAsync(offsets) => self.commit_async(client, offsets),
            Call::Listened => {
                self.with_consumer(client, |consumer, turn| consumer.listened(turn));
            }
            Call::Seek(partition, offset) => {
                // What it throws reaches the application as from any other call.
                self.with_consumer(client, |consumer, turn| consumer.seek(partition, offset, turn));
            }
            Call::OffsetsForTimes(time) => {
                self.with_consumer(client, |consumer, turn| {
                    let all = consumer.assignment().map(|tp| (tp, time)).collect();
                    consumer.offsets_for_times(all, turn);
                });
            }
            Call::Send(copy) => self.send_copy(client, group, copy),
            Call::CloseProducer => {
                self.turn(place, |process, turn| process.producer().close(turn));
            }
            Call::Close => {
                self.with_consumer(client, |consumer, turn| consumer.close(turn));
            }
            Call::Exit => self.exit(place),
            Call::Crash => {
                self.crash(place);
                if self.phase == Phase::Settle {
                    self.start(place);
                }
                return Flow::Waits;
            }
        }
        Flow::GoesOn
    }

    fn commit_async(&mut self, client: ClientId, offsets: Option<Offsets>) {
        let (place, now) = (self.client(client), self.now);
        let list = offsets.as_ref().map(with_metadata);
        let commit = self
            .computer_mut(place)
            .turn(now, |process, turn| process.consumer().commit_async(list, turn));
        if let Some(commit) = commit {
            self.apps[usize::from(client.0)].member().on_commit_sent(commit, offsets);
        }
        self.after_turn(place);
    }

    /// Sends a record because of another: to the dead letters, or onwards.
    fn send_copy(&mut self, client: ClientId, group: GroupIndex, copy: Copy) {
        let plan = Arc::clone(&self.plan);
        let handling = &plan.groups[usize::from(group.0)].handling;
        let (topic, keys) = match (copy.purpose, handling.on_failure, &handling.output) {
            (CopyPurpose::DeadLetter, OnFailure::DeadLetter { topic, .. }, _) => {
                (topic, OutputKeys::Kept)
            }
            (CopyPurpose::Output, _, Some(output)) => (output.topic, output.keys),
            (purpose, ..) => unreachable!("nothing is sent as {purpose:?}"),
        };
        let uid = self.new_uid(topic);
        let partition = match keys {
            OutputKeys::Kept => None,
            OutputKeys::RoundRobin => self.next_partition(topic, client),
        };
        let place = self.client(client);
        let (key, value) = (copy.item.key.clone(), copy.item.value);
        self.turn(place, |process, turn| {
            let record = Record { uid, key, value, headers: 0, timestamp: turn.wall };
            process.producer().send(topic, partition, record, turn);
        });
        let mut notes = Vec::new();
        let app = self.apps[usize::from(client.0)].member();
        app.on_copy_sent(uid, copy, &mut notes);
        for note in notes {
            self.note_fact(&Fact::Work(note));
        }
    }

    /// Gives the next record of a topic its uid.
    pub(crate) fn new_uid(&mut self, topic: TopicId) -> Uid {
        let uid = Uid(self.ordinals.len() as u32);
        let sent = &mut self.sent[usize::from(topic.0)];
        self.ordinals.push(*sent);
        *sent += 1;
        uid
    }

    fn next_partition(&mut self, topic: TopicId, client: ClientId) -> Option<u16> {
        let count = self.image()?.topics.get(&topic)?.partitions.len() as u32;
        let turn = self.apps[usize::from(client.0)].member().next_turn();
        Some((turn % count.max(1)) as u16)
    }

    pub(crate) fn with_consumer<T>(
        &mut self,
        client: ClientId,
        act: impl FnOnce(&mut Consumer, &mut Turn<'_>) -> T,
    ) -> Option<T> {
        self.turn(self.client(client), |process, turn| act(process.consumer(), turn))
    }

    // -- Steps --

    /// Starts a member that waits for a step, that has left or that has died.
    pub(crate) fn join(&mut self, place: Place) {
        let NodeId::Client(client) = self.id(place) else { panic!("only members join") };
        self.presence[usize::from(client.0)] = Presence::Expected;
        match self.computer(place).state {
            State::Unborn => self.wake_application(client, self.now),
            State::Down(_) => self.start(place),
            State::Up(_) | State::Paused(..) => {}
        }
    }

    /// Tells a member to leave its group for good.
    pub(crate) fn leave(&mut self, place: Place) {
        let NodeId::Client(client) = self.id(place) else { panic!("only members leave") };
        self.presence[usize::from(client.0)] = Presence::Away;
        self.ask_to_end(place, client);
    }

    /// Asks a member's application to end its loop.
    pub(crate) fn ask_to_end(&mut self, place: Place, client: ClientId) {
        if self.computer(place).process().is_none() {
            return;
        }
        self.note_fault(Fault::ShutdownAsked(self.id(place)));
        self.apps[usize::from(client.0)].member().leave();
        self.wake_application(client, self.now);
    }

    pub(crate) fn poll_elsewhere(&mut self, place: Place) {
        self.turn(place, |process, turn| process.consumer().poll_elsewhere(turn));
    }

    pub(crate) fn wakeup(&mut self, place: Place) {
        self.turn(place, |process, turn| process.consumer().wakeup(turn));
    }

    /// Lets consumers stop fetching some of what they own, or all of it.
    pub(crate) fn pause_fetching(&mut self, place: Place, partitions: &[TopicPartition]) {
        self.turn(place, |process, turn| {
            let consumer = process.consumer();
            let owned = owned(consumer, partitions);
            consumer.pause(&owned, turn);
        });
    }

    pub(crate) fn resume_fetching(&mut self, place: Place, partitions: &[TopicPartition]) {
        self.turn(place, |process, turn| {
            let consumer = process.consumer();
            let owned = owned(consumer, partitions);
            consumer.resume(&owned, turn);
        });
    }

    pub(crate) fn seek_to_time(&mut self, client: ClientId, time: Timestamp) {
        if self.member(client).is_some() {
            self.apps[usize::from(client.0)].member().seek_to_time(time);
        }
    }

    /// Commits what a step says, for a member or for an operator.
    pub(crate) fn commit_offsets(&mut self, order: &CommitOrder) {
        let offsets: Offsets =
            order.offsets.iter().map(|(tp, to)| (*tp, self.offset_of(*tp, *to))).collect();
        match order.member {
            Some(client) => self.commit_async(client, Some(offsets)),
            None => self.commit_as_operator(order.group, &offsets),
        }
    }

    /// Simplified: an operator's tool asks the leader (`ListOffsets`); here the step reads it
    /// off the leader's log at the same moment.
    fn offset_of(&self, partition: TopicPartition, to: SeekTo) -> Offset {
        let leader = self.registration(partition).and_then(|it| it.leader);
        let log = leader.and_then(|leader| self.log_of(partition, leader));
        match to {
            SeekTo::Offset(offset) => offset,
            SeekTo::Beginning => log.map(|log| log.start()).unwrap_or_default(),
            SeekTo::End => log.map(|log| log.high_watermark()).unwrap_or_default(),
        }
    }
}

/// Chooses those of some partitions that a consumer owns; of none means all.
fn owned(consumer: &Consumer, partitions: &[TopicPartition]) -> Vec<TopicPartition> {
    let is_meant = |tp: &TopicPartition| partitions.is_empty() || partitions.contains(tp);
    consumer.assignment().filter(is_meant).collect()
}

pub(crate) fn with_metadata(offsets: &Offsets) -> Vec<(TopicPartition, OffsetAndMetadata)> {
    let metadata: Arc<str> = "".into();
    let one = |(partition, offset): (&TopicPartition, &Offset)| {
        let metadata = metadata.clone();
        (*partition, OffsetAndMetadata { offset: *offset, leader_epoch: None, metadata })
    };
    offsets.iter().map(one).collect()
}

/// Says whether a whole name matches a pattern.
///
/// Simplified: a pattern consists of characters, `.`, escapes with a backslash, and `*` behind
/// any of these; that is what people subscribe with.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (first, rest) = match pattern {
        [] => return name.is_empty(),
        [b'\\', escaped, rest @ ..] => (Some(*escaped), rest),
        [b'.', rest @ ..] => (None, rest),
        [literal, rest @ ..] => (Some(*literal), rest),
    };
    let is_first = |byte: &u8| first.is_none_or(|first| first == *byte);
    match rest {
        [b'*', behind @ ..] => {
            let most = name.iter().take_while(|byte| is_first(byte)).count();
            (0..=most).any(|taken| matches(behind, &name[taken..]))
        }
        _ => name.first().is_some_and(is_first) && matches(rest, &name[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, expected) in [
            ("orders.*", "orders-eu", true),
            ("orders.*", "orders", true),
            ("orders", "orders-eu", false),
            (".*eu", "orders-eu", true),
            ("a\\.b", "axb", false),
            ("a\\.b", "a.b", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
        }
    }
}
