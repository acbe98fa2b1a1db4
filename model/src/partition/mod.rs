//! One partition on one broker: its log, and whether the broker leads or follows.
//!
//! In reading order: [`leader`] (appends, followers, high watermark), [`isr`] (the in-sync
//! set and its changes), [`follower`] (taking in and cutting).
//!
//! Source: `kafka.cluster.Partition`, Kafka 4.0.

pub mod follower;
pub mod isr;
pub mod leader;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::BrokerConfig;
use crate::fact::{Fact, TruncationCause};
use crate::ids::{BrokerId, LeaderEpoch, PartitionEpoch};
use crate::image::{Image, PartitionRegistration};
use crate::log::Log;
use crate::log::batch::Batch;
use crate::message::ErrorCode;
use crate::rules::{Rules, Truncation};
use crate::turn::{DiskWork, Turn};

pub use crate::ids::TopicPartition;
use follower::Follower;
use leader::Leader;

/// One replica.
#[derive(Clone, Debug, PartialEq)]
pub struct Partition {
    /// Its records.
    pub log: Log,
    /// Whether this broker leads.
    pub role: Role,
    /// The registration that the role was taken from.
    partition_epoch: PartitionEpoch,
}

/// What a broker is to a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// Nothing yet: the log was found on disk, the metadata is on its way.
    Unknown,
    /// Its leader.
    Leader(Leader),
    /// One of its followers.
    Follower(Follower),
}

/// The broker around a partition, for the length of one turn.
#[derive(Clone, Copy, Debug)]
pub struct Host<'a> {
    /// The broker.
    pub broker: BrokerId,
    /// The partition at hand.
    pub partition: TopicPartition,
    /// The broker's settings.
    pub config: &'a BrokerConfig,
    /// The era's rules.
    pub rules: Rules,
    /// The cluster as this broker knows it.
    pub image: &'a Image,
}

/// What a new registration means for the broker's fetchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoleChange {
    /// Older than what is known, or the same term goes on.
    None,
    /// The broker leads from here on: it must not fetch.
    Leads,
    /// The broker follows this leader in a new term.
    Follows(Option<BrokerId>),
}

impl Partition {
    /// Puts a log under control; it serves nobody until a registration says what it is.
    pub fn new(log: Log) -> Partition {
        Partition { log, role: Role::Unknown, partition_epoch: PartitionEpoch(0) }
    }

    /// Takes in what the controller has registered.
    ///
    /// Only a new leader epoch begins a new term; a mere change of the ISR does not disturb
    /// fetching.
    ///
    /// Source: `Partition.makeLeader`, `makeFollower`, Kafka 4.0.
    pub fn on_registration(
        &mut self,
        registration: &PartitionRegistration,
        host: &Host<'_>,
        turn: &mut Turn<'_>,
    ) -> RoleChange {
        if self.leader_epoch().is_some() && registration.partition_epoch < self.newest_epoch() {
            return RoleChange::None;
        }
        self.partition_epoch = registration.partition_epoch;
        let same_term = self.leader_epoch() == Some(registration.leader_epoch);
        let leads = registration.leader == Some(host.broker);
        match &mut self.role {
            Role::Leader(leader) if leads && same_term => {
                leader.on_registration(registration, host.broker);
                leader.advance_high_watermark(&mut self.log, host, turn);
                RoleChange::None
            }
            Role::Follower(_) if !leads && same_term => RoleChange::None,
            role if leads => {
                let before = match role {
                    Role::Leader(leader) => Some(&*leader),
                    Role::Unknown | Role::Follower(_) => None,
                };
                let mut leader = Leader::begin(registration, before, &mut self.log, host, turn);
                leader.advance_high_watermark(&mut self.log, host, turn);
                self.role = Role::Leader(leader);
                RoleChange::Leads
            }
            role => {
                let follower =
                    Follower { epoch: registration.leader_epoch, leader: registration.leader };
                *role = Role::Follower(follower);
                turn.note(Fact::BecameFollower {
                    broker: host.broker,
                    partition: host.partition,
                    epoch: follower.epoch,
                    leader: follower.leader,
                });
                if host.rules.truncation == Truncation::ToHighWatermark && follower.leader.is_some()
                {
                    let to = self.log.high_watermark();
                    let cause = TruncationCause::HighWatermark;
                    follower::truncate(to, cause, &mut self.log, host, turn);
                }
                RoleChange::Follows(follower.leader)
            }
        }
    }

    /// Returns the newest registration known: a leader hears of its accepted proposals before
    /// the metadata tells of them.
    fn newest_epoch(&self) -> PartitionEpoch {
        match &self.role {
            Role::Leader(leader) => leader.partition_epoch,
            Role::Unknown | Role::Follower(_) => self.partition_epoch,
        }
    }

    /// Returns the leader epoch that this replica is in.
    pub fn leader_epoch(&self) -> Option<LeaderEpoch> {
        match &self.role {
            Role::Unknown => None,
            Role::Leader(leader) => Some(leader.epoch),
            Role::Follower(follower) => Some(follower.epoch),
        }
    }

    /// Returns the leader's side of this replica, for a reader that knows `epoch`.
    ///
    /// # Errors
    /// `FENCED_LEADER_EPOCH` for a reader of an older epoch, `UNKNOWN_LEADER_EPOCH` for one
    /// of a newer, `NOT_LEADER_OR_FOLLOWER` where this broker does not lead: in this order.
    pub fn leader_for(
        &mut self,
        epoch: Option<LeaderEpoch>,
    ) -> Result<(&mut Leader, &mut Log), ErrorCode> {
        let own = self.leader_epoch().ok_or(ErrorCode::NotLeaderOrFollower)?;
        match epoch {
            Some(epoch) if epoch < own => return Err(ErrorCode::FencedLeaderEpoch),
            Some(epoch) if own < epoch => return Err(ErrorCode::UnknownLeaderEpoch),
            _ => {}
        }
        match &mut self.role {
            Role::Leader(leader) => Ok((leader, &mut self.log)),
            Role::Unknown | Role::Follower(_) => Err(ErrorCode::NotLeaderOrFollower),
        }
    }
}

impl Host<'_> {
    /// Books the disk's time for a batch just written.
    fn written(&self, batch: &Arc<Batch>, turn: &mut Turn<'_>) {
        turn.disk(DiskWork::Write(batch.records.bytes()));
    }
}
