//! Tests of the whole producer: a rig answers metadata and producer ids, the test answers
//! the rest.

use proptest::prelude::{prop, prop_assert, prop_assert_eq, proptest};

use super::*;
use crate::client::stage::{Sent, Stage};
use crate::ids::{LeaderEpoch, Offset, ProducerEpoch, ProducerId};
use crate::message::data::{
    CurrentLeader, InitProducerIdReply, MetadataReply, PartitionMetadata, ProduceOutcome,
    ProduceReply, ProduceRequest,
};
use crate::message::{Request, Response};
use crate::time::{Duration, Timestamp};
use crate::turn::Effect;

const TOPIC: TopicId = TopicId(0);

#[test]
fn settings_that_forbid_idempotence_switch_it_off_unless_it_was_asked_for() {
    let conflicts = [
        (ProducerConfig { retries: 0, ..ProducerConfig::default() }, ProducerConfigError::Retries),
        (
            ProducerConfig { acks: Acks::Leader, ..ProducerConfig::default() },
            ProducerConfigError::Acks,
        ),
        (
            ProducerConfig { in_flight_max: 6, ..ProducerConfig::default() },
            ProducerConfigError::InFlight,
        ),
    ];
    let make = |config| Producer::new(ClientId(1), config, vec![BrokerId(1)]);

    assert!(make(ProducerConfig::default()).is_ok_and(|producer| producer.is_idempotent()));
    for (mut config, error) in conflicts {
        assert!(make(config.clone()).is_ok_and(|producer| !producer.is_idempotent()));

        config.idempotence = Wish::On;
        assert_eq!(make(config), Err(error));
    }
}

#[test]
fn a_lone_record_leaves_after_linger_to_the_microsecond() {
    let mut rig = Rig::new(ProducerConfig::default());

    rig.send(0);
    assert_eq!(rig.producer.next_deadline(), Some(rig.stage.now + Duration::from_millis(5)));
    rig.advance(Duration(4_999));
    assert_eq!(rig.produced.len(), 0);
    rig.advance(Duration(1));

    assert_eq!(rig.produced.len(), 1);
}

#[test]
fn a_success_completes_each_record_with_the_offset_of_the_first() {
    let mut rig = Rig::new(ProducerConfig::default());

    rig.send(0);
    rig.send(1);
    rig.advance(Duration::from_millis(5));
    rig.answer(0, ErrorCode::None, Some(7));

    let uids = vec![Uid(0), Uid(1)];
    assert_eq!(rig.outcomes, [(uids, SendOutcome::Acknowledged(Some(Offset(7))))]);
    assert!(rig.producer.undecided().is_empty());
}

#[test]
fn a_send_without_metadata_blocks_until_it_comes_or_its_time_is_over() {
    for (answers, expected) in [(true, None), (false, Some(ErrorCode::RequestTimedOut))] {
        let mut rig = Rig::unstarted(ProducerConfig::default());
        rig.knows_topic = answers;
        rig.start();

        assert_eq!(rig.call_send(0, None), Sending::Blocked);
        assert_eq!(rig.producer.undecided(), [Uid(0)]);
        rig.advance(Duration::from_secs(60));

        assert!(rig.returned.contains(&Returned::Unblocked(Uid(0))));
        let failures: Vec<_> = rig.outcomes.iter().map(|(_, outcome)| *outcome).collect();
        assert_eq!(failures, Vec::from_iter(expected.map(SendOutcome::Failed)));
    }
}

#[test]
fn a_record_for_a_partition_that_never_appears_fails_after_max_block() {
    let mut rig = Rig::new(ProducerConfig::default());

    assert_eq!(rig.call_send(0, Some(9)), Sending::Blocked);
    rig.advance(Duration::from_secs(60));

    let outcome = SendOutcome::Failed(ErrorCode::RequestTimedOut);
    assert_eq!(rig.outcomes, [(vec![Uid(0)], outcome)]);
}

