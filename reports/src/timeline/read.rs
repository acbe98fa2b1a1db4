//! Reads a trace and makes rows of it.
//!
//! What is quiet by default makes no row: metadata, buffers, empty fetches, flushes, and
//! everything that happens before the cluster is up.

use std::collections::{BTreeMap, BTreeSet};

use model::ids::Uid;
use model::time::Time;

use super::group_rows::GroupsSeen;
use super::row::{Row, Weight};
use super::{broker_rows, client_rows, controller_rows, fault_rows, group_rows, member_rows};
use crate::story::Story;
use crate::trace::state::{ReplicaState, State};
use crate::trace::{FactKind, NONE, Trace, TraceFact};
use crate::words::Words;

/// What is known of the cluster at one point of a trace.
pub(crate) struct Reader<'a> {
    pub(crate) story: Story<'a>,
    pub(crate) trace: &'a Trace,
    pub(crate) words: &'static Words,
    /// The place of the partition that is shown.
    pub(crate) focus: usize,
    pub(crate) rows: Vec<Row>,
    /// What is true after the entry that is being read.
    pub(crate) state: State,
    /// Who led, and who was in sync, before it.
    pub(crate) before: (Option<usize>, BTreeSet<usize>),
    /// The first leader with its epoch.
    pub(crate) first_leader: Option<(usize, i64)>,
    /// Where the rows of elections are, by epoch, with the log end that each shows.
    pub(crate) elections: BTreeMap<i64, (usize, i64)>,
    /// Those whose logs have ever changed.
    pub(crate) wrote: BTreeSet<usize>,
    /// For each record the first record of its batch, as last sent.
    pub(crate) batch_of: BTreeMap<Uid, Uid>,
    /// Who sends a batch, and to whom it was sent last.
    pub(crate) route_of: BTreeMap<Uid, (usize, usize)>,
    /// Those who were fenced after they had served.
    pub(crate) fenced: BTreeSet<usize>,
    /// Entries of batches that never reached their broker.
    pub(crate) lost_sends: BTreeSet<usize>,
    /// The last record that was sent again.
    pub(crate) sent_again: Option<i64>,
    /// What groups did.
    pub(crate) groups: GroupsSeen<'a>,
}

impl<'a> Reader<'a> {
    /// Reads the whole trace of a trial.
    pub(crate) fn read(story: &Story<'a>) -> Reader<'a> {
        let trace = story.trace;
        let mut reader = Reader {
            story: *story,
            trace,
            words: story.words,
            focus: trace.focus,
            rows: Vec::new(),
            state: State::new(trace),
            before: Default::default(),
            first_leader: None,
            elections: BTreeMap::new(),
            wrote: BTreeSet::new(),
            batch_of: BTreeMap::new(),
            route_of: BTreeMap::new(),
            fenced: BTreeSet::new(),
            lost_sends: trace.lost_sends(trace.focus),
            sent_again: None,
            groups: GroupsSeen::new(trace),
        };
        let mut rest = trace.facts.as_slice();
        while let Some(first) = rest.first() {
            let alike = fault_rows::alike(rest);
            let one = rest.iter().take_while(|fact| fact.entry == first.entry).count();
            let (now, later) = rest.split_at(alike.max(one));
            reader.entry(now);
            rest = later;
        }
        reader
    }

    /// Reads the facts of one entry, or of several that make one row.
    fn entry(&mut self, facts: &'a [TraceFact]) {
        // What only adds to something that the entry is about stands before it.
        let is_main =
            |fact: &&TraceFact| !matches!(fact.kind, FactKind::Own | FactKind::Generation);
        let Some(main) = facts.iter().find(is_main) else { return };
        if let Some(partition) = self.state.partitions.get(self.focus)
            && main.kind == FactKind::Leader
        {
            self.before = (partition.leader, partition.isr.clone());
        }
        self.state.go_past(self.trace, facts.len());
        let time = Time(main.at);
        let rebalance = group_rows::rebalance(self, main.entry, time);
        self.rows.extend(rebalance);
        if fault_rows::read(self, facts, main) {
            return;
        }
        match main.kind {
            FactKind::Settle => {
                let row = Row::new(time, main.entry, Weight::Key).band(self.words.settle);
                self.rows.push(row);
            }
            FactKind::Step => self.step(main),
            _ => self.fact(facts, main),
        }
    }

    fn step(&mut self, fact: &TraceFact) {
        let say = usize::try_from(fact.value).ok().and_then(|step| self.story.says.get(step));
        if let Some(say) = say.filter(|say| !say.is_empty()) {
            let row = Row::new(Time(fact.at), fact.entry, Weight::Caption);
            self.rows.push(row.band(format!("» {say}")));
        }
    }

    fn fact(&mut self, facts: &[TraceFact], main: &TraceFact) {
        let of_several = matches!(
            main.kind,
            FactKind::Callback
                | FactKind::Rest
                | FactKind::CommitSent
                | FactKind::Commit
                | FactKind::CommitRefused
        );
        if !of_several && main.partition != NONE && !self.is_shown(main) {
            return;
        }
        let row = client_rows::read(self, facts, main)
            .or_else(|| broker_rows::read(self, facts, main))
            .or_else(|| controller_rows::read(self, main))
            .or_else(|| group_rows::read(self, facts, main))
            .or_else(|| member_rows::read(self, facts, main));
        let Some(row) = row else { return };
        let rest = match self.rows.last_mut() {
            Some(last) => last.join(row, self.words.gap),
            None => Some(row),
        };
        self.rows.extend(rest);
    }

    /// Says whether a fact is about the partition that is shown.
    pub(crate) fn is_shown(&self, fact: &TraceFact) -> bool {
        fact.place() == Some(self.focus)
    }

    /// Returns the name of an actor.
    pub(crate) fn name(&self, actor: usize) -> &'a str {
        &self.trace.actors[actor].name
    }

