use super::*;

const INTERVAL: Duration = Duration::from_secs(5);
const NOW: Time = Time(1_000_000);

#[test]
fn out_of_the_group_no_heartbeat_is_due() {
    let unsubscribed = member(None);
    let mut fenced = stable(&[0]);
    fail(&mut fenced, ErrorCode::FencedMemberEpoch);
    let mut stale = stable(&[0]);
    stale.on_poll_left(NOW);
    assert!(stale.expire_poll(NOW + Duration::from_secs(300)));
    stale.heartbeat(NOW);
    let mut fatal = stable(&[0]);
    fail(&mut fatal, ErrorCode::InvalidRequest);

    for (machine, state) in [
        (unsubscribed, State::Unsubscribed),
        (fenced, State::Fenced),
        (stale, State::Stale),
        (fatal, State::Fatal(ErrorCode::InvalidRequest)),
    ] {
        assert_eq!((machine.state(), machine.heartbeat_at()), (&state, None));
    }
}

#[test]
fn joining_tells_everything_at_once() {
    let mut machine = joining(None);

    assert!(machine.heartbeat_at() <= Some(NOW));
    let request = machine.heartbeat(NOW);

    assert_eq!(request.beat, Beat::Join);
    assert_eq!(request.member, Some("m".into()));
    assert_eq!(request.rebalance_timeout, Some(Duration::from_secs(300)));
    assert_eq!(request.topics, Some(vec![TopicId(1), TopicId(2)]));
    assert_eq!(request.assignor.as_deref(), Some("range"));
    assert_eq!(request.owned, Some(vec![]));
    assert_eq!(machine.heartbeat_at(), None, "one is in flight");
}

#[test]
fn a_subscription_alone_does_not_join() {
    let mut machine = member(None);

    machine.subscribe(vec![TopicId(1)]);
    assert_eq!(machine.state(), &State::Unsubscribed);
    machine.on_poll();

    assert_eq!(machine.state(), &State::Joining);
}

#[test]
fn a_reconciling_member_beats_at_the_interval() {
    let machine = joined(&[0]);

    assert_eq!(machine.state(), &State::Reconciling(None));
    assert_eq!(machine.heartbeat_at(), Some(NOW + INTERVAL));
}

#[test]
fn an_acknowledgement_leaves_at_once_and_lists_what_is_owned() {
    let mut machine = joined(&[0, 1]);
    machine.reconciliation().expect("there is a target");
    assert!(machine.on_reconciled());

    assert_eq!(machine.state(), &State::Acknowledging);
    assert!(machine.heartbeat_at() <= Some(NOW));
    let request = machine.heartbeat(NOW);

    assert_eq!(request.beat, Beat::Stay(MemberEpoch(1)));
    assert_eq!(request.owned, Some(partitions(&[0, 1]).to_vec()));
    assert_eq!((request.topics, request.rebalance_timeout), (None, None));
    assert_eq!(machine.state(), &State::Stable);
}

#[test]
fn a_stable_member_says_no_more_than_that_it_lives() {
    let mut machine = stable(&[0]);

    assert_eq!(machine.heartbeat_at(), Some(NOW + INTERVAL));
    let request = machine.heartbeat(NOW + INTERVAL);

    assert_eq!(request.beat, Beat::Stay(MemberEpoch(1)));
    assert_eq!((request.owned, request.topics, request.assignor), (None, None, None));
    assert_eq!(request.rebalance_timeout, None);
}

#[test]
fn other_topics_are_told_with_the_next_heartbeat() {
    let mut machine = stable(&[0]);

    machine.subscribe(vec![TopicId(3)]);

    assert_eq!(machine.heartbeat_at(), Some(NOW + INTERVAL));
    assert_eq!(machine.heartbeat(NOW + INTERVAL).topics, Some(vec![TopicId(3)]));
}

#[test]
fn a_target_is_reached_by_giving_back_first() {
    let mut machine = stable(&[0, 1]);

    answer(&mut machine, 1, Some(&[1, 2]));
    let reconciliation = machine.reconciliation();
    let expected = Reconciliation { revoke: partitions(&[0]), add: partitions(&[2]) };
    assert_eq!(reconciliation, Some(expected));
    assert_eq!(machine.owned(), &partitions(&[0, 1]));
    assert_eq!(machine.reconciliation(), None, "one at a time");

    assert!(machine.on_revoked());
    assert_eq!(machine.owned(), &partitions(&[1, 2]));
    assert!(machine.on_reconciled());
    assert_eq!(machine.state(), &State::Acknowledging);
}

