use super::*;
use crate::chance::Rng;
use crate::client::consumer::pair::{A, Ailment, B, Pair, Truth, fetched};
use crate::config::OffsetReset;
use crate::fact::{ConsumerError, Fact};
use crate::ids::LeaderEpoch;
use crate::message::ErrorCode;
use crate::message::data::{CurrentLeader, Isolation};
use crate::turn::Effect;

#[test]
fn the_first_poll_resets_fetches_and_returns_records_at_the_first_event() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.append(A, 1, 3);

    pair.poll(1_000);

    assert_eq!(pair.returned, [3]);
    assert_eq!(pair.handed_over(), [(A, 0, 3)]);
    assert_eq!(pair.resets(), [(A, None, 0, ResetCause::NoPosition)]);
    assert_eq!(pair.consumer.position(A), Some(Offset(3)));
}

#[test]
fn latest_begins_at_the_end() {
    let mut pair = Pair::new(&[A], OffsetReset::Latest);
    pair.append(A, 1, 3);

    pair.poll(1_000);
    assert_eq!(pair.returned, [], "nothing to read yet");
    pair.append(A, 1, 2);
    pair.answer_fetches();

    assert_eq!(pair.returned, [2]);
    assert_eq!(pair.handed_over(), [(A, 3, 5)]);
}

#[test]
fn without_a_reset_policy_a_missing_position_is_an_error() {
    let mut pair = Pair::new(&[A], OffsetReset::None);

    pair.poll(1_000);

    assert_eq!(pair.returned, [0]);
    assert_eq!(pair.failures(), [(A, ConsumerError::NoOffset)]);
    pair.poll(1_000);
    pair.wait();
    assert_eq!(pair.returned, [0, 0]);
    assert_eq!(pair.failures().len(), 1, "it throws once");
    assert_eq!(pair.stage.now, Time::ZERO + Duration::from_secs(1));
}

#[test]
fn seeking_helps_a_failed_partition() {
    let mut pair = Pair::new(&[A], OffsetReset::None);
    pair.append(A, 1, 3);
    pair.poll(0);

    pair.consumer.seek(A, Offset(1), &mut pair.stage.turn()).expect("it is assigned");
    pair.poll(1_000);

    assert_eq!(pair.handed_over(), [(A, 1, 3)]);
    assert_eq!(pair.resets(), [(A, None, 1, ResetCause::Seek)]);
}

#[test]
fn polling_with_neither_subscription_nor_assignment_throws() {
    let mut pair = Pair::new(&[], OffsetReset::Earliest);

    pair.poll(1_000);

    assert_eq!(pair.threw(), [GroupError::IllegalState]);
    assert_eq!(pair.consumer.activity, Activity::Idle);
}

#[test]
fn seeking_in_a_partition_of_somebody_else_s_throws_and_moves_nothing() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.append(A, 1, 3);
    pair.poll(1_000);

    let sought = pair.consumer.seek(B, Offset(1), &mut pair.stage.turn());
    let to_end = pair.consumer.seek_to_end(&[A, B], &mut pair.stage.turn());
    pair.serve();

    assert_eq!((sought, to_end), (Err(NotAssigned(B)), Err(NotAssigned(B))));
    assert_eq!(pair.threw(), [GroupError::IllegalState; 2]);
    assert_eq!(pair.consumer.position(A), Some(Offset(3)));
}

#[test]
fn leftovers_are_returned_by_the_next_poll_in_the_same_turn() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.consumer.poll_records_max = 2;
    pair.append(A, 1, 3);
    pair.append(A, 1, 2);

    for _ in 0..3 {
        pair.poll(1_000);
    }

    assert_eq!(pair.returned, [2, 2, 1]);
    // The fourth record lies in the second batch: one fact per batch.
    assert_eq!(pair.handed_over(), [(A, 0, 2), (A, 2, 3), (A, 3, 4), (A, 4, 5)]);
}

