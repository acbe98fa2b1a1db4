//! A partition as far as abstract states tell it apart from others.

use model::fact::{Fact, SendOutcome};
use model::ids::{BrokerId, LeaderEpoch, NodeId, Offset, ReplicaSet};
use model::message::ErrorCode;

use crate::coverage::State;
use crate::coverage::faults::Troubles;
use crate::history::Fault;

/// Leader epochs that are told apart.
const EPOCHS_MAX: u32 = 3;

/// One partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Partition {
    /// The state when it was last looked at.
    pub(crate) last: State,
    assigned: ReplicaSet,
    isr_min: u16,
    isr: ReplicaSet,
    /// The registered leader.
    leader: Option<BrokerId>,
    replicas: Vec<Replica>,
    /// The highest leader epoch in which somebody leads, and where it starts.
    epoch: (LeaderEpoch, Offset),
    /// How often somebody took over.
    takeovers: u32,
    /// The end of what was acknowledged.
    acknowledged: Offset,
    producer: Producer,
    /// Brokers whose process does not run.
    down: ReplicaSet,
}

/// One replica.
#[derive(Clone, Debug, PartialEq)]
struct Replica {
    broker: BrokerId,
    end: Offset,
    high_watermark: Offset,
    flushed: Offset,
    /// The leader epoch of its last batch.
    epoch: LeaderEpoch,
    belief: Belief,
}

/// Whether a broker believes that it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    Follows,
    Leads,
}

/// What producers went through last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Producer {
    #[default]
    Fresh,
    InOrder,
    Retrying,
    InDoubt,
    Repeated,
    Gap,
    Fenced,
    Refused,
}

impl Partition {
    pub(crate) fn new(assigned: ReplicaSet, isr_min: u16) -> Partition {
        Partition { assigned, isr_min, ..Partition::default() }
    }

    /// Takes in a fact about this partition.
    pub(crate) fn on_fact(&mut self, fact: &Fact) {
        match fact {
            Fact::PartitionChanged { leader, isr, .. } => {
                self.leader = leader.1;
                self.isr = isr.1;
            }
            Fact::BecameLeader { broker, epoch, end, .. } => {
                if self.epoch.0 <= *epoch {
                    self.epoch = (*epoch, *end);
                }
                self.takeovers += 1;
                self.replica(*broker).belief = Belief::Leads;
            }
            Fact::BecameFollower { broker, .. } => {
                self.replica(*broker).belief = Belief::Follows;
            }
            Fact::Appended { broker, batch, .. } => {
                let replica = self.replica(*broker);
                replica.end = batch.end();
                replica.epoch = batch.leader_epoch;
            }
            Fact::HighWatermark { broker, to, .. } => self.replica(*broker).high_watermark = *to,
            Fact::Flushed { broker, to, .. } => self.replica(*broker).flushed = *to,
            Fact::Truncated { broker, to, .. } => self.on_cut(*broker, *to),
            Fact::ProduceAcknowledged { end, .. } => {
                self.acknowledged = self.acknowledged.max(*end);
            }
            _ => self.on_producer(fact),
        }
    }

    fn on_producer(&mut self, fact: &Fact) {
        self.producer = match fact {
            Fact::BatchSent { attempt, .. } if 1 < *attempt => Producer::Retrying,
            Fact::BatchRetried { .. } => Producer::Retrying,
            Fact::DuplicateDropped { .. } => Producer::Repeated,
            Fact::ProduceRefused { error, .. } => match error {
                ErrorCode::OutOfOrderSequenceNumber => Producer::Gap,
                ErrorCode::InvalidProducerEpoch => Producer::Fenced,
                _ => Producer::Refused,
            },
            Fact::Completed { outcome, .. } => match outcome {
                SendOutcome::Acknowledged(_) => Producer::InOrder,
                SendOutcome::Failed(_) => Producer::Refused,
                SendOutcome::Unknown(_) => Producer::InDoubt,
            },
            _ => return,
        };
    }

    /// Takes in that a replica's log ends at `to`.
    pub(crate) fn on_cut(&mut self, broker: BrokerId, to: Offset) {
        let replica = self.replica(broker);
        replica.end = replica.end.min(to);
        replica.flushed = replica.flushed.min(to);
    }

