//! Fetch, ListOffsets and OffsetForLeaderEpoch: what followers and consumers read.
//!
//! Source: `ReplicaManager.fetchMessages`, `readFromLog`, `DelayedFetch`,
//! `Partition.fetchRecords`, `fetchOffsetForTimestamp`, Kafka 4.0. Left out: reads from followers,
//! sessions of consumers (each of their requests names its partitions; only bytes differ).

use crate::broker::waiting::ParkedFetch;
use crate::broker::{Broker, Served};
use crate::fact::Fact;
use crate::ids::{ConnectionId, LeaderEpoch, Offset, TopicPartition};
use crate::log::{AtLeastOne, Log};
use crate::message::data::{
    EpochEnd, EpochEndReply, EpochEndRequest, FetchPartition, FetchReply, FetchRequest,
    FetchedPartition, Isolation, ListOffsetsReply, ListOffsetsRequest, ListedOffset, OffsetSpec,
};
use crate::message::{Correlation, ErrorCode, Response};
use crate::mutant::Mutant;
use crate::partition::{Host, Partition, Role, leader::Learned};
use crate::turn::Turn;

/// Whether a read also tells the leader how far its follower has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// The request has just arrived.
    First,
    /// It was parked; the follower's progress is known already.
    Again,
}

/// What a look at one partition has found.
enum Found {
    News(FetchedPartition),
    /// No news for a follower.
    Nothing,
    /// The same, and none to come before something happens to the partition.
    Settled,
}

/// Answers collected so far.
struct Reads {
    partitions: Vec<FetchedPartition>,
    /// The places of these in the request.
    places: Vec<usize>,
    bytes: u32,
    /// Something that must not wait: an error or a divergence.
    urgent: bool,
    /// Those of which a follower knows everything.
    settled: Vec<TopicPartition>,
}

impl Broker {
    /// Serves a fetch at once if there is enough to say, or parks it.
    pub(super) fn on_fetch(
        &mut self,
        connection: ConnectionId,
        correlation: Correlation,
        mut request: FetchRequest,
        turn: &mut Turn<'_>,
    ) -> Served {
        request.bytes_max = request.bytes_max.min(self.setup.config.fetch_bytes_max);
        request.bytes_min = request.bytes_min.min(request.bytes_max);
        let awake = self.complete_fetch(connection, &mut request, turn.now);
        let reads = self.read(&request, awake, Reading::First, turn);
        self.let_rest(connection, &reads.settled);
        // Mutant: the request is put nowhere.
        if request.replica.is_some() && self.setup.rules.has(Mutant::CanaryLiveness) {
            return Served::Parked;
        }
        let now = reads.urgent
            || request.bytes_min <= reads.bytes
            || request.wait_max.0 == 0
            || request.partitions.is_empty();
        if now {
            let reply = Response::Fetch(FetchReply { partitions: reads.partitions });
            Broker::answer(connection, correlation, reply, turn);
            self.keep_wanted(connection, request.partitions);
            return Served::Done;
        }
        let deadline = turn.now + request.wait_max;
        let news = reads.places;
        self.waiting.fetches.push(ParkedFetch { connection, correlation, deadline, request, news });
        // What this very fetch has committed is news since it was read.
        let Broker { waiting, touched, .. } = self;
        touched.iter().for_each(|&partition| waiting.note_news(partition));
        Served::Parked
    }

    /// Says whether a parked fetch has something to say by now.
    pub(super) fn is_fetchable(&self, parked: &ParkedFetch) -> bool {
        let request = &parked.request;
        let mut bytes = 0;
        for wanted in parked.news.iter().map(|&place| &request.partitions[place]) {
            let Some(replica) = self.partitions.get(&wanted.partition) else { return true };
            let leads = matches!(replica.role, Role::Leader(_));
            let fenced = wanted
                .current_leader_epoch
                .is_some_and(|epoch| Some(epoch) != replica.leader_epoch());
            let bound = bound(request, &replica.log);
            if !leads || fenced || replica.log.end() < wanted.offset {
                return true;
            }
            bytes += replica.log.bytes_between(wanted.offset, bound, request.bytes_min);
            if request.bytes_min <= bytes {
                return true;
            }
        }
        false
    }

