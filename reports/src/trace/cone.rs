//! The causal cone of one record: the messages that carried or answered it, and the facts
//! that are about it.

use std::collections::BTreeSet;

use model::ids::Uid;

use super::fact::{FactKind, TraceFact};
use super::{Arrow, Trace, TraceMessage};

/// What has to do with one record, by place in the trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cone {
    /// Places in `Trace::messages`, in order.
    pub messages: Vec<usize>,
    /// Places in `Trace::facts`, in order.
    pub facts: Vec<usize>,
}

/// A walk through a trace with an eye on one record.
struct Walk<'t> {
    trace: &'t Trace,
    uid: i64,
    partition: i64,
    /// Who has it in its log, and at which offset.
    holders: BTreeSet<(i64, i64)>,
    /// What was already told of it, where only the first time matters.
    told: BTreeSet<(FactKind, i64, i64)>,
    /// Links on which a follower has asked for what comes after it.
    asked: BTreeSet<(usize, usize)>,
}

impl Cone {
    /// Finds what has to do with a record; nothing if there is no such record.
    pub fn of(trace: &Trace, uid: Uid) -> Cone {
        let mut cone = Cone::default();
        let Some(record) = trace.records.get(uid.0 as usize) else { return cone };
        let mut walk = Walk {
            trace,
            uid: uid.0 as i64,
            partition: record.partition.map_or(-1, |place| place as i64),
            holders: BTreeSet::new(),
            told: BTreeSet::new(),
            asked: BTreeSet::new(),
        };
        let mut messages = trace.messages.iter().enumerate().peekable();
        for (place, fact) in trace.facts.iter().enumerate() {
            while let Some((at, message)) = messages.next_if(|(_, it)| it.after <= fact.entry) {
                if walk.carries(message) {
                    cone.messages.push(at);
                }
            }
            if walk.concerns(fact) {
                cone.facts.push(place);
            }
        }
        cone.messages.extend(messages.filter(|(_, it)| walk.carries(it)).map(|(at, _)| at));
        cone
    }

    /// Returns from when to when it reaches, in microseconds.
    pub fn span(&self, trace: &Trace) -> Option<(u64, u64)> {
        let facts = self.facts.iter().map(|&at| trace.facts[at].at);
        let sent = self.messages.iter().map(|&at| trace.messages[at].at);
        let landed = self.messages.iter().map(|&at| {
            let message = &trace.messages[at];
            message.at + message.flight.unwrap_or(0)
        });
        let all: Vec<u64> = facts.chain(sent).chain(landed).collect();
        Some((*all.iter().min()?, *all.iter().max()?))
    }
}

impl Walk<'_> {
    fn carries(&mut self, message: &TraceMessage) -> bool {
        if message.partition.map(|it| it as i64) != Some(self.partition) {
            return false;
        }
        let (low, end) = (message.low, message.low + message.count);
        let held = |actor: usize| {
            let mut held = self.holders.iter().filter(move |(holder, _)| *holder == actor as i64);
            held.next().map(|&(_, offset)| offset)
        };
        match message.arrow {
            Arrow::Produce => low <= self.uid && self.uid < end,
            Arrow::Data => held(message.from).is_some_and(|it| low <= it && it < end),
            Arrow::Ack => held(message.from).is_some() && self.begins(low),
            Arrow::Fetch => {
                let past = held(message.from).is_some_and(|it| it < low);
                past && self.asked.insert((message.from, message.to))
            }
            Arrow::Control | Arrow::Quiet => false,
        }
    }

    /// Says whether a batch that begins at offset `base` holds the record.
    fn begins(&self, base: i64) -> bool {
        let mut batches = self.trace.batches.iter().filter(|batch| batch.base as i64 == base);
        batches.any(|batch| self.place_in(&batch.records).is_some())
    }

    fn place_in(&self, records: &[Uid]) -> Option<usize> {
        records.iter().position(|uid| uid.0 as i64 == self.uid)
    }

    fn concerns(&mut self, fact: &TraceFact) -> bool {
        let (uid, value, other) = (self.uid, fact.value, fact.other);
        if matches!(fact.kind, FactKind::Append | FactKind::Cut | FactKind::Took) {
            return self.moves(fact);
        }
        let here = fact.partition == self.partition;
        match fact.kind {
            FactKind::Send => value == uid,
            FactKind::Route => value == uid,
            FactKind::Ack | FactKind::Fail | FactKind::Unknown | FactKind::Abandon => {
                value <= uid && uid < value + other
            }
            FactKind::Retry | FactKind::Repeat | FactKind::Refuse => here && self.is_of(value),
            FactKind::Promise => here && self.held_within(fact.actor, value, other),
            FactKind::Hw => here && self.passes(fact) && self.first(fact),
            FactKind::Poll => here && self.anybody_within(value, other),
            FactKind::Begin | FactKind::Done | FactKind::Leave => here && other == uid,
            FactKind::Commit => here && self.covers(value) && self.first(fact),
            FactKind::CommitRefused => here && self.covers(value) && self.first(fact),
            _ => false,
        }
    }

    /// Follows the record into logs and out of them.
    fn moves(&mut self, fact: &TraceFact) -> bool {
        if fact.partition != self.partition {
            return false;
        }
        if fact.kind != FactKind::Append {
            let held = self.holders.len();
            self.holders.retain(|&(holder, offset)| holder != fact.actor || offset < fact.value);
            let is_cut = self.holders.len() < held;
            if is_cut {
                self.told.remove(&(FactKind::Hw, fact.actor, -1));
            }
            return is_cut;
        }
        let batch = &self.trace.batches[fact.value as usize];
        match self.place_in(&batch.records) {
            Some(place) => self.holders.insert((fact.actor, (batch.base + place as u64) as i64)),
            None => false,
        }
    }

    /// Says whether the batch that begins with record `first` holds the record.
    fn is_of(&self, first: i64) -> bool {
        let begins =
            |batch: &&super::Batch| batch.records.first().is_some_and(|uid| uid.0 as i64 == first);
        let mut batches = self.trace.batches.iter().filter(begins);
        first == self.uid || batches.any(|batch| self.place_in(&batch.records).is_some())
    }

    fn held_within(&self, actor: i64, from: i64, to: i64) -> bool {
        self.holders.iter().any(|&(who, at)| who == actor && from <= at && at < to)
    }

    fn anybody_within(&self, from: i64, to: i64) -> bool {
        self.holders.iter().any(|&(_, at)| from <= at && at < to)
    }

    fn passes(&self, fact: &TraceFact) -> bool {
        self.holders.iter().any(|&(who, at)| who == fact.actor && at < fact.value)
    }

    fn covers(&self, committed: i64) -> bool {
        self.holders.iter().any(|&(_, at)| at < committed)
    }

    /// Says whether this is told for the first time of this actor or group.
    fn first(&mut self, fact: &TraceFact) -> bool {
        let of = if fact.kind == FactKind::Commit { (-1, fact.other) } else { (fact.actor, -1) };
        self.told.insert((fact.kind, of.0, of.1))
    }
}
