//! Segments: the files that a log is cut into.
//!
//! A segment ends when it is full or old; only the last one, the active segment, grows.
//! Left out: offset and time index (lookups search the batches themselves), and the jitter
//! that spreads rolls over time. Retention works on whole segments.
//!
//! Source: `LogSegment`, `LogSegments`, `RollParams`, Kafka 4.0.

use std::slice;
use std::sync::Arc;

use crate::config::TopicConfig;
use crate::ids::Offset;
use crate::log::batch::Batch;
use crate::time::{Time, Timestamp};

/// The largest offset, relative to its segment, that an index entry can hold.
const RELATIVE_OFFSET_MAX: u64 = i32::MAX as u64;

/// One stored batch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Stored {
    /// The batch's base offset, here again so that a search need not visit the batch.
    base: Offset,
    /// When it was written into the page cache.
    pub(super) written: Time,
    pub(super) batch: Arc<Batch>,
}

/// A part of a log, from its base offset to the next segment's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    base: Offset,
    /// Invariant: in order of offset, without overlap.
    batches: Vec<Stored>,
    /// Invariant: the sum of the sizes of `batches`.
    bytes: u64,
    /// Invariant: the largest timestamp in `batches`, less the negative ones, which are none.
    largest: Option<Timestamp>,
    created: Time,
}

/// The segments of a log, oldest first.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segments {
    /// Invariant: never empty, base offsets grow strictly, and only the last one may be
    /// without batches.
    list: Vec<Segment>,
}

impl Segment {
    fn new(base: Offset, created: Time) -> Segment {
        Segment { base, batches: Vec::new(), bytes: 0, largest: None, created }
    }

    /// Returns the base offset.
    pub(super) fn base(&self) -> Offset {
        self.base
    }

    /// Returns the size of all batches.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Says whether there are no batches.
    pub(super) fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Returns the largest timestamp; `None` if no record has one.
    pub(super) fn largest_timestamp(&self) -> Option<Timestamp> {
        self.largest
    }

    /// Returns when the last batch was written.
    pub(super) fn last_written(&self) -> Option<Time> {
        self.batches.last().map(|stored| stored.written)
    }

    /// Says whether this segment must end before `batch` is appended.
    ///
    /// Age is record time, not the clock, as soon as the first batch has a timestamp
    /// (negative means none).
    ///
    /// Source: `LogSegment.shouldRoll`, Kafka 4.0.
    fn is_over_before(&self, batch: &Batch, config: &TopicConfig, now: Time) -> bool {
        u64::from(config.segment_bytes) < self.bytes + u64::from(batch.records.bytes())
            || RELATIVE_OFFSET_MAX < batch.last_offset() - self.base
            || self.batches.first().is_some_and(|first| {
                let first = first.batch.max_timestamp();
                let limit = config.segment_age_max;
                if first < Timestamp(0) {
                    // Simplified: Kafka takes the wall clock here; a jump of it would only
                    // matter to records without timestamps.
                    return limit < now - self.created;
                }
                (limit.as_millis() as i64) < batch.max_timestamp().0.saturating_sub(first.0)
            })
    }

    /// Returns the place of the first batch whose last offset is `from` or beyond.
    fn place_of(&self, from: Offset) -> usize {
        // Most readers stand close to the end: search a window that doubles from there.
        let mut width = 4;
        let mut low = self.batches.len().saturating_sub(width);
        while 0 < low && from < self.batches[low].base {
            width *= 2;
            low = self.batches.len().saturating_sub(width);
        }
        let above = low + self.batches[low..].partition_point(|stored| stored.base <= from);
        match above.checked_sub(1) {
            Some(place) if from < self.batches[place].batch.end() => place,
            _ => above,
        }
    }

    fn truncate_to(&mut self, to: Offset) {
        let kept = self.place_of(to);
        let dropped = self.batches.drain(kept..);
        self.bytes -= dropped.map(|stored| u64::from(stored.batch.records.bytes())).sum::<u64>();
        self.largest = self.batches.iter().filter_map(|stored| time_of(&stored.batch)).max();
    }
}

/// Returns a batch's largest timestamp, if it has one: negative ones stand for none.
fn time_of(batch: &Batch) -> Option<Timestamp> {
    Some(batch.max_timestamp()).filter(|timestamp| Timestamp(0) <= *timestamp)
}

impl Segments {
    /// Makes one empty segment that begins at `base`.
    pub(super) fn new(base: Offset, now: Time) -> Segments {
        Segments { list: vec![Segment::new(base, now)] }
    }

    fn active(&self) -> &Segment {
        self.list.last().expect("a log has at least one segment")
    }

    fn active_mut(&mut self) -> &mut Segment {
        self.list.last_mut().expect("a log has at least one segment")
    }

    /// Returns the base offsets, oldest segment first.
    pub(super) fn bases(&self) -> impl DoubleEndedIterator<Item = Offset> {
        self.list.iter().map(|segment| segment.base)
    }

    /// Returns the segments, oldest first; at least one.
    pub(super) fn list(&self) -> &[Segment] {
        &self.list
    }

    /// Removes the `count` oldest segments.
    ///
    /// # Panics
    /// If none would be left.
    pub(super) fn drop_first(&mut self, count: usize) {
        assert!(count < self.list.len(), "a log has at least one segment");
        self.list.drain(..count);
    }

    /// Returns the base offset of the oldest segment.
    pub(super) fn first_base(&self) -> Offset {
        self.list[0].base
    }

