use super::*;
use crate::client::stage::{Sent, Stage};
use crate::ids::{LeaderEpoch, TopicPartition};
use crate::message::ErrorCode;
use crate::message::data::{CurrentLeader, MetadataReply, PartitionMetadata};

const TOPIC: TopicId = TopicId(7);
const TP: TopicPartition = TopicPartition { topic: TOPIC, partition: 0 };

#[test]
fn the_first_turn_connects_and_the_first_request_is_for_metadata() {
    let (mut link, mut stage) = connected();

    let asked = only_request(&mut stage);

    assert_eq!(topics_of(&asked), [TOPIC]);
    assert!(link.is_ready(asked.broker(), stage.now), "one in flight of five");
    answer(&mut link, &mut stage, &asked, reply(3, Some(1)));
    assert_eq!(link.metadata().leader(TP), Some(leader(1, 3)));
    assert_eq!(link.metadata().partition_count(TOPIC), Some(1));
}

#[test]
fn no_broker_is_ready_while_an_update_is_due() {
    let (mut link, mut stage) = informed(3);

    link.request_update();
    assert!(link.is_ready(BrokerId(1), stage.now), "the back-off holds it back");
    stage.now = link.next_deadline().expect("an update is due some time");

    assert!(!link.is_ready(BrokerId(1), stage.now));
    assert!(link.on_deadline(&mut stage.turn()).is_empty());
    assert!(link.is_ready(BrokerId(1), stage.now));
    assert_eq!(topics_of(&only_request(&mut stage)), [TOPIC]);
}

#[test]
fn a_new_topic_is_asked_for_alone_and_without_back_off() {
    let (mut link, mut stage) = informed(3);

    link.add_topic(TopicId(8));
    let events = link.on_deadline(&mut stage.turn());

    assert_eq!(events, []);
    assert_eq!(topics_of(&only_request(&mut stage)), [TopicId(8)]);
}

#[test]
fn older_leader_epochs_are_ignored() {
    let (mut link, mut stage) = informed(3);

    update(&mut link, &mut stage, reply(2, Some(2)));
    assert_eq!(link.metadata().leader(TP), Some(leader(1, 3)));
    update(&mut link, &mut stage, reply(4, Some(2)));

    assert_eq!(link.metadata().leader(TP), Some(leader(2, 4)));
}

#[test]
fn a_leader_that_is_not_available_is_asked_for_again() {
    let (mut link, mut stage) = informed(3);

    update(&mut link, &mut stage, reply(4, None));

    assert_eq!(link.metadata().leader(TP), None);
    assert_eq!(link.metadata().leader_epoch(TP), Some(LeaderEpoch(4)));
    let wait = link.next_deadline().expect("an update is due") - stage.now;
    assert!(wait <= Duration::from_millis(120), "{wait}");
}

#[test]
fn a_missing_topic_is_unknown_and_asked_for_again() {
    let (mut link, mut stage) = informed(3);

    let missing = (TOPIC, Err(ErrorCode::UnknownTopicOrPartition));
    update(&mut link, &mut stage, MetadataReply { brokers: brokers(), topics: vec![missing] });

    assert_eq!(link.metadata().partition_count(TOPIC), None);
    assert_eq!(link.metadata().leader(TP), None);
    let wait = link.next_deadline().expect("an update is due") - stage.now;
    assert!(wait <= Duration::from_millis(120), "{wait}");
}

#[test]
fn replies_that_teach_nothing_are_waited_for_longer_and_longer() {
    let (mut link, mut stage) = informed(3);
    let mut waits = Vec::new();

    for _ in 0..6 {
        link.request_update();
        let due = link.next_deadline().expect("an update is due");
        waits.push((due - stage.now).as_millis());
        update(&mut link, &mut stage, reply(3, Some(1)));
    }

    // After the first reply only the plain pause applies: it taught a topic.
    let bounds = [(80, 120), (80, 120), (160, 240), (320, 480), (640, 960), (800, 1_000)];
    for (wait, (low, high)) in waits.iter().zip(bounds) {
        assert!((low..=high).contains(wait), "{waits:?}");
    }
}

