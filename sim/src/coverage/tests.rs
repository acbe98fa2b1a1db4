//! What counts as another state, and what does not.

use model::fact::{AppendRole, ChangeCause, Fact};
use model::ids::{BrokerId, LeaderEpoch, NodeId, Offset, PartitionEpoch, ReplicaSet};
use model::message::data::Acks;

use super::*;
use crate::checkers::fixture::{PARTITION, batch};

fn set(brokers: &[u8]) -> ReplicaSet {
    brokers.iter().copied().map(BrokerId).collect()
}

/// A counter of one partition on brokers 1 and 2, led by 1.
fn counter() -> Counter {
    let mut counter = Counter::new(&crate::testing::plan(2));
    let replicas = vec![vec![BrokerId(1), BrokerId(2)]].into();
    counter.on_fact(&Fact::TopicCreated { topic: TopicId(0), replicas });
    elect(&mut counter, 1, 0, &[1, 2]);
    lead(&mut counter, 1, 0, 0);
    counter
}

fn elect(counter: &mut Counter, leader: u8, epoch: u32, isr: &[u8]) {
    counter.on_fact(&Fact::PartitionChanged {
        partition: PARTITION,
        leader: (None, Some(BrokerId(leader))),
        leader_epoch: LeaderEpoch(epoch),
        isr: (set(&[1, 2]), set(isr)),
        partition_epoch: PartitionEpoch(epoch),
        cause: ChangeCause::Created,
    });
}

fn lead(counter: &mut Counter, broker: u8, epoch: u32, end: u64) {
    counter.on_fact(&Fact::BecameLeader {
        broker: BrokerId(broker),
        partition: PARTITION,
        epoch: LeaderEpoch(epoch),
        end: Offset(end),
        high_watermark: Offset(0),
    });
}

fn append(counter: &mut Counter, broker: u8, base: u64, epoch: u32) {
    let role = AppendRole::Leader;
    let batch = batch(base, epoch, &[base as u32]);
    counter.on_fact(&Fact::Appended {
        broker: BrokerId(broker),
        partition: PARTITION,
        batch,
        role,
    });
}

fn acknowledge(counter: &mut Counter, end: u64) {
    counter.on_fact(&Fact::ProduceAcknowledged {
        broker: BrokerId(1),
        partition: PARTITION,
        base_offset: Offset(end - 1),
        end: Offset(end),
        acks: Acks::Leader,
        isr: set(&[1, 2]),
        isr_min: 1,
    });
}

fn watermark(counter: &mut Counter, broker: u8, to: u64) {
    counter.on_fact(&Fact::HighWatermark {
        broker: BrokerId(broker),
        partition: PARTITION,
        from: Offset(to - 1),
        to: Offset(to),
        waiting: None,
    });
}

/// Returns the state of the partition.
fn state(counter: &Counter) -> State {
    counter.partitions.get(PARTITION).expect("it was created").last
}

#[test]
fn the_second_record_of_a_calm_trial_shows_nothing_new() {
    let mut counter = counter();
    let write = |counter: &mut Counter, base| {
        append(counter, 1, base, 0);
        append(counter, 2, base, 0);
        watermark(counter, 1, base + 1);
        acknowledge(counter, base + 1);
        watermark(counter, 2, base + 1);
    };
    write(&mut counter, 0);
    write(&mut counter, 1);
    let (states, edges) = (counter.covered.states.len(), counter.covered.edges.len());

    for base in 2..20 {
        write(&mut counter, base);
    }

    assert_eq!((counter.covered.states.len(), counter.covered.edges.len()), (states, edges));
}

#[test]
fn each_part_of_a_state_tells_two_states_apart() {
    type Act = fn(&mut Counter);
    let acts: [Act; 8] = [
        |counter| elect(counter, 1, 0, &[1]),
        |counter| lead(counter, 2, 1, 0),
        |counter| append(counter, 1, 0, 0),
        |counter| watermark(counter, 2, 1),
        |counter| acknowledge(counter, 1),
        |counter| counter.on_fault(&Fault::Paused(NodeId::Broker(BrokerId(2)))),
        |counter| counter.on_fault(&Fault::DiskSlow(NodeId::Broker(BrokerId(2)))),
        |counter| {
            let node = NodeId::Broker(BrokerId(2));
            counter.on_fault(&Fault::ClockJumped { node, by_micros: 1 });
        },
    ];
    let mut states = vec![state(&counter())];

    for act in acts {
        let mut counter = counter();
        act(&mut counter);
        states.push(state(&counter));
    }

    let count = states.len();
    states.sort_unstable();
    states.dedup();
    assert_eq!(states.len(), count);
}

#[test]
fn a_log_that_parts_from_the_leaders_shows_until_it_is_cut() {
    let mut counter = counter();
    append(&mut counter, 1, 0, 0);
    elect(&mut counter, 2, 1, &[2]);
    let before = counter.partitions.get(PARTITION).expect("it is there").clone();

    lead(&mut counter, 2, 1, 0);
    let parted = state(&counter);
    counter.on_fault(&Fault::Crashed(NodeId::Broker(BrokerId(1))));
    let down = state(&counter);
    counter.on_fault(&Fault::Started { node: NodeId::Broker(BrokerId(1)), incarnation: 2 });
    counter.partitions.get_mut(PARTITION).on_cut(BrokerId(1), Offset(0));
    counter.count_partition(PARTITION, What::Cut);

    assert_ne!(before.last, parted);
    assert_ne!(parted, down);
    assert_eq!(down.0 >> TAIL & 3, 1);
    assert_eq!(parted.0 >> TAIL & 3, 2);
    assert_eq!(state(&counter).0 >> TAIL & 3, 0);
}

/// Where the bits of the divergent tail begin: behind copies, producer and faults.
const TAIL: u32 = 2 + 3 + faults::Troubles::BITS;
