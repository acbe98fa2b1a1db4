//! What speaks against one claim: counts, places in the history and records.

use std::collections::BTreeMap;

use model::ids::Uid;
use model::time::Time;

use crate::clause::{Clause, ClauseKind, Sentence};
use crate::verdict::{Anomaly, Claim, Evidence, Finding, Verdict};

/// Places in the history that a verdict shows, at most.
const ENTRIES_MAX: usize = 20;

/// A place in the history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The entry's index.
    pub(crate) entry: usize,
    /// Its time.
    pub(crate) at: Time,
}

/// Collects what speaks against one claim.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Case {
    claim: Claim,
    anomalies: BTreeMap<Anomaly, u64>,
    /// Breaches alone: observations count in `anomalies` only.
    count: u64,
    /// Invariant: the smallest place of any breach.
    first: Option<Place>,
    /// Invariant: at most `ENTRIES_MAX`, in the order in which they were added.
    entries: Vec<usize>,
    records: Vec<Uid>,
}

impl Case {
    /// Opens a case with nothing in it.
    pub(crate) fn new(claim: Claim) -> Case {
        let (anomalies, entries, records) = (BTreeMap::new(), Vec::new(), Vec::new());
        Case { claim, anomalies, count: 0, first: None, entries, records }
    }

    /// Returns the claim.
    pub(crate) fn claim(&self) -> Claim {
        self.claim
    }

    /// Returns where the claim first broke.
    pub(crate) fn first(&self) -> Option<Place> {
        self.first
    }

    /// Returns how often an anomaly was seen.
    pub(crate) fn seen(&self, anomaly: Anomaly) -> u64 {
        self.anomalies.get(&anomaly).copied().unwrap_or(0)
    }

    /// Counts something that is legal in itself.
    pub(crate) fn observe(&mut self, anomaly: Anomaly, times: u64) {
        if 0 < times {
            *self.anomalies.entry(anomaly).or_insert(0) += times;
        }
    }

    /// Counts something that breaks the claim.
    pub(crate) fn breach(&mut self, anomaly: Anomaly, place: Place) {
        self.observe(anomaly, 1);
        self.break_at(place);
    }

    /// As [`Case::breach`], about one record.
    pub(crate) fn breach_of(&mut self, anomaly: Anomaly, uid: Uid, place: Place) {
        self.breach(anomaly, place);
        self.records.push(uid);
    }

    /// Counts a record that breaks the claim without an anomaly of its own.
    pub(crate) fn break_with(&mut self, uid: Uid, place: Place) {
        self.break_at(place);
        self.records.push(uid);
    }

    /// Adds a place to show.
    pub(crate) fn show(&mut self, place: Place) {
        if self.entries.len() < ENTRIES_MAX {
            self.entries.push(place.entry);
        }
    }

    /// Closes the case: `because` says what is wrong, `untested` why nothing could have gone
    /// wrong.
    pub(crate) fn close(
        mut self,
        risk: u64,
        untested: ClauseKind,
        because: impl FnOnce(&Case) -> Sentence,
    ) -> Finding {
        let verdict = match self.first {
            Some(first) => {
                let because = because(&self);
                self.entries.sort_unstable();
                self.entries.dedup();
                self.records.sort_unstable();
                self.records.dedup();
                let (entries, records) = (self.entries, self.records);
                let (count, first) = (self.count, first.at);
                Verdict::Breaks(Evidence { because, count, first, entries, records })
            }
            None if risk == 0 => Verdict::Untested(untested.into()),
            None => Verdict::Holds,
        };
        Finding { claim: self.claim, verdict, risk, anomalies: self.anomalies }
    }

    fn break_at(&mut self, place: Place) {
        self.count += 1;
        self.first = Some(self.first.map_or(place, |first| first.min(place)));
        self.show(place);
    }
}

/// Says each of these that was seen at all, with its count.
pub(crate) fn seen(counts: &[(ClauseKind, u64)]) -> Sentence {
    let seen = counts.iter().filter(|(_, count)| 0 < *count);
    Sentence(seen.map(|&(kind, count)| Clause::new(kind, [count.into()])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_in_order_whatever_the_order_of_the_breaches() {
        let mut case = Case::new(Claim::NoPhantom);
        let place = |entry: usize| Place { entry, at: Time(entry as u64) };
        for entry in [7, 3, 7] {
            case.breach_of(Anomaly::PhantomWrite, Uid(entry as u32), place(entry));
        }

        let finding = case.close(1, ClauseKind::NoGroup, |case| {
            seen(&[(ClauseKind::UnansweredLost, case.seen(Anomaly::PhantomWrite))])
        });

        let (because, first) = (Sentence::of(ClauseKind::UnansweredLost, [3.into()]), Time(3));
        let (entries, records) = (vec![3, 7], vec![Uid(3), Uid(7)]);
        let evidence = Evidence { because, count: 3, first, entries, records };
        assert_eq!(finding.verdict, Verdict::Breaks(evidence));
    }

    #[test]
    fn no_more_than_twenty_places_are_shown() {
        let mut case = Case::new(Claim::NoPhantom);
        for entry in 0..50 {
            case.breach(Anomaly::PhantomWrite, Place { entry, at: Time::ZERO });
        }

        let finding = case.close(1, ClauseKind::NoGroup, |_| Sentence::default());

        let Verdict::Breaks(evidence) = finding.verdict else { panic!("{finding:?}") };
        assert_eq!((evidence.entries.len(), evidence.count), (20, 50));
    }

    #[test]
    fn an_observation_breaks_nothing() {
        let mut case = Case::new(Claim::NoPhantom);
        case.observe(Anomaly::RejectedSend, 2);

        assert_eq!(case.first(), None);
        let finding = case.close(1, ClauseKind::NoGroup, |_| Sentence::default());
        assert_eq!(finding.verdict, Verdict::Holds);
    }
}
