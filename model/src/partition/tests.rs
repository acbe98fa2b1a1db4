//! One replica on broker 1, told by hand what the controller and its peers say.

use super::*;
use crate::chance::Rng;
use crate::config::TopicConfig;
use crate::ids::{BrokerEpoch, Incarnation, NodeId, Offset, ReplicaSet, Uid};
use crate::image::{BrokerRegistration, Recovery};
use crate::log::Clock;
use crate::log::batch::Record;
use crate::message::cluster::IsrAccepted;
use crate::message::data::{Acks, EpochEnd, FetchPartition};
use crate::partition::follower::{Agreed, on_epoch_end};
use crate::partition::isr::{Isr, ProposalFollowUp, Proposed};
use crate::partition::leader::Learned;
use crate::rules::FetchFencing;
use crate::time::{Duration, Time, Timestamp};
use crate::turn::Outbox;

const PARTITION: TopicPartition = TopicPartition { topic: crate::ids::TopicId(0), partition: 0 };

#[test]
fn the_maximal_isr_counts_who_may_be_in_and_the_settled_one_who_is() {
    let (settled, three) = (set(&[1, 2]), set(&[1, 2, 3]));
    let leaving = set(&[2]);

    for (isr, maximal) in [
        (Isr::Settled(settled), settled),
        (Isr::Growing { settled, joining: BrokerId(3) }, three),
        (Isr::Shrinking { settled, leaving }, settled),
    ] {
        assert_eq!((isr.settled(), isr.maximal()), (settled, maximal), "{isr:?}");
    }
}

#[test]
fn each_answer_to_a_proposal_has_its_follow_up() {
    use ErrorCode::{
        FencedLeaderEpoch, IneligibleReplica, InvalidRequest, InvalidUpdateVersion,
        NewLeaderElected, NotController, OperationNotAttempted, UnknownTopicId,
        UnknownTopicOrPartition,
    };
    use ProposalFollowUp::{Done, Resend};
    let growing = Isr::Growing { settled: set(&[1]), joining: BrokerId(2) };
    let reverted = Isr::Settled(set(&[1]));
    for (answer, isr, follow_up) in [
        (Ok((1, 2)), Isr::Settled(set(&[1, 2])), Done),
        (Ok((1, 1)), Isr::Settled(set(&[1, 2])), Done),
        (Ok((1, 0)), growing, Done),
        (Ok((2, 2)), growing, Done),
        (Err(OperationNotAttempted), reverted, Done),
        (Err(IneligibleReplica), reverted, Done),
        (Err(UnknownTopicOrPartition), growing, Done),
        (Err(UnknownTopicId), growing, Done),
        (Err(FencedLeaderEpoch), growing, Done),
        (Err(InvalidUpdateVersion), growing, Done),
        (Err(InvalidRequest), growing, Done),
        (Err(NewLeaderElected), growing, Done),
        (Err(NotController), growing, Resend),
    ] {
        let mut bench = Bench::growing();

        let told = bench.answer(proposed(1, &[1, 2]), answer);

        assert_eq!((bench.leader().isr, told), (isr, follow_up), "{answer:?}");
    }
}

#[test]
fn an_answer_to_another_proposal_changes_nothing() {
    for asked in [proposed(0, &[1, 2]), proposed(1, &[1, 3]), proposed(1, &[1])] {
        let mut bench = Bench::growing();
        let before = bench.leader().clone();

        bench.answer(asked, Ok((1, 2)));
        bench.answer(asked, Err(ErrorCode::IneligibleReplica));

        assert_eq!(*bench.leader(), before, "{asked:?}");
    }
}

#[test]
fn metadata_settles_a_proposal_on_its_way() {
    let mut bench = Bench::growing();

    bench.register(1, 1, 1, &[1]);

    assert_eq!(bench.leader().isr, Isr::Settled(set(&[1])));
    assert_eq!(bench.leader().proposal(PARTITION, BrokerId(1)), None);
}

