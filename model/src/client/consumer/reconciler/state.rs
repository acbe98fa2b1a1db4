//! The states of a member of a consumer group, on the client.

use super::Work;
use crate::message::ErrorCode;

/// Where a member is.
///
/// Source: `MemberState`, Kafka 4.0.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// Not in the group, and not on its way.
    Unsubscribed,
    /// It asks to join.
    Joining,
    /// It moves to a target; the step is `None` until the host starts.
    Reconciling(Option<Work>),
    /// It has reached a target that the coordinator does not know of.
    Acknowledging,
    /// It has what the coordinator wants it to have.
    Stable,
    /// The coordinator threw it out; it joins again once its partitions are reported lost.
    Fenced,
    /// It is about to leave; the listener is running.
    PrepareLeaving,
    /// Its last heartbeat is to be sent.
    Leaving(LeaveCause),
    /// It left since `poll()` was not called; the next call joins again.
    Stale,
    /// An error that does not go away; `poll()` throws it.
    Fatal(ErrorCode),
}

/// Why a member leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaveCause {
    /// `close()` or `unsubscribe()`.
    Application,
    /// `max.poll.interval.ms` was over.
    PollInterval,
}
