//! A coordinator in office: it loads, serves, waits for its writes, and resigns.
//!
//! What is written is in memory at once, and answered when the high watermark has passed it.
//! A write that takes longer than `offsets.commit.timeout.ms` is answered with an error and
//! stays in memory and in the log.
//!
//! Source: `CoordinatorRuntime`, `GroupCoordinatorService`, Kafka 4.0.

use std::collections::VecDeque;

use crate::group::classic::join::refuse;
use crate::group::classic::sync::synced;
use crate::group::coordinator::Coordinator;
use crate::group::decision::{Decision, Draft, Then, Waiter};
use crate::ids::{LeaderEpoch, Offset};
use crate::message::group::{
    ConsumerHeartbeatReply, GroupHeartbeatReply, LeaveGroupReply, OffsetCommitReply,
    OffsetDeleteReply, OffsetFetchReply,
};
use crate::message::{ErrorCode, Request, Response};
use crate::mutant::Mutant;
use crate::rules::Rules;
use crate::time::{Duration, Time};

/// A coordinator over one partition, for one leader epoch of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shard {
    /// The leader epoch that it holds office in.
    pub epoch: LeaderEpoch,
    /// The groups.
    pub coordinator: Coordinator,
    /// Whether it serves.
    pub office: Office,
    /// Writes in order that are not finished.
    waiting: VecDeque<Waiting>,
    /// The end of the last write.
    written: Offset,
    /// When to look for expired offsets.
    next_expiry: Time,
}

/// Whether a coordinator serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Office {
    /// It reads its partition until then.
    Loading {
        /// The moment at which it has read everything.
        until: Time,
    },
    /// It serves.
    Active,
}

/// A write that is not finished.
#[derive(Clone, Debug, PartialEq)]
struct Waiting {
    /// What the high watermark has to reach, or why nothing was written.
    written: Result<Offset, ErrorCode>,
    /// When to give up.
    deadline: Time,
    /// What it ends with.
    then: Then,
}

/// Where a decision's records lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There were none.
    Nothing,
    /// Here.
    At {
        /// The first record.
        base: Offset,
        /// After the last one.
        end: Offset,
    },
    /// Nowhere: the log refused them.
    Refused(ErrorCode),
}

impl Shard {
    /// Takes office; the partition will have been read at `until`.
    pub fn load(epoch: LeaderEpoch, until: Time) -> Shard {
        Shard {
            epoch,
            coordinator: Coordinator::default(),
            office: Office::Loading { until },
            waiting: VecDeque::new(),
            written: Offset::ZERO,
            next_expiry: Time::MAX,
        }
    }

    /// Begins to serve, with everything replayed that lies before `end`.
    pub fn activate(&mut self, end: Offset, now: Time, expiry_interval: Duration) {
        self.office = Office::Active;
        self.written = end;
        self.next_expiry = now + expiry_interval;
    }

    /// Returns when something is due.
    pub fn next_deadline(&self) -> Option<Time> {
        match self.office {
            Office::Loading { until } => Some(until),
            Office::Active => {
                let writes = self.waiting.front().map(|write| write.deadline);
                let timers = self.coordinator.next_deadline();
                writes.into_iter().chain(timers).chain([self.next_expiry]).min()
            }
        }
    }

    /// Takes in a decision whose records have been written, or not; returns what to answer.
    ///
    /// A classic group keeps what the log refused, as in Kafka: only its records are replayed.
    pub fn take(
        &mut self,
        decision: Decision,
        written: Written,
        now: Time,
        timeout: Duration,
    ) -> Vec<(Waiter, Response)> {
        let outcome = match written {
            Written::Nothing => {
                self.coordinator.apply(&decision, self.written, now);
                Ok(self.written)
            }
            Written::At { base, end } => {
                self.coordinator.apply(&decision, base, now);
                self.written = end;
                Ok(end)
            }
            Written::Refused(error) => {
                let unwritten = Decision { change: decision.change, ..Decision::default() };
                self.coordinator.apply(&unwritten, self.written, now);
                Err(error)
            }
        };
        if let Some(then) = decision.then {
            let deadline = now + timeout;
            self.waiting.push_back(Waiting { written: outcome, deadline, then });
        }
        decision.answers
    }

    /// Takes out the next write that is finished, with how it ended.
    pub fn next_finished(
        &mut self,
        high_watermark: Offset,
        now: Time,
        rules: Rules,
    ) -> Option<(Then, Result<(), ErrorCode>)> {
        let write = self.waiting.front()?;
        let outcome = match write.written {
            Err(error) => Err(error),
            Ok(end) if end <= high_watermark => Ok(()),
            // Mutant: what is written here counts.
            Ok(_) if rules.has(Mutant::CommitBeforeReplication) => Ok(()),
            Ok(_) if write.deadline <= now => Err(ErrorCode::RequestTimedOut),
            Ok(_) => return None,
        };
        let write = self.waiting.pop_front()?;
        Some((write.then, outcome))
    }

    /// Decides what follows from the end of a write.
    pub fn finish(
        &self,
        then: Then,
        outcome: Result<(), ErrorCode>,
        mut draft: Draft<'_, '_>,
    ) -> Decision {
        let error = outcome.err().map(translate);
        match then {
            Then::Answer(waiter, response) => {
                let response = match outcome {
                    Ok(()) => response,
                    Err(error) => failed(response, error),
                };
                draft.answer(waiter, response);
                draft.decision
            }
            Then::Assign { group, generation, assignments } => {
                self.coordinator.amend(&group, draft, |group, draft| match error {
                    _ if !group.awaits_assignment(generation) => {}
                    None => group.assign(&assignments, draft),
                    Some(error) => group.on_assignment_lost(error, draft),
                })
            }
            Then::Replace(replacement) => {
                let Some(error) = error else {
                    draft.answer(replacement.waiter, replacement.response);
                    return draft.decision;
                };
                draft.answer(replacement.waiter, refuse(error, None));
                let group = replacement.group.clone();
                self.coordinator.amend(&group, draft, |group, draft| {
                    group.undo_replacement(&replacement, draft);
                })
            }
        }
    }

