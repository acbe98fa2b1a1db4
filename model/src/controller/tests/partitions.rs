//! Topics, leaders and ISRs.

use super::*;

#[test]
fn the_last_member_stays_in_the_isr_and_brings_the_partition_back() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());

    let facts = desk.pass(Duration::from_secs(9));
    let causes: Vec<_> = facts.iter().filter_map(cause).collect();
    assert_eq!(causes, [ChangeCause::Fenced(b(1)), ChangeCause::Fenced(b(2))]);
    assert_eq!(desk.leader_and_isr(), (None, set(&[2])));

    assert!(!desk.serve(1).is_fenced);
    assert_eq!(desk.leader_and_isr(), (None, set(&[2])), "broker 1 is not in sync");
    assert!(!desk.serve(2).is_fenced);
    assert_eq!(desk.leader_and_isr(), (Some(b(2)), set(&[2])));
    assert_eq!(desk.partition().leader_epoch, LeaderEpoch(3));
}

#[test]
fn an_unclean_election_needs_the_topics_leave() {
    let config = TopicConfig { unclean_leader_election: true, ..TopicConfig::default() };
    let mut desk = Desk::with_topic(2, &[1, 2], config);
    desk.keep_alive(&[1], Duration::from_secs(9));
    assert_eq!(desk.leader_and_isr(), (Some(b(1)), set(&[1])));
    desk.pass(Duration::from_secs(9));
    assert_eq!(desk.leader_and_isr(), (None, set(&[1])));

    desk.serve(2);

    assert_eq!(desk.leader_and_isr(), (Some(b(2)), set(&[2])));
    assert_eq!(desk.partition().recovery, Recovery::Recovering);
    assert_eq!(desk.facts.iter().rev().find_map(cause), Some(ChangeCause::UncleanElection));
}

#[test]
fn a_proposed_isr_is_checked_in_kafkas_order() {
    let mut desk = Desk::with_topic(3, &[1, 2, 3], TopicConfig::default());
    desk.keep_alive(&[1, 2], Duration::from_secs(9));
    let good = |isr: &[u8]| IsrProposal {
        partition: PARTITION,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(1),
        isr: isr.iter().map(|&id| (b(id), None)).collect(),
    };
    let with = |change: &dyn Fn(&mut IsrProposal)| {
        let mut proposal = good(&[1]);
        change(&mut proposal);
        proposal
    };
    let elsewhere = |topic, partition| TopicPartition { topic: TopicId(topic), partition };
    let cases = [
        (1, with(&|one| one.partition = elsewhere(9, 0)), ErrorCode::UnknownTopicId),
        (1, with(&|one| one.partition = elsewhere(0, 9)), ErrorCode::UnknownTopicOrPartition),
        (1, with(&|one| one.leader_epoch = LeaderEpoch(1)), ErrorCode::NotController),
        (1, with(&|one| one.partition_epoch = PartitionEpoch(2)), ErrorCode::NotController),
        (2, good(&[2]), ErrorCode::InvalidRequest),
        (1, with(&|one| one.partition_epoch = PartitionEpoch(0)), ErrorCode::InvalidUpdateVersion),
        (1, good(&[2]), ErrorCode::InvalidRequest),
        (1, good(&[1, 1]), ErrorCode::InvalidRequest),
        (1, good(&[1, 4]), ErrorCode::InvalidRequest),
        (1, good(&[1, 3]), ErrorCode::IneligibleReplica),
        (1, with(&|one| one.isr[0].1 = Some(BrokerEpoch(99))), ErrorCode::IneligibleReplica),
    ];
    for (proposer, proposal, error) in cases {
        let outcome = desk.propose(proposer, proposal.clone());

        assert_eq!(outcome.map(|accepted| accepted.isr), Err(error), "{proposer} {proposal:?}");
    }

    let accepted = desk.propose(1, good(&[1])).expect("nothing speaks against it");

    assert_eq!(accepted.isr, set(&[1]));
    assert_eq!(accepted.partition_epoch, PartitionEpoch(2));
    assert_eq!(accepted.leader_epoch, LeaderEpoch(0), "an ISR alone does not raise it");
    assert_eq!(desk.leader_and_isr(), (Some(b(1)), set(&[1])));
}

