//! The KRaft controller: a ledger with one voter, and the node that hosts it.
//!
//! In reading order: [`ledger`] (decide and replay), [`brokers`] (who is there), `topics`
//! (what there is), [`placement`] (where), [`election`] (who leads), `isr` (who is in
//! sync). This file is the node: log, answers, timers; `polls` keeps who waits,
//! `facts` writes the history.
//!
//! Source: `QuorumController`, Kafka 4.0. Left out: the quorum (KRaft votes), snapshots,
//! ELR, reassignment, ACLs, quotas.

pub mod brokers;
pub mod election;
mod facts;
mod isr;
pub mod ledger;
pub mod placement;
mod polls;
#[cfg(test)]
mod tests;
mod topics;

use std::sync::Arc;

use crate::config::ControllerConfig;
use crate::fact::{ChangeCause, Fact};
use crate::ids::{ConnectionId, MetadataOffset, TopicId};
use crate::image::{Image, MetadataRecord};
use crate::message::cluster::{
    AllocateProducerIdsReply, AlterPartitionReply, AlterTopicReply, AlterTopicRequest,
    CreatePartitionsReply, CreatePartitionsRequest, CreateTopicsReply, CreateTopicsRequest,
    ElectLeadersReply, ElectLeadersRequest, HeartbeatReply, HeartbeatRequest, HeartbeatState,
    RegisterReply, RegisterRequest,
};
use crate::message::{Correlation, ErrorCode, Message, Request, Response};
use crate::rules::Rules;
use crate::time::{Duration, Time, earliest};
use crate::turn::{ConnectionEvent, DiskWork, Node, Turn};

use ledger::{Decision, Ledger};
use polls::Polls;

/// The records of the cluster metadata log, as they are on a controller's disk.
///
/// Every record is fsynced before anybody hears of it, so this survives power cuts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MetadataLog(Vec<Arc<MetadataRecord>>);

/// The controller's process.
#[derive(Clone, Debug, PartialEq)]
pub struct Controller {
    id: u8,
    log: MetadataLog,
    ledger: Ledger,
    polls: Polls,
    timers: Timers,
}

/// When the controller does something unasked; `None` if never.
#[derive(Clone, Debug, Default, PartialEq)]
struct Timers {
    noop: Option<Time>,
    rebalance: Option<Time>,
    unclean_election: Option<Time>,
}

impl MetadataLog {
    /// Returns the records from the first one on.
    pub fn records(&self) -> &[Arc<MetadataRecord>] {
        &self.0
    }

    /// Returns the offset of the next record.
    pub fn end(&self) -> MetadataOffset {
        MetadataOffset(self.0.len() as u64)
    }

    /// Returns the records from `from` on; none if the log has not got there.
    fn from(&self, from: MetadataOffset) -> &[Arc<MetadataRecord>] {
        self.0.get(from.0 as usize..).unwrap_or_default()
    }
}

impl Controller {
    /// Makes a controller with an empty log.
    pub fn new(id: u8, config: ControllerConfig, rules: Rules) -> Controller {
        Controller::restart(id, config, rules, MetadataLog::default())
    }

    /// Makes a controller that has replayed the log on its disk. Brokers that are not fenced
    /// get fresh sessions when it starts, so it may take another session timeout until the
    /// dead among them are fenced.
    pub fn restart(id: u8, config: ControllerConfig, rules: Rules, log: MetadataLog) -> Controller {
        let mut ledger = Ledger::new(config, rules);
        for record in &log.0 {
            ledger.replay(record);
        }
        Controller { id, log, ledger, polls: Polls::default(), timers: Timers::default() }
    }

    /// Ends the process and leaves what is on its disk.
    pub fn into_log(self) -> MetadataLog {
        self.log
    }

    /// Returns the cluster as this controller knows it.
    pub fn image(&self) -> &Image {
        &self.ledger.image
    }

