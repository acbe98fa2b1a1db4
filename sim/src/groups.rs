//! What is true of groups, folded from facts: for conditions and selectors.

use std::collections::BTreeMap;

use model::fact::{
    GroupEvent, GroupFact, GroupPhase, MemberEvent, MemberFact, WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{ClientId, GroupId, MemberId, NodeId, Offset, TopicPartition};

use crate::history::Fault;
use crate::plan::{ClientRole, GroupIndex, Plan};

/// All groups of a plan and their members.
#[derive(Clone, Debug)]
pub(crate) struct Groups {
    names: BTreeMap<GroupId, GroupIndex>,
    clients: BTreeMap<std::sync::Arc<str>, ClientId>,
    groups: Vec<GroupView>,
    /// By client.
    members: Vec<MemberView>,
}

/// One group, as its last coordinator has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct GroupView {
    pub(crate) phase: GroupPhase,
    /// The generation, or the group epoch.
    pub(crate) generation: u64,
    /// Its members, in the order in which they joined.
    pub(crate) members: Vec<MemberId>,
    /// Who owns what by the last assignment.
    pub(crate) owners: BTreeMap<TopicPartition, MemberId>,
    pub(crate) committed: BTreeMap<TopicPartition, Offset>,
    /// Which clients its members are, or were.
    clients: BTreeMap<MemberId, ClientId>,
    /// Records that its application has finished.
    pub(crate) processed: u64,
}

/// One client that is a member.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MemberView {
    group: Option<GroupIndex>,
    /// Partitions that it owns.
    pub(crate) owned: u64,
    /// Records that its application has finished.
    pub(crate) processed: u64,
}

impl Groups {
    pub(crate) fn new(plan: &Plan) -> Groups {
        let indices = (0..).map(GroupIndex);
        let names = plan.groups.iter().map(|group| GroupId(group.name.clone()));
        let clients = plan.clients.iter().map(|client| client.name.clone());
        let member = |role: &ClientRole| match role {
            ClientRole::Member(member) => {
                MemberView { group: Some(member.group), ..MemberView::default() }
            }
            ClientRole::Producer(_) | ClientRole::Consumer(_) => MemberView::default(),
        };
        Groups {
            names: names.zip(indices).collect(),
            clients: clients.zip((0..).map(ClientId)).collect(),
            groups: vec![GroupView::default(); plan.groups.len()],
            members: plan.clients.iter().map(|client| member(&client.role)).collect(),
        }
    }

    pub(crate) fn group(&self, group: GroupIndex) -> &GroupView {
        &self.groups[usize::from(group.0)]
    }

    pub(crate) fn member(&self, client: ClientId) -> MemberView {
        self.members[usize::from(client.0)]
    }

    /// Returns the client that owns a partition by the last assignment.
    pub(crate) fn owner(&self, group: GroupIndex, partition: TopicPartition) -> Option<ClientId> {
        let group = self.group(group);
        group.clients.get(group.owners.get(&partition)?).copied()
    }

    /// Returns the client that has been a member for longest: it assigns, in a classic group.
    ///
    /// Source: `ClassicGroup.add`, Kafka 4.0.
    pub(crate) fn leader(&self, group: GroupIndex) -> Option<ClientId> {
        let group = self.group(group);
        group.clients.get(group.members.first()?).copied()
    }

    /// Takes in a fact about a consumer's membership.
    pub(crate) fn on_member(&mut self, fact: &MemberFact) {
        if let MemberEvent::Owns(owned) = &fact.what {
            self.members[usize::from(fact.client.0)].owned = owned.len() as u64;
        }
    }