#[test]
fn a_send_without_memory_blocks_until_an_outcome_gives_some_back() {
    let config =
        ProducerConfig { batch_bytes: 1_000, buffer_bytes: 1_500, ..ProducerConfig::default() };
    let mut rig = Rig::new(config);

    rig.send(0);
    assert_eq!(rig.call_send(1, Some(1)), Sending::Blocked);
    assert_eq!(rig.produced.len(), 1, "whoever waits for memory makes everything leave");
    rig.answer(0, ErrorCode::None, Some(0));

    assert!(rig.returned.contains(&Returned::Unblocked(Uid(1))));
    assert_eq!(rig.producer.undecided(), [Uid(1)]);
}

#[test]
fn a_record_larger_than_a_request_fails_at_once() {
    let config = ProducerConfig { request_bytes_max: 80, ..ProducerConfig::default() };
    let mut rig = Rig::new(config);

    rig.send(0);

    let outcome = SendOutcome::Failed(ErrorCode::MessageTooLarge);
    assert_eq!(rig.outcomes, [(vec![Uid(0)], outcome)]);
}

#[test]
fn without_acks_a_record_is_acknowledged_as_it_leaves() {
    let mut rig = Rig::new(ProducerConfig { acks: Acks::None, ..ProducerConfig::default() });

    rig.send(0);
    rig.advance(Duration::from_millis(5));

    assert_eq!(rig.produced.len(), 1);
    assert_eq!(rig.outcomes, [(vec![Uid(0)], SendOutcome::Acknowledged(None))]);
}

#[test]
fn flush_does_not_linger_and_returns_with_the_last_outcome() {
    let mut rig = Rig::new(ProducerConfig::default());
    rig.send(0);

    rig.call(Producer::flush);
    assert_eq!(rig.produced.len(), 1);
    assert!(!rig.returned.contains(&Returned::Flushed));
    rig.answer(0, ErrorCode::None, Some(0));

    assert_eq!(rig.returned.last(), Some(&Returned::Flushed));
}

#[test]
fn close_brings_what_was_accepted_to_an_outcome_and_takes_no_more() {
    let mut rig = Rig::new(ProducerConfig::default());
    rig.send(0);

    rig.call(Producer::close);
    rig.send(1);
    rig.answer(0, ErrorCode::None, Some(0));

    let refused = (vec![Uid(1)], SendOutcome::Failed(ErrorCode::UnknownServerError));
    let done = (vec![Uid(0)], SendOutcome::Acknowledged(Some(Offset(0))));
    assert_eq!(rig.outcomes, [refused, done]);
    assert_eq!(rig.returned.last(), Some(&Returned::Closed));
    assert_eq!(rig.producer.next_deadline(), None);
}

#[test]
fn what_expires_is_certainly_absent_only_if_no_attempt_can_have_arrived() {
    let timeout = ErrorCode::RequestTimedOut;
    // answers to the attempts before the end; outcome
    let cases = [
        (vec![], SendOutcome::Unknown(timeout)),
        (vec![ErrorCode::NotEnoughReplicas], SendOutcome::Failed(timeout)),
        (vec![ErrorCode::NotLeaderOrFollower], SendOutcome::Unknown(timeout)),
        (
            vec![ErrorCode::NotLeaderOrFollower, ErrorCode::NotEnoughReplicas],
            SendOutcome::Unknown(timeout),
        ),
    ];

    for (answers, expected) in cases {
        let config = ProducerConfig {
            delivery_timeout: Duration::from_secs(20),
            retry_backoff: Duration::from_secs(8),
            retry_backoff_max: Duration::from_secs(8),
            ..ProducerConfig::default()
        };
        let mut rig = Rig::new(config);
        rig.send(0);
        rig.advance(Duration::from_secs(2));
        for (attempt, &error) in answers.iter().enumerate() {
            if attempt + 1 == answers.len() {
                let late = Duration::from_secs(13 - 2); // the next attempt would come too late
                rig.advance(late);
            }
            rig.answer(attempt, error, None);
            rig.advance(Duration::from_millis(1));
        }
        rig.advance(Duration::from_secs(20));
        assert_eq!(rig.produced.len(), answers.len().max(1));
        assert_eq!(rig.outcomes, [(vec![Uid(0)], expected)], "{answers:?}");
    }
}

