//! What of a log is on disk, and what a new process makes of it.
//!
//! The end of a process loses nothing that was written: it lies in the page cache. A power
//! cut loses what neither a flush nor the operating system had brought to the platter.
//! Left out: the checkpoint files; a log at rest keeps their contents itself, except for the
//! high watermark, whose checkpoint is old when it is read.
//!
//! Source: `LogLoader`, `LogManager`, Kafka 4.0.

use crate::ids::Offset;
use crate::log::Log;
use crate::time::{Duration, Time};

/// How the process before this one ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shutdown {
    /// In order, with all logs flushed and the file `.kafka_cleanshutdown` written.
    Clean,
    /// In any other way.
    Crash,
}

impl Log {
    /// Flushes the log to disk; says whether there was anything to flush.
    pub fn flush(&mut self) -> bool {
        let news = self.flushed < self.end;
        self.flushed = self.end;
        news
    }

    /// Returns the offset below which everything survives a power cut.
    pub fn flushed(&self) -> Offset {
        self.flushed
    }

    /// Says whether `flush.messages` or `flush.ms` wants a flush by now.
    pub fn flush_is_due(&self, now: Time) -> bool {
        self.flushed < self.end
            && (self.config.flush_messages <= self.end - self.flushed
                || self.next_flush().is_some_and(|due| due <= now))
    }

    /// Returns when `flush.ms` will want a flush; `None` while there is nothing to flush.
    pub fn next_flush(&self) -> Option<Time> {
        if self.config.flush_age_max == Duration::MAX || self.end <= self.flushed {
            return None;
        }
        // Simplified: Kafka looks now and then whether the last flush is `flush.ms` ago. Here
        // the age of the oldest unflushed batch counts: the same promise without the rounding.
        let oldest = self.segments.batches_from(self.flushed).next()?;
        Some(oldest.written + self.config.flush_age_max)
    }

    /// Returns the end of what is on the platter: flushed, or written at least `writeback`
    /// ago, when the operating system has taken care of it.
    pub fn durable_end(&self, now: Time, writeback: Duration) -> Offset {
        let written_back = self.segments.end_written(|written| written + writeback <= now);
        written_back.map_or(self.flushed, |end| end.max(self.flushed))
    }

    /// A power cut took everything from `to` on, while no process had the log open. A batch
    /// that is torn goes as a whole, as its CRC will tell at recovery.
    pub fn cut_at(&mut self, to: Offset) {
        if self.end <= to {
            return;
        }
        if to <= self.start {
            return self.truncate_fully_and_start_at(self.start);
        }
        self.segments.truncate_to(to);
        self.end_with_data();
    }

    /// Opens the log in a new process, from what is on disk.
    ///
    /// The high watermark is the one of the checkpoint, hence possibly old. Epochs without
    /// records are gone. Of each producer only the last batch is remembered if a snapshot
    /// stands at the end of the log: a clean shutdown and a recovery both leave one, so the
    /// retry of an older batch is out of order.
    ///
    /// Source: `LogLoader.load`, `LogLoader.recoverSegment`, Kafka 4.0.
    pub fn recover(&mut self, checkpointed_high_watermark: Offset, shutdown: Shutdown, now: Time) {
        self.end_with_data();
        self.epochs.truncate_from_end(self.end);
        self.high_watermark = checkpointed_high_watermark.clamp(self.start, self.end);
        self.segments.reopen(now);
        match shutdown {
            Shutdown::Clean => self.flushed = self.end,
            Shutdown::Crash => {
                // The recovery reads the active segment for itself, before the producers are
                // loaded for good, and leaves a snapshot at the end of the log.
                self.producers.lose_memory();
                self.rebuild_producers();
            }
        }
        self.producers.lose_memory();
        self.producers.drop_stray_snapshots(&self.segments.bases().collect::<Vec<_>>());
        self.rebuild_producers();
    }

    /// Flushes the log and leaves a snapshot of the producers at its end.
    ///
    /// Source: `UnifiedLog.close`, Kafka 4.0.
    pub fn prepare_clean_shutdown(&mut self) {
        self.flush();
        self.producers.take_snapshot(self.end);
    }

