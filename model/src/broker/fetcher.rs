//! The replica fetchers: one per leader broker, each with one request in flight.
//!
//! A fetcher asks for epochs' ends where its era says so, then fetches; what it does with the
//! answers stands in [`crate::partition::follower`]. A fetch names what has changed since the
//! one before it on its connection (KIP-227).
//!
//! Source: `AbstractFetcherThread`, `ReplicaFetcherThread`, `RemoteLeaderEndPoint`,
//! `FetchSessionHandler`, Kafka 4.0.
//! Left out: several fetcher threads per leader (`num.replica.fetchers`), throttling, log
//! directories.

use crate::broker::{Broker, BrokerSetup};
use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::fact::{Fact, TruncationCause};
use crate::ids::{BrokerId, LeaderEpoch, NodeId, Offset, TopicPartition};
use crate::log::Log;
use crate::message::data::{
    EpochEndReply, EpochEndRequest, FetchPartition, FetchReply, FetchRequest, FetchedPartition,
    Isolation, ListOffsetsReply, ListOffsetsRequest, OffsetSpec,
};
use crate::message::{ErrorCode, Request, Response};
use crate::partition::follower::{self, Agreed};
use crate::rules::{FetchFencing, Rules, Truncation};
use crate::table::{Set, Table};
use crate::time::{Duration, Time, earliest};
use crate::turn::Turn;

/// Fetches all partitions that one leader leads.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetcher {
    /// The connection to the leader.
    pub channel: Channel<Asked>,
    /// The partitions, with how each stands.
    partitions: Table<TopicPartition, Assigned>,
    /// What the leader believes to be wanted: in which epoch, from where.
    pub(super) wanted: Table<TopicPartition, (LeaderEpoch, Offset)>,
    /// Where that may be wrong.
    ///
    /// Invariant: every partition that is not being fetched is here.
    changed: Set<TopicPartition>,
}

/// How fetching one partition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Assigned {
    /// The leader's epoch when fetching began.
    epoch: LeaderEpoch,
    phase: Phase,
    /// Left alone until then.
    not_before: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The leader must first tell where the last epoch ends.
    EpochEnd,
    /// Records are fetched from the log's end.
    Fetching,
    /// The log lies outside of the leader's: where does that end?
    LatestOffset,
    /// It does not end before ours: where does it start?
    EarliestOffset,
    /// The leader knows a newer epoch; only new metadata helps.
    Failed,
}

/// What was asked of the leader.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Records of all that is wanted.
    Records,
    /// Where epochs end, as follower in these.
    EpochEnds(Vec<(TopicPartition, LeaderEpoch)>),
    /// Ends of logs, as follower in these epochs.
    Offsets(Vec<(TopicPartition, LeaderEpoch)>),
}

impl Fetcher {
    fn new(leader: BrokerId, backoff: Duration) -> Fetcher {
        let pause = Backoff { first: backoff, max: backoff };
        let setup = Duration::from_secs(10);
        let setup = Backoff { first: setup, max: setup };
        let config = ChannelConfig { reconnect: pause, setup, in_flight_max: 1 };
        let channel = Channel::new(NodeId::Broker(leader), config);
        let (partitions, wanted) = (Table::new(), Table::new());
        Fetcher { channel, partitions, wanted, changed: Set::default() }
    }

    /// Returns when there is something to do. Whatever can be sent has been sent by now, so
    /// on an idle connection only delayed partitions are left.
    pub fn next_deadline(&self) -> Option<Time> {
        // Nearly always one is in flight.
        if 0 < self.channel.in_flight() {
            return self.channel.next_deadline();
        }
        let connect = self.channel.reconnect_at().filter(|_| !self.partitions.is_empty());
        let delayed = if self.channel.is_ready() { self.first_delayed() } else { None };
        earliest([connect, delayed, self.channel.next_deadline()])
    }

    /// Says whether every partition is being fetched.
    fn only_fetches(&self) -> bool {
        let mut doubtful = self.changed.iter().filter_map(|id| self.partitions.get(id));
        doubtful.all(|assigned| assigned.phase == Phase::Fetching)
    }