#[test]
fn a_definite_refusal_fails_and_the_same_after_a_timeout_is_unknown() {
    let mut rig = Rig::new(ProducerConfig::default());
    rig.send(0);
    rig.advance(Duration::from_millis(5));
    rig.answer(0, ErrorCode::InvalidRecord, None);
    rig.send(1);
    rig.advance(Duration::from_millis(5));
    rig.answer(1, ErrorCode::RequestTimedOut, None);
    rig.advance(Duration::from_millis(200));
    rig.answer(2, ErrorCode::InvalidRecord, None);

    let outcomes: Vec<_> = rig.outcomes.iter().map(|(_, outcome)| *outcome).collect();
    let error = ErrorCode::InvalidRecord;
    assert_eq!(outcomes, [SendOutcome::Failed(error), SendOutcome::Unknown(error)]);
}

#[test]
fn a_request_without_answer_costs_the_connection_and_is_sent_again() {
    let mut rig = Rig::new(ProducerConfig::default());
    rig.send(0);

    rig.advance(Duration::from_millis(5));
    rig.advance(Duration::from_secs(30));
    rig.advance(Duration::from_secs(2));

    assert_eq!(rig.produced.len(), 2);
    let (first, second) = (rig.batch(0), rig.batch(1));
    assert!(Arc::ptr_eq(&first, &second), "a retry sends the same batch");
}

#[test]
fn a_hint_at_the_new_leader_ends_the_back_off() {
    let config =
        ProducerConfig { retry_backoff: Duration::from_millis(900), ..ProducerConfig::default() };
    let mut rig = Rig::new(config);
    rig.send(0);
    rig.advance(Duration::from_millis(5));

    let hint = CurrentLeader { leader: BrokerId(2), epoch: LeaderEpoch(1) };
    rig.leader = Some(hint);
    rig.answer_with(0, ErrorCode::NotLeaderOrFollower, None, Some(hint));
    rig.advance(Duration::from_millis(1));

    assert_eq!(rig.produced.len(), 2);
    assert_eq!(rig.produced[1].broker(), BrokerId(2));
}

#[test]
fn one_request_in_flight_mutes_the_partition_until_its_answer() {
    let config = ProducerConfig { in_flight_max: 1, ..ProducerConfig::default() };
    let mut rig = Rig::new(config);
    rig.send(0);
    rig.advance(Duration::from_millis(5));
    rig.send(1);
    rig.advance(Duration::from_millis(50));
    assert_eq!(rig.produced.len(), 1);

    rig.answer(0, ErrorCode::None, Some(0));

    assert_eq!(rig.produced.len(), 2);
}

#[test]
fn a_batch_that_is_too_large_is_split_and_flush_waits_for_its_parts() {
    let mut rig = Rig::new(ProducerConfig { batch_bytes: 90, ..ProducerConfig::default() });
    // Its own upper bound lets the first record's batch grow beyond `batch.size`.
    rig.call_send_of(0, 60);
    rig.call_send_of(1, 1);
    assert_eq!(rig.produced.len(), 0);

    rig.call(Producer::flush);
    rig.answer(0, ErrorCode::MessageTooLarge, None);
    rig.answer(1, ErrorCode::None, Some(0));

    assert_eq!(rig.batch(0), rig.batch(1), "a batch within its own limit is split into itself");
    assert_eq!(rig.returned.last(), Some(&Returned::Flushed));
}

#[test]
fn an_id_is_asked_for_again_after_a_pause() {
    let mut rig = Rig::unstarted(ProducerConfig::default());
    rig.identity_error = Some(ErrorCode::CoordinatorLoadInProgress);
    rig.start();
    rig.call_send(0, None);
    rig.advance(Duration::from_millis(50));
    assert_eq!((rig.identities, rig.produced.len()), (1, 0));

    rig.identity_error = None;
    rig.advance(Duration::from_millis(200));

    assert_eq!((rig.identities, rig.produced.len()), (2, 1));
}

