//! Groups as their history tells them: who owned what, what was committed, and what became
//! of each record.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::fact::{
    CommitKind, EffectOutcome, Fact, GroupEvent, GroupFact, GroupPhase, LogStartCause, MemberEvent,
    ResetCause, WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{ClientId, GroupId, MemberId, NodeId, Offset, TopicId, TopicPartition, Uid};
use model::time::Time;

use crate::checkers::case::Place;
use crate::checkers::groups::share::{Commit, Origin, OriginKind, Reset, Share};
use crate::checkers::records::expected;
use crate::checkers::table::ByPartition;
use crate::history::Fault;
use crate::plan::{Action, ClientRole, CommitStyle, GroupIndex, Plan, Sink, Subscribed};

/// Every group of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct View {
    /// In the order of the plan.
    pub(crate) groups: Vec<Group>,
    /// The group of each client that is a member of one.
    of: Vec<Option<usize>>,
    /// The names of the clients.
    clients: Vec<Arc<str>>,
    /// The client that a step makes seek, by step.
    seeks: Vec<Option<ClientId>>,
}

/// One group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What its members subscribe to.
    topics: Subscribed,
    /// Whether all its members subscribe to the same.
    pub(crate) subscriptions: Subscriptions,
    /// Where results go.
    pub(crate) sink: Sink,
    /// Whether it commits to Kafka.
    pub(crate) commits: CommitStyle,
    /// Its state, as the coordinator last said.
    pub(crate) phase: GroupPhase,
    /// When its first member joined.
    pub(crate) joined: Option<Time>,
    /// Which client stands behind each member id.
    pub(crate) members: BTreeMap<MemberId, ClientId>,
    /// What it did in each partition.
    pub(crate) shares: ByPartition<Share>,
    /// The records that it has before it, in all partitions.
    lag: u64,
    /// What it did with each record, by uid.
    pub(crate) works: Vec<Work>,
    /// Who gave up on a record how and when.
    pub(crate) given_up: BTreeMap<Uid, (ClientId, WorkOutcome, Place)>,
    /// The clients that are members of it.
    pub(crate) clients: Vec<Client>,
    /// How often something happened by which records can be skipped or repeated.
    pub(crate) risk: u64,
    /// Times at which it began to move partitions between members.
    pub(crate) rebalances: u64,
}

/// Whether all members of a group subscribe to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subscriptions {
    /// They do.
    Equal,
    /// Some member has topics of its own.
    Differ,
}

/// What a group did with one record.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Work {
    /// How often somebody began to work on it.
    pub(crate) began: u32,
    /// How often it was done, handed on or parked.
    pub(crate) done: u32,
    /// How often it was taken for a repeat.
    pub(crate) taken: u32,
    /// How often its effect was applied.
    pub(crate) applied: u32,
    /// How often its effect was refused.
    pub(crate) refused: u32,
    /// Whether `done` has an effect outside of Kafka: not if it was handed on or parked.
    pub(crate) has_effect: bool,
    /// The first time that it was done; means nothing before that.
    first: Completion,
}

/// Who did a record when.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Completion {
    /// Where it lay.
    pub(crate) offset: Offset,
    /// Who.
    pub(crate) client: ClientId,
    /// When.
    pub(crate) place: Place,
}

impl Work {
    /// Returns the first time that it was done.
    pub(crate) fn first(&self) -> Option<Completion> {
        (0 < self.done).then_some(self.first)
    }
}

/// One client that is a member.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Client {
    /// Its id.
    pub(crate) id: ClientId,
    /// When its process started last.
    pub(crate) started: Option<Place>,
    /// What it owns, as it knows.
    pub(crate) owns: Vec<TopicPartition>,
    /// The last commit that it sent for each partition.
    sent: Vec<(TopicPartition, CommitKind, Offset)>,
    /// Whether a step made it seek, and the seek has not been seen.
    seeks: bool,
    /// What its process has been given of the partitions that it owns, in runs of offsets.
    in_hand: Vec<(TopicPartition, Offset, Offset)>,
}

impl Client {
    fn take(&mut self, partition: TopicPartition, from: Offset, to: Offset) {
        let run = self.in_hand.iter_mut().rev().find(|run| run.0 == partition && run.2 == from);
        match run {
            Some(run) => run.2 = to,
            None => self.in_hand.push((partition, from, to)),
        }
    }

    /// Says whether its process has been given this record and lives to work on it.
    fn has_in_hand(&self, partition: TopicPartition, offset: Offset) -> bool {
        let holds = |run: &(TopicPartition, Offset, Offset)| {
            run.0 == partition && run.1 <= offset && offset < run.2
        };
        self.in_hand.iter().any(holds)
    }
}

