//! Disks: how long they take, and what a power cut leaves on the platter.

use model::ids::Offset;
use model::log::Log;
use model::time::{Duration, Time};
use model::turn::DiskWork;

use crate::plan::{DiskPlan, FlushPolicy, Shape, Unsynced};
use crate::shape::Stream;

/// One computer's disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    plan: DiskPlan,
    /// What a step does to it, if one does.
    pub(crate) trouble: Option<Trouble>,
    free_at: Time,
    stream: Stream,
}

/// What a step does to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Every use takes this long.
    Slow(Shape),
    /// It does not answer.
    Stalled,
}

impl Disk {
    pub(crate) fn new(plan: DiskPlan) -> Disk {
        Disk { plan, trouble: None, free_at: Time::ZERO, stream: Stream::default() }
    }

    /// Uses the disk after everything before; returns when it is done.
    pub(crate) fn work(
        &mut self,
        work: DiskWork,
        now: Time,
        seed: u64,
        name: impl Fn() -> String,
    ) -> Time {
        if self.trouble == Some(Trouble::Stalled) {
            self.free_at = Time::MAX;
            return self.free_at;
        }
        let takes = match (work, self.plan.flush) {
            (DiskWork::Write(_), FlushPolicy::ByConfig | FlushPolicy::Never) => {
                self.latency(self.plan.write_latency, seed, &name)
            }
            (DiskWork::Write(_), FlushPolicy::EveryWrite) => {
                let write = self.latency(self.plan.write_latency, seed, &name);
                write + self.latency(self.plan.flush_latency, seed, &name)
            }
            (DiskWork::Flush, FlushPolicy::ByConfig | FlushPolicy::EveryWrite) => {
                self.latency(self.plan.flush_latency, seed, &name)
            }
            (DiskWork::Flush, FlushPolicy::Never) => Duration::ZERO,
        };
        self.free_at = self.free_at.max(now) + takes;
        self.free_at
    }

    /// Works as usual again, and is done with what has piled up.
    ///
    /// Simplified: catching up takes no time. A broker whose threads wait for a slow disk takes
    /// in no requests, so little piles up in Kafka; here it does, and would for minutes.
    pub(crate) fn recover(&mut self, now: Time) {
        self.free_at = self.free_at.min(now);
        self.trouble = None;
    }

    /// Forgets what it was doing: the computer stopped.
    pub(crate) fn stop(&mut self) {
        self.free_at = Time::ZERO;
    }

    /// Returns up to where a power cut at `now` leaves `log`; `on_platter` is what a disk that
    /// is never flushed holds all the same.
    pub(crate) fn end_after_power_loss(
        &mut self,
        log: &Log,
        on_platter: Offset,
        unsynced: Unsynced,
        now: Time,
        seed: u64,
        name: impl Fn() -> String,
    ) -> Offset {
        let durable = match self.plan.flush {
            FlushPolicy::EveryWrite => log.end(),
            FlushPolicy::Never => on_platter.min(log.end()),
            FlushPolicy::ByConfig => log.durable_end(now, self.plan.writeback),
        };
        match unsynced {
            Unsynced::Lost => durable,
            Unsynced::Kept => log.end(),
            Unsynced::Prefix | Unsynced::Torn => {
                let ends = log.batches().map(|batch| batch.end()).filter(|end| durable < *end);
                let mut ends: Vec<Offset> = ends.collect();
                ends.insert(0, durable);
                let mut drawn = self.stream.get(seed, name).below(ends.len() as u64) as usize;
                if unsynced == Unsynced::Torn {
                    // The last batch that made it is damaged: its CRC is wrong, so recovery
                    // ends the log before it.
                    drawn = drawn.saturating_sub(1);
                }
                ends[drawn]
            }
        }
    }

    fn latency(&mut self, usual: Shape, seed: u64, name: &impl Fn() -> String) -> Duration {
        let shape = match self.trouble {
            Some(Trouble::Slow(shape)) => shape,
            Some(Trouble::Stalled) | None => usual,
        };
        shape.fixed().unwrap_or_else(|| shape.draw(self.stream.get(seed, name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uses_queue_up_behind_each_other() {
        let mut disk = Disk::new(plan(FlushPolicy::ByConfig));

        let first = write(&mut disk, Time(0));
        let second = write(&mut disk, Time(50));
        let later = write(&mut disk, Time(1_000));

        assert_eq!((first, second, later), (Time(100), Time(200), Time(1_100)));
    }

    #[test]
    fn flushing_every_write_costs_a_flush_each_and_never_flushing_nothing() {
        let mut every = Disk::new(plan(FlushPolicy::EveryWrite));
        let mut never = Disk::new(plan(FlushPolicy::Never));

        let flushed = never.work(DiskWork::Flush, Time(0), 1, String::new);

        assert_eq!(write(&mut every, Time(0)), Time(100 + 5_000));
        assert_eq!(flushed, Time(0));
    }

    #[test]
    fn a_slow_disk_takes_its_time_for_everything() {
        let mut disk = Disk::new(plan(FlushPolicy::ByConfig));
        disk.trouble = Some(Trouble::Slow(Shape::Fixed(Duration(700))));

        let written = write(&mut disk, Time(0));
        let flushed = disk.work(DiskWork::Flush, Time(0), 1, String::new);

        assert_eq!((written, flushed), (Time(700), Time(1_400)));
    }

    #[test]
    fn a_stalled_disk_answers_once_it_recovers() {
        let mut disk = Disk::new(plan(FlushPolicy::ByConfig));
        disk.trouble = Some(Trouble::Stalled);

        let stalled = write(&mut disk, Time(0));
        disk.recover(Time(9_000));
        let written = write(&mut disk, Time(9_000));

        assert_eq!((stalled, written), (Time::MAX, Time(9_100)));
    }

    fn write(disk: &mut Disk, now: Time) -> Time {
        disk.work(DiskWork::Write(10), now, 1, String::new)
    }

    fn plan(flush: FlushPolicy) -> DiskPlan {
        DiskPlan {
            flush,
            write_latency: Shape::Fixed(Duration(100)),
            flush_latency: Shape::Fixed(Duration(5_000)),
            writeback: Duration::from_secs(30),
        }
    }
}
