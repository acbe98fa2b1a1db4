//! The controller's ledger: decides with `&self` and changes by replaying its own records.
//!
//! Decisions stand in the files of their subject: `brokers`, `topics`, `election`, `isr`.
//! Beside the image there is soft state, which a successor does not inherit: the brokers'
//! sessions.
//!
//! Source: `QuorumController`, `ReplicationControlManager`, Kafka 4.0.

use crate::config::ControllerConfig;
use crate::controller::brokers::Sessions;
use crate::controller::election::{Change, Election, change};
use crate::fact::ChangeCause;
use crate::ids::{BrokerEpoch, BrokerId, ProducerId, TopicPartition};
use crate::image::{Image, MetadataRecord, PartitionRegistration};
use crate::message::ErrorCode;
use crate::message::cluster::{BrokerRequest, ElectionKind};
use crate::mutant::Mutant;
use crate::rules::Rules;

/// Ids in one block that a broker hands out to producers.
///
/// Source: `ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`, Kafka 4.0.
const PRODUCER_ID_BLOCK: u64 = 1_000;

/// Changes that one rebalance makes at most.
///
/// Source: `ReplicationControlManager.MAX_ELECTIONS_PER_IMBALANCE`, Kafka 4.0.
const ELECTIONS_MAX: usize = 1_000;

/// What the ledger answers and what must be written before.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<R> {
    /// The records, one atomic batch.
    pub records: Vec<MetadataRecord>,
    /// Why partitions change; `None` if none does.
    pub cause: Option<ChangeCause>,
    /// The answer.
    pub reply: R,
}

/// Cluster metadata with the sessions of the brokers.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    /// Its settings.
    pub config: ControllerConfig,
    /// The rules that it plays by.
    pub rules: Rules,
    /// What the records add up to.
    pub image: Image,
    /// Who has been heard of, and when.
    pub sessions: Sessions,
}

impl<R> Decision<R> {
    /// Answers without changing anything.
    pub fn unchanged(reply: R) -> Decision<R> {
        Decision { records: Vec::new(), cause: None, reply }
    }
}

impl Ledger {
    /// Makes the ledger of a cluster of which nothing is known.
    pub fn new(config: ControllerConfig, rules: Rules) -> Ledger {
        Ledger { config, rules, image: Image::default(), sessions: Sessions::default() }
    }

    /// Applies one record of the log.
    pub fn replay(&mut self, record: &MetadataRecord) {
        match record {
            MetadataRecord::RegisterBroker { broker, .. }
            | MetadataRecord::BrokerRegistrationChange { broker, fenced: Some(true), .. } => {
                self.sessions.end(*broker);
            }
            MetadataRecord::BrokerRegistrationChange { .. }
            | MetadataRecord::Topic { .. }
            | MetadataRecord::Partition { .. }
            | MetadataRecord::PartitionChange { .. }
            | MetadataRecord::TopicConfigChange { .. }
            | MetadataRecord::ProducerIds { .. }
            | MetadataRecord::NoOp => {}
        }
        self.image.replay(record);
    }

    /// Checks that a broker speaks for its current registration.
    ///
    /// # Errors
    /// `STALE_BROKER_EPOCH` if it does not, or has none.
    ///
    /// Source: `ClusterControlManager.checkBrokerEpoch`, Kafka 4.0.
    pub(super) fn check_epoch(
        &self,
        broker: BrokerId,
        epoch: BrokerEpoch,
    ) -> Result<(), ErrorCode> {
        match self.image.brokers.get(&broker) {
            Some(registration) if registration.epoch == epoch => Ok(()),
            _ => Err(ErrorCode::StaleBrokerEpoch),
        }
    }

    /// Takes a broker out of every ISR and moves its leaderships.
    ///
    /// Source: `ReplicationControlManager.generateLeaderAndIsrUpdates`, Kafka 4.0.
    pub(super) fn without_broker(&self, broker: BrokerId) -> Vec<MetadataRecord> {
        let may_lead = |replica| replica != broker && self.image.is_active(replica);
        self.elections(
            |partition| partition.isr.contains(broker),
            |election, partition| {
                change(partition, partition.isr.without(broker), election, may_lead)
            },
        )
    }

    /// Looks for leaders of the partitions that have none, `broker` being back.
    ///
    /// Source: `ReplicationControlManager.handleBrokerUnfenced`, Kafka 4.0.
    pub(super) fn with_broker(&self, broker: BrokerId) -> Vec<MetadataRecord> {
        let may_lead = |replica| replica == broker || self.image.is_active(replica);
        self.elections(
            |partition| partition.leader.is_none(),
            |election, partition| change(partition, partition.isr, election, may_lead),
        )
    }