    /// Returns the numbers of some brokers.
    pub(crate) fn ids(&self, actors: impl IntoIterator<Item = usize>) -> String {
        let ids = actors.into_iter().map(|it| self.name(it).trim_start_matches('b'));
        let ids: Vec<_> = ids.collect();
        if ids.is_empty() { "–".to_owned() } else { ids.join(" ") }
    }

    /// Returns the registered leader.
    pub(crate) fn leader(&self) -> Option<usize> {
        self.state.partitions.get(self.focus)?.leader
    }

    /// Returns a replica of the partition that is shown.
    pub(crate) fn replica(&self, actor: usize) -> Option<&ReplicaState> {
        self.state.partitions.get(self.focus)?.replicas.get(&actor)
    }

    /// Returns a replica's log end.
    pub(crate) fn end_of(&self, actor: usize) -> i64 {
        self.replica(actor).map_or(0, |replica| replica.end)
    }

    /// Returns the first records of the batches that end beyond `from` and at most at `to`.
    pub(crate) fn batches(&self, actor: usize, from: i64, to: i64) -> Vec<Uid> {
        let mut found: Vec<Uid> = self
            .batches_from_end(actor)
            .skip_while(|(end, _)| to < *end)
            .take_while(|(end, _)| from < *end)
            .map(|(_, first)| first)
            .collect();
        found.reverse();
        found
    }

    /// Returns the first record of the batch that lies before `offset`.
    pub(crate) fn batch_below(&self, actor: usize, offset: i64) -> Option<Uid> {
        self.batches_from_end(actor).take_while(|(end, _)| offset <= *end).last().map(|it| it.1)
    }

    /// Returns where each batch of a log ends, and its first record; the last one first.
    fn batches_from_end(&self, actor: usize) -> impl Iterator<Item = (i64, Uid)> {
        let batches = self.replica(actor).into_iter().flat_map(|it| it.batches.iter().rev());
        batches.map(|(&number, &kept)| {
            let batch = &self.trace.batches[number as usize];
            let whole = batch.records.len() as i64 == kept;
            let first = batch.records.first().copied().filter(|_| whole);
            // The rest of a batch that was cut in the middle is no round of its own.
            (batch.base as i64 + kept, first.unwrap_or(Uid(u32::MAX)))
        })
    }

    /// Returns the first record of the batch that `uid` was last sent in.
    pub(crate) fn batch_of(&self, uid: Uid) -> Uid {
        self.batch_of.get(&uid).copied().unwrap_or(uid)
    }
}

/// Returns the first and the last record of a batch.
pub(crate) fn ends(records: &[Uid]) -> Option<(Uid, Uid)> {
    records.first().copied().zip(records.last().copied())
}

/// Returns a record by the number that a fact carries.
pub(crate) fn uid(number: i64) -> Uid {
    Uid(u32::try_from(number).unwrap_or(u32::MAX))
}
