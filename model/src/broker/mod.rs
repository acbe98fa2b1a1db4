//! A broker: one process with its replicas, its fetchers and its link to the controller.
//!
//! In reading order: [`lifecycle`] (register, run, leave), `metadata` (following the cluster),
//! `produce` and `fetch` (what it serves), `sessions`
//! (what it remembers of fetches), [`waiting`] (what it makes wait), [`fetcher`] (what
//! it fetches), `files` (what it flushes), `removal` (what it deletes), [`alteration`] (what it asks of the controller),
//! [`groups`] (what it coordinates).
//!
//! Source: `BrokerServer`, `KafkaApis`, `ReplicaManager`, Kafka 4.0. Left out: quotas,
//! request threads (a request takes no time but the disk's), several log directories.

pub mod alteration;
mod fetch;
pub mod fetcher;
mod files;
pub mod groups;
pub mod lifecycle;
mod metadata;
mod produce;
mod removal;
mod sessions;
#[cfg(test)]
mod tests;
pub mod waiting;

use std::collections::VecDeque;
use std::sync::Arc;

use crate::channel::Channel;
use crate::config::{BrokerConfig, LogDefault};
use crate::fact::Fact;
use crate::ids::{BrokerId, ConnectionId, Incarnation, NodeId, Offset, TopicId, TopicPartition};
use crate::image::Image;
use crate::log::{Log, Shutdown};
use crate::message::data::ProduceReply;
use crate::message::{Correlation, ErrorCode, Message, Request, Response};
use crate::partition::{Host, Partition, Role};
use crate::rules::Rules;
use crate::table::{Set, Table};
use crate::time::{Duration, Time, sooner};
use crate::turn::{ConnectionEvent, Node, Turn};
use alteration::Alterations;
use fetcher::Fetcher;
use groups::Groups;
use lifecycle::Lifecycle;
use sessions::Session;
use waiting::{Idle, Waiting};

/// Everything that makes one broker this broker.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerSetup {
    /// Its id.
    pub id: BrokerId,
    /// Which of its lives this is.
    pub incarnation: Incarnation,
    /// Its rack.
    pub rack: Option<Arc<str>>,
    /// Its settings.
    pub config: BrokerConfig,
    /// Its own defaults of topics' settings.
    pub log_defaults: Vec<LogDefault>,
    /// The controller's `broker.session.timeout.ms`.
    pub session_timeout: Duration,
    /// The era's rules.
    pub rules: Rules,
    /// The controller.
    pub controller: NodeId,
}

/// What a broker leaves on its disk, and finds there.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerDisk {
    /// The logs, with their epoch caches and producer snapshots.
    pub logs: Table<TopicPartition, Log>,
    /// The file `replication-offset-checkpoint`.
    pub high_watermarks: Table<TopicPartition, Offset>,
    /// Whether the file `.kafka_cleanshutdown` is there.
    pub shutdown: Shutdown,
}

/// A broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Broker {
    setup: BrokerSetup,
    /// The replicas; each with its log.
    partitions: Table<TopicPartition, Box<Partition>>,
    /// Those whose settings ask for flushes.
    flushing: Set<TopicPartition>,
    /// The checkpoint file.
    high_watermarks: Table<TopicPartition, Offset>,
    shutdown: Shutdown,
    /// The cluster as the metadata log tells it.
    image: Image,
    /// Partitions that changed in the image and not here yet.
    changed: Set<TopicPartition>,
    lifecycle: Lifecycle,
    metadata: Channel<()>,
    alterations: Box<Alterations>,
    /// By leader.
    fetchers: Table<BrokerId, Fetcher>,
    /// Those of followers.
    sessions: Vec<Session>,
    waiting: Waiting,
    groups: Box<Groups>,
    /// Requests behind a parked one: a connection is served one by one.
    ///
    /// Invariant: each connection once.
    queued: Vec<Queued>,
    /// Partitions whose parked requests must look again before the turn ends.
    touched: Vec<TopicPartition>,
    next_lag_check: Time,
    next_checkpoint: Time,
    next_producer_check: Time,
    next_retention_check: Time,
    /// The first of these four.
    next_timer: Time,
}

/// A connection with a parked request, and what was pipelined behind that.
#[derive(Clone, Debug, PartialEq)]
struct Queued {
    connection: ConnectionId,
    requests: VecDeque<(Correlation, Request)>,
}

