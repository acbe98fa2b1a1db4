//! What steps do to members, and to what they read.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{Fact, GroupError, GroupEvent, MemberEvent, ResetCause};
use model::ids::{ClientId, Offset, TopicId, TopicPartition};
use model::message::ErrorCode;
use model::time::{Duration, Time, Timestamp};

use super::protocols::{assert_sound, member, seconds, steady};
use super::story;
use super::{ORDERS, after, at, bare, step};
use crate::history::Event;
use crate::outcome::{Ended, Outcome};
use crate::plan::{Action, ClientRole, CommitOrder, GroupIndex, SeekTo, Shape, Start};
use crate::testing::{self, Protocol};

const LONE: ClientId = ClientId(1);

/// Nothing of a paused partition is handed over, the others go on, and nobody is expelled.
#[test]
fn pausing_a_partition_stops_it_and_nothing_else() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        let (who, what) = (vec![member(1)], vec![ORDERS]);
        plan.steps = vec![
            step(at(20_000), Action::PauseFetching(who.clone(), what.clone())),
            step(at(40_000), Action::ResumeFetching(who, what)),
        ];

        let outcome = bare(&plan);

        let (from, to) = (story::step(&outcome, 0), story::step(&outcome, 1));
        let worked: BTreeSet<TopicPartition> = story::work(&outcome)
            .filter(|(when, _)| from + seconds(1) <= *when && *when < to)
            .map(|(_, fact)| fact.partition)
            .collect();
        let notes: Vec<_> = story::members(&outcome)
            .filter(|(_, _, what)| matches!(what, MemberEvent::Paused(_) | MemberEvent::Resumed(_)))
            .map(|(when, _, what)| (when, what.clone()))
            .collect();
        assert_sound(&outcome, protocol);
        assert_eq!(worked, BTreeSet::from([partition(1), partition(2)]), "{protocol:?}");
        let expected = [
            (from, MemberEvent::Paused([ORDERS].into())),
            (to, MemberEvent::Resumed([ORDERS].into())),
        ];
        assert_eq!(notes, expected, "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_eq!(story::count(&outcome, has_left), 0, "{protocol:?}");
    }
}

#[test]
fn a_woken_member_polls_on_and_a_second_thread_is_told_off() {
    for protocol in Protocol::ALL {
        for (action, error) in [
            (Action::Wakeup(vec![member(1)]), GroupError::Wakeup),
            (Action::PollElsewhere(vec![member(1)]), GroupError::ConcurrentUse),
        ] {
            let mut plan = steady(1, protocol);
            plan.steps = vec![step(at(20_000), action)];

            let outcome = bare(&plan);

            let threw: Vec<_> = story::members(&outcome)
                .filter_map(|(when, _, what)| match what {
                    MemberEvent::Threw(error) => Some((when, *error)),
                    _ => None,
                })
                .collect();
            assert_eq!(threw, [(story::step(&outcome, 0), error)], "{protocol:?}");
            assert_sound(&outcome, protocol);
            assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?} {error:?}");
        }
    }
}

#[test]
fn seeking_back_repeats_exactly_what_lies_between() {
    for protocol in Protocol::ALL {
        for (to, first) in [(SeekTo::Beginning, 0), (SeekTo::Offset(Offset(5)), 5)] {
            let mut plan = steady(1, protocol);
            plan.steps = vec![step(at(30_000), Action::Seek(LONE, ORDERS, to))];

            let outcome = bare(&plan);

            let seek = story::step(&outcome, 0);
            let before = done_before(&outcome, seek);
            let expected = before.iter().filter(|place| place.0 == ORDERS && first <= place.1);
            let expected: BTreeSet<_> = expected.copied().collect();
            assert!(10 < expected.len());
            assert_eq!(story::repeated(&outcome), expected, "{protocol:?} {to:?}");
            assert_eq!(resets(&outcome), [(ORDERS, first)], "{protocol:?}");
            assert_sound(&outcome, protocol);
            let commits = story::commits(&outcome);
            let moved = commits.iter().filter(|(when, it)| seek < *when && it.0 == ORDERS);
            let lowest = moved.map(|(_, it)| it.1).min().expect("it commits on");
            let last = expected.last().expect("something is repeated").1;
            assert!(lowest <= last, "the commit moves back with the position: {protocol:?}");
        }
    }
}

#[test]
fn seeking_to_the_end_skips_the_backlog_of_that_partition() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        // Too slow for ten records a second.
        plan.groups[0].handling.takes = Shape::Fixed(Duration::from_millis(200));
        plan.settle = seconds(120);
        plan.steps = vec![step(at(40_000), Action::Seek(LONE, ORDERS, SeekTo::End))];

        let outcome = bare(&plan);

        let skipped: Vec<u64> = story::never_done(&outcome)
            .into_iter()
            .map(|(partition, offset)| {
                assert_eq!(partition, ORDERS, "{protocol:?}");
                offset
            })
            .collect();
        let [(_, to)] = resets(&outcome)[..] else { panic!("{:?}", resets(&outcome)) };
        let from = skipped.first().copied().expect("there was a backlog");
        assert!(5 < skipped.len(), "{protocol:?}");
        assert_eq!(skipped, (from..to).collect::<Vec<_>>(), "{protocol:?}");
    }
}

