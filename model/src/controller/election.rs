//! Who leads a partition next, and the change of registration that says so.
//!
//! Pure functions of one partition's registration. Left out: eligible leader replicas and
//! the last known leader (KIP-966, off by default in Kafka 4.0), reassignment.
//!
//! Source: `PartitionChangeBuilder`, Kafka 4.0.

use crate::ids::{BrokerId, ReplicaSet, TopicPartition};
use crate::image::{MetadataRecord, PartitionRegistration, Recovery};

/// In which order the candidates are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Election {
    /// The first replica of the assignment, then as `Online`.
    Preferred,
    /// The leader in office, then the first member of the ISR in order of the assignment.
    Online,
    /// As `Online`, then the first live replica, whatever it has.
    Unclean,
}

/// The outcome of an election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elected {
    /// A member of the ISR.
    Clean(BrokerId),
    /// A replica from outside of the ISR: it may lack committed records.
    Unclean(BrokerId),
    /// Nobody.
    Nobody,
}

/// The fields of a partition's registration that a record shall set; `None` leaves as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The ISR.
    pub isr: Option<ReplicaSet>,
    /// The leader; `Some(None)` is nobody.
    pub leader: Option<Option<BrokerId>>,
    /// Whether the leader was elected uncleanly.
    pub recovery: Option<Recovery>,
}

impl Elected {
    /// Returns the leader, if there is one.
    pub fn leader(self) -> Option<BrokerId> {
        match self {
            Elected::Clean(leader) | Elected::Unclean(leader) => Some(leader),
            Elected::Nobody => None,
        }
    }
}

impl Change {
    /// Says whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        *self == Change::default()
    }

    /// Makes the record that changes `partition`.
    pub fn into_record(self, partition: TopicPartition) -> MetadataRecord {
        let Change { isr, leader, recovery } = self;
        MetadataRecord::PartitionChange { partition, isr, leader, recovery }
    }
}

/// Elects a leader from the ISR to be, `isr`, among the brokers that may lead.
///
/// Source: `PartitionChangeBuilder.electLeader`, Kafka 4.0.
pub fn elect(
    partition: &PartitionRegistration,
    isr: ReplicaSet,
    election: Election,
    may_lead: impl Fn(BrokerId) -> bool,
) -> Elected {
    let is_valid = |replica: &BrokerId| isr.contains(*replica) && may_lead(*replica);
    if election == Election::Preferred {
        let preferred = partition.replicas[0];
        if is_valid(&preferred) {
            return Elected::Clean(preferred);
        }
    }
    // A leader that may stay is never replaced.
    let heir = partition.leader.filter(is_valid);
    let mut replicas = partition.replicas.iter().copied();
    if let Some(leader) = heir.or_else(|| replicas.find(is_valid)) {
        return Elected::Clean(leader);
    }
    match election {
        Election::Preferred | Election::Online => Elected::Nobody,
        Election::Unclean => {
            let survivor = partition.replicas.iter().copied().find(|&replica| may_lead(replica));
            survivor.map_or(Elected::Nobody, Elected::Unclean)
        }
    }
}

/// Holds an election over the ISR to be, `isr`, and states what the record must change.
///
/// An ISR is never written empty: its last member stays in it without leading, and only
/// this replica can bring the partition back cleanly.
///
/// Source: `PartitionChangeBuilder.build`, Kafka 4.0.
pub fn change(
    partition: &PartitionRegistration,
    isr: ReplicaSet,
    election: Election,
    may_lead: impl Fn(BrokerId) -> bool,
) -> Change {
    let elected = elect(partition, isr, election, may_lead);
    let leader = (elected.leader() != partition.leader).then_some(elected.leader());
    match elected {
        Elected::Unclean(survivor) => Change {
            isr: Some(ReplicaSet::EMPTY.with(survivor)),
            leader,
            recovery: Some(Recovery::Recovering),
        },
        Elected::Clean(_) | Elected::Nobody => Change {
            isr: (!isr.is_empty() && isr != partition.isr).then_some(isr),
            leader,
            recovery: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LeaderEpoch, PartitionEpoch};

    #[test]
    fn the_order_of_candidates_depends_on_the_election() {
        let cases = [
            // (leader, isr, live, election, elected)
            (Some(2), &[1, 2, 3][..], &[1, 2, 3][..], Election::Online, Elected::Clean(b(2))),
            (Some(2), &[1, 2, 3], &[1, 2, 3], Election::Preferred, Elected::Clean(b(1))),
            (Some(2), &[2, 3], &[1, 2, 3], Election::Preferred, Elected::Clean(b(2))),
            (Some(2), &[2, 3], &[1, 3], Election::Preferred, Elected::Clean(b(3))),
            (Some(2), &[2, 3], &[1, 3], Election::Online, Elected::Clean(b(3))),
            (Some(2), &[2], &[1, 3], Election::Online, Elected::Nobody),
            (Some(2), &[2], &[1, 3], Election::Unclean, Elected::Unclean(b(1))),
            (Some(2), &[2], &[], Election::Unclean, Elected::Nobody),
            (None, &[3], &[1, 3], Election::Unclean, Elected::Clean(b(3))),
        ];
        for (leader, isr, live, election, elected) in cases {
            let isr = set(isr);
            let partition = partition(leader, isr);

            let found = elect(&partition, isr, election, |broker| set(live).contains(broker));

            assert_eq!(found, elected, "{leader:?} {isr:?} {live:?} {election:?}");
        }
    }

    #[test]
    fn the_last_member_stays_in_the_isr_without_leading() {
        let partition = partition(Some(1), set(&[1]));

        let change = change(&partition, ReplicaSet::EMPTY, Election::Online, |_| false);

        assert_eq!(change, Change { isr: None, leader: Some(None), recovery: None });
    }

    #[test]
    fn nothing_is_written_when_nothing_changes() {
        let partition = partition(Some(1), set(&[1, 2]));

        let change = change(&partition, partition.isr, Election::Unclean, |_| true);

        assert!(change.is_empty());
    }

    fn b(id: u8) -> BrokerId {
        BrokerId(id)
    }

    fn set(ids: &[u8]) -> ReplicaSet {
        ids.iter().copied().map(BrokerId).collect()
    }

    fn partition(leader: Option<u8>, isr: ReplicaSet) -> PartitionRegistration {
        PartitionRegistration {
            replicas: vec![b(1), b(2), b(3)],
            isr,
            leader: leader.map(BrokerId),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            recovery: Recovery::Recovered,
        }
    }
}