#[test]
fn the_first_target_is_reconciled_even_if_it_is_empty() {
    let mut machine = joined(&[]);

    let nothing = Reconciliation { revoke: partitions(&[]), add: partitions(&[]) };
    assert_eq!(machine.reconciliation(), Some(nothing));
}

#[test]
fn a_newer_target_waits_for_the_one_under_way() {
    let mut machine = stable(&[0]);
    answer(&mut machine, 1, Some(&[0, 1]));
    machine.reconciliation().expect("there is a target");

    answer(&mut machine, 2, Some(&[0, 1, 2]));
    assert!(machine.on_revoked() && machine.on_reconciled());
    assert_eq!(machine.heartbeat(NOW).owned, Some(partitions(&[0, 1]).to_vec()));

    assert_eq!(machine.state(), &State::Reconciling(None));
    let next = machine.reconciliation().expect("the newer target");
    assert_eq!(next.add, partitions(&[2]));
}

#[test]
fn a_target_that_changed_back_is_acknowledged_without_the_listener() {
    let mut machine = stable(&[0]);
    answer(&mut machine, 1, Some(&[0, 1]));
    answer(&mut machine, 2, Some(&[0]));

    assert_eq!(machine.reconciliation(), None);
    assert_eq!(machine.state(), &State::Acknowledging);
    assert_eq!(machine.heartbeat(NOW).owned, Some(partitions(&[0]).to_vec()));
}

#[test]
fn the_same_target_again_changes_nothing() {
    let mut machine = stable(&[0]);

    answer(&mut machine, 2, Some(&[0]));

    assert_eq!(machine.state(), &State::Stable);
    assert_eq!(machine.epoch(), Some(MemberEpoch(2)));
}

#[test]
fn a_reconciliation_does_not_outlive_its_membership() {
    let mut machine = stable(&[0]);
    answer(&mut machine, 1, Some(&[1]));
    machine.reconciliation().expect("there is a target");
    fail(&mut machine, ErrorCode::UnknownMemberId);

    assert!(!machine.on_revoked() && !machine.on_reconciled());
    assert_eq!(machine.lost(), Some(&partitions(&[0])));

    machine.on_lost_reported();
    join(&mut machine, 3, &[2]);
    assert!(!machine.on_revoked(), "not even if it moves to another target by then");
}

#[test]
fn without_a_coordinator_the_next_heartbeat_waits_for_nothing_else() {
    for error in [ErrorCode::NotCoordinator, ErrorCode::CoordinatorNotAvailable] {
        let mut machine = stable(&[0]);

        assert_eq!(fail(&mut machine, error), Reaction::FindCoordinator, "{error}");
        assert_eq!(machine.state(), &State::Stable);
        assert_eq!(machine.heartbeat_at(), Some(Time::ZERO));
        check_full(&machine.heartbeat(NOW), &[0]);
    }
}

#[test]
fn a_loading_coordinator_and_a_lost_answer_call_for_a_pause() {
    let mut loading = stable(&[0]);
    assert_eq!(fail(&mut loading, ErrorCode::CoordinatorLoadInProgress), Reaction::GoOn);
    let mut lost = stable(&[0]);
    let at = lost.heartbeat_at().expect("a stable member beats");
    lost.heartbeat(at);
    lost.on_heartbeat_lost(NOW, &mut rng());

    for mut machine in [loading, lost] {
        let at = machine.heartbeat_at().expect("it tries again");
        assert_eq!(machine.state(), &State::Stable);
        assert!(NOW + Duration::from_millis(80) <= at && at <= NOW + Duration::from_millis(120));
        check_full(&machine.heartbeat(at), &[0]);
    }
}

#[test]
fn pauses_grow_until_an_answer_comes() {
    let mut machine = joining(None);
    machine.heartbeat(NOW);
    machine.on_heartbeat_lost(NOW, &mut rng());
    let first = machine.heartbeat_at().expect("it tries again").since(NOW);
    machine.heartbeat(NOW + first);
    machine.on_heartbeat_lost(NOW, &mut rng());
    let second = machine.heartbeat_at().expect("it tries again").since(NOW);

    assert!(first < second, "{first} then {second}");
    machine.heartbeat(NOW + second);
    answer_only(&mut machine, 1, Some(&[0]));
    assert_eq!(machine.heartbeat_at(), Some(NOW + INTERVAL));
}