    /// Takes in what the world did: who is dead owns nothing.
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        if let Fault::Crashed(NodeId::Client(client))
        | Fault::PowerLost(NodeId::Client(client))
        | Fault::Exited(NodeId::Client(client)) = fault
        {
            // The operator's console is nobody's member.
            if let Some(member) = self.members.get_mut(usize::from(client.0)) {
                member.owned = 0;
            }
        }
    }

    /// Takes in what an application did with a record.
    pub(crate) fn on_work(&mut self, fact: &WorkFact) {
        let WorkEvent::Ended(outcome) = fact.what else { return };
        let is_processed = match outcome {
            WorkOutcome::Done | WorkOutcome::HandedOn | WorkOutcome::Parked => true,
            WorkOutcome::Failed
            | WorkOutcome::Skipped
            | WorkOutcome::Shed
            | WorkOutcome::TakenForRepeat => false,
        };
        if !is_processed {
            return;
        }
        let member = &mut self.members[usize::from(fact.client.0)];
        member.processed += 1;
        if let Some(group) = member.group {
            self.groups[usize::from(group.0)].processed += 1;
        }
    }

    /// Takes in what happened to a group, at its coordinator.
    pub(crate) fn on_group(&mut self, fact: &GroupFact) {
        let Some(index) = self.names.get(&fact.group) else { return };
        let group = &mut self.groups[usize::from(index.0)];
        match &fact.what {
            GroupEvent::State { to, generation, .. } => {
                group.phase = *to;
                group.generation = u64::from(generation.0);
            }
            GroupEvent::MemberJoined { member, client_id, .. } => {
                if let Some(client) = self.clients.get(client_id) {
                    group.clients.insert(member.clone(), *client);
                }
                if !group.members.contains(member) {
                    group.members.push(member.clone());
                }
            }
            GroupEvent::MemberLeft { member, .. } => {
                group.members.retain(|other| other != member);
                group.owners.retain(|_, owner| owner != member);
            }
            GroupEvent::MemberReplaced { old, new, .. } => group.replace(old, new),
            GroupEvent::Assigned { assignment, .. } => {
                let pairs = assignment.iter().flat_map(|(member, partitions)| {
                    partitions.iter().map(|partition| (*partition, member.clone()))
                });
                group.owners = pairs.collect();
            }
            GroupEvent::Committed { offsets, .. } => {
                group.committed.extend(offsets.iter().copied());
            }
            GroupEvent::OffsetsRemoved { partitions, .. } => {
                group.committed.retain(|partition, _| !partitions.contains(partition));
            }
            GroupEvent::Loaded { phase, generation, members, offsets } => {
                group.phase = *phase;
                group.generation = u64::from(generation.0);
                group.members = members.to_vec();
                group.owners.retain(|_, owner| members.contains(owner));
                group.committed = offsets.iter().copied().collect();
            }
            GroupEvent::Holds { .. } | GroupEvent::CommitRefused { .. } | GroupEvent::Resigned => {}
        }
    }
}

impl GroupView {
    /// A static member has another id from here on.
    fn replace(&mut self, old: &MemberId, new: &MemberId) {
        let renamed = self.members.iter_mut().chain(self.owners.values_mut());
        for member in renamed.filter(|member| *member == old) {
            *member = new.clone();
        }
        if let Some(client) = self.clients.get(old).copied() {
            self.clients.entry(new.clone()).or_insert(client);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::fact::{LeaveCause, WorkFact};
    use model::ids::{BrokerId, Uid};
    use model::time::Duration;

    use super::*;
    use crate::testing;

    const ORDERS: TopicPartition = TopicPartition { topic: model::ids::TopicId(0), partition: 0 };
    const GROUP: GroupIndex = GroupIndex(0);

    #[test]
    fn an_owner_is_known_until_it_leaves() {
        let mut groups = groups();
        groups.on_group(&joined("m-1", "g-1"));
        let assignment = [(MemberId::from("m-1"), [ORDERS].into())].into();
        let generation = model::ids::Generation(1);
        groups.on_group(&group(GroupEvent::Assigned { generation, assignment }));

        let before = groups.owner(GROUP, ORDERS);
        let (member, cause) = ("m-1".into(), LeaveCause::Left);
        groups.on_group(&group(GroupEvent::MemberLeft { member, cause }));

        assert_eq!(before, Some(ClientId(2)));
        assert_eq!(groups.owner(GROUP, ORDERS), None);
        assert!(groups.group(GROUP).members.is_empty());
    }

    #[test]
    fn the_longest_member_leads() {
        let mut groups = groups();
        groups.on_group(&joined("m-2", "g-2"));
        groups.on_group(&joined("m-1", "g-1"));

        assert_eq!(groups.leader(GROUP), Some(ClientId(3)));
    }

    #[test]
    fn only_work_that_came_to_its_end_counts() {
        let mut groups = groups();

        for outcome in [WorkOutcome::Done, WorkOutcome::Failed, WorkOutcome::Parked] {
            let (client, offset, uid) = (ClientId(3), Offset(0), Uid(0));
            let what = WorkEvent::Ended(outcome);
            let work = WorkFact { client, partition: ORDERS, offset, uid, what };
            groups.on_work(&work);
        }

        assert_eq!(groups.group(GROUP).processed, 2);
        assert_eq!(groups.member(ClientId(3)).processed, 2);
    }

    fn groups() -> Groups {
        let mut plan = testing::plan(1);
        testing::add_group(&mut plan, "g", 2, Duration::from_millis(1));
        Groups::new(&plan)
    }

    fn group(what: GroupEvent) -> GroupFact {
        GroupFact { broker: BrokerId(1), group: "g".into(), what }
    }

    fn joined(member: &str, client: &str) -> GroupFact {
        let (member, client_id) = (member.into(), client.into());
        group(GroupEvent::MemberJoined { member, client_id, instance: None })
    }
}
