//! Judges what clients did and saw, and nothing else, as Jepsen's Kafka workload does.
//!
//! Such a history may come from a real cluster. Nobody knows what its brokers did, so that
//! everything is inferred from offsets: which value lay where, who should have read it. The
//! anomalies have Jepsen's names and its rules, with the quirks that they are known for.
//!
//! In reading order: [`operation`], what a history is made of; [`Judgement`]; `index`, the
//! structures that all rules share; `values` and `order`, the rules; `cycles`, dependencies;
//! `lag`, measures that are no anomalies.
//!
//! Source: `jepsen.tests.kafka` 0.3.14 and the parts of Elle 0.2 that it calls. Simplified:
//! cycles are looked for among write-write, write-read and real-time edges, the only ones that
//! this workload has, so that Elle's search comes down to four questions (see `cycles`).

mod cycles;
mod index;
mod lag;
pub mod operation;
mod order;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;

use crate::verdict::named;
use index::Index;
use operation::{Atom, Kind, Operation, Process};

named! {
    /// What can be wrong with a history of clients, by Jepsen's names.
    pub enum Anomaly {
        Duplicate "duplicate" "One value lies at more than one offset of a key.",
        InconsistentOffsets "inconsistent-offsets" "One offset held different values for different observers.",
        LostWrite "lost-write" "A committed value lies below one that was read, and nobody read it.",
        Unseen "unseen" "An acknowledged value was read by nobody until the end.",
        AbortedRead "G1a" "A value was read although its send failed.",
        PrecommittedRead "precommitted-read" "A transaction read what it had sent itself.",
        PollSkip "poll-skip" "Between two operations of one process, known values were jumped over.",
        NonmonotonicPoll "nonmonotonic-poll" "An operation read at or before the place where the process had been.",
        IntPollSkip "int-poll-skip" "Within one operation, known values were jumped over.",
        IntNonmonotonicPoll "int-nonmonotonic-poll" "Within one operation, values were read twice or backwards.",
        NonmonotonicSend "nonmonotonic-send" "Two operations of one process lie in the log in reverse.",
        IntNonmonotonicSend "int-nonmonotonic-send" "Two sends of one operation lie in the log in reverse.",
        IntSendSkip "int-send-skip" "Other values lie between two sends of one operation.",
        WriteCycle "G0" "Writes depend on each other in a circle.",
        WriteCycleRealtime "G0-realtime" "Writes depend on each other in a circle once real time is counted.",
        CircularFlow "G1c" "Operations read from each other in a circle.",
        CircularFlowRealtime "G1c-realtime" "Operations read from each other in a circle once real time is counted: from the future.",
        ReadUncommittedCycle "PL-1-cycle-exists" "There is a cycle that read uncommitted forbids.",
        ReadCommittedCycle "PL-2-cycle-exists" "There is a cycle that read committed forbids.",
        StrongReadUncommittedCycle "strong-PL-1-cycle-exists" "There is a cycle that read uncommitted forbids once real time is counted.",
        StrongReadCommittedCycle "strong-PL-2-cycle-exists" "There is a cycle that read committed forbids once real time is counted.",
        EmptyTransactionGraph "empty-transaction-graph" "No two operations depend on each other: there is nothing to judge.",
    }
}

/// How the consumers of a history got their partitions; some anomalies are then legal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subscription {
    /// By `assign`: whoever reads goes on where it was.
    Assign,
    /// By `subscribe`: a rebalance may move anybody at any time.
    Subscribe,
}

/// Whether the order of values in a log makes their writers depend on each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WriteOrder {
    /// It does not: Kafka's transactions do not isolate writes.
    #[default]
    Ignored,
    /// It does (`:ww-deps true`).
    Inferred,
}

/// One instance of an anomaly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instance {
    /// The key; `None` for cycles.
    pub key: Option<Atom>,
    /// The values concerned, in the order that matters.
    pub values: Vec<Atom>,
    /// The offsets concerned, if they are known.
    pub offsets: Vec<u64>,
    /// The operations concerned: places in the history.
    pub operations: Vec<usize>,
}

/// What there is to say about a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// What was found, legal or not.
    pub anomalies: BTreeMap<Anomaly, Vec<Instance>>,
    /// The longest time, in nanoseconds, for which a poll certainly lagged behind its log.
    pub worst_lag: u64,
    /// How many values a subscribed process read so many times.
    pub consume_counts: BTreeMap<u64, u64>,
}

