//! Brokers as group coordinators: finding one, losing one, waiting for replicas.

use super::*;
use crate::ids::{Generation, GroupId, MemberEpoch, MemberId};
use crate::message::group::{
    Beat, ConsumerHeartbeatRequest, FindCoordinatorRequest, GroupHeartbeatRequest, GroupProtocol,
    JoinGroupReply, JoinGroupRequest, MemberState, OffsetAndMetadata, OffsetCommitRequest,
    OffsetFetchRequest, Stability, Subscription, SyncGroupRequest,
};

#[test]
fn the_first_question_for_a_coordinator_creates_the_internal_topic() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());

    assert_eq!(find(&mut cluster, 1), Err(ErrorCode::CoordinatorNotAvailable));
    cluster.pass(Duration::from_secs(1));
    let found = find(&mut cluster, 1).expect("the topic has leaders");
    for id in 1..=3 {
        assert_eq!(find(&mut cluster, id), Ok(found));
    }

    let topic = &cluster.controller.image().topics[&TopicId::CONSUMER_OFFSETS];
    assert_eq!((topic.partitions.len(), topic.partitions[0].replicas.len()), (50, 3));
}

#[test]
fn members_and_commits_survive_their_coordinator() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let member = join_alone(&mut cluster, coordinator);
    let committed = commit(&mut cluster, coordinator, Some(&member), 7);
    assert_eq!(committed, Some(ErrorCode::None));

    cluster.crash(coordinator);
    cluster.pass(Duration::from_secs(20));
    let asked = 1 + coordinator % 3;
    let successor = find(&mut cluster, asked).expect("another replica leads").0;

    assert_ne!(successor, coordinator);
    assert_eq!(fetch(&mut cluster, successor), Ok(Some(Offset(7))));
    assert_eq!(heartbeat(&mut cluster, successor, &member), ErrorCode::None);
    let stranger = MemberId::from("stranger");
    assert_eq!(heartbeat(&mut cluster, successor, &stranger), ErrorCode::UnknownMemberId);
}

#[test]
fn consumer_groups_survive_their_coordinator() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let joined = beat(&mut cluster, coordinator, Beat::Join).expect("the group is new");
    assert_eq!(joined.beat, Beat::Stay(MemberEpoch(1)));

    cluster.crash(coordinator);
    cluster.pass(Duration::from_secs(20));
    let asked = 1 + coordinator % 3;
    let successor = find(&mut cluster, asked).expect("another replica leads").0;

    let stays = beat(&mut cluster, successor, joined.beat).expect("the member is known");
    assert_eq!((stays.beat, stays.assignment), (joined.beat, None));
    let ahead = beat(&mut cluster, successor, Beat::Stay(MemberEpoch(2)));
    assert_eq!(ahead, Err(ErrorCode::FencedMemberEpoch));
}

#[test]
fn a_commit_is_answered_only_when_the_replicas_have_it() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let others: Vec<_> = (1..=3).filter(|&id| id != coordinator).collect();
    for &id in &others {
        cluster.cut(node(coordinator), node(id));
    }

    let call = cluster.ask(node(coordinator), 1, commit_request(None, 7));
    cluster.pass(Duration::from_millis(4_900));
    assert_eq!(cluster.answers.get(&call), None);
    cluster.pass(Duration::from_millis(200));

    assert_eq!(commit_error(&cluster, call), Some(ErrorCode::CoordinatorNotAvailable));
    cluster.heal();
    cluster.pass(Duration::from_secs(2));
    assert_eq!(fetch(&mut cluster, coordinator), Ok(Some(Offset(7))), "the commit stays written");
}

#[test]
fn only_the_members_of_this_generation_move_the_offsets_of_a_group() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let member = join_alone(&mut cluster, coordinator);
    let joined = join(&mut cluster, coordinator, Some(member.clone())).joined;
    assert_eq!(joined.expect("the leader rebalances").generation, Generation(2));

    let zombie = commit(&mut cluster, coordinator, Some(&member), 7);
    let outsider = commit(&mut cluster, coordinator, None, 7);

    assert_eq!(zombie, Some(ErrorCode::IllegalGeneration));
    assert_eq!(outsider, Some(ErrorCode::UnknownMemberId));
    assert_eq!(fetch(&mut cluster, coordinator), Ok(None));
}

#[test]
fn who_does_not_coordinate_says_so() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let other = 1 + coordinator % 3;

    assert_eq!(commit(&mut cluster, other, None, 7), Some(ErrorCode::NotCoordinator));
    assert_eq!(fetch(&mut cluster, other), Err(ErrorCode::NotCoordinator));
}

#[test]
fn a_parked_join_holds_up_what_was_sent_behind_it() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    let coordinator = coordinator(&mut cluster);
    let id = first_join(&mut cluster, coordinator);
    let join = cluster.ask(node(coordinator), 2, join_request(Some(id)));
    let behind = cluster.ask(node(coordinator), 2, fetch_request());

    cluster.pass(Duration::from_millis(2_500));
    assert_eq!((cluster.answers.get(&join), cluster.answers.get(&behind)), (None, None));
    cluster.pass(Duration::from_secs(1));

    assert!(cluster.answers.contains_key(&join));
    assert!(cluster.answers.contains_key(&behind));
}

fn group() -> GroupId {
    GroupId::from("group")
}

fn answer(cluster: &mut Cluster, id: u8, request: Request) -> Response {
    let call = cluster.ask(node(id), 1, request);
    cluster.wait(Duration::from_secs(10), |cluster| cluster.answers.contains_key(&call));
    cluster.answers[&call].clone()
}