    /// Elects uncleanly where the topic allows it and nobody leads.
    ///
    /// Source: `ReplicationControlManager.maybeElectUncleanLeaders`, Kafka 4.0.
    pub fn elect_unclean(&self) -> Decision<()> {
        let records = self.elections(
            |partition| partition.leader.is_none(),
            |election, partition| match election {
                Election::Unclean => change(partition, partition.isr, Election::Unclean, |id| {
                    self.image.is_active(id)
                }),
                Election::Preferred | Election::Online => Change::default(),
            },
        );
        Decision { records, cause: Some(ChangeCause::UncleanElection), reply: () }
    }

    /// Gives leadership back to preferred replicas, a bounded number at a time; the reply
    /// says whether more are waiting.
    ///
    /// `leader.imbalance.per.broker.percentage` has no effect in KRaft.
    ///
    /// Source: `ReplicationControlManager.maybeBalancePartitionLeaders`, Kafka 4.0.
    pub fn rebalance(&self) -> Decision<bool> {
        let mut records = self.elections(
            |partition| partition.leader != Some(partition.replicas[0]),
            |_, partition| {
                change(partition, partition.isr, Election::Preferred, |id| self.image.is_active(id))
            },
        );
        let has_more = ELECTIONS_MAX < records.len();
        records.truncate(ELECTIONS_MAX);
        Decision { records, cause: Some(ChangeCause::PreferredElection), reply: has_more }
    }

    /// Hands out the next block of producer ids.
    ///
    /// # Errors
    /// `STALE_BROKER_EPOCH`.
    ///
    /// Source: `ProducerIdControlManager.generateNextProducerId`, Kafka 4.0.
    pub fn allocate_producer_ids(
        &self,
        request: &BrokerRequest<()>,
    ) -> Result<Decision<ProducerId>, ErrorCode> {
        self.check_epoch(request.broker, request.epoch)?;
        let first = self.image.next_producer;
        let next = ProducerId(first.0 + PRODUCER_ID_BLOCK);
        let records = vec![MetadataRecord::ProducerIds { next }];
        Ok(Decision { records, cause: None, reply: first })
    }

    /// Elects a leader of one partition on an operator's word.
    ///
    /// # Errors
    /// - `UNKNOWN_TOPIC_OR_PARTITION`: there is no such partition
    /// - `ELECTION_NOT_NEEDED`: the preferred replica leads, or anybody if the election is unclean
    /// - `PREFERRED_LEADER_NOT_AVAILABLE`, `ELIGIBLE_LEADERS_NOT_AVAILABLE`: nothing can be changed
    ///
    /// Source: `ReplicationControlManager.electLeader`, Kafka 4.0.
    pub(super) fn elect_leader(
        &self,
        kind: ElectionKind,
        id: TopicPartition,
    ) -> Result<MetadataRecord, ErrorCode> {
        let partition = self.image.partition(id).ok_or(ErrorCode::UnknownTopicOrPartition)?;
        let (is_needed, election, failure) = match kind {
            ElectionKind::Preferred => (
                partition.leader != Some(partition.replicas[0]),
                Election::Preferred,
                ErrorCode::PreferredLeaderNotAvailable,
            ),
            ElectionKind::Unclean => (
                partition.leader.is_none(),
                Election::Unclean,
                ErrorCode::EligibleLeadersNotAvailable,
            ),
        };
        if !is_needed {
            return Err(ErrorCode::ElectionNotNeeded);
        }
        let change = change(partition, partition.isr, election, |id| self.image.is_active(id));
        if change.is_empty() {
            return Err(failure);
        }
        Ok(change.into_record(id))
    }

    /// Holds the elections of all partitions that are `concerned`, each of the kind that its
    /// topic allows.
    fn elections(
        &self,
        concerned: impl Fn(&PartitionRegistration) -> bool,
        hold: impl Fn(Election, &PartitionRegistration) -> Change,
    ) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        for (id, partition) in self.image.partitions() {
            if concerned(partition) {
                let is_unclean_allowed =
                    self.image.topics[&id.topic].config.unclean_leader_election;
                // Mutant: nobody asks the topic.
                let is_unclean_allowed =
                    is_unclean_allowed || self.rules.has(Mutant::UncleanSilently);
                let election =
                    if is_unclean_allowed { Election::Unclean } else { Election::Online };
                let change = hold(election, partition);
                if !change.is_empty() {
                    records.push(change.into_record(id));
                }
            }
        }
        records
    }
}