    /// Says whether a new segment must begin before `batch` is appended.
    pub(super) fn must_roll_before(&self, batch: &Batch, config: &TopicConfig, now: Time) -> bool {
        self.active().is_over_before(batch, config, now)
    }

    /// Begins a new segment at `base`; an empty active segment is replaced.
    ///
    /// Source: `LocalLog.roll`, Kafka 4.0.
    pub(super) fn roll(&mut self, base: Offset, now: Time) {
        if self.active().batches.is_empty() {
            self.list.pop();
        }
        self.list.push(Segment::new(base, now));
    }

    /// Appends `batch` to the active segment.
    pub(super) fn push(&mut self, batch: Arc<Batch>, written: Time) {
        let segment = self.active_mut();
        segment.bytes += u64::from(batch.records.bytes());
        segment.largest = segment.largest.max(time_of(&batch));
        segment.batches.push(Stored { base: batch.base_offset, written, batch });
    }

    /// Removes every batch that holds an offset at `to` or beyond.
    ///
    /// # Panics
    /// If `to` lies before the first segment.
    ///
    /// Source: `LocalLog.truncateTo`, Kafka 4.0.
    pub(super) fn truncate_to(&mut self, to: Offset) {
        let kept = self.list.partition_point(|segment| segment.base <= to);
        assert!(0 < kept, "the log begins behind {to}");
        self.list.truncate(kept);
        self.active_mut().truncate_to(to);
    }

    /// Removes everything; what follows begins at `base`.
    pub(super) fn restart_at(&mut self, base: Offset) {
        // Simplified: the segment keeps the age of the one that it replaces, which only a
        // record without timestamp could notice.
        let created = self.active().created;
        self.list.clear();
        self.list.push(Segment::new(base, created));
    }

    /// Notes that a process opened the files at `now`, from when on it reckons their age.
    ///
    /// Source: `LogSegment.open`, Kafka 4.0.
    pub(super) fn reopen(&mut self, now: Time) {
        for segment in &mut self.list {
            segment.created = now;
        }
    }

    /// Returns the end of the last batch, or where the first one will go.
    pub(super) fn end(&self) -> Offset {
        let active = self.active();
        active.batches.last().map_or(active.base, |stored| stored.batch.end())
    }

    /// Iterates over the batches from the one that holds `from`, or the first one behind it.
    pub(super) fn batches_from(&self, from: Offset) -> impl Iterator<Item = &Stored> {
        let segment = self.list.partition_point(|segment| segment.base <= from).saturating_sub(1);
        let place = self.list[segment].place_of(from);
        let rest: slice::Iter<'_, Segment> = self.list[segment + 1..].iter();
        self.list[segment].batches[place..].iter().chain(rest.flat_map(|later| &later.batches))
    }

    /// Returns the end of the last batch that was written when `is_past` says so, or `None`
    /// if no batch was. `is_past` must hold for all moments before one for which it holds.
    pub(super) fn end_written(&self, is_past: impl Fn(Time) -> bool) -> Option<Offset> {
        let holds = |stored: &Stored| is_past(stored.written);
        let later = self.list.partition_point(|segment| segment.batches.first().is_some_and(holds));
        let segment = &self.list[later.checked_sub(1)?];
        let places = segment.batches.partition_point(holds);
        Some(segment.batches[places - 1].batch.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{Log, sample};
    use crate::time::Duration;

    #[test]
    fn a_segment_rolls_when_it_would_grow_too_large() {
        let size = sample::batch(1).records.bytes();
        let config = TopicConfig { segment_bytes: 2 * size, ..TopicConfig::default() };
        let mut log = sample::log_of(config);

        let counts = [1, 1, 1, 1, 1].map(|count| {
            sample::append(&mut log, count);
            log.segment_count()
        });

        assert_eq!(counts, [1, 1, 2, 2, 3]);
    }

    #[test]
    fn a_segment_rolls_by_record_time_not_by_the_clock() {
        let age = Duration::from_millis(100);
        let mut log =
            sample::log_of(TopicConfig { segment_age_max: age, ..TopicConfig::default() });

        let counts = [0, 100, 101, 50].map(|timestamp| {
            sample::append_at(&mut log, &[timestamp]);
            log.segment_count()
        });

        assert_eq!(counts, [1, 1, 2, 2]);
    }

    #[test]
    fn a_segment_rolls_before_a_relative_offset_would_overflow() {
        let mut log = sample::log();
        let append = |log: &mut Log, base| {
            let mut batch = Batch::clone(&sample::batch(1));
            batch.base_offset = Offset(base);
            let appended = log.append_as_follower(&Arc::new(batch), sample::clock(0));
            assert_eq!(appended, Ok(()));
            log.segment_count()
        };

        assert_eq!(append(&mut log, 0), 1);
        assert_eq!(append(&mut log, RELATIVE_OFFSET_MAX), 1);
        assert_eq!(append(&mut log, RELATIVE_OFFSET_MAX + 1), 2);
    }

    #[test]
    fn an_empty_segment_is_replaced_by_a_roll() {
        let mut segments = Segments::new(Offset(0), Time::ZERO);

        segments.roll(Offset(4), Time(9));

        assert_eq!(segments, Segments::new(Offset(4), Time(9)));
    }

    #[test]
    fn a_batch_cut_in_its_middle_goes_as_a_whole() {
        let mut log = sample::log_with(&[2, 3]);

        log.truncate_to(Offset(4));

        assert_eq!(log.batches().count(), 1);
        assert_eq!(log.segments.end(), Offset(2));
        assert_eq!(log.segments.active().bytes, u64::from(sample::batch(2).records.bytes()));
    }
}