    fn first_delayed(&self) -> Option<Time> {
        let delayed = self.partitions.values().filter(|assigned| assigned.phase != Phase::Failed);
        delayed.map(|assigned| assigned.not_before).min()
    }

    /// Returns the partitions in this phase that are not left alone, with their epochs.
    fn ready(
        &self,
        phase: Phase,
        now: Time,
    ) -> impl Iterator<Item = (TopicPartition, LeaderEpoch)> + use<'_> {
        let ready = move |it: &Assigned| it.phase == phase && it.not_before <= now;
        self.partitions.iter().filter(move |(_, it)| ready(it)).map(|(&id, it)| (id, it.epoch))
    }

    /// Lets the leader hear with the next fetch how this partition stands.
    pub(super) fn note_changed(&mut self, partition: TopicPartition) {
        match self.partitions.contains_key(&partition) || self.wanted.contains_key(&partition) {
            true => self.changed.insert(partition),
            false => self.changed.remove(&partition),
        };
    }

    /// Begins anew with a leader that knows nothing of what is wanted.
    fn start_over(&mut self, until: Time) {
        for assigned in self.partitions.values_mut() {
            assigned.not_before = assigned.not_before.max(until);
        }
        self.wanted.clear();
        self.changed = self.partitions.keys().copied().collect();
    }
}

/// Whether an era truncates on taking over a leader, before anything is fetched.
fn asks_epoch_first(rules: Rules) -> bool {
    match (rules.truncation, rules.fetch_fencing) {
        (Truncation::ToHighWatermark, _) => false,
        (Truncation::ByEpochOnce, _) | (Truncation::ByEpoch, FetchFencing::None) => true,
        (Truncation::ByEpoch, FetchFencing::ByEpoch) => false,
    }
}

/// Whether fetches carry the last fetched epoch, so that the leader finds divergence.
fn truncates_on_fetch(rules: Rules) -> bool {
    let eras = (rules.truncation, rules.fetch_fencing);
    eras == (Truncation::ByEpoch, FetchFencing::ByEpoch)
}

/// Returns the leader epoch as requests of this era carry it.
fn told(epoch: LeaderEpoch, rules: Rules) -> Option<LeaderEpoch> {
    (rules.fetch_fencing == FetchFencing::ByEpoch).then_some(epoch)
}

/// Returns what is wanted of a partition with this log.
fn ask_for(
    partition: TopicPartition,
    assigned: &Assigned,
    log: &Log,
    setup: &BrokerSetup,
) -> FetchPartition {
    FetchPartition {
        partition,
        current_leader_epoch: told(assigned.epoch, setup.rules),
        offset: log.end(),
        last_fetched_epoch: log.latest_epoch().filter(|_| truncates_on_fetch(setup.rules)),
        log_start: log.start(),
        high_watermark: Some(log.high_watermark()),
        bytes_max: setup.config.replica_fetch_bytes_max,
    }
}

impl Broker {
    /// Follows `leader` from here on, or nobody.
    pub(super) fn follow(
        &mut self,
        partition: TopicPartition,
        leader: Option<BrokerId>,
        epoch: LeaderEpoch,
        turn: &mut Turn<'_>,
    ) {
        self.stop_following(partition);
        let Some(leader) = leader else { return };
        let asks = asks_epoch_first(self.setup.rules)
            && self.partitions[&partition].log.latest_epoch().is_some();
        let phase = if asks { Phase::EpochEnd } else { Phase::Fetching };
        let backoff = self.setup.config.replica_fetch_backoff;
        let fetcher = self.fetchers.get_or_insert_with(leader, || Fetcher::new(leader, backoff));
        fetcher.partitions.insert(partition, Assigned { epoch, phase, not_before: Time::ZERO });
        fetcher.note_changed(partition);
        self.fetch_from(leader, turn);
    }

    /// Stops fetching a partition, whoever leads it.
    pub(super) fn stop_following(&mut self, partition: TopicPartition) {
        for fetcher in self.fetchers.values_mut() {
            fetcher.partitions.remove(&partition);
            fetcher.note_changed(partition);
        }
    }

