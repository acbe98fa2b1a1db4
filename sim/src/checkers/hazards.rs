//! How often something happened that could have broken a claim: the risk counters.

use model::fact::{Fact, SendOutcome};
use model::ids::{BrokerId, ClientId, NodeId, TopicPartition};
use model::message::data::Acks;

use crate::checkers::records::{Progress, Records};
use crate::checkers::replicas::Cluster;
use crate::history::Fault;

/// Counts of everything that puts a claim at risk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Hazards {
    /// Partitions that another broker came to lead.
    pub(crate) leader_moves: u64,
    /// Logs that were cut, by rule or by a power cut.
    pub(crate) cuts: u64,
    /// Changes of a registered ISR after the partition's creation.
    pub(crate) isr_changes: u64,
    /// Replicas that left a registered ISR, one by one.
    pub(crate) isr_losses: u64,
    /// Broker processes that ended.
    pub(crate) brokers_ended: u64,
    /// Records whose producers were promised something.
    pub(crate) promises: u64,
    /// Batches that were sent with `acks=0`.
    pub(crate) unanswered_batches: u64,
    /// Producer processes that were killed, or ended with records undecided.
    pub(crate) producers_ended: u64,
    /// Records that were reported as failed or unknown.
    pub(crate) errors: u64,
    /// Batches that were sent again.
    pub(crate) retries: u64,
    /// Records that an application sent again under another uid.
    pub(crate) sent_again: u64,
    /// Idempotent batches that were sent again, or were recognised as repeats.
    pub(crate) idempotent_repeats: u64,
    /// Batches that left while an earlier one of the same producer and partition was out.
    pub(crate) overlaps: u64,
    /// Faults that hit a broker while it led.
    pub(crate) leaders_hit: u64,
    /// Batches that a leader refused, and requests of clients that timed out.
    pub(crate) refusals: u64,
    /// Batches on their way, by client and partition.
    in_flight: Vec<(ClientId, TopicPartition, u64)>,
    /// The last broker that was elected, by partition.
    elected: Vec<(TopicPartition, BrokerId)>,
}

impl Hazards {
    /// Counts what became true at a node. `records` and `cluster` are as before it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, records: &Records) {
        match fact {
            Fact::BatchSent { client, partition, batch, attempt, acks, .. } => {
                self.unanswered_batches += u64::from(*acks == Acks::None);
                if 1 < *attempt {
                    self.retries += 1;
                    self.idempotent_repeats += u64::from(batch.producer.is_some());
                }
                // Nothing answers acks=0: such a batch is never out.
                if *acks != Acks::None {
                    let out = self.in_flight_mut(*client, *partition);
                    *out += 1;
                    let overlaps = u64::from(1 < *out);
                    self.overlaps += overlaps;
                }
            }
            Fact::BatchRetried { client, partition, .. } => {
                let out = self.in_flight_mut(*client, *partition);
                *out = out.saturating_sub(1);
            }
            Fact::Completed { client, partition, uids, outcome } => {
                let count = uids.len() as u64;
                let promises = records.acks(*client).is_some_and(|acks| acks != Acks::None);
                match outcome {
                    SendOutcome::Acknowledged(_) => self.promises += count * u64::from(promises),
                    SendOutcome::Failed(_) | SendOutcome::Unknown(_) => self.errors += count,
                }
                let first = uids.first().and_then(|&uid| records.get(uid));
                if first.is_some_and(|send| send.progress == Progress::InFlight)
                    && let Some(partition) = partition
                {
                    let out = self.in_flight_mut(*client, *partition);
                    *out = out.saturating_sub(1);
                }
            }
            Fact::SentAgain { .. } => self.sent_again += 1,
            Fact::Abandoned { uids, .. } => self.producers_ended += u64::from(!uids.is_empty()),
            Fact::DuplicateDropped { .. } => self.idempotent_repeats += 1,
            Fact::ProduceRefused { .. } | Fact::RequestTimedOut { .. } => self.refusals += 1,
            Fact::Truncated { from, to, .. } => self.cuts += u64::from(to < from),
            Fact::PartitionChanged { partition, leader, isr, .. } => {
                self.isr_changes += u64::from(isr.0 != isr.1 && !isr.0.is_empty());
                self.isr_losses += isr.0.minus(isr.1).len() as u64;
                if let Some(leader) = leader.1 {
                    self.on_election(*partition, leader);
                }
            }
            _ => {}
        }
    }

    /// Counts what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault, records: &Records, cluster: &Cluster) {
        let node = match *fault {
            Fault::Crashed(node) | Fault::PowerLost(node) | Fault::Exited(node) => {
                self.brokers_ended += u64::from(matches!(node, NodeId::Broker(_)));
                if let NodeId::Client(client) = node
                    && records.is_producer(client)
                    && !matches!(fault, Fault::Exited(_))
                {
                    self.producers_ended += 1;
                }
                node
            }
            Fault::UnsyncedLost { from, to, .. } => {
                self.cuts += u64::from(to < from);
                return;
            }
            Fault::Paused(node) | Fault::DiskSlow(node) | Fault::DiskStalled(node) => node,
            Fault::LinkCut { from, to } | Fault::LinkSlow { from, to } => {
                self.leaders_hit += u64::from(cluster.leads(from) || cluster.leads(to));
                return;
            }
            _ => return,
        };
        self.leaders_hit += u64::from(cluster.leads(node));
    }

    fn on_election(&mut self, partition: TopicPartition, leader: BrokerId) {
        match self.elected.iter_mut().find(|(id, _)| *id == partition) {
            Some((_, last)) => {
                self.leader_moves += u64::from(*last != leader);
                *last = leader;
            }
            None => self.elected.push((partition, leader)),
        }
    }

    fn in_flight_mut(&mut self, client: ClientId, partition: TopicPartition) -> &mut u64 {
        let known = self.in_flight.iter().position(|it| (it.0, it.1) == (client, partition));
        let place = known.unwrap_or_else(|| {
            self.in_flight.push((client, partition, 0));
            self.in_flight.len() - 1
        });
        &mut self.in_flight[place].2
    }
}
