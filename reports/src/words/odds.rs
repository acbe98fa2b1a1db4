//! The words about odds: what they are for, and the English ones.

use serde::Serialize;

use super::Noun;

/// From which moment on a broken claim could not be saved any more.
#[derive(Serialize)]
pub struct OddsWords {
    /// Heads the report: the claim.
    pub head: &'static str,
    /// How many futures are drawn, and what is still to come in them: no further fault.
    pub calm: Noun,
    /// The same: every step of the scenario.
    pub planned: Noun,
    /// Heads the column of times.
    pub up_to: &'static str,
    /// Heads the column of shares.
    pub broken: &'static str,
    /// Futures that break it, all futures, the highest value of their share: none breaks it.
    pub none: &'static str,
    /// The same with the lowest value of their share: all break it.
    pub all: &'static str,
    /// The same with the share, its lowest and its highest value.
    pub some: &'static str,
    /// Moments between two that are shown, with the same odds.
    pub between: Noun,
    /// Where the odds rise: from, to, when.
    pub rise: &'static str,
    /// The odds are the same at all moments.
    pub flat: &'static str,
    /// It was interrupted.
    pub cut_short: &'static str,
    /// What the numbers mean and what they do not.
    pub meaning: &'static str,
    /// There is nothing to tell: no claim is broken.
    pub nothing: &'static str,
    /// There is nothing to tell: this claim is not broken.
    pub not_broken: &'static str,
    /// Heads the command that does it again.
    pub again: &'static str,
}

/// English.
pub const ODDS: OddsWords = OddsWords {
    head: "When was it too late for {0}?",
    calm: (
        "1 future from each moment: the past as it was, all luck drawn anew, no further fault",
        "{0} futures from each moment: the past as it was, all luck drawn anew, no further fault",
    ),
    planned: (
        "1 future from each moment: the past as it was, all luck drawn anew, every step to come",
        "{0} futures from each moment: the past as it was, all luck drawn anew, every step to come",
    ),
    up_to: "up to",
    broken: "futures that break it",
    none: "{0} of {1}: below {2}",
    all: "{0} of {1}: above {2}",
    some: "{0} of {1}: {2} ({3} to {4})",
    between: ("1 moment alike", "{0} moments alike"),
    rise: "from {0} to {1} at {2}:",
    flat: "the odds are the same at every moment",
    cut_short: "interrupted: not all moments were looked at",
    meaning: "Shares with exact 95 % intervals. They say how this one history could have gone on \
        by other luck, and are no forecast for a data centre.",
    nothing: "no claim is broken in this trial: there are no odds to tell",
    not_broken: "{0} is not broken in this trial: there are no odds to tell",
    again: "again",
};
