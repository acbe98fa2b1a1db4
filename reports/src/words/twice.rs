//! The words about trials that are run in two processes, in both languages.

use serde::Serialize;

use super::Noun;

/// Whether the same trials have the same histories.
#[derive(Serialize)]
pub struct Twice {
    /// Trials with one history each.
    pub same: Noun,
    /// Heads a trial with two.
    pub differs: &'static str,
    /// Not even the trials are the same.
    pub other_trials: &'static str,
    /// Heads where two histories part: the place of their entry, from 1.
    pub first: &'static str,
    /// One history is the beginning of the other.
    pub goes_on: &'static str,
    /// A trial: scenario, matrix case, seed.
    pub trial: &'static str,
    /// A trial and the digest of its history.
    pub digest: &'static str,
}

pub(super) const ENGLISH: Twice = Twice {
    same: (
        "1 trial with the same history in two processes",
        "{0} trials, each with the same history in two processes",
    ),
    differs: "DIFFERS",
    other_trials: "one process ran other trials than the other",
    first: "first difference, entry {0}:",
    goes_on: "one history goes on where the other ends",
    trial: "{0} [{1}] seed {2}",
    digest: "{0} digest {1}",
};

pub(super) const CHINESE: Twice = Twice {
    same: ("1 次试验，在两个进程中历史相同", "{0} 次试验，每次在两个进程中历史都相同"),
    differs: "不同",
    other_trials: "两个进程运行的不是同样的试验",
    first: "第一处不同，在第 {0} 条：",
    goes_on: "一段历史已经结束，另一段还在继续",
    trial: "{0} [{1}] 种子 {2}",
    digest: "{0} 摘要 {1}",
};