    /// Decides what follows from the next timer that has run out; `None` once nothing is due.
    pub fn expire(&mut self, draft: Draft<'_, '_>) -> Option<Decision> {
        if self.next_expiry <= draft.now() {
            self.next_expiry = draft.now() + draft.config.offsets_retention_check_interval;
            return Some(self.coordinator.expire_offsets(draft));
        }
        let decision = self.coordinator.expire(draft);
        if decision.is_none() {
            self.coordinator.rearm();
        }
        decision
    }

    /// Ends the office: everybody who waits must look for another coordinator.
    pub fn resign(mut self, mut draft: Draft<'_, '_>) -> Decision {
        for write in std::mem::take(&mut self.waiting) {
            match write.then {
                Then::Answer(waiter, response) => {
                    draft.answer(waiter, failed(response, ErrorCode::NotLeaderOrFollower));
                }
                // Those that wait for it are answered by their group.
                Then::Assign { .. } => {}
                Then::Replace(replacement) => {
                    draft.answer(replacement.waiter, refuse(ErrorCode::NotCoordinator, None));
                }
            }
        }
        self.coordinator.resign(draft)
    }
}

/// Returns what a client is told when a write has failed.
///
/// Source: `GroupCoordinatorService.handleOperationException`,
/// `GroupMetadataManager.appendGroupMetadataErrorToResponseError`, Kafka 4.0.
pub fn translate(error: ErrorCode) -> ErrorCode {
    match error {
        ErrorCode::UnknownTopicOrPartition
        | ErrorCode::NotEnoughReplicas
        | ErrorCode::RequestTimedOut => ErrorCode::CoordinatorNotAvailable,
        ErrorCode::NotLeaderOrFollower | ErrorCode::KafkaStorageError => ErrorCode::NotCoordinator,
        ErrorCode::MessageTooLarge
        | ErrorCode::RecordListTooLarge
        | ErrorCode::InvalidFetchSize => ErrorCode::UnknownServerError,
        other => other,
    }
}

/// Turns an answer into one that says that the write has failed.
fn failed(response: Response, cause: ErrorCode) -> Response {
    let error = translate(cause);
    match response {
        Response::OffsetCommit(mut reply) => {
            for (_, outcome) in &mut reply.partitions {
                *outcome = error;
            }
            Response::OffsetCommit(reply)
        }
        // A fetch must not be taken for one that found nothing: its client looks for the
        // coordinator again.
        Response::OffsetFetch(_) if cause == ErrorCode::RequestTimedOut => {
            Response::OffsetFetch(OffsetFetchReply { partitions: Err(ErrorCode::NotCoordinator) })
        }
        Response::OffsetFetch(_) => {
            Response::OffsetFetch(OffsetFetchReply { partitions: Err(error) })
        }
        Response::OffsetDelete(_) => {
            Response::OffsetDelete(OffsetDeleteReply { partitions: Err(error) })
        }
        Response::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupReply { members: Err(error) }),
        Response::Heartbeat(_) => Response::Heartbeat(GroupHeartbeatReply { error }),
        Response::ConsumerGroupHeartbeat(_) => {
            Response::ConsumerGroupHeartbeat(ConsumerHeartbeatReply { member: Err(error) })
        }
        // Only consumer groups answer these when a write has ended.
        Response::JoinGroup(_) => refuse(error, None),
        Response::SyncGroup(_) => synced(Err(error)),
        other => other,
    }
}

/// Makes the answer of a broker that does not coordinate the group, or not yet.
///
/// # Panics
/// If the request is not one that group coordinators serve.
pub fn turn_away(request: &Request, error: ErrorCode) -> Response {
    match request {
        Request::JoinGroup(request) => refuse(error, request.member.clone()),
        Request::SyncGroup(_) => synced(Err(error)),
        // A member whose coordinator loads has done nothing wrong: the loaded group gives it
        // a whole session.
        Request::Heartbeat(_) if error == ErrorCode::CoordinatorLoadInProgress => {
            Response::Heartbeat(GroupHeartbeatReply { error: ErrorCode::None })
        }
        Request::Heartbeat(_) => Response::Heartbeat(GroupHeartbeatReply { error }),
        Request::LeaveGroup(_) => Response::LeaveGroup(LeaveGroupReply { members: Err(error) }),
        Request::OffsetCommit(request) => {
            let partitions = request.offsets.iter().map(|&(partition, _)| (partition, error));
            Response::OffsetCommit(OffsetCommitReply { partitions: partitions.collect() })
        }
        Request::OffsetFetch(_) => {
            Response::OffsetFetch(OffsetFetchReply { partitions: Err(error) })
        }
        Request::OffsetDelete(_) => {
            Response::OffsetDelete(OffsetDeleteReply { partitions: Err(error) })
        }
        Request::ConsumerGroupHeartbeat(_) => {
            Response::ConsumerGroupHeartbeat(ConsumerHeartbeatReply { member: Err(error) })
        }
        _ => panic!("{} does not go to a group coordinator", request.api().name()),
    }
}