proptest! {
    #[test]
    fn every_record_gets_one_outcome_and_an_idempotent_log_gets_each_once_in_order(
        answers in prop::collection::vec(0_u8..8, 0..60),
        records in 1_u32..30,
    ) {
        let config = ProducerConfig { retry_backoff: Duration::ZERO, ..ProducerConfig::default() };
        let mut rig = Rig::new(config);
        let mut log = Log::default();
        let mut answers = answers.into_iter();
        let mut answered = 0;
        for uid in 0..records {
            rig.send(uid);
            rig.advance(Duration::from_millis(u64::from(uid % 3) * 4));
        }
        for _ in 0..500 {
            rig.advance(Duration::from_millis(10));
            if rig.produced.len() <= answered {
                break;
            }
            let (error, base) = log.append(&rig.batch(answered), answers.next().unwrap_or(7));
            rig.answer(answered, error, base);
            answered += 1;
        }

        let mut decided: Vec<_> = rig.outcomes.iter().flat_map(|(uids, _)| uids.clone()).collect();
        decided.sort_unstable();
        prop_assert_eq!(decided, (0..records).map(Uid).collect::<Vec<_>>());
        prop_assert!(rig.producer.undecided().is_empty());
        prop_assert_eq!(log.uids, (0..records).map(Uid).collect::<Vec<_>>());
    }
}

/// A leader's log, reduced to what idempotence needs.
#[derive(Default)]
struct Log {
    uids: Vec<Uid>,
    /// Sequence of the first record and offset of the batches appended.
    batches: Vec<(u32, u64)>,
}

impl Log {
    /// Appends a batch unless the sequence forbids; `chance` loses the request or the answer.
    fn append(&mut self, batch: &crate::log::batch::Batch, chance: u8) -> (ErrorCode, Option<u64>) {
        if chance == 0 {
            return (ErrorCode::NetworkException, None);
        }
        let sequence = batch.producer.expect("numbered").sequence.0;
        let known = self.batches.iter().find(|(first, _)| *first == sequence).map(|it| it.1);
        let next = self.uids.len() as u64;
        let base = match known {
            Some(base) => base,
            None if u64::from(sequence) != next => {
                return (ErrorCode::OutOfOrderSequenceNumber, None);
            }
            None => {
                self.batches.push((sequence, next));
                self.uids.extend(batch.records.list().iter().map(|record| record.uid));
                next
            }
        };
        match chance {
            1 => (ErrorCode::RequestTimedOut, None),
            2 => (ErrorCode::NotLeaderOrFollower, None),
            _ => (ErrorCode::None, Some(base)),
        }
    }
}

/// A producer with a cluster of two brokers that answers all but produce requests.
struct Rig {
    stage: Stage,
    producer: Producer,
    leader: Option<CurrentLeader>,
    knows_topic: bool,
    identity_error: Option<ErrorCode>,
    /// Requests for an id.
    identities: u32,
    /// Produce requests, in order of departure.
    produced: Vec<Sent>,
    returned: Vec<Returned>,
    outcomes: Vec<(Vec<Uid>, SendOutcome)>,
}

impl Rig {
    fn new(config: ProducerConfig) -> Rig {
        let mut rig = Rig::unstarted(config);
        rig.start();
        rig.producer.link.add_topic(TOPIC);
        rig.advance(Duration::from_millis(500));
        rig
    }