#[test]
fn metadata_older_than_an_accepted_proposal_changes_nothing() {
    let mut bench = Bench::growing();
    bench.answer(proposed(1, &[1, 2]), Ok((1, 3)));
    let before = bench.leader().clone();

    assert_eq!(bench.register(1, 1, 2, &[1]), RoleChange::None);

    assert_eq!(*bench.leader(), before);
    assert_eq!(before.isr, Isr::Settled(set(&[1, 2])));
}

#[test]
fn only_an_eligible_follower_of_this_life_joins() {
    let changes: [fn(&mut BrokerRegistration); 3] = [
        |broker| broker.fenced = true,
        |broker| broker.in_controlled_shutdown = true,
        |broker| broker.epoch = BrokerEpoch(9),
    ];
    for change in changes {
        let mut bench = Bench::leading(&[0; 2], &[1]);
        change(bench.image.brokers.get_mut(&BrokerId(2)).unwrap());

        let learned = bench.fetch(2, 2);

        let joins = learned.is_ok_and(|learned| learned.asks_for_isr);
        assert!(!joins);
    }
    let joins = Bench::leading(&[0; 2], &[1]).fetch(2, 2).unwrap().asks_for_isr;
    assert!(joins);
}

#[test]
fn an_earlier_life_of_a_replica_and_a_stranger_are_refused() {
    let mut bench = Bench::leading(&[0; 2], &[1, 2]);
    bench.image.brokers.get_mut(&BrokerId(2)).unwrap().epoch = BrokerEpoch(9);

    assert_eq!(bench.fetch(2, 2), Err(ErrorCode::NotLeaderOrFollower));
    assert_eq!(bench.leader().follower(BrokerId(2)).unwrap().end, None);
    assert_eq!(bench.fetch(4, 2), Err(ErrorCode::UnknownLeaderEpoch));
}

#[test]
fn a_follower_about_to_join_holds_the_high_watermark_back() {
    let mut bench = Bench::leading(&[0; 2], &[1, 2]);
    bench.fetch(2, 2).unwrap();
    bench.fetch(3, 2).unwrap();
    assert_eq!(bench.partition.log.high_watermark(), Offset(2));
    bench.register(1, 1, 2, &[1, 2]); // the proposal to let broker 3 in was not heard of
    bench.append();

    bench.fetch(2, 3).unwrap();
    assert_eq!(bench.partition.log.high_watermark(), Offset(2));

    bench.now += Duration::from_secs(31);
    bench.fetch(2, 2).unwrap();
    bench.fetch(2, 3).unwrap();
    assert_eq!(bench.partition.log.high_watermark(), Offset(3));
}

#[test]
fn a_joining_follower_holds_the_high_watermark_back_however_far_behind_it_is() {
    let mut bench = Bench::leading(&[0; 2], &[1, 2]);
    bench.fetch(2, 2).unwrap();
    bench.append();
    let joins = bench.fetch(3, 2).unwrap().asks_for_isr; // it has what is committed
    assert!(joins);
    bench.now += Duration::from_secs(31);

    bench.fetch(2, 3).unwrap();
    assert_eq!(bench.partition.log.high_watermark(), Offset(2));

    bench.answer(proposed(1, &[1, 2, 3]), Err(ErrorCode::OperationNotAttempted));
    bench.fetch(2, 2).unwrap();
    bench.fetch(2, 3).unwrap();
    assert_eq!(bench.partition.log.high_watermark(), Offset(3));
}

#[test]
fn a_leader_records_its_epoch_before_anything_is_written_in_it() {
    let bench = Bench::leading(&[0; 2], &[1, 2]);

    assert_eq!(bench.partition.log.latest_epoch(), Some(bench.leader().epoch));
    assert_eq!(bench.partition.log.end(), Offset(2));
}

