//! The in-sync replicas as their leader knows them, and how it asks for others.
//!
//! Here the ISR shrinks ([`Leader::shrink_isr`]) and grows ([`Leader::grow_isr`]): both only
//! propose; the set in force changes when the controller has accepted (KIP-497).
//!
//! Source: `Partition.maybeShrinkIsr`, `maybeExpandIsr`, `AlterPartitionManager`, Kafka 4.0.

use crate::fact::Fact;
use crate::ids::{BrokerId, Offset, PartitionEpoch, ReplicaSet};
use crate::log::Log;
use crate::message::ErrorCode;
use crate::message::cluster::{IsrAccepted, IsrProposal};
use crate::mutant::Mutant;
use crate::partition::leader::Leader;
use crate::partition::{Host, TopicPartition};
use crate::turn::Turn;

/// The in-sync replicas as this leader knows them (KIP-497).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isr {
    /// No change is on its way.
    Settled(ReplicaSet),
    /// The controller was asked to let one in.
    Growing {
        /// The ISR in force.
        settled: ReplicaSet,
        /// Who should join.
        joining: BrokerId,
    },
    /// The controller was asked to put some out.
    Shrinking {
        /// The ISR in force.
        settled: ReplicaSet,
        /// Who should leave.
        leaving: ReplicaSet,
    },
}

/// What a leader has asked for, to tell whether an answer still concerns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// The registration that was compared with.
    pub partition_epoch: PartitionEpoch,
    /// The ISR that was asked for.
    pub isr: ReplicaSet,
}

/// What a leader does with an answer to its proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalFollowUp {
    /// Nothing more.
    Done,
    /// Send the same proposal again.
    Resend,
}

impl Isr {
    /// Returns the set that the controller has accepted: what `min.insync.replicas` counts.
    pub fn settled(self) -> ReplicaSet {
        match self {
            Isr::Settled(settled)
            | Isr::Growing { settled, .. }
            | Isr::Shrinking { settled, .. } => settled,
        }
    }

    /// Returns everybody who may be in the ISR by now: whom the high watermark waits for.
    ///
    /// The joining replica already counts, so a refused change is harmless; the leaving ones
    /// count until they are out, because the controller may refuse.
    pub fn maximal(self) -> ReplicaSet {
        match self {
            Isr::Settled(settled) | Isr::Shrinking { settled, .. } => settled,
            Isr::Growing { settled, joining } => settled.with(joining),
        }
    }

    /// Returns the set that was asked for, if a change is on its way.
    fn proposed(self) -> Option<ReplicaSet> {
        match self {
            Isr::Settled(_) => None,
            Isr::Growing { settled, joining } => Some(settled.with(joining)),
            Isr::Shrinking { settled, leaving } => Some(settled.minus(leaving)),
        }
    }
}

impl Leader {
    /// Asks the controller to drop the followers that have lagged for too long; says whether
    /// there is something to ask.
    pub fn shrink_isr(&mut self, log: &Log, host: &Host<'_>, turn: &mut Turn<'_>) -> bool {
        let Isr::Settled(settled) = self.isr else { return false }; // one change in flight at a time
        let lagging = |id: &BrokerId| {
            self.follower(*id).is_some_and(|follower| {
                !follower.is_caught_up(log.end(), host.config.replica_lag_time_max, turn.now)
            })
        };
        let leaving: ReplicaSet = settled.iter().filter(lagging).collect();
        if !leaving.is_empty() {
            self.isr = Isr::Shrinking { settled, leaving };
            self.note_proposal(host, turn);
        }
        !leaving.is_empty()
    }

    /// Asks the controller to let a follower in that has caught up; says whether there is
    /// something to ask.
    ///
    /// Reaching the high watermark is not enough: a fresh leader's may trail what the old
    /// one committed, so the follower must also have reached the start of this epoch.
    pub fn grow_isr(
        &mut self,
        joining: BrokerId,
        log: &Log,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> bool {
        let Isr::Settled(settled) = self.isr else { return false };
        if settled.contains(joining) {
            return false;
        }
        let Some(follower) = self.follower(joining) else { return false };
        // Mutant: the high watermark is enough.
        let early = host.rules.has(Mutant::IsrExpandEarly);
        let epoch_start = if early { Offset::ZERO } else { self.epoch_start };
        let reached =
            follower.end.is_some_and(|end| log.high_watermark() <= end && epoch_start <= end);
        let joins = reached && follower.is_eligible(host.image);
        if joins {
            self.isr = Isr::Growing { settled, joining };
            self.note_proposal(host, turn);
        }
        joins
    }

    /// Returns the proposal that is on its way or should be.
    pub fn proposal(&self, partition: TopicPartition, broker: BrokerId) -> Option<IsrProposal> {
        let isr = self.isr.proposed()?;
        let epoch = |id: BrokerId| self.follower(id).and_then(|follower| follower.broker_epoch);
        Some(IsrProposal {
            partition,
            leader_epoch: self.epoch,
            partition_epoch: self.partition_epoch,
            isr: isr.iter().map(|id| (id, if id == broker { None } else { epoch(id) })).collect(),
        })
    }

    /// Takes in the controller's answer to what was `asked`.
    pub fn on_proposal_answer(
        &mut self,
        asked: Proposed,
        answer: Result<IsrAccepted, ErrorCode>,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> ProposalFollowUp {
        if asked.partition_epoch != self.partition_epoch || self.isr.proposed() != Some(asked.isr) {
            return ProposalFollowUp::Done; // metadata overtook the answer
        }
        let error = match answer {
            Ok(accepted) => {
                if accepted.leader_epoch == self.epoch
                    && self.partition_epoch <= accepted.partition_epoch
                {
                    self.isr = Isr::Settled(accepted.isr);
                    self.partition_epoch = accepted.partition_epoch;
                }
                return ProposalFollowUp::Done;
            }
            Err(error) => error,
        };
        turn.note(Fact::IsrRefused { broker: host.broker, partition: host.partition, error });
        match error {
            ErrorCode::OperationNotAttempted | ErrorCode::IneligibleReplica => {
                self.isr = Isr::Settled(self.isr.settled());
                ProposalFollowUp::Done
            }
            // Newer metadata is on its way and will settle it.
            ErrorCode::UnknownTopicOrPartition
            | ErrorCode::UnknownTopicId
            | ErrorCode::FencedLeaderEpoch
            | ErrorCode::InvalidUpdateVersion
            | ErrorCode::InvalidRequest
            | ErrorCode::NewLeaderElected => ProposalFollowUp::Done,
            _ => ProposalFollowUp::Resend,
        }
    }

    fn note_proposal(&self, host: &Host<'_>, turn: &mut Turn<'_>) {
        let isr = self.isr.proposed().expect("a proposal was just made");
        turn.note(Fact::IsrProposed {
            broker: host.broker,
            partition: host.partition,
            isr,
            current: self.isr.settled(),
        });
    }
}
