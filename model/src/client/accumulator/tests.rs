//! Tests of the accumulator.

use super::*;
use crate::ids::{LeaderEpoch, Uid};
use crate::time::Timestamp;

const BROKER: BrokerId = BrokerId(1);

#[test]
fn a_batch_leaves_when_it_is_full_old_or_urgent() {
    // records, pace, age, what `ready` says
    let cases = [
        (1, Pace::Linger, 4_999, Err(5_000)),
        (1, Pace::Linger, 5_000, Ok(())),
        (1, Pace::AtOnce, 0, Ok(())),
        (9, Pace::Linger, 0, Ok(())),
    ];

    for (records, pace, age, expected) in cases {
        let mut accumulator = accumulator(200, 10_000);
        fill(&mut accumulator, 0, 0..records);

        let readiness = accumulator.ready(pace, Time(age));

        let seen = match readiness.next_check {
            Some(at) => Err(at.0),
            None => Ok(()),
        };
        assert_eq!(seen, expected, "{records} records, {pace:?}, age {age}");
        assert_eq!(readiness.brokers.contains(BROKER), expected.is_ok());
    }
}

#[test]
fn a_partition_without_leader_has_no_deadline_and_asks_for_metadata() {
    let mut accumulator = accumulator(200, 10_000);
    fill(&mut accumulator, 0, 0..1);
    accumulator.learn_leaders(2, |_| None);

    let readiness = accumulator.ready(Pace::AtOnce, Time(9_000));

    assert!(readiness.lacks_leader);
    assert_eq!(readiness.next_check, None);
}

#[test]
fn a_ready_broker_takes_young_batches_of_its_other_partitions_along() {
    let mut accumulator = accumulator(200, 10_000);
    fill(&mut accumulator, 0, 0..9);
    fill(&mut accumulator, 1, 9..10);

    let drained = accumulator.drain(BROKER, Writer::Anonymous, Time(1));

    assert_eq!(drained, [0, 1]);
}

#[test]
fn drains_go_round_so_that_no_partition_starves() {
    let mut accumulator = accumulator(200, 10_000);
    accumulator.request_bytes_max = 100;
    for partition in 0..3 {
        fill(&mut accumulator, partition, 0..1);
    }

    // One batch fills a request: the next drain begins where this one had to stop.
    let mut order = Vec::new();
    for _ in 0..3 {
        order.extend(accumulator.drain(BROKER, Writer::Anonymous, Time(1)));
    }

    assert_eq!(order, [0, 1, 2]);
}

#[test]
fn a_batch_larger_than_a_request_still_leaves_alone() {
    let mut accumulator = accumulator(200, 10_000);
    accumulator.request_bytes_max = 10;
    fill(&mut accumulator, 0, 0..1);

    assert_eq!(accumulator.drain(BROKER, Writer::Anonymous, Time(1)), [0]);
}

#[test]
fn a_muted_partition_keeps_its_batches() {
    let mut accumulator = accumulator(200, 10_000);
    fill(&mut accumulator, 0, 0..9);
    accumulator.queue_mut(partition(0)).mute = Mute::On;

    assert!(accumulator.drain(BROKER, Writer::Anonymous, Time(1)).is_empty());
    assert!(accumulator.ready(Pace::AtOnce, Time(1)).brokers.is_empty());
}

#[test]
fn a_partition_that_may_not_number_stops_the_drain_for_its_broker() {
    let mut accumulator = accumulator(200, 10_000);
    fill(&mut accumulator, 0, 0..1);
    fill(&mut accumulator, 1, 1..2);
    accumulator.queue_mut(partition(0)).sequences.doubt(crate::ids::Sequence(3));
    let identity = Identity { id: crate::ids::ProducerId(1), epoch: crate::ids::ProducerEpoch(0) };

    let drained = accumulator.drain(BROKER, Writer::Numbered(Some(identity)), Time(1));

    assert!(drained.is_empty());
}

