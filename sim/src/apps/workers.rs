//! Threads that work beside the one that polls, and what may be committed meanwhile.

use std::collections::{BTreeMap, VecDeque};

use model::ids::{Offset, TopicPartition};
use model::time::Time;

use crate::apps::handling::{Desk, Handler, Item};
use crate::plan::{Spread, Workers};

/// Next records to read, by partition.
pub(crate) type Offsets = BTreeMap<TopicPartition, Offset>;

/// The workers of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct Crew {
    /// What each of them works on.
    threads: Vec<Option<Task>>,
    /// What waits for one of them, in order of delivery.
    queue: VecDeque<Item>,
}

/// What a thread is busy with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Task {
    pub(crate) item: Item,
    pub(crate) until: Time,
    pub(crate) stage: Stage,
}

/// What happens when the time of a task is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The attempt ends.
    Attempt,
    /// The next attempt begins.
    Pause,
}

/// How far a process has got in what it owns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    tracks: BTreeMap<TopicPartition, Track>,
    /// What was finished last since the last commit.
    own: Offsets,
}

/// How far it has got in one partition.
#[derive(Clone, Debug, Default)]
struct Track {
    /// Polled and not finished, in order.
    open: VecDeque<Offset>,
    /// The record after the last one polled.
    end: Offset,
    committed: Offset,
}

impl Crew {
    /// Sees to it that there are as many threads as planned.
    pub(crate) fn staff(&mut self, workers: &Workers) {
        self.threads.resize(workers.threads.into(), None);
    }

    /// Says whether another record may wait.
    pub(crate) fn has_room(&self, workers: &Workers) -> bool {
        // A record for a free thread does not wait.
        let free = self.threads.iter().filter(|task| task.is_none()).count();
        workers.queue.is_none_or(|most| self.queue.len() < most as usize + free)
    }

    pub(crate) fn queue(&mut self, item: Item) {
        self.queue.push_back(item);
    }

    /// Gives free threads something to do; returns the records that turned out to be repeats.
    pub(crate) fn start(
        &mut self,
        workers: &Workers,
        handler: &mut Handler,
        desk: &mut Desk<'_>,
    ) -> Vec<Item> {
        let mut repeats = Vec::new();
        for thread in 0..self.threads.len() {
            while self.threads[thread].is_none()
                && let Some(item) = self.take(thread, workers.spread)
            {
                match handler.begin(&item, thread as u16 + 1, desk) {
                    Some(until) => {
                        let task = Task { item, until, stage: Stage::Attempt };
                        self.threads[thread] = Some(task);
                    }
                    None => repeats.push(item),
                }
            }
        }
        repeats
    }

    /// Takes a task whose time is over, with its thread.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<(usize, Task)> {
        let is_due = |task: &Option<Task>| task.as_ref().is_some_and(|task| task.until <= now);
        let thread = self.threads.iter().position(is_due)?;
        Some((thread, self.threads[thread].take()?))
    }

    /// Keeps a thread busy.
    pub(crate) fn occupy(&mut self, thread: usize, task: Task) {
        self.threads[thread] = Some(task);
    }

    pub(crate) fn next_at(&self) -> Option<Time> {
        self.threads.iter().flatten().map(|task| task.until).min()
    }

    /// Lets go of what waits, of these partitions.
    pub(crate) fn drop_waiting(&mut self, partitions: &[TopicPartition]) {
        self.queue.retain(|item| !partitions.contains(&item.partition));
    }

    /// Lets go of everything that waits.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
    }

    fn take(&mut self, thread: usize, spread: Spread) -> Option<Item> {
        let threads = self.threads.len() as u64;
        let place = match spread {
            Spread::Anybody => 0,
            Spread::ByKey => {
                let is_its = |item: &Item| hash(item) % threads == thread as u64;
                self.queue.iter().position(is_its)?
            }
        };
        self.queue.remove(place)
    }
}

