//! How an expectation about a chance stands after a sweep.

use scenarios::Chance;

use crate::stats::share::Share;
use crate::stats::words::{odds, percent};

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Judged {
    /// The true share is in the expected range, as certainly as was asked for.
    Met,
    /// So many runs cannot tell.
    Undecided,
    /// The true share is outside of the range, as certainly as was asked for.
    Failed,
}

/// Judges a share of runs: each side by a one-sided exact bound.
pub fn judge(chance: &Chance, broken: Share) -> Judged {
    let (low, high) =
        (broken.lower_bound(chance.confidence), broken.upper_bound(chance.confidence));
    if chance.most < low || high < chance.least {
        return Judged::Failed;
    }
    let is_above = chance.least <= low || chance.least <= 0.0;
    let is_below = high <= chance.most || 1.0 <= chance.most;
    if is_above && is_below { Judged::Met } else { Judged::Undecided }
}

/// Says what is expected, and how it stands.
pub fn told(chance: &Chance, broken: Share) -> String {
    let range = match (0.0 < chance.least, chance.most < 1.0) {
        (true, true) => format!("{} to {}", percent(chance.least), percent(chance.most)),
        (true, false) => format!("at least {}", percent(chance.least)),
        (false, true) => format!("at most {}", percent(chance.most)),
        (false, false) => "any number".to_owned(),
    };
    let standing = match judge(chance, broken) {
        Judged::Met => "so it is",
        Judged::Undecided => "that is not certain: more runs would tell",
        Judged::Failed => "so it is not",
    };
    format!(
        "{} should break in {range} of runs ({} certain): {standing} ({})",
        chance.claim.name(),
        percent(chance.confidence),
        odds(broken)
    )
}

#[cfg(test)]
mod tests {
    use sim::verdict::Claim;

    use super::*;

    #[test]
    fn a_chance_is_met_failed_or_not_yet_known() {
        let table = [
            (0.9, 1.0, (200, 200), Judged::Met),
            (0.9, 1.0, (185, 200), Judged::Undecided),
            (0.9, 1.0, (100, 200), Judged::Failed),
            (0.0, 0.01, (0, 200), Judged::Undecided),
            (0.0, 0.01, (0, 500), Judged::Met),
            (0.0, 0.01, (20, 200), Judged::Failed),
            (0.4, 0.6, (250, 500), Judged::Met),
            (0.0, 1.0, (0, 0), Judged::Met),
            (0.5, 1.0, (0, 0), Judged::Undecided),
        ];

        for (least, most, (hits, of), expected) in table {
            let claim = Claim::NoDuplicates;
            let chance = Chance { claim, least, most, confidence: 0.99, line: 1 };
            let judged = judge(&chance, Share { hits, of });
            assert_eq!(judged, expected, "{hits} of {of} for {least} to {most}");
        }
    }
}
