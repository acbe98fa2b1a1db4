//! Mutants: rules of the protocol broken on purpose, to prove that somebody would notice.
//!
//! Each is one `if` at the place of the rule that it breaks, marked `// Mutant:`. Unlike an
//! era ([`rules`](crate::rules)), none of them was ever Kafka's behaviour. Three mutants that
//! are often named are eras: `truncation=to-high-watermark`, `truncation=by-epoch-once` and
//! `fetch-fencing=none`.

use serde::{Deserialize, Serialize};

macro_rules! mutants {
    ($($variant:ident $name:literal $text:literal,)*) => {
        /// A rule of the protocol, broken on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Mutant {
            $(#[doc = $text] $variant,)*
        }

        impl Mutant {
            /// Every one, in order.
            pub const ALL: &[Mutant] = &[$(Mutant::$variant,)*];

            /// Returns the name that scenario files and reports use.
            pub fn name(self) -> &'static str {
                match self {
                    $(Mutant::$variant => $name,)*
                }
            }

            /// Returns what it does wrong, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $(Mutant::$variant => $text,)*
                }
            }

            /// Finds the one with this name.
            pub fn by_name(name: &str) -> Option<Mutant> {
                Mutant::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    };
}

mutants! {
    // Partitions and their leaders
    HwIgnoresPendingIsr "hw-ignores-pending-isr" "The high watermark waits for the ISR in force only, not for the replica that is about to join it.",
    IsrExpandEarly "isr-expand-early" "A leader lets a follower into the ISR that has not reached the start of its epoch.",
    AckBeforeIsr "ack-before-isr" "A leader answers acks=all as soon as it has appended.",
    MinIsrIgnored "min-isr-ignored" "A leader takes and commits records however small the ISR is.",
    FenceLate "fence-late" "A deposed leader acknowledges what still waits at it.",
    FollowerHwAhead "follower-hw-ahead" "A follower takes its log's end for the high watermark.",
    CheckpointAhead "checkpoint-ahead" "A broker writes its log's end into the high watermark checkpoint.",
    FsyncLies "fsync-lies" "A disk says that it has flushed, and has not.",
    // The controller
    UncleanSilently "unclean-silently" "The controller elects any live replica, whatever the topic allows.",
    // Idempotence
    NoSequenceCheck "no-sequence-check" "A leader appends every batch, repeats too.",
    SequencesForgotten "sequences-forgotten" "A new leader knows nothing of the producers before it.",
    WindowTooShort "window-too-short" "A leader remembers one batch of a producer instead of five.",
    EpochNotBumped "epoch-not-bumped" "A producer starts its sequences over under the same producer epoch.",
    // Consumer groups
    CommitAnyGeneration "commit-any-generation" "A coordinator accepts offsets of any generation, of members and of others.",
    CommitBeforeReplication "commit-before-replication" "A coordinator answers before its records are replicated.",
    OffsetsNotReplayed "offsets-not-replayed" "A new coordinator begins without the committed offsets.",
    TwoOwners "two-owners" "An assignment hands a partition over before its old owner has given it back.",
    JoinNotAwaited "join-not-awaited" "A coordinator begins the next generation with the first to rejoin, without waiting for the others to give back what they have.",
    ForgetSessionTimer "forget-session-timer" "A coordinator never expels a silent member.",
    ForgetRebalanceTimeout "forget-rebalance-timeout" "A coordinator waits for ever for members that do not rejoin or give nothing back.",
    StaticMemberNotFenced "static-member-not-fenced" "A coordinator does not fence the old process of a static member.",
    PolledIsProcessed "polled-is-processed" "An application counts a record as processed as soon as it was polled.",
    ResetIgnoresCommitted "reset-ignores-committed" "A consumer begins at auto.offset.reset although its group has committed.",
    // Canaries
    CanaryLiveness "canary-liveness" "A leader never answers the fetch of a follower.",
    CanaryAlways "canary-always" "A leader acknowledges the first record, and every 10th after it, without having appended its batch.",
}

/// The mutants that are planted: none, usually.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Mutants(u64);

const _: () = assert!(Mutant::ALL.len() <= u64::BITS as usize, "a set is one word");

impl Mutants {
    /// No mutant.
    pub const NONE: Mutants = Mutants(0);

    /// Says whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Says whether this one is planted.
    #[inline]
    pub fn has(self, mutant: Mutant) -> bool {
        self.0 & 1 << mutant as u64 != 0
    }

    /// Returns the set with one more.
    pub fn with(self, mutant: Mutant) -> Mutants {
        Mutants(self.0 | 1 << mutant as u64)
    }

    /// Returns them, in order.
    pub fn iter(self) -> impl Iterator<Item = Mutant> {
        Mutant::ALL.iter().copied().filter(move |mutant| self.has(*mutant))
    }
}

impl From<Mutant> for Mutants {
    fn from(mutant: Mutant) -> Mutants {
        Mutants::NONE.with(mutant)
    }
}

impl FromIterator<Mutant> for Mutants {
    fn from_iter<I: IntoIterator<Item = Mutant>>(mutants: I) -> Mutants {
        mutants.into_iter().fold(Mutants::NONE, Mutants::with)
    }
}

impl From<Mutants> for Vec<String> {
    fn from(mutants: Mutants) -> Vec<String> {
        mutants.iter().map(|mutant| mutant.name().to_owned()).collect()
    }
}

impl TryFrom<Vec<String>> for Mutants {
    type Error = String;

    fn try_from(names: Vec<String>) -> Result<Mutants, String> {
        let find = |name: &String| {
            Mutant::by_name(name).ok_or_else(|| format!("there is no mutant `{name}`"))
        };
        names.iter().map(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_nothing_else() {
        let planted: Mutants = [Mutant::CanaryAlways, Mutant::TwoOwners].into_iter().collect();

        for &mutant in Mutant::ALL {
            let expected = matches!(mutant, Mutant::CanaryAlways | Mutant::TwoOwners);
            assert_eq!(planted.has(mutant), expected, "{}", mutant.name());
            assert!(!Mutants::NONE.has(mutant), "{}", mutant.name());
        }
        assert!(!planted.is_empty());
        assert!(Mutants::default().is_empty());
    }

    #[test]
    fn names_lead_back_to_their_mutants() {
        for &mutant in Mutant::ALL {
            assert_eq!(Mutant::by_name(mutant.name()), Some(mutant));
            let names = Vec::from(Mutants::from(mutant));
            assert_eq!(Mutants::try_from(names), Ok(Mutants::from(mutant)));
        }
        assert!(Mutants::try_from(vec!["no-such-mutant".to_owned()]).is_err());
    }
}
