//! Every claim about groups: a history in which it holds, one that breaks it, one in which
//! nothing could have broken it.

use model::fact::{
    AppendRole, EffectOutcome, Fact, GroupEvent, GroupPhase, LogStartCause, RemovalCause,
    ResetCause, WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{
    BrokerId, ClientId, Generation, Key, LeaderEpoch, Offset, TopicId, TopicPartition, Uid,
};
use model::log::batch::Record;
use model::time::{Duration, Time, Timestamp};

use crate::checkers::case::Place;
use crate::checkers::fixture::{
    History, PARTITION, assert_breaks, assert_holds, assert_untested, batch,
};
use crate::checkers::groups::Groups;
use crate::checkers::groups::fixture::{begin, begin_with, client, id, partitions};
use crate::history::Fault;
use crate::plan::{CommitStyle, Sink};
use crate::verdict::{Anomaly, Claim, Finding, MishapCause, MishapKind, Verdict};

#[test]
fn without_a_group_or_without_trouble_every_claim_is_untested() {
    let mut calm = begin(2);
    calm.found().done(1, &[0, 1]).commits(1, 1, 2).settle();
    let mut alone = History::new(model::message::data::Acks::All, &[1]);
    let claims = [
        Claim::OrderPerKey,
        Claim::NothingSkipped,
        Claim::NothingRepeated,
        Claim::OneOwnerPerPartition,
        Claim::CommitsMoveForward,
        Claim::EffectsOnce,
        Claim::GroupStabilises,
        Claim::GroupDrains,
    ];

    for claim in claims {
        assert_untested(&calm.verdict(claim));
        let reason = Verdict::Untested(crate::clause::ClauseKind::NoGroup.into());
        assert_eq!(alone.verdict(claim).verdict, reason);
    }
}

#[test]
fn a_group_that_commits_what_it_has_finished_skips_nothing_when_it_rebalances() {
    let mut history = begin(2);
    history.found().done(1, &[0]).commits(1, 1, 1).hand_over(1).done(2, &[1]).commits(2, 2, 2);

    for claim in [Claim::NothingSkipped, Claim::NothingRepeated, Claim::CommitsMoveForward] {
        assert_holds(&history.verdict(claim));
    }
    assert_holds(&history.verdict(Claim::OneOwnerPerPartition));
}

#[test]
fn what_was_committed_before_it_was_finished_is_skipped_after_a_crash() {
    let mut history = begin(3);
    history.found().commits(1, 1, 3).done(1, &[0]).reborn(1).fetched(1, Some(3));

    let finding = history.verdict(Claim::NothingSkipped);

    let because = "2 records were never processed by g: \
                   g-1 had committed beyond what was finished";
    assert_breaks(&finding, Anomaly::GroupLoss, 2, because);
    assert_seen(&finding, Anomaly::CommitBeyondProcessed, 1);
    let mishap = &history.judge().groups[0].mishaps[0];
    assert_eq!((mishap.kind, mishap.from, mishap.to), (MishapKind::Skipped, Offset(1), Offset(3)));
    assert_eq!(mishap.records, [Uid(1), Uid(2)]);
}

#[test]
fn a_new_group_that_begins_at_the_end_skips_what_was_there() {
    let mut history = begin(2);
    history.found().reset_to(1, (None, 2), ResetCause::NoPosition);

    let finding = history.verdict(Claim::NothingSkipped);

    let because = "2 records were never processed by g: the position of g-1 was reset";
    assert_breaks(&finding, Anomaly::GroupLoss, 2, because);
    assert_seen(&finding, Anomaly::OffsetResetSkip, 1);
}

#[test]
fn what_was_gone_before_a_group_began_or_was_deleted_is_not_skipped() {
    let mut history = begin(3);
    history.start_at(1, LogStartCause::RetentionTime).found();
    history.start_at(2, LogStartCause::DeleteRecords);
    history.reset_to(1, (None, 2), ResetCause::NoPosition).done(1, &[2]).commits(1, 1, 3);
    history.reborn(1);

    let judgement = history.judge();

    assert_holds(&finding_of(&judgement.findings, Claim::NothingSkipped));
    assert_eq!(judgement.fates, [crate::verdict::Fate::Delivered; 3]);
}

#[test]
fn a_replica_that_begins_at_its_leader_s_start_lacks_nothing() {
    let mut history = History::new(model::message::data::Acks::All, &[1, 2]);
    history.isr(&[1]).write(&[1], &batch(0, 0, &[0, 1])).start_at(2, LogStartCause::RetentionTime);
    let (broker, partition, cause) = (BrokerId(2), PARTITION, LogStartCause::Leader);
    let (from, to) = (Offset(0), Offset(2));
    history.fact(Fact::LogStartMoved { broker, partition, from, to, cause });
    history.isr(&[1, 2]).crash(1).fail_over(2, &[2]);

    let judgement = history.judge();

    for claim in [Claim::NoAcknowledgedLoss, Claim::NoCommittedLoss] {
        assert_holds(&finding_of(&judgement.findings, claim));
    }
    assert_eq!(judgement.fates, [crate::verdict::Fate::Delivered; 2]);
}

#[test]
fn logs_of_the_internal_topic_concern_nobody() {
    let mut history = begin(1);
    let partition = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition: 3 };
    let (batch, role, broker) = (batch(0, 0, &[7]), AppendRole::Leader, BrokerId(1));
    let mut other = history.clone();
    history.fact(Fact::Appended { broker, partition, batch, role });
    let fault = Fault::UnsyncedLost { broker, partition, from: Offset(1), to: Offset(0) };
    history.fault(fault);
    other.fact(Fact::BrokerUnfenced { broker }).fact(Fact::BrokerUnfenced { broker });

    assert_eq!(history.judge(), other.judge());
}