    /// Answers a parked fetch with what there is.
    pub(super) fn answer_fetch(&mut self, parked: ParkedFetch, turn: &mut Turn<'_>) {
        let reads = self.read(&parked.request, parked.news, Reading::Again, turn);
        let reply = Response::Fetch(FetchReply { partitions: reads.partitions });
        Broker::answer(parked.connection, parked.correlation, reply, turn);
        self.keep_wanted(parked.connection, parked.request.partitions);
    }

    /// Finds offsets by time, or the ends of logs.
    pub(super) fn on_list_offsets(
        &mut self,
        request: &ListOffsetsRequest,
        turn: &mut Turn<'_>,
    ) -> ListOffsetsReply {
        let answer = |&(partition, epoch, spec): &(_, _, _)| {
            let found = self.list_offset(partition, epoch, spec, request);
            if let (Ok(listed), None) = (&found, request.replica) {
                let (broker, offset) = (self.setup.id, listed.offset);
                turn.note(Fact::OffsetListed { broker, partition, spec, offset });
            }
            found.unwrap_or_else(|error| ListedOffset {
                partition,
                error,
                offset: None,
                timestamp: None,
                leader_epoch: None,
            })
        };
        ListOffsetsReply { partitions: request.partitions.iter().map(answer).collect() }
    }

    /// Tells where leader epochs end in the logs that this broker leads.
    pub(super) fn on_epoch_ends(&mut self, request: &EpochEndRequest) -> EpochEndReply {
        let answer = |&(partition, known, epoch): &(_, _, _)| {
            (partition, self.epoch_end(partition, known, epoch))
        };
        EpochEndReply { partitions: request.partitions.iter().map(answer).collect() }
    }

    fn epoch_end(
        &mut self,
        partition: TopicPartition,
        known: Option<LeaderEpoch>,
        epoch: LeaderEpoch,
    ) -> Result<Option<EpochEnd>, ErrorCode> {
        let (_, replica) = self.replica(partition)?;
        let (_, log) = replica.leader_for(known)?;
        Ok(log.end_offset_for(epoch))
    }

    fn list_offset(
        &mut self,
        partition: TopicPartition,
        epoch: Option<LeaderEpoch>,
        spec: OffsetSpec,
        request: &ListOffsetsRequest,
    ) -> Result<ListedOffset, ErrorCode> {
        let (_, replica) = self.replica(partition)?;
        let (leader, log) = replica.leader_for(epoch)?;
        let isolation = request.replica.is_none().then_some(request.isolation);
        let found = leader.offset_for(spec, isolation, log)?;
        Ok(ListedOffset {
            partition,
            error: ErrorCode::None,
            offset: found.map(|found| found.offset),
            timestamp: found.and_then(|found| found.timestamp),
            leader_epoch: found.and_then(|found| found.epoch),
        })
    }

    /// Reads the partitions at these places of a request.
    fn read(
        &mut self,
        request: &FetchRequest,
        places: Vec<usize>,
        reading: Reading,
        turn: &mut Turn<'_>,
    ) -> Reads {
        let (partitions, settled) = (Vec::new(), Vec::new());
        let mut reads = Reads { partitions, places, bytes: 0, urgent: false, settled };
        let mut places = std::mem::take(&mut reads.places);
        let mut left = places.len();
        places.retain(|&place| {
            left -= 1;
            let wanted = &request.partitions[place];
            let fetched = match self.read_partition(wanted, request, &reads, reading, turn) {
                Ok(Found::News(fetched)) => fetched,
                Ok(Found::Nothing) => return false,
                Ok(Found::Settled) => {
                    reads.settled.push(wanted.partition);
                    return false;
                }
                Err(error) => {
                    let (broker, partition) = (self.setup.id, wanted.partition);
                    let follower = request.replica.map(|(id, _)| id);
                    turn.note(Fact::FetchRefused { broker, follower, partition, error });
                    FetchedPartition {
                        current_leader: self.leader_hint(wanted.partition, error),
                        ..empty(wanted.partition, error)
                    }
                }
            };
            reads.urgent |= fetched.error != ErrorCode::None || fetched.diverging.is_some();
            reads.bytes += fetched.batches.iter().map(|batch| batch.records.bytes()).sum::<u32>();
            if reads.partitions.is_empty() {
                reads.partitions.reserve_exact(1 + left);
            }
            reads.partitions.push(fetched);
            true
        });
        reads.places = places;
        reads
    }