    /// Sends the next request to a leader, if none is in flight and there is one to send.
    pub(super) fn fetch_from(&mut self, leader: BrokerId, turn: &mut Turn<'_>) {
        let Some(fetcher) = self.fetchers.get_mut(&leader) else { return };
        if fetcher.partitions.is_empty() {
            return;
        }
        if !fetcher.channel.is_open() {
            fetcher.channel.connect(turn);
            return;
        }
        if !fetcher.channel.is_ready() {
            return;
        }
        // Nearly always there is nothing to ask but records.
        let other = match fetcher.only_fetches() {
            true => None,
            false => {
                let fetcher = &self.fetchers[&leader];
                self.ask_epoch_ends(fetcher, turn.now)
                    .or_else(|| self.ask_offsets(fetcher, turn.now))
            }
        };
        if let Some((request, asked)) = other.or_else(|| self.ask_records(leader, turn.now)) {
            let timeout = self.setup.config.replica_socket_timeout;
            let fetcher = self.fetchers.get_mut(&leader).expect("it was just there");
            fetcher.channel.send(request, timeout, asked, turn);
        }
    }

    fn ask_epoch_ends(&self, fetcher: &Fetcher, now: Time) -> Option<(Request, Asked)> {
        let (mut partitions, mut asked) = (Vec::new(), Vec::new());
        for (id, epoch) in fetcher.ready(Phase::EpochEnd, now) {
            if let Some(last) = self.partitions[&id].log.latest_epoch() {
                partitions.push((id, told(epoch, self.setup.rules), last));
                asked.push((id, epoch));
            }
        }
        let request = EpochEndRequest { replica: Some(self.setup.id), partitions };
        (!asked.is_empty())
            .then_some((Request::OffsetForLeaderEpoch(request), Asked::EpochEnds(asked)))
    }

    fn ask_offsets(&self, fetcher: &Fetcher, now: Time) -> Option<(Request, Asked)> {
        let (mut partitions, mut asked) = (Vec::new(), Vec::new());
        let ends = fetcher.ready(Phase::LatestOffset, now).map(|it| (it, OffsetSpec::Latest));
        let starts = fetcher.ready(Phase::EarliestOffset, now).map(|it| (it, OffsetSpec::Earliest));
        for ((id, epoch), spec) in ends.chain(starts) {
            partitions.push((id, told(epoch, self.setup.rules), spec));
            asked.push((id, epoch));
        }
        let isolation = Isolation::ReadUncommitted;
        let request = ListOffsetsRequest { replica: Some(self.setup.id), isolation, partitions };
        (!asked.is_empty()).then_some((Request::ListOffsets(request), Asked::Offsets(asked)))
    }

    fn ask_records(&mut self, leader: BrokerId, now: Time) -> Option<(Request, Asked)> {
        let broker_epoch = self.lifecycle.epoch?;
        let Broker { setup, partitions: replicas, fetchers, .. } = self;
        let Fetcher { partitions: followed, wanted, changed, .. } = fetchers.get_mut(&leader)?;
        let (mut partitions, mut forgotten) =
            (Vec::with_capacity(changed.as_slice().len()), Vec::new());
        for &partition in changed.iter() {
            let assigned = followed.get(&partition);
            match assigned.filter(|it| it.phase == Phase::Fetching && it.not_before <= now) {
                Some(assigned) => {
                    partitions.push(ask_for(partition, assigned, &replicas[&partition].log, setup));
                }
                None if wanted.contains_key(&partition) => forgotten.push(partition),
                None => {}
            }
        }
        if partitions.is_empty() && forgotten.len() == wanted.len() {
            return None; // nothing would be left to fetch
        }
        let mut news = partitions.iter().peekable();
        changed.retain(|partition| match news.next_if(|it| it.partition == *partition) {
            Some(it) => {
                wanted.insert(*partition, (followed[partition].epoch, it.offset));
                false
            }
            None => {
                let is_known = followed.contains_key(partition);
                let is_forgotten = wanted.remove(partition).is_some();
                is_known || !is_forgotten
            }
        });
        let config = &setup.config;
        let request = FetchRequest {
            replica: Some((setup.id, broker_epoch)),
            wait_max: config.replica_fetch_wait_max,
            bytes_min: config.replica_fetch_bytes_min,
            bytes_max: config.replica_fetch_response_bytes_max,
            isolation: Isolation::ReadUncommitted,
            partitions,
            forgotten: Some(forgotten),
        };
        Some((Request::Fetch(request), Asked::Records))
    }