#[test]
fn seeking_by_time_goes_to_the_first_record_of_that_time_in_each_partition() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        let wanted = Timestamp(plan.wall_clock.0 + 15_000);
        plan.steps = vec![step(at(30_000), Action::SeekToTime(LONE, wanted))];

        let outcome = bare(&plan);

        let before = done_before(&outcome, story::step(&outcome, 0) + seconds(1));
        let firsts = first_offsets_since(&outcome, wanted);
        let expected: BTreeSet<_> =
            before.into_iter().filter(|(tp, offset)| firsts[tp] <= *offset).collect();
        let repeated = story::repeated(&outcome);
        assert_eq!(resets(&outcome).into_iter().collect::<BTreeMap<_, _>>(), firsts);
        assert!(100 < repeated.len(), "{protocol:?}");
        assert!(repeated.is_subset(&expected), "{protocol:?}");
        // One poll's worth may lie between the step and the seek.
        assert!(expected.len() - repeated.len() < 20, "{protocol:?}");
        assert_sound(&outcome, protocol);
    }
}

#[test]
fn an_operator_moves_the_offsets_of_an_empty_group_only() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        let order = CommitOrder {
            group: GroupIndex(0),
            member: None,
            offsets: vec![(ORDERS, SeekTo::Offset(Offset(3))), (partition(1), SeekTo::Beginning)],
        };
        plan.steps = vec![
            step(at(20_000), Action::CommitOffsets(order.clone())),
            step(at(22_000), Action::Leave(vec![member(1)])),
            step(at(30_000), Action::CommitOffsets(order)),
            step(at(32_000), Action::Join(vec![member(1)])),
        ];

        let outcome = bare(&plan);

        let (left, joined) = (story::step(&outcome, 1), story::step(&outcome, 3));
        let refused: Vec<_> = story::coordinators(&outcome)
            .filter_map(|(when, what)| match what {
                GroupEvent::CommitRefused { member: None, error, .. } => Some((when, *error)),
                _ => None,
            })
            .collect();
        assert_eq!(refused.len(), 1, "{protocol:?}");
        assert_eq!(refused[0].1, ErrorCode::UnknownMemberId, "{protocol:?}");
        assert!(refused[0].0 < left);
        let offsets = story::committed_by(&outcome, joined);
        assert_eq!((offsets[&ORDERS], offsets[&partition(1)]), (3, 0), "{protocol:?}");
        let before = done_before(&outcome, joined);
        let expected: BTreeSet<_> = before
            .into_iter()
            .filter(|(tp, offset)| *tp == partition(1) || *tp == ORDERS && 3 <= *offset)
            .collect();
        assert!(20 < expected.len());
        assert_eq!(story::repeated(&outcome), expected, "{protocol:?}");
        assert_sound(&outcome, protocol);
    }
}

/// A member may commit what it likes: its own position does not move by that.
#[test]
fn a_commit_on_behalf_of_a_member_shows_when_it_starts_again() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        // Committed by the step alone.
        plan.groups[0].handling.commit = crate::plan::CommitStyle::Never;
        let offsets = (0..3).map(|it| (partition(it), SeekTo::Offset(Offset(7)))).collect();
        let order = CommitOrder { group: GroupIndex(0), member: Some(LONE), offsets };
        plan.steps = vec![
            step(at(20_000), Action::CommitOffsets(order)),
            step(at(30_000), Action::Leave(vec![member(1)])),
            step(after(2_000), Action::Join(vec![member(1)])),
        ];

        let outcome = bare(&plan);

        let left = story::step(&outcome, 1);
        let before = done_before(&outcome, left + seconds(1));
        let expected = before.into_iter().filter(|(_, offset)| 7 <= *offset).collect();
        assert_eq!(outcome.ended, Ended::InTime);
        assert_eq!(story::never_done(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_eq!(story::repeated(&outcome), expected, "{protocol:?}");
        let written = story::commits(&outcome);
        assert_eq!(written.len(), 3, "{protocol:?}");
        assert!(written.iter().all(|(_, place)| place.1 == 7));
    }
}