    /// Lets the log end with its last batch, as a process that reads the files will find it.
    fn end_with_data(&mut self) {
        let end = self.segments.end();
        if end < self.start {
            self.truncate_fully_and_start_at(self.start);
        } else if end < self.end {
            self.remove_from(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::ids::LeaderEpoch;
    use crate::log::append::AppendError;
    use crate::log::sample;

    const NEVER: Duration = Duration::MAX;

    #[test]
    fn a_flush_is_due_after_so_many_messages_or_so_much_time() {
        let flush_age_max = Duration::from_millis(100);
        let mut log = sample::log_of(TopicConfig {
            flush_messages: 3,
            flush_age_max,
            ..TopicConfig::default()
        });
        let at = |millis| sample::clock(millis).now;
        assert!(!log.flush_is_due(at(500)));

        log.append_as_leader(&sample::batch(2), sample::EPOCH, sample::clock(10))
            .expect("it is fine");
        assert_eq!(log.next_flush(), Some(at(110)));
        assert!(!log.flush_is_due(at(109)));
        assert!(log.flush_is_due(at(110)));

        sample::append(&mut log, 1);
        assert!(log.flush_is_due(at(10)));
        assert!(log.flush());
        assert!(!log.flush());
        assert!(!log.flush_is_due(at(500)));
        assert_eq!(log.next_flush(), None);
    }

    #[test]
    fn what_is_durable_was_flushed_or_written_back() {
        let size = sample::batch(1).records.bytes();
        let config = TopicConfig { segment_bytes: 2 * size, ..TopicConfig::default() };
        let mut log = sample::log_of(config);
        for millis in [0, 10, 20, 30] {
            let clock = sample::clock(millis);
            log.append_as_leader(&sample::batch(1), sample::EPOCH, clock).expect("it is fine");
        }
        let durable = |log: &Log, millis, writeback| {
            log.durable_end(sample::clock(millis).now, Duration::from_millis(writeback)).0
        };

        assert_eq!(log.flushed(), Offset(2)); // the rolled segment
        assert_eq!(durable(&log, 30, 30), 2);
        assert_eq!(durable(&log, 50, 30), 3);
        assert_eq!(durable(&log, 60, 30), 4);
        assert_eq!(log.durable_end(Time(0), NEVER), Offset(2));
        log.flush();
        assert_eq!(log.durable_end(Time(0), NEVER), Offset(4));
    }

    #[test]
    fn a_crash_loses_no_record_but_epochs_without_records_and_the_newest_high_watermark() {
        let mut log = sample::log_with(&[2, 2]);
        log.assign_epoch(LeaderEpoch(8), Offset(4));
        log.advance_high_watermark(Offset(4));

        log.recover(Offset(2), Shutdown::Crash, Time(0));

        assert_eq!((log.end(), log.high_watermark()), (Offset(4), Offset(2)));
        assert_eq!(log.latest_epoch(), Some(sample::EPOCH));
        assert_eq!(log.flushed(), Offset(0));
    }

    #[test]
    fn a_power_cut_takes_torn_batches_whole_and_what_follows() {
        let mut log = sample::log_with(&[2, 2, 2]);
        log.assign_epoch(LeaderEpoch(8), Offset(6));
        log.advance_high_watermark(Offset(6));

        log.cut_at(Offset(3));
        log.recover(Offset(6), Shutdown::Crash, Time(0));

        assert_eq!((log.end(), log.high_watermark()), (Offset(2), Offset(2)));
        assert_eq!(log.latest_epoch(), Some(sample::EPOCH));
        assert_eq!(sample::append(&mut log, 1).base_offset, Offset(2));
    }

    #[test]
    fn a_power_cut_before_the_start_leaves_an_empty_log_at_the_start() {
        let mut log = sample::log_with(&[2, 2]);
        log.advance_high_watermark(Offset(4));
        log.advance_start(Offset(3));

        log.cut_at(Offset(3));
        log.recover(Offset(4), Shutdown::Crash, Time(0));

        assert_eq!(
            (log.start(), log.end(), log.high_watermark()),
            (Offset(3), Offset(3), Offset(3))
        );
        assert_eq!(log.batches().count(), 0);
        assert_eq!(log.latest_epoch(), None);
    }

    #[test]
    fn a_power_cut_behind_the_end_takes_nothing() {
        let mut log = sample::log_with(&[2]);
        let before = log.clone();

        log.cut_at(Offset(2));

        assert_eq!(log, before);
    }

    #[test]
    fn after_a_restart_only_the_last_batch_of_a_producer_is_recognised() {
        for shutdown in [Shutdown::Clean, Shutdown::Crash] {
            let mut log = sample::log();
            for sequence in 0..3 {
                sample::stored(sample::offer(&mut log, &sample::batch_of(0, sequence, 1)));
            }
            if shutdown == Shutdown::Clean {
                log.prepare_clean_shutdown();
            }

            log.recover(Offset(3), shutdown, Time(0));

            let repeat = |log: &mut Log, at| sample::offer(log, &sample::batch_of(0, at, 1));
            assert_eq!(repeat(&mut log, 2), sample::duplicate(2, 3), "{shutdown:?}");
            assert_eq!(repeat(&mut log, 1), Err(AppendError::OutOfOrderSequence), "{shutdown:?}");
            assert_eq!(sample::stored(repeat(&mut log, 3)).base_offset, Offset(3), "{shutdown:?}");
        }
    }

    #[test]
    fn a_clean_shutdown_leaves_everything_flushed() {
        let mut log = sample::log_with(&[2]);

        log.prepare_clean_shutdown();

        assert_eq!(log.flushed(), Offset(2));
        assert_eq!(log.producers().snapshots().collect::<Vec<_>>(), [Offset(2)]);
    }
}
