//! The stream `truth`: what brokers, logs and the controller did.

use model::config::SettingValue;
use model::fact::{AppendRole, ChangeCause, Fact, LogStartCause, TruncationCause};
use model::ids::{BrokerId, NodeId, Offset, TopicPartition};
use model::message::ErrorCode;

use super::{Carried, Field, Parts, batch, group};

fn made(kind: &'static str, node: NodeId, fields: Vec<Field>) -> Option<Parts> {
    Some(Parts { stream: "truth", kind, node: Some(node), fields })
}

fn at(
    kind: &'static str,
    broker: BrokerId,
    partition: TopicPartition,
    more: Vec<Field>,
) -> Option<Parts> {
    let mut fields = vec![("partition", Carried::Partition(partition))];
    fields.extend(more);
    made(kind, NodeId::Broker(broker), fields)
}

fn word(name: &'static str, word: impl Into<String>) -> Field {
    (name, Carried::Word(word.into()))
}

fn error(error: ErrorCode) -> Field {
    word("error", error.name())
}

fn offset(name: &'static str, offset: Offset) -> Field {
    (name, Carried::Offset(offset))
}

fn broker(name: &'static str, broker: Option<BrokerId>) -> Field {
    (name, broker.map_or(Carried::Absent, |it| Carried::Node(NodeId::Broker(it))))
}

/// Takes a fact of a broker or of the controller apart.
pub(super) fn parts(fact: &Fact) -> Option<Parts> {
    produce(fact).or_else(|| replica(fact)).or_else(|| leadership(fact)).or_else(|| registry(fact))
}

fn produce(fact: &Fact) -> Option<Parts> {
    match fact {
        Fact::Appended { broker, partition, batch: added, role } => {
            let role = match role {
                AppendRole::Leader => "leader",
                AppendRole::Follower => "follower",
            };
            let mut fields = vec![
                offset("base_offset", added.base_offset),
                ("epoch", Carried::Epoch(added.leader_epoch)),
                word("role", role),
            ];
            fields.extend(batch(added));
            at("append", *broker, *partition, fields)
        }
        Fact::DuplicateDropped { broker, partition, batch: repeat, base_offset } => {
            let mut fields = vec![offset("base_offset", *base_offset)];
            fields.extend(batch(repeat));
            at("duplicate-dropped", *broker, *partition, fields)
        }
        Fact::ProduceRefused { broker, partition, batch: refused, error: why } => {
            let mut fields = batch(refused);
            fields.push(error(*why));
            at("produce-refused", *broker, *partition, fields)
        }
        Fact::ProduceAcknowledged { broker, partition, base_offset, end, acks, isr, isr_min } => {
            let fields = vec![
                offset("base_offset", *base_offset),
                offset("end", *end),
                word("acks", format!("acks={}", acks.show())),
                ("isr", Carried::Brokers(*isr)),
                ("isr_min", Carried::Number(i64::from(*isr_min))),
            ];
            at("ack", *broker, *partition, fields)
        }
        Fact::ProduceUnconfirmed { broker, partition, base_offset, end, error: why } => {
            let fields =
                vec![offset("base_offset", *base_offset), offset("end", *end), error(*why)];
            at("produce-unconfirmed", *broker, *partition, fields)
        }
        _ => None,
    }
}

fn replica(fact: &Fact) -> Option<Parts> {
    match fact {
        Fact::HighWatermark { broker, partition, from, to, waiting } => {
            let wait_set = waiting.map_or(Carried::Absent, |it| Carried::Brokers(it.waited_for));
            let fields = vec![offset("old", *from), offset("new", *to), ("wait_set", wait_set)];
            at("hw", *broker, *partition, fields)
        }
        Fact::LogLoaded { broker: owner, partition, start, end, high_watermark } => {
            let fields =
                vec![offset("start", *start), offset("end", *end), offset("hw", *high_watermark)];
            at("log-loaded", *owner, *partition, fields)
        }
        Fact::FollowerFetched { broker: leader, follower, partition, end } => {
            let fields = vec![broker("follower", Some(*follower)), offset("end", *end)];
            at("follower-fetched", *leader, *partition, fields)
        }
        Fact::FetchRefused { broker: asked, follower, partition, error: why } => {
            let fields = vec![broker("follower", *follower), error(*why)];
            at("fetch-refused", *asked, *partition, fields)
        }
        Fact::Diverged { broker: leader, follower, partition, at: part } => {
            let fields = vec![
                broker("follower", Some(*follower)),
                ("epoch", Carried::Epoch(part.epoch)),
                offset("end", part.end),
            ];
            at("diverged", *leader, *partition, fields)
        }
        Fact::Truncated { broker, partition, from, to, cause } => {
            let cause = match cause {
                TruncationCause::Divergence => "divergence",
                TruncationCause::HighWatermark => "high-watermark",
                TruncationCause::EpochEnd => "epoch-end",
                TruncationCause::OutOfRange => "out-of-range",
            };
            let fields = vec![offset("from", *from), offset("to", *to), word("cause", cause)];
            at("truncate", *broker, *partition, fields)
        }
        Fact::Flushed { broker, partition, to } => {
            at("flush", *broker, *partition, vec![offset("to", *to)])
        }
        Fact::LogStartMoved { broker, partition, from, to, cause } => {
            let cause = match cause {
                LogStartCause::RetentionTime => "retention-time",
                LogStartCause::RetentionBytes => "retention-bytes",
                LogStartCause::DeleteRecords => "delete-records",
                LogStartCause::Leader => "leader",
            };
            let fields = vec![offset("from", *from), offset("to", *to), word("cause", cause)];
            at("log-start-moved", *broker, *partition, fields)
        }
        Fact::OffsetListed { broker, partition, spec, offset: found } => {
            let found = found.map_or(Carried::Absent, Carried::Offset);
            let fields = vec![word("spec", format!("{spec:?}")), ("offset", found)];
            at("offset-listed", *broker, *partition, fields)
        }
        _ => None,
    }
}