    /// Returns the controller's number.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// Serves a request; `None` if the answer has to wait.
    fn serve(&mut self, caller: Caller, request: Request, turn: &mut Turn<'_>) -> Option<Response> {
        Some(match request {
            Request::BrokerRegistration(request) => {
                Response::BrokerRegistration(self.register(&request, turn))
            }
            Request::BrokerHeartbeat(request) => {
                Response::BrokerHeartbeat(self.heartbeat(&request, turn))
            }
            Request::AlterPartition(request) => {
                let decision = self.ledger.alter_partition(&request);
                let partitions = decision.map(|decision| self.commit(decision, turn));
                Response::AlterPartition(AlterPartitionReply { partitions })
            }
            Request::FetchMetadata(request) => {
                let reply = self.polls.answer_or_park(caller, &request, &self.log, turn)?;
                Response::FetchMetadata(reply)
            }
            Request::CreateTopics(request) => {
                Response::CreateTopics(self.create_topics(&request, turn))
            }
            Request::CreatePartitions(request) => {
                Response::CreatePartitions(self.create_partitions(request, turn))
            }
            Request::IncrementalAlterConfigs(request) => {
                Response::IncrementalAlterConfigs(self.alter_topic(&request, turn))
            }
            Request::ElectLeaders(request) => {
                Response::ElectLeaders(self.elect_leaders(&request, turn))
            }
            Request::AllocateProducerIds(request) => {
                let decision = self.ledger.allocate_producer_ids(&request);
                let block = decision.map(|decision| self.commit(decision, turn));
                Response::AllocateProducerIds(AllocateProducerIdsReply { block })
            }
            Request::Produce(_)
            | Request::Fetch(_)
            | Request::ListOffsets(_)
            | Request::OffsetForLeaderEpoch(_)
            | Request::DeleteRecords(_)
            | Request::Metadata(_)
            | Request::InitProducerId(_)
            | Request::FindCoordinator(_)
            | Request::JoinGroup(_)
            | Request::SyncGroup(_)
            | Request::Heartbeat(_)
            | Request::LeaveGroup(_)
            | Request::OffsetCommit(_)
            | Request::OffsetFetch(_)
            | Request::OffsetDelete(_)
            | Request::ConsumerGroupHeartbeat(_) => {
                panic!("a controller does not serve {}", request.api().name())
            }
        })
    }

    fn register(&mut self, request: &RegisterRequest, turn: &mut Turn<'_>) -> RegisterReply {
        let decision = self.ledger.register(request, turn.now);
        if let Err(error) = decision {
            turn.note(Fact::RegistrationRefused { broker: request.broker, error });
        }
        RegisterReply { epoch: decision.map(|decision| self.commit(decision, turn)) }
    }

    fn heartbeat(&mut self, request: &HeartbeatRequest, turn: &mut Turn<'_>) -> HeartbeatReply {
        let decision = self.ledger.heartbeat(request);
        let state = decision.map(|decision| {
            let is_leaving = matches!(decision.cause, Some(ChangeCause::ControlledShutdown(_)));
            let state = self.commit(decision, turn);
            let deadline = turn.now + self.ledger.config.session_timeout;
            let sessions = &mut self.ledger.sessions;
            match state {
                HeartbeatState { should_shut_down: true, .. } => sessions.end(request.broker),
                HeartbeatState { is_fenced: true, .. } => {
                    sessions.touch_fenced(request.broker, deadline);
                }
                HeartbeatState { is_fenced: false, .. } => {
                    sessions.touch(request.broker, request.metadata_offset, deadline);
                }
            }
            if is_leaving {
                let last = MetadataOffset(self.log.end().0 - 1);
                self.ledger.sessions.begin_shutdown(request.broker, last);
            }
            state
        });
        HeartbeatReply { state }
    }

    fn create_topics(
        &mut self,
        request: &CreateTopicsRequest,
        turn: &mut Turn<'_>,
    ) -> CreateTopicsReply {
        let decision = self
            .ledger
            .create_topics(request, &mut |outcomes| turn.rng.below(outcomes as u64) as usize);
        let topics = self.commit(decision, turn);
        for &(topic, outcome) in &topics {
            note_refusal(topic, outcome, turn);
        }
        CreateTopicsReply { topics }
    }

    fn create_partitions(
        &mut self,
        request: CreatePartitionsRequest,
        turn: &mut Turn<'_>,
    ) -> CreatePartitionsReply {
        let mut draw = |outcomes| turn.rng.below(outcomes as u64) as usize;
        let decision = self.ledger.create_partitions(request, &mut draw);
        let done = decision.map(|decision| self.commit(decision, turn));
        note_refusal(request.topic, done, turn);
        CreatePartitionsReply { done }
    }

    fn alter_topic(&mut self, request: &AlterTopicRequest, turn: &mut Turn<'_>) -> AlterTopicReply {
        let done = self.ledger.alter_topic(request).map(|decision| {
            self.commit(decision, turn);
            // Who may lead uncleanly from here on need not wait for the next round.
            let decision = self.ledger.elect_unclean();
            self.commit(decision, turn);
        });
        note_refusal(request.topic, done, turn);
        AlterTopicReply { done }
    }

    fn elect_leaders(
        &mut self,
        request: &ElectLeadersRequest,
        turn: &mut Turn<'_>,
    ) -> ElectLeadersReply {
        let decision = self.ledger.elect_leaders(request);
        let partitions = self.commit(decision, turn);
        for &(partition, outcome) in &partitions {
            note_refusal(partition.topic, outcome, turn);
        }
        ElectLeadersReply { partitions }
    }

