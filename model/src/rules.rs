//! Protocol eras: the rules that Kafka once had, beside those it has.
//!
//! The default is Kafka 4.0's behaviour. A scenario that sets another rule shows what the
//! KIP concerned repaired. Rules that nobody ever had are [mutants](crate::mutant).

use serde::{Deserialize, Serialize};

use crate::mutant::{Mutant, Mutants};

/// Which era's rules a cluster follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// How a follower brings its log in line with a leader.
    pub truncation: Truncation,
    /// Whether fetches carry the reader's leader epoch.
    pub fetch_fencing: FetchFencing,
    /// Which rules are broken on purpose.
    #[serde(rename = "mutant")]
    pub mutants: Mutants,
}

impl Rules {
    /// Says whether a mutant is planted.
    #[inline]
    pub fn has(self, mutant: Mutant) -> bool {
        self.mutants.has(mutant)
    }
}

/// How a follower brings its log in line with a leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truncation {
    /// It cuts to its own high watermark (before KIP-101, Kafka 0.11).
    ToHighWatermark,
    /// It asks once where its last epoch ended and cuts there (KIP-101, Kafka 0.11 to 1.1).
    ByEpochOnce,
    /// It goes back epoch by epoch until both logs agree (KIP-279, Kafka 2.0 on).
    #[default]
    ByEpoch,
}

/// Whether fetches carry the reader's leader epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FetchFencing {
    /// They do not: a leader serves readers of any epoch (before KIP-320, Kafka 2.1).
    None,
    /// They do: a leader refuses readers of another epoch (KIP-320).
    #[default]
    ByEpoch,
}
