//! Followers that lag, leave the ISR and come back.

use super::*;
use crate::broker::fetcher::Asked;
use crate::channel::ChannelEvent;
use crate::ids::BrokerEpoch;
use crate::message::data::FetchReply;

#[test]
fn a_stuck_follower_is_proposed_out_and_comes_back_when_it_has_caught_up() {
    let mut cluster = Cluster::with(3, min_isr(2), Rules::default());
    cluster.cut(node(3), node(1));
    let call = cluster.produce(1, 0, Acks::Leader);
    cluster.pass(Duration::from_secs(25));
    assert_eq!(cluster.error(call), Some(ErrorCode::None));
    assert_eq!(cluster.registration().isr.len(), 3);
    assert_eq!(cluster.log(1).high_watermark(), Offset(0));

    cluster.pass(Duration::from_secs(25));
    assert_eq!(cluster.registration().isr, [b(1), b(2)].into_iter().collect());
    assert_eq!(cluster.registration().leader_epoch.0, 0);
    assert_eq!(cluster.log(1).high_watermark(), Offset(1));

    cluster.heal();
    cluster.pass(Duration::from_secs(60));
    assert_eq!(cluster.registration().isr.len(), 3);
    assert_eq!(cluster.leader(1).isr.settled().len(), 3);
    assert_eq!(cluster.records(3), [0]);
}

#[test]
fn a_silent_follower_with_everything_stays() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(1));
    assert_eq!(cluster.error(call), Some(ErrorCode::None));

    cluster.cut(node(2), node(1));
    cluster.pass(Duration::from_secs(100));

    assert_eq!(cluster.registration().isr.len(), 2);
    assert_eq!(cluster.count(|fact| matches!(fact, Fact::IsrProposed { .. })), 0);
}

#[test]
fn without_a_controller_a_dead_member_blocks_acks_all() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    cluster.cut(node(1), CONTROLLER);
    cluster.crash(2);

    let call = cluster.produce(1, 0, Acks::All);
    cluster.pass(Duration::from_secs(100));

    assert_eq!(cluster.error(call), Some(ErrorCode::RequestTimedOut));
    assert_eq!(cluster.log(1).high_watermark(), Offset(0));
    assert_eq!(cluster.leader(1).isr.settled().len(), 2);
}

#[test]
fn a_follower_hears_of_a_commit_one_fetch_after_its_leader() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    let call = cluster.produce(1, 0, Acks::All);
    cluster.wait(Duration::from_secs(1), |it| it.error(call).is_some());

    assert_eq!(cluster.log(1).high_watermark(), Offset(1));
    assert_eq!(cluster.log(2).end(), Offset(1));
    assert_eq!(cluster.log(2).high_watermark(), Offset(0));
    cluster.pass(Duration::from_millis(600));
    assert_eq!(cluster.log(2).high_watermark(), Offset(1));
}

#[test]
fn only_a_fence_of_the_current_term_stops_a_follower() {
    for (fenced, expected) in [(LeaderEpoch(7), vec![0]), (LeaderEpoch(0), vec![])] {
        let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
        let refusal = FetchedPartition {
            partition: PARTITION,
            error: ErrorCode::FencedLeaderEpoch,
            high_watermark: Offset(0),
            last_stable: Offset(0),
            log_start: Offset(0),
            diverging: None,
            current_leader: None,
            batches: Vec::new(),
        };
        let reply = Response::Fetch(FetchReply { partitions: vec![refusal] });

        let mut broker = cluster.up.remove(&b(2)).unwrap();
        let fetcher = broker.fetchers.get_mut(&b(1)).unwrap();
        fetcher.wanted.insert(PARTITION, (fenced, Offset(0)));
        cluster.with_turn(node(2), cluster.now, |turn| {
            broker.on_fetcher_event(b(1), ChannelEvent::Response(Asked::Records, reply), turn);
        });
        cluster.up.insert(b(2), broker);
        // The fetch in flight ends before the record comes.
        cluster.pass(Duration::from_millis(600));
        cluster.produce(1, 0, Acks::Leader);
        cluster.pass(Duration::from_secs(5));

        assert_eq!(cluster.records(2), expected);
    }
}

/// A follower that has everything is answered with nothing, and hears of the high watermark
/// all the same.
#[test]
fn an_answer_without_news_names_no_partition() {
    let mut cluster = Cluster::with(2, min_isr(1), Rules::default());
    let call = cluster.produce(1, 0, Acks::All);
    cluster.wait(Duration::from_secs(1), |it| it.error(call).is_some());
    cluster.pass(Duration::from_secs(2));
    let high_watermark = cluster.log(2).high_watermark();
    let fetch = |known, offset| {
        let wanted = FetchPartition {
            partition: PARTITION,
            current_leader_epoch: Some(LeaderEpoch(0)),
            offset,
            last_fetched_epoch: None,
            log_start: Offset(0),
            high_watermark: Some(known),
            bytes_max: 1_000,
        };
        FetchRequest {
            replica: Some((b(2), BrokerEpoch(u64::MAX))),
            wait_max: Duration(0),
            bytes_min: 1,
            bytes_max: 1_000,
            isolation: Isolation::ReadUncommitted,
            partitions: vec![wanted],
            forgotten: None,
        }
    };

    let count = |cluster: &mut Cluster, request| {
        let call = cluster.ask(node(1), 0, Request::Fetch(request));
        cluster.pass(Duration::from_millis(10));
        match &cluster.answers[&call] {
            Response::Fetch(reply) => reply.partitions.len(),
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(high_watermark, Offset(1));
    assert_eq!(count(&mut cluster, fetch(Offset(1), Offset(1))), 0);
    assert_eq!(count(&mut cluster, fetch(Offset(0), Offset(1))), 1);
    assert_eq!(count(&mut cluster, fetch(Offset(0), Offset(0))), 1);
}
