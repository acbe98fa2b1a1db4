//! `commits-move-forward`: committed offsets never move back, are never lost, and are written
//! by the partition's owner.
//!
//! A commit without a member is an operator's: it may move offsets wherever it wants.
//!
//! Source: ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::fact::{CommitId, Fact, GroupEvent, MemberEvent, RemovalCause};
use model::ids::{ClientId, Generation, MemberId, Offset, TopicPartition};

use crate::checkers::case::{Case, Place, seen};
use crate::checkers::groups::view::View;
use crate::clause::ClauseKind;
use crate::verdict::{Anomaly, Claim, Finding};

/// Offsets as a commit carries them.
type Offsets = Arc<[(TopicPartition, Offset)]>;

/// Judges `commits-move-forward`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Commits {
    case: Case,
    groups: Vec<Book>,
    /// Commits after the first of a partition, and refused ones.
    risk: u64,
}

/// What is known of one group's commits.
#[derive(Clone, Debug, Default, PartialEq)]
struct Book {
    protocol: Protocol,
    generation: Generation,
    /// Who is assigned what, in a classic group.
    assigned: BTreeMap<MemberId, Vec<TopicPartition>>,
    /// Who holds what, in a group of the protocol of KIP-848.
    held: BTreeMap<MemberId, Vec<TopicPartition>>,
    /// What the coordinator wrote last.
    written: BTreeMap<TopicPartition, Offset>,
    /// What members were told to be committed, unless a later commit was lower.
    acknowledged: BTreeMap<TopicPartition, Offset>,
    /// What of that a member must find: what was acknowledged when the partition became its
    /// own, or to itself. An answer may be older than what others were told since.
    owed: BTreeMap<(ClientId, TopicPartition), Offset>,
    /// Commits on their way.
    open: Vec<(ClientId, CommitId, Offsets)>,
}

/// Which protocol a group speaks, as far as its coordinator has shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Protocol {
    #[default]
    Unknown,
    /// All members are in the group's generation.
    Classic,
    /// Each member has an epoch of its own (KIP-848).
    Consumer,
}

impl Commits {
    /// Opens the case.
    pub(crate) fn new(groups: usize) -> Commits {
        let groups = vec![Book::default(); groups];
        Commits { case: Case::new(Claim::CommitsMoveForward), groups, risk: 0 }
    }

    /// Returns what is known so far.
    pub(crate) fn case(&self) -> &Case {
        &self.case
    }

    /// Forgets what the coordinator before it said; what members were told stays.
    pub(crate) fn forget(&mut self, group: usize) {
        let book = &mut self.groups[group];
        book.assigned.clear();
        book.held.clear();
        book.written.clear();
    }

