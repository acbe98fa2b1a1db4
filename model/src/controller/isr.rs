//! Whether a leader may have the ISR that it proposes.
//!
//! Source: `ReplicationControlManager.alterPartition`, Kafka 4.0; KIP-497, KIP-841 (fenced
//! brokers), KIP-903 (broker epochs). Left out: topics by name, reassignments.

use crate::controller::election::Change;
use crate::controller::ledger::{Decision, Ledger};
use crate::fact::ChangeCause;
use crate::ids::{BrokerEpoch, BrokerId, ReplicaSet};
use crate::image::{PartitionRegistration, Recovery};
use crate::message::ErrorCode;
use crate::message::cluster::{
    AlterPartitionRequest, BrokerRequest, IsrAccepted, IsrOutcome, IsrProposal,
};

impl Ledger {
    /// Accepts or refuses each proposed ISR.
    ///
    /// # Errors
    /// `STALE_BROKER_EPOCH` for all of them if the proposer's registration is not current.
    pub fn alter_partition(
        &self,
        request: &BrokerRequest<AlterPartitionRequest>,
    ) -> Result<Decision<Vec<IsrOutcome>>, ErrorCode> {
        self.check_epoch(request.broker, request.epoch)?;
        let mut records = Vec::new();
        let mut outcomes = Vec::with_capacity(request.body.partitions.len());
        for proposal in &request.body.partitions {
            let outcome = self.judge(request.broker, proposal).map(|(change, accepted)| {
                if !change.is_empty() {
                    records.push(change.into_record(proposal.partition));
                }
                accepted
            });
            outcomes.push((proposal.partition, outcome));
        }
        Ok(Decision { records, cause: Some(ChangeCause::AlterPartition), reply: outcomes })
    }

    fn judge(
        &self,
        proposer: BrokerId,
        proposal: &IsrProposal,
    ) -> Result<(Change, IsrAccepted), ErrorCode> {
        if !self.image.topics.contains_key(&proposal.partition.topic) {
            return Err(ErrorCode::UnknownTopicId);
        }
        let partition =
            self.image.partition(proposal.partition).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let isr = check_proposal(partition, proposer, proposal)?;
        if !proposal.isr.iter().all(|&(member, epoch)| self.is_eligible(member, epoch)) {
            return Err(ErrorCode::IneligibleReplica);
        }
        // The leader is active and in the ISR, so no election can replace it.
        // A leader declares itself recovered with whatever it proposes, as in Kafka, whose
        // brokers recover nothing after an unclean election.
        let change = Change {
            isr: (isr != partition.isr).then_some(isr),
            leader: None,
            recovery: (partition.recovery == Recovery::Recovering).then_some(Recovery::Recovered),
        };
        let partition_epoch = if change.is_empty() {
            partition.partition_epoch
        } else {
            partition.partition_epoch.next()
        };
        let IsrProposal { leader_epoch, .. } = *proposal;
        Ok((change, IsrAccepted { leader: partition.leader, leader_epoch, isr, partition_epoch }))
    }

    fn is_eligible(&self, member: BrokerId, epoch: Option<BrokerEpoch>) -> bool {
        self.image.brokers.get(&member).is_some_and(|registration| {
            registration.is_active() && epoch.is_none_or(|epoch| epoch == registration.epoch)
        })
    }
}

/// Checks what can be told from the partition alone, in Kafka's order.
///
/// Source: `ReplicationControlManager.validateAlterPartitionData`, Kafka 4.0.
fn check_proposal(
    partition: &PartitionRegistration,
    proposer: BrokerId,
    proposal: &IsrProposal,
) -> Result<ReplicaSet, ErrorCode> {
    let isr: ReplicaSet = proposal.isr.iter().map(|&(member, _)| member).collect();
    if partition.leader_epoch < proposal.leader_epoch
        || partition.partition_epoch < proposal.partition_epoch
    {
        // Somebody knows more than this controller: it may have been deposed.
        return Err(ErrorCode::NotController);
    }
    if proposal.leader_epoch < partition.leader_epoch {
        return Err(ErrorCode::FencedLeaderEpoch);
    }
    if partition.leader != Some(proposer) {
        return Err(ErrorCode::InvalidRequest);
    }
    if proposal.partition_epoch < partition.partition_epoch {
        return Err(ErrorCode::InvalidUpdateVersion);
    }
    let has_repeats = isr.len() != proposal.isr.len();
    let is_assigned = isr.iter().all(|member| partition.replicas.contains(&member));
    if has_repeats || !is_assigned || !isr.contains(proposer) {
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(isr)
}