#[test]
fn a_lone_leader_commits_at_once_unless_the_minimum_forbids() {
    for (minimum, acks, expected) in [
        (1, Acks::All, Ok(Offset(1))),
        (2, Acks::All, Err(ErrorCode::NotEnoughReplicas)),
        (2, Acks::Leader, Ok(Offset(0))),
        (2, Acks::None, Ok(Offset(0))),
    ] {
        let mut bench = Bench::leading(&[], &[1]);
        let config = TopicConfig { min_insync_replicas: minimum, ..TopicConfig::default() };
        bench.partition.log.set_config(config);

        let placed = bench.turn(|partition, host, turn| {
            let (leader, log) = partition.leader_for(None)?;
            leader.append(&record(), acks, log, host, turn)
        });

        let watermark = placed.map(|_| bench.partition.log.high_watermark());
        assert_eq!(watermark, expected, "{minimum} {acks:?}");
    }
}

#[test]
fn each_era_cuts_after_an_epoch_s_end_by_its_own_rule() {
    let later = Some(EpochEnd { epoch: LeaderEpoch(1), end: Offset(3) });
    let unknown = Some(EpochEnd { epoch: LeaderEpoch(2), end: Offset(3) });
    let same = Some(EpochEnd { epoch: LeaderEpoch(3), end: Offset(3) });
    for (truncation, answer, end, agreed) in [
        (Truncation::ByEpoch, later, 2, Agreed::Yes),
        (Truncation::ByEpochOnce, later, 3, Agreed::Yes),
        (Truncation::ByEpoch, unknown, 2, Agreed::NotYet),
        (Truncation::ByEpochOnce, unknown, 3, Agreed::Yes),
        (Truncation::ByEpoch, same, 3, Agreed::Yes),
        (Truncation::ByEpochOnce, same, 3, Agreed::Yes),
        (Truncation::ByEpoch, None, 1, Agreed::Yes),
        (Truncation::ByEpochOnce, None, 1, Agreed::Yes),
    ] {
        let mut bench = Bench::with_log(&[1, 1, 3, 3]);
        bench.partition.log.follow_high_watermark(Offset(1));
        let fetch_fencing = FetchFencing::None;
        bench.rules = Rules { truncation, fetch_fencing, ..Rules::default() };

        let told = bench.turn(|it, host, turn| on_epoch_end(answer, &mut it.log, host, turn));

        assert_eq!((bench.partition.log.end(), told), (Offset(end), agreed), "{truncation:?}");
    }
}

#[test]
fn only_the_oldest_era_cuts_on_becoming_follower() {
    for (truncation, end) in
        [(Truncation::ToHighWatermark, 1), (Truncation::ByEpochOnce, 3), (Truncation::ByEpoch, 3)]
    {
        let mut bench = Bench::with_log(&[1, 1, 1]);
        bench.partition.log.follow_high_watermark(Offset(1));
        let fetch_fencing = FetchFencing::None;
        bench.rules = Rules { truncation, fetch_fencing, ..Rules::default() };

        let change = bench.register(2, 2, 2, &[1, 2]);

        assert_eq!(change, RoleChange::Follows(Some(BrokerId(2))));
        assert_eq!(bench.partition.log.end(), Offset(end), "{truncation:?}");
        assert_eq!(bench.register(2, 2, 3, &[2]), RoleChange::None);
        assert_eq!(bench.register(2, 2, 2, &[1, 2]), RoleChange::None);
    }
}

/// Broker 1's replica, in a cluster where brokers 1 to 3 are active.
struct Bench {
    partition: Partition,
    config: BrokerConfig,
    rules: Rules,
    image: Image,
    now: Time,
}

impl Bench {
    /// A log with one record per element, of that epoch.
    fn with_log(epochs: &[u32]) -> Bench {
        let mut log = Log::new(TopicConfig::default(), Time::ZERO);
        for &epoch in epochs {
            let clock = Clock { now: Time::ZERO, wall: Timestamp(0) };
            log.append_as_leader(&record(), LeaderEpoch(epoch), clock).unwrap();
        }
        let active = BrokerRegistration {
            epoch: BrokerEpoch(0),
            incarnation: Incarnation(1),
            rack: None,
            fenced: false,
            in_controlled_shutdown: false,
        };
        let brokers = (1..=3).map(|id| (BrokerId(id), active.clone())).collect();
        Bench {
            partition: Partition::new(log),
            config: BrokerConfig::default(),
            rules: Rules::default(),
            image: Image { brokers, ..Image::default() },
            now: Time::ZERO,
        }
    }