impl View {
    /// Reads what it must know beforehand.
    pub(crate) fn new(plan: &Plan) -> View {
        let of = |client: &crate::plan::ClientPlan| match &client.role {
            ClientRole::Member(member) => Some(usize::from(member.group.0)),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        };
        let seek = |step: &crate::plan::Step| match &step.action {
            Action::Seek(client, ..) | Action::SeekToTime(client, _) => Some(*client),
            _ => None,
        };
        View {
            groups: plan.groups.iter().map(|group| Group::new(group, plan)).collect(),
            of: plan.clients.iter().map(of).collect(),
            clients: plan.clients.iter().map(|client| Arc::clone(&client.name)).collect(),
            seeks: plan.steps.iter().map(seek).collect(),
        }
    }

    /// Returns the group of a client, by its place.
    pub(crate) fn group_of(&self, client: ClientId) -> Option<usize> {
        self.of.get(usize::from(client.0)).copied().flatten()
    }

    /// Returns the place of a group of this name.
    pub(crate) fn find(&self, group: &GroupId) -> Option<usize> {
        self.groups.iter().position(|it| it.name == group.0)
    }

    /// Names a client.
    pub(crate) fn client(&self, id: ClientId) -> &str {
        self.clients.get(usize::from(id.0)).map_or("?", |name| name)
    }

    /// Takes in what became true at a node.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place) {
        match fact {
            Fact::Group(fact) => self.on_group(fact, place),
            Fact::Member(fact) => {
                let Some(group) = self.group_of(fact.client) else { return };
                self.groups[group].on_member(fact.client, &fact.what, place);
            }
            Fact::Polled { client, partition, from, to, .. } => {
                let Some(group) = self.group_of(*client) else { return };
                self.groups[group].client_mut(*client).take(*partition, *from, *to);
            }
            Fact::PositionReset { client, partition, from, to, cause } => {
                let Some(group) = self.group_of(*client) else { return };
                self.groups[group].on_reset(*client, (*partition, *from, *to, *cause), place);
            }
            Fact::HighWatermark { partition, to, waiting: Some(_), .. } => {
                for group in self.groups.iter_mut().filter(|it| it.reads(partition.topic)) {
                    group.change(*partition, |share| {
                        share.is_read = true;
                        share.end = share.end.max(*to);
                    });
                }
            }
            Fact::LogStartMoved { partition, to, cause, .. } => {
                self.groups.iter_mut().for_each(|it| it.on_log_start(*partition, *to, *cause));
            }
            _ => {}
        }
    }

    /// Takes in what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault, place: Place) {
        let (node, starts) = match *fault {
            Fault::Started { node, .. } => (node, true),
            Fault::Crashed(node) | Fault::PowerLost(node) | Fault::Exited(node) => (node, false),
            Fault::Paused(NodeId::Client(client)) => {
                if let Some(group) = self.group_of(client) {
                    self.groups[group].risk += 1;
                }
                return;
            }
            _ => return,
        };
        let NodeId::Client(client) = node else { return };
        let Some(group) = self.group_of(client) else { return };
        let group = &mut self.groups[group];
        let state = group.client_mut(client);
        match starts {
            true => state.started = Some(place),
            false => {
                state.owns.clear();
                state.sent.clear();
                state.in_hand.clear();
                group.risk += 1;
            }
        }
    }

    /// Takes in that a step fired.
    pub(crate) fn on_step(&mut self, step: usize) {
        let Some(client) = self.seeks.get(step).copied().flatten() else { return };
        if let Some(group) = self.group_of(client) {
            self.groups[group].client_mut(client).seeks = true;
        }
    }

    fn on_group(&mut self, fact: &GroupFact, place: Place) {
        let Some(index) = self.find(&fact.group) else { return };
        let group = &mut self.groups[index];
        match &fact.what {
            GroupEvent::State { from, to, cause, .. } => {
                let moves =
                    cause.is_some() && !matches!(from, GroupPhase::Empty | GroupPhase::Dead);
                group.rebalances += u64::from(moves);
                group.risk += u64::from(moves);
                group.phase = *to;
            }
            GroupEvent::MemberJoined { member, client_id, .. } => {
                group.joined.get_or_insert(place.at);
                let client = self.clients.iter().position(|name| name == client_id);
                if let Some(client) = client {
                    group.members.insert(member.clone(), ClientId(client as u16));
                }
            }
            GroupEvent::MemberReplaced { old, new, .. } => {
                if let Some(client) = group.members.get(old).copied() {
                    group.members.insert(new.clone(), client);
                }
            }
            GroupEvent::Assigned { assignment, .. } => {
                for id in assignment.iter().flat_map(|(_, it)| it.iter()) {
                    group.change(*id, |share| share.is_read = true);
                }
            }
            GroupEvent::Committed { member, offsets, .. } => {
                let client = member.as_ref().and_then(|it| group.members.get(it)).copied();
                offsets.iter().for_each(|it| group.on_committed(client, *it, place));
            }
            GroupEvent::Loaded { phase, offsets, .. } => {
                group.phase = *phase;
                group.risk += 1;
                group.forget_commits();
                for (id, offset) in offsets.iter() {
                    group.change(*id, |share| share.committed = Some(*offset));
                }
            }
            GroupEvent::OffsetsRemoved { partitions, .. } => {
                group.risk += 1;
                for id in partitions.iter() {
                    group.change(*id, |share| share.committed = None);
                }
            }
            GroupEvent::MemberLeft { .. }
            | GroupEvent::Holds { .. }
            | GroupEvent::CommitRefused { .. }
            | GroupEvent::Resigned => {}
        }
    }
}

