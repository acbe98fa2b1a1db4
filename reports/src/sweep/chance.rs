//! How an expectation about a chance stands after a sweep.

use scenarios::Chance;

use crate::stats::share::Share;
use crate::stats::words::{odds, percent};
use crate::text::fill;
use crate::words::SweepWords;

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
pub fn told(chance: &Chance, broken: Share, words: &SweepWords) -> String {
    let (least, most) = (percent(chance.least), percent(chance.most));
    let range = match (0.0 < chance.least, chance.most < 1.0) {
        (true, true) => fill(words.between, &[&least, &most]),
        (true, false) => fill(words.at_least, &[&least]),
        (false, true) => fill(words.at_most, &[&most]),
        (false, false) => words.any.to_owned(),
    };
    let [met, undecided, failed] = words.standings;
    let standing = match judge(chance, broken) {
        Judged::Met => met,
        Judged::Undecided => undecided,
        Judged::Failed => failed,
    };
    let (name, certain) = (chance.claim.name(), percent(chance.confidence));
    fill(words.should, &[name, &range, &certain, standing, &odds(broken, words)])
}

#[cfg(test)]
mod tests {
    use sim::verdict::Claim;

    use crate::words::{EN, ZH};

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

    #[test]
    fn a_chance_is_told_with_its_range_and_how_it_stands() {
        let table = [
            (0.4, 0.6, "40.0 % to 60.0 %", "在 40.0 % 至 60.0 % 的运行中"),
            (0.9, 1.0, "at least 90.0 %", "在至少 90.0 % 的运行中"),
            (0.0, 0.05, "at most 5.0 %", "在至多 5.0 % 的运行中"),
            (0.0, 1.0, "any number", "在任意比例的运行中"),
        ];

        for (least, most, en, zh) in table {
            let claim = Claim::NoDuplicates;
            let chance = Chance { claim, least, most, confidence: 0.99, line: 1 };
            let told = |words| told(&chance, Share { hits: 0, of: 0 }, words);
            let (english, chinese) = (told(&EN.sweep), told(&ZH.sweep));
            let begins = format!("no-duplicates should break in {en} of runs (99.0 % certain): ");
            assert!(english.starts_with(&begins), "{english}");
            assert!(chinese.contains(&format!("{zh}被违反（置信度 99.0 %）：")), "{chinese}");
        }
    }
}
