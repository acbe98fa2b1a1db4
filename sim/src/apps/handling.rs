//! The work on one record: how it begins, how it ends, what follows when it throws.

use std::sync::Arc;

use model::fact::{CopyPurpose, WorkEvent, WorkFact, WorkOutcome};
use model::ids::{ClientId, Key, Offset, TopicPartition, Uid};
use model::rules::Rules;
use model::time::{Duration, Time};
use model::turn::Delivery;

use crate::apps::sink::Store;
use crate::plan::{Handling, OnFailure, Poison, Sink};
use crate::shape::Stream;

/// A record in the hands of an application.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Item {
    pub(crate) partition: TopicPartition,
    pub(crate) offset: Offset,
    pub(crate) uid: Uid,
    pub(crate) key: Option<Key>,
    /// Bytes of the value.
    pub(crate) value: Option<u32>,
    /// Attempts that have thrown.
    pub(crate) attempts: u32,
}

/// What surrounds an application at one moment.
#[derive(Debug)]
pub(crate) struct Desk<'a> {
    pub(crate) now: Time,
    pub(crate) handling: &'a Handling,
    /// The rules that the world plays by.
    pub(crate) rules: Rules,
    pub(crate) store: &'a mut Store,
    /// By uid: the how-many-eth record of its topic that is, from 0.
    pub(crate) ordinals: &'a [u32],
    /// What was done.
    pub(crate) notes: &'a mut Vec<WorkFact>,
}

/// What follows from an attempt at a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// The application is through with it.
    Finished,
    /// A record must be sent and acknowledged before it is.
    Copy(CopyPurpose),
    /// It tries again after this pause.
    Again(Duration),
    /// The exception leaves the loop.
    Stop,
    /// The process dies.
    Crash,
}

/// Does the work.
#[derive(Clone, Debug)]
pub(crate) struct Handler {
    client: ClientId,
    name: Arc<str>,
    seed: u64,
    takes: Stream,
    fails: Stream,
}

/// Lists the records of a delivery, first to last.
pub(crate) fn items(delivery: &Delivery) -> impl Iterator<Item = Item> + '_ {
    let batch = &delivery.batch;
    let all = (batch.base_offset.0..).map(Offset).zip(batch.records.list());
    all.filter(|(offset, _)| (delivery.from..delivery.to).contains(offset)).map(
        |(offset, record)| Item {
            partition: delivery.partition,
            offset,
            uid: record.uid,
            key: record.key.clone(),
            value: record.value,
            attempts: 0,
        },
    )
}

impl Handler {
    /// Draws what comes from another seed's streams.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
    }

    pub(crate) fn new(client: ClientId, name: Arc<str>, seed: u64) -> Handler {
        Handler { client, name, seed, takes: Stream::default(), fails: Stream::default() }
    }

    /// Begins an attempt at a record; returns when it ends, or `None` if the sink has it
    /// taken for a repeat.
    pub(crate) fn begin(&mut self, item: &Item, thread: u16, desk: &mut Desk<'_>) -> Option<Time> {
        self.note(item, WorkEvent::Began(thread), desk.notes);
        // Whoever tries again has asked before.
        if item.attempts == 0 && desk.store.takes_for_repeat(item.uid) {
            self.note(item, WorkEvent::Ended(WorkOutcome::TakenForRepeat), desk.notes);
            return None;
        }
        let (takes, name) = (desk.handling.takes, &self.name);
        let length = takes
            .fixed()
            .unwrap_or_else(|| takes.draw(self.takes.get(self.seed, || format!("app/{name}"))));
        Some(desk.now + length)
    }

    /// Ends an attempt at a record.
    pub(crate) fn end(&mut self, item: &Item, desk: &mut Desk<'_>) -> Fate {
        if self.throws(item, desk) {
            return self.fail(item, desk);
        }
        // An application that only hands on has no other result.
        let has_result = desk.handling.output.is_none() || desk.handling.sink != Sink::Append;
        if has_result {
            let effect = desk.store.store(item);
            self.note(item, WorkEvent::Effect(effect), desk.notes);
        }
        if desk.handling.output.is_some() {
            return Fate::Copy(CopyPurpose::Output);
        }
        self.note(item, WorkEvent::Ended(WorkOutcome::Done), desk.notes);
        Fate::Finished
    }

    /// Decides what follows when the work on a record has thrown.
    pub(crate) fn fail(&mut self, item: &Item, desk: &mut Desk<'_>) -> Fate {
        let (outcome, fate) = match desk.handling.on_failure {
            OnFailure::Stop => (WorkOutcome::Failed, Fate::Stop),
            OnFailure::Crash => (WorkOutcome::Failed, Fate::Crash),
            OnFailure::Skip => (WorkOutcome::Skipped, Fate::Finished),
            OnFailure::Retry(pause) => (WorkOutcome::Failed, Fate::Again(pause)),
            OnFailure::DeadLetter { attempts, .. } if attempts <= item.attempts + 1 => {
                return Fate::Copy(CopyPurpose::DeadLetter);
            }
            OnFailure::DeadLetter { .. } => (WorkOutcome::Failed, Fate::Again(Duration::ZERO)),
        };
        self.note(item, WorkEvent::Ended(outcome), desk.notes);
        fate
    }

    pub(crate) fn note(&self, item: &Item, what: WorkEvent, notes: &mut Vec<WorkFact>) {
        let Item { partition, offset, uid, .. } = *item;
        notes.push(WorkFact { client: self.client, partition, offset, uid, what });
    }

    fn throws(&mut self, item: &Item, desk: &Desk<'_>) -> bool {
        let is_poison = match desk.handling.poison {
            Some(Poison::EveryNth(n)) => {
                let ordinal = desk.ordinals.get(item.uid.0 as usize);
                ordinal.is_some_and(|ordinal| (ordinal + 1).is_multiple_of(n))
            }
            Some(Poison::AtOffset(offset)) => item.offset == Offset(offset),
            None => false,
        };
        let (share, name) = (desk.handling.fails_millionths, &self.name);
        is_poison
            || 0 < share && self.fails.get(self.seed, || format!("app/{name}/fails")).chance(share)
    }
}
