//! The cluster as the history tells it: every replica's log, who is up, who is registered
//! to lead, and which ISR is registered.

use std::sync::Arc;

use model::fact::{ChangeCause, Fact};
use model::ids::{BrokerId, LeaderEpoch, NodeId, Offset, ReplicaSet, TopicId, TopicPartition};
use model::log::batch::Batch;

use crate::checkers::mirror::{Log, same};
use crate::checkers::table::ByPartition;
use crate::history::Fault;

/// The cluster, rebuilt fact by fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Cluster {
    partitions: ByPartition<Partition>,
    /// Brokers whose process does not run.
    down: ReplicaSet,
    /// Brokers that lost power and have not been unfenced since.
    powerless: ReplicaSet,
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Partition {
    /// Where it is placed.
    pub(crate) assigned: ReplicaSet,
    /// The logs of brokers that ever appended.
    pub(crate) replicas: Vec<Replica>,
    /// The registered leader.
    pub(crate) leader: Option<BrokerId>,
    /// The registered leader epoch.
    pub(crate) leader_epoch: LeaderEpoch,
    /// The registered ISR.
    pub(crate) isr: ReplicaSet,
    /// What retention or an operator took from the start of any log. It counts as still
    /// there: nobody promised to keep it.
    removed: Log,
}

/// One replica of a partition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Replica {
    /// Whose.
    pub(crate) broker: BrokerId,
    /// What it holds in its page cache.
    pub(crate) log: Log,
}

impl Partition {
    /// Returns a broker's log, if it ever appended.
    pub(crate) fn log(&self, broker: BrokerId) -> Option<&Log> {
        self.replicas.iter().find(|replica| replica.broker == broker).map(|replica| &replica.log)
    }

    /// Says whether a broker has this batch at an offset.
    pub(crate) fn has(&self, broker: BrokerId, offset: Offset, batch: &Arc<Batch>) -> bool {
        let copy = self.log(broker).and_then(|log| log.at(offset));
        copy.is_some_and(|copy| Arc::ptr_eq(copy, batch) || same(copy, batch))
    }

    /// Returns how many replicas hold `batch`.
    pub(crate) fn copies(&self, batch: &Arc<Batch>) -> u16 {
        self.replicas.iter().filter(|replica| replica.log.holds(batch)).count() as u16
    }

    /// Returns the registered leader if its process runs.
    pub(crate) fn live_leader(&self, down: ReplicaSet) -> Option<BrokerId> {
        self.leader.filter(|&leader| !down.contains(leader))
    }

    /// Moves the start of a log: what goes was removed legally. A replica that begins at its
    /// leader's start counts as having what lay before.
    fn move_start(&mut self, broker: BrokerId, to: Offset) {
        let Partition { removed, .. } = self;
        let place = self.replicas.iter().position(|replica| replica.broker == broker);
        let log = place.map(|place| &mut self.replicas[place].log);
        match log {
            Some(log) if to <= log.end() => {
                let fresh = log.batches().iter().filter(|it| it.base_offset < to);
                let end = removed.end();
                fresh.filter(|it| end <= it.base_offset).for_each(|it| removed.append(it));
            }
            Some(_) | None => {
                let missing = removed.clone();
                let log = self.log_mut(broker);
                let end = log.end();
                let missing = missing.batches().iter().filter(|it| end <= it.base_offset);
                missing.for_each(|it| log.append(it));
            }
        }
    }

    fn log_mut(&mut self, broker: BrokerId) -> &mut Log {
        let place = self.replicas.iter().position(|replica| replica.broker == broker);
        let place = place.unwrap_or_else(|| {
            self.replicas.push(Replica { broker, log: Log::default() });
            self.replicas.len() - 1
        });
        &mut self.replicas[place].log
    }
}

impl Cluster {
    /// Returns every partition that the history named, in order.
    pub(crate) fn partitions(&self) -> impl Iterator<Item = (TopicPartition, &Partition)> {
        self.partitions.all()
    }

    /// Returns a partition.
    pub(crate) fn partition(&self, id: TopicPartition) -> Option<&Partition> {
        self.partitions.get(id)
    }

    /// Returns the brokers whose process does not run.
    pub(crate) fn down(&self) -> ReplicaSet {
        self.down
    }

    /// Returns the brokers that lost power and have not served since.
    pub(crate) fn powerless(&self) -> ReplicaSet {
        self.powerless
    }

    /// Says whether a broker leads any partition, by registration.
    pub(crate) fn leads(&self, node: NodeId) -> bool {
        let NodeId::Broker(broker) = node else { return false };
        self.partitions().any(|(_, partition)| partition.leader == Some(broker))
    }

    /// Takes in what became true at a node; cuts go through [`Cluster::cut`].
    pub(crate) fn on_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::Appended { broker, partition, batch, .. } => {
                self.partition_mut(*partition).log_mut(*broker).append(batch);
            }
            Fact::PartitionChanged { partition, leader, leader_epoch, isr, .. } => {
                let partition = self.partition_mut(*partition);
                partition.leader = leader.1;
                partition.leader_epoch = *leader_epoch;
                partition.isr = isr.1;
                partition.assigned = isr.1.iter().fold(partition.assigned, ReplicaSet::with);
            }
            Fact::LogStartMoved { broker, partition, to, .. } => {
                self.partition_mut(*partition).move_start(*broker, *to);
            }
            Fact::TopicCreated { topic, replicas } => self.place(*topic, replicas),
            Fact::BrokerUnfenced { broker } => {
                self.powerless = self.powerless.without(*broker);
            }
            _ => {}
        }
    }

    /// Takes in what the world did; cuts go through [`Cluster::cut`].
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        match fault {
            Fault::Started { node: NodeId::Broker(broker), .. } => {
                self.down = self.down.without(*broker);
            }
            Fault::Crashed(NodeId::Broker(broker)) | Fault::Exited(NodeId::Broker(broker)) => {
                self.down = self.down.with(*broker);
            }
            Fault::PowerLost(NodeId::Broker(broker)) => {
                self.down = self.down.with(*broker);
                self.powerless = self.powerless.with(*broker);
            }
            _ => {}
        }
    }

    /// Cuts a replica's log and returns what went.
    pub(crate) fn cut(
        &mut self,
        id: TopicPartition,
        broker: BrokerId,
        to: Offset,
    ) -> Vec<Arc<Batch>> {
        self.partition_mut(id).log_mut(broker).cut(to)
    }

    fn place(&mut self, topic: TopicId, replicas: &[Vec<BrokerId>]) {
        for (partition, brokers) in (0..).zip(replicas) {
            let partition = self.partition_mut(TopicPartition { topic, partition });
            partition.assigned = brokers.iter().copied().collect();
        }
    }

    fn partition_mut(&mut self, id: TopicPartition) -> &mut Partition {
        self.partitions.get_mut(id)
    }
}

/// Whether a leader came from the ISR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Election {
    /// It did.
    Clean,
    /// It did not.
    Unclean,
}

/// Says how `leader` was elected when the ISR was `isr`.
pub(crate) fn election(leader: BrokerId, isr: ReplicaSet, cause: ChangeCause) -> Election {
    let outsider = !isr.is_empty() && !isr.contains(leader);
    match outsider || cause == ChangeCause::UncleanElection {
        true => Election::Unclean,
        false => Election::Clean,
    }
}