#[test]
fn metadata_is_fetched_again_when_it_is_old() {
    let (mut link, mut stage) = informed(3);

    assert_eq!(link.next_deadline(), Some(stage.now + Duration::from_secs(300)));
    stage.now += Duration::from_secs(300);
    link.on_deadline(&mut stage.turn());

    assert_eq!(topics_of(&only_request(&mut stage)), [TOPIC]);
}

#[test]
fn a_reply_without_brokers_counts_as_a_failure() {
    let (mut link, mut stage) = informed(3);

    let version = link.metadata().version();
    update(&mut link, &mut stage, MetadataReply { brokers: vec![], topics: vec![] });

    assert_eq!(link.metadata().version(), version);
    assert_eq!(link.metadata().leader(TP), Some(leader(1, 3)));
}

#[test]
fn a_hint_is_believed_only_if_it_is_newer_and_its_broker_known() {
    let (mut link, _) = informed(3);
    let metadata = link.metadata_mut();
    let version = metadata.version();

    assert!(!metadata.learn_leader(TP, leader(2, 3)), "not newer");
    assert!(!metadata.learn_leader(TP, leader(9, 4)), "not a known broker");
    assert!(metadata.learn_leader(TP, leader(2, 4)));

    assert_eq!(metadata.leader(TP), Some(leader(2, 4)));
    assert_eq!(metadata.version(), version + 1);
}

#[test]
fn an_epoch_seen_elsewhere_makes_the_leader_unknown() {
    let (mut link, stage) = informed(3);

    assert!(!link.metadata_mut().see_epoch(TP, LeaderEpoch(3)));
    assert!(link.metadata_mut().see_epoch(TP, LeaderEpoch(5)));

    assert_eq!(link.metadata().leader(TP), None);
    assert!(link.next_deadline().expect("due") - stage.now <= Duration::from_millis(120));
}

#[test]
fn one_late_request_loses_all_that_are_in_flight() {
    let (mut link, mut stage) = informed(3);
    let broker = BrokerId(1);
    link.connect(broker, &mut stage.turn());
    open_all(&mut link, &mut stage);
    link.send(broker, Request::InitProducerId(()), 'a', &mut stage.turn());
    stage.now += Duration::from_secs(1);
    link.send(broker, Request::InitProducerId(()), 'b', &mut stage.turn());
    assert_eq!(link.pending(broker).collect::<Vec<_>>(), [&'a', &'b']);

    stage.now += Duration::from_secs(29);
    let events = link.on_deadline(&mut stage.turn());

    let (requests, cause) = (vec!['a', 'b'], LostCause::TimedOut);
    assert_eq!(events, [LinkEvent::Lost { broker, requests, cause }]);
    let client = link.client();
    assert_eq!(stage.facts(), [Fact::RequestTimedOut { client, broker }]);
    assert!(link.metadata().due_at().is_some_and(|due| due <= stage.now + Duration::from_secs(1)));
}

#[test]
fn a_wish_to_connect_is_granted_after_the_back_off() {
    let mut link: Link<char> = Link::new(ClientId(1), config(), vec![BrokerId(1)]);
    let mut stage = Stage::new();
    link.start(&mut stage.turn());
    let first = stage.connects()[0];
    link.on_connection(first, ConnectionEvent::Refused, &mut stage.turn());

    link.connect(BrokerId(1), &mut stage.turn());
    assert_eq!(stage.connects(), [], "held back");
    let wait = link.next_deadline().expect("the back-off ends") - stage.now;
    stage.now += wait;
    link.on_deadline(&mut stage.turn());

    assert!((40..=60).contains(&wait.as_millis()), "{wait}");
    assert_eq!(stage.connects().len(), 1);
}

