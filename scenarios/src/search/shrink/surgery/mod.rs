//! Takes things out of a plan, with everything that hangs on them.
//!
//! Brokers, clients, groups and topics are known by their places, so that whoever goes moves
//! others. [`Moves`] says who is where afterwards; [`moved`] carries that into every corner of a
//! plan; [`is_sound`](sound::is_sound) refuses a plan that no scenario file could say.

mod moves;
mod named;
mod placed;
pub(super) mod sound;
mod steps;

#[cfg(test)]
mod tests;

use model::ids::{BrokerId, ClientId, TopicId};
use sim::plan::{ClientRole, GroupIndex, Plan, Subscribed};

use moves::{Moves, moved};
pub(super) use placed::{partitions_of, replicas_of};
pub(super) use steps::with_steps;

/// What can be taken out of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A broker; those behind it move up one id.
    Broker(BrokerId),
    /// A broker; nobody else is called otherwise.
    BrokerInPlace(BrokerId),
    /// A client of any kind; a group without members goes with the last one.
    Client(ClientId),
    /// A group with its members.
    Group(GroupIndex),
    /// A topic, with everybody who cannot do without it.
    Topic(TopicId),
    /// The partitions of a topic from this one on.
    Partitions(TopicId, u16),
}

/// Returns the plan without a part of it; `None` if there would be no sound plan.
pub(super) fn without(plan: &Plan, part: Part) -> Option<Plan> {
    cut(plan, part).filter(sound::is_sound)
}

fn cut(plan: &Plan, part: Part) -> Option<Plan> {
    let mut moves = Moves::none(plan);
    match part {
        Part::Broker(id) => moves.remove_broker(id, plan)?,
        Part::BrokerInPlace(id) => moves.brokers.retain(|old, _| *old != id),
        Part::Client(id) => remove_client(plan, id, &mut moves),
        Part::Group(index) => remove_group(plan, index, &mut moves),
        Part::Topic(id) => remove_topic(plan, id, &mut moves),
        Part::Partitions(topic, from) => moves.cut_partitions(topic, from),
    }
    moved(plan, &moves)
}

fn remove_client(plan: &Plan, id: ClientId, moves: &mut Moves) {
    moves.remove_client(id);
    let emptied = plan.groups.iter().position(|group| group.members == [id]);
    if let Some(group) = emptied {
        moves.remove_group(GroupIndex(group as u16));
    }
}

fn remove_group(plan: &Plan, index: GroupIndex, moves: &mut Moves) {
    for member in &plan.groups[usize::from(index.0)].members {
        moves.remove_client(*member);
    }
    moves.remove_group(index);
}

fn remove_topic(plan: &Plan, id: TopicId, moves: &mut Moves) {
    moves.remove_topic(id);
    for (client, it) in (0..).map(ClientId).zip(&plan.clients) {
        let used = match &it.role {
            ClientRole::Producer(producer) => producer.topic == id,
            ClientRole::Consumer(consumer) => consumer.topic == id,
            ClientRole::Member(_) => false,
        };
        if used {
            moves.remove_client(client);
        }
    }
    for (index, group) in (0..).map(GroupIndex).zip(&plan.groups) {
        let reads_nothing_else =
            matches!(&group.topics, Subscribed::Topics(topics) if topics == &[id]);
        let sends = group.handling.output.as_ref().is_some_and(|output| output.topic == id);
        if reads_nothing_else || sends {
            remove_group(plan, index, moves);
        }
    }
}