    fn unstarted(config: ProducerConfig) -> Rig {
        let producer = Producer::new(ClientId(1), config, vec![BrokerId(1), BrokerId(2)]);
        Rig {
            stage: Stage::new(),
            producer: producer.expect("the settings go together"),
            leader: Some(CurrentLeader { leader: BrokerId(1), epoch: LeaderEpoch(0) }),
            knows_topic: true,
            identity_error: None,
            identities: 0,
            produced: Vec::new(),
            returned: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    fn start(&mut self) {
        self.call(Producer::on_start);
    }

    fn send(&mut self, uid: u32) {
        assert_ne!(self.call_send(uid, Some(0)), Sending::Blocked);
    }

    fn call_send(&mut self, uid: u32, partition: Option<u16>) -> Sending {
        let sending = self.producer.send(TOPIC, partition, record(uid, 10), &mut self.stage.turn());
        self.settle();
        sending
    }

    fn call_send_of(&mut self, uid: u32, value: u32) {
        let record = record(uid, value);
        self.call(|producer, turn| {
            producer.send(TOPIC, Some(0), record, turn);
        });
    }

    fn call(&mut self, method: impl FnOnce(&mut Producer, &mut Turn<'_>)) {
        method(&mut self.producer, &mut self.stage.turn());
        self.settle();
    }

    fn advance(&mut self, length: Duration) {
        let end = self.stage.now + length;
        for _ in 0..10_000 {
            let Some(deadline) = self.producer.next_deadline().filter(|&at| at <= end) else {
                self.stage.now = end;
                return;
            };
            self.stage.now = self.stage.now.max(deadline);
            self.call(Producer::on_deadline);
        }
        panic!("the producer spins at {}", self.stage.now);
    }

    fn batch(&self, place: usize) -> Arc<crate::log::batch::Batch> {
        let Request::Produce(ProduceRequest { partitions, .. }) = &self.produced[place].request
        else {
            panic!("only produce requests are kept");
        };
        Arc::clone(&partitions[0].1)
    }

    fn answer(&mut self, place: usize, error: ErrorCode, base: Option<u64>) {
        self.answer_with(place, error, base, None);
    }

    fn answer_with(
        &mut self,
        place: usize,
        error: ErrorCode,
        base: Option<u64>,
        current_leader: Option<CurrentLeader>,
    ) {
        let Sent { connection, correlation, request } = self.produced[place].clone();
        let Request::Produce(request) = request else { panic!("only produce requests are kept") };
        let outcome = |(partition, _)| ProduceOutcome {
            partition,
            error,
            base_offset: base.map(Offset),
            append_time: None,
            log_start: Offset::ZERO,
            current_leader,
        };
        let partitions = request.partitions.into_iter().map(outcome).collect();
        let response = Response::Produce(ProduceReply { partitions });
        let message = Message::Response(correlation, response);
        self.call(|producer, turn| producer.on_message(connection, message, turn));
        self.advance(Duration::ZERO);
    }

    /// Plays the cluster until nothing more leaves the producer.
    fn settle(&mut self) {
        for fact in self.stage.facts() {
            if let Fact::Completed { uids, outcome, .. } = fact {
                self.outcomes.push((uids.to_vec(), outcome));
            }
        }
        for effect in self.stage.effects() {
            match effect {
                Effect::Connect(connection) => self.call(|producer, turn| {
                    producer.on_connection(connection, ConnectionEvent::Opened, turn);
                }),
                Effect::Send(connection, message) => {
                    let Message::Request(correlation, request) = *message else { continue };
                    let Some(response) = self.respond(&request) else {
                        self.produced.push(Sent { connection, correlation, request });
                        continue;
                    };
                    let message = Message::Response(correlation, response);
                    self.call(|producer, turn| producer.on_message(connection, message, turn));
                }
                Effect::Return(returned) => self.returned.push(returned),
                Effect::Close(_) => {}
                other => panic!("a producer does not ask for {other:?}"),
            }
        }
    }

    fn respond(&mut self, request: &Request) -> Option<Response> {
        match request {
            Request::Metadata(asked) => {
                let leader = self.leader;
                let partition = PartitionMetadata {
                    leader: leader.map(|it| it.leader),
                    leader_epoch: leader.map_or(LeaderEpoch(9), |it| it.epoch),
                    replicas: vec![BrokerId(1), BrokerId(2)],
                };
                let topic = match self.knows_topic {
                    true => Ok(vec![partition; 2]),
                    false => Err(ErrorCode::UnknownTopicOrPartition),
                };
                let topics = asked.topics.iter().flatten().map(|&id| (id, topic.clone())).collect();
                let brokers = vec![BrokerId(1), BrokerId(2)];
                Some(Response::Metadata(MetadataReply { brokers, topics }))
            }
            Request::InitProducerId(()) => {
                self.identities += 1;
                let producer = match self.identity_error {
                    Some(error) => Err(error),
                    None => Ok((ProducerId(1_000), ProducerEpoch(0))),
                };
                Some(Response::InitProducerId(InitProducerIdReply { producer }))
            }
            Request::Produce(_) => None,
            other => panic!("a producer does not ask {other:?}"),
        }
    }
}

fn record(uid: u32, value: u32) -> Record {
    let (key, headers, timestamp) = (None, 0, Timestamp(0));
    Record { uid: Uid(uid), key, value: Some(value), headers, timestamp }
}