#[test]
fn a_fenced_member_reports_its_loss_and_joins_under_the_same_id() {
    for error in [ErrorCode::FencedMemberEpoch, ErrorCode::UnknownMemberId] {
        let mut machine = stable(&[0]);

        assert_eq!(fail(&mut machine, error), Reaction::Fenced(error));
        assert_eq!((machine.state(), machine.epoch()), (&State::Fenced, None));
        assert_eq!(machine.lost(), Some(&partitions(&[0])));
        machine.on_lost_reported();

        assert_eq!((machine.state(), machine.lost()), (&State::Joining, None));
        let request = machine.heartbeat(NOW);
        check_full(&request, &[]);
        assert_eq!((request.beat, request.member), (Beat::Join, Some("m".into())));
    }
}

#[test]
fn a_fenced_member_with_nothing_joins_at_once() {
    let mut machine = stable(&[]);

    fail(&mut machine, ErrorCode::FencedMemberEpoch);

    assert_eq!(machine.state(), &State::Joining);
}

#[test]
fn every_other_error_is_fatal() {
    for error in [
        ErrorCode::GroupAuthorizationFailed,
        ErrorCode::InvalidRequest,
        ErrorCode::GroupMaxSizeReached,
        ErrorCode::UnsupportedAssignor,
        ErrorCode::UnsupportedVersion,
        ErrorCode::UnreleasedInstanceId,
        ErrorCode::FencedInstanceId,
        ErrorCode::GroupIdNotFound,
    ] {
        let mut machine = stable(&[0]);

        assert_eq!(fail(&mut machine, error), Reaction::Throw(error));
        assert_eq!(machine.lost(), Some(&partitions(&[0])));
        machine.on_lost_reported();
        machine.on_poll();

        assert_eq!(machine.state(), &State::Fatal(error));
    }
}

#[test]
fn a_member_that_does_not_poll_leaves_and_joins_with_the_next_poll() {
    for (instance, beat) in [(None, Beat::Leave), (Some("i"), Beat::LeaveTemporarily)] {
        let mut machine = joining(instance);
        join(&mut machine, 1, &[0]);
        reconcile(&mut machine);
        machine.on_poll_left(NOW);
        let deadline = NOW + Duration::from_secs(300);
        assert!(!machine.expire_poll(Time(deadline.0 - 1)));

        assert!(machine.expire_poll(deadline));
        assert_eq!(machine.heartbeat(deadline).beat, beat);
        assert_eq!((machine.state(), machine.epoch()), (&State::Stale, None));
        assert_eq!(machine.lost(), Some(&partitions(&[0])));
        machine.on_poll();
        assert_eq!(machine.state(), &State::Stale, "the listener comes first");
        machine.on_lost_reported();
        machine.on_poll();

        assert_eq!(machine.state(), &State::Joining);
        assert_eq!(machine.heartbeat(deadline).beat, Beat::Join);
    }
}

#[test]
fn a_member_that_waits_in_poll_stays() {
    let mut machine = stable(&[0]);

    machine.on_poll();

    assert!(!machine.expire_poll(Time::MAX));
    assert_eq!(machine.next_deadline(), machine.heartbeat_at());
}

#[test]
fn a_leaving_member_beats_on_until_the_listener_has_returned() {
    let mut machine = stable(&[0]);

    assert_eq!(machine.leave(), (Callback::Revoked, partitions(&[0])));
    assert_eq!(machine.state(), &State::PrepareLeaving);
    assert_eq!(machine.heartbeat_at(), Some(NOW + INTERVAL));
    assert_eq!(machine.heartbeat(NOW + INTERVAL).beat, Beat::Stay(MemberEpoch(1)));
    machine.on_leave_prepared();

    assert_eq!(machine.state(), &State::Leaving(LeaveCause::Application));
    assert_eq!(machine.heartbeat_at(), Some(Time::ZERO), "though another is in flight");
    assert_eq!(machine.heartbeat(NOW).beat, Beat::Leave);
    assert_eq!(machine.state(), &State::Unsubscribed);
    assert!(machine.is_out());
}

#[test]
fn a_static_member_leaves_for_a_while() {
    let mut machine = joining(Some("i"));
    join(&mut machine, 1, &[0]);

    machine.leave();
    machine.on_leave_prepared();
    let request = machine.heartbeat(NOW);

    assert_eq!((request.beat, request.instance), (Beat::LeaveTemporarily, Some("i".into())));
}

#[test]
fn a_leaving_member_that_is_fenced_has_left() {
    let mut machine = stable(&[0]);
    machine.leave();

    assert_eq!(fail(&mut machine, ErrorCode::UnknownMemberId), Reaction::GoOn);
    machine.on_leave_prepared();

    assert_eq!(machine.state(), &State::Unsubscribed);
}

