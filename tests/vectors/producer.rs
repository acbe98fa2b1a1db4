//! Partitions, error classes, idempotence settings and whole producers:
//! `tests/data/client-producer.json`.

use std::collections::BTreeMap;

use model::chance::Rng;
use model::client::partitioner::{
    Availability, Choices, Load, Moves, QueueLoad, StickyPartitioner, Switch, murmur2,
    partition_for_key,
};
use model::client::producer::Producer;
use model::config::{ProducerConfig, RawSetting};
use model::fact::{Fact, SendOutcome};
use model::ids::{
    BrokerId, ClientId, ConnectionId, LeaderEpoch, NodeId, Offset, ProducerEpoch, ProducerId,
    Sequence, TopicId, Uid,
};
use model::log::batch::Record;
use model::message::data::{
    InitProducerIdReply, MetadataReply, PartitionMetadata, ProduceOutcome, ProduceReply,
    ProduceRequest,
};
use model::message::{Correlation, ErrorCode, Message, Request, Response};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};
use model::turn::{ConnectionEvent, Effect, Node, Outbox, Returned, Turn};
use serde::Deserialize;

/// The cases that are not run, with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("config-delivery-timeout", "judged where settings are read, by whether they were set"),
    ("split-batch", "without compression no batch exceeds batch.size; see producer_batch"),
    ("txn-drain-needs-added-partition", TRANSACTIONS),
    ("txn-endtxn-waits-for-batches", TRANSACTIONS),
    ("txn-epoch-bump-on-abortable", TRANSACTIONS),
    ("txn-expired-unsent-batch-abortable", TRANSACTIONS),
    ("txn-first-addpartitions-concurrent", TRANSACTIONS),
    ("txn-invalid-epoch-in-coordinator-apis", TRANSACTIONS),
    ("txn-offset-commit-group-errors", TRANSACTIONS),
    ("unknown-producer-id-log-start-unknown", "a broker of the model always knows its log start"),
    ("unknown-producer-id-retention-txn", TRANSACTIONS),
];
const TRANSACTIONS: &str = "transactions are not modelled";

#[derive(Deserialize)]
struct Vectors {
    murmur2: Vec<Hash>,
    load: Vec<Weighed>,
    pick: Pick,
    sticky: Vec<Sticky>,
    errors: Errors,
    sequences: Vec<Wrap>,
    idempotence: Vec<Settings>,
    scripts: Vec<Script>,
}

#[derive(Deserialize)]
struct Hash {
    key: String,
    hash: u32,
    partitions: BTreeMap<u16, u16>,
}

#[derive(Deserialize)]
struct Weighed {
    queues: Vec<u32>,
    table: Option<Vec<u32>>,
}

#[derive(Deserialize)]
struct Pick {
    queues: Vec<u32>,
    picks: Vec<u16>,
}

#[derive(Deserialize)]
struct Sticky {
    batch_bytes: u32,
    appends: Vec<u32>,
    moves_after: usize,
}

#[derive(Deserialize)]
struct Errors {
    refresh_and_retry: Vec<String>,
    retry: Vec<String>,
    give_up: Vec<String>,
}

#[derive(Deserialize)]
struct Wrap {
    from: u32,
    count: u32,
    gives: u32,
}

#[derive(Deserialize)]
struct Settings {
    settings: BTreeMap<String, String>,
    idempotence: String,
}