    /// Takes in what became true at a node.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place, view: &View) {
        match fact {
            Fact::Group(fact) => {
                if let Some(group) = view.find(&fact.group) {
                    self.on_group(group, &fact.what, place);
                }
            }
            Fact::Member(fact) => {
                if let Some(group) = view.group_of(fact.client) {
                    self.on_member(group, (fact.client, &fact.what), place);
                }
            }
            _ => {}
        }
    }

    /// Closes the case.
    pub(crate) fn finish(self, view: &View) -> Finding {
        let untested = match view.groups.is_empty() {
            true => ClauseKind::NoGroup,
            false => ClauseKind::NothingCommittedAgain,
        };
        self.case.close(self.risk, untested, |case| {
            seen(&[
                (ClauseKind::OffsetMovedBack, case.seen(Anomaly::CommitRegression)),
                (ClauseKind::CommitsGone, case.seen(Anomaly::CommitLost)),
                (ClauseKind::CommitsOfZombies, case.seen(Anomaly::ZombieCommit)),
            ])
        })
    }

    fn on_group(&mut self, group: usize, what: &GroupEvent, place: Place) {
        let book = &mut self.groups[group];
        match what {
            GroupEvent::State { to, generation, .. } => {
                book.generation = *generation;
                if to.is_classic() {
                    book.protocol = Protocol::Classic;
                    book.held.clear();
                }
            }
            GroupEvent::Assigned { assignment, .. } => {
                let all = assignment.iter().map(|(member, it)| (member.clone(), it.to_vec()));
                book.assigned = all.collect();
            }
            GroupEvent::Holds { member, assigned, revoking, .. } => {
                let all = assigned.iter().chain(revoking.iter()).copied().collect();
                book.protocol = Protocol::Consumer;
                book.held.insert(member.clone(), all);
            }
            GroupEvent::MemberLeft { member, .. } => {
                book.held.remove(member);
            }
            GroupEvent::MemberReplaced { old, new, .. } => {
                for table in [&mut book.assigned, &mut book.held] {
                    if let Some(partitions) = table.remove(old) {
                        table.insert(new.clone(), partitions);
                    }
                }
            }
            GroupEvent::Committed { member, generation, offsets } => {
                for (id, offset) in offsets.iter() {
                    let who = member.as_ref().map(|member| (member, *generation));
                    self.on_committed(group, (who, *id, *offset), place);
                }
            }
            GroupEvent::CommitRefused { .. } => self.risk += 1,
            GroupEvent::OffsetsRemoved { partitions, cause } => {
                self.risk += 1;
                for id in partitions.iter() {
                    book.written.remove(id);
                    // What has expired is missed by whoever looks for it.
                    if *cause == RemovalCause::Deleted {
                        book.acknowledged.remove(id);
                    }
                }
            }
            GroupEvent::Loaded { generation, offsets, .. } => {
                self.risk += 1;
                book.generation = *generation;
                book.written = offsets.iter().copied().collect();
                let all: Vec<_> = book.acknowledged.keys().copied().collect();
                for id in all {
                    let found = self.groups[group].written.get(&id).copied();
                    self.on_found(group, (id, found), Offset(u64::MAX), place);
                }
            }
            GroupEvent::MemberJoined { .. } | GroupEvent::Resigned => {}
        }
    }

    fn on_committed(
        &mut self,
        group: usize,
        (who, id, offset): (Option<(&MemberId, Option<Generation>)>, TopicPartition, Offset),
        place: Place,
    ) {
        let book = &mut self.groups[group];
        let before = book.written.insert(id, offset);
        if let Some(acknowledged) = book.acknowledged.get_mut(&id) {
            *acknowledged = offset.min(*acknowledged);
        }
        self.risk += u64::from(before.is_some());
        let Some((member, generation)) = who else { return };
        if before.is_some_and(|before| offset < before) {
            self.case.breach(Anomaly::CommitRegression, place);
        }
        if book.is_zombie(member, generation, id) {
            self.case.breach(Anomaly::ZombieCommit, place);
        }
    }

    fn on_member(&mut self, group: usize, (client, what): (ClientId, &MemberEvent), place: Place) {
        let book = &mut self.groups[group];
        match what {
            MemberEvent::CommitSent { commit, offsets, .. } => {
                // Ids are counted anew in each life of a process.
                book.open.retain(|it| (it.0, it.1) != (client, *commit));
                book.open.push((client, *commit, Arc::clone(offsets)));
            }
            MemberEvent::CommitEnded { commit, outcome } => {
                let open = book.open.iter().position(|it| (it.0, it.1) == (client, *commit));
                let Some((_, _, offsets)) = open.map(|open| book.open.swap_remove(open)) else {
                    return;
                };
                for (id, offset) in offsets.iter().filter(|_| outcome.is_ok()) {
                    // A lower commit may have been written before this one was answered.
                    let written = book.written.get(id).copied().unwrap_or(*offset);
                    let acknowledged = book.acknowledged.entry(*id).or_default();
                    *acknowledged = written.min(*offset).max(*acknowledged);
                    book.owed.insert((client, *id), *acknowledged);
                }
            }
            MemberEvent::Owns(assignment) => {
                book.owed.retain(|(owner, id), _| *owner != client || assignment.contains(id));
                for id in assignment.iter() {
                    let acknowledged = book.acknowledged.get(id).copied().unwrap_or_default();
                    book.owed.entry((client, *id)).or_insert(acknowledged);
                }
            }
            MemberEvent::OffsetFetched(id, offset) => {
                let owed = book.owed.get(&(client, *id)).copied().unwrap_or_default();
                self.on_found(group, (*id, *offset), owed, place);
            }
            _ => {}
        }
    }

    /// Compares what somebody found with what was acknowledged, as far as it is owed.
    fn on_found(
        &mut self,
        group: usize,
        (id, found): (TopicPartition, Option<Offset>),
        owed: Offset,
        place: Place,
    ) {
        let acknowledged = &mut self.groups[group].acknowledged;
        let Some(promised) = acknowledged.get(&id).copied() else { return };
        let promised = promised.min(owed);
        if found.unwrap_or_default() < promised {
            acknowledged.remove(&id);
            self.case.breach(Anomaly::CommitLost, place);
        }
    }
}

impl Book {
    /// Says whether somebody else owns what a member commits, or its generation is over.
    fn is_zombie(
        &self,
        member: &MemberId,
        generation: Option<Generation>,
        id: TopicPartition,
    ) -> bool {
        let table = if self.held.is_empty() { &self.assigned } else { &self.held };
        let owns = |partitions: &Vec<TopicPartition>| partitions.contains(&id);
        let is_own = table.get(member).is_some_and(owns);
        let is_classic = self.protocol == Protocol::Classic;
        let is_old = is_classic && generation.is_some_and(|it| it < self.generation);
        is_old || (!is_own && table.values().any(owns))
    }
}