impl Group {
    fn new(plan: &crate::plan::GroupPlan, all: &Plan) -> Group {
        let topics_of = |id: &ClientId| match &all.clients[usize::from(id.0)].role {
            ClientRole::Member(member) => member.topics.as_ref(),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        };
        let differ = plan.members.iter().any(|id| topics_of(id).is_some());
        let client = |id: &ClientId| Client {
            id: *id,
            started: None,
            owns: Vec::new(),
            sent: Vec::new(),
            seeks: false,
            in_hand: Vec::new(),
        };
        Group {
            name: Arc::clone(&plan.name),
            topics: plan.topics.clone(),
            subscriptions: if differ { Subscriptions::Differ } else { Subscriptions::Equal },
            sink: plan.handling.sink,
            commits: plan.handling.commit,
            phase: GroupPhase::Empty,
            joined: None,
            members: BTreeMap::new(),
            shares: ByPartition::default(),
            lag: 0,
            works: Vec::with_capacity(expected(all)),
            given_up: BTreeMap::new(),
            clients: plan.members.iter().map(client).collect(),
            risk: 0,
            rebalances: 0,
        }
    }

    /// Forgets what was committed: a new coordinator says what it has found.
    pub(crate) fn forget_commits(&mut self) {
        let all: Vec<_> = self.shares.all().map(|(id, _)| id).collect();
        all.iter().for_each(|id| self.change(*id, |share| share.committed = None));
    }

    /// Says whether its members subscribe to a topic by name.
    pub(crate) fn reads(&self, topic: TopicId) -> bool {
        match &self.topics {
            Subscribed::Topics(topics) => topics.contains(&topic),
            // What a pattern matches shows in the assignments.
            Subscribed::Pattern(_) => {
                let first = TopicPartition { topic, partition: 0 };
                self.shares.get(first).is_some_and(|share| share.is_read)
            }
        }
    }

    /// Returns what was done with a record.
    pub(crate) fn work(&self, uid: Uid) -> Work {
        self.works.get(uid.0 as usize).copied().unwrap_or_default()
    }

    /// Returns the group's index in the plan.
    pub(crate) fn index(place: usize) -> GroupIndex {
        GroupIndex(place as u16)
    }

    /// Returns the clients that own a partition, as they know.
    pub(crate) fn owners(&self, id: TopicPartition) -> impl Iterator<Item = ClientId> {
        self.clients.iter().filter(move |it| it.owns.contains(&id)).map(|it| it.id)
    }

    /// Says whether its coordinator knows of no member.
    pub(crate) fn is_left(&self) -> bool {
        self.joined.is_none() || matches!(self.phase, GroupPhase::Empty | GroupPhase::Dead)
    }

    /// Returns the records that it has before it.
    pub(crate) fn lag(&self) -> u64 {
        self.lag
    }

    /// Changes what is known of a partition, and the lag with it.
    fn change<T>(&mut self, id: TopicPartition, change: impl FnOnce(&mut Share) -> T) -> T {
        let share = self.shares.get_mut(id);
        let before = share.lag(self.commits);
        let changed = change(share);
        self.lag = self.lag - before + share.lag(self.commits);
        changed
    }

    /// Says whether a client owns a partition, as it knows.
    pub(crate) fn owns(&self, client: ClientId, id: TopicPartition) -> bool {
        let client = self.clients.iter().find(|it| it.id == client);
        client.is_some_and(|it| it.owns.contains(&id))
    }

    /// Says whether somebody is still to work on a record.
    pub(crate) fn has_in_hand(&self, partition: TopicPartition, offset: Offset) -> bool {
        self.clients.iter().any(|client| client.has_in_hand(partition, offset))
    }