#[derive(Deserialize)]
struct Script {
    id: String,
    settings: BTreeMap<String, String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Calls of `send()` to partition 0.
    Send(Vec<u32>),
    /// Milliseconds pass.
    Wait(u64),
    /// Exactly these batches have left since the step before that asked.
    Left(Vec<Left>),
    /// The leader answers the oldest open request with this record.
    Answer(Answer),
    /// Exactly these records have been decided since the step before that asked.
    Ended(Vec<Ended>),
    LoseConnection,
    Flush,
    Flushed,
    NotFlushed,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Left {
    uids: Vec<u32>,
    /// Producer epoch and first sequence.
    stamp: Option<(u16, u32)>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    uid: u32,
    error: String,
    base: Option<u64>,
    log_start: u64,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Ended {
    uids: Vec<u32>,
    error: String,
    base: Option<u64>,
}

#[test]
fn keys_hash_as_kafka_s_do() {
    for case in vectors().murmur2 {
        let key: Vec<u8> = (0..case.key.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&case.key[at..at + 2], 16).expect("hex"))
            .collect();

        assert_eq!(murmur2(&key), case.hash, "{}", case.key);
        for (count, partition) in case.partitions {
            assert_eq!(partition_for_key(&key, count), partition, "{} of {count}", case.key);
        }
    }
}

#[test]
fn short_queues_weigh_more() {
    for case in vectors().load {
        assert_eq!(weigh(&case.queues).table(), case.table.as_deref(), "{:?}", case.queues);
    }
}

#[test]
fn a_draw_falls_on_the_partition_whose_weight_it_meets() {
    let case = vectors().pick;
    let load = weigh(&case.queues);

    let picks: Vec<_> = (0..case.picks.len() as u32).filter_map(|draw| load.pick(draw)).collect();

    assert_eq!(picks, case.picks);
}

#[test]
fn a_sticky_partition_is_left_after_a_batch_s_worth() {
    for case in vectors().sticky {
        let mut sticky = StickyPartitioner::default();
        let moves = case
            .appends
            .iter()
            .position(|&bytes| sticky.count(bytes, Switch::Allowed, case.batch_bytes) == Moves::On);

        assert_eq!(moves.map(|place| place + 1), Some(case.moves_after));
        let alone = sticky.choose(Choices(&[Some(BrokerId(1))]), &mut Rng::fork(1, "sticky"));
        assert_eq!(alone, 0);
    }
}

#[test]
fn errors_call_for_the_remedies_of_their_exceptions() {
    let errors = vectors().errors;
    for &error in ErrorCode::ALL {
        let name = error.name().to_owned();
        let refreshes = errors.refresh_and_retry.contains(&name);

        assert_eq!(error.is_stale_metadata(), refreshes, "{name}");
        assert_eq!(error.is_retriable(), refreshes || errors.retry.contains(&name), "{name}");
    }
    assert!(errors.give_up.iter().all(|name| !code(name).is_retriable()));
}

#[test]
fn sequences_wrap() {
    for Wrap { from, count, gives } in vectors().sequences {
        assert_eq!(Sequence(from).plus(count), Sequence(gives));
    }
}

#[test]
fn idempotence_follows_from_the_settings() {
    for case in vectors().idempotence {
        let producer = Producer::new(ClientId(1), config(&case.settings), vec![BrokerId(1)]);
        let idempotence = match producer {
            Err(_) => "error",
            Ok(producer) if producer.is_idempotent() => "on",
            Ok(_) => "off",
        };

        assert_eq!(idempotence, case.idempotence, "{:?}", case.settings);
    }
}

// Kafka's tests step the sender by hand; here it runs until nothing more can leave. So in
// `retry-in-order-3-inflight` the fourth batch follows the last retry without its answer.
#[test]
fn producers_act_as_in_kafka_s_tests() {
    for script in vectors().scripts {
        let mut stage = Stage::new(config(&script.settings));
        for (place, step) in script.steps.into_iter().enumerate() {
            stage.play(step, &format!("{}, step {place}", script.id));
        }
    }
}

#[test]
fn what_is_not_run_is_not_run_and_says_why() {
    let scripts = vectors().scripts;

    for (id, reason) in NOT_RUN {
        assert!(scripts.iter().all(|script| script.id != *id), "{id} is run");
        assert!(!reason.is_empty(), "{id}");
    }
}

/// A producer before a cluster of one broker; the script answers produce requests.
struct Stage {
    producer: Producer,
    now: Time,
    rng: Rng,
    out: Outbox,
    /// Open produce requests, oldest first.
    open: Vec<(ConnectionId, Correlation, ProduceRequest)>,
    left: Vec<Left>,
    ended: Vec<Ended>,
    flushes: u32,
}

impl Stage {
    fn new(config: ProducerConfig) -> Stage {
        let client = ClientId(1);
        let mut stage = Stage {
            producer: Producer::new(client, config, vec![BrokerId(1)]).expect("valid settings"),
            now: Time::ZERO,
            rng: Rng::fork(1, "node/p1"),
            out: Outbox::new(NodeId::Client(client)),
            open: Vec::new(),
            left: Vec::new(),
            ended: Vec::new(),
            flushes: 0,
        };
        stage.turn(Producer::on_start);
        stage.advance(Duration::ZERO);
        stage
    }

    fn play(&mut self, step: Step, place: &str) {
        match step {
            Step::Send(uids) => uids.into_iter().for_each(|uid| self.send(uid)),
            Step::Wait(millis) => self.advance(Duration::from_millis(millis)),
            Step::Left(batches) => {
                assert_eq!(std::mem::take(&mut self.left), batches, "{place}");
            }
            Step::Answer(answer) => self.answer(&answer),
            Step::Ended(records) => {
                assert_eq!(std::mem::take(&mut self.ended), records, "{place}");
            }
            Step::LoseConnection => {
                let (connection, ..) = self.open.remove(0);
                self.open.clear();
                let event = ConnectionEvent::Closed;
                self.turn(|producer, turn| producer.on_connection(connection, event, turn));
            }
            Step::Flush => self.turn(Producer::flush),
            Step::Flushed => assert_eq!(self.flushes, 1, "{place}"),
            Step::NotFlushed => assert_eq!(self.flushes, 0, "{place}"),
        }
        self.advance(Duration::ZERO);
    }

    fn send(&mut self, uid: u32) {
        let (key, headers, timestamp) = (None, 0, Timestamp(0));
        let record = Record { uid: Uid(uid), key, value: Some(10), headers, timestamp };
        self.turn(|producer, turn| {
            producer.send(TopicId(0), Some(0), record, turn);
        });
        self.advance(Duration::ZERO);
    }

