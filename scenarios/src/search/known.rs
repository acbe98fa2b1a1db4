//! Which stories a search knows already.

use std::collections::{BTreeMap, BTreeSet};

use crate::search::signature::Signature;
use crate::search::violation::Violation;

/// Findings of one kind in a row that turned out to be known, after which no further one is
/// looked into: making each small costs hundreds of runs.
const REPEATS_MAX: u32 = 3;

/// The stories that were found, and what is still worth a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    signatures: BTreeSet<Signature>,
    /// By name of what is wrong: how many findings in a row were known.
    repeats: BTreeMap<&'static str, u32>,
    /// Findings that were not looked into, or known.
    alike: u64,
}

/// Whether a story is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Novelty {
    /// Nobody has found it before.
    New,
    /// It was found before.
    Known,
}

impl Known {
    /// Takes a story for known from the beginning.
    pub fn learn(&mut self, signature: Signature) {
        self.signatures.insert(signature);
    }

    /// Says whether a finding is worth being made small. If not, it is counted as one more of
    /// those that are alike.
    pub fn is_worth(&mut self, violation: &Violation) -> bool {
        let repeats = self.repeats.get(violation.name()).copied().unwrap_or(0);
        let is_worth = repeats < REPEATS_MAX;
        self.alike += u64::from(!is_worth);
        is_worth
    }

    /// Takes in a finding.
    pub fn take(&mut self, violation: &Violation, signature: Signature) -> Novelty {
        let repeats = self.repeats.entry(violation.name()).or_default();
        if self.signatures.insert(signature) {
            *repeats = 0;
            return Novelty::New;
        }
        *repeats += 1;
        self.alike += 1;
        Novelty::Known
    }

    /// Returns how many findings were known, or were not looked into.
    pub fn alike(&self) -> u64 {
        self.alike
    }
}

#[cfg(test)]
mod tests {
    use sim::verdict::Claim;

    use super::*;
    use crate::{Overrides, library, parse};

    #[test]
    fn what_is_known_is_looked_into_a_few_times_and_no_more() {
        let entry = library::find("acks1-leader-crash").expect("it is in the library");
        let parsed = parse(entry.name, entry.source, &Overrides::default());
        let mut plan = parsed.expect("it is well-formed").0.cases[0].plan.clone();
        let (loss, livelock) = (Violation::Claim(Claim::NoAcknowledgedLoss), Violation::Livelock);
        let mut known = Known::default();

        let first = known.take(&loss, Signature::of(&loss, &plan));
        let mut looked_into = 0;
        for _ in 0..10 {
            if known.is_worth(&loss) {
                looked_into += 1;
                let again = known.take(&loss, Signature::of(&loss, &plan));
                assert_eq!(again, Novelty::Known);
            }
        }
        plan.steps.clear();

        assert_eq!((first, looked_into), (Novelty::New, REPEATS_MAX));
        assert_eq!(known.alike(), 10);
        assert!(known.is_worth(&livelock));
        assert_eq!(known.take(&loss, Signature::of(&loss, &plan)), Novelty::New);
        assert!(known.is_worth(&loss), "something new makes it worth a look again");
    }
}