#[test]
fn memory_is_given_out_in_order_and_comes_back_with_the_outcome() {
    let mut accumulator = accumulator(200, 400);
    fill(&mut accumulator, 0, 0..1);
    let second = accumulator.append(partition(1), record(1), MemoryQueue::Occupied, Time(0));
    let third = accumulator.append(partition(1), record(1), MemoryQueue::Free, Time(0));
    let fourth = accumulator.append(partition(2), record(2), MemoryQueue::Free, Time(0));

    assert_eq!(second, Appended::OutOfMemory(record(1)));
    assert!(matches!(third, Appended::Yes { .. }));
    assert_eq!(fourth, Appended::OutOfMemory(record(2)));

    accumulator.drain(BROKER, Writer::Anonymous, Time(1));
    let batch = accumulator.land(partition(0), BatchId(0)).expect("it is in flight");
    accumulator.release(&batch);
    let fifth = accumulator.append(partition(2), record(2), MemoryQueue::Free, Time(0));
    assert!(matches!(fifth, Appended::Yes { .. }));
}

#[test]
fn everything_expires_by_the_age_of_its_batch_on_its_way_or_not() {
    let mut accumulator = accumulator(200, 10_000);
    fill(&mut accumulator, 0, 0..1);
    accumulator.drain(BROKER, Writer::Anonymous, Time(1));
    fill(&mut accumulator, 1, 1..2);
    let timeout = accumulator.delivery_timeout;
    assert_eq!(accumulator.next_expiry(), Some(Time::ZERO + timeout));

    assert!(accumulator.expire(Time(timeout.0 - 1)).is_empty());
    let expired = accumulator.expire(Time(timeout.0));

    let kinds: Vec<_> =
        expired.iter().map(|(tp, it)| (tp.partition, matches!(it, Expired::InFlight(_)))).collect();
    assert_eq!(kinds, [(0, true), (1, false)]);
    assert_eq!(accumulator.next_expiry(), None);
}

#[test]
fn without_numbers_a_retry_overtakes_what_was_sent_before_it() {
    let mut accumulator = accumulator(1, 10_000);
    fill(&mut accumulator, 0, 0..2);
    for now in [1, 2] {
        accumulator.drain(BROKER, Writer::Anonymous, Time(now));
    }

    for id in [0, 1] {
        let batch = accumulator.land(partition(0), BatchId(id)).expect("it is in flight");
        accumulator.requeue(partition(0), batch, Time(500));
    }

    let queue = accumulator.queue_mut(partition(0));
    let uids: Vec<_> = queue.waiting.iter().flat_map(ProducerBatch::uids).collect();
    assert_eq!(uids, [Uid(1), Uid(0)]);
    assert!(accumulator.ready(Pace::AtOnce, Time(499)).brokers.is_empty());
    assert_eq!(accumulator.ready(Pace::AtOnce, Time(499)).next_check, Some(Time(500)));
}

fn accumulator(batch_bytes: u32, buffer_bytes: u64) -> Accumulator {
    Accumulator::new(&ProducerConfig { batch_bytes, buffer_bytes, ..ProducerConfig::default() })
}

fn fill(accumulator: &mut Accumulator, index: u16, uids: std::ops::Range<u32>) {
    for uid in uids {
        let appended =
            accumulator.append(partition(index), record(uid), MemoryQueue::Free, Time::ZERO);
        assert!(matches!(appended, Appended::Yes { .. }));
    }
    let leader = CurrentLeader { leader: BROKER, epoch: LeaderEpoch(0) };
    accumulator.learn_leaders(1, |_| Some(leader));
}

fn partition(partition: u16) -> TopicPartition {
    TopicPartition { topic: TopicId(0), partition }
}

fn record(uid: u32) -> Record {
    let (key, headers) = (None, 0);
    Record { uid: Uid(uid), key, value: Some(30), headers, timestamp: Timestamp(0) }
}