    /// Leads in epoch 1 with registration 1.
    fn leading(epochs: &[u32], isr: &[u8]) -> Bench {
        let mut bench = Bench::with_log(epochs);
        bench.register(1, 1, 1, isr);
        bench
    }

    /// Leads alone and has asked for broker 2.
    fn growing() -> Bench {
        let mut bench = Bench::leading(&[0], &[1]);
        assert!(bench.fetch(2, 1).unwrap().asks_for_isr);
        bench
    }

    fn turn<R>(&mut self, act: impl FnOnce(&mut Partition, &Host<'_>, &mut Turn<'_>) -> R) -> R {
        let (mut rng, mut out) = (Rng::fork(1, "bench"), Outbox::new(NodeId::Broker(BrokerId(1))));
        let wall = Timestamp(0);
        let mut turn =
            Turn { now: self.now, wall, rules: self.rules, rng: &mut rng, out: &mut out };
        let host = Host {
            broker: BrokerId(1),
            partition: PARTITION,
            config: &self.config,
            rules: self.rules,
            image: &self.image,
        };
        act(&mut self.partition, &host, &mut turn)
    }

    fn register(&mut self, leader: u8, epoch: u32, registration: u32, isr: &[u8]) -> RoleChange {
        let registration = PartitionRegistration {
            replicas: (1..=3).map(BrokerId).collect(),
            isr: set(isr),
            leader: Some(BrokerId(leader)),
            leader_epoch: LeaderEpoch(epoch),
            partition_epoch: PartitionEpoch(registration),
            recovery: Recovery::Recovered,
        };
        self.turn(|partition, host, turn| partition.on_registration(&registration, host, turn))
    }

    fn leader(&self) -> &Leader {
        match &self.partition.role {
            Role::Leader(leader) => leader,
            other => panic!("{other:?}"),
        }
    }

    fn append(&mut self) {
        self.turn(|partition, host, turn| {
            let (leader, log) = partition.leader_for(None).unwrap();
            leader.append(&record(), Acks::Leader, log, host, turn).unwrap();
        });
    }

    fn fetch(&mut self, follower: u8, at: u64) -> Result<Learned, ErrorCode> {
        self.turn(|partition, host, turn| {
            let fetch = FetchPartition {
                partition: PARTITION,
                current_leader_epoch: partition.leader_epoch(),
                offset: Offset(at),
                last_fetched_epoch: None,
                log_start: Offset::ZERO,
                high_watermark: None,
                bytes_max: u32::MAX,
            };
            let (leader, log) = partition.leader_for(None)?;
            let follower = (BrokerId(follower), BrokerEpoch(0));
            leader.on_follower_fetch(follower, &fetch, log, host, turn)
        })
    }

    /// Answers with an error, or with this leader and partition epoch and brokers 1 and 2.
    fn answer(
        &mut self,
        asked: Proposed,
        answer: Result<(u32, u32), ErrorCode>,
    ) -> ProposalFollowUp {
        let accepted = answer.map(|(leader_epoch, partition_epoch)| IsrAccepted {
            leader: Some(BrokerId(1)),
            leader_epoch: LeaderEpoch(leader_epoch),
            isr: set(&[1, 2]),
            partition_epoch: PartitionEpoch(partition_epoch),
        });
        self.turn(|partition, host, turn| {
            let (leader, _) = partition.leader_for(None).unwrap();
            leader.on_proposal_answer(asked, accepted, host, turn)
        })
    }
}

fn proposed(partition_epoch: u32, isr: &[u8]) -> Proposed {
    Proposed { partition_epoch: PartitionEpoch(partition_epoch), isr: set(isr) }
}

fn record() -> Arc<Batch> {
    let timestamp = Timestamp(0);
    let record = Record { uid: Uid(0), key: None, value: Some(10), headers: 0, timestamp };
    Arc::new(Batch::new(vec![record], None))
}

fn set(ids: &[u8]) -> ReplicaSet {
    ids.iter().copied().map(BrokerId).collect()
}