    /// Takes in what became of a broker.
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        match *fault {
            Fault::Crashed(NodeId::Broker(broker))
            | Fault::PowerLost(NodeId::Broker(broker))
            | Fault::Exited(NodeId::Broker(broker)) => {
                self.down = self.down.with(broker);
                let own = self.replicas.iter_mut().find(|replica| replica.broker == broker);
                if let Some(replica) = own {
                    replica.belief = Belief::Follows;
                }
            }
            Fault::Started { node: NodeId::Broker(broker), .. } => {
                self.down = self.down.without(broker);
            }
            _ => {}
        }
    }

    /// Returns the abstract state.
    pub(crate) fn state(&self, troubles: &Troubles) -> State {
        let leaders = self.replicas.iter().filter(|it| it.belief == Belief::Leads).count();
        let parts = [
            (3, self.isr_size()),
            (2, leaders.min(2) as u32),
            (2, self.takeovers.min(EPOCHS_MAX)),
            (2, self.leader_watermark()),
            (2, self.follower_watermarks()),
            (2, self.divergence()),
            (2, self.durability()),
            (3, self.producer as u32),
            (Troubles::BITS, troubles.bits()),
        ];
        State(parts.into_iter().fold(0, |state, (bits, part)| state << bits | part))
    }

    /// Nobody, below the minimum, at it, above it, everybody.
    fn isr_size(&self) -> u32 {
        let (size, min) = (self.isr.len(), usize::from(self.isr_min));
        match size {
            0 => 0,
            _ if size == self.assigned.len() => 4,
            _ if size < min => 1,
            _ if size == min => 2,
            _ => 3,
        }
    }

    /// No leader, its high watermark at its log's end, before it.
    fn leader_watermark(&self) -> u32 {
        match self.registered_leader() {
            None => 0,
            Some(leader) => 1 + u32::from(leader.high_watermark < leader.end),
        }
    }

    /// All as the leader's, one behind it, one ahead of it.
    fn follower_watermarks(&self) -> u32 {
        let Some(leader) = self.registered_leader() else { return 0 };
        let theirs = || self.replicas.iter().map(|replica| replica.high_watermark);
        match () {
            () if theirs().any(|it| leader.high_watermark < it) => 2,
            () if theirs().any(|it| it < leader.high_watermark) => 1,
            () => 0,
        }
    }

    /// No log parts from the leader's, one that is down does, one that is up and out of the
    /// ISR, one in the ISR.
    fn divergence(&self) -> u32 {
        let (epoch, start) = self.epoch;
        let parting = self.replicas.iter().filter(|it| it.epoch < epoch && start < it.end);
        let place = |replica: &Replica| match () {
            () if self.isr.contains(replica.broker) => 3,
            () if !self.down.contains(replica.broker) => 2,
            () => 1,
        };
        parting.map(place).max().unwrap_or(0)
    }

    /// Nothing is acknowledged; the copies of what is are flushed, some are, none is.
    fn durability(&self) -> u32 {
        if self.acknowledged == Offset::default() {
            return 0;
        }
        let copies = self.replicas.iter().filter(|it| self.acknowledged <= it.end);
        let flushed = copies.clone().filter(|it| self.acknowledged <= it.flushed).count();
        match flushed {
            0 => 3,
            some if some < copies.count() => 2,
            _ => 1,
        }
    }

    fn registered_leader(&self) -> Option<&Replica> {
        let leader = self.leader?;
        self.replicas.iter().find(|replica| replica.broker == leader)
    }

    fn replica(&mut self, broker: BrokerId) -> &mut Replica {
        let known = self.replicas.iter().position(|replica| replica.broker == broker);
        let place = known.unwrap_or_else(|| {
            self.replicas.push(Replica {
                broker,
                end: Offset::default(),
                high_watermark: Offset::default(),
                flushed: Offset::default(),
                epoch: LeaderEpoch::default(),
                belief: Belief::Follows,
            });
            self.replicas.len() - 1
        });
        &mut self.replicas[place]
    }
}
