//! One member and a coordinator that answers as it is told to.

use super::*;
use crate::client::stage::{Sent, Stage};
use crate::fact::Callback;
use crate::group::assignor::Strategy;
use crate::ids::{Generation, LeaderEpoch, MemberId, TopicId};
use crate::message::data::{ListOffsetsReply, ListedOffset, MetadataReply, PartitionMetadata};
use crate::message::group::*;
use crate::message::{ErrorCode, Request};
use crate::turn::Effect;

const TOPIC: TopicId = TopicId(1);
const A: TopicPartition = TopicPartition { topic: TOPIC, partition: 0 };

struct Scene {
    consumer: Consumer,
    stage: Stage,
    returned: Vec<Returned>,
    facts: Vec<MemberEvent>,
    committed: Option<u64>,
    commit_error: ErrorCode,
    heartbeat_error: ErrorCode,
    generation: u32,
    left: bool,
    part: Part,
    /// How many members each SyncGroup assigned something to.
    synced: Vec<usize>,
}

/// What the coordinator makes of the member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Leader,
    /// It leads, but the coordinator keeps the assignment that it has (KIP-814).
    SkippingLeader,
    Follower,
}

impl Scene {
    fn new(config: ConsumerConfig) -> Scene {
        let mut consumer = Consumer::new(ClientId(1), "g-1".into(), config, vec![BrokerId(1)]);
        let mut stage = Stage::new();
        consumer.on_start(&mut stage.turn());
        let to = Subscribe::Topics(vec![TOPIC]);
        consumer.subscribe(GroupId::from("g"), to, &mut stage.turn());
        let mut scene = Scene {
            consumer,
            stage,
            returned: Vec::new(),
            facts: Vec::new(),
            committed: Some(7),
            commit_error: ErrorCode::None,
            heartbeat_error: ErrorCode::None,
            generation: 0,
            left: false,
            part: Part::Leader,
            synced: Vec::new(),
        };
        scene.serve();
        scene
    }

    fn poll(&mut self, millis: u64) {
        self.consumer.poll(Duration::from_millis(millis), &mut self.stage.turn());
        self.serve();
        for _ in 0..1_000 {
            if self.consumer.activity == Activity::Idle {
                return;
            }
            self.wake();
        }
        panic!("poll() does not return");
    }

    fn wake(&mut self) {
        let due = self.consumer.next_deadline().expect("something is due");
        self.stage.now = self.stage.now.max(due);
        self.consumer.on_deadline(&mut self.stage.turn());
        self.serve();
    }

    /// Lets the application work for so long.
    fn work(&mut self, millis: u64) {
        let end = self.stage.now + Duration::from_millis(millis);
        for _ in 0..10_000 {
            match self.consumer.next_deadline() {
                Some(due) if due <= end => self.wake(),
                _ => {
                    self.stage.now = end;
                    return;
                }
            }
        }
        panic!("time stands still");
    }