#[test]
fn what_retention_took_from_a_group_that_was_behind_is_skipped() {
    let mut history = begin(3);
    history.found().start_at(2, LogStartCause::RetentionBytes);
    history.reset_to(1, (Some(0), 2), ResetCause::OutOfRange);

    let finding = history.verdict(Claim::NothingSkipped);

    let because = "2 records were never processed by g: the position of g-1 was reset";
    assert_breaks(&finding, Anomaly::GroupLoss, 2, because);
}

#[test]
fn records_that_an_application_gave_up_on_are_skipped_and_parked_ones_are_not() {
    let mut history = begin(4);
    history.found();
    let outcomes =
        [WorkOutcome::Skipped, WorkOutcome::Shed, WorkOutcome::TakenForRepeat, WorkOutcome::Parked];
    for (record, outcome) in (0..).zip(outcomes) {
        history.work(1, record, WorkEvent::Began(0)).work(1, record, WorkEvent::Ended(outcome));
    }
    history.commits(1, 1, 4);

    let finding = history.verdict(Claim::NothingSkipped);

    let because = "1 record was never processed by g: g-1 gave up on them; \
                   1 record was never processed by g: g-1 shed them; \
                   1 record was never processed by g: g-1 took them for repeats";
    assert_breaks(&finding, Anomaly::GroupLoss, 3, because);
    assert_seen(&finding, Anomaly::Parked, 1);
    assert_seen(&finding, Anomaly::CommitBeyondProcessed, 0);
    assert_breaks(
        &history.verdict(Claim::EffectsOnce),
        Anomaly::EffectMissing,
        1,
        "1 record counts as done and has had no effect",
    );
}

#[test]
fn what_was_not_committed_before_the_partition_moved_is_repeated() {
    let mut history = begin(2);
    history.found().done(1, &[0, 1]).hand_over(0).done(2, &[0, 1]);

    let finding = history.verdict(Claim::NothingRepeated);

    let because = "2 records were processed again by g: \
                   the partition had moved to g-2 before they were committed";
    assert_breaks(&finding, Anomaly::GroupDup, 2, because);
    let because = "2 effects were one too many";
    assert_breaks(&history.verdict(Claim::EffectsOnce), Anomaly::EffectDup, 2, because);
}

