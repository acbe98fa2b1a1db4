//! Leaders that die or are deposed, and what becomes of their records.

use super::*;
use crate::rules::{FetchFencing, Truncation};

#[test]
fn a_deposed_leader_cuts_what_only_it_had_in_every_era() {
    for rules in eras() {
        let mut cluster = Cluster::with(3, min_isr(1), rules);
        let kept = cluster.produce(1, 0, Acks::All);
        cluster.pass(Duration::from_secs(2));
        assert_eq!(cluster.error(kept), Some(ErrorCode::None));
        cluster.cut(node(1), node(2));
        cluster.cut(node(1), node(3));
        let lost = cluster.produce(1, 1, Acks::Leader);
        cluster.pass(Duration::from_secs(1));
        assert_eq!(cluster.error(lost), Some(ErrorCode::None));

        cluster.crash(1);
        cluster.heal();
        cluster.pass(Duration::from_secs(20));
        assert_eq!(cluster.registration().leader, Some(b(2)));
        assert_eq!(cluster.registration().leader_epoch, LeaderEpoch(1));
        let later = cluster.produce(2, 2, Acks::All);
        cluster.pass(Duration::from_secs(2));
        assert_eq!(cluster.error(later), Some(ErrorCode::None), "{rules:?}");

        cluster.start(1);
        cluster.pass(Duration::from_secs(20));
        assert_eq!(cluster.registration().isr.len(), 3, "{rules:?}");
        for id in 1..=3 {
            assert_eq!(cluster.records(id), [0, 2], "{rules:?}");
            assert_eq!(cluster.log(id).high_watermark(), Offset(2), "{rules:?}");
        }
    }
}

#[test]
fn truncating_to_the_high_watermark_loses_an_acknowledged_record_and_epochs_do_not() {
    for rules in eras() {
        let mut cluster = Cluster::with(3, min_isr(1), rules);
        let first = cluster.produce(1, 0, Acks::All);
        cluster.wait(Duration::from_secs(1), |it| it.error(first).is_some());
        assert_eq!(cluster.error(first), Some(ErrorCode::None));
        assert_eq!(cluster.log(3).high_watermark(), Offset(0));
        // The third replica cannot reach the second, which will lead next.
        cluster.crash(1);
        cluster.cut(node(2), node(3));
        cluster.wait(Duration::from_secs(20), |it| it.registration().leader == Some(b(2)));
        cluster.pass(Duration::from_millis(100));

        cluster.crash(2);
        cluster.wait(Duration::from_secs(20), |it| it.registration().leader == Some(b(3)));

        let is_old = rules.truncation == Truncation::ToHighWatermark;
        let expected: &[u32] = if is_old { &[] } else { &[0] };
        assert_eq!(cluster.records(3), expected, "{rules:?}");
    }
}

#[test]
fn an_unclean_leader_starts_over_alone_and_the_old_one_follows_it() {
    let config = TopicConfig { unclean_leader_election: true, ..min_isr(1) };
    let mut cluster = Cluster::with(2, config, Rules::default());
    cluster.crash(2);
    cluster.pass(Duration::from_secs(20));
    let lost = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(lost), Some(ErrorCode::None));
    cluster.crash(1);
    cluster.start(2);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().leader, Some(b(2)));
    assert_eq!(cluster.registration().isr.len(), 1);
    let kept = cluster.produce(2, 1, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(kept), Some(ErrorCode::None));

    cluster.start(1);
    cluster.pass(Duration::from_secs(20));

    assert_eq!(cluster.registration().isr.len(), 2);
    assert_eq!((cluster.records(1), cluster.records(2)), (vec![1], vec![1]));
}

#[test]
fn without_unclean_elections_the_partition_waits_for_its_last_member() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.crash(2);
    cluster.pass(Duration::from_secs(20));
    cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    cluster.crash(1);
    cluster.start(2);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().leader, None);

    cluster.start(1);
    cluster.pass(Duration::from_secs(20));

    assert_eq!(cluster.registration().leader, Some(b(1)));
    assert_eq!((cluster.records(1), cluster.records(2)), (vec![0], vec![0]));
}

#[test]
fn a_zombie_leader_serves_its_epoch_and_no_other() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    cluster.cut(node(1), CONTROLLER);
    cluster.pass(Duration::from_secs(20));
    assert_eq!(cluster.registration().leader, Some(b(2)));

    let written = cluster.produce(1, 0, Acks::Leader);
    let stalled = cluster.produce(1, 1, Acks::All);
    let newer = cluster.consume(1, 1, LeaderEpoch(1));
    let older = cluster.consume(2, 2, LeaderEpoch(0));
    let none = cluster.consume(1, 3, LeaderEpoch(0));
    cluster.pass(Duration::from_secs(35));

    assert_eq!(cluster.error(written), Some(ErrorCode::None));
    assert_eq!(cluster.error(stalled), Some(ErrorCode::RequestTimedOut));
    assert_eq!(cluster.fetched(newer).error, ErrorCode::UnknownLeaderEpoch);
    assert_eq!(cluster.fetched(older).error, ErrorCode::FencedLeaderEpoch);
    assert_eq!(cluster.fetched(none).error, ErrorCode::None);

    cluster.heal();
    cluster.pass(Duration::from_secs(40));
    assert_eq!(cluster.records(1), [0; 0]);
    assert_eq!(cluster.registration().isr.len(), 3);
}

#[test]
fn a_produce_parked_at_a_leader_that_is_deposed_is_told_who_leads() {
    let mut cluster = Cluster::with(3, min_isr(1), Rules::default());
    cluster.cut(node(1), node(2));
    cluster.cut(node(1), node(3));
    cluster.cut(node(1), CONTROLLER);
    cluster.pass(Duration::from_secs(5));
    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(15));
    assert_eq!(cluster.error(call), None);

    cluster.heal();
    cluster.pass(Duration::from_secs(5));

    assert_eq!(cluster.error(call), Some(ErrorCode::NotLeaderOrFollower));
    let hint = cluster.outcome(call).unwrap().current_leader.unwrap();
    assert_eq!((hint.leader, hint.epoch), (b(2), LeaderEpoch(1)));
    assert!(cluster.up[&b(1)].waiting.produces.is_empty());
}

fn eras() -> [Rules; 5] {
    let rules = |truncation, fetch_fencing| Rules { truncation, fetch_fencing, ..Rules::default() };
    [
        rules(Truncation::ToHighWatermark, FetchFencing::None),
        rules(Truncation::ByEpochOnce, FetchFencing::None),
        rules(Truncation::ByEpochOnce, FetchFencing::ByEpoch),
        rules(Truncation::ByEpoch, FetchFencing::None),
        rules(Truncation::ByEpoch, FetchFencing::ByEpoch),
    ]
}
