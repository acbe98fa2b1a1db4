//! A partition's leader: appends, what it knows of its followers, the high watermark.
//!
//! Source: `Partition`, `Replica`, Kafka 4.0. Left out: reassignment, remote storage,
//! reads from followers (KIP-392), transaction verification.

use std::sync::Arc;

use crate::fact::{AppendRole, Fact, WaitSet};
use crate::ids::{BrokerEpoch, BrokerId, LeaderEpoch, Offset, PartitionEpoch, ReplicaSet};
use crate::image::{Image, PartitionRegistration};
use crate::log::batch::Batch;
use crate::log::{Appended, Clock, FoundOffset, Log};
use crate::message::ErrorCode;
use crate::message::data::{Acks, EpochEnd, FetchPartition, Isolation, OffsetSpec};
use crate::mutant::Mutant;
use crate::partition::Host;
use crate::partition::isr::Isr;
use crate::rules::Rules;
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// What a broker knows as leader of one partition in one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Leader {
    /// The epoch that it leads in.
    pub epoch: LeaderEpoch,
    /// The log's end when the epoch began.
    pub epoch_start: Offset,
    /// The registration that the next proposal compares with.
    pub partition_epoch: PartitionEpoch,
    /// The ISR.
    pub isr: Isr,
    /// The other replicas, in order of assignment.
    followers: Vec<FollowerState>,
}

/// What a leader knows of one follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerState {
    /// The follower.
    pub broker: BrokerId,
    /// It has everything below; `None` before its first fetch in this term.
    pub end: Option<Offset>,
    /// The registration that it fetched with last.
    pub broker_epoch: Option<BrokerEpoch>,
    /// When it last had everything that the leader had; `None` is never.
    pub caught_up_at: Option<Time>,
    /// When it fetched last (`None`: at no time that counts), and where the leader's log ended
    /// then; `None` before the first fetch.
    pub last_fetch: Option<(Option<Time>, Offset)>,
}

/// Where a produced batch lies, and from when on it counts as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The first record's offset.
    pub base_offset: Offset,
    /// The high watermark that `acks=all` waits for.
    pub end: Offset,
}

/// What a follower's fetch has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// There is a proposal for the controller.
    pub asks_for_isr: bool,
    /// The high watermark moved.
    pub commits: bool,
}

impl Learned {
    /// Nothing that others must hear of.
    pub const NOTHING: Learned = Learned { asks_for_isr: false, commits: false };
}

impl FollowerState {
    /// Describes a follower of which nothing has been heard.
    pub fn unknown(broker: BrokerId) -> FollowerState {
        FollowerState {
            broker,
            end: None,
            broker_epoch: None,
            caught_up_at: None,
            last_fetch: None,
        }
    }

    /// Says whether the follower has everything or had so not long ago.
    ///
    /// A follower that has everything never lags, however long it stays silent.
    ///
    /// Source: `Replica.isCaughtUp`, Kafka 4.0.
    pub fn is_caught_up(&self, leader_end: Offset, lag_max: Duration, now: Time) -> bool {
        self.end == Some(leader_end) || self.caught_up_at.is_some_and(|at| now - at <= lag_max)
    }

    /// Says whether the controller would let this follower into the ISR.
    ///
    /// Source: `Partition.isReplicaIsrEligible`, Kafka 4.0 (KIP-841, KIP-903).
    pub fn is_eligible(&self, image: &Image) -> bool {
        image.brokers.get(&self.broker).is_some_and(|registered| {
            let same_life = self.broker_epoch.is_none_or(|epoch| epoch == registered.epoch);
            registered.is_active() && same_life
        })
    }

    /// Learns from a fetch at `offset`: it acknowledges everything below.
    ///
    /// Reaching where the log ended at the previous fetch means that it had caught up then;
    /// otherwise a follower of a busy leader would never count as caught up.
    ///
    /// Source: `Replica.updateFetchStateOrThrow`, Kafka 4.0.
    pub fn on_fetch(&mut self, offset: Offset, leader_end: Offset, now: Time) {
        if leader_end <= offset {
            self.caught_up_at = self.caught_up_at.max(Some(now));
        } else if let Some((then, end_then)) = self.last_fetch
            && end_then <= offset
        {
            self.caught_up_at = self.caught_up_at.max(then);
        }
        self.last_fetch = Some((Some(now), leader_end));
        self.end = Some(offset);
    }
}