#[test]
fn the_broker_with_fewest_requests_in_flight_is_asked() {
    let (mut link, mut stage) = informed(3);
    for broker in [BrokerId(1), BrokerId(2), BrokerId(3)] {
        link.connect(broker, &mut stage.turn());
    }
    open_all(&mut link, &mut stage);
    link.send(BrokerId(1), Request::InitProducerId(()), 'a', &mut stage.turn());
    link.send(BrokerId(3), Request::InitProducerId(()), 'b', &mut stage.turn());

    for _ in 0..10 {
        assert_eq!(link.least_loaded(&mut stage.turn()), Some(BrokerId(2)));
    }
}

#[test]
fn bootstrap_brokers_are_asked_when_no_known_one_is_connected() {
    let (mut link, mut stage) = informed(3);
    update(&mut link, &mut stage, MetadataReply { brokers: vec![BrokerId(9)], topics: vec![] });

    let open: Vec<_> = link.peers.keys().copied().collect();
    for broker in open {
        let lost =
            link.peers.get_mut(&broker).expect("a peer").channel.disconnect(&mut stage.turn());
        link.take_in(broker, lost, LostCause::Disconnected, &mut stage.turn());
    }

    assert!(link.askable().contains(BrokerId(1)));
    assert!(link.askable().contains(BrokerId(9)));
}

fn config() -> LinkConfig {
    LinkConfig::from(&ProducerConfig::default())
}

fn brokers() -> Vec<BrokerId> {
    vec![BrokerId(1), BrokerId(2), BrokerId(3)]
}

fn leader(broker: u8, epoch: u32) -> CurrentLeader {
    CurrentLeader { leader: BrokerId(broker), epoch: LeaderEpoch(epoch) }
}

fn reply(epoch: u32, leader: Option<u8>) -> MetadataReply {
    let partition = PartitionMetadata {
        leader: leader.map(BrokerId),
        leader_epoch: LeaderEpoch(epoch),
        replicas: brokers(),
    };
    MetadataReply { brokers: brokers(), topics: vec![(TOPIC, Ok(vec![partition]))] }
}

/// A link whose first connection is open.
fn connected() -> (Link<char>, Stage) {
    let mut link = Link::new(ClientId(1), config(), brokers());
    let mut stage = Stage::new();
    link.add_topic(TOPIC);
    link.start(&mut stage.turn());
    open_all(&mut link, &mut stage);
    (link, stage)
}

/// A link that knows broker 1 to lead the partition in `epoch`.
fn informed(epoch: u32) -> (Link<char>, Stage) {
    let (mut link, mut stage) = connected();
    let asked = only_request(&mut stage);
    answer(&mut link, &mut stage, &asked, reply(epoch, Some(1)));
    (link, stage)
}

/// Waits for the next update and answers it.
fn update(link: &mut Link<char>, stage: &mut Stage, reply: MetadataReply) {
    link.request_update();
    stage.now = stage.now.max(link.next_deadline().expect("an update is due"));
    link.on_deadline(&mut stage.turn());
    let asked = only_request(stage);
    answer(link, stage, &asked, reply);
}

fn open_all(link: &mut Link<char>, stage: &mut Stage) {
    for connection in stage.connects() {
        link.on_connection(connection, ConnectionEvent::Opened, &mut stage.turn());
    }
}

fn answer(link: &mut Link<char>, stage: &mut Stage, asked: &Sent, reply: MetadataReply) {
    let message = Message::Response(asked.correlation, Response::Metadata(reply));
    link.on_message(asked.connection, message, &mut stage.turn());
}

fn only_request(stage: &mut Stage) -> Sent {
    let mut requests = stage.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

fn topics_of(sent: &Sent) -> Vec<TopicId> {
    match &sent.request {
        Request::Metadata(request) => request.topics.clone().expect("some topics"),
        other => panic!("not a metadata request: {other:?}"),
    }
}