#[test]
fn the_next_fetch_leaves_before_the_records_are_returned() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.append(A, 1, 3);
    pair.poll(1_000);

    let fetches = pair.waiting_fetches();

    assert_eq!(fetches.len(), 1);
    assert_eq!(fetches[0].partitions[0].offset, Offset(3));
    assert_eq!(pair.consumer.activity, Activity::Idle);
}

#[test]
fn a_fetch_carries_the_settings() {
    let config = ConsumerConfig {
        isolation: Isolation::ReadCommitted,
        fetch_bytes_min: 7,
        offset_reset: OffsetReset::Earliest,
        ..ConsumerConfig::default()
    };
    let mut pair = Pair::with(&[A, B], config);
    pair.poll(1_000);

    let fetches = pair.waiting_fetches();

    assert_eq!(fetches.len(), 1, "one request for all partitions of a broker");
    assert_eq!(fetches[0].isolation, Isolation::ReadCommitted);
    assert_eq!((fetches[0].bytes_min, fetches[0].bytes_max), (7, 52_428_800));
    assert_eq!(fetches[0].wait_max, Duration::from_millis(500));
    assert_eq!(fetches[0].partitions.iter().map(|p| p.partition).collect::<Vec<_>>(), [A, B]);
    assert_eq!(fetches[0].partitions[0].current_leader_epoch, Some(LeaderEpoch(1)));
    assert_eq!(fetches[0].partitions[0].bytes_max, 1_048_576);
}

#[test]
fn the_partition_served_last_is_fetched_last() {
    let mut pair = Pair::new(&[A, B], OffsetReset::Earliest);
    pair.append(A, 1, 1);
    pair.poll(1_000);
    pair.poll(1_000);

    pair.answer_fetches();

    let order: Vec<_> = pair.consumer.positions.assigned().collect();
    assert_eq!(order, [B, A]);
}

#[test]
fn poll_returns_empty_when_its_time_is_over() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.poll(200);
    assert_eq!(pair.returned, []);

    pair.wait();

    assert_eq!(pair.returned, [0]);
    assert_eq!(pair.stage.now, Time::ZERO + Duration::from_millis(200));
}

#[test]
fn answers_between_polls_are_kept() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.poll(0);
    pair.append(A, 1, 3);
    pair.poll(0);
    pair.answer_fetches();
    let before = pair.returned.len();

    pair.poll(0);

    assert_eq!(pair.returned[before..], [3]);
}

#[test]
fn out_of_range_resets_by_policy() {
    let mut pair = reading(OffsetReset::Earliest);
    pair.out_of_range();

    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 0, ResetCause::OutOfRange)));
}

#[test]
fn out_of_range_is_an_error_without_a_policy() {
    let mut pair = reading(OffsetReset::None);
    pair.out_of_range();

    assert_eq!(pair.failures().last(), Some(&(A, ConsumerError::OutOfRange)));
    assert_eq!(pair.consumer.position(A), None);
}

#[test]
fn out_of_range_is_ignored_once_the_position_has_moved() {
    let mut pair = reading(OffsetReset::Earliest);
    let fetch = pair.pending.remove(0);
    pair.consumer.seek(A, Offset(1), &mut pair.stage.turn()).expect("it is assigned");
    pair.poll(1_000);

    pair.answer(&fetch, fetched(A, ErrorCode::OffsetOutOfRange, vec![]));
    pair.answer_fetches();

    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 1, ResetCause::Seek)));
    assert_eq!(pair.handed_over().last(), Some(&(A, 1, 3)));
}

#[test]
fn a_new_leader_with_the_same_log_is_read_on_after_validation() {
    let mut pair = reading(OffsetReset::Earliest);

    pair.elect(2, 3);
    pair.append(A, 2, 2);
    pair.poll(1_000);
    pair.answer_fetches();

    assert_eq!(pair.validated, [(A, LeaderEpoch(1))]);
    assert_eq!(pair.handed_over().last(), Some(&(A, 3, 5)));
}

#[test]
fn a_truncated_log_moves_the_position_back_silently() {
    let mut pair = reading(OffsetReset::Latest);

    pair.elect(2, 1);
    pair.append(A, 2, 1);
    pair.poll(1_000);
    pair.answer_fetches();

    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 1, ResetCause::Truncation)));
    assert_eq!(pair.handed_over().last(), Some(&(A, 1, 2)));
    assert_eq!(pair.failures(), []);
}