/// What became of a request for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// It was answered, or needs no answer.
    Done,
    /// It waits.
    Parked,
    /// The connection was closed.
    Closed,
}

impl Default for BrokerDisk {
    fn default() -> BrokerDisk {
        let (logs, high_watermarks) = (Table::new(), Table::new());
        BrokerDisk { logs, high_watermarks, shutdown: Shutdown::Clean }
    }
}

impl Broker {
    /// Makes a process that will find `disk` when it starts.
    pub fn new(setup: BrokerSetup, disk: BrokerDisk) -> Broker {
        let flushing = disk.logs.iter().filter(|(_, log)| log.config().flushes());
        let flushing = flushing.map(|(&id, _)| id).collect();
        let replicas = disk.logs.into_iter().map(|(id, log)| (id, Box::new(Partition::new(log))));
        Broker {
            partitions: replicas.collect(),
            flushing,
            high_watermarks: disk.high_watermarks,
            shutdown: disk.shutdown,
            image: Image::default(),
            changed: Set::default(),
            lifecycle: Lifecycle::new(setup.controller),
            metadata: metadata::channel(setup.controller),
            alterations: Box::new(Alterations::new(setup.controller)),
            fetchers: Table::new(),
            sessions: Vec::new(),
            waiting: Waiting::default(),
            groups: Box::default(),
            queued: Vec::new(),
            touched: Vec::new(),
            next_lag_check: Time::MAX,
            next_checkpoint: Time::MAX,
            next_producer_check: Time::MAX,
            next_retention_check: Time::MAX,
            next_timer: Time::MAX,
            setup,
        }
    }

    /// Ends the process; what it wrote is on the disk, or in the page cache over it.
    pub fn into_disk(self) -> BrokerDisk {
        let logs = self.partitions.into_iter().map(|(id, replica)| (id, replica.log)).collect();
        BrokerDisk { logs, high_watermarks: self.high_watermarks, shutdown: self.shutdown }
    }

    /// Returns the log of a replica.
    pub fn log(&self, partition: TopicPartition) -> Option<&Log> {
        self.partitions.get(&partition).map(|replica| &replica.log)
    }

    /// Returns every log.
    pub fn logs(&self) -> impl Iterator<Item = (TopicPartition, &Log)> {
        self.partitions.iter().map(|(&id, replica)| (id, &replica.log))
    }

    /// Serves a request, or queues it behind one of its connection that waits.
    fn on_request(
        &mut self,
        connection: ConnectionId,
        correlation: Correlation,
        request: Request,
        turn: &mut Turn<'_>,
    ) {
        if !self.is_caught_up() {
            // Simplified: Kafka opens its port only after the first metadata was published.
            // Whoever is refused there is hung up on here: both make the caller try again.
            turn.close(connection);
            return;
        }
        match self.queue_of(connection) {
            Some(place) => self.queued[place].requests.push_back((correlation, request)),
            None => {
                if self.serve(connection, correlation, request, turn) == Served::Parked {
                    self.queued.push(Queued { connection, requests: VecDeque::new() });
                }
            }
        }
    }

    /// Returns where a connection with a parked request stands.
    fn queue_of(&self, connection: ConnectionId) -> Option<usize> {
        self.queued.iter().position(|queued| queued.connection == connection)
    }

    fn forget_queue(&mut self, connection: ConnectionId) {
        if let Some(place) = self.queue_of(connection) {
            self.queued.swap_remove(place);
        }
    }

