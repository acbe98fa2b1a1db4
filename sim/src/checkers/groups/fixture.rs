//! Histories of groups made by hand: members 1 and 2 of group `g` read partition 0.

use std::sync::Arc;

use model::fact::{
    CommitId, CommitKind, EffectOutcome, Fact, GroupEvent, GroupFact, GroupPhase, MemberEvent,
    MemberFact, RebalanceCause, ResetCause, WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{
    BrokerId, ClientId, Generation, GroupId, MemberId, NodeId, Offset, TopicId, TopicPartition, Uid,
};
use model::message::data::Acks;
use model::message::group::Assignment;

use crate::checkers::fixture::{History, PARTITION, batch};
use crate::history::Fault;
use crate::plan::{CommitStyle, Sink};

/// Begins with a group of which nobody has joined, and so many records in partition 0: record
/// n is at offset n.
pub(crate) fn begin(records: u32) -> History {
    begin_with(CommitStyle::After, Sink::Append, records)
}

/// As [`begin`], with an application of this kind.
pub(crate) fn begin_with(commit: CommitStyle, sink: Sink, records: u32) -> History {
    let mut history = History::new(Acks::All, &[1]).group(commit, sink);
    let uids: Vec<u32> = (0..records).collect();
    history.write(&[1], &batch(0, 0, &uids));
    history
}

/// Returns the client that is the group's n-th member.
pub(crate) fn client(member: u16) -> ClientId {
    ClientId(member + 1)
}

/// Returns the n-th member's id.
pub(crate) fn id(member: u16) -> MemberId {
    MemberId(format!("g-{member}-id").into())
}

/// Returns these partitions of the topic.
pub(crate) fn partitions(partitions: &[u16]) -> Assignment {
    let of = |&partition: &u16| TopicPartition { topic: TopicId(0), partition };
    partitions.iter().map(of).collect()
}

impl History {
    /// Something became true of the group.
    pub(crate) fn coordinate(&mut self, what: GroupEvent) -> &mut History {
        let group = GroupId::from("g");
        self.fact(Fact::Group(GroupFact { broker: BrokerId(1), group, what }))
    }

    /// Something became true of a member.
    pub(crate) fn member(&mut self, member: u16, what: MemberEvent) -> &mut History {
        self.fact(Fact::Member(MemberFact { client: client(member), what }))
    }

    /// The group is in another state.
    pub(crate) fn phase(
        &mut self,
        from: GroupPhase,
        to: GroupPhase,
        generation: u32,
    ) -> &mut History {
        let begins = to == GroupPhase::PreparingRebalance;
        let cause = begins.then_some(RebalanceCause::Topics);
        let generation = Generation(generation);
        self.coordinate(GroupEvent::State { from, to, generation, members: 1, cause })
    }

    /// Somebody joins the group, without more.
    pub(crate) fn join(&mut self, member: u16) -> &mut History {
        let client_id = format!("g-{member}").into();
        self.coordinate(GroupEvent::MemberJoined { member: id(member), client_id, instance: None })
    }

    /// Members are assigned partitions and own them at once.
    pub(crate) fn assign(&mut self, generation: u32, to: &[(u16, &[u16])]) -> &mut History {
        let assignment: Arc<[_]> =
            to.iter().map(|(member, it)| (id(*member), partitions(it))).collect();
        let generation = Generation(generation);
        self.coordinate(GroupEvent::Assigned { generation, assignment });
        for (member, it) in to {
            self.owns(*member, it);
        }
        self
    }

    /// A member is in a generation.
    pub(crate) fn seat(&mut self, member: u16, generation: u32) -> &mut History {
        let (member_id, generation) = (id(member), Generation(generation));
        self.member(member, MemberEvent::Joined { member: member_id, generation })
    }

    /// A member owns exactly this.
    pub(crate) fn owns(&mut self, member: u16, these: &[u16]) -> &mut History {
        self.member(member, MemberEvent::Owns(partitions(these)))
    }

    /// The first member joins, and the group is stable.
    pub(crate) fn found(&mut self) -> &mut History {
        self.join(1).phase(GroupPhase::Empty, GroupPhase::PreparingRebalance, 0);
        self.assign(1, &[(1, &[0])]);
        self.phase(GroupPhase::CompletingRebalance, GroupPhase::Stable, 1).fetched(1, None)
    }

    /// The partition moves from the first member to the second.
    pub(crate) fn hand_over(&mut self, committed: u64) -> &mut History {
        self.join(2).phase(GroupPhase::Stable, GroupPhase::PreparingRebalance, 1).owns(1, &[]);
        self.assign(2, &[(1, &[]), (2, &[0])]);
        self.phase(GroupPhase::CompletingRebalance, GroupPhase::Stable, 2);
        self.fetched(2, Some(committed))
    }

    /// A member finds a committed offset.
    pub(crate) fn fetched(&mut self, member: u16, offset: Option<u64>) -> &mut History {
        self.member(member, MemberEvent::OffsetFetched(PARTITION, offset.map(Offset)))
    }

    /// A member's position is reset.
    pub(crate) fn reset_to(
        &mut self,
        member: u16,
        (from, to): (Option<u64>, u64),
        cause: ResetCause,
    ) -> &mut History {
        let (from, to) = (from.map(Offset), Offset(to));
        let (client, partition) = (client(member), PARTITION);
        self.fact(Fact::PositionReset { client, partition, from, to, cause })
    }

    /// A member's application does something with record n.
    pub(crate) fn work(&mut self, member: u16, record: u32, what: WorkEvent) -> &mut History {
        let (offset, uid) = (Offset(u64::from(record)), Uid(record));
        let client = client(member);
        self.fact(Fact::Work(WorkFact { client, partition: PARTITION, offset, uid, what }))
    }

    /// A member's application does these records, with their effect.
    pub(crate) fn done(&mut self, member: u16, records: &[u32]) -> &mut History {
        for &record in records {
            self.work(member, record, WorkEvent::Began(0));
            self.work(member, record, WorkEvent::Effect(EffectOutcome::Applied));
            self.work(member, record, WorkEvent::Ended(WorkOutcome::Done));
        }
        self
    }

    /// A commit of a member is sent, accepted and answered.
    pub(crate) fn commits(&mut self, member: u16, generation: u32, offset: u64) -> &mut History {
        let offsets: Arc<[_]> = [(PARTITION, Offset(offset))].into();
        let (commit, kind) = (CommitId(offset as u32), CommitKind::Sync);
        let sent = Arc::clone(&offsets);
        self.member(member, MemberEvent::CommitSent { commit, kind, offsets: sent });
        let (who, generation) = (Some(id(member)), Some(Generation(generation)));
        self.coordinate(GroupEvent::Committed { member: who, generation, offsets });
        self.member(member, MemberEvent::CommitEnded { commit, outcome: Ok(()) })
    }

    /// An operator commits.
    pub(crate) fn orders(&mut self, offset: u64) -> &mut History {
        let offsets = [(PARTITION, Offset(offset))].into();
        self.coordinate(GroupEvent::Committed { member: None, generation: None, offsets })
    }

    /// A member's process is killed and started again.
    pub(crate) fn reborn(&mut self, member: u16) -> &mut History {
        let node = NodeId::Client(client(member));
        self.fault(Fault::Crashed(node)).fault(Fault::Started { node, incarnation: 2 })
    }
}
