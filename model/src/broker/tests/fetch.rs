//! What readers get, and when.

use super::*;

#[test]
fn a_fetch_waits_for_its_bytes_and_no_longer_than_it_may() {
    let mut cluster = Cluster::with(1, min_isr(1), Rules::default());
    cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));

    let call = cluster.consume(1, 1, LeaderEpoch(0));
    cluster.pass(Duration::from_millis(499));
    assert!(!cluster.answers.contains_key(&call));
    cluster.pass(Duration::from_millis(4));

    assert_eq!(cluster.fetched(call).batches.len(), 1);
}

#[test]
fn a_fetch_is_answered_when_its_bytes_have_come() {
    let mut cluster = Cluster::with(1, min_isr(1), Rules::default());
    let call = cluster.consume(1, 1, LeaderEpoch(0));
    for uid in 0..20 {
        cluster.produce(1, uid, Acks::None);
    }

    cluster.pass(Duration::from_millis(3));

    let bytes = |batch: &Arc<Batch>| u64::from(batch.records.bytes());
    assert!(cluster.fetched(call).batches.iter().map(bytes).sum::<u64>() <= 1_000);
    assert!(1 < cluster.fetched(call).batches.len());
}

#[test]
fn consumers_see_nothing_beyond_the_high_watermark() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(2), node(1));
    cluster.produce(1, 0, Acks::Leader);

    let call = cluster.consume(1, 1, LeaderEpoch(0));
    cluster.pass(Duration::from_secs(1));

    assert_eq!(cluster.log(1).end(), Offset(1));
    assert_eq!(cluster.fetched(call).batches, []);
}

#[test]
fn the_broker_s_fetch_limit_bounds_both_ends_of_a_request() {
    let mut cluster = Cluster::with(1, min_isr(1), Rules::default());
    cluster.up.get_mut(&b(1)).unwrap().setup.config.fetch_bytes_max = 1;
    for uid in 0..2 {
        cluster.produce(1, uid, Acks::All);
    }
    cluster.pass(Duration::from_secs(1));

    let call = cluster.consume(1, 1, LeaderEpoch(0));
    cluster.pass(Duration::from_millis(2));

    assert_eq!(cluster.fetched(call).batches.len(), 1);
}