    fn serve(
        &mut self,
        connection: ConnectionId,
        correlation: Correlation,
        request: Request,
        turn: &mut Turn<'_>,
    ) -> Served {
        let response = match request {
            Request::Produce(request) => {
                return self.on_produce(connection, correlation, &request, turn);
            }
            Request::Fetch(request) => {
                return self.on_fetch(connection, correlation, request, turn);
            }
            Request::ListOffsets(request) => {
                Response::ListOffsets(self.on_list_offsets(&request, turn))
            }
            Request::OffsetForLeaderEpoch(request) => {
                Response::OffsetForLeaderEpoch(self.on_epoch_ends(&request))
            }
            Request::DeleteRecords(request) => {
                Response::DeleteRecords(self.on_delete_records(request, turn))
            }
            Request::Metadata(request) => Response::Metadata(self.on_metadata_request(&request)),
            Request::InitProducerId(()) => Response::InitProducerId(self.on_init_producer_id(turn)),
            Request::FindCoordinator(request) => {
                Response::FindCoordinator(self.on_find_coordinator(&request.group, turn))
            }
            Request::JoinGroup(_)
            | Request::SyncGroup(_)
            | Request::Heartbeat(_)
            | Request::LeaveGroup(_)
            | Request::OffsetCommit(_)
            | Request::OffsetFetch(_)
            | Request::OffsetDelete(_)
            | Request::ConsumerGroupHeartbeat(_) => {
                return self.on_group_request(&request, (connection, correlation), turn);
            }
            Request::BrokerRegistration(_)
            | Request::BrokerHeartbeat(_)
            | Request::AlterPartition(_)
            | Request::FetchMetadata(_)
            | Request::CreateTopics(_)
            | Request::CreatePartitions(_)
            | Request::IncrementalAlterConfigs(_)
            | Request::ElectLeaders(_)
            | Request::AllocateProducerIds(_) => {
                panic!("brokers and operators send these to the controller")
            }
        };
        Broker::answer(connection, correlation, response, turn);
        Served::Done
    }

    fn answer(
        connection: ConnectionId,
        correlation: Correlation,
        response: Response,
        turn: &mut Turn<'_>,
    ) {
        turn.send(connection, Message::Response(correlation, response));
    }

    /// Marks a partition: what waits for it looks again before the turn ends.
    fn touch(&mut self, partition: TopicPartition) {
        self.wake(partition);
        self.waiting.note_news(partition);
        if !self.touched.contains(&partition) {
            self.touched.push(partition);
        }
    }