/// Spreads keys; records without one stay together with their partition.
fn hash(item: &Item) -> u64 {
    let partition = item.partition.partition.to_le_bytes();
    let bytes = item.key.as_deref().unwrap_or(&partition);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Progress {
    pub(crate) fn on_polled(&mut self, item: &Item) {
        let track = self.tracks.entry(item.partition).or_default();
        track.open(item.offset);
        track.end = item.offset + 1;
    }

    pub(crate) fn on_finished(&mut self, item: &Item) {
        if let Some(track) = self.tracks.get_mut(&item.partition)
            && track.close(item.offset)
        {
            self.own.insert(item.partition, item.offset + 1);
        }
    }

    /// Forgets partitions that belong to others, or that begin elsewhere.
    pub(crate) fn forget(&mut self, partitions: &[TopicPartition]) {
        for partition in partitions {
            self.tracks.remove(partition);
            self.own.remove(partition);
        }
    }

    /// Takes what lies below the first record that is not finished, where that has moved.
    pub(crate) fn take_contiguous(&mut self) -> Offsets {
        let mut offsets = self.contiguous();
        offsets.retain(|partition, next| {
            let track = self.tracks.get_mut(partition);
            track.is_some_and(|track| std::mem::replace(&mut track.committed, *next) != *next)
        });
        offsets
    }

    /// Returns what lies below the first record that is not finished, of all partitions.
    pub(crate) fn contiguous(&self) -> Offsets {
        let next = |track: &Track| track.open.front().copied().unwrap_or(track.end);
        self.tracks.iter().map(|(partition, track)| (*partition, next(track))).collect()
    }

    /// Takes what was finished last in each partition since it was taken before.
    pub(crate) fn take_own(&mut self) -> Offsets {
        std::mem::take(&mut self.own)
    }
}

impl Track {
    fn open(&mut self, offset: Offset) {
        // Nearly always the next one.
        if self.open.back().is_none_or(|last| *last < offset) {
            self.open.push_back(offset);
        } else if let Err(place) = self.open.binary_search(&offset) {
            self.open.insert(place, offset);
        }
    }

    /// Says whether it was open.
    fn close(&mut self, offset: Offset) -> bool {
        // Nearly always the first one.
        if self.open.front() == Some(&offset) {
            self.open.pop_front();
            return true;
        }
        let place = self.open.binary_search(&offset);
        place.is_ok_and(|place| self.open.remove(place).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contiguous_offsets_wait_for_the_slowest_and_own_ones_do_not() {
        let mut progress = Progress::default();
        for offset in 10..13 {
            progress.on_polled(&item(offset, b"k"));
        }
        progress.take_contiguous();

        progress.on_finished(&item(11, b"k"));
        let (before, own) = (progress.take_contiguous(), progress.take_own());
        progress.on_finished(&item(10, b"k"));
        let after = progress.take_contiguous();

        assert!(before.is_empty());
        assert_eq!(own, offsets(12));
        assert_eq!(after, offsets(12));
    }

    #[test]
    fn the_last_to_finish_decides_what_is_committed_as_its_own() {
        let mut progress = Progress::default();
        progress.on_polled(&item(10, b"k"));
        progress.on_polled(&item(11, b"k"));

        progress.on_finished(&item(11, b"k"));
        progress.on_finished(&item(10, b"k"));

        assert_eq!(progress.take_own(), offsets(11));
    }

    #[test]
    fn a_bounded_queue_has_room_for_those_who_are_free() {
        let workers = workers(Spread::Anybody);
        let mut crew = Crew::default();
        crew.staff(&workers);

        let room: Vec<bool> = (0..4)
            .map(|offset| {
                let has_room = crew.has_room(&workers);
                crew.queue(item(offset, b"k"));
                has_room
            })
            .collect();

        assert_eq!(room, [true, true, true, false]);
    }

    #[test]
    fn a_key_stays_with_its_thread() {
        let mut crew = Crew::default();
        crew.staff(&workers(Spread::ByKey));
        for offset in 0..6 {
            crew.queue(item(offset, [b"a", b"b"][offset as usize % 2]));
        }

        let mut taken: Vec<Vec<u64>> = Vec::new();
        for thread in 0..2 {
            let its = std::iter::from_fn(|| crew.take(thread, Spread::ByKey));
            taken.push(its.map(|item| item.offset.0).collect());
        }

        taken.sort();
        assert_eq!(taken, [vec![0, 2, 4], vec![1, 3, 5]]);
    }

    fn workers(spread: Spread) -> Workers {
        let commits = crate::plan::WorkerCommits::Contiguous;
        Workers { threads: 2, spread, queue: Some(1), commits }
    }

    fn item(offset: u64, key: &[u8]) -> Item {
        Item { offset: Offset(offset), key: Some(key.into()), ..Item::default() }
    }

    fn offsets(next: u64) -> Offsets {
        Offsets::from([(TopicPartition::default(), Offset(next))])
    }
}
