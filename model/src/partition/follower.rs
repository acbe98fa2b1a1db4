//! A partition's follower: how its log takes in, and is cut to, its leader's.
//!
//! Source: `AbstractFetcherThread`, `ReplicaFetcherThread`, `Partition.makeFollower`, Kafka 4.0.

use std::sync::Arc;

use crate::fact::{AppendRole, Fact, LogStartCause, TruncationCause};
use crate::ids::{BrokerId, LeaderEpoch, Offset};
use crate::log::batch::Batch;
use crate::log::{Clock, FollowerAppendError, Log};
use crate::message::data::{EpochEnd, FetchedPartition};
use crate::mutant::Mutant;
use crate::partition::Host;
use crate::rules::Truncation;
use crate::turn::Turn;

/// What a broker knows as follower of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    /// The leader's epoch.
    pub epoch: LeaderEpoch,
    /// The leader, if there is one.
    pub leader: Option<BrokerId>,
}

/// Where a log is to be cut, and whether both logs agree after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The log's new end.
    pub to: Offset,
    /// Whether another round must follow, with the epoch that is then the last.
    pub agreed: Agreed,
}

/// Whether both logs agree after a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreed {
    /// They do.
    Yes,
    /// The follower has to ask again.
    NotYet,
}

/// Decides where to cut after the leader has told where an epoch ends in its log.
///
/// Source: `AbstractFetcherThread.getOffsetTruncationState`, Kafka 4.0 (KIP-101, KIP-279).
pub fn cut_for(leader: EpochEnd, own: Option<EpochEnd>, end: Offset) -> Cut {
    match own {
        None => Cut { to: leader.end.min(end), agreed: Agreed::Yes },
        Some(own) if own.epoch != leader.epoch => {
            Cut { to: own.end.min(end), agreed: Agreed::NotYet }
        }
        Some(own) => Cut { to: own.end.min(leader.end).min(end), agreed: Agreed::Yes },
    }
}

/// Takes in what the leader sent: records, then its high watermark, then its log start.
///
/// # Errors
/// The log refused the records.
pub fn take_in(
    fetched: &FetchedPartition,
    log: &mut Log,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) -> Result<(), FollowerAppendError> {
    for batch in &fetched.batches {
        append(batch, log, host, turn)?;
    }
    let from = log.high_watermark();
    // Mutant: what it has, it takes for committed.
    let ahead = host.rules.has(Mutant::FollowerHwAhead);
    let told = if ahead { log.end() } else { fetched.high_watermark };
    if log.follow_high_watermark(told) {
        turn.note(Fact::HighWatermark {
            broker: host.broker,
            partition: host.partition,
            from,
            to: log.high_watermark(),
            waiting: None,
        });
    }
    let from = log.start();
    if log.advance_start(fetched.log_start) {
        note_start(from, log, host, turn);
    }
    Ok(())
}

/// Cuts the log where the leader said that it parts from its own; says whether it agrees now.
pub fn on_divergence(
    leader: EpochEnd,
    log: &mut Log,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) -> Agreed {
    let cut = cut_for(leader, log.end_offset_for(leader.epoch), log.end());
    truncate(cut.to, TruncationCause::Divergence, log, host, turn);
    cut.agreed
}

/// Cuts the log after the leader's answer to `OffsetForLeaderEpoch`, by the rules of the era.
pub fn on_epoch_end(
    answer: Option<EpochEnd>,
    log: &mut Log,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) -> Agreed {
    let Some(leader) = answer else {
        // The leader cannot tell: fall back to what is known to be committed.
        truncate(log.high_watermark(), TruncationCause::HighWatermark, log, host, turn);
        return Agreed::Yes;
    };
    let cut = match host.rules.truncation {
        // KIP-101 looked at the end only, not at the epoch that it belongs to.
        Truncation::ToHighWatermark | Truncation::ByEpochOnce => {
            Cut { to: leader.end.min(log.end()), agreed: Agreed::Yes }
        }
        Truncation::ByEpoch => cut_for(leader, log.end_offset_for(leader.epoch), log.end()),
    };
    truncate(cut.to, TruncationCause::EpochEnd, log, host, turn);
    cut.agreed
}

/// Removes everything from `to` on, and says so if there was something.
pub fn truncate(
    to: Offset,
    cause: TruncationCause,
    log: &mut Log,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) {
    let (broker, partition) = (host.broker, host.partition);
    let (from, high_watermark) = (log.end(), log.high_watermark());
    // Even where no record goes, the epochs that began at `to` without a record must.
    log.truncate_to(to);
    if to < from {
        turn.note(Fact::Truncated { broker, partition, from, to, cause });
    }
    if log.high_watermark() != high_watermark {
        let to = log.high_watermark();
        let from = high_watermark;
        turn.note(Fact::HighWatermark { broker, partition, from, to, waiting: None });
    }
}

/// Empties the log and lets it begin at the leader's start.
pub fn start_over(at: Offset, log: &mut Log, host: &Host<'_>, turn: &mut Turn<'_>) {
    let (broker, partition, from) = (host.broker, host.partition, log.end());
    let (start, high_watermark) = (log.start(), log.high_watermark());
    log.truncate_fully_and_start_at(at);
    let cause = TruncationCause::OutOfRange;
    turn.note(Fact::Truncated { broker, partition, from, to: at, cause });
    if start < at {
        note_start(start, log, host, turn);
    }
    if high_watermark != at {
        let (from, to) = (high_watermark, at);
        turn.note(Fact::HighWatermark { broker, partition, from, to, waiting: None });
    }
}

fn note_start(from: Offset, log: &Log, host: &Host<'_>, turn: &mut Turn<'_>) {
    let (broker, partition) = (host.broker, host.partition);
    let (to, cause) = (log.start(), LogStartCause::Leader);
    turn.note(Fact::LogStartMoved { broker, partition, from, to, cause });
}

fn append(
    batch: &Arc<Batch>,
    log: &mut Log,
    host: &Host<'_>,
    turn: &mut Turn<'_>,
) -> Result<(), FollowerAppendError> {
    log.append_as_follower(batch, Clock { now: turn.now, wall: turn.wall })?;
    host.written(batch, turn);
    turn.note(Fact::Appended {
        broker: host.broker,
        partition: host.partition,
        batch: batch.clone(),
        role: AppendRole::Follower,
    });
    Ok(())
}
