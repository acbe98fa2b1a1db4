//! What a leader remembers of a follower's fetches.

use super::*;
use crate::ids::BrokerEpoch;

#[test]
fn a_session_knows_what_a_request_leaves_out() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));

    assert_eq!(fetch(&mut cluster, 7, vec![wanted(0)], vec![]), 0);
    cluster.produce(1, 0, Acks::Leader);
    cluster.pass(Duration::from_millis(10));
    assert_eq!(fetch(&mut cluster, 7, vec![], vec![]), 1);
    assert_eq!(fetch(&mut cluster, 7, vec![], vec![PARTITION]), 0);
}

#[test]
fn a_follower_that_says_the_same_again_lags_from_the_last_time_on() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.pass(Duration::from_secs(100));

    cluster.cut(node(2), node(1));
    cluster.produce(1, 0, Acks::Leader);
    cluster.pass(Duration::from_secs(25));
    assert_eq!(cluster.registration().isr.len(), 2);
    cluster.pass(Duration::from_secs(25));
    assert_eq!(cluster.registration().isr.len(), 1);
}

/// A request that was held up on an old connection moves the follower's end back at the leader;
/// the newer session, in which the partition rests, has to say it anew.
#[test]
fn what_an_old_connection_says_does_not_outlast_a_newer_session() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));
    cluster.produce(1, 0, Acks::Leader);
    cluster.pass(Duration::from_millis(10));
    fetch(&mut cluster, 8, vec![wanted(0)], vec![]);
    let caught_up = FetchPartition { high_watermark: Some(Offset(1)), ..wanted(1) };
    fetch(&mut cluster, 8, vec![caught_up], vec![]);
    assert_eq!(fetch(&mut cluster, 8, vec![], vec![]), 0);

    fetch(&mut cluster, 7, vec![wanted(0)], vec![]);
    for _ in 0..20 {
        cluster.pass(Duration::from_secs(4));
        fetch(&mut cluster, 8, vec![], vec![]);
    }

    assert_eq!(cluster.registration().isr.len(), 2);
}

/// Fetches as the second broker would; returns how many partitions have news.
fn fetch(
    cluster: &mut Cluster,
    connection: u32,
    partitions: Vec<FetchPartition>,
    forgotten: Vec<TopicPartition>,
) -> usize {
    let request = FetchRequest {
        replica: Some((b(2), BrokerEpoch(u64::MAX))),
        wait_max: Duration(0),
        bytes_min: 1,
        bytes_max: 1_000,
        isolation: Isolation::ReadUncommitted,
        partitions,
        forgotten: Some(forgotten),
    };
    let call = cluster.ask(node(1), connection, Request::Fetch(request));
    cluster.pass(Duration::from_millis(10));
    match &cluster.answers[&call] {
        Response::Fetch(reply) => reply.partitions.len(),
        other => panic!("{other:?}"),
    }
}

fn wanted(offset: u64) -> FetchPartition {
    FetchPartition {
        partition: PARTITION,
        current_leader_epoch: Some(LeaderEpoch(0)),
        offset: Offset(offset),
        last_fetched_epoch: None,
        log_start: Offset(0),
        high_watermark: Some(Offset(0)),
        bytes_max: 1_000,
    }
}
