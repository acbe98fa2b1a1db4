//! Writes the history: keeps it if asked, hashes it, has it judged, counts what conditions
//! ask for.

use model::fact::{Fact, MemberEvent, MemberFact, SendOutcome};
use model::ids::ClientId;
use model::time::Time;

use crate::checkers::Judge;
use crate::groups::Groups;
use crate::history::{Digest, Entry, Event};
use crate::outcome::Judgement;
use crate::plan::Plan;
use crate::runtime::KeepHistory;

/// Where facts and faults go.
#[derive(Debug)]
pub(crate) struct Ledger {
    keep: KeepHistory,
    entries: Vec<Entry>,
    count: usize,
    digest: Digest,
    judge: Judge,
    /// By client.
    tallies: Vec<Tally>,
    groups: Groups,
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
            tallies: vec![Tally::default(); plan.clients.len()],
            groups: Groups::new(plan),
        }
    }

    /// Writes one entry.
    pub(crate) fn note(&mut self, at: Time, event: Event) {
        let entry = Entry { at, event };
        self.digest.absorb(&entry);
        self.judge.on_entry(self.count, &entry);
        self.count += 1;
        self.groups.on_event(&entry.event);
        if let Event::Fact(fact) = &entry.event {
            self.tally(fact);
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

    pub(crate) fn count(&self) -> u64 {
        self.count as u64
    }

    /// Ends the history: its digest, itself if kept, and what it is worth.
    pub(crate) fn finish(self) -> (u64, Vec<Entry>, Judgement) {
        (self.digest.value(), self.entries, self.judge.finish())
    }

    fn tally(&mut self, fact: &Fact) {
        match fact {
            Fact::SendCalled { client, .. } => self.tallies[usize::from(client.0)].sent += 1,
            Fact::Completed { client, uids, outcome, .. } => {
                let (tally, count) = (&mut self.tallies[usize::from(client.0)], uids.len() as u64);
                match outcome {
                    SendOutcome::Acknowledged(_) => tally.acknowledged += count,
                    SendOutcome::Failed(_) => tally.failed += count,
                    SendOutcome::Unknown(_) => {}
                }
            }
            Fact::Member(MemberFact { client, what: MemberEvent::Threw(_) }) => {
                self.tallies[usize::from(client.0)].threw += 1;
            }
            Fact::Polled { client, from, to, .. } => {
                self.tallies[usize::from(client.0)].polled += *to - *from;
            }
            _ => {}
        }
    }
}
