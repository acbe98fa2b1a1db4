//! Registrations, sessions, shutdowns, and what only a registered broker gets.

use super::*;

#[test]
fn a_killed_broker_waits_for_its_own_session() {
    let mut desk = Desk::with_brokers(1);
    let epoch = desk.epoch(1);

    assert_eq!(desk.register(1, 1), Ok(epoch), "the same life keeps its epoch");
    assert_eq!(desk.register(1, 2), Err(ErrorCode::DuplicateBrokerRegistration));
    desk.pass(Duration::from_millis(8_999));
    assert_eq!(desk.register(1, 2), Err(ErrorCode::DuplicateBrokerRegistration));
    desk.pass(Duration::from_millis(1));
    let renewed = desk.register(1, 2).expect("the session is over");

    assert!(epoch < renewed);
    assert!(desk.controller.image().brokers[&b(1)].fenced);
    assert_eq!(desk.heartbeat_with(1, epoch, Wish::Serve), Err(ErrorCode::StaleBrokerEpoch));
}

/// A broker that recovers its logs is fenced, and alive (KAFKA-17793).
#[test]
fn a_fenced_broker_keeps_its_registration_from_the_first_heartbeat_on() {
    let mut desk = Desk::started();
    let first = desk.register(1, 1).expect("nobody else is there");
    let second = desk.register(1, 2).expect("the first one was never heard of");
    let recovering = HeartbeatRequest {
        broker: b(1),
        epoch: second,
        metadata_offset: None,
        want_fence: true,
        want_shutdown: false,
    };
    assert!(desk.heartbeat_raw(recovering.clone()).expect("the epoch is current").is_fenced);

    assert!(first < second);
    assert_eq!(desk.register(1, 3), Err(ErrorCode::DuplicateBrokerRegistration));
    let facts = desk.pass(Duration::from_secs(9));
    assert_eq!(facts, [], "nobody is fenced twice");
    let third = desk.register(1, 3).expect("the session is over");

    let leaving = HeartbeatRequest { epoch: third, want_shutdown: true, ..recovering };
    assert!(desk.heartbeat_raw(leaving).expect("the epoch is current").should_shut_down);
    assert!(desk.register(1, 4).is_ok(), "it said that it goes");
}

#[test]
fn a_life_that_ends_as_the_next_one_registers_is_fenced_first() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.keep_alive(&[2], Duration::from_secs(8));
    desk.now += Duration::from_secs(1);

    let epoch = desk.register(1, 2).expect("the session is over");

    assert_eq!(desk.epoch(1), epoch);
    assert_eq!(desk.leader_and_isr(), (Some(b(2)), set(&[2])));
    let fenced = Fact::BrokerFenced { broker: b(1) };
    let registered = Fact::BrokerRegistered { broker: b(1), epoch };
    assert!(desk.facts.ends_with(&[fenced, registered]));
}

#[test]
fn a_broker_is_unfenced_once_it_has_its_registration() {
    let mut desk = Desk::started();
    let epoch = desk.register(1, 1).expect("nobody else is there");
    let mut wish = |offset: Option<u64>, want_fence| {
        let heartbeat = HeartbeatRequest {
            broker: b(1),
            epoch,
            metadata_offset: offset.map(MetadataOffset),
            want_fence,
            want_shutdown: false,
        };
        desk.heartbeat_raw(heartbeat).expect("the epoch is current")
    };

    assert!(wish(None, false).is_fenced);
    assert!(wish(Some(epoch.0), true).is_fenced);
    assert!(wish(Some(epoch.0), true).is_caught_up);
    assert!(!wish(Some(epoch.0), false).is_fenced);
}

#[test]
fn a_silent_broker_is_fenced_at_its_deadline_and_loses_its_leaderships_first() {
    let mut desk = Desk::with_topic(3, &[1, 2, 3], TopicConfig::default());
    desk.keep_alive(&[2, 3], Duration::from_millis(8_999));
    assert!(desk.controller.image().is_active(b(1)));

    let facts = desk.pass(Duration::from_millis(1));

    let moved = Fact::PartitionChanged {
        partition: PARTITION,
        leader: (Some(b(1)), Some(b(2))),
        leader_epoch: LeaderEpoch(1),
        isr: (set(&[1, 2, 3]), set(&[2, 3])),
        partition_epoch: PartitionEpoch(1),
        cause: ChangeCause::Fenced(b(1)),
    };
    assert_eq!(facts, [moved, Fact::BrokerFenced { broker: b(1) }]);
}

#[test]
fn a_broker_leaves_when_all_others_know() {
    let mut desk = Desk::with_topic(3, &[1, 2, 3], TopicConfig::default());

    let leaving = desk.heartbeat(1, Wish::Leave);
    assert!(!leaving.should_shut_down);
    assert_eq!(desk.leader_and_isr(), (Some(b(2)), set(&[2, 3])));
    assert_eq!(
        desk.facts.iter().rev().find_map(cause),
        Some(ChangeCause::ControlledShutdown(b(1)))
    );

    desk.serve(2);
    assert!(!desk.heartbeat(1, Wish::Leave).should_shut_down, "broker 3 has not heard of it");
    desk.serve(3);
    let told = desk.heartbeat(1, Wish::Leave);
    assert!(told.should_shut_down);
    assert!(told.is_fenced);
}

#[test]
fn producer_ids_come_in_blocks_of_a_thousand() {
    let mut desk = Desk::with_brokers(1);
    let epoch = desk.epoch(1);
    let mut allocate = |epoch| {
        let request = BrokerRequest { broker: b(1), epoch, body: () };
        match desk.ask(1, Request::AllocateProducerIds(request)) {
            Some(Response::AllocateProducerIds(reply)) => reply.block,
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(allocate(epoch), Ok(ProducerId(0)));
    assert_eq!(allocate(epoch), Ok(ProducerId(1_000)));
    assert_eq!(allocate(BrokerEpoch(99)), Err(ErrorCode::StaleBrokerEpoch));
}

#[test]
fn a_restarted_controller_knows_the_same_and_gives_fresh_sessions() {
    let mut desk = Desk::with_topic(2, &[1, 2], TopicConfig::default());
    desk.pass(Duration::from_secs(8));
    let image = desk.controller.image().clone();

    let log = desk.controller.clone().into_log();
    desk.controller = Controller::restart(1, ControllerConfig::default(), Rules::default(), log);
    assert_eq!(desk.controller.image(), &image);
    let facts = desk.start();
    assert_eq!(facts, [Fact::ControllerStarted { records: image.next.0 }]);

    desk.pass(Duration::from_millis(8_999));
    assert!(desk.controller.image().is_active(b(1)));
    desk.pass(Duration::from_millis(1));
    assert!(!desk.controller.image().is_active(b(1)));
}
