//! Rebalances as the polling thread lives through them: getting ready, joining, assigning as
//! leader, taking over what was assigned, leaving; and the calls of the listener in between.
//!
//! Source: `AbstractCoordinator.joinGroupIfNeeded`, `ConsumerCoordinator.onJoinPrepare`,
//! `onJoinComplete`, `onLeavePrepare`, Kafka 4.0.

use std::sync::Arc;

use crate::client::positions::Positions;
use crate::fact::{Callback, CommitKind, ExpelCause, MemberEvent};
use crate::group::assignor::{Member, RebalanceProtocol, Topics};
use crate::ids::{TopicId, TopicPartition};
use crate::message::Request;
use crate::message::group::{
    Assignment, JoinGroupReply, Joined, OffsetAndMetadata, OffsetFetchRequest, Stability,
};
use crate::turn::{Returned, Turn};

use super::classic::{Phase, Preparation};
use super::coordinator::Call;
use super::group::{After, Membership, Subscribe};
use super::{Activity, Closing, Consumer};

/// How a member stands after the polling thread has looked after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is in its generation.
    Member,
    /// It is on the way into one, or there is no coordinator.
    Underway,
    /// The application was called, or `poll()` has thrown.
    Interrupted,
}

impl Consumer {
    /// Brings the member into its generation, as far as that goes without waiting.
    pub(super) fn keep_membership(&mut self, turn: &mut Turn<'_>) -> Standing {
        self.resolve_pattern();
        loop {
            let Some(group) = &mut self.group else { return Standing::Member };
            let Membership::Classic(member) = &mut group.membership else {
                return self.keep_modern(turn);
            };
            if let Some(error) = member.fatal.take() {
                group.note(MemberEvent::Threw(error), turn);
                self.activity = Activity::Idle;
                turn.return_to_application(Returned::Threw);
                return Standing::Interrupted;
            }
            if !group.coordinator.is_known() {
                return Standing::Underway;
            }
            let metadata = self.link.metadata();
            if !member.needs_rejoin(&group.topics, |topic| metadata.partition_count(topic)) {
                return Standing::Member;
            }
            if !group.coordinator.is_ready() {
                return Standing::Underway;
            }
            let standing = match &mut member.phase {
                Phase::Preparing(answer) => match answer.take() {
                    None => return Standing::Underway,
                    Some(reply) => self.on_join_answer(reply, turn),
                },
                Phase::Assigning(_) => self.assign_as_leader(turn),
                Phase::Completing => return Standing::Underway,
                Phase::Completed(assignment) => {
                    let assignment = assignment.clone();
                    self.complete(assignment, turn)
                }
                Phase::Unjoined | Phase::Stable => self.rejoin(turn),
            };
            if let Some(standing) = standing {
                return standing;
            }
        }
    }

    /// Takes one step towards asking to join; `None` if there is more to do at once.
    fn rejoin(&mut self, turn: &mut Turn<'_>) -> Option<Standing> {
        let group = self.group.as_mut()?;
        let Membership::Classic(member) = &mut group.membership else { return None };
        match member.preparation {
            Preparation::Due => self.commit_before_rebalance(turn),
            Preparation::Committing(_) | Preparation::CommitAgain(_)
                if member.prepare_until.is_some_and(|until| until <= turn.now) =>
            {
                member.preparation = Preparation::Committed;
            }
            Preparation::Committing(_) => return Some(Standing::Underway),
            Preparation::CommitAgain(at) if turn.now < at => return Some(Standing::Underway),
            Preparation::CommitAgain(_) => self.commit_before_rebalance(turn),
            Preparation::Committed => return self.give_back(turn),
            Preparation::Done if turn.now < member.join_at => return Some(Standing::Underway),
            Preparation::Done => {
                self.send_join(turn);
                return Some(Standing::Underway);
            }
        }
        None
    }