    fn answer(&mut self, answer: &Answer) {
        let holds = |request: &ProduceRequest| {
            let list = request.partitions[0].1.records.list();
            list.iter().any(|record| record.uid == Uid(answer.uid))
        };
        let place = self.open.iter().position(|(.., request)| holds(request));
        let (connection, correlation, request) = self.open.remove(place.expect("it is open"));
        let outcome = ProduceOutcome {
            partition: request.partitions[0].0,
            error: code(&answer.error),
            base_offset: answer.base.map(Offset),
            append_time: None,
            log_start: Offset(answer.log_start),
            current_leader: None,
        };
        let reply = ProduceReply { partitions: vec![outcome] };
        self.respond(connection, correlation, Response::Produce(reply));
    }

    fn respond(&mut self, connection: ConnectionId, correlation: Correlation, response: Response) {
        let message = Message::Response(correlation, response);
        self.turn(|producer, turn| producer.on_message(connection, message, turn));
    }

    fn advance(&mut self, length: Duration) {
        const WAKES_MAX: u32 = 1_000;
        let end = self.now + length;
        for _ in 0..WAKES_MAX {
            let Some(deadline) = self.producer.next_deadline().filter(|&at| at <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(deadline);
            self.turn(Producer::on_deadline);
        }
        panic!("the producer spins at {}", self.now);
    }

    fn turn(&mut self, act: impl FnOnce(&mut Producer, &mut Turn<'_>)) {
        let (rng, out) = (&mut self.rng, &mut self.out);
        act(
            &mut self.producer,
            &mut Turn { now: self.now, wall: Timestamp(0), rules: Rules::default(), rng, out },
        );
        self.settle();
    }

    /// Plays the cluster for what just left.
    fn settle(&mut self) {
        for fact in std::mem::take(&mut self.out.facts) {
            self.take_in(fact);
        }
        for effect in std::mem::take(&mut self.out.effects) {
            match effect {
                Effect::Connect(connection) => {
                    let event = ConnectionEvent::Opened;
                    self.turn(|producer, turn| producer.on_connection(connection, event, turn));
                }
                Effect::Send(connection, message) => {
                    let Message::Request(correlation, request) = *message else { continue };
                    self.serve(connection, correlation, request);
                }
                Effect::Return(Returned::Flushed) => self.flushes += 1,
                Effect::Return(_) | Effect::Close(_) => {}
                other => panic!("a producer does not ask for {other:?}"),
            }
        }
    }

    fn serve(&mut self, connection: ConnectionId, correlation: Correlation, request: Request) {
        let response = match request {
            Request::Produce(request) => {
                return self.open.push((connection, correlation, request));
            }
            Request::InitProducerId(()) => {
                let producer = Ok((ProducerId(1), ProducerEpoch(0)));
                Response::InitProducerId(InitProducerIdReply { producer })
            }
            Request::Metadata(asked) => {
                let leader = BrokerId(1);
                let partition = PartitionMetadata {
                    leader: Some(leader),
                    leader_epoch: LeaderEpoch(0),
                    replicas: vec![leader],
                };
                let topic = |&id: &TopicId| (id, Ok(vec![partition.clone()]));
                let topics = asked.topics.iter().flatten().map(topic).collect();
                Response::Metadata(MetadataReply { brokers: vec![leader], topics })
            }
            other => panic!("a producer does not ask {other:?}"),
        };
        self.respond(connection, correlation, response);
    }

    fn take_in(&mut self, fact: Fact) {
        match fact {
            Fact::BatchSent { batch, .. } => self.left.push(Left {
                uids: batch.records.list().iter().map(|record| record.uid.0).collect(),
                stamp: batch.producer.map(|stamp| (stamp.epoch.0, stamp.sequence.0)),
            }),
            Fact::Completed { uids, outcome, .. } => {
                let (error, base) = match outcome {
                    SendOutcome::Acknowledged(base) => (ErrorCode::None, base),
                    SendOutcome::Failed(error) | SendOutcome::Unknown(error) => (error, None),
                };
                self.ended.push(Ended {
                    uids: uids.iter().map(|uid| uid.0).collect(),
                    error: error.name().to_owned(),
                    base: base.map(|offset| offset.0),
                });
            }
            _ => {}
        }
    }
}

fn weigh(queues: &[u32]) -> Load {
    let mut load = Load::default();
    load.measure((0..).zip(queues).map(|(partition, &queued)| QueueLoad {
        partition,
        queued,
        availability: Availability::Available,
    }));
    load
}

fn config(settings: &BTreeMap<String, String>) -> ProducerConfig {
    let mut config = ProducerConfig::default();
    for (name, value) in settings {
        config.set(name, &RawSetting::Text(value.clone())).expect("a setting of producers");
    }
    config
}

fn code(name: &str) -> ErrorCode {
    *ErrorCode::ALL.iter().find(|error| error.name() == name).expect("a name of Kafka's")
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../data/client-producer.json")).expect("the cases are valid")
}