#[test]
fn repeats_name_what_moved_the_position_back() {
    let mut restarted = begin(1);
    restarted.found().done(1, &[0]).reborn(1).fetched(1, Some(0)).done(1, &[0]);
    let mut reset = begin(1);
    reset.found().done(1, &[0]).reset_to(1, (Some(1), 0), ResetCause::OutOfRange).done(1, &[0]);
    let mut ordered = begin(1);
    ordered.found().done(1, &[0]).commits(1, 1, 1).orders(0).fetched(1, Some(0)).done(1, &[0]);
    let mut regressed = begin(1);
    regressed.found().done(1, &[0]).commits(1, 1, 1).commits(1, 1, 0).hand_over(0).done(2, &[0]);

    let expected = [
        (restarted, MishapCause::Restarted(client(1))),
        (reset.clone(), MishapCause::Reset(client(1), ResetCause::OutOfRange)),
        (ordered, MishapCause::Operator),
        (regressed, MishapCause::CommitMovedBack),
    ];
    for (mut history, cause) in expected {
        let judgement = history.judge();
        assert_eq!(judgement.groups[0].mishaps[0].cause, cause);
    }
    assert_seen(&reset.verdict(Claim::NothingRepeated), Anomaly::OffsetResetRewind, 1);
}

#[test]
fn a_sink_that_refuses_repeats_has_each_effect_once() {
    let mut history = begin_with(CommitStyle::After, Sink::UniqueKey, 1);
    history.found().done(1, &[0]).hand_over(0).work(2, 0, WorkEvent::Began(0));
    history.work(2, 0, WorkEvent::Effect(EffectOutcome::Refused));
    history.work(2, 0, WorkEvent::Ended(WorkOutcome::Done));

    assert_holds(&history.verdict(Claim::EffectsOnce));
}

#[test]
fn an_operator_may_move_offsets_back_and_a_member_may_not() {
    let mut ordered = begin(2);
    ordered.found().done(1, &[0, 1]).commits(1, 1, 2).orders(0);
    let mut moved = begin(2);
    moved.found().done(1, &[0, 1]).commits(1, 1, 2).commits(1, 1, 1);

    assert_holds(&ordered.verdict(Claim::CommitsMoveForward));
    let finding = moved.verdict(Claim::CommitsMoveForward);
    assert_breaks(&finding, Anomaly::CommitRegression, 1, "1 commit moved an offset back");
    assert_eq!(moved.first_violation(), Some(Claim::CommitsMoveForward));
}

#[test]
fn an_answer_from_before_a_commit_of_the_next_owner_lacks_nothing() {
    let mut history = begin(1);
    history.found().hand_over(0).done(2, &[0]).commits(2, 2, 1).commits(2, 3, 1);
    history.fetched(1, None).fetched(2, Some(1));
    let mut lost = begin(1);
    lost.found().done(1, &[0]).commits(1, 1, 1).hand_over(0);

    assert_holds(&history.verdict(Claim::CommitsMoveForward));
    let because = "1 commit was acknowledged and is not there afterwards";
    let finding = lost.verdict(Claim::CommitsMoveForward);
    assert_breaks(&finding, Anomaly::CommitLost, 1, because);
}

#[test]
fn an_acknowledged_commit_that_the_next_coordinator_lacks_is_lost() {
    let mut history = begin(1);
    let loaded = GroupEvent::Loaded {
        phase: GroupPhase::Stable,
        generation: Generation(1),
        members: [id(1)].into(),
        offsets: [].into(),
    };
    history.found().done(1, &[0]).commits(1, 1, 1);
    history.coordinate(GroupEvent::Resigned).coordinate(loaded);
    let mut expired = begin(1);
    let (partitions, cause) = ([PARTITION].into(), RemovalCause::Expired);
    expired.found().done(1, &[0]).commits(1, 1, 1);
    expired.coordinate(GroupEvent::OffsetsRemoved { partitions, cause }).fetched(1, None);

    for history in [&mut history, &mut expired] {
        let because = "1 commit was acknowledged and is not there afterwards";
        let finding = history.verdict(Claim::CommitsMoveForward);
        assert_breaks(&finding, Anomaly::CommitLost, 1, because);
    }
}

