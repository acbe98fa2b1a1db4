//! The timers of a consumer group's members: known to the coordinator in office alone.
//!
//! Source: `scheduleConsumerGroupSessionTimeout`, `scheduleConsumerGroupRebalanceTimeout`,
//! `scheduleConsumerGroupJoinTimeoutIfAbsent`, `scheduleConsumerGroupSyncTimeout`, Kafka 4.0.

use crate::ids::MemberEpoch;
use crate::time::{Duration, Time};

/// When a member of a consumer group is taken for gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// When it has been silent for too long.
    pub session: Time,
    /// When it must have given back what is no longer its own; `None` if it owes nothing.
    pub giving_back: Option<GivingBack>,
    /// When a member of the classic protocol must have rejoined, if it was told to.
    pub join: Option<Time>,
    /// When such a member must have synced, if it has joined.
    pub sync: Option<Time>,
}

/// The wait for a member that has partitions to give back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GivingBack {
    /// When the wait ends.
    pub deadline: Time,
    /// The member's epoch: in another one the wait is over.
    pub epoch: MemberEpoch,
}

/// How long a timer waits before it tries again what the log has refused.
///
/// Source: `CoordinatorTimerImpl.schedule`, Kafka 4.0.
const RETRY_BACKOFF: Duration = Duration::from_millis(500);

impl Clock {
    /// Makes the timers of a member whose removal the log has refused.
    pub fn retry(now: Time) -> Clock {
        Clock { session: now + RETRY_BACKOFF, giving_back: None, join: None, sync: None }
    }

    /// Returns when the first of the timers runs out.
    pub fn deadline(&self) -> Time {
        let giving_back = self.giving_back.map(|it| it.deadline);
        let others = [giving_back, self.join, self.sync].into_iter().flatten();
        others.fold(self.session, Time::min)
    }
}
