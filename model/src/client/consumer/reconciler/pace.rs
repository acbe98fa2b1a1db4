//! When heartbeats leave: the coordinator's interval, and pauses after failures.
//!
//! Source: `HeartbeatRequestState`, `RequestState`, Kafka 4.0.

use crate::chance::Rng;
use crate::channel::Backoff;
use crate::time::{Duration, Time};

/// When the next heartbeat may leave.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pace {
    pub(super) backoff: Backoff,
    /// As the coordinator said; zero before.
    pub(super) interval: Duration,
    /// When the interval since the last heartbeat is over.
    pub(super) due_at: Time,
    /// When the pause after failures is over.
    pub(super) backing_off_until: Time,
    pub(super) failures: u32,
    pub(super) is_in_flight: bool,
}

impl Pace {
    /// Lets the next heartbeat leave after a pause that grows with the failures in a row.
    pub(super) fn back_off(&mut self, now: Time, rng: &mut Rng) {
        self.due_at = Time::ZERO;
        self.backing_off_until = now + self.backoff.pause(self.failures, rng);
        self.failures += 1;
    }

    pub(super) fn reset(&mut self) {
        self.backing_off_until = Time::ZERO;
        self.failures = 0;
    }

    /// Lets the next heartbeat leave at once.
    pub(super) fn start_over(&mut self) {
        self.reset();
        self.due_at = Time::ZERO;
        self.is_in_flight = false;
    }
}
