//! What members of groups did, the work of their applications, and what coordinators did.

use std::collections::BTreeSet;

use model::fact::{
    EffectOutcome, ExpelCause, GroupError, GroupEvent, GroupFact, MemberEvent, MemberFact,
    WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{ClientId, NodeId, Offset, TopicPartition};

use super::{FactKind, Gatherer, NONE, offset};
use crate::entry::{commit_error, group_error};

impl Gatherer<'_, '_> {
    pub(super) fn member(&mut self, fact: &MemberFact) {
        let (client, node) = (fact.client, NodeId::Client(fact.client));
        let actor = self.client_place(client);
        match &fact.what {
            MemberEvent::Owns(partitions) => {
                self.owns(client, partitions);
                self.add(FactKind::Owns, actor, NONE, [partitions.len() as i64, 0]);
            }
            MemberEvent::Expelled(cause) => {
                self.owns(client, &[]);
                let error = match cause {
                    ExpelCause::Told(error) => self.trace.error(error.name()),
                    ExpelCause::PollInterval | ExpelCause::Left => NONE,
                };
                self.add_more(FactKind::Expelled, actor, NONE, [0, 0], [NONE, error]);
            }
            MemberEvent::Joined { member, .. } => self.met(member.clone(), actor),
            MemberEvent::Listening(callback, given) if !given.is_empty() => {
                self.of_each(FactKind::Callback, client, given, *callback as i64);
            }
            MemberEvent::CommitSent { kind, offsets, .. } => {
                for (partition, offset) in offsets.iter() {
                    let numbers = [offset.0 as i64, *kind as i64];
                    self.of(FactKind::CommitSent, node, *partition, numbers);
                }
            }
            MemberEvent::CommitEnded { outcome: Err(error), .. } => {
                let error = self.trace.error(&commit_error(*error));
                self.add_more(FactKind::CommitFailed, actor, NONE, [0, 0], [NONE, error]);
            }
            MemberEvent::OffsetFetched(partition, found) => {
                self.of(FactKind::Starts, node, *partition, [offset(*found), 0]);
            }
            MemberEvent::Threw(error) => {
                let is_fatal = matches!(error, GroupError::Fatal(_));
                let name = self.trace.error(group_error(*error));
                let numbers = [i64::from(is_fatal), 0];
                self.add_more(FactKind::Threw, actor, NONE, numbers, [NONE, name]);
            }
            MemberEvent::Paused(given) => self.of_each(FactKind::Rest, client, given, 1),
            MemberEvent::Resumed(given) => self.of_each(FactKind::Rest, client, given, 0),
            MemberEvent::CoordinatorLost(_) => {
                self.add(FactKind::CoordinatorLost, actor, NONE, [0, 0]);
            }
            MemberEvent::PollIntervalExceeded => {
                self.add(FactKind::PollLate, actor, NONE, [0, 0]);
            }
            MemberEvent::Listening(..)
            | MemberEvent::CommitEnded { outcome: Ok(()), .. }
            | MemberEvent::CoordinatorFound(_)
            | MemberEvent::Joining
            | MemberEvent::Leaving => {}
        }
    }

    /// Notes which client a member is.
    fn met(&mut self, member: model::ids::MemberId, actor: i64) {
        if let Ok(place) = usize::try_from(actor) {
            self.trace.members.insert(member, place);
        }
    }

    /// Adds what changes about a member's partitions.
    pub(super) fn owns(&mut self, client: ClientId, partitions: &[TopicPartition]) {
        let after: BTreeSet<_> = partitions.iter().copied().collect();
        let before = self.owned.insert(client, after.clone()).unwrap_or_default();
        for lost in before.difference(&after) {
            self.of(FactKind::Own, NodeId::Client(client), *lost, [0, 0]);
        }
        for gained in after.difference(&before) {
            self.of(FactKind::Own, NodeId::Client(client), *gained, [1, 0]);
        }
    }

    pub(super) fn work(&mut self, fact: &WorkFact) {
        let (kind, more) = match fact.what {
            WorkEvent::Began(_) => (FactKind::Begin, NONE),
            WorkEvent::Ended(WorkOutcome::Done) => (FactKind::Done, NONE),
            WorkEvent::Ended(outcome @ (WorkOutcome::Parked | WorkOutcome::HandedOn)) => {
                (FactKind::Done, outcome as i64)
            }
            WorkEvent::Ended(
                outcome @ (WorkOutcome::Skipped | WorkOutcome::Shed | WorkOutcome::TakenForRepeat),
            ) => (FactKind::Leave, outcome as i64),
            WorkEvent::Ended(WorkOutcome::Failed) => (FactKind::Failed, NONE),
            WorkEvent::Effect(EffectOutcome::Refused) => (FactKind::SinkRefused, NONE),
            WorkEvent::Effect(EffectOutcome::Applied) => (FactKind::SinkTook, NONE),
            WorkEvent::CopySent { .. } => return,
        };
        let numbers = [fact.offset.0 as i64, i64::from(fact.uid.0)];
        self.of_more(kind, NodeId::Client(fact.client), fact.partition, numbers, [NONE, more]);
    }

    pub(super) fn group(&mut self, fact: &GroupFact) {
        let plans = self.story.plan.groups.iter();
        let place = plans.enumerate().find(|(_, plan)| *plan.name == *fact.group.0);
        let Some((group, _)) = place else { return };
        let (group, node) = (group as i64, NodeId::Broker(fact.broker));
        let actor = self.actor(node);
        match &fact.what {
            GroupEvent::State { to, generation, members, .. } => {
                if self.generations.insert(group, *generation) != Some(*generation) {
                    let number = i64::from(generation.0);
                    self.add(FactKind::Generation, actor, NONE, [number, group]);
                }
                let (numbers, rest) = ([*to as i64, group], [NONE, i64::from(*members)]);
                self.add_more(FactKind::Group, actor, NONE, numbers, rest);
            }
            GroupEvent::Committed { member, offsets, .. } => {
                let peer = member.as_ref().map_or(NONE, |it| self.member_place(it));
                self.committed(node, (group, peer), offsets);
            }
            GroupEvent::CommitRefused { member, offsets, error, .. } => {
                let peer = member.as_ref().map_or(NONE, |it| self.member_place(it));
                let rest = [peer, self.trace.error(error.name())];
                for (partition, offset) in offsets.iter() {
                    let numbers = [offset.0 as i64, group];
                    self.of_more(FactKind::CommitRefused, node, *partition, numbers, rest);
                }
            }
            GroupEvent::OffsetsRemoved { partitions, .. } => {
                for partition in partitions.iter() {
                    self.of(FactKind::Commit, node, *partition, [NONE, group]);
                }
            }
            GroupEvent::Loaded { offsets, .. } => {
                self.add(FactKind::Coordinates, actor, NONE, [0, group]);
                self.committed(node, (group, NONE), offsets);
            }
            GroupEvent::Resigned => self.add(FactKind::Resigns, actor, NONE, [0, group]),
            _ => self.membership(actor, group, &fact.what),
        }
    }

    fn committed(
        &mut self,
        node: NodeId,
        (group, peer): (i64, i64),
        offsets: &[(TopicPartition, Offset)],
    ) {
        for (partition, offset) in offsets {
            let numbers = [offset.0 as i64, group];
            self.of_more(FactKind::Commit, node, *partition, numbers, [peer, NONE]);
        }
    }

    /// Adds members that come and go.
    fn membership(&mut self, actor: i64, group: i64, what: &GroupEvent) {
        match what {
            GroupEvent::MemberJoined { member, client_id, .. } => {
                let named = |it: &super::super::Actor| *it.name == **client_id;
                let Some(peer) = self.trace.actors.iter().position(named) else { return };
                let peer = peer as i64;
                self.met(member.clone(), peer);
                self.add_more(FactKind::Join, actor, NONE, [0, group], [peer, NONE]);
            }
            GroupEvent::MemberLeft { member, cause } => {
                let rest = [self.member_place(member), *cause as i64];
                self.add_more(FactKind::Left, actor, NONE, [0, group], rest);
            }
            GroupEvent::MemberReplaced { instance, old, new } => {
                let peer = self.member_place(old);
                self.met(new.clone(), peer);
                let rest = [peer, self.trace.error(instance.as_str())];
                self.add_more(FactKind::Replaced, actor, NONE, [0, group], rest);
            }
            _ => {}
        }
    }
}