    /// Returns a member's state.
    pub(crate) fn client_mut(&mut self, id: ClientId) -> &mut Client {
        let place = self.clients.iter().position(|it| it.id == id);
        &mut self.clients[place.expect("the plan lists the members of each group")]
    }

    fn on_member(&mut self, client: ClientId, what: &MemberEvent, place: Place) {
        match what {
            MemberEvent::Owns(assignment) => {
                for id in assignment.iter() {
                    self.change(*id, |share| share.is_read = true);
                }
                let state = self.client_mut(client);
                state.owns = assignment.to_vec();
                state.in_hand.retain(|run| assignment.contains(&run.0));
            }
            MemberEvent::CommitSent { kind, offsets, .. } => {
                let sent = &mut self.client_mut(client).sent;
                for (id, offset) in offsets.iter() {
                    match sent.iter_mut().find(|it| it.0 == *id) {
                        Some(last) => *last = (*id, *kind, *offset),
                        None => sent.push((*id, *kind, *offset)),
                    }
                }
            }
            MemberEvent::OffsetFetched(id, Some(offset)) => {
                let share = self.shares.get_mut(*id);
                let moved = share.moved_back(*offset);
                let kind = OriginKind::Committed(moved);
                share.begin(Origin { client, place, kind });
            }
            _ => {}
        }
    }

    fn on_reset(
        &mut self,
        client: ClientId,
        (id, from, to, cause): (TopicPartition, Option<Offset>, Offset, ResetCause),
        place: Place,
    ) {
        let state = self.client_mut(client);
        let by_step = cause == ResetCause::Seek && std::mem::take(&mut state.seeks);
        let share = self.shares.get_mut(id);
        let from = from.unwrap_or(share.floor.max(share.committed.unwrap_or_default()));
        let kind = match by_step {
            true => OriginKind::Operator,
            false => OriginKind::Reset(cause),
        };
        share.begin(Origin { client, place, kind });
        share.resets.push(Reset { place, client, from, to, cause, by_step });
        self.risk += u64::from(from != to);
    }

    fn on_log_start(&mut self, id: TopicPartition, to: Offset, cause: LogStartCause) {
        let has_begun = self.joined.is_some();
        if !self.reads(id.topic) {
            return;
        }
        self.change(id, |share| {
            share.log_start = share.log_start.max(to);
            if !has_begun || cause == LogStartCause::DeleteRecords {
                share.floor = share.floor.max(to);
            }
        });
    }

    fn on_committed(
        &mut self,
        client: Option<ClientId>,
        (id, offset): (TopicPartition, Offset),
        place: Place,
    ) {
        let kind = |client: ClientId| {
            let sent = self.clients.iter().find(|it| it.id == client)?;
            let last = sent.sent.iter().find(|it| it.0 == id)?;
            Some(last.1)
        };
        let by = client.map(|client| (client, kind(client).unwrap_or(CommitKind::Sync)));
        self.change(id, |share| {
            share.is_read = true;
            share.committed = Some(offset);
            share.commits.push(Commit { place, offset, by });
        });
    }

    /// Takes in what an application of this group did.
    pub(crate) fn on_work(&mut self, fact: &WorkFact, place: Place) {
        let at = fact.uid.0 as usize;
        if self.works.len() <= at {
            self.works.resize(at + 1, Work::default());
        }
        let work = &mut self.works[at];
        match fact.what {
            WorkEvent::Began(_) => work.began += 1,
            WorkEvent::Effect(EffectOutcome::Applied) => work.applied += 1,
            WorkEvent::Effect(EffectOutcome::Refused) => work.refused += 1,
            WorkEvent::CopySent { .. } => {}
            WorkEvent::Ended(outcome) => {
                match outcome {
                    WorkOutcome::Done | WorkOutcome::HandedOn | WorkOutcome::Parked => {
                        if work.done == 0 {
                            let WorkFact { offset, client, .. } = *fact;
                            work.first = Completion { offset, client, place };
                        }
                        work.done += 1;
                        work.has_effect |= outcome == WorkOutcome::Done;
                    }
                    WorkOutcome::TakenForRepeat => {
                        work.taken += 1;
                        self.given_up.insert(fact.uid, (fact.client, outcome, place));
                    }
                    WorkOutcome::Skipped | WorkOutcome::Shed => {
                        self.given_up.insert(fact.uid, (fact.client, outcome, place));
                        self.risk += 1;
                    }
                    WorkOutcome::Failed => self.risk += 1,
                }
                if outcome != WorkOutcome::Failed {
                    self.change(fact.partition, |share| share.settle(fact.offset));
                }
            }
        }
    }
}