    /// Takes in what happened on a fetcher's connection.
    pub(super) fn on_fetcher_event(
        &mut self,
        leader: BrokerId,
        event: ChannelEvent<Asked>,
        turn: &mut Turn<'_>,
    ) {
        match event {
            ChannelEvent::Ready => {}
            ChannelEvent::Lost(_) => {
                let until = turn.now + self.setup.config.replica_fetch_backoff;
                if let Some(fetcher) = self.fetchers.get_mut(&leader) {
                    fetcher.start_over(until);
                }
            }
            ChannelEvent::Response(Asked::Records, Response::Fetch(reply)) => {
                self.on_fetched(leader, &reply, turn);
            }
            ChannelEvent::Response(
                Asked::EpochEnds(asked),
                Response::OffsetForLeaderEpoch(reply),
            ) => {
                self.on_epoch_ends_told(leader, &asked, &reply, turn);
            }
            ChannelEvent::Response(Asked::Offsets(asked), Response::ListOffsets(reply)) => {
                self.on_offsets_told(leader, &asked, &reply, turn);
            }
            ChannelEvent::Response(..) => {}
        }
        self.fetch_from(leader, turn);
    }

    fn on_fetched(&mut self, leader: BrokerId, reply: &FetchReply, turn: &mut Turn<'_>) {
        let mut news = reply.partitions.iter().peekable();
        // What is not news can still be due for a flush.
        let flushing: Vec<_> = self.flushing.iter().copied().collect();
        for partition in flushing {
            while let Some(fetched) = news.next_if(|fetched| fetched.partition < partition) {
                self.on_partition_fetched(leader, fetched, turn);
            }
            match news.next_if(|fetched| fetched.partition == partition) {
                Some(fetched) => self.on_partition_fetched(leader, fetched, turn),
                None if self.is_current(leader, partition).is_some() => {
                    self.flush_when_due(partition, turn);
                }
                None => {}
            }
        }
        for fetched in news {
            self.on_partition_fetched(leader, fetched, turn);
        }
    }

    fn on_partition_fetched(
        &mut self,
        leader: BrokerId,
        fetched: &FetchedPartition,
        turn: &mut Turn<'_>,
    ) {
        let partition = fetched.partition;
        let Some(is_same_term) = self.is_current(leader, partition) else { return };
        // It is fetched, so the leader is told of it.
        if let Some(fetcher) = self.fetchers.get_mut(&leader) {
            fetcher.changed.insert(partition);
        }
        match fetched.error {
            ErrorCode::None => self.take_in(leader, fetched, turn),
            // It was the term before this one that was fenced.
            ErrorCode::FencedLeaderEpoch if !is_same_term => {}
            error => self.on_partition_error(leader, partition, error, turn.now),
        }
    }

    /// Returns something if a partition is fetched from where the last request said, since its
    /// log may have moved since that left: whether it is in the same term.
    fn is_current(&self, leader: BrokerId, partition: TopicPartition) -> Option<bool> {
        let fetcher = self.fetchers.get(&leader)?;
        let assigned = fetcher.partitions.get(&partition)?;
        let &(epoch, offset) = fetcher.wanted.get(&partition)?;
        let is_current = assigned.phase == Phase::Fetching
            && self.log(partition).is_some_and(|log| log.end() == offset);
        is_current.then_some(assigned.epoch == epoch)
    }

    fn take_in(&mut self, leader: BrokerId, fetched: &FetchedPartition, turn: &mut Turn<'_>) {
        let partition = fetched.partition;
        let backoff = self.setup.config.replica_fetch_backoff;
        let Ok((host, replica)) = self.replica(partition) else { return };
        if let Some(at) = fetched.diverging {
            // The next fetch starts from the cut and carries the epoch that is then the last.
            let _next_round = follower::on_divergence(at, &mut replica.log, &host, turn);
            return;
        }
        let taken = follower::take_in(fetched, &mut replica.log, &host, turn);
        self.flush_when_due(partition, turn);
        if taken.is_err()
            && let Some(assigned) = self.assigned(leader, partition)
        {
            assigned.not_before = turn.now + backoff;
        }
    }

