//! Pass 6b: steps that hang on what happens instead of on the clock.

use model::fact::GroupPhase;
use model::ids::{ClientId, TopicId, TopicPartition};
use model::time::{Duration, Time};
use sim::plan::{ClientRole, Comparison, Condition, GroupIndex, Plan, Quantity, Step, Trigger};

use super::court::Court;
use super::exhaust;
use super::surgery::sound::is_sound;
use super::surgery::{partitions_of, replicas_of};
use super::weaker::with_step;

/// Partitions of a topic that conditions are about: a story has few.
const PARTITIONS: u16 = 2;

/// Hangs steps on conditions instead of times, and makes conditions plainer.
pub(super) fn hang(court: &mut Court<'_>, plan: Plan) -> Plan {
    exhaust(court, plan, |plan| {
        Box::new((0..plan.steps.len()).flat_map(move |place| {
            let step = &plan.steps[place];
            let triggers: Vec<Trigger> = match &step.trigger {
                Trigger::At(Time::ZERO) | Trigger::After(_) => Vec::new(),
                Trigger::At(_) => {
                    telling(&plan).map(|it| Trigger::When(it, Duration::ZERO)).collect()
                }
                Trigger::When(condition, wait) => {
                    plainer(condition).into_iter().map(|it| Trigger::When(it, *wait)).collect()
                }
            };
            let steps = triggers.into_iter().map(|trigger| Step { trigger, ..step.clone() });
            let steps: Vec<Step> = steps.collect();
            let plan = plan.clone();
            steps.into_iter().map(move |step| with_step(&plan, place, step)).filter(is_sound)
        }))
    })
}

/// Lists conditions that begin a story.
fn telling(plan: &Plan) -> impl Iterator<Item = Condition> {
    let least = |quantity, number| Condition::Compare(quantity, Comparison::AtLeast, number);
    let clients = (0..).map(ClientId).zip(&plan.clients);
    let producers = clients.filter(|(_, it)| matches!(it.role, ClientRole::Producer(_)));
    let sends = producers.flat_map(move |(id, _)| {
        [least(Quantity::Acknowledged(id), 1), least(Quantity::Sent(id), 1)]
    });
    let groups = (0..plan.groups.len() as u16).map(GroupIndex).flat_map(move |group| {
        let stable = Condition::StateIs(group, Comparison::Equal, GroupPhase::Stable);
        [least(Quantity::Processed(group), 1), stable]
    });
    let topics = (0..).map(TopicId).zip(&plan.topics).flat_map(|(topic, it)| {
        let replicas = u64::from(replicas_of(plan, it));
        (0..partitions_of(plan, it).min(PARTITIONS)).flat_map(move |partition| {
            let isr = Quantity::Isr(TopicPartition { topic, partition });
            let alone = Condition::Compare(isr, Comparison::Equal, 1);
            let shrunk = Condition::Compare(isr, Comparison::Less, replicas);
            [(1 < replicas).then_some(alone), (2 < replicas).then_some(shrunk)]
        })
    });
    topics.flatten().chain(groups).chain(sends)
}

/// Lists conditions that say less.
fn plainer(condition: &Condition) -> Vec<Condition> {
    match condition {
        Condition::And(left, right) | Condition::Or(left, right) => {
            vec![(**left).clone(), (**right).clone()]
        }
        Condition::Compare(
            quantity,
            comparison @ (Comparison::AtLeast | Comparison::Greater),
            number,
        ) => {
            let lower = [1, 2, 5, 10, number / 2, number.saturating_sub(1)];
            let lower = lower.into_iter().filter(|it| 0 < *it && it < number);
            lower.map(|it| Condition::Compare(*quantity, *comparison, it)).collect()
        }
        Condition::Compare(..)
        | Condition::LeaderIs(..)
        | Condition::StateIs(..)
        | Condition::OwnerIs(..)
        | Condition::Seen(_)
        | Condition::Not(_) => Vec::new(),
    }
}