#[test]
fn a_deposed_leader_is_fenced_by_its_epoch() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.keep_alive(&[2], Duration::from_secs(9));
    desk.serve(1);
    let proposal = IsrProposal {
        partition: PARTITION,
        leader_epoch: LeaderEpoch(0),
        partition_epoch: PartitionEpoch(0),
        isr: vec![(b(1), None)],
    };

    assert_eq!(desk.propose(1, proposal), Err(ErrorCode::FencedLeaderEpoch));
}

#[test]
fn topics_that_cannot_be_created_are_refused() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.register(3, 1).expect("nobody else is there");
    let counts = |partitions, replicas| TopicLayout::Counts {
        partitions: Some(partitions),
        replicas: Some(replicas),
    };
    let manual = |replicas: &[&[u8]]| {
        TopicLayout::Manual(
            replicas.iter().map(|ids| ids.iter().copied().map(b).collect()).collect(),
        )
    };
    let cases = [
        ("a b", counts(1, 1), Err(ErrorCode::InvalidTopicException)),
        ("topic.0", counts(1, 1), Err(ErrorCode::TopicAlreadyExists)),
        ("topic_0", counts(1, 1), Err(ErrorCode::InvalidTopicException)),
        ("a", counts(0, 1), Err(ErrorCode::InvalidPartitions)),
        ("a", counts(1, 0), Err(ErrorCode::InvalidReplicationFactor)),
        ("a", counts(1, 4), Err(ErrorCode::InvalidReplicationFactor)),
        ("a", manual(&[]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[]]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[1, 1]]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[1, 9]]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[1, 2], &[1]]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[3]]), Err(ErrorCode::InvalidReplicaAssignment)),
        ("a", manual(&[&[3, 2], &[2, 1]]), Ok(())),
    ];
    for (name, layout, expected) in cases {
        let outcome = desk.create(7, name, layout.clone(), TopicConfig::default());

        assert_eq!(outcome, expected, "{name} {layout:?}");
    }
    let first = &desk.controller.image().topics[&TopicId(7)].partitions[0];
    assert_eq!((first.leader, first.isr), (Some(b(2)), set(&[2])), "broker 3 is fenced");

    let config = TopicConfig { min_insync_replicas: 0, ..TopicConfig::default() };
    assert_eq!(desk.create(8, "b", counts(1, 1), config), Err(ErrorCode::InvalidConfig));
    let refused = Fact::AdminRefused { topic: TopicId(8), error: ErrorCode::InvalidConfig };
    assert_eq!(desk.facts.last(), Some(&refused));
    assert_eq!(desk.create(8, "b", counts(6, 2), TopicConfig::default()), Ok(()));
    assert_eq!(desk.controller.image().topics[&TopicId(8)].partitions.len(), 6);
}

#[test]
fn topics_of_one_request_must_differ() {
    let mut desk = Desk::with_brokers(1);
    let topic = |id, name: &str| NewTopic {
        id: TopicId(id),
        name: name.into(),
        layout: TopicLayout::Counts { partitions: None, replicas: None },
        config: TopicConfig::default(),
    };
    let topics = vec![topic(1, "a"), topic(2, "a"), topic(3, "b.c"), topic(4, "b_c")];

    let reply = desk.ask(1, Request::CreateTopics(CreateTopicsRequest { topics }));

    let expected = vec![
        (TopicId(1), Err(ErrorCode::InvalidRequest)),
        (TopicId(2), Err(ErrorCode::InvalidRequest)),
        (TopicId(3), Ok(())),
        (TopicId(4), Err(ErrorCode::InvalidTopicException)),
    ];
    assert_eq!(reply, Some(Response::CreateTopics(CreateTopicsReply { topics: expected })));
}

