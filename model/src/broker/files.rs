//! What a broker does with its files besides appending: flushes, checkpoints, a clean end.
//!
//! Source: `LogManager`, `ReplicaManager.checkpointHighWatermarks`, Kafka 4.0.

use crate::broker::Broker;
use crate::config::TopicConfig;
use crate::fact::Fact;
use crate::ids::TopicPartition;
use crate::log::Shutdown;
use crate::mutant::Mutant;
use crate::turn::{DiskWork, Turn};

impl Broker {
    /// Flushes a log to the platter.
    pub(super) fn flush(&mut self, partition: TopicPartition, turn: &mut Turn<'_>) {
        let replica = self.partitions.get_mut(&partition).expect("only own logs are flushed");
        turn.disk(DiskWork::Flush);
        if replica.log.flush() {
            let (broker, to) = (self.setup.id, replica.log.end());
            turn.note(Fact::Flushed { broker, partition, to });
        }
    }

    /// Flushes a log if its `flush.messages` or `flush.ms` wants it.
    pub(super) fn flush_when_due(&mut self, partition: TopicPartition, turn: &mut Turn<'_>) {
        let log = self.log(partition);
        if log.is_some_and(|log| log.flush_is_due(turn.now)) {
            self.flush(partition, turn);
        }
    }

    /// Flushes the logs whose time to be flushed has come.
    pub(super) fn flush_by_time(&mut self, turn: &mut Turn<'_>) {
        let is_due = |id: &&TopicPartition| {
            self.partitions[*id].log.next_flush().is_some_and(|at| at <= turn.now)
        };
        let due: Vec<_> = self.flushing.iter().filter(is_due).copied().collect();
        for id in due {
            self.flush(id, turn);
        }
    }

    /// Gives a replica the settings of its topic.
    pub(super) fn configure(&mut self, id: TopicPartition, config: TopicConfig) {
        let Some(replica) = self.partitions.get_mut(&id) else { return };
        match config.flushes() {
            true => self.flushing.insert(id),
            false => self.flushing.remove(&id),
        };
        replica.log.set_config(config);
    }

    pub(super) fn checkpoint_high_watermarks(&mut self) {
        // Mutant: the file runs ahead of the leader's word.
        let ahead = self.setup.rules.has(Mutant::CheckpointAhead);
        let mut written = self.high_watermarks.iter_mut().peekable();
        let mut missing = Vec::new();
        for (&id, replica) in &self.partitions {
            let log = &replica.log;
            let mark = if ahead { log.end() } else { log.high_watermark() };
            while written.next_if(|(other, _)| **other < id).is_some() {}
            match written.next_if(|(other, _)| **other == id) {
                Some((_, known)) => *known = mark,
                None => missing.push((id, mark)),
            }
        }
        self.high_watermarks.extend(missing);
    }

    /// Leaves the disk as a clean shutdown does.
    pub(super) fn close_files(&mut self, turn: &mut Turn<'_>) {
        let ids: Vec<_> = self.partitions.keys().copied().collect();
        for id in ids {
            self.flush(id, turn);
        }
        for replica in self.partitions.values_mut() {
            replica.log.prepare_clean_shutdown();
        }
        self.checkpoint_high_watermarks();
        self.shutdown = Shutdown::Clean;
    }
}