    /// Writes a decision into the log and replays it.
    // Simplified: with one voter a record is committed once it is on this disk, so nothing
    // has to wait for a quorum. What can fail with the quorum fails with this process.
    fn commit<R>(&mut self, decision: Decision<R>, turn: &mut Turn<'_>) -> R {
        let Decision { records, cause, reply } = decision;
        facts::note_topics(&records, turn);
        for record in records {
            let before = facts::registration_before(&self.ledger.image, &record);
            self.ledger.replay(&record);
            facts::note(&self.ledger.image, &record, before.zip(cause), turn);
            self.log.0.push(Arc::new(record));
        }
        assert_eq!(self.log.end(), self.ledger.image.next, "the image is the log, replayed");
        reply
    }

    /// Does what is due unasked.
    fn run_timers(&mut self, turn: &mut Turn<'_>) {
        while let Some(decision) = self.ledger.fence_stale(turn.now) {
            self.commit(decision, turn);
        }
        if is_due(self.timers.unclean_election, turn.now) {
            let decision = self.ledger.elect_unclean();
            self.commit(decision, turn);
            self.timers.unclean_election = self.unclean_election_at(turn.now);
        }
        if is_due(self.timers.rebalance, turn.now) {
            let decision = self.ledger.rebalance();
            let has_more = self.commit(decision, turn);
            self.timers.rebalance =
                if has_more { Some(turn.now) } else { self.rebalance_at(turn.now) };
        }
        if is_due(self.timers.noop, turn.now) {
            let noop = Decision { records: vec![MetadataRecord::NoOp], cause: None, reply: () };
            self.commit(noop, turn);
            self.timers.noop = self.noop_at(turn.now);
        }
    }

    fn noop_at(&self, now: Time) -> Option<Time> {
        after(now, self.ledger.config.metadata_idle_interval_max)
    }

    fn rebalance_at(&self, now: Time) -> Option<Time> {
        let interval = Duration::from_secs(self.ledger.config.leader_imbalance_check_interval.0);
        self.ledger.config.auto_leader_rebalance.then_some(now + interval)
    }

    fn unclean_election_at(&self, now: Time) -> Option<Time> {
        after(now, self.ledger.config.unclean_election_interval)
    }

    /// Waits for the disk if the log has grown beyond `end`; returns whether it has.
    fn flush(&self, end: MetadataOffset, turn: &mut Turn<'_>) -> bool {
        let has_grown = end < self.log.end();
        if has_grown {
            turn.disk(DiskWork::Flush);
        }
        has_grown
    }
}

impl Node for Controller {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        let deadline = turn.now + self.ledger.config.session_timeout;
        for (&broker, registration) in &self.ledger.image.brokers {
            if !registration.fenced {
                self.ledger.sessions.touch(broker, None, deadline);
            }
        }
        self.timers = Timers {
            noop: self.noop_at(turn.now),
            rebalance: self.rebalance_at(turn.now),
            unclean_election: self.unclean_election_at(turn.now),
        };
        turn.note(Fact::ControllerStarted { records: self.log.end().0 });
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        _turn: &mut Turn<'_>,
    ) {
        match event {
            ConnectionEvent::Closed => self.polls.forget(connection),
            ConnectionEvent::Opened | ConnectionEvent::Refused => {
                panic!("a controller opens no connections")
            }
        }
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        let Message::Request(correlation, request) = message else {
            panic!("a controller asks nobody");
        };
        let end = self.log.end();
        let Some(response) = self.serve(Caller { connection, correlation }, request, turn) else {
            return;
        };
        let has_grown = self.flush(end, turn);
        turn.send(connection, Message::Response(correlation, response));
        if has_grown {
            self.polls.answer(&self.log, turn);
        }
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        let end = self.log.end();
        self.run_timers(turn);
        self.flush(end, turn);
        self.polls.answer(&self.log, turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        let Timers { noop, rebalance, unclean_election } = self.timers;
        let sessions = self.ledger.sessions.next_deadline();
        earliest([noop, rebalance, unclean_election, sessions, self.polls.next_deadline()])
    }
}

/// To whom an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Caller {
    connection: ConnectionId,
    correlation: Correlation,
}

fn is_due(deadline: Option<Time>, now: Time) -> bool {
    deadline.is_some_and(|deadline| deadline <= now)
}

/// Returns when `interval` is over; a zero turns the timer off.
fn after(now: Time, interval: Duration) -> Option<Time> {
    (Duration::ZERO < interval).then_some(now + interval)
}

fn note_refusal(topic: TopicId, outcome: Result<(), ErrorCode>, turn: &mut Turn<'_>) {
    if let Err(error) = outcome {
        turn.note(Fact::AdminRefused { topic, error });
    }
}