#[test]
fn a_commit_of_a_member_that_no_longer_owns_the_partition_is_a_zombie_s() {
    let mut history = begin(2);
    history.found().done(1, &[0]).hand_over(0).commits(1, 2, 1);

    let because = "1 commit came from a member that no longer owned the partition";
    let finding = history.verdict(Claim::CommitsMoveForward);
    assert_breaks(&finding, Anomaly::ZombieCommit, 1, because);
}

#[test]
fn one_partition_for_two_members_of_a_generation_is_one_owner_too_many() {
    let because = "1 partition was given to a second member in the same generation";
    let mut classic = begin(1);
    classic.found().join(2).assign(2, &[(1, &[0]), (2, &[0])]);
    let mut modern = begin(1);
    let epoch = Generation(2);
    let holds = |member, assigned: &[u16], revoking: &[u16]| GroupEvent::Holds {
        member: id(member),
        epoch,
        assigned: partitions(assigned),
        revoking: partitions(revoking),
    };
    modern.found().coordinate(holds(1, &[], &[0])).coordinate(holds(2, &[0], &[]));

    let mut early = begin(1);
    early.found().seat(1, 2).owns(1, &[0]).seat(2, 2).owns(2, &[0]);

    for history in [&mut classic, &mut modern, &mut early] {
        let finding = history.verdict(Claim::OneOwnerPerPartition);
        assert_breaks(&finding, Anomaly::DoubleOwner, 1, because);
        assert_eq!(history.first_violation(), Some(Claim::OneOwnerPerPartition));
    }
}

#[test]
fn a_partition_that_was_given_back_or_whose_owner_is_gone_may_have_another_owner() {
    let mut given_back = begin(1);
    given_back.found().seat(1, 2).owns(1, &[0]).owns(1, &[]).seat(2, 2).owns(2, &[0]);
    let mut zombie = begin(1);
    zombie.found().seat(1, 1).owns(1, &[0]).seat(2, 2).owns(2, &[0]);
    let mut replaced = begin(1);
    let (instance, old, new) = ("g-1".into(), id(1), id(2));
    replaced.found().seat(1, 2).owns(1, &[0]);
    replaced.coordinate(GroupEvent::MemberReplaced { instance, old, new });
    replaced.seat(2, 2).owns(2, &[0]);

    for history in [&mut given_back, &mut zombie, &mut replaced] {
        history.hand_over(0);
        let finding = history.verdict(Claim::OneOwnerPerPartition);
        assert_holds(&finding);
    }
}

#[test]
fn a_zombie_that_works_beside_the_new_owner_is_seen_once() {
    let mut history = begin(3);
    history.found().work(1, 0, WorkEvent::Began(0)).hand_over(0).done(2, &[0, 1, 2]);

    let finding = history.verdict(Claim::OneOwnerPerPartition);

    assert_holds(&finding);
    assert_seen(&finding, Anomaly::ZombieOverlap, 1);
}

#[test]
fn reads_out_of_line_and_reads_of_others_partitions_are_seen() {
    let mut history = begin(1);
    let batch = batch(0, 0, &[0]);
    let (from, to, high_watermark) = (Offset(0), Offset(1), Offset(1));
    history.found();
    for reader in [1, 1, 2] {
        let (client, partition, batch) = (client(reader), PARTITION, batch.clone());
        history.fact(Fact::Polled { client, partition, batch, from, to, high_watermark });
    }

    let finding = history.verdict(Claim::OneOwnerPerPartition);

    assert_seen(&finding, Anomaly::PollPosition, 1);
    assert_seen(&finding, Anomaly::ConsumedUnassigned, 1);
}

#[test]
fn uneven_assignments_and_waiting_records_are_seen() {
    let mut history = begin(2);
    history.found().commit(1, 2).join(2);
    history.phase(GroupPhase::Stable, GroupPhase::PreparingRebalance, 1);
    history.assign(2, &[(1, &[0, 1]), (2, &[])]);
    history.phase(GroupPhase::CompletingRebalance, GroupPhase::Stable, 2);
    history.wait(61).done(1, &[0]).settle();

    let owners = history.verdict(Claim::OneOwnerPerPartition);

    assert_seen(&owners, Anomaly::IdleMember, 1);
    assert_seen(&owners, Anomaly::AssignmentSkew, 1);
    assert_seen(&owners, Anomaly::OrphanPartition, 1);
    let drains = history.verdict(Claim::GroupDrains);
    let because = "2 records are still before g at the end";
    assert_breaks(&drains, Anomaly::StalledConsumer, 2, because);
}