    fn serve(&mut self) {
        loop {
            self.facts.extend(self.stage.facts().into_iter().filter_map(|fact| match fact {
                Fact::Member(MemberFact { what, .. }) => Some(what),
                _ => None,
            }));
            let effects = self.stage.effects();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.on_effect(effect);
            }
        }
    }

    fn on_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Connect(connection) => {
                let opened = ConnectionEvent::Opened;
                self.consumer.on_connection(connection, opened, &mut self.stage.turn());
            }
            Effect::Send(connection, message) => {
                let Message::Request(correlation, request) = *message else { return };
                let sent = Sent { connection, correlation, request };
                if let Some(response) = self.answer(&sent.request) {
                    let message = Message::Response(correlation, response);
                    self.consumer.on_message(connection, message, &mut self.stage.turn());
                }
            }
            Effect::Return(returned) => {
                let listens = matches!(returned, Returned::Listen(..));
                self.returned.push(returned);
                if listens {
                    self.consumer.listened(&mut self.stage.turn());
                }
            }
            Effect::Close(_) => {}
            other => panic!("a consumer does not {other:?}"),
        }
    }

    fn answer(&mut self, request: &Request) -> Option<Response> {
        Some(match request {
            Request::Metadata(_) => {
                let replicas = vec![BrokerId(1)];
                let (leader, leader_epoch) = (Some(BrokerId(1)), LeaderEpoch(0));
                let partition = PartitionMetadata { leader, leader_epoch, replicas };
                let topics = vec![(TOPIC, Ok(vec![partition]))];
                Response::Metadata(MetadataReply { brokers: vec![BrokerId(1)], topics })
            }
            Request::FindCoordinator(_) => {
                Response::FindCoordinator(FindCoordinatorReply { coordinator: Ok(BrokerId(1)) })
            }
            Request::JoinGroup(request) => self.join(request),
            Request::SyncGroup(request) => {
                self.synced.push(request.assignments.len());
                let own = request.assignments.first().map(|(_, own)| own.clone());
                let assignment = Ok(own.unwrap_or_else(|| [A].into()));
                Response::SyncGroup(SyncGroupReply { assignment })
            }
            Request::Heartbeat(_) => {
                Response::Heartbeat(GroupHeartbeatReply { error: self.heartbeat_error })
            }
            Request::LeaveGroup(_) => {
                self.left = true;
                Response::LeaveGroup(LeaveGroupReply { members: Ok(vec![ErrorCode::None]) })
            }
            Request::OffsetCommit(request) => {
                let outcome = |(tp, _): &(TopicPartition, _)| (*tp, self.commit_error);
                let partitions = request.offsets.iter().map(outcome).collect();
                Response::OffsetCommit(OffsetCommitReply { partitions })
            }
            Request::OffsetFetch(_) => {
                let committed = self.committed.map(|offset| OffsetAndMetadata {
                    offset: Offset(offset),
                    leader_epoch: None,
                    metadata: "".into(),
                });
                Response::OffsetFetch(OffsetFetchReply { partitions: Ok(vec![(A, committed)]) })
            }
            Request::ListOffsets(request) => {
                let listed = request.partitions.iter().map(|&(partition, ..)| ListedOffset {
                    partition,
                    error: ErrorCode::None,
                    offset: Some(Offset(3)),
                    timestamp: None,
                    leader_epoch: None,
                });
                Response::ListOffsets(ListOffsetsReply { partitions: listed.collect() })
            }
            Request::Fetch(_) => return None,
            other => panic!("a consumer does not ask {other:?}"),
        })
    }

    fn join(&mut self, request: &JoinGroupRequest) -> Response {
        let id = MemberId::from("m");
        let Some(member) = request.member.clone() else {
            let refusal = JoinRefusal { error: ErrorCode::MemberIdRequired, member: Some(id) };
            return Response::JoinGroup(JoinGroupReply { joined: Err(refusal) });
        };
        self.generation += 1;
        self.heartbeat_error = ErrorCode::None;
        let subscription = request.protocols[0].subscription.clone();
        let joined = Joined {
            generation: Generation(self.generation),
            protocol_type: Some("consumer".into()),
            protocol: Some(request.protocols[0].name.clone()),
            leader: Some(match self.part {
                Part::Leader | Part::SkippingLeader => member.clone(),
                Part::Follower => MemberId::from("somebody else"),
            }),
            member: member.clone(),
            skip_assignment: self.part == Part::SkippingLeader,
            members: match self.part {
                Part::Leader | Part::SkippingLeader => {
                    vec![JoinedMember { member, instance: None, subscription }]
                }
                Part::Follower => Vec::new(),
            },
        };
        Response::JoinGroup(JoinGroupReply { joined: Ok(joined) })
    }

    fn callbacks(&self) -> Vec<Callback> {
        let called = self.returned.iter().filter_map(|returned| match returned {
            Returned::Listen(callback, _) => Some(*callback),
            _ => None,
        });
        called.collect()
    }

    fn count(&self, what: &MemberEvent) -> usize {
        self.facts.iter().filter(|fact| *fact == what).count()
    }
}

fn manual() -> ConsumerConfig {
    ConsumerConfig { auto_commit: false, ..ConsumerConfig::default() }
}