#[test]
fn who_is_out_of_the_group_leaves_without_a_word() {
    let mut machine = stable(&[0]);
    fail(&mut machine, ErrorCode::FencedMemberEpoch);

    assert_eq!(machine.leave(), (Callback::Lost, partitions(&[0])));
    machine.on_leave_prepared();

    assert_eq!((machine.state(), machine.heartbeat_at()), (&State::Unsubscribed, None));
    machine.on_poll();
    assert!(machine.is_out(), "there is no subscription any more");
}

#[test]
fn without_a_coordinator_the_last_heartbeat_is_skipped() {
    let mut machine = stable(&[0]);
    machine.leave();
    machine.on_leave_prepared();

    machine.on_heartbeat_skipped();

    assert_eq!(machine.state(), &State::Unsubscribed);
}

#[test]
fn an_answer_that_comes_too_late_changes_nothing() {
    let mut machine = stable(&[0]);
    machine.heartbeat(NOW + INTERVAL);
    machine.on_poll_left(NOW);
    machine.expire_poll(Time::MAX);
    machine.heartbeat(NOW);

    answer_only(&mut machine, 7, Some(&[5]));

    assert_eq!((machine.state(), machine.epoch()), (&State::Stale, None));
    assert_eq!(machine.reconciliation(), None);
}

fn member(instance: Option<&str>) -> Reconciler {
    let identity = Identity { group: "g".into(), member: "m".into(), client_id: "g-1".into() };
    let config = ConsumerConfig {
        instance: instance.map(InstanceId::from),
        remote_assignor: Some("range".into()),
        ..ConsumerConfig::default()
    };
    Reconciler::new(identity, &config, NOW)
}

fn joining(instance: Option<&str>) -> Reconciler {
    let mut machine = member(instance);
    machine.subscribe(vec![TopicId(2), TopicId(1)]);
    machine.on_poll();
    machine
}

/// Makes a member of epoch 1 whose first target is known.
fn joined(target: &[u16]) -> Reconciler {
    let mut machine = joining(None);
    join(&mut machine, 1, target);
    machine
}

/// Makes a member of epoch 1 that has acknowledged its target.
fn stable(target: &[u16]) -> Reconciler {
    let mut machine = joined(target);
    reconcile(&mut machine);
    machine
}

fn join(machine: &mut Reconciler, epoch: u32, target: &[u16]) {
    assert_eq!(machine.heartbeat(NOW).beat, Beat::Join);
    answer_only(machine, epoch, Some(target));
}

/// Reaches the target, acknowledges it and is answered.
fn reconcile(machine: &mut Reconciler) {
    machine.reconciliation().expect("there is a target");
    assert!(machine.on_revoked() && machine.on_reconciled());
    machine.heartbeat(NOW);
    answer_only(machine, 1, None);
    assert_eq!(machine.state(), &State::Stable);
}

/// Sends the heartbeat that is due and answers it.
fn answer(machine: &mut Reconciler, epoch: u32, target: Option<&[u16]>) {
    let at = machine.heartbeat_at().expect("a member beats");
    machine.heartbeat(at);
    answer_only(machine, epoch, target);
}

fn answer_only(machine: &mut Reconciler, epoch: u32, target: Option<&[u16]>) {
    let state = MemberState {
        member: "m".into(),
        beat: Beat::Stay(MemberEpoch(epoch)),
        heartbeat_interval: INTERVAL,
        assignment: target.map(partitions),
    };
    assert_eq!(machine.on_heartbeat(Ok(&state), NOW, &mut rng()), Reaction::GoOn);
}

/// Sends the heartbeat that is due and refuses it.
fn fail(machine: &mut Reconciler, error: ErrorCode) -> Reaction {
    let at = machine.heartbeat_at().expect("a member beats");
    machine.heartbeat(at);
    machine.on_heartbeat(Err(error), NOW, &mut rng())
}

fn check_full(request: &ConsumerHeartbeatRequest, owned: &[u16]) {
    assert_eq!(request.owned, Some(partitions(owned).to_vec()));
    assert!(request.topics.is_some() && request.rebalance_timeout.is_some());
}

fn partitions(numbers: &[u16]) -> Assignment {
    let partition = |&partition| TopicPartition { topic: TopicId(1), partition };
    numbers.iter().map(partition).collect()
}

fn rng() -> Rng {
    Rng::fork(1, "member")
}