#[test]
fn records_of_a_key_that_were_finished_against_their_order_break_it() {
    let mut history =
        History::new(model::message::data::Acks::All, &[1]).group(CommitStyle::After, Sink::Append);
    for uid in [0, 1] {
        let key: Option<Key> = Some([1].into());
        let (uid, timestamp) = (Uid(uid), Timestamp(0));
        let record = Record { uid, key, value: Some(1), headers: 0, timestamp };
        let (client, topic) = (model::ids::ClientId(0), TopicId(0));
        history.fact(Fact::SendCalled { client, topic, record });
    }
    let mut kept = history.clone();
    kept.found().done(1, &[0]).hand_over(1).done(2, &[1]);
    history.found().done(1, &[1, 0]);

    assert_holds(&kept.verdict(Claim::OrderPerKey));
    let because = "1 record was finished after one of the same key that was sent later";
    let finding = history.verdict(Claim::OrderPerKey);
    assert_breaks(&finding, Anomaly::KeyOrder, 1, because);
}

#[test]
fn a_key_in_two_partitions_is_seen() {
    let mut history =
        History::new(model::message::data::Acks::All, &[1]).group(CommitStyle::After, Sink::Append);
    for uid in [0, 1] {
        let key: Option<Key> = Some([1].into());
        let (uid, timestamp) = (Uid(uid), Timestamp(0));
        let record = Record { uid, key, value: Some(1), headers: 0, timestamp };
        let (client, topic) = (model::ids::ClientId(0), TopicId(0));
        history.fact(Fact::SendCalled { client, topic, record });
        let (client, offset) = (crate::checkers::groups::fixture::client(1), Offset(0));
        let partition = partitions(&[uid.0 as u16])[0];
        let what = WorkEvent::Began(0);
        history.fact(Fact::Work(model::fact::WorkFact { client, partition, offset, uid, what }));
    }

    assert_seen(&history.verdict(Claim::OrderPerKey), Anomaly::KeySplit, 1);
}

#[test]
fn a_group_that_is_stable_and_has_read_all_after_a_fault_is_settled() {
    let mut history = begin(1);
    history.found().done(1, &[0]).reborn(1).settle().commits(1, 1, 1);

    let judgement = history.judge();

    assert_holds(&finding_of(&judgement.findings, Claim::GroupStabilises));
    assert_holds(&finding_of(&judgement.findings, Claim::GroupDrains));
    let (stable, drained) = judgement.groups_settled[0];
    assert!(stable < drained, "{stable:?} {drained:?}");
}

#[test]
fn a_group_that_stays_in_a_rebalance_is_stuck() {
    let mut history = begin(1);
    history.found().reborn(1).phase(GroupPhase::Stable, GroupPhase::PreparingRebalance, 1);
    history.settle().wait(61);

    let judgement = history.judge();

    let because = "g is in PreparingRebalance at the end";
    let finding = finding_of(&judgement.findings, Claim::GroupStabilises);
    assert_breaks(&finding, Anomaly::StuckRebalance, 2, because);
    assert_eq!(judgement.groups_settled[0].0, None);
}

#[test]
fn what_waits_in_the_queue_of_a_process_that_lives_is_not_skipped() {
    for (dies, holds) in [(false, true), (true, false)] {
        let mut history = begin(2);
        let batch = batch(0, 0, &[0, 1]);
        let (from, to, high_watermark) = (Offset(0), Offset(2), Offset(2));
        let (client, partition) = (client(1), PARTITION);
        history.found();
        history.fact(Fact::Polled { client, partition, batch, from, to, high_watermark });
        history.done(1, &[0]).commits(1, 1, 2);
        if dies {
            history.reborn(1);
        }

        let finding = history.settle().verdict(Claim::NothingSkipped);

        match holds {
            true => assert_holds(&finding),
            false => assert_seen(&finding, Anomaly::GroupLoss, 1),
        }
        assert_seen(&finding, Anomaly::CommitBeyondProcessed, 1);
    }
}

