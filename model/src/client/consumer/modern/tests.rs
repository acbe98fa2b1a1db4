use super::*;
use crate::chance::Rng;
use crate::ids::{MemberEpoch, NodeId, TopicPartition};
use crate::rules::Rules;
use crate::time::{Duration, Timestamp};
use crate::turn::Outbox;

#[test]
fn a_target_is_committed_revoked_assigned_and_acknowledged_in_this_order() {
    let mut stage = Theatre::stable(true, &[0]);
    stage.beat_and_answer(2, Some(&[1]));

    assert_eq!(stage.step(), Some(Step::Commit(partitions(&[0]))));
    assert_eq!(stage.step(), None, "the commit is on its way");
    stage.member.on_committed(None);
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Revoked, partitions(&[0]))));
    assert_eq!(stage.step(), None, "the listener is running");
    stage.member.on_listened();
    assert_eq!(stage.step(), Some(Step::Assign(partitions(&[1]))));
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Assigned, partitions(&[1]))));
    assert_eq!(stage.beat(), None, "no acknowledgement before the listener has returned");
    stage.member.on_listened();

    let (request, _) = stage.beat().expect("an acknowledgement is due at once");
    assert_eq!(request.owned, Some(partitions(&[1]).to_vec()));
}

#[test]
fn without_auto_commit_and_with_nothing_to_revoke_only_the_new_is_announced() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.beat_and_answer(2, Some(&[0, 1]));

    assert_eq!(stage.step(), Some(Step::Assign(partitions(&[0, 1]))));
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Assigned, partitions(&[1]))));
}

#[test]
fn a_member_that_is_fenced_loses_before_it_joins() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.beat_and_refuse(ErrorCode::FencedMemberEpoch);

    assert_eq!(stage.beat(), None);
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Lost, partitions(&[0]))));
    stage.member.on_listened();
    assert_eq!(stage.step(), Some(Step::Assign(partitions(&[]))));

    let (request, _) = stage.beat().expect("it joins again");
    assert_eq!(request.beat, Beat::Join);
    let told = MemberEvent::Expelled(ExpelCause::Told(ErrorCode::FencedMemberEpoch));
    assert!(stage.noted().contains(&told));
}

#[test]
fn a_member_fenced_in_its_listener_reports_the_rest_as_lost() {
    let mut stage = Theatre::stable(false, &[0, 1]);
    stage.beat_and_answer(2, Some(&[1]));
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Revoked, partitions(&[0]))));
    stage.beat_and_refuse(ErrorCode::UnknownMemberId);
    stage.member.on_listened();

    assert_eq!(stage.step(), Some(Step::Listen(Callback::Lost, partitions(&[0, 1]))));
}

#[test]
fn the_commit_before_a_revocation_is_tried_again_until_the_rebalance_timeout() {
    let mut stage = Theatre::stable(true, &[0]);
    stage.beat_and_answer(2, Some(&[1]));
    let commit = Step::Commit(partitions(&[0]));
    assert_eq!(stage.step(), Some(commit.clone()));

    let again = stage.now + Duration::from_millis(100);
    stage.member.on_committed(Some(again));
    assert_eq!((stage.step(), stage.member.commit_again_at()), (None, Some(again)));
    stage.now = again;
    assert_eq!(stage.step(), Some(commit));
    stage.now += Duration::from_secs(300);
    stage.member.on_committed(Some(stage.now));

    assert_eq!(stage.step(), Some(Step::Listen(Callback::Revoked, partitions(&[0]))));
}

#[test]
fn a_member_fenced_while_it_commits_revokes_nothing() {
    let mut stage = Theatre::stable(true, &[0]);
    stage.beat_and_answer(2, Some(&[1]));
    assert_eq!(stage.step(), Some(Step::Commit(partitions(&[0]))));
    stage.beat_and_refuse(ErrorCode::FencedMemberEpoch);
    stage.member.on_committed(None);

    assert_eq!(stage.step(), Some(Step::Listen(Callback::Lost, partitions(&[0]))));
}

#[test]
fn an_error_that_stays_is_thrown_once_after_the_loss() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.beat_and_refuse(ErrorCode::GroupMaxSizeReached);

    assert_eq!(stage.step(), Some(Step::Listen(Callback::Lost, partitions(&[0]))));
    stage.member.on_listened();
    assert_eq!(stage.step(), Some(Step::Assign(partitions(&[]))));
    let error = GroupError::Fatal(ErrorCode::GroupMaxSizeReached);
    assert_eq!(stage.step(), Some(Step::Throw(error)));
    assert_eq!(stage.step(), None);
}

#[test]
fn a_closing_member_gives_back_before_it_leaves() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.turn(|member, turn| member.leave(turn));

    assert_eq!(stage.step(), Some(Step::Listen(Callback::Revoked, partitions(&[0]))));
    assert!(!stage.member.has_left());
    stage.member.on_listened();
    assert_eq!(stage.step(), Some(Step::Assign(partitions(&[]))));
    let (request, heartbeat) = stage.beat().expect("the last heartbeat");

    assert_eq!((request.beat, heartbeat), (Beat::Leave, Heartbeat::Leaving));
    assert!(stage.member.has_left());
    let expected = [
        MemberEvent::Listening(Callback::Revoked, partitions(&[0])),
        MemberEvent::Expelled(ExpelCause::Left),
        MemberEvent::Leaving,
    ];
    assert_eq!(stage.noted(), expected);
}