fn find(cluster: &mut Cluster, id: u8) -> Result<BrokerId, ErrorCode> {
    let request = Request::FindCoordinator(FindCoordinatorRequest { group: group() });
    match answer(cluster, id, request) {
        Response::FindCoordinator(reply) => reply.coordinator,
        other => panic!("{other:?}"),
    }
}

/// Has the topic created, and returns the coordinator once it serves.
fn coordinator(cluster: &mut Cluster) -> u8 {
    assert_eq!(find(cluster, 1), Err(ErrorCode::CoordinatorNotAvailable));
    cluster.pass(Duration::from_secs(1));
    find(cluster, 1).expect("the topic has leaders").0
}

fn beat(cluster: &mut Cluster, id: u8, beat: Beat) -> Result<MemberState, ErrorCode> {
    let is_join = beat == Beat::Join;
    let request = ConsumerHeartbeatRequest {
        group: group(),
        member: Some("m1".into()),
        beat,
        instance: None,
        rack: None,
        client_id: "client".into(),
        rebalance_timeout: is_join.then_some(Duration::from_secs(300)),
        topics: is_join.then(|| vec![PARTITION.topic]),
        assignor: None,
        owned: is_join.then(Vec::new),
    };
    match answer(cluster, id, Request::ConsumerGroupHeartbeat(Box::new(request))) {
        Response::ConsumerGroupHeartbeat(reply) => reply.member,
        other => panic!("{other:?}"),
    }
}

fn join_request(member: Option<MemberId>) -> Request {
    let subscription = Subscription { topics: vec![PARTITION.topic], ..Subscription::default() };
    let protocol = GroupProtocol { name: "range".into(), subscription: Arc::new(subscription) };
    Request::JoinGroup(Box::new(JoinGroupRequest {
        group: group(),
        client_id: "client".into(),
        session_timeout: Duration::from_secs(45),
        rebalance_timeout: Duration::from_secs(300),
        member,
        instance: None,
        protocol_type: "consumer".into(),
        protocols: vec![protocol],
    }))
}

fn join(cluster: &mut Cluster, id: u8, member: Option<MemberId>) -> JoinGroupReply {
    match answer(cluster, id, join_request(member)) {
        Response::JoinGroup(reply) => reply,
        other => panic!("{other:?}"),
    }
}

fn first_join(cluster: &mut Cluster, id: u8) -> MemberId {
    let refusal = join(cluster, id, None).joined.expect_err("an id comes first");
    assert_eq!(refusal.error, ErrorCode::MemberIdRequired);
    refusal.member.expect("the id")
}

/// Makes the client the only member, stable in generation 1.
fn join_alone(cluster: &mut Cluster, id: u8) -> MemberId {
    let member = first_join(cluster, id);
    let joined = join(cluster, id, Some(member.clone())).joined.expect("it is alone");
    assert_eq!((joined.generation, joined.leader.as_ref()), (Generation(1), Some(&member)));
    let request = Request::SyncGroup(Box::new(SyncGroupRequest {
        group: group(),
        generation: Generation(1),
        member: member.clone(),
        instance: None,
        protocol_type: None,
        protocol: None,
        assignments: vec![(member.clone(), [PARTITION].into())],
    }));
    match answer(cluster, id, request) {
        Response::SyncGroup(reply) => assert_eq!(reply.assignment.as_deref(), Ok(&[PARTITION][..])),
        other => panic!("{other:?}"),
    }
    member
}

fn commit_request(member: Option<&MemberId>, offset: u64) -> Request {
    let commit =
        OffsetAndMetadata { offset: Offset(offset), leader_epoch: None, metadata: "".into() };
    Request::OffsetCommit(OffsetCommitRequest {
        group: group(),
        generation: member.map(|_| Generation(1)),
        member: member.cloned(),
        instance: None,
        offsets: vec![(PARTITION, commit)],
    })
}

fn commit(
    cluster: &mut Cluster,
    id: u8,
    member: Option<&MemberId>,
    offset: u64,
) -> Option<ErrorCode> {
    match answer(cluster, id, commit_request(member, offset)) {
        Response::OffsetCommit(reply) => Some(reply.partitions[0].1),
        other => panic!("{other:?}"),
    }
}

fn commit_error(cluster: &Cluster, call: Call) -> Option<ErrorCode> {
    match cluster.answers.get(&call)? {
        Response::OffsetCommit(reply) => Some(reply.partitions[0].1),
        other => panic!("{other:?}"),
    }
}

fn fetch_request() -> Request {
    let partitions = Some(vec![PARTITION]);
    let stability = Stability::Stable;
    Request::OffsetFetch(OffsetFetchRequest { group: group(), member: None, partitions, stability })
}

fn fetch(cluster: &mut Cluster, id: u8) -> Result<Option<Offset>, ErrorCode> {
    match answer(cluster, id, fetch_request()) {
        Response::OffsetFetch(reply) => {
            reply.partitions.map(|list| list[0].1.as_ref().map(|it| it.offset))
        }
        other => panic!("{other:?}"),
    }
}

fn heartbeat(cluster: &mut Cluster, id: u8, member: &MemberId) -> ErrorCode {
    let (group, generation, member) = (group(), Generation(1), member.clone());
    let request = GroupHeartbeatRequest { group, generation, member, instance: None };
    match answer(cluster, id, Request::Heartbeat(request)) {
        Response::Heartbeat(reply) => reply.error,
        other => panic!("{other:?}"),
    }
}
