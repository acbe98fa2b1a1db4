//! Produce requests: append, then answer at once or when the replicas have it.
//!
//! Source: `KafkaApis.handleProduceRequest`, `ReplicaManager.appendRecords`,
//! `DelayedProduce`, Kafka 4.0.

use std::sync::Arc;

use crate::broker::waiting::ParkedProduce;
use crate::broker::{Broker, Served};
use crate::fact::Fact;
use crate::ids::{ConnectionId, Offset, TopicPartition};
use crate::log::batch::Batch;
use crate::message::data::{Acks, CurrentLeader, ProduceOutcome, ProduceReply, ProduceRequest};
use crate::message::{Correlation, ErrorCode, Response};
use crate::mutant::Mutant;
use crate::partition::Role;
use crate::partition::leader::Placed;
use crate::rules::Rules;
use crate::turn::Turn;

impl Broker {
    /// Appends what a producer sent. Partitions succeed or fail each on its own.
    pub(super) fn on_produce(
        &mut self,
        connection: ConnectionId,
        correlation: Correlation,
        request: &ProduceRequest,
        turn: &mut Turn<'_>,
    ) -> Served {
        let mut outcomes = Vec::with_capacity(request.partitions.len());
        let mut open = Vec::new();
        for (partition, batch) in &request.partitions {
            let appended = self.append(*partition, batch, request.acks, turn);
            if let Ok(placed) = appended {
                open.push((outcomes.len(), placed));
            }
            outcomes.push(self.outcome(*partition, appended));
        }
        let failed = outcomes.iter().any(|outcome| outcome.error != ErrorCode::None);
        match request.acks {
            Acks::None if failed => {
                // Nobody reads an answer; closing is the only way to say that something is wrong.
                turn.close(connection);
                Served::Closed
            }
            Acks::None => Served::Done,
            Acks::Leader => {
                for (place, placed) in open {
                    self.acknowledge(outcomes[place].partition, placed, request.acks, turn);
                }
                let reply = ProduceReply { partitions: outcomes };
                Broker::answer(connection, correlation, Response::Produce(reply), turn);
                Served::Done
            }
            Acks::All => {
                let deadline = turn.now + request.timeout;
                let acks = request.acks;
                let mut parked =
                    ParkedProduce { connection, correlation, deadline, acks, outcomes, open };
                if self.is_written(&mut parked, turn) {
                    let reply = ProduceReply { partitions: parked.outcomes };
                    Broker::answer(connection, correlation, Response::Produce(reply), turn);
                    return Served::Done;
                }
                self.waiting.produces.push(parked);
                Served::Parked
            }
        }
    }

    /// Settles the open parts of a produce request that can be settled; says whether all are.
    pub(super) fn is_written(&mut self, parked: &mut ParkedProduce, turn: &mut Turn<'_>) -> bool {
        let mut open = std::mem::take(&mut parked.open);
        open.retain(|&(place, placed)| {
            let partition = parked.outcomes[place].partition;
            let Some(result) = self.replication_of(partition, placed) else { return true };
            match result {
                Ok(()) => self.acknowledge(partition, placed, parked.acks, turn),
                Err(error) => {
                    self.leave_unconfirmed(partition, placed, error, turn);
                    parked.outcomes[place] = self.outcome(partition, Err(error));
                }
            }
            false
        });
        parked.open = open;
        parked.open.is_empty()
    }

    /// Answers a produce request whose time is over: the records stay in the log.
    pub(super) fn give_up_waiting(&mut self, mut parked: ParkedProduce, turn: &mut Turn<'_>) {
        for (place, placed) in std::mem::take(&mut parked.open) {
            let partition = parked.outcomes[place].partition;
            let error = ErrorCode::RequestTimedOut;
            self.leave_unconfirmed(partition, placed, error, turn);
            parked.outcomes[place] = self.outcome(partition, Err(error));
        }
        let reply = Response::Produce(ProduceReply { partitions: parked.outcomes });
        Broker::answer(parked.connection, parked.correlation, reply, turn);
    }