    /// Reads one partition.
    fn read_partition(
        &mut self,
        wanted: &FetchPartition,
        request: &FetchRequest,
        reads: &Reads,
        reading: Reading,
        turn: &mut Turn<'_>,
    ) -> Result<Found, ErrorCode> {
        let (host, replica) = self.replica(wanted.partition)?;
        let (fetched, learned) =
            read_replica(replica, wanted, request, reads, reading, &host, turn)?;
        if learned.asks_for_isr {
            self.alterations.want(wanted.partition);
        }
        if learned.commits {
            self.touch(wanted.partition);
        }
        let Some(fetched) = fetched else {
            let is_settled = reading == Reading::First
                && learned == Learned::NOTHING
                && self.has_in_isr(wanted.partition, request);
            return Ok(if is_settled { Found::Settled } else { Found::Nothing });
        };
        Ok(Found::News(fetched))
    }

    /// Says whether the follower that fetches is settled in the ISR.
    fn has_in_isr(&self, partition: TopicPartition, request: &FetchRequest) -> bool {
        let role = self.partitions.get(&partition).map(|replica| &replica.role);
        let (Some(Role::Leader(leader)), Some((follower, _))) = (role, request.replica) else {
            return false;
        };
        leader.isr.settled().contains(follower)
    }
}

fn read_replica(
    replica: &mut Partition,
    wanted: &FetchPartition,
    request: &FetchRequest,
    reads: &Reads,
    reading: Reading,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) -> Result<(Option<FetchedPartition>, Learned), ErrorCode> {
    let partition = wanted.partition;
    let (leader, log) = replica.leader_for(wanted.current_leader_epoch)?;
    if let Some(follower) = request.replica
        && has_no_news(wanted, log)
    {
        let learned = match reading {
            Reading::First => leader.on_follower_fetch(follower, wanted, log, host, turn)?,
            Reading::Again => Learned::NOTHING,
        };
        return Ok((None, learned));
    }
    // Read before learning: the answer carries the old high watermark, so a follower hears of
    // a commit one fetch after its leader does.
    let mut fetched = FetchedPartition {
        high_watermark: log.high_watermark(),
        last_stable: log.last_stable(),
        log_start: log.start(),
        ..empty(partition, ErrorCode::None)
    };
    if let Some(follower) = request.replica {
        fetched.diverging = leader.divergence(wanted, log)?;
        if let Some(at) = fetched.diverging {
            let broker = host.broker;
            turn.note(Fact::Diverged { broker, follower: follower.0, partition, at });
            return Ok((Some(fetched), Learned::NOTHING));
        }
    }
    let bytes_max = wanted.bytes_max.min(request.bytes_max.saturating_sub(reads.bytes));
    let at_least_one = if reads.bytes == 0 { AtLeastOne::Yes } else { AtLeastOne::No };
    fetched.batches = log
        .read(wanted.offset, bound(request, log), bytes_max, at_least_one)
        .map_err(|_| ErrorCode::OffsetOutOfRange)?;
    let learned = match (request.replica, reading) {
        (Some(follower), Reading::First) => {
            leader.on_follower_fetch(follower, wanted, log, host, turn)?
        }
        _ => Learned::NOTHING,
    };
    Ok((Some(fetched), learned))
}

/// Says whether a follower has everything that its leader has and knows everything about it.
fn has_no_news(wanted: &FetchPartition, log: &Log) -> bool {
    let Some(known) = wanted.high_watermark else { return false };
    let same_epoch =
        wanted.last_fetched_epoch.is_none() || wanted.last_fetched_epoch == log.latest_epoch();
    wanted.offset == log.end()
        && same_epoch
        && log.start() <= wanted.log_start
        && log.high_watermark().clamp(wanted.log_start, wanted.offset) == known
}

/// Returns the offset that a reader may not read past.
fn bound(request: &FetchRequest, log: &Log) -> Offset {
    match (request.replica, request.isolation) {
        (Some(_), _) => log.end(),
        (None, Isolation::ReadUncommitted) => log.high_watermark(),
        (None, Isolation::ReadCommitted) => log.last_stable(),
    }
}

fn empty(partition: TopicPartition, error: ErrorCode) -> FetchedPartition {
    FetchedPartition {
        partition,
        error,
        high_watermark: Offset::ZERO,
        last_stable: Offset::ZERO,
        log_start: Offset::ZERO,
        diverging: None,
        current_leader: None,
        batches: Vec::new(),
    }
}