#[test]
fn a_member_that_does_not_poll_leaves_and_says_why() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.member.on_poll_left(stage.now);
    stage.now += Duration::from_secs(300);

    let (request, heartbeat) = stage.beat().expect("the last heartbeat");

    assert_eq!((request.beat, heartbeat), (Beat::Leave, Heartbeat::Leaving));
    assert_eq!(stage.member.identity(), None);
    let expected = [
        MemberEvent::PollIntervalExceeded,
        MemberEvent::Expelled(ExpelCause::PollInterval),
        MemberEvent::Leaving,
    ];
    assert_eq!(stage.noted(), expected);
    stage.member.on_poll();
    assert_eq!(stage.step(), Some(Step::Listen(Callback::Lost, partitions(&[0]))));
}

#[test]
fn the_coordinator_is_looked_for_again_when_it_says_so() {
    let mut stage = Theatre::stable(false, &[0]);

    assert_eq!(stage.beat_and_refuse(ErrorCode::NotCoordinator), Coordination::FindCoordinator);
    assert_eq!(stage.beat_and_refuse(ErrorCode::CoordinatorLoadInProgress), Coordination::GoOn);
}

#[test]
fn each_epoch_reached_is_a_fact_and_the_identity_of_commits() {
    let mut stage = Theatre::stable(false, &[0]);
    stage.beat_and_answer(2, None);
    stage.beat_and_answer(2, None);

    let identity = ("m".into(), Generation(2));
    assert_eq!(stage.member.identity(), Some(identity));
    let joined = MemberEvent::Joined { member: "m".into(), generation: Generation(2) };
    assert_eq!(stage.noted(), [joined]);
}

/// A member, the world it acts in, and a clock.
struct Theatre {
    member: ModernMember,
    now: Time,
    rng: Rng,
    out: Outbox,
}

impl Theatre {
    /// Makes a member of epoch 1 that holds `target`, and forgets what was noted.
    fn stable(auto_commit: bool, target: &[u16]) -> Theatre {
        let client = ClientId(3);
        let identity = Identity { group: "g".into(), member: "m".into(), client_id: "g-1".into() };
        let config = ConsumerConfig { auto_commit, ..ConsumerConfig::default() };
        let mut stage = Theatre {
            member: ModernMember::new(client, identity, &config, Time::ZERO),
            now: Time::ZERO,
            rng: Rng::fork(1, "member"),
            out: Outbox::new(NodeId::Client(client)),
        };
        stage.member.subscribe(vec![TopicId(1)]);
        stage.member.on_poll();
        stage.beat_and_answer(1, Some(target));
        while let Some(step) = stage.step() {
            match step {
                Step::Commit(_) => stage.member.on_committed(None),
                Step::Listen(..) => stage.member.on_listened(),
                Step::Assign(owned) => assert_eq!(owned, partitions(target)),
                Step::Throw(error) => panic!("{error:?}"),
            }
        }
        stage.beat_and_answer(1, None);
        assert_eq!(stage.member.state(), &State::Stable);
        stage.out.facts.clear();
        stage
    }

    fn beat(&mut self) -> Option<(ConsumerHeartbeatRequest, Heartbeat)> {
        self.turn(|member, turn| member.beat(turn))
    }

    fn step(&mut self) -> Option<Step> {
        self.turn(|member, turn| member.next_step(turn))
    }

    /// Sends the next heartbeat, when it is due, and answers it.
    fn beat_and_answer(&mut self, epoch: u32, target: Option<&[u16]>) {
        let state = MemberState {
            member: "m".into(),
            beat: Beat::Stay(MemberEpoch(epoch)),
            heartbeat_interval: Duration::from_secs(5),
            assignment: target.map(partitions),
        };
        assert_eq!(self.exchange(Ok(state)), Coordination::GoOn);
    }

    fn beat_and_refuse(&mut self, error: ErrorCode) -> Coordination {
        self.exchange(Err(error))
    }

    fn exchange(&mut self, member: Result<MemberState, ErrorCode>) -> Coordination {
        self.now = self.now.max(self.member.next_deadline().expect("a member beats"));
        self.beat().expect("a heartbeat is due");
        let reply = ConsumerHeartbeatReply { member };
        self.turn(|member, turn| member.on_heartbeat(&reply, turn))
    }

    fn turn<T>(&mut self, act: impl FnOnce(&mut ModernMember, &mut Turn<'_>) -> T) -> T {
        let wall = Timestamp(0);
        let mut turn = Turn {
            now: self.now,
            wall,
            rules: Rules::default(),
            rng: &mut self.rng,
            out: &mut self.out,
        };
        act(&mut self.member, &mut turn)
    }

    fn noted(&self) -> Vec<MemberEvent> {
        let events = self.out.facts.iter().map(|fact| match fact {
            Fact::Member(fact) => fact.what.clone(),
            fact => panic!("{fact:?} is not the member's"),
        });
        events.collect()
    }
}

fn partitions(numbers: &[u16]) -> Assignment {
    let partition = |&partition| TopicPartition { topic: TopicId(1), partition };
    numbers.iter().map(partition).collect()
}
