//! What a producer is told, and when.

use super::*;
use crate::message::data::MetadataRequest;

#[test]
fn acks_all_is_answered_when_every_in_sync_replica_has_the_record() {
    let mut cluster = Cluster::with(3, min_isr(2), Rules::default());
    cluster.cut(node(3), node(1));

    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(10));
    assert_eq!(cluster.error(call), None);
    assert_eq!(cluster.records(2), [0]);
    assert_eq!(cluster.log(1).high_watermark(), Offset(0));

    cluster.heal();
    cluster.wait(Duration::from_secs(60), |it| it.error(call) == Some(ErrorCode::None));
    assert_eq!(cluster.outcome(call).unwrap().base_offset, Some(Offset(0)));
    cluster.pass(Duration::from_secs(2));
    for id in 1..=3 {
        assert_eq!(cluster.records(id), [0]);
        assert_eq!(cluster.log(id).high_watermark(), Offset(1));
    }
}

#[test]
fn acks_one_is_answered_by_the_leader_alone_even_below_min_insync_replicas() {
    let mut cluster = Cluster::with(2, min_isr(2), Rules::default());
    cluster.cut(node(2), node(1));

    let call = cluster.produce(1, 0, Acks::Leader);
    cluster.pass(Duration::from_millis(2));

    assert_eq!(cluster.error(call), Some(ErrorCode::None));
    assert_eq!(cluster.records(2), [0; 0]);
}

#[test]
fn acks_none_is_not_answered_and_an_error_closes_the_connection() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());

    let written = cluster.produce(1, 0, Acks::None);
    let refused = cluster.produce(2, 1, Acks::None);
    cluster.pass(Duration::from_secs(1));

    assert!(cluster.answers.keys().all(|&call| call != written && call != refused));
    assert!(cluster.open.contains(&written.0));
    assert!(!cluster.open.contains(&refused.0));
    assert_eq!(cluster.records(1), [0]);
}

#[test]
fn below_min_insync_replicas_nothing_is_appended() {
    let mut cluster = Cluster::with(2, min_isr(2), Rules::default());
    cluster.crash(2);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().isr.len(), 1);

    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));

    assert_eq!(cluster.error(call), Some(ErrorCode::NotEnoughReplicas));
    assert_eq!(cluster.log(1).end(), Offset(0));
}

#[test]
fn a_committed_batch_below_a_raised_minimum_is_not_confirmed() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.crash(2);
    cluster.pass(Duration::from_secs(20));
    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(call), Some(ErrorCode::None));
    let placed = crate::partition::leader::Placed { base_offset: Offset(0), end: Offset(1) };

    let broker = cluster.up.get_mut(&b(1)).unwrap();
    broker.partitions.get_mut(&PARTITION).unwrap().log.set_config(min_isr(2));

    let outcome = broker.replication_of(PARTITION, placed);
    assert_eq!(outcome, Some(Err(ErrorCode::NotEnoughReplicasAfterAppend)));
}

#[test]
fn a_record_that_timed_out_stays_and_commits_later() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));

    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_millis(30_010));
    assert_eq!(cluster.error(call), Some(ErrorCode::RequestTimedOut));
    assert_eq!(cluster.log(1).high_watermark(), Offset(0));

    cluster.heal();
    cluster.pass(Duration::from_secs(60));
    assert_eq!(cluster.log(1).high_watermark(), Offset(1));
    assert_eq!(cluster.records(2), [0]);
}

#[test]
fn a_parked_produce_blocks_what_was_pipelined_behind_it() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));
    let first = cluster.produce(1, 0, Acks::All);
    let second = cluster.produce(1, 1, Acks::Leader);
    let metadata = Request::Metadata(MetadataRequest { topics: None });
    let third = cluster.ask(node(1), 0, metadata);

    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.records(1), [0]);
    assert!(!cluster.answers.contains_key(&third));

    cluster.pass(Duration::from_secs(12));
    assert_eq!(cluster.error(first), Some(ErrorCode::RequestTimedOut));
    assert_eq!(cluster.error(second), Some(ErrorCode::None));
    assert!(cluster.answers.contains_key(&third));
    assert_eq!(cluster.records(1), [0, 1]);
    assert!(cluster.up[&b(1)].queued.is_empty());
}

#[test]
fn a_closed_connection_leaves_nothing_behind() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));
    let (connection, _) = cluster.produce(1, 0, Acks::All);
    cluster.produce(1, 1, Acks::All);
    cluster.pass(Duration::from_secs(1));
    let broker = &cluster.up[&b(1)];
    let place = broker.queue_of(connection).expect("one waits behind the other");
    assert_eq!(broker.queued[place].requests.len(), 1);

    cluster.hang_up(connection, CLIENT);
    cluster.pass(Duration::from_secs(1));

    assert!(cluster.up[&b(1)].queued.is_empty());
    assert!(cluster.up[&b(1)].waiting.produces.is_empty());
    assert_eq!(cluster.records(1), [0]);
}

#[test]
fn a_refused_acks_none_behind_a_parked_produce_takes_the_queue_with_it() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));
    cluster.produce(1, 0, Acks::All);
    let elsewhere = TopicPartition { topic: TopicId(9), partition: 0 };
    let record =
        Record { uid: Uid(1), key: None, value: None, headers: 0, timestamp: Timestamp(0) };
    let partitions = vec![(elsewhere, Arc::new(Batch::new(vec![record], None)))];
    let timeout = Duration::from_secs(1);
    let request = ProduceRequest { acks: Acks::None, timeout, partitions };
    cluster.ask(node(1), 0, Request::Produce(request));
    cluster.produce(1, 2, Acks::All);

    cluster.pass(Duration::from_secs(31));

    assert!(cluster.up[&b(1)].queued.is_empty());
    assert_eq!(cluster.records(1), [0]);
}