    /// Commits what was handed over, if the consumer commits by itself.
    fn commit_before_rebalance(&mut self, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        let Membership::Classic(member) = &mut group.membership else { return };
        let is_first = member.preparation == Preparation::Due;
        if is_first {
            member.prepare_until = Some(turn.now + self.config.poll_interval_max);
        }
        if !self.config.auto_commit {
            member.preparation = Preparation::Committed;
            return;
        }
        let offsets = consumed(&self.positions);
        if member.kind() == RebalanceProtocol::Eager {
            self.positions.mark_pending_revocation();
        }
        if offsets.is_empty() {
            member.preparation = Preparation::Committed;
            return;
        }
        let (commit, fact) = group.commits.make(CommitKind::AutoBeforeRebalance, offsets);
        member.preparation = Preparation::Committing(commit.id);
        group.note(fact, turn);
        group.commit_soon(commit, turn);
    }

    /// Calls the listener about what is to be given back before joining.
    fn give_back(&mut self, turn: &mut Turn<'_>) -> Option<Standing> {
        let owned = self.owned();
        let group = self.group.as_mut()?;
        let Membership::Classic(member) = &mut group.membership else { return None };
        member.preparation = Preparation::Done;
        member.assigned_counts = None;
        let is_wanted = |tp: &TopicPartition| group.topics.contains(&tp.topic);
        let (callback, kept, given): (_, Vec<_>, Vec<_>) =
            match (member.is_outside(), member.kind()) {
                (true, _) => (Callback::Lost, Vec::new(), owned),
                (false, RebalanceProtocol::Eager) => (Callback::Revoked, Vec::new(), owned),
                (false, RebalanceProtocol::Cooperative) => {
                    let (kept, given) = owned.into_iter().partition(is_wanted);
                    (Callback::Revoked, kept, given)
                }
            };
        let is_eager = callback == Callback::Revoked && member.kind() == RebalanceProtocol::Eager;
        if given.is_empty() && !is_eager {
            return None;
        }
        self.listen(callback, given.into(), After::Release(kept), turn);
        Some(Standing::Interrupted)
    }

    fn send_join(&mut self, turn: &mut Turn<'_>) {
        let owned = self.owned();
        let Some(group) = &mut self.group else { return };
        let Membership::Classic(member) = &mut group.membership else { return };
        let request = member.join(&group.topics, &owned);
        let timeout = member.join_timeout();
        group.note(MemberEvent::Joining, turn);
        let request = Request::JoinGroup(Box::new(request));
        group.coordinator.send_within(timeout, request, Call::Join, turn);
    }

    fn on_join_answer(&mut self, reply: JoinGroupReply, turn: &mut Turn<'_>) -> Option<Standing> {
        let group = self.group.as_mut()?;
        let Membership::Classic(member) = &mut group.membership else { return None };
        let joined = match reply.joined {
            Ok(joined) => joined,
            Err(refusal) => {
                let then = member.on_join_refused((refusal.error, refusal.member), turn.now);
                group.follow(then, turn);
                return None;
            }
        };
        member.on_joined(&joined, turn.now);
        let what =
            MemberEvent::Joined { member: joined.member.clone(), generation: joined.generation };
        if joined.leader.as_ref() == Some(&joined.member) {
            for topic in joined.members.iter().flat_map(|it| &it.subscription.topics) {
                self.link.add_topic(*topic);
            }
            member.phase = Phase::Assigning(joined);
        } else {
            let request = member.sync(Vec::new());
            let call = Call::Sync(member.identity.clone());
            group.coordinator.send(Request::SyncGroup(Box::new(request)), call, turn);
        }
        group.note(what, turn);
        None
    }