    /// Answers everything that waited for what this turn has changed. An answered request
    /// lets the next of its connection in, which may change more.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        if self.groups.has_freed() || !self.touched.is_empty() {
            self.settle_touched(turn);
        }
        self.send_alterations(turn);
        self.groups.look_up_deadline();
    }

    // Apart from `settle`, because most turns touch nothing.
    #[inline(never)]
    fn settle_touched(&mut self, turn: &mut Turn<'_>) {
        let mut idle = Idle::default();
        loop {
            if let Some(connection) = self.groups.next_freed() {
                self.let_next_in(connection, turn);
                continue;
            }
            let Some(partition) = self.touched.pop() else { break };
            if partition.topic == TopicId::CONSUMER_OFFSETS {
                self.settle_group_shard(partition.partition, turn);
            }
            let mut place = 0;
            while place < self.waiting.produces.len() {
                if !self.waiting.produces[place].waits_for(partition) {
                    place += 1;
                    continue;
                }
                let mut parked = self.waiting.produces.remove(place);
                if self.is_written(&mut parked, turn) {
                    let reply = Response::Produce(ProduceReply { partitions: parked.outcomes });
                    Broker::answer(parked.connection, parked.correlation, reply, turn);
                    self.let_next_in(parked.connection, turn);
                } else {
                    self.waiting.produces.insert(place, parked);
                    place += 1;
                }
            }
            self.settle_fetches(partition, &mut idle, turn);
        }
    }

    /// Answers the parked fetches of a partition that have something to say.
    fn settle_fetches(&mut self, partition: TopicPartition, idle: &mut Idle, turn: &mut Turn<'_>) {
        let mut place = 0;
        while place < self.waiting.fetches.len() {
            let parked = &self.waiting.fetches[place];
            if idle.holds(place, turn) || !parked.reads(partition) {
                place += 1;
                continue;
            }
            if !self.is_fetchable(parked) {
                idle.insert(place);
                place += 1;
                continue;
            }
            let parked = self.waiting.fetches.remove(place);
            let connection = parked.connection;
            self.answer_fetch(parked, turn);
            self.let_next_in(connection, turn);
            idle.clear();
        }
    }

    /// Serves what queued behind a request that has been answered.
    fn let_next_in(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        while let Some(place) = self.queue_of(connection) {
            let Some((correlation, request)) = self.queued[place].requests.pop_front() else {
                self.queued.swap_remove(place);
                return;
            };
            match self.serve(connection, correlation, request, turn) {
                Served::Done => {}
                Served::Parked => return,
                Served::Closed => self.forget_queue(connection),
            }
        }
    }

    /// Returns a replica together with the broker around it.
    ///
    /// # Errors
    /// `NOT_LEADER_OR_FOLLOWER` for a partition that lives elsewhere,
    /// `UNKNOWN_TOPIC_OR_PARTITION` for one that this broker has never heard of.
    fn replica(
        &mut self,
        partition: TopicPartition,
    ) -> Result<(Host<'_>, &mut Partition), ErrorCode> {
        let host = Host {
            broker: self.setup.id,
            partition,
            config: &self.setup.config,
            rules: self.setup.rules,
            image: &self.image,
        };
        match self.partitions.get_mut(&partition) {
            Some(replica) => Ok((host, replica)),
            None if self.image.partition(partition).is_some() => {
                Err(ErrorCode::NotLeaderOrFollower)
            }
            None => Err(ErrorCode::UnknownTopicOrPartition),
        }
    }

    fn check_lag(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<_> = self.partitions.keys().copied().collect();
        for id in ids {
            let Ok((host, replica)) = self.replica(id) else { continue };
            let Role::Leader(leader) = &mut replica.role else { continue };
            if leader.shrink_isr(&replica.log, &host, turn) {
                self.alterations.want(id);
            }
        }
    }

    fn expire_parked(&mut self, turn: &mut Turn<'_>) {
        while let Some(place) =
            self.waiting.produces.iter().position(|parked| parked.deadline <= turn.now)
        {
            let parked = self.waiting.produces.remove(place);
            let connection = parked.connection;
            self.give_up_waiting(parked, turn);
            self.let_next_in(connection, turn);
        }
        while let Some(place) =
            self.waiting.fetches.iter().position(|parked| parked.deadline <= turn.now)
        {
            let parked = self.waiting.fetches.remove(place);
            let connection = parked.connection;
            self.answer_fetch(parked, turn);
            self.let_next_in(connection, turn);
        }
    }

    fn note_first_timer(&mut self) {
        let first = self.next_lag_check.min(self.next_checkpoint);
        self.next_timer = first.min(self.next_producer_check).min(self.next_retention_check);
    }

    fn run_timers(&mut self, turn: &mut Turn<'_>) {
        if self.next_lag_check <= turn.now {
            self.check_lag(turn);
            self.next_lag_check = turn.now + lag_check_interval(&self.setup.config);
        }
        if self.next_checkpoint <= turn.now {
            self.checkpoint_high_watermarks();
            let interval = self.setup.config.high_watermark_checkpoint_interval;
            self.next_checkpoint = turn.now + interval;
        }
        if self.next_producer_check <= turn.now {
            let after = self.setup.config.producer_id_expiration;
            for replica in self.partitions.values_mut() {
                replica.log.expire_producers(turn.wall, after);
            }
            self.next_producer_check =
                turn.now + self.setup.config.producer_id_expiration_check_interval;
        }
        if self.next_retention_check <= turn.now {
            self.delete_old_segments(turn);
            let interval = self.setup.config.log_retention_check_interval;
            self.next_retention_check = turn.now + interval.max(Duration::from_millis(1));
        }
        self.note_first_timer();
    }
}

/// The leader looks for lagging followers twice per `replica.lag.time.max.ms`.
fn lag_check_interval(config: &BrokerConfig) -> Duration {
    Duration((config.replica_lag_time_max.0 / 2).max(1))
}

impl Node for Broker {
    fn on_start(&mut self, turn: &mut Turn<'_>) {
        for (id, replica) in &mut self.partitions {
            let checkpoint = self.high_watermarks.get(id).copied().unwrap_or(Offset::ZERO);
            replica.log.recover(checkpoint, self.shutdown, turn.now);
            let (start, end) = (replica.log.start(), replica.log.end());
            let high_watermark = replica.log.high_watermark();
            let (broker, partition) = (self.setup.id, *id);
            turn.note(Fact::LogLoaded { broker, partition, start, end, high_watermark });
        }
        self.shutdown = Shutdown::Crash; // the clean-shutdown file goes as soon as it was read
        self.next_lag_check = turn.now + lag_check_interval(&self.setup.config);
        self.next_checkpoint = turn.now + self.setup.config.high_watermark_checkpoint_interval;
        self.next_producer_check =
            turn.now + self.setup.config.producer_id_expiration_check_interval;
        self.next_retention_check = turn.now + removal::FIRST_CHECK_AFTER;
        self.note_first_timer();
        self.begin_life(turn);
        self.fetch_metadata(turn);
    }

