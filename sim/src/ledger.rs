//! Writes the history: keeps it if asked, hashes it, has it judged, counts what conditions
//! ask for.

use model::fact::{Fact, MemberEvent, SendOutcome};
use model::ids::ClientId;
use model::time::Time;

use crate::checkers::Judge;
use crate::conditions::Sources;
use crate::coverage::{Counter, Coverage};
use crate::groups::Groups;
use crate::history::{Digest, Entry, Event};
use crate::outcome::Judgement;
use crate::plan::Plan;
use crate::runtime::KeepHistory;

/// Where facts and faults go.
#[derive(Clone, Debug)]
pub(crate) struct Ledger {
    keep: KeepHistory,
    entries: Vec<Entry>,
    count: usize,
    digest: Digest,
    judge: Judge,
    /// Counts abstract states, if somebody asked.
    counter: Option<Counter>,
    /// By client.
    tallies: Vec<Tally>,
    groups: Groups,
    /// Whether tallies or groups are others than conditions last saw.
    moved: Sources,
}

/// What a history comes to.
pub(crate) struct Finished {
    pub(crate) digest: u64,
    /// The history itself, if it was kept.
    pub(crate) entries: Vec<Entry>,
    pub(crate) judgement: Judgement,
    /// What it covered, if that was counted.
    pub(crate) coverage: Coverage,
}

/// What one client has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) sent: u64,
    pub(crate) acknowledged: u64,
    pub(crate) failed: u64,
    pub(crate) polled: u64,
    pub(crate) threw: u64,
}

impl Tally {
    /// Returns the `send()` calls without an outcome, or with an unknown one.
    pub(crate) fn in_doubt(self) -> u64 {
        self.sent - self.acknowledged - self.failed
    }
}

impl Ledger {
    pub(crate) fn new(plan: &Plan, keep: KeepHistory) -> Ledger {
        Ledger {
            keep,
            entries: Vec::new(),
            count: 0,
            digest: Digest::default(),
            judge: Judge::new(plan),
            counter: None,
            tallies: vec![Tally::default(); plan.clients.len()],
            groups: Groups::new(plan),
            moved: Sources::ALL,
        }
    }

    /// Counts abstract states from here on.
    pub(crate) fn count_states(&mut self, plan: &Plan) {
        self.counter = Some(Counter::new(plan));
    }

    /// Writes one entry that is a fact: nearly all of them are, and few are kept.
    pub(crate) fn note_fact(&mut self, at: Time, fact: &Fact) {
        self.digest.absorb_fact(at, fact);
        self.judge.on_fact(self.count, at, fact);
        self.count += 1;
        self.tally(fact);
        if let Some(counter) = &mut self.counter {
            counter.on_fact(fact);
        }
        match self.keep {
            KeepHistory::Yes => self.entries.push(Entry { at, event: Event::Fact(fact.clone()) }),
            KeepHistory::No => {}
        }
    }

    /// Writes one entry.
    pub(crate) fn note(&mut self, at: Time, event: Event) {
        let entry = match event {
            Event::Fact(fact) => return self.note_fact(at, &fact),
            event => Entry { at, event },
        };
        self.digest.absorb(&entry);
        self.judge.on_entry(self.count, &entry);
        self.count += 1;
        if let Event::Fault(fault) = &entry.event {
            self.moved = self.moved | Sources::GROUPS;
            self.groups.on_fault(fault);
        }
        if let Some(counter) = &mut self.counter {
            counter.on_event(&entry.event);
        }
        match self.keep {
            KeepHistory::Yes => self.entries.push(entry),
            KeepHistory::No => {}
        }
    }

    pub(crate) fn of(&self, client: ClientId) -> Tally {
        self.tallies[usize::from(client.0)]
    }

    pub(crate) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Takes out what has changed here since the last call.
    pub(crate) fn take_moved(&mut self) -> Sources {
        std::mem::take(&mut self.moved)
    }

    pub(crate) fn count(&self) -> u64 {
        self.count as u64
    }

    /// Ends the history.
    pub(crate) fn finish(self) -> Finished {
        Finished {
            digest: self.digest.value(),
            entries: self.entries,
            judgement: self.judge.finish(),
            coverage: self.counter.map(Counter::finish).unwrap_or_default(),
        }
    }

    fn tally(&mut self, fact: &Fact) {
        let moved = match fact {
            Fact::SendCalled { client, .. } => {
                self.tallies[usize::from(client.0)].sent += 1;
                Sources::CLIENTS
            }
            Fact::Completed { client, uids, outcome, .. } => {
                let (tally, count) = (&mut self.tallies[usize::from(client.0)], uids.len() as u64);
                match outcome {
                    SendOutcome::Acknowledged(_) => tally.acknowledged += count,
                    SendOutcome::Failed(_) => tally.failed += count,
                    SendOutcome::Unknown(_) => {}
                }
                Sources::CLIENTS
            }
            Fact::Member(fact) => {
                if let MemberEvent::Threw(_) = fact.what {
                    self.tallies[usize::from(fact.client.0)].threw += 1;
                }
                self.groups.on_member(fact);
                Sources::CLIENTS | Sources::GROUPS
            }
            Fact::Group(fact) => {
                self.groups.on_group(fact);
                Sources::GROUPS
            }
            Fact::Work(fact) => {
                self.groups.on_work(fact);
                Sources::GROUPS
            }
            Fact::Polled { client, from, to, .. } => {
                self.tallies[usize::from(client.0)].polled += *to - *from;
                Sources::CLIENTS
            }
            _ => return,
        };
        self.moved = self.moved | moved;
    }
}