fn leadership(fact: &Fact) -> Option<Parts> {
    match fact {
        Fact::BecameLeader { broker, partition, epoch, end, high_watermark } => {
            let fields = vec![
                ("epoch", Carried::Epoch(*epoch)),
                offset("end", *end),
                offset("hw", *high_watermark),
            ];
            at("became-leader", *broker, *partition, fields)
        }
        Fact::BecameFollower { broker: follower, partition, epoch, leader } => {
            let fields = vec![("epoch", Carried::Epoch(*epoch)), broker("leader", *leader)];
            at("became-follower", *follower, *partition, fields)
        }
        Fact::IsrProposed { broker, partition, isr, current } => {
            let fields = vec![("old", Carried::Brokers(*current)), ("new", Carried::Brokers(*isr))];
            at("isr-proposed", *broker, *partition, fields)
        }
        Fact::IsrRefused { broker, partition, error: why } => {
            at("isr-refused", *broker, *partition, vec![error(*why)])
        }
        Fact::PartitionChanged { partition, leader, leader_epoch, isr, partition_epoch, cause } => {
            let fields = vec![
                ("partition", Carried::Partition(*partition)),
                broker("old_leader", leader.0),
                broker("leader", leader.1),
                ("epoch", Carried::Epoch(*leader_epoch)),
                ("old_isr", Carried::Brokers(isr.0)),
                ("isr", Carried::Brokers(isr.1)),
                ("partition_epoch", Carried::Number(i64::from(partition_epoch.0))),
                word("cause", change_cause(*cause)),
            ];
            made("partition-changed", CONTROLLER, fields)
        }
        _ => None,
    }
}

const CONTROLLER: NodeId = NodeId::Controller(1);

fn change_cause(cause: ChangeCause) -> String {
    match cause {
        ChangeCause::Created => "created".to_owned(),
        ChangeCause::AlterPartition => "alter-partition".to_owned(),
        ChangeCause::Fenced(broker) => format!("b{broker}-fenced"),
        ChangeCause::Unfenced(broker) => format!("b{broker}-unfenced"),
        ChangeCause::ControlledShutdown(broker) => format!("b{broker}-shuts-down"),
        ChangeCause::PreferredElection => "preferred-election".to_owned(),
        ChangeCause::UncleanElection => "unclean-election".to_owned(),
    }
}

fn registry(fact: &Fact) -> Option<Parts> {
    let about = |kind, it: BrokerId, more: Vec<Field>| {
        let mut fields = vec![broker("broker", Some(it))];
        fields.extend(more);
        made(kind, CONTROLLER, fields)
    };
    match fact {
        Fact::Group(group) => Some(group::group_parts(group)),
        Fact::TopicCreated { topic, replicas } => {
            let fields = vec![
                ("topic", Carried::Number(i64::from(topic.0))),
                ("partitions", Carried::Number(replicas.len() as i64)),
            ];
            made("topic-created", CONTROLLER, fields)
        }
        Fact::AdminRefused { topic, error: why } => {
            let fields = vec![("topic", Carried::Number(i64::from(topic.0))), error(*why)];
            made("admin-refused", CONTROLLER, fields)
        }
        Fact::BrokerRegistered { broker, epoch } => {
            let fields = vec![("broker_epoch", Carried::Number(epoch.0 as i64))];
            about("broker-registered", *broker, fields)
        }
        Fact::RegistrationRefused { broker, error: why } => {
            about("registration-refused", *broker, vec![error(*why)])
        }
        Fact::BrokerUnfenced { broker } => about("broker-unfenced", *broker, Vec::new()),
        Fact::BrokerFenced { broker } => about("broker-fenced", *broker, Vec::new()),
        Fact::ShutdownBegan { broker } => about("shutdown-began", *broker, Vec::new()),
        Fact::ControllerStarted { records } => {
            let fields = vec![("records", Carried::Number(*records as i64))];
            made("controller-started", CONTROLLER, fields)
        }
        Fact::BrokerRecovered { broker } => {
            made("broker-recovered", NodeId::Broker(*broker), Vec::new())
        }
        _ => None,
    }
}