    fn on_connection(
        &mut self,
        connection: ConnectionId,
        event: ConnectionEvent,
        turn: &mut Turn<'_>,
    ) {
        if connection.server == NodeId::Broker(self.setup.id) {
            self.waiting.forget(connection);
            self.end_session(connection);
            self.groups.forget(connection);
            self.forget_queue(connection);
            return;
        }
        if let NodeId::Broker(leader) = connection.server {
            let fetcher = self.fetchers.get_mut(&leader);
            let event = fetcher.and_then(|it| it.channel.on_connection(connection, event, turn));
            if let Some(event) = event {
                self.on_fetcher_event(leader, event, turn);
            }
        } else if let Some(event) = self.metadata.on_connection(connection, event, turn) {
            self.on_metadata_event(event, turn);
        } else if let Some(event) = self.lifecycle.channel.on_connection(connection, event, turn) {
            self.on_lifecycle_event(event, turn);
        } else if let Some(event) = self.alterations.channel.on_connection(connection, event, turn)
        {
            self.on_alteration_event(event, turn);
        }
        self.settle(turn);
    }

    fn on_message(&mut self, connection: ConnectionId, message: Message, turn: &mut Turn<'_>) {
        let (correlation, response) = match message {
            Message::Request(correlation, request) => {
                self.on_request(connection, correlation, request, turn);
                self.settle(turn);
                return;
            }
            Message::Response(correlation, response) => (correlation, response),
        };
        if let NodeId::Broker(leader) = connection.server {
            let fetcher = self.fetchers.get_mut(&leader);
            let event =
                fetcher.and_then(|it| it.channel.on_response(connection, correlation, response));
            if let Some(event) = event {
                self.on_fetcher_event(leader, event, turn);
            }
        } else if self.metadata.owns(connection) {
            if let Some(event) = self.metadata.on_response(connection, correlation, response) {
                self.on_metadata_event(event, turn);
            }
        } else if self.lifecycle.channel.owns(connection) {
            let channel = &mut self.lifecycle.channel;
            if let Some(event) = channel.on_response(connection, correlation, response) {
                self.on_lifecycle_event(event, turn);
            }
        } else {
            let channel = &mut self.alterations.channel;
            if let Some(event) = channel.on_response(connection, correlation, response) {
                self.on_alteration_event(event, turn);
            }
        }
        self.settle(turn);
    }

    fn on_deadline(&mut self, turn: &mut Turn<'_>) {
        if let Some(event) = self.metadata.on_deadline(turn) {
            self.on_metadata_event(event, turn);
        }
        self.fetch_metadata(turn);
        if let Some(event) = self.lifecycle.channel.on_deadline(turn) {
            self.on_lifecycle_event(event, turn);
        }
        self.speak(turn);
        if let Some(event) = self.alterations.channel.on_deadline(turn) {
            self.on_alteration_event(event, turn);
        }
        for place in 0..self.fetchers.len() {
            let (&leader, fetcher) = self.fetchers.at(place);
            match fetcher.channel.on_deadline(turn) {
                Some(event) => self.on_fetcher_event(leader, event, turn),
                None => self.fetch_from(leader, turn),
            }
        }
        self.expire_parked(turn);
        self.run_group_timers(turn);
        if self.next_timer <= turn.now {
            self.run_timers(turn);
        }
        self.flush_by_time(turn);
        self.settle(turn);
    }

    fn next_deadline(&self) -> Option<Time> {
        let mut first = self.next_timer;
        for id in self.flushing.iter() {
            first = sooner(first, self.partitions[id].log.next_flush());
        }
        for fetcher in self.fetchers.values() {
            first = sooner(first, fetcher.next_deadline());
        }
        first = sooner(first, self.metadata.reconnect_at());
        first = sooner(first, self.metadata.next_deadline());
        first = sooner(first, self.lifecycle.next_deadline());
        first = sooner(first, self.alterations.next_deadline());
        first = sooner(first, self.waiting.next_deadline());
        Some(sooner(first, self.groups.next_deadline()))
    }
}