#[test]
fn a_rebalance_that_died_with_its_coordinator_is_over() {
    // A plan without brokers has one partition of it.
    let partition = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition: 0 };
    let leads = |broker, epoch| {
        let (end, high_watermark) = (Offset::ZERO, Offset::ZERO);
        let (broker, epoch) = (BrokerId(broker), LeaderEpoch(epoch));
        Fact::BecameLeader { broker, partition, epoch, end, high_watermark }
    };
    let mut history = begin(1);
    history.fact(leads(1, 0)).found();
    history.phase(GroupPhase::Stable, GroupPhase::PreparingRebalance, 1);
    history.reborn(1).fact(leads(2, 1)).settle().wait(61);

    assert_untested(&history.verdict(Claim::GroupStabilises));
}

#[test]
fn a_group_that_everybody_has_left_is_untested() {
    let mut history = begin(1);
    history.found().phase(GroupPhase::Stable, GroupPhase::Empty, 2).reborn(1).settle();

    for claim in [Claim::GroupStabilises, Claim::GroupDrains] {
        assert_untested(&history.verdict(claim));
    }
}

#[test]
fn four_rebalances_within_a_minute_are_a_storm_and_a_thousand_records_a_backlog() {
    let mut history = begin(1_200);
    history.found();
    for generation in 1..4 {
        history.phase(GroupPhase::Stable, GroupPhase::PreparingRebalance, generation);
        history.phase(GroupPhase::CompletingRebalance, GroupPhase::Stable, generation + 1);
    }
    history.settle();

    assert_seen(&history.verdict(Claim::GroupStabilises), Anomaly::RebalanceStorm, 1);
    assert_seen(&history.verdict(Claim::GroupDrains), Anomaly::Backlog, 1);
    assert_eq!(history.judge().groups[0].lag_max.0, 1_200);
}

#[test]
fn a_rebalance_tells_what_moved_and_stood_still() {
    let mut history = begin(1);
    history.found().hand_over(0);

    let rebalances = history.judge().groups.remove(0).rebalances;

    let moved = &rebalances[1];
    assert_eq!((moved.moved, moved.stopped), (1, 1));
    assert_eq!(moved.generation, Generation(2));
    assert!(Duration::ZERO < moved.stopped_for && moved.ended > Some(Time::ZERO));
    assert_eq!(history.judge().groups[0].owners, [(client(2), 1)]);
}

fn assert_seen(finding: &Finding, anomaly: Anomaly, count: u64) {
    assert_eq!(finding.anomalies.get(&anomaly).copied().unwrap_or(0), count, "{finding:?}");
}

fn finding_of(findings: &[Finding], claim: Claim) -> Finding {
    let finding = findings.iter().find(|it| it.claim == claim);
    finding.cloned().expect("there is a finding per claim")
}

impl History {
    fn start_at(&mut self, to: u64, cause: LogStartCause) -> &mut History {
        let (broker, partition) = (BrokerId(1), PARTITION);
        let (from, to) = (Offset(0), Offset(to));
        self.fact(Fact::LogStartMoved { broker, partition, from, to, cause })
    }
}

#[test]
fn whoever_is_not_told_of_work_would_not_listen() {
    let mut plan = crate::testing::plan(3);
    crate::testing::add_group(&mut plan, "g", 2, Duration::from_millis(1));
    let mut short = Groups::new(&plan);
    let mut long = short.clone();
    let events = [
        WorkEvent::Began(0),
        WorkEvent::Effect(EffectOutcome::Applied),
        WorkEvent::Ended(WorkOutcome::Done),
    ];

    for (entry, what) in events.into_iter().enumerate() {
        let (client, partition) = (ClientId(2), TopicPartition::default());
        let (offset, uid) = (Offset(0), Uid(0));
        let fact = WorkFact { client, partition, offset, uid, what };
        let place = Place { entry, at: Time(entry as u64) };
        short.on_work(&fact, place);
        long.on_work(&fact, place);
        long.tell_all(&Fact::Work(fact), place);
    }

    assert_ne!(short, Groups::new(&plan));
    assert_eq!(short, long);
}
