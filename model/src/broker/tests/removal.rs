//! What is deleted, by whom, and what readers make of it.

use super::*;
use crate::fact::LogStartCause;
use crate::message::data::DeleteRecordsRequest;

fn delete(cluster: &mut Cluster, broker: u8, below: u64) -> Result<(), ErrorCode> {
    let request = DeleteRecordsRequest { partition: PARTITION, below: Offset(below) };
    let call = cluster.ask(node(broker), 2, Request::DeleteRecords(request));
    cluster.pass(Duration::from_millis(2));
    match &cluster.answers[&call] {
        Response::DeleteRecords(reply) => reply.done,
        other => panic!("{other:?}"),
    }
}

/// Returns who moved the start of its log to where, and why.
fn starts_moved(cluster: &Cluster) -> Vec<(u8, u64, LogStartCause)> {
    let moved = cluster.facts.iter().filter_map(|fact| match fact {
        Fact::LogStartMoved { broker, to, cause, .. } => Some((broker.0, to.0, *cause)),
        _ => None,
    });
    moved.collect()
}

#[test]
fn records_are_deleted_up_to_the_high_watermark_and_followers_hear_of_it() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    for uid in 0..3 {
        cluster.produce(1, uid, Acks::All);
    }
    cluster.pass(Duration::from_secs(1));

    assert_eq!(delete(&mut cluster, 2, 2), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(delete(&mut cluster, 1, 4), Err(ErrorCode::OffsetOutOfRange));
    let error = ErrorCode::OffsetOutOfRange;
    assert_eq!(cluster.facts.last(), Some(&Fact::AdminRefused { topic: PARTITION.topic, error }));
    assert_eq!(delete(&mut cluster, 1, 2), Ok(()));
    assert_eq!(delete(&mut cluster, 1, 1), Ok(()));
    cluster.pass(Duration::from_secs(1));

    let moves = [(1, 2, LogStartCause::DeleteRecords), (2, 2, LogStartCause::Leader)];
    assert_eq!(starts_moved(&cluster), moves);
    assert_eq!((cluster.records(1), cluster.records(2)), (vec![2], vec![2]));
    let call = cluster.consume(1, 1, LeaderEpoch(0));
    cluster.pass(Duration::from_millis(2));
    assert_eq!(cluster.fetched(call).error, ErrorCode::OffsetOutOfRange);
}

#[test]
fn every_replica_deletes_its_old_segments_by_itself() {
    let config = TopicConfig { segment_bytes: 100, retention_bytes_max: Some(100), ..min_isr(1) };
    let mut cluster = Cluster::with(2, config, Rules::default());
    for uid in 0..3 {
        cluster.produce(1, uid, Acks::All);
    }

    cluster.pass(Duration::from_secs(25));
    assert_eq!(starts_moved(&cluster), []);
    cluster.pass(Duration::from_secs(6));

    let bytes = LogStartCause::RetentionBytes;
    assert_eq!(starts_moved(&cluster), [(1, 1, bytes), (2, 1, bytes)]);
    assert_eq!((cluster.records(1), cluster.records(2)), (vec![1, 2], vec![1, 2]));
}

#[test]
fn offsets_of_groups_are_not_deleted_for_their_age() {
    let mut cluster = Cluster::with(1, TopicConfig::default(), Rules::default());
    let offsets = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition: 0 };
    for uid in 0..2 {
        cluster.produce(1, uid, Acks::All);
    }
    cluster.pass(Duration::from_secs(1));
    let broker = cluster.up.get_mut(&b(1)).expect("it is up");
    let log = broker.partitions[&PARTITION].log.clone();
    broker.partitions.insert(offsets, Box::new(Partition::new(log)));
    for replica in broker.partitions.values_mut() {
        let retention_age_max = Duration::ZERO;
        replica.log.set_config(TopicConfig { retention_age_max, ..TopicConfig::default() });
    }

    cluster.wall = Timestamp(1);
    cluster.pass(Duration::from_secs(30));

    let starts = cluster.up[&b(1)].logs().map(|(id, log)| (id, log.start().0));
    assert_eq!(starts.collect::<Vec<_>>(), [(PARTITION, 2), (offsets, 0)]);
}