    /// Says how the replication of a batch stands; `None` is not there yet.
    ///
    /// Source: `Partition.checkEnoughReplicasReachOffset`, Kafka 4.0.
    pub(super) fn replication_of(
        &self,
        partition: TopicPartition,
        placed: Placed,
    ) -> Option<Result<(), ErrorCode>> {
        let Some(replica) = self.partitions.get(&partition) else {
            return Some(Err(ErrorCode::NotLeaderOrFollower));
        };
        let rules = self.setup.rules;
        let Role::Leader(leader) = &replica.role else {
            // Mutant: what waits is taken for done, whoever leads.
            let late = rules.has(Mutant::FenceLate);
            return Some(if late { Ok(()) } else { Err(ErrorCode::NotLeaderOrFollower) });
        };
        // Mutant: nobody is waited for.
        if replica.log.high_watermark() < placed.end && !rules.has(Mutant::AckBeforeIsr) {
            return None;
        }
        // The maximal ISR counts here, the settled one before the append.
        if leader.isr.maximal().len() < leader.isr_min(&replica.log, self.setup.rules) {
            return Some(Err(ErrorCode::NotEnoughReplicasAfterAppend));
        }
        Some(Ok(()))
    }

    pub(super) fn append(
        &mut self,
        partition: TopicPartition,
        batch: &Arc<Batch>,
        acks: Acks,
        turn: &mut Turn<'_>,
    ) -> Result<Placed, ErrorCode> {
        let (host, replica) = self.replica(partition)?;
        let (leader, log) = replica.leader_for(None)?;
        let placed = leader.append(batch, acks, log, &host, turn)?;
        if log.flush_is_due(turn.now) {
            self.flush(partition, turn);
        }
        self.touch(partition);
        Ok(placed)
    }

    fn acknowledge(
        &self,
        partition: TopicPartition,
        placed: Placed,
        acks: Acks,
        turn: &mut Turn<'_>,
    ) {
        let replica = self.partitions.get(&partition).expect("a batch was appended here");
        let Role::Leader(leader) = &replica.role else { return };
        turn.note(Fact::ProduceAcknowledged {
            broker: self.setup.id,
            partition,
            base_offset: placed.base_offset,
            end: placed.end,
            acks,
            isr: leader.isr.settled(),
            // What the settings demand, whatever rule this broker follows.
            isr_min: leader.isr_min(&replica.log, Rules::default()) as u16,
        });
    }

    fn leave_unconfirmed(
        &self,
        partition: TopicPartition,
        placed: Placed,
        error: ErrorCode,
        turn: &mut Turn<'_>,
    ) {
        let Placed { base_offset, end } = placed;
        let broker = self.setup.id;
        turn.note(Fact::ProduceUnconfirmed { broker, partition, base_offset, end, error });
    }

    fn outcome(
        &self,
        partition: TopicPartition,
        appended: Result<Placed, ErrorCode>,
    ) -> ProduceOutcome {
        let log = self.partitions.get(&partition).map(|replica| &replica.log);
        let error = appended.err().unwrap_or(ErrorCode::None);
        ProduceOutcome {
            partition,
            error,
            base_offset: appended.ok().map(|placed| placed.base_offset),
            append_time: None,
            log_start: log.map_or(Offset::ZERO, |log| log.start()),
            current_leader: self.leader_hint(partition, error),
        }
    }

    /// Returns whom to ask instead, where the error is that this broker does not lead (KIP-951).
    pub(super) fn leader_hint(
        &self,
        partition: TopicPartition,
        error: ErrorCode,
    ) -> Option<CurrentLeader> {
        if !matches!(error, ErrorCode::NotLeaderOrFollower | ErrorCode::FencedLeaderEpoch) {
            return None;
        }
        let registration = self.image.partition(partition)?;
        Some(CurrentLeader { leader: registration.leader?, epoch: registration.leader_epoch })
    }
}
