//! The moments at which protocols can come apart, as conditions.

use model::chance::Rng;
use model::fact::GroupPhase;
use model::ids::{BrokerId, ClientId, TopicPartition};
use sim::plan::{Comparison, Condition, GroupIndex, Quantity};

use super::chance::{log_uniform, pick};
use super::stage::{Stage, Target};

/// Phases in which a group is between two assignments.
const UNSETTLED: [GroupPhase; 4] = [
    GroupPhase::PreparingRebalance,
    GroupPhase::CompletingRebalance,
    GroupPhase::Assigning,
    GroupPhase::Reconciling,
];
/// Higher terms and generations are rare.
const CHANGES_MAX: u64 = 8;

/// A seam that a condition can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seam {
    /// The ISR has shrunk.
    Shrunk,
    /// A leader has been elected, and nobody has fetched from it.
    Elected,
    /// A leader has appended what nobody else has.
    Appended,
    /// A follower has it, and does not know that it is committed.
    Replicated,
    /// It is committed, and the producer does not know.
    Committed,
    /// The producer knows.
    Acknowledged,
    /// Records are on their way.
    Sent,
    /// A broker's session is over.
    Fenced,
    /// A broker is back after an election.
    Returned,
    /// A group is between two assignments.
    Rebalancing,
    /// A group has been assigned something else.
    Assigned,
    /// Records are done and not committed.
    Processed,
    /// A commit has been written.
    OffsetsCommitted,
}

impl Seam {
    const OF_BROKERS: [Seam; 9] = [
        Seam::Shrunk,
        Seam::Elected,
        Seam::Appended,
        Seam::Replicated,
        Seam::Committed,
        Seam::Acknowledged,
        Seam::Sent,
        Seam::Fenced,
        Seam::Returned,
    ];
    const OF_GROUPS: [Seam; 4] =
        [Seam::Rebalancing, Seam::Assigned, Seam::Processed, Seam::OffsetsCommitted];
}

/// What faults at a seam are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Brokers,
    Groups,
    Anything,
}

/// Returns the condition that a partition is in this term of a leader, or a later one.
pub(super) fn term(partition: TopicPartition, term: u64) -> Condition {
    is(Quantity::Epoch(partition), Comparison::AtLeast, term)
}

/// Draws a condition that holds at a seam; `None` if the plan has none of that kind.
pub(super) fn condition(stage: &Stage, about: About, rng: &mut Rng) -> Option<Condition> {
    let mut seams: Vec<Seam> = Vec::new();
    if about != About::Groups || stage.groups.is_empty() {
        seams.extend(Seam::OF_BROKERS);
    }
    if about != About::Brokers && !stage.groups.is_empty() {
        seams.extend(Seam::OF_GROUPS);
    }
    at(pick(&seams, rng)?, stage, rng)
}

fn at(seam: Seam, stage: &Stage, rng: &mut Rng) -> Option<Condition> {
    let target = pick(&stage.targets, rng)?;
    match seam {
        Seam::Shrunk => {
            Some(is(Quantity::Isr(target.partition), Comparison::Less, target.replicas))
        }
        Seam::Elected => {
            let epoch = log_uniform(1, CHANGES_MAX, rng);
            Some(term(target.partition, epoch))
        }
        Seam::Appended => {
            let it = Passing::draw(stage, target, rng)?;
            Some(and(it.leads(Comparison::Equal), it.is_between(it.end(), it.watermark())))
        }
        Seam::Replicated => {
            let it = Passing::draw(stage, target, rng)?;
            Some(and(it.leads(Comparison::NotEqual), it.is_between(it.end(), it.watermark())))
        }
        Seam::Committed => {
            let it = Passing::draw(stage, target, rng)?;
            let known = Quantity::Acknowledged(it.producer);
            Some(and(it.leads(Comparison::Equal), it.is_between(it.watermark(), known)))
        }
        Seam::Acknowledged => sent(Quantity::Acknowledged, stage, rng),
        Seam::Sent => sent(Quantity::InDoubt, stage, rng),
        Seam::Fenced => {
            let all = stage.brokers.len() as u64;
            let once = is(Quantity::Epoch(target.partition), Comparison::AtLeast, 1);
            Some(and(is(Quantity::Unfenced, Comparison::Less, all), once))
        }
        Seam::Returned => {
            let all = stage.brokers.len() as u64;
            let again = is(Quantity::Epoch(target.partition), Comparison::AtLeast, 2);
            Some(and(is(Quantity::Unfenced, Comparison::Equal, all), again))
        }
        Seam::Rebalancing => {
            let group = pick(&stage.groups, rng)?;
            Some(Condition::StateIs(group, Comparison::Equal, pick(&UNSETTLED, rng)?))
        }
        Seam::Assigned => {
            let generation = log_uniform(1, CHANGES_MAX, rng);
            let group = pick(&stage.groups, rng)?;
            Some(is(Quantity::Generation(group), Comparison::AtLeast, generation))
        }
        Seam::Processed => {
            let (group, count) = some_of_all(stage, rng)?;
            let done = is(Quantity::Processed(group), Comparison::AtLeast, count);
            let committed = Quantity::Committed(group, target.partition);
            Some(and(done, is(committed, Comparison::Less, count)))
        }
        Seam::OffsetsCommitted => {
            let (group, count) = some_of_all(stage, rng)?;
            Some(is(Quantity::Committed(group, target.partition), Comparison::AtLeast, count))
        }
    }
}

/// A record on its way from a leader's log to its producer's knowledge.
struct Passing {
    partition: TopicPartition,
    broker: BrokerId,
    producer: ClientId,
    /// How many records there are with it.
    count: u64,
}

impl Passing {
    fn draw(stage: &Stage, target: Target, rng: &mut Rng) -> Option<Passing> {
        let (producer, records) = pick(&stage.producers, rng)?;
        let broker = pick(&stage.brokers, rng)?;
        let count = log_uniform(1, records, rng);
        Some(Passing { partition: target.partition, broker, producer, count })
    }

    fn leads(&self, sign: Comparison) -> Condition {
        Condition::LeaderIs(self.partition, sign, Some(self.broker))
    }

    fn end(&self) -> Quantity {
        Quantity::LogEnd(self.partition, self.broker)
    }

    fn watermark(&self) -> Quantity {
        Quantity::HighWatermark(self.partition, self.broker)
    }

    /// One station has it, and the next has not.
    fn is_between(&self, here: Quantity, there: Quantity) -> Condition {
        and(is(here, Comparison::AtLeast, self.count), is(there, Comparison::Less, self.count))
    }
}

fn sent(of: fn(ClientId) -> Quantity, stage: &Stage, rng: &mut Rng) -> Option<Condition> {
    let (producer, records) = pick(&stage.producers, rng)?;
    Some(is(of(producer), Comparison::AtLeast, log_uniform(1, records, rng)))
}

/// Draws a group and a number of records up to all that are sent.
fn some_of_all(stage: &Stage, rng: &mut Rng) -> Option<(GroupIndex, u64)> {
    let group = pick(&stage.groups, rng)?;
    let records = stage.producers.iter().map(|(_, records)| records).sum();
    Some((group, log_uniform(1, records, rng)))
}

fn is(quantity: Quantity, sign: Comparison, number: u64) -> Condition {
    Condition::Compare(quantity, sign, number)
}

fn and(one: Condition, other: Condition) -> Condition {
    Condition::And(Box::new(one), Box::new(other))
}
