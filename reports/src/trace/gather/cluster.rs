//! What happened to logs, who leads and follows, and what the controller said.

use model::fact::{AppendRole, ChangeCause, Fact};
use model::ids::{BrokerId, NodeId, ReplicaSet, TopicId, TopicPartition};
use model::message::ErrorCode;
use model::message::data::Acks;

use super::{FactKind, Gatherer, NONE, first};

/// The controller's node.
const CONTROLLER: NodeId = NodeId::Controller(1);

impl Gatherer<'_, '_> {
    /// Adds what happened to logs; says whether it was that.
    pub(super) fn log(&mut self, fact: &Fact) -> bool {
        let node = |broker: &BrokerId| NodeId::Broker(*broker);
        match fact {
            Fact::Appended { broker, partition, batch, role } => {
                let Some(number) = self.batch(*partition, batch) else { return true };
                let leads = i64::from(*role == AppendRole::Leader);
                self.of(FactKind::Append, node(broker), *partition, [number, leads]);
            }
            Fact::HighWatermark { broker, partition, from, to, .. } => {
                let numbers = [to.0 as i64, from.0 as i64];
                self.of(FactKind::Hw, node(broker), *partition, numbers);
            }
            Fact::LogLoaded { broker, partition, end, high_watermark, .. } => {
                let numbers = [high_watermark.0 as i64, end.0 as i64];
                self.of(FactKind::Load, node(broker), *partition, numbers);
            }
            Fact::LogStartMoved { broker, partition, to, .. } => {
                self.of(FactKind::Start, node(broker), *partition, [to.0 as i64, 0]);
            }
            Fact::Truncated { broker, partition, from, to, .. } => {
                let numbers = [to.0 as i64, from.0 as i64];
                self.of(FactKind::Cut, node(broker), *partition, numbers);
            }
            Fact::Flushed { broker, partition, to } => {
                self.of(FactKind::Flush, node(broker), *partition, [to.0 as i64, 0]);
            }
            Fact::FollowerFetched { broker, follower, partition, end } => {
                let numbers = [end.0 as i64, self.broker(*follower)];
                self.of(FactKind::Fetched, node(broker), *partition, numbers);
            }
            Fact::Diverged { broker, follower, partition, at } => {
                let numbers = [at.end.0 as i64, self.broker(*follower)];
                let rest = [NONE, i64::from(at.epoch.0)];
                self.of_more(FactKind::Diverged, node(broker), *partition, numbers, rest);
            }
            Fact::FetchRefused { broker, follower, partition, error } => {
                let peer = follower.map_or(NONE, |follower| self.broker(follower));
                let rest = [peer, self.trace.error(error.name())];
                self.of_more(FactKind::FetchRefused, node(broker), *partition, [0, 0], rest);
            }
            _ => return self.produced(fact),
        }
        true
    }

    /// Adds what leaders said to producers; says whether it was that.
    fn produced(&mut self, fact: &Fact) -> bool {
        let node = |broker: &BrokerId| NodeId::Broker(*broker);
        match fact {
            Fact::DuplicateDropped { broker, partition, batch, base_offset } => {
                let (numbers, sending) =
                    ([first(batch), base_offset.0 as i64], self.sending(batch));
                self.of_more(FactKind::Repeat, node(broker), *partition, numbers, [NONE, sending]);
            }
            Fact::ProduceRefused { broker, partition, batch, error } => {
                let (error, sending) = (self.trace.error(error.name()), self.sending(batch));
                let numbers = [first(batch), error];
                self.of_more(FactKind::Refuse, node(broker), *partition, numbers, [NONE, sending]);
            }
            Fact::ProduceAcknowledged { broker, partition, base_offset, end, acks, .. } => {
                let numbers = [base_offset.0 as i64, end.0 as i64];
                let acks = match acks {
                    Acks::None => 0,
                    Acks::Leader => 1,
                    Acks::All => NONE,
                };
                self.of_more(FactKind::Promise, node(broker), *partition, numbers, [NONE, acks]);
            }
            Fact::ProduceUnconfirmed { broker, partition, base_offset, end, error } => {
                let numbers = [base_offset.0 as i64, end.0 as i64];
                let rest = [NONE, self.trace.error(error.name())];
                self.of_more(FactKind::Unconfirmed, node(broker), *partition, numbers, rest);
            }
            _ => return false,
        }
        true
    }