    /// Assigns as leader, once it knows all topics that anybody wants.
    fn assign_as_leader(&mut self, turn: &mut Turn<'_>) -> Option<Standing> {
        let group = self.group.as_mut()?;
        let Membership::Classic(member) = &mut group.membership else { return None };
        let Phase::Assigning(joined) = &member.phase else { return None };
        let metadata = self.link.metadata();
        let mut wanted: Vec<TopicId> =
            joined.members.iter().flat_map(|it| &it.subscription.topics).copied().collect();
        wanted.sort_unstable();
        wanted.dedup();
        if !wanted.iter().all(|&topic| metadata.has_heard_of(topic)) {
            return Some(Standing::Underway);
        }
        let Joined { skip_assignment, members, .. } = joined;
        let told = members.iter().map(|it| {
            let subscription = (*it.subscription).clone();
            (it.member.clone(), Member { instance: it.instance.clone(), subscription })
        });
        let (told, skip) = (told.collect(), *skip_assignment);
        let counts: Vec<_> =
            wanted.iter().map(|&topic| (topic, metadata.partition_count(topic))).collect();
        // Simplified: metadata tells clients no racks, so leaders assign as without any;
        // `client.rack` (KIP-881) is refused.
        let topics: Topics = counts
            .iter()
            .filter_map(|&(topic, count)| Some((topic, vec![Vec::new(); usize::from(count?)])))
            .collect();
        let assignments = if skip { Vec::new() } else { member.assign(&topics, &told, turn.rules) };
        member.assigned_counts = Some(counts.into_iter().collect());
        member.phase = Phase::Completing;
        let request = member.sync(assignments);
        let call = Call::Sync(member.identity.clone());
        group.coordinator.send(Request::SyncGroup(Box::new(request)), call, turn);
        None
    }

    /// Takes over an assignment; a cooperative member gives back first what it has lost.
    fn complete(&mut self, assignment: Assignment, turn: &mut Turn<'_>) -> Option<Standing> {
        let owned = self.owned();
        let group = self.group.as_mut()?;
        let Membership::Classic(member) = &mut group.membership else { return None };
        if !assignment.iter().all(|tp| group.topics.contains(&tp.topic)) {
            member.phase = Phase::Stable;
            member.preparation = Preparation::Due;
            member.is_rejoin_needed = true; // it has changed its mind since
            return None;
        }
        let revoked: Assignment = match member.kind() {
            RebalanceProtocol::Eager => Assignment::default(),
            RebalanceProtocol::Cooperative => {
                owned.into_iter().filter(|tp| !assignment.contains(tp)).collect()
            }
        };
        match revoked.is_empty() {
            true => self.take_over(assignment, turn),
            false => self.listen(Callback::Revoked, revoked, After::Complete(assignment), turn),
        }
        Some(Standing::Interrupted)
    }

    fn take_over(&mut self, assignment: Assignment, turn: &mut Turn<'_>) {
        let owned = self.owned();
        let Some(group) = &mut self.group else { return };
        let Membership::Classic(member) = &mut group.membership else { return };
        if matches!(member.phase, Phase::Completed(_)) {
            member.phase = Phase::Stable;
        }
        member.preparation = Preparation::Due;
        member.on_assignment(&assignment);
        group.commits.restart_auto(turn.now);
        let added: Assignment =
            assignment.iter().filter(|tp| !owned.contains(tp)).copied().collect();
        self.own(&assignment, turn);
        self.listen(Callback::Assigned, added, After::Assigned, turn);
    }

    /// Calls the rebalance listener; `listened` goes on from there.
    pub(super) fn listen(
        &mut self,
        callback: Callback,
        partitions: Assignment,
        after: After,
        turn: &mut Turn<'_>,
    ) {
        let Some(group) = &mut self.group else { return };
        group.listening = Some(after);
        group.note(MemberEvent::Listening(callback, partitions.clone()), turn);
        turn.return_to_application(Returned::Listen(callback, partitions));
    }

    /// Goes on after the listener has returned.
    pub(super) fn on_listened(&mut self, turn: &mut Turn<'_>) {
        let after = self.group.as_mut().and_then(|group| group.listening.take());
        match after.expect("the listener was called") {
            After::Release(kept) => self.own(&kept, turn),
            After::Complete(assignment) => {
                if let Some(group) = &mut self.group
                    && let Membership::Classic(member) = &mut group.membership
                {
                    member.is_rejoin_needed = true;
                }
                self.take_over(assignment, turn);
            }
            After::Assigned => {}
            After::Modern => self.on_modern_listened(),
            After::Left => {
                self.own(&[], turn);
                self.leave(turn);
            }
        }
    }