#[test]
fn a_truncated_log_is_an_error_without_a_policy() {
    let mut pair = reading(OffsetReset::None);

    pair.elect(2, 1);
    pair.poll(1_000);

    let error = ConsumerError::LogTruncation(Some(Offset(1)));
    assert_eq!(pair.failures().last(), Some(&(A, error)));
}

#[test]
fn an_epoch_that_the_leader_does_not_know_resets_by_policy() {
    let mut pair = reading(OffsetReset::Earliest);

    pair.elect(2, 0);
    pair.poll(1_000);

    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 0, ResetCause::Truncation)));
}

#[test]
fn a_leader_that_an_error_names_is_fetched_from_at_once() {
    let mut pair = reading(OffsetReset::Earliest);
    pair.poll(1_000);
    let fetch = pair.pending.remove(0);
    pair.truth.insert(A, Truth { epoch: 2, leader: 2, ..pair.truth[&A].clone() });

    let mut reply = fetched(A, ErrorCode::NotLeaderOrFollower, vec![]);
    reply.partitions[0].current_leader =
        Some(CurrentLeader { leader: BrokerId(2), epoch: LeaderEpoch(2) });
    pair.answer(&fetch, reply);

    assert_eq!(pair.validated, [(A, LeaderEpoch(1))]);
    let fetch = pair.pending.last().expect("it is fetched on");
    assert_eq!(fetch.broker(), BrokerId(2));
}

#[test]
fn stale_leaders_are_asked_until_metadata_tells_better() {
    let mut pair = reading(OffsetReset::Earliest);
    pair.poll(1_000);
    let fetch = pair.pending.remove(0);

    pair.answer(&fetch, fetched(A, ErrorCode::FencedLeaderEpoch, vec![]));

    assert_eq!(pair.pending.len(), 1, "fetched again");
    let due = pair.consumer.link.metadata().due_at().expect("an update is due");
    assert!(due - pair.stage.now <= Duration::from_millis(120));
}

#[test]
fn a_lost_connection_is_fetched_over_again() {
    let mut pair = reading(OffsetReset::Earliest);
    pair.poll(10_000);
    let fetch = pair.pending.remove(0);

    let turn = &mut pair.stage.turn();
    pair.consumer.on_connection(fetch.connection, ConnectionEvent::Closed, turn);
    pair.serve();
    pair.append(A, 1, 1);
    pair.wake();
    pair.answer_fetches();

    assert_eq!(pair.handed_over().last(), Some(&(A, 3, 4)));
}

#[test]
fn a_failed_listing_is_tried_again_after_the_back_off() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.append(A, 1, 1);
    pair.listing_error = ErrorCode::LeaderNotAvailable;
    pair.poll(1_000);
    assert_eq!(pair.consumer.position(A), None);

    pair.listing_error = ErrorCode::None;
    pair.wake();
    pair.wake();
    pair.answer_fetches();

    assert_eq!(pair.handed_over(), [(A, 0, 1)]);
    assert!(Duration::from_millis(80) <= pair.stage.now - Time::ZERO, "{}", pair.stage.now);
}

#[test]
fn seeking_to_an_end_is_lazy() {
    let mut pair = reading(OffsetReset::None);

    pair.consumer.seek_to_beginning(&[], &mut pair.stage.turn()).expect("all are assigned");
    assert_eq!(pair.consumer.position(A), None);
    pair.poll(0);

    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 0, ResetCause::Seek)));
    pair.consumer.seek(A, Offset(3), &mut pair.stage.turn()).expect("it is assigned");
    pair.consumer.seek_to_end(&[A], &mut pair.stage.turn()).expect("it is assigned");
    pair.poll(0);
    assert_eq!(pair.resets().last(), Some(&(A, Some(3), 3, ResetCause::Seek)));
}