    /// Adds who leads, who follows, who may serve.
    pub(super) fn cluster(&mut self, fact: &Fact) {
        match fact {
            Fact::BecameLeader { broker, partition, epoch, end, .. } => {
                let numbers = [i64::from(epoch.0), end.0 as i64];
                self.of(FactKind::Leads, NodeId::Broker(*broker), *partition, numbers);
            }
            Fact::BecameFollower { broker, partition, epoch, leader } => {
                let leader = leader.map_or(NONE, |leader| self.broker(leader));
                let (node, epoch) = (NodeId::Broker(*broker), i64::from(epoch.0));
                self.of(FactKind::Follows, node, *partition, [epoch, leader]);
            }
            Fact::PartitionChanged { partition, leader, leader_epoch, isr, cause, .. } => {
                let numbers = [i64::from(leader_epoch.0), change(*cause)];
                self.registered(*partition, leader.1, numbers, *isr);
            }
            Fact::IsrProposed { broker, partition, isr, .. } => {
                for member in isr.iter() {
                    let (node, rest) = (NodeId::Broker(*broker), [self.broker(member), NONE]);
                    self.of_more(FactKind::IsrAsk, node, *partition, [0, 0], rest);
                }
            }
            Fact::IsrRefused { broker, partition, error } => {
                let rest = [NONE, self.trace.error(error.name())];
                let node = NodeId::Broker(*broker);
                self.of_more(FactKind::IsrRefused, node, *partition, [0, 0], rest);
            }
            _ => self.controller(fact),
        }
    }

    /// Adds what the controller said to brokers and operators.
    fn controller(&mut self, fact: &Fact) {
        let mut broker = |kind, broker: &BrokerId, more| {
            let actor = self.broker(*broker);
            self.add_more(kind, actor, NONE, [0, 0], [NONE, more]);
        };
        match fact {
            Fact::BrokerFenced { broker: it } => broker(FactKind::Fence, it, NONE),
            Fact::BrokerUnfenced { broker: it } => broker(FactKind::Unfence, it, NONE),
            Fact::ShutdownBegan { broker: it } => broker(FactKind::Leaving, it, NONE),
            Fact::RegistrationRefused { broker, error } => {
                let (actor, error) = (self.broker(*broker), self.trace.error(error.name()));
                self.add_more(FactKind::NotYet, actor, NONE, [0, 0], [NONE, error]);
            }
            // Several brokers ask at once for the topic of committed offsets; one is first.
            Fact::AdminRefused {
                topic: TopicId::CONSUMER_OFFSETS,
                error: ErrorCode::TopicAlreadyExists,
            } => {}
            Fact::AdminRefused { error, .. } => {
                let (actor, error) = (self.actor(CONTROLLER), self.trace.error(error.name()));
                self.add_more(FactKind::AdminRefused, actor, NONE, [0, 0], [NONE, error]);
            }
            Fact::ControllerStarted { records } => {
                let actor = self.actor(CONTROLLER);
                self.add(FactKind::Controller, actor, NONE, [*records as i64, 0]);
            }
            _ => {}
        }
    }

    fn registered(
        &mut self,
        id: TopicPartition,
        leader: Option<BrokerId>,
        numbers: [i64; 2],
        isr: (ReplicaSet, ReplicaSet),
    ) {
        let Some(partition) = self.trace.partition(id) else { return };
        let leader = leader.map_or(NONE, |leader| self.broker(leader));
        self.add(FactKind::Leader, leader, partition as i64, numbers);
        let left = isr.0.iter().filter(|it| !isr.1.contains(*it)).map(|it| (it, 0));
        let joined = isr.1.iter().filter(|it| !isr.0.contains(*it)).map(|it| (it, 1));
        let changes: Vec<_> = left.chain(joined).collect();
        for (broker, is_in) in changes {
            self.of(FactKind::Isr, NodeId::Broker(broker), id, [is_in, 0]);
        }
    }
}

fn change(cause: ChangeCause) -> i64 {
    match cause {
        ChangeCause::Created => 0,
        ChangeCause::AlterPartition => 1,
        ChangeCause::Fenced(_) => 2,
        ChangeCause::Unfenced(_) => 3,
        ChangeCause::ControlledShutdown(_) => 4,
        ChangeCause::PreferredElection => 5,
        ChangeCause::UncleanElection => 6,
    }
}
