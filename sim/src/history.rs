//! The history of a trial: one list of facts in one total order.
//!
//! Three streams are interleaved: what clients did and saw, what brokers and the
//! controller really did (both [`model::fact::Fact`]), and what the world did to them
//! ([`Fault`]). Checkers, renderers and the digest read nothing else.

use std::hash::{Hash, Hasher};

use model::fact::Fact;
use model::ids::{BrokerId, ConnectionId, NodeId, Offset, TopicPartition};
use model::message::MessageKind;
use model::time::{Duration, Time};

/// One line of a history.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Entry {
    /// When it became true.
    pub at: Time,
    /// What became true.
    pub event: Event,
}

/// What became true.
#[derive(Clone, Debug, PartialEq, Hash)]
pub enum Event {
    /// At a node.
    Fact(Fact),
    /// By the world's doing.
    Fault(Fault),
    /// A phase of the trial began.
    Phase(Phase),
    /// A step of the scenario fired; its faults follow.
    Step {
        /// Its place in the plan.
        step: usize,
    },
    /// A watched condition (`reaches`) holds for the first time.
    Reached {
        /// Its place in the plan.
        watch: usize,
    },
}

/// The phases of a trial, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Steps fire.
    Faults,
    /// Everything was healed, resumed and restarted just now.
    Settle,
    /// The trial is over.
    End,
}

/// What the world did.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A process began, for the how-many-eth time.
    Started {
        /// The node.
        node: NodeId,
        /// 1 for its first life.
        incarnation: u32,
    },
    /// A process was killed; its page cache lives on.
    Crashed(NodeId),
    /// A host lost power; what follows in `UnsyncedLost` is gone.
    PowerLost(NodeId),
    /// A power cut took the end of a replica's log.
    UnsyncedLost {
        /// The broker.
        broker: BrokerId,
        /// The partition.
        partition: TopicPartition,
        /// The log's end before.
        from: Offset,
        /// The log's end after.
        to: Offset,
    },
    /// A node was asked to shut down in order.
    ShutdownAsked(NodeId),
    /// A process ended by itself, in order.
    Exited(NodeId),
    /// A process was frozen.
    Paused(NodeId),
    /// A frozen process goes on.
    Resumed(NodeId),
    /// Nothing passes from one node to the other.
    LinkCut {
        /// The sender.
        from: NodeId,
        /// Who no longer hears it.
        to: NodeId,
    },
    /// A cut ended.
    LinkHealed {
        /// The sender.
        from: NodeId,
        /// Who hears it again.
        to: NodeId,
    },
    /// A link has another latency than usual.
    LinkSlow {
        /// One end.
        from: NodeId,
        /// The other end.
        to: NodeId,
    },
    /// A link has its usual latency again.
    LinkUsual {
        /// One end.
        from: NodeId,
        /// The other end.
        to: NodeId,
    },
    /// A message rule applied.
    RuleApplied {
        /// The step that set it.
        step: usize,
        /// The message.
        kind: MessageKind,
        /// Its sender.
        from: NodeId,
        /// Who should have got it.
        to: NodeId,
        /// What happened to it.
        fate: RuleFate,
    },
    /// Messages that were held went on their way.
    Released {
        /// How many.
        messages: u32,
    },
    /// A connection was reset by a step.
    Reset(ConnectionId),
    /// A disk takes longer than usual.
    DiskSlow(NodeId),
    /// A disk does not answer.
    DiskStalled(NodeId),
    /// A disk is as fast as usual again.
    DiskUsual(NodeId),
    /// A wall clock was set.
    ClockJumped {
        /// The node.
        node: NodeId,
        /// Microseconds forward; negative is back.
        by_micros: i64,
    },
    /// A wall clock goes faster or slower from here on.
    ClockDrifts {
        /// The node.
        node: NodeId,
        /// Microseconds that it gains per second; negative is loses.
        ppm: i64,
    },
    /// A step set a marker.
    Marked,
}

/// What a message rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleFate {
    /// It was dropped.
    Dropped,
    /// It is held.
    Held,
    /// It is late by this much.
    Delayed(Duration),
}

/// Hashes a history as it grows. Two equal digests are the same history.
///
/// The numbers are fed as fixed-width little-endian words, so that the digest is the same
/// on every platform. They go to two lanes by turns: a word need not wait for the
/// multiplication of the word before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest {
    /// The lane of the next word, then the other one.
    lanes: [u64; 2],
}

impl Default for Digest {
    fn default() -> Digest {
        Digest { lanes: [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9] }
    }
}

impl Digest {
    /// Takes in one more entry.
    pub fn absorb(&mut self, entry: &Entry) {
        entry.hash(self);
    }

    /// Takes in one more entry that is this fact, as [`Digest::absorb`] would.
    pub(crate) fn absorb_fact(&mut self, at: Time, fact: &Fact) {
        at.hash(self);
        // What tells the variant `Event::Fact` from others, the first of which it is.
        self.write_isize(0);
        fact.hash(self);
    }

    /// Returns the digest of everything so far.
    pub fn value(self) -> u64 {
        let [next, last] = self.lanes;
        let folded = next.rotate_left(32).wrapping_mul(0xd6e8_feb8_6659_fd93) ^ last;
        let mixed = (folded ^ (folded >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
        mixed ^ (mixed >> 32)
    }

    fn word(&mut self, word: u64) {
        let [lane, other] = self.lanes;
        let mixed = (lane.rotate_left(23) ^ word).wrapping_mul(0x2545_f491_4f6c_dd1d);
        self.lanes = [other, mixed];
    }
}

impl Hasher for Digest {
    fn finish(&self) -> u64 {
        self.value()
    }

    fn write(&mut self, bytes: &[u8]) {
        self.word(bytes.len() as u64);
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.word(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.word(u64::from(number));
    }

    fn write_u16(&mut self, number: u16) {
        self.word(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.word(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.word(number);
    }

    fn write_u128(&mut self, number: u128) {
        self.word(number as u64);
        self.word((number >> 64) as u64);
    }

    fn write_usize(&mut self, number: usize) {
        self.word(number as u64);
    }

    fn write_i64(&mut self, number: i64) {
        self.word(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.word(number as i64 as u64);
    }
}

#[cfg(test)]
mod tests {
    use model::ids::{ClientId, TopicId};

    use super::*;

    #[test]
    fn a_fact_counts_as_the_entry_that_it_is() {
        let (client, uid) = (ClientId(3), model::ids::Uid(7));
        let partition = TopicPartition { topic: TopicId(1), partition: 2 };
        let (at, fact) = (Time(5), Fact::Buffered { client, uid, partition });
        let (mut alone, mut whole) = (Digest::default(), Digest::default());

        alone.absorb_fact(at, &fact);
        whole.absorb(&Entry { at, event: Event::Fact(fact) });

        assert_eq!(alone, whole);
    }

    #[test]
    fn a_digest_tells_every_change_and_every_exchange_of_two_words() {
        let digest = |words: &[u64]| {
            let mut digest = Digest::default();
            words.iter().for_each(|word| digest.write_u64(*word));
            digest.value()
        };
        let words = [0, 0, 1, 2, 3, u64::MAX];
        let mut digests = vec![digest(&words), digest(&words[1..])];

        for place in 0..words.len() {
            let mut changed = words;
            changed[place] ^= 1 << 63;
            digests.push(digest(&changed));
            for other in (place + 1..words.len()).filter(|other| words[*other] != words[place]) {
                let mut exchanged = words;
                exchanged.swap(place, other);
                digests.push(digest(&exchanged));
            }
        }

        let count = digests.len();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), count);
    }
}