#[test]
fn seeking_in_a_partition_that_is_not_assigned_throws_and_changes_nothing() {
    let mut pair = Pair::new(&[A], OffsetReset::Earliest);
    pair.append(A, 1, 3);
    pair.append(B, 1, 3);

    let refused = [
        pair.consumer.seek(B, Offset(1), &mut pair.stage.turn()),
        pair.consumer.seek_to_beginning(&[B], &mut pair.stage.turn()),
        pair.consumer.seek_to_end(&[B, A], &mut pair.stage.turn()),
    ];
    pair.poll(1_000);

    assert_eq!(refused, [Err(NotAssigned(B)); 3]);
    let threw = Fact::Member(MemberFact {
        client: ClientId(1),
        what: MemberEvent::Threw(GroupError::IllegalState),
    });
    assert_eq!(pair.facts.iter().filter(|fact| **fact == threw).count(), 3);
    assert_eq!(pair.handed_over(), [(A, 0, 3)]);
}

#[test]
fn a_closed_consumer_sleeps() {
    let mut pair = reading(OffsetReset::Earliest);

    pair.consumer.close(&mut pair.stage.turn());

    let effects = pair.stage.effects();
    assert_eq!(effects.last(), Some(&Effect::Return(Returned::Closed)));
    assert!(matches!(effects[0], Effect::Close(_)));
    assert_eq!(pair.consumer.next_deadline(), None);
}

#[test]
fn whatever_happens_records_are_read_once_and_in_order() {
    let mut timeouts = 0;
    for seed in 0..200 {
        let mut pair = Pair::new(&[A, B], OffsetReset::Earliest);
        let mut rng = Rng::fork(seed, "churn");

        for _ in 0..300 {
            disturb(&mut pair, &mut rng);
        }
        pair.ailment = Ailment::Healthy;
        for _ in 0..100 {
            pair.wait();
            pair.poll(1_000);
            pair.expire_fetches();
        }

        for tp in [A, B] {
            let mut read = Offset::ZERO;
            for (_, from, to) in pair.handed_over().into_iter().filter(|(of, ..)| *of == tp) {
                assert_eq!(from, read.0, "seed {seed}");
                read = Offset(to);
            }
            assert_eq!(read, pair.truth[&tp].end(), "seed {seed}");
        }
        assert_eq!(pair.failures(), [], "seed {seed}");
        let is_timeout = |fact: &&Fact| matches!(fact, Fact::RequestTimedOut { .. });
        timeouts += pair.facts.iter().filter(is_timeout).count();
    }
    assert!(0 < timeouts, "the brokers were never silent for long enough");
}

/// Lets one thing happen to the consumer that a healthy or an ailing cluster may do.
fn disturb(pair: &mut Pair, rng: &mut Rng) {
    let tp = [A, B][rng.below(2) as usize];
    match rng.below(9) {
        0 => pair.append(tp, pair.truth[&tp].epoch, 1 + rng.below(5) as u32),
        1 => {
            let truth = pair.truth.get_mut(&tp).expect("a partition");
            (truth.leader, truth.epoch) = (1 + rng.below(2) as u8, truth.epoch + 1);
        }
        2 if !pair.pending.is_empty() => {
            let lost = pair.pending.remove(0);
            pair.close(lost.connection);
        }
        3 if pair.consumer.activity == Activity::Idle => pair.poll(rng.below(300)),
        4 => pair.wake(),
        5 => pair.expire_fetches(),
        6 => {
            let broker = 1 + rng.below(2) as u8;
            let ailments = [Ailment::Healthy, Ailment::Refuses(broker), Ailment::Silent(broker)];
            pair.ailment = ailments[rng.below(3) as usize];
        }
        _ => pair.answer_fetches(),
    }
}

/// A consumer that has read three records of epoch 1 and fetches on.
fn reading(policy: OffsetReset) -> Pair {
    let mut pair = Pair::new(&[A], policy);
    pair.append(A, 1, 3);
    pair.consumer.seek(A, Offset(0), &mut pair.stage.turn()).expect("it is assigned");
    pair.poll(1_000);
    assert_eq!(pair.returned, [3]);
    pair
}