impl Leader {
    /// Takes over the partition at the end of `log`.
    ///
    /// The epoch enters the epoch cache even if nothing is ever written in it: followers
    /// that ask for an older epoch's end must get this place.
    ///
    /// Source: `Partition.makeLeader`, `Replica.resetReplicaState`, Kafka 4.0.
    pub fn begin(
        registration: &PartitionRegistration,
        before: Option<&Leader>,
        log: &mut Log,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> Leader {
        log.assign_epoch(registration.leader_epoch, log.end());
        // Mutant: followers have kept the sequences for nothing.
        if host.rules.has(Mutant::SequencesForgotten) {
            log.forget_producers();
        }
        let in_isr = |id: BrokerId| registration.isr.contains(id);
        let reset = |id: BrokerId| {
            let known = before.and_then(|leader| leader.follower(id));
            FollowerState {
                broker: id,
                end: known.and_then(|follower| follower.end),
                broker_epoch: known.and_then(|follower| follower.broker_epoch),
                caught_up_at: in_isr(id).then_some(turn.now),
                last_fetch: known.map(|_| (in_isr(id).then_some(turn.now), log.end())),
            }
        };
        let leader = Leader {
            epoch: registration.leader_epoch,
            epoch_start: log.end(),
            partition_epoch: registration.partition_epoch,
            isr: Isr::Settled(registration.isr),
            followers: others(registration, host.broker).map(reset).collect(),
        };
        turn.note(Fact::BecameLeader {
            broker: host.broker,
            partition: host.partition,
            epoch: leader.epoch,
            end: log.end(),
            high_watermark: log.high_watermark(),
        });
        leader
    }

    /// Takes in a newer registration of the same leader epoch.
    pub fn on_registration(&mut self, registration: &PartitionRegistration, broker: BrokerId) {
        self.isr = Isr::Settled(registration.isr);
        self.partition_epoch = registration.partition_epoch;
        let known = std::mem::take(&mut self.followers);
        let keep = |id: BrokerId| {
            let known = known.iter().find(|follower| follower.broker == id);
            known.copied().unwrap_or(FollowerState::unknown(id))
        };
        self.followers = others(registration, broker).map(keep).collect();
    }

    /// Returns what is known of a follower.
    pub fn follower(&self, id: BrokerId) -> Option<&FollowerState> {
        self.followers.iter().find(|follower| follower.broker == id)
    }

    /// Returns the smallest ISR that `acks=all` accepts: never more than there are replicas.
    pub fn isr_min(&self, log: &Log, rules: Rules) -> usize {
        // Mutant: however small the ISR is, it will do.
        if rules.has(Mutant::MinIsrIgnored) {
            return 1;
        }
        usize::from(log.config().min_insync_replicas).min(self.followers.len() + 1)
    }

    /// Appends a producer's batch, or recognises it as one that is there already.
    ///
    /// # Errors
    /// `NOT_ENOUGH_REPLICAS` with `acks=all` below `min.insync.replicas`, before anything is
    /// written; otherwise what the log says of the batch.
    ///
    /// Source: `Partition.appendRecordsToLeader`, Kafka 4.0.
    pub fn append(
        &mut self,
        batch: &Arc<Batch>,
        acks: Acks,
        log: &mut Log,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Placed, ErrorCode> {
        let (broker, partition) = (host.broker, host.partition);
        let refuse = |error, turn: &mut Turn<'_>| {
            let batch = batch.clone();
            turn.note(Fact::ProduceRefused { broker, partition, batch, error });
            Err(error)
        };
        if acks == Acks::All && self.isr.settled().len() < self.isr_min(log, host.rules) {
            return refuse(ErrorCode::NotEnoughReplicas, turn);
        }
        // Mutant: the answer without the deed.
        if host.rules.has(Mutant::CanaryAlways) && batch.records.list()[0].uid.0.is_multiple_of(10)
        {
            return Ok(Placed { base_offset: log.end(), end: log.end() });
        }
        // Mutant: whoever is unknown may begin anywhere.
        if host.rules.has(Mutant::NoSequenceCheck) {
            log.forget_producers();
        }
        // Mutant: a repeat of an older batch looks like a mistake.
        if host.rules.has(Mutant::WindowTooShort) {
            log.condense_producers();
        }
        let clock = Clock { now: turn.now, wall: turn.wall };
        match log.append_as_leader(batch, self.epoch, clock) {
            Ok(Appended::New(batch)) => {
                let placed = Placed { base_offset: batch.base_offset, end: batch.end() };
                host.written(&batch, turn);
                turn.note(Fact::Appended { broker, partition, batch, role: AppendRole::Leader });
                self.advance_high_watermark(log, host, turn);
                Ok(placed)
            }
            Ok(Appended::Duplicate { base_offset, end }) => {
                let batch = batch.clone();
                turn.note(Fact::DuplicateDropped { broker, partition, batch, base_offset });
                Ok(Placed { base_offset, end })
            }
            Err(error) => refuse(error.code(), turn),
        }
    }

    /// Learns how far a follower has got. Divergence has been ruled out before.
    ///
    /// # Errors
    /// `UNKNOWN_LEADER_EPOCH` or `NOT_LEADER_OR_FOLLOWER` for a broker that is no replica,
    /// the latter also for an earlier life of one (KIP-903).
    pub fn on_follower_fetch(
        &mut self,
        (broker, broker_epoch): (BrokerId, BrokerEpoch),
        fetch: &FetchPartition,
        log: &mut Log,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Learned, ErrorCode> {
        let is_stale = host
            .image
            .brokers
            .get(&broker)
            .is_some_and(|registered| broker_epoch < registered.epoch);
        let follower = self.followers.iter_mut().find(|follower| follower.broker == broker).ok_or(
            match fetch.current_leader_epoch {
                Some(_) => ErrorCode::UnknownLeaderEpoch,
                None => ErrorCode::NotLeaderOrFollower,
            },
        )?;
        if is_stale {
            return Err(ErrorCode::NotLeaderOrFollower);
        }
        let moved = follower.end != Some(fetch.offset);
        follower.broker_epoch = Some(broker_epoch);
        follower.on_fetch(fetch.offset, log.end(), turn.now);
        if moved {
            turn.note(Fact::FollowerFetched {
                broker: host.broker,
                follower: broker,
                partition: host.partition,
                end: fetch.offset,
            });
        }
        let asks_for_isr = self.grow_isr(broker, log, host, turn);
        let commits = moved && self.advance_high_watermark(log, host, turn);
        Ok(Learned { asks_for_isr, commits })
    }

    /// Learns when a follower that has everything and is in the ISR last said so again.
    pub fn on_repeated_fetch(&mut self, follower: BrokerId, at: Time) {
        let Some(follower) = self.followers.iter_mut().find(|it| it.broker == follower) else {
            return;
        };
        // A newer connection may have told more since.
        let is_latest = follower.last_fetch.is_none_or(|(then, _)| then < Some(at));
        if let Some(end) = follower.end
            && is_latest
        {
            follower.caught_up_at = follower.caught_up_at.max(Some(at));
            follower.last_fetch = Some((Some(at), end));
        }
    }

    /// Says where a follower's log leaves this one, if it does.
    ///
    /// # Errors
    /// `OFFSET_OUT_OF_RANGE` if the epoch lies in the future or the offset before the log.
    pub fn divergence(
        &self,
        fetch: &FetchPartition,
        log: &Log,
    ) -> Result<Option<EpochEnd>, ErrorCode> {
        let Some(epoch) = fetch.last_fetched_epoch else { return Ok(None) };
        log.divergence(epoch, fetch.offset).map_err(|_| ErrorCode::OffsetOutOfRange)
    }

    /// Finds the offset that a reader asks for; a follower, who has no isolation, sees the
    /// whole log.
    ///
    /// # Errors
    /// `OFFSET_NOT_AVAILABLE` to a client that asks for the end while a fresh leader may trail
    /// what the old one committed: better no answer than one that moves back.
    ///
    /// Source: `Partition.fetchOffsetForTimestamp`, Kafka 4.0.
    pub fn offset_for(
        &self,
        spec: OffsetSpec,
        isolation: Option<Isolation>,
        log: &Log,
    ) -> Result<Option<FoundOffset>, ErrorCode> {
        let bound = match isolation {
            None => log.end(),
            Some(Isolation::ReadUncommitted) => log.high_watermark(),
            Some(Isolation::ReadCommitted) => log.last_stable(),
        };
        let found = log.offset_for(spec, bound);
        let is_fresh = isolation.is_some() && log.high_watermark() < self.epoch_start;
        let is_end = spec == OffsetSpec::Latest || found.is_none();
        if is_fresh && is_end { Err(ErrorCode::OffsetNotAvailable) } else { Ok(found) }
    }

    /// Raises the high watermark to the smallest end offset in the maximal ISR (KIP-497).
    ///
    /// Also waits for a replica that is caught up and about to join: otherwise it could
    /// chase the leader for ever. Stays put below `min.insync.replicas` (KIP-966).
    ///
    /// Source: `Partition.maybeIncrementLeaderHW`, Kafka 4.0.
    pub fn advance_high_watermark(
        &mut self,
        log: &mut Log,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        if self.isr.settled().len() < self.isr_min(log, host.rules) {
            return false;
        }
        let maximal = self.isr.maximal();
        // Mutant: whoever is about to join does not count.
        let only_settled = host.rules.has(Mutant::HwIgnoresPendingIsr);
        let lag_max = host.config.replica_lag_time_max;
        let mut to = log.end();
        let mut waited_for = ReplicaSet::EMPTY.with(host.broker);
        for follower in &self.followers {
            let about_to_join = || {
                follower.is_caught_up(log.end(), lag_max, turn.now)
                    && follower.is_eligible(host.image)
            };
            let counts = match only_settled {
                true => self.isr.settled().contains(follower.broker),
                false => maximal.contains(follower.broker) || about_to_join(),
            };
            if counts {
                // A member that has not fetched in this term holds the high watermark.
                let Some(end) = follower.end else { return false };
                to = to.min(end);
                waited_for = waited_for.with(follower.broker);
            }
        }
        let from = log.high_watermark();
        if to <= from {
            return false;
        }
        log.advance_high_watermark(to);
        let waiting = WaitSet { epoch: self.epoch, isr: self.isr.settled(), waited_for };
        turn.note(Fact::HighWatermark {
            broker: host.broker,
            partition: host.partition,
            from,
            to,
            waiting: Some(waiting),
        });
        true
    }
}

fn others(
    registration: &PartitionRegistration,
    broker: BrokerId,
) -> impl Iterator<Item = BrokerId> {
    registration.replicas.iter().copied().filter(move |&id| id != broker)
}
