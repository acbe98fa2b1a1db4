//! `order-per-key`: in which order a group finishes the records of a key.
//!
//! Only the first time counts that a record is done or handed on, and only records of one
//! producer are compared: what two producers send has no order of sending.
//!
//! Source: ours.

use std::collections::BTreeMap;

use model::fact::{WorkEvent, WorkFact, WorkOutcome};
use model::ids::{ClientId, Key, TopicPartition, Uid};
use model::log::batch::Record;

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::groups::view::View;
use crate::clause::ClauseKind;
use crate::verdict::{Anomaly, Claim, Finding};

/// Judges `order-per-key`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeyOrder {
    case: Case,
    /// By uid, as far as keys were sent: the key's number, if there is a key, and the producer.
    sent: Vec<(Option<u32>, ClientId)>,
    numbers: BTreeMap<Key, u32>,
    /// By group, then by key.
    lines: Vec<Vec<Line>>,
    /// Keys that came to another partition, and records that another thread of the group
    /// took up than the one before: so it could have been the same key.
    moves: u64,
    /// By group: who began to work last, client and thread.
    workers: Vec<Option<(ClientId, u16)>>,
}

/// What a group did with one key.
#[derive(Clone, Debug, Default, PartialEq)]
struct Line {
    /// The last record finished, in order of sending, by producer.
    newest: Vec<(ClientId, Uid)>,
    partition: Option<TopicPartition>,
    /// Whether it was in another partition, too.
    spread: Spread,
}

/// In how many partitions a key was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum Spread {
    #[default]
    One,
    More,
}

impl KeyOrder {
    /// Opens the case.
    pub(crate) fn new(groups: usize) -> KeyOrder {
        KeyOrder {
            case: Case::new(Claim::OrderPerKey),
            sent: Vec::new(),
            numbers: BTreeMap::new(),
            lines: vec![Vec::new(); groups],
            moves: 0,
            workers: vec![None; groups],
        }
    }

    /// Takes in that `send()` was called.
    pub(crate) fn on_send(&mut self, client: ClientId, record: &Record) {
        let Some(key) = &record.key else { return };
        let next = self.numbers.len() as u32;
        let number = *self.numbers.entry(key.clone()).or_insert(next);
        let at = record.uid.0 as usize;
        if self.sent.len() <= at {
            self.sent.resize(at + 1, (None, client));
        }
        self.sent[at] = (Some(number), client);
    }

    /// Closes the case.
    pub(crate) fn finish(self, view: &View) -> Finding {
        let untested = match view.groups.is_empty() {
            true => ClauseKind::NoGroup,
            false => ClauseKind::KeysStayed,
        };
        self.case.close(self.moves, untested, |case| {
            seen(&[(ClauseKind::KeysOvertaken, case.seen(Anomaly::KeyOrder))])
        })
    }

    /// Takes in what an application of a group did. `view` is as after it.
    pub(crate) fn on_work(&mut self, group: usize, fact: &WorkFact, place: Place, view: &View) {
        let Some(&(Some(key), producer)) = self.sent.get(fact.uid.0 as usize) else { return };
        let lines = &mut self.lines[group];
        if lines.len() <= key as usize {
            lines.resize(key as usize + 1, Line::default());
        }
        let line = &mut lines[key as usize];
        match fact.what {
            WorkEvent::Began(thread) => {
                let last = self.workers[group].replace((fact.client, thread));
                self.moves += u64::from(last.is_some_and(|last| last != (fact.client, thread)));
                let home = *line.partition.get_or_insert(fact.partition);
                if home != fact.partition && line.spread == Spread::One {
                    line.spread = Spread::More;
                    self.moves += 1;
                    self.case.observe(Anomaly::KeySplit, 1);
                }
            }
            WorkEvent::Ended(WorkOutcome::Done | WorkOutcome::HandedOn)
                if view.groups[group].work(fact.uid).done == 1 =>
            {
                match line.newest.iter_mut().find(|it| it.0 == producer) {
                    Some((_, newest)) if fact.uid < *newest => {
                        self.case.breach_of(Anomaly::KeyOrder, fact.uid, place);
                    }
                    Some((_, newest)) => *newest = fact.uid,
                    None => line.newest.push((producer, fact.uid)),
                }
            }
            WorkEvent::Ended(_) | WorkEvent::Effect(_) | WorkEvent::CopySent { .. } => {}
        }
    }
}