    /// Leaves the group: the listener is called first if there is anything to give back.
    pub(super) fn prepare_to_leave(&mut self, turn: &mut Turn<'_>) {
        let owned = self.owned();
        let Some(group) = &mut self.group else { return };
        if let Membership::Modern(_) = group.membership {
            return self.leave_modern(turn);
        }
        if owned.is_empty() || group.subscription.is_none() {
            return self.leave(turn);
        }
        let Membership::Classic(member) = &group.membership else { return };
        let callback = match member.is_outside() || member.is_rebalancing() {
            true => Callback::Lost,
            false => Callback::Revoked,
        };
        self.listen(callback, owned.into(), After::Left, turn);
    }

    fn leave(&mut self, turn: &mut Turn<'_>) {
        let Some(group) = &mut self.group else { return };
        if group.subscription.take().is_some() {
            group.leave(ExpelCause::Left, turn);
        }
        group.topics.clear();
        if let Activity::Closing { stage, .. } = &mut self.activity {
            *stage = Closing::Awaiting;
        }
    }

    /// Asks where the group has got to in partitions that have no position.
    ///
    /// Source: `ConsumerCoordinator.initWithCommittedOffsetsIfNeeded`, Kafka 4.0.
    pub(super) fn fetch_committed(&mut self, turn: &mut Turn<'_>) {
        if self.positions.are_good() {
            return;
        }
        let Some(group) = &mut self.group else { return };
        let missing: Vec<_> = self.positions.initializing().collect();
        if missing.is_empty() || turn.now < group.offsets_at || !group.coordinator.is_ready() {
            return;
        }
        let identity = group.membership.identity();
        if group.coordinator.pending().any(|it| *it == Call::Offsets(identity.clone())) {
            return;
        }
        let request = OffsetFetchRequest {
            group: group.id.clone(),
            member: group.membership.member_epoch(),
            partitions: Some(missing),
            stability: Stability::Stable,
        };
        group.coordinator.send(Request::OffsetFetch(request), Call::Offsets(identity), turn);
    }

    /// Returns what it is assigned, in order.
    pub(super) fn owned(&self) -> Vec<TopicPartition> {
        self.positions.partitions().collect()
    }

    /// Owns exactly this from here on.
    pub(super) fn own(&mut self, assignment: &[TopicPartition], turn: &mut Turn<'_>) {
        let Some(group) = &self.group else { return };
        self.positions.assign(assignment);
        self.fetcher.retain_assigned(&self.positions);
        // New partitions have no leader to be checked against, kept ones are checked again.
        self.checked_version = 0;
        let partitions: Arc<[_]> = self.owned().into();
        group.note(MemberEvent::Owns(partitions), turn);
    }

    /// Looks which topics match the pattern now.
    fn resolve_pattern(&mut self) {
        let Some(group) = &mut self.group else { return };
        let Some(Subscribe::Pattern(matching)) = &group.subscription else { return };
        let excludes = self.config.exclude_internal_topics;
        let is_wanted = |topic: &TopicId| {
            matching.contains(topic) && !(excludes && *topic == TopicId::CONSUMER_OFFSETS)
        };
        group.topics = self.link.metadata().existing().filter(is_wanted).collect();
    }
}

/// Returns the positions in the form in which they are committed.
pub(super) fn consumed(positions: &Positions) -> Vec<(TopicPartition, OffsetAndMetadata)> {
    let good = positions.consumed();
    good.map(|(tp, position)| {
        let (offset, leader_epoch) = (position.offset, position.offset_epoch);
        (tp, OffsetAndMetadata { offset, leader_epoch, metadata: "".into() })
    })
    .collect()
}
