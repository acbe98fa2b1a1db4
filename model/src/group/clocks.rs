//! The timers of a consumer group's members: known to the coordinator in office alone.
//!
//! Source: `scheduleConsumerGroupSessionTimeout`, `scheduleConsumerGroupRebalanceTimeout`,
//! Kafka 4.0.

use crate::ids::MemberEpoch;
use crate::time::Time;

/// When a member of a consumer group is taken for gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// When it has been silent for too long.
    pub session: Time,
    /// When it must have given back what is no longer its own; `None` if it owes nothing.
    pub giving_back: Option<GivingBack>,
}

/// The wait for a member that has partitions to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivingBack {
    /// When the wait ends.
    pub deadline: Time,
    /// The member's epoch: in another one the wait is over.
    pub epoch: MemberEpoch,
}

impl Clock {
    /// Returns when the first of the timers runs out.
    pub fn deadline(&self) -> Time {
        self.giving_back.map_or(self.session, |it| it.deadline.min(self.session))
    }
}