#[test]
fn a_member_joins_and_starts_where_its_group_had_committed() {
    let mut scene = Scene::new(manual());

    scene.poll(1_000);

    assert_eq!(scene.callbacks(), [Callback::Assigned]);
    assert_eq!(scene.consumer.assignment().collect::<Vec<_>>(), [A]);
    assert_eq!(scene.consumer.position(A), Some(Offset(7)));
    assert_eq!(scene.count(&MemberEvent::OffsetFetched(A, Some(Offset(7)))), 1);
    assert_eq!(scene.count(&MemberEvent::Joining), 2, "the first time without an id");
}

#[test]
fn heartbeats_call_an_eager_member_into_the_next_generation() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);
    scene.heartbeat_error = ErrorCode::RebalanceInProgress;

    scene.work(4_000);
    assert_eq!(scene.callbacks(), [Callback::Assigned], "the listener waits for poll()");
    scene.poll(1_000);

    let expected = [Callback::Assigned, Callback::Revoked, Callback::Assigned];
    assert_eq!((scene.generation, scene.callbacks()), (2, expected.to_vec()));
}

#[test]
fn a_member_that_does_not_poll_leaves_and_its_commits_fail() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);

    scene.work(301_000);
    assert!(scene.left);
    assert_eq!(scene.count(&MemberEvent::PollIntervalExceeded), 1);
    let id = scene.consumer.commit_sync(None, &mut scene.stage.turn());
    scene.serve();
    let failed = Returned::Committed(id, Err(crate::fact::CommitError::CommitFailed));
    assert_eq!(scene.returned.last(), Some(&failed));
    scene.poll(1_000);

    let expected = [Callback::Assigned, Callback::Lost, Callback::Assigned];
    assert_eq!(scene.callbacks(), expected);
}

#[test]
fn a_commit_is_tried_again_until_its_time_is_over() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);
    scene.commit_error = ErrorCode::CoordinatorLoadInProgress;

    let from = scene.stage.now;
    let id = scene.consumer.commit_sync(None, &mut scene.stage.turn());
    scene.work(70_000);

    let failed = Returned::Committed(id, Err(crate::fact::CommitError::TimedOut));
    assert_eq!(scene.returned.last(), Some(&failed));
    assert!(Duration::from_secs(60) <= scene.stage.now.since(from));
}

#[test]
fn a_callback_of_commit_async_waits_for_the_next_poll() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);
    let id = scene.consumer.commit_async(None, &mut scene.stage.turn());
    scene.serve();
    let done = Returned::Committed(id, Ok(()));
    assert!(!scene.returned.contains(&done));

    scene.poll(0);

    assert!(scene.returned.contains(&done));
}

#[test]
fn closing_commits_calls_the_listener_and_leaves() {
    let mut scene = Scene::new(ConsumerConfig::default());
    scene.poll(1_000);

    scene.consumer.close(&mut scene.stage.turn());
    scene.serve();

    assert_eq!(scene.callbacks(), [Callback::Assigned, Callback::Revoked]);
    assert!(scene.left);
    assert_eq!(scene.returned.last(), Some(&Returned::Closed));
    assert_eq!(scene.consumer.next_deadline(), None);
}

#[test]
fn only_a_leader_that_is_not_told_to_skip_it_assigns() {
    for (part, assigned) in [(Part::Leader, 1), (Part::SkippingLeader, 0), (Part::Follower, 0)] {
        let mut scene = Scene::new(manual());
        scene.part = part;

        scene.poll(1_000);

        assert_eq!(scene.synced, [assigned], "{part:?}");
        assert_eq!(scene.consumer.assignment().collect::<Vec<_>>(), [A], "{part:?}");
        assert_eq!(scene.callbacks(), [Callback::Assigned], "{part:?}");
    }
}