#[test]
fn leaders_are_elected_on_an_operators_word() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    let unknown = TopicPartition { topic: TopicId(9), partition: 0 };
    let preferred = ElectionKind::Preferred;
    assert_eq!(desk.elect(preferred, unknown), Err(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(desk.elect(preferred, PARTITION), Err(ErrorCode::ElectionNotNeeded));
    assert_eq!(desk.elect(ElectionKind::Unclean, PARTITION), Err(ErrorCode::ElectionNotNeeded));

    desk.keep_alive(&[2], Duration::from_secs(9));
    assert_eq!(desk.elect(preferred, PARTITION), Err(ErrorCode::PreferredLeaderNotAvailable));
    desk.pass(Duration::from_secs(9));
    let unclean = ElectionKind::Unclean;
    assert_eq!(desk.elect(unclean, PARTITION), Err(ErrorCode::EligibleLeadersNotAvailable));
    desk.serve(1);
    assert_eq!(desk.leader_and_isr(), (None, set(&[2])));
    assert_eq!(desk.elect(unclean, PARTITION), Ok(()), "whatever the topic says");
    assert_eq!(desk.leader_and_isr(), (Some(b(1)), set(&[1])));
}

#[test]
fn the_preferred_leader_comes_back_by_itself() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.keep_alive(&[2], Duration::from_secs(9));
    desk.serve(1);
    let PartitionEpoch(epoch) = desk.partition().partition_epoch;
    let joined = IsrProposal {
        partition: PARTITION,
        leader_epoch: LeaderEpoch(1),
        partition_epoch: PartitionEpoch(epoch),
        isr: vec![(b(1), None), (b(2), None)],
    };
    desk.propose(2, joined).expect("broker 1 is back");

    desk.keep_alive(&[1, 2], Duration::from_millis(290_999));
    assert_eq!(desk.partition().leader, Some(b(2)));
    desk.keep_alive(&[1, 2], Duration::from_millis(1));

    assert_eq!(desk.partition().leader, Some(b(1)));
    assert_eq!(desk.facts.iter().rev().find_map(cause), Some(ChangeCause::PreferredElection));
}

#[test]
fn a_topic_that_comes_to_allow_it_is_led_uncleanly_in_the_end() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.pass(Duration::from_secs(9));
    desk.serve(1);
    let config = TopicConfig { unclean_leader_election: true, ..TopicConfig::default() };
    let record = MetadataRecord::TopicConfigChange { id: TopicId(0), config };
    let allowed = Decision { records: vec![record], cause: None, reply: () };
    desk.turn(|controller, turn| controller.commit(allowed, turn));

    desk.keep_alive(&[1], Duration::from_millis(290_999));
    assert_eq!(desk.leader_and_isr(), (None, set(&[2])));
    desk.keep_alive(&[1], Duration::from_millis(1));

    assert_eq!(desk.leader_and_isr(), (Some(b(1)), set(&[1])));
}

#[test]
fn partitions_are_added_as_those_of_a_new_topic_are_placed_and_never_taken_away() {
    let mut desk = Desk::with_topic(3, &[1, 2], TopicConfig::default());
    let add = |desk: &mut Desk, topic, count| {
        let request = CreatePartitionsRequest { topic: TopicId(topic), count };
        let Some(Response::CreatePartitions(reply)) =
            desk.ask(1, Request::CreatePartitions(request))
        else {
            panic!("another answer than expected");
        };
        reply.done
    };

    assert_eq!(add(&mut desk, 7, 3), Err(ErrorCode::UnknownTopicOrPartition));
    assert_eq!(add(&mut desk, 0, 1), Err(ErrorCode::InvalidPartitions));
    desk.facts.clear();
    assert_eq!(add(&mut desk, 0, 4), Ok(()));
    assert_eq!(add(&mut desk, 0, 3), Err(ErrorCode::InvalidPartitions));

    let created = |fact: &&Fact| cause(fact) == Some(ChangeCause::Created);
    assert_eq!(desk.facts.iter().filter(created).count(), 3);
    let refused = Fact::AdminRefused { topic: TopicId(0), error: ErrorCode::InvalidPartitions };
    assert_eq!(desk.facts.last(), Some(&refused));
    let partitions = &desk.controller.image().topics[&TopicId(0)].partitions;
    assert_eq!(partitions.len(), 4);
    assert_eq!(partitions[0].replicas, [b(1), b(2)]);
    let leaders: ReplicaSet = partitions[1..].iter().filter_map(|added| added.leader).collect();
    assert_eq!(leaders, set(&[1, 2, 3]));
    assert!(partitions.iter().all(|added| added.isr.len() == 2));
}
