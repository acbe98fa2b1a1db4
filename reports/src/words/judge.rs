//! The words about histories of clients: what they are for, and the English ones.

use serde::Serialize;
use sim::jepsen::Anomaly;

use super::Noun;

/// What a history of clients is worth.
#[derive(Serialize)]
pub struct JudgeWords {
    /// What an anomaly of Jepsen's means.
    #[serde(skip)]
    pub meaning: fn(Anomaly) -> &'static str,
    /// Heads an anomaly that is no violation.
    pub allowed: &'static str,
    /// Heads one that is.
    pub broken: &'static str,
    /// An anomaly, and how often it was found.
    pub anomaly: &'static str,
    /// Instances that are not told.
    pub more: &'static str,
    /// The key of an instance.
    pub key: &'static str,
    /// Its values.
    pub values: Noun,
    /// Its offsets.
    pub offsets: Noun,
    /// Its operations.
    pub operations: Noun,
    /// How many of a list are not told.
    pub more_items: &'static str,
    /// Stands between the parts of an instance.
    pub joint: &'static str,
    /// Nothing was found but what is legal.
    pub valid: &'static str,
    /// Something else was found.
    pub invalid: &'static str,
    /// Lines of a history.
    pub lines: Noun,
    /// The lines, and how consumers got their partitions.
    pub judged: &'static str,
}

/// English.
pub const JUDGE: JudgeWords = JudgeWords {
    meaning: Anomaly::meaning,
    allowed: "allowed",
    broken: "BROKEN",
    anomaly: "{0} ({1})",
    more: "and {0} more",
    key: "key {0}",
    values: ("value {0}", "values {0}"),
    offsets: ("offset {0}", "offsets {0}"),
    operations: ("operation {0}", "operations {0}"),
    more_items: " and {0} more",
    joint: ", ",
    valid: "valid",
    invalid: "INVALID",
    lines: ("{0} line", "{0} lines"),
    judged: "{0}, consumers by {1}",
};