#[test]
fn a_cooperative_member_keeps_what_it_reads_through_a_rebalance() {
    let strategies = crate::config::Strategies(vec![Strategy::CooperativeSticky]);
    let mut scene = Scene::new(ConsumerConfig { strategies, ..manual() });
    scene.poll(1_000);
    scene.heartbeat_error = ErrorCode::RebalanceInProgress;
    scene.work(4_000);
    scene.poll(1_000);

    let given_up = scene.facts.iter().filter(|it| **it == MemberEvent::Owns([].into()));
    assert_eq!(scene.generation, 2);
    assert!(!scene.callbacks().contains(&Callback::Revoked));
    assert_eq!(given_up.count(), 0);
    assert_eq!(scene.count(&MemberEvent::OffsetFetched(A, Some(Offset(7)))), 1);
}

#[test]
fn unsubscribing_gives_back_and_leaves_until_there_is_a_subscription_again() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);

    scene.consumer.unsubscribe(&mut scene.stage.turn());
    scene.serve();
    scene.work(10_000);

    assert_eq!(scene.callbacks(), [Callback::Assigned, Callback::Revoked]);
    assert!(scene.left);
    assert_eq!(scene.consumer.assignment().count(), 0);
    assert_eq!(scene.count(&MemberEvent::Expelled(crate::fact::ExpelCause::Left)), 1);
    assert_eq!(scene.generation, 1, "it does not join by itself");
    let to = Subscribe::Topics(vec![TOPIC]);
    scene.consumer.subscribe(GroupId::from("g"), to, &mut scene.stage.turn());
    scene.poll(1_000);
    assert_eq!(scene.generation, 2);
    assert_eq!(scene.consumer.assignment().collect::<Vec<_>>(), [A]);
}

#[test]
fn a_static_member_closes_without_a_word() {
    let instance = Some("i".into());
    let mut scene = Scene::new(ConsumerConfig { instance, ..manual() });
    scene.poll(1_000);

    scene.consumer.close(&mut scene.stage.turn());
    scene.serve();

    assert!(!scene.left);
    assert_eq!(scene.returned.last(), Some(&Returned::Closed));
}

#[test]
fn a_wakeup_ends_the_poll_that_waits_or_else_the_next_one() {
    let threw = |scene: &Scene| scene.count(&MemberEvent::Threw(GroupError::Wakeup));
    let mut scene = Scene::new(manual());
    scene.poll(1_000);

    let length = Duration::from_secs(10);
    scene.consumer.poll(length, &mut scene.stage.turn());
    scene.serve();
    scene.consumer.wakeup(&mut scene.stage.turn());
    scene.serve();
    assert_eq!((threw(&scene), scene.returned.last()), (1, Some(&Returned::Threw)));

    let before = scene.stage.now;
    scene.consumer.wakeup(&mut scene.stage.turn());
    scene.poll(10_000);
    assert_eq!((threw(&scene), scene.returned.last()), (2, Some(&Returned::Threw)));
    assert_eq!(scene.stage.now, before, "at once");

    scene.poll(1_000);
    assert_eq!((threw(&scene), scene.generation), (2, 1));
    assert_eq!(scene.returned.last(), Some(&Returned::Polled(Vec::new())));
}

#[test]
fn offsets_for_times_are_asked_of_the_leader() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);

    let times = vec![(A, crate::time::Timestamp(5))];
    scene.consumer.offsets_for_times(times, &mut scene.stage.turn());
    scene.serve();

    assert_eq!(scene.returned.last(), Some(&Returned::Times(vec![(A, Some(Offset(3)))])));
    assert_eq!(scene.consumer.position(A), Some(Offset(7)), "nobody has sought");
}

#[test]
fn a_pause_lasts_until_it_is_resumed_and_is_noted_once() {
    let mut scene = Scene::new(manual());
    scene.poll(1_000);

    for _ in 0..2 {
        scene.consumer.pause(&[A], &mut scene.stage.turn());
    }
    scene.poll(1_000);
    for _ in 0..2 {
        scene.consumer.resume(&[A], &mut scene.stage.turn());
    }
    scene.serve();

    assert_eq!(scene.count(&MemberEvent::Paused([A].into())), 1);
    assert_eq!(scene.count(&MemberEvent::Resumed([A].into())), 1);
    assert_eq!(scene.generation, 1);
}
