//! What a broker deletes: records that an operator wants gone, and old segments.
//!
//! Source: `LogManager.cleanupLogs`, `ReplicaManager.deleteRecords`, `Partition.deleteRecordsOnLeader`, Kafka 4.0.

use crate::broker::Broker;
use crate::fact::{Fact, LogStartCause};
use crate::ids::{TopicId, TopicPartition};
use crate::log::{Clock, Retention};
use crate::message::ErrorCode;
use crate::message::data::{DeleteRecordsReply, DeleteRecordsRequest};
use crate::time::Duration;
use crate::turn::Turn;

/// How long after its start a broker looks for old segments first.
///
/// Source: `LogManager.initialTaskDelayMs`, Kafka 4.0.
pub(super) const FIRST_CHECK_AFTER: Duration = Duration::from_secs(30);

impl Broker {
    /// Moves the start of a log that this broker leads.
    // Simplified: Kafka answers once every live replica's log starts there, or the request
    // times out; an operator who hears of it earlier can do no harm by it.
    pub(super) fn on_delete_records(
        &mut self,
        request: DeleteRecordsRequest,
        turn: &mut Turn<'_>,
    ) -> DeleteRecordsReply {
        let done = self.delete_records(request, turn);
        if let Err(error) = done
            && !error.is_retriable()
        {
            turn.note(Fact::AdminRefused { topic: request.partition.topic, error });
        }
        DeleteRecordsReply { done }
    }

    /// Deletes the segments that are too old or too many, leader or not.
    ///
    /// `__consumer_offsets` is compacted, hence spared. Simplified: it is never compacted.
    ///
    /// Source: `LogManager.cleanupLogs`, Kafka 4.0.
    pub(super) fn delete_old_segments(&mut self, turn: &mut Turn<'_>) {
        const RULES: [(Retention, LogStartCause); 2] = [
            (Retention::Bytes, LogStartCause::RetentionBytes),
            (Retention::Time, LogStartCause::RetentionTime),
        ];
        let broker = self.setup.id;
        let clock = Clock { now: turn.now, wall: turn.wall };
        let is_kept = |id: TopicId| id == TopicId::CONSUMER_OFFSETS;
        let mut moved = Vec::new();
        for (&partition, replica) in self.partitions.iter_mut().filter(|(id, _)| !is_kept(id.topic))
        {
            let log = &mut replica.log;
            log.delete_old_segments(Retention::Hidden, clock);
            for (rule, cause) in RULES {
                let from = log.start();
                if log.delete_old_segments(rule, clock) {
                    let to = log.start();
                    turn.note(Fact::LogStartMoved { broker, partition, from, to, cause });
                    moved.push(partition);
                }
            }
        }
        moved.into_iter().for_each(|partition| self.on_start_moved(partition));
    }

    fn delete_records(
        &mut self,
        request: DeleteRecordsRequest,
        turn: &mut Turn<'_>,
    ) -> Result<(), ErrorCode> {
        let DeleteRecordsRequest { partition, below } = request;
        if partition.topic == TopicId::CONSUMER_OFFSETS {
            return Err(ErrorCode::InvalidTopicException);
        }
        let (host, replica) = self.replica(partition)?;
        let broker = host.broker;
        let (_, log) = replica.leader_for(None)?;
        if log.high_watermark() < below {
            return Err(ErrorCode::OffsetOutOfRange);
        }
        let from = log.start();
        if log.advance_start(below) {
            let (to, cause) = (log.start(), LogStartCause::DeleteRecords);
            turn.note(Fact::LogStartMoved { broker, partition, from, to, cause });
            self.on_start_moved(partition);
        }
        Ok(())
    }

    /// Has followers hear of a log's new start, or the leader.
    fn on_start_moved(&mut self, partition: TopicPartition) {
        self.wake(partition);
        self.waiting.note_news(partition);
        for fetcher in self.fetchers.values_mut() {
            fetcher.note_changed(partition);
        }
    }
}
