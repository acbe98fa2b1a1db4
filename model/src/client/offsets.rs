//! How a consumer asks leaders about its positions: where to reset them, whether they are
//! still good.
//!
//! One request per leader covers all partitions in question. While it is in flight they are
//! put off by `request.timeout.ms`, after a failure by `retry.backoff.ms`.
//!
//! Source: `OffsetFetcher`, `OffsetFetcherUtils`, `OffsetsForLeaderEpochUtils`, Kafka 4.0.
//! Left out: `offsetsForTimes`, `beginningOffsets`, `endOffsets`.

use std::collections::BTreeMap;

use crate::client::link::Link;
use crate::client::positions::{Position, Positions, ResetTo};
use crate::config::ConsumerConfig;
use crate::ids::{BrokerId, LeaderEpoch, Offset, TopicPartition};
use crate::message::data::{
    CurrentLeader, EpochEndReply, EpochEndRequest, Isolation, ListOffsetsReply, ListOffsetsRequest,
};
use crate::message::{ErrorCode, Request};
use crate::time::{Duration, Timestamp};
use crate::turn::Turn;

/// What a consumer has asked a broker.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// For records, each partition from its position.
    Fetch(Vec<(TopicPartition, Offset)>),
    /// Where to reset positions.
    Reset(Vec<(TopicPartition, ResetTo)>),
    /// Whether positions are still good.
    Validate(Vec<(TopicPartition, Position)>),
    /// Who coordinates the group.
    Coordinator,
    /// `offsetsForTimes`: the first offsets at or after these times.
    Times(Vec<(TopicPartition, Timestamp)>),
}

/// Asks leaders about positions, as often as the settings allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetFetcher {
    isolation: Isolation,
    request_timeout: Duration,
    retry_backoff: Duration,
}

impl From<&ConsumerConfig> for OffsetFetcher {
    fn from(config: &ConsumerConfig) -> OffsetFetcher {
        OffsetFetcher {
            isolation: config.isolation,
            request_timeout: config.request_timeout,
            retry_backoff: config.retry_backoff,
        }
    }
}

impl OffsetFetcher {
    /// Asks where to reset the positions that wait for it.
    ///
    /// Source: `OffsetFetcher.resetPositionsAsync`, Kafka 4.0.
    pub fn ask_resets(self, positions: &mut Positions, link: &mut Link<Ask>, turn: &mut Turn<'_>) {
        let mut by_leader: BTreeMap<BrokerId, Vec<_>> = BTreeMap::new();
        for (tp, reset) in positions.due_resets(turn.now) {
            match link.metadata().leader(tp) {
                Some(CurrentLeader { leader, epoch }) => {
                    by_leader.entry(leader).or_default().push((tp, epoch, reset.to));
                }
                None => link.request_update(),
            }
        }
        for (broker, resets) in by_leader {
            if !is_reachable(broker, link, turn) {
                continue;
            }
            self.postpone(resets.iter().map(|&(tp, ..)| tp), positions, turn);
            let partitions =
                resets.iter().map(|&(tp, epoch, to)| (tp, Some(epoch), to.spec())).collect();
            let request =
                ListOffsetsRequest { replica: None, isolation: self.isolation, partitions };
            let asked = resets.into_iter().map(|(tp, _, to)| (tp, to)).collect();
            link.send(broker, Request::ListOffsets(request), Ask::Reset(asked), turn);
        }
    }

    /// Asks whether the positions in doubt are still good.
    ///
    /// Source: `OffsetFetcher.validatePositionsAsync`, Kafka 4.0.
    pub fn ask_validations(
        self,
        positions: &mut Positions,
        link: &mut Link<Ask>,
        turn: &mut Turn<'_>,
    ) {
        let mut by_leader: BTreeMap<BrokerId, Vec<_>> = BTreeMap::new();
        for (tp, position) in positions.due_validations(turn.now) {
            let (leader, question) = epoch_question(tp, position);
            by_leader.entry(leader).or_default().push((position, question));
        }
        for (broker, doubtful) in by_leader {
            if !is_reachable(broker, link, turn) {
                continue;
            }
            self.postpone(doubtful.iter().map(|&(_, (tp, ..))| tp), positions, turn);
            let partitions = doubtful.iter().map(|&(_, question)| question).collect();
            let request = EpochEndRequest { replica: None, partitions };
            let asked = doubtful.into_iter().map(|(position, (tp, ..))| (tp, position)).collect();
            link.send(broker, Request::OffsetForLeaderEpoch(request), Ask::Validate(asked), turn);
        }
    }

    /// Takes in the offsets that a leader listed. Every error is worth another try.
    pub fn on_listed(
        self,
        asked: &[(TopicPartition, ResetTo)],
        reply: &ListOffsetsReply,
        positions: &mut Positions,
        link: &mut Link<Ask>,
        turn: &mut Turn<'_>,
    ) {
        for (&(tp, to), listed) in asked.iter().zip(&reply.partitions) {
            assert_eq!(tp, listed.partition, "answers come in the order of the questions");
            match (listed.error, listed.offset) {
                (ErrorCode::None, Some(offset)) => {
                    if let Some(epoch) = listed.leader_epoch {
                        link.metadata_mut().see_epoch(tp, epoch);
                    }
                    positions.on_listed(tp, to, offset, link.metadata().leader(tp), turn);
                }
                _ => self.on_failed([tp], positions, link, turn),
            }
        }
    }

    /// Takes in where the epochs of doubtful positions end. Every error is worth another try.
    pub fn on_epoch_ends(
        self,
        asked: &[(TopicPartition, Position)],
        reply: &EpochEndReply,
        positions: &mut Positions,
        link: &mut Link<Ask>,
        turn: &mut Turn<'_>,
    ) {
        for (&(tp, position), &(answered, outcome)) in asked.iter().zip(&reply.partitions) {
            assert_eq!(tp, answered, "answers come in the order of the questions");
            match outcome {
                Ok(end) => positions.on_epoch_end(tp, position, end, turn),
                Err(_) => self.on_failed([tp], positions, link, turn),
            }
        }
    }

    /// Tries again after a pause, with fresh metadata.
    pub fn on_failed(
        self,
        partitions: impl IntoIterator<Item = TopicPartition>,
        positions: &mut Positions,
        link: &mut Link<Ask>,
        turn: &mut Turn<'_>,
    ) {
        for tp in partitions {
            positions.postpone(tp, turn.now + self.retry_backoff);
        }
        link.request_update();
    }

    /// Does not ask again while an answer is on its way.
    fn postpone(
        self,
        partitions: impl Iterator<Item = TopicPartition>,
        positions: &mut Positions,
        turn: &Turn<'_>,
    ) {
        for tp in partitions {
            positions.postpone(tp, turn.now + self.request_timeout);
        }
    }
}

/// Says whether a request can be sent; if not, begins to connect.
fn is_reachable(broker: BrokerId, link: &mut Link<Ask>, turn: &mut Turn<'_>) -> bool {
    let is_ready = link.is_ready(broker, turn.now);
    if !is_ready {
        link.connect(broker, turn);
    }
    is_ready
}

type EpochQuestion = (TopicPartition, Option<LeaderEpoch>, LeaderEpoch);

/// Returns what to ask about a position in doubt, and whom.
fn epoch_question(tp: TopicPartition, position: Position) -> (BrokerId, EpochQuestion) {
    let leader = position.leader.expect("a position is doubted because of its leader");
    let epoch = position.offset_epoch.expect("a position is doubted because of its epoch");
    (leader.leader, (tp, Some(leader.epoch), epoch))
}