/// Why a history cannot be judged at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unjudgeable {
    /// A process began an operation while another one was open.
    DoubleInvoke {
        /// The place of the second one.
        at: usize,
        /// The place of the open one.
        open: usize,
    },
    /// An operation ended that had not begun.
    NotRunning {
        /// Its place.
        at: usize,
    },
    /// A value was polled, and no operation that ended had sent it.
    NoWriter {
        /// The place of the poll.
        at: usize,
        /// The key.
        key: Atom,
        /// The value.
        value: Atom,
    },
}

impl Unjudgeable {
    /// Returns Jepsen's name for it.
    pub fn name(&self) -> &'static str {
        match self {
            Unjudgeable::DoubleInvoke { .. } => "double-invoke",
            Unjudgeable::NotRunning { .. } => "not-running",
            Unjudgeable::NoWriter { .. } => "no-writer-of-value",
        }
    }

    /// Returns the place in the history where it shows.
    pub fn at(&self) -> usize {
        match *self {
            Unjudgeable::DoubleInvoke { at, .. }
            | Unjudgeable::NotRunning { at }
            | Unjudgeable::NoWriter { at, .. } => at,
        }
    }
}

/// Judges a history.
///
/// # Errors
/// If processes do not alternate between beginning and ending, or if a value came from nowhere.
pub fn judge(history: &[Operation], order: WriteOrder) -> Result<Judgement, Unjudgeable> {
    let pairs = pairs(history)?;
    let index = Index::of(history);
    let mut judgement = Judgement::default();
    let found = &mut judgement.anomalies;
    values::judge(&index, found)?;
    order::judge(&index, found);
    cycles::judge(&index, &pairs, order, found);
    judgement.worst_lag = lag::worst(history, &pairs);
    judgement.consume_counts = lag::consume_counts(history);
    Ok(judgement)
}

impl Anomaly {
    /// Says whether it is no violation under these circumstances.
    ///
    /// Source: `allowed-error-types` of `jepsen.tests.kafka`.
    pub fn is_allowed(self, subscription: Subscription, order: WriteOrder) -> bool {
        match self {
            Anomaly::IntSendSkip
            | Anomaly::WriteCycle
            | Anomaly::WriteCycleRealtime
            | Anomaly::ReadUncommittedCycle
            | Anomaly::StrongReadUncommittedCycle => true,
            Anomaly::PollSkip | Anomaly::NonmonotonicPoll => {
                subscription == Subscription::Subscribe
            }
            Anomaly::CircularFlow
            | Anomaly::CircularFlowRealtime
            | Anomaly::ReadCommittedCycle
            | Anomaly::StrongReadCommittedCycle => order == WriteOrder::Inferred,
            Anomaly::Duplicate
            | Anomaly::InconsistentOffsets
            | Anomaly::LostWrite
            | Anomaly::Unseen
            | Anomaly::AbortedRead
            | Anomaly::PrecommittedRead
            | Anomaly::IntPollSkip
            | Anomaly::IntNonmonotonicPoll
            | Anomaly::NonmonotonicSend
            | Anomaly::IntNonmonotonicSend
            | Anomaly::EmptyTransactionGraph => false,
        }
    }
}

/// Which operations belong together: for a beginning its end, for an end its beginning.
type Pairs = Vec<Option<usize>>;

fn pairs(history: &[Operation]) -> Result<Pairs, Unjudgeable> {
    let mut pairs = vec![None; history.len()];
    let mut running: BTreeMap<u64, usize> = BTreeMap::new();
    for (at, operation) in history.iter().enumerate() {
        let Process::Client(process) = operation.process else { continue };
        match operation.kind {
            Kind::Invoke => {
                if let Some(open) = running.insert(process, at) {
                    return Err(Unjudgeable::DoubleInvoke { at, open });
                }
            }
            Kind::Ok | Kind::Fail | Kind::Info => {
                let Some(begun) = running.remove(&process) else {
                    return Err(Unjudgeable::NotRunning { at });
                };
                pairs[at] = Some(begun);
                pairs[begun] = Some(at);
            }
        }
    }
    Ok(pairs)
}