#[test]
fn deleted_records_are_read_by_nobody_who_comes_later() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        if let ClientRole::Member(member) = &mut plan.clients[1].role {
            member.start = Start::ByStep;
        }
        plan.steps = vec![
            step(at(30_000), Action::DeleteRecords(ORDERS, Offset(40))),
            step(at(35_000), Action::Join(vec![member(1)])),
        ];

        let outcome = bare(&plan);

        let starts: BTreeSet<u64> = outcome
            .replicas
            .iter()
            .filter(|it| it.partition == ORDERS)
            .map(|it| it.start.0)
            .collect();
        let first = story::work(&outcome).find(|(_, fact)| fact.partition == ORDERS);
        assert_eq!(outcome.ended, Ended::InTime);
        assert_eq!(starts, BTreeSet::from([40]), "{protocol:?}");
        assert_eq!(first.expect("it reads").1.offset, Offset(40), "{protocol:?}");
        assert_eq!(story::never_done(&outcome), BTreeSet::new(), "{protocol:?}");
        let others = story::work(&outcome).find(|(_, fact)| fact.partition == partition(1));
        assert_eq!(others.expect("it reads").1.offset, Offset(0), "{protocol:?}");
    }
}

/// The position of whoever is behind is out of range, and the reset policy decides.
#[test]
fn deleted_records_move_the_position_of_a_member_that_is_behind() {
    for protocol in Protocol::ALL {
        let mut plan = steady(1, protocol);
        plan.steps = vec![
            step(at(10_000), Action::PauseFetching(vec![member(1)], vec![ORDERS])),
            step(at(30_000), Action::DeleteRecords(ORDERS, Offset(60))),
            step(at(35_000), Action::ResumeFetching(vec![member(1)], vec![ORDERS])),
        ];

        let outcome = bare(&plan);

        let moved: Vec<_> = outcome
            .history
            .iter()
            .filter_map(|entry| match &entry.event {
                Event::Fact(Fact::PositionReset { partition, to, cause, .. })
                    if *cause == ResetCause::OutOfRange =>
                {
                    Some((*partition, to.0))
                }
                _ => None,
            })
            .collect();
        assert_eq!(moved, [(ORDERS, 60)], "{protocol:?}");
        assert_eq!(outcome.ended, Ended::InTime);
        assert_eq!(story::never_done(&outcome), BTreeSet::new(), "{protocol:?}");
    }
}

#[test]
fn new_partitions_are_assigned_and_read_from_their_beginning() {
    for protocol in Protocol::ALL {
        let mut plan = steady(2, protocol);
        if let ClientRole::Producer(producer) = &mut plan.clients[0].role {
            producer.config.metadata_age_max = seconds(5);
        }
        for config in testing::member_configs(&mut plan) {
            config.metadata_age_max = seconds(5);
        }
        plan.steps = vec![step(at(20_000), Action::AddPartitions(TopicId(0), 6))];

        let outcome = bare(&plan);

        let added = story::step(&outcome, 0);
        let shares = |when| story::shares_at(&outcome, when);
        assert_eq!(shares(added).iter().sum::<usize>(), 3, "{protocol:?}");
        assert_eq!(shares(added + seconds(20)), [3, 3], "{protocol:?}");
        assert_eq!(story::owned_twice(&outcome), [], "{protocol:?}");
        assert_eq!(story::repeated(&outcome), BTreeSet::new(), "{protocol:?}");
        assert_sound(&outcome, protocol);
        for number in 3..6 {
            let offsets =
                story::done(&outcome).into_iter().filter(|it| it.2.0 == partition(number));
            let offsets: Vec<u64> = offsets.map(|it| it.2.1).collect();
            assert!(10 < offsets.len(), "{protocol:?}");
            assert_eq!(offsets, (0..offsets.len() as u64).collect::<Vec<_>>());
        }
    }
}

// -- Helpers --

fn partition(partition: u16) -> TopicPartition {
    TopicPartition { partition, ..ORDERS }
}

fn done_before(outcome: &Outcome, when: Time) -> BTreeSet<story::Place> {
    let before = story::done(outcome).into_iter().take_while(|(at, ..)| *at <= when);
    before.map(|(_, _, place)| place).collect()
}

/// Lists where positions were moved to by the application.
fn resets(outcome: &Outcome) -> Vec<(TopicPartition, u64)> {
    let resets = outcome.history.iter().filter_map(|entry| match &entry.event {
        Event::Fact(Fact::PositionReset { partition, to, cause, .. })
            if *cause == ResetCause::Seek =>
        {
            Some((*partition, to.0))
        }
        _ => None,
    });
    resets.collect()
}

/// Finds the first record of each partition that is not older than this.
fn first_offsets_since(outcome: &Outcome, since: Timestamp) -> BTreeMap<TopicPartition, u64> {
    let leaders = outcome.replicas.iter().filter(|it| it.leads && it.partition.topic.0 == 0);
    let first = |batches: &[std::sync::Arc<model::log::batch::Batch>]| {
        let records =
            batches.iter().flat_map(|batch| (batch.base_offset.0..).zip(batch.records.list()));
        let mut since = records.filter(|(_, record)| since <= record.timestamp);
        since.next().expect("there are records of that time").0
    };
    leaders.map(|leader| (leader.partition, first(&leader.batches))).collect()
}

fn has_left(what: &GroupEvent) -> bool {
    matches!(what, GroupEvent::MemberLeft { .. })
}
