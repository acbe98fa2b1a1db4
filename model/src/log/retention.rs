//! What of a log is deleted by age, by size, or because nobody may read it: whole segments.
//!
//! The age of a segment is that of its youngest record by the record's own timestamp: one
//! record from the future keeps the segment, and all behind it, until that future is past.
//! Left out: the delay before deleted files leave the disk, remote segments.
//!
//! Source: `UnifiedLog.deleteOldSegments`, `deletableSegments`, Kafka 4.0.

use crate::log::Log;
use crate::log::append::Clock;
use crate::log::segment::Segment;
use crate::time::Duration;

/// Why segments are deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Retention {
    /// They lie before the start of the log.
    Hidden,
    /// The log is larger than `retention.bytes`.
    Bytes,
    /// They are older than `retention.ms`.
    Time,
}

impl Log {
    /// Deletes the oldest segments as far as one rule says; says whether the start of the log
    /// moved.
    ///
    /// Nothing at or beyond the high watermark goes. The active segment may: an empty one at
    /// the end of the log takes its place.
    ///
    /// Source: `UnifiedLog.deleteOldSegments`, `deleteSegments`, Kafka 4.0.
    pub fn delete_old_segments(&mut self, rule: Retention, clock: Clock) -> bool {
        let doomed = self.doomed_segments(rule, clock);
        if doomed == 0 {
            return false;
        }
        if doomed == self.segments.list().len() {
            self.roll_at(self.end, clock.now);
        }
        self.segments.drop_first(doomed);
        self.advance_start(self.segments.first_base())
    }

    /// Counts the oldest segments that `rule` condemns.
    fn doomed_segments(&self, rule: Retention, clock: Clock) -> usize {
        let segments = self.segments.list();
        let mut surplus = match (rule, self.config.retention_bytes_max) {
            (Retention::Bytes, Some(limit)) => {
                segments.iter().map(Segment::bytes).sum::<u64>().saturating_sub(limit)
            }
            _ => 0,
        };
        let ends = segments[1..].iter().map(Segment::base).chain([self.end]);
        let mut doomed = 0;
        for (segment, end) in segments.iter().zip(ends) {
            let is_condemned = match rule {
                Retention::Hidden => doomed + 1 < segments.len() && end <= self.start,
                Retention::Bytes => segment.bytes() <= surplus,
                Retention::Time => is_too_old(segment, self.config.retention_age_max, clock),
            };
            if segment.is_empty() || self.high_watermark < end || !is_condemned {
                break;
            }
            surplus = surplus.saturating_sub(segment.bytes());
            doomed += 1;
        }
        doomed
    }
}