    fn on_partition_error(
        &mut self,
        leader: BrokerId,
        partition: TopicPartition,
        error: ErrorCode,
        now: Time,
    ) {
        let backoff = self.setup.config.replica_fetch_backoff;
        let Some(assigned) = self.assigned(leader, partition) else { return };
        match error {
            ErrorCode::OffsetOutOfRange => assigned.phase = Phase::LatestOffset,
            ErrorCode::FencedLeaderEpoch => assigned.phase = Phase::Failed,
            _ => assigned.not_before = now + backoff,
        }
    }

    fn on_epoch_ends_told(
        &mut self,
        leader: BrokerId,
        asked: &[(TopicPartition, LeaderEpoch)],
        reply: &EpochEndReply,
        turn: &mut Turn<'_>,
    ) {
        for (&(partition, answer), &(_, epoch)) in reply.partitions.iter().zip(asked) {
            if self.phase_in(leader, partition, epoch) != Some(Phase::EpochEnd) {
                continue; // another term has begun since
            }
            let end = match answer {
                Ok(end) => end,
                Err(error) => {
                    self.on_partition_error(leader, partition, error, turn.now);
                    continue;
                }
            };
            let Ok((host, replica)) = self.replica(partition) else { continue };
            if let Some(at) = end {
                let follower = host.broker;
                turn.note(Fact::Diverged { broker: leader, follower, partition, at });
            }
            let agreed = follower::on_epoch_end(end, &mut replica.log, &host, turn);
            let is_empty = replica.log.latest_epoch().is_none();
            if let Some(assigned) = self.assigned(leader, partition)
                && (agreed == Agreed::Yes || is_empty)
            {
                assigned.phase = Phase::Fetching;
            }
        }
    }

    /// Moves a log that lies outside of the leader's.
    ///
    /// Source: `AbstractFetcherThread.fetchOffsetAndApplyTruncateAndBuild`, Kafka 4.0.
    fn on_offsets_told(
        &mut self,
        leader: BrokerId,
        asked: &[(TopicPartition, LeaderEpoch)],
        reply: &ListOffsetsReply,
        turn: &mut Turn<'_>,
    ) {
        for (listed, &(partition, epoch)) in reply.partitions.iter().zip(asked) {
            let Some(phase) = self.phase_in(leader, partition, epoch) else { continue };
            let (ErrorCode::None, Some(offset)) = (listed.error, listed.offset) else {
                self.on_partition_error(leader, partition, listed.error, turn.now);
                continue;
            };
            let Ok((host, replica)) = self.replica(partition) else { continue };
            let log = &mut replica.log;
            let next = match phase {
                Phase::LatestOffset if offset < log.end() => {
                    follower::truncate(offset, TruncationCause::OutOfRange, log, &host, turn);
                    Phase::Fetching
                }
                Phase::LatestOffset => Phase::EarliestOffset,
                Phase::EarliestOffset => {
                    if log.end() < offset {
                        follower::start_over(offset, log, &host, turn);
                    }
                    Phase::Fetching
                }
                Phase::EpochEnd | Phase::Fetching | Phase::Failed => continue,
            };
            if let Some(assigned) = self.assigned(leader, partition) {
                assigned.phase = next;
            }
        }
    }

    /// Returns how fetching a partition stands, if the follower is still in that epoch.
    fn phase_in(
        &mut self,
        leader: BrokerId,
        partition: TopicPartition,
        epoch: LeaderEpoch,
    ) -> Option<Phase> {
        self.assigned(leader, partition).filter(|it| it.epoch == epoch).map(|it| it.phase)
    }

    fn assigned(&mut self, leader: BrokerId, partition: TopicPartition) -> Option<&mut Assigned> {
        self.fetchers.get_mut(&leader)?.partitions.get_mut(&partition)
    }
}