/// Source: `UnifiedLog.deleteRetentionMsBreachedSegments`, `LogSegment.largestTimestamp`.
fn is_too_old(segment: &Segment, age_max: Duration, clock: Clock) -> bool {
    if age_max == Duration::MAX {
        return false;
    }
    match segment.largest_timestamp() {
        Some(largest) => (age_max.as_millis() as i64) < clock.wall.0.saturating_sub(largest.0),
        // Simplified: Kafka takes the wall clock and the file's time of modification.
        None => segment.last_written().is_some_and(|written| age_max < clock.now - written),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TopicConfig;
    use crate::ids::Offset;
    use crate::log::sample;
    use crate::time::{Time, Timestamp};

    /// Makes a log with a batch of one record, and a segment, for each timestamp.
    fn log_at(timestamps: &[i64], config: TopicConfig) -> Log {
        let segment_bytes = sample::batch(1).records.bytes();
        let mut log = sample::log_of(TopicConfig { segment_bytes, ..config });
        for timestamp in timestamps {
            sample::append_at(&mut log, &[*timestamp]);
        }
        log.advance_high_watermark(log.end());
        log
    }

    fn aged(millis: u64) -> TopicConfig {
        let retention_age_max = Duration::from_millis(millis);
        TopicConfig { retention_age_max, ..TopicConfig::default() }
    }

    fn at(wall: i64) -> Clock {
        Clock { now: Time::ZERO, wall: Timestamp(wall) }
    }

    #[test]
    fn a_segment_goes_when_its_youngest_record_is_older_than_it_may_be() {
        let mut log = log_at(&[10, 20, 30], aged(100));

        assert!(!log.delete_old_segments(Retention::Time, at(110)));
        assert!(log.delete_old_segments(Retention::Time, at(121)));

        assert_eq!((log.start(), log.segment_count()), (Offset(2), 1));
        assert_eq!(log.batches().count(), 1);
    }

    #[test]
    fn a_record_from_the_future_pins_its_segment_and_all_behind_it() {
        let mut log = log_at(&[10, 900, 10], aged(100));

        assert!(log.delete_old_segments(Retention::Time, at(1_000)));
        assert!(!log.delete_old_segments(Retention::Time, at(1_000)));
        assert_eq!(log.start(), Offset(1));

        assert!(log.delete_old_segments(Retention::Time, at(1_001)));
        assert_eq!(log.start(), Offset(3));
    }

    #[test]
    fn the_active_segment_goes_too_and_leaves_an_empty_one_that_stays() {
        let mut log = log_at(&[10, 20], aged(100));

        assert!(log.delete_old_segments(Retention::Time, at(500)));
        assert!(!log.delete_old_segments(Retention::Time, at(900)));

        assert_eq!((log.start(), log.end(), log.segment_count()), (Offset(2), Offset(2), 1));
        assert_eq!(sample::append(&mut log, 1).base_offset, Offset(2));
        log.recover(Offset(2), crate::log::Shutdown::Crash, Time::ZERO);
        assert_eq!((log.start(), log.end()), (Offset(2), Offset(3)));
    }

    #[test]
    fn nothing_beyond_the_high_watermark_goes() {
        let mut log = log_at(&[10, 20], aged(100));
        sample::append_at(&mut log, &[30]);

        assert!(log.delete_old_segments(Retention::Time, at(500)));

        assert_eq!(
            (log.start(), log.high_watermark(), log.end()),
            (Offset(2), Offset(2), Offset(3))
        );
    }

    #[test]
    fn a_record_without_timestamp_is_as_old_as_its_file() {
        let mut log = log_at(&[-1], aged(100));
        let later = |millis| Clock { wall: Timestamp(9_000), ..sample::clock(millis) };

        assert!(!log.delete_old_segments(Retention::Time, later(100)));
        assert!(log.delete_old_segments(Retention::Time, later(101)));
    }

    #[test]
    fn the_oldest_segments_go_while_the_rest_is_large_enough() {
        let size = u64::from(sample::batch(1).records.bytes());
        let cases = [
            (None, 0),
            (Some(3 * size), 0),
            (Some(2 * size + 1), 0),
            (Some(2 * size), 1),
            (Some(size), 2),
            (Some(0), 3),
        ];
        for (retention_bytes_max, expected) in cases {
            let config = TopicConfig { retention_bytes_max, ..TopicConfig::default() };
            let mut log = log_at(&[10, 20, 30], config);

            log.delete_old_segments(Retention::Bytes, at(0));

            assert_eq!(log.start(), Offset(expected), "{retention_bytes_max:?}");
        }
    }

    #[test]
    fn segments_before_the_start_go_and_the_start_stays() {
        let mut log = log_at(&[10, 20, 30], TopicConfig::default());
        log.advance_start(Offset(2));

        assert!(!log.delete_old_segments(Retention::Hidden, at(0)));

        assert_eq!((log.start(), log.segment_count()), (Offset(2), 1));
        log.advance_start(Offset(3));
        assert!(!log.delete_old_segments(Retention::Hidden, at(0)));
        assert_eq!((log.start(), log.segment_count()), (Offset(3), 1));
    }
}
