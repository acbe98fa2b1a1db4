//! `offsetsForTimes`: the first offsets at or after given times, from the leaders.
//!
//! Source: `OffsetFetcher.fetchOffsetsByTimes`, Kafka 4.0.

use std::collections::BTreeMap;

use crate::client::offsets::Ask;
use crate::fact::{GroupError, MemberEvent};
use crate::ids::{BrokerId, Offset, TopicPartition};
use crate::message::data::{ListOffsetsReply, ListOffsetsRequest, OffsetSpec};
use crate::message::{ErrorCode, Request};
use crate::time::{Time, Timestamp};
use crate::turn::{Returned, Turn};

use super::{Activity, Consumer};

/// A call for which the application waits.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TimesCall {
    until: Time,
    /// Not answered; each may be asked about from a moment on.
    open: BTreeMap<TopicPartition, (Timestamp, Time)>,
    found: Vec<(TopicPartition, Option<Offset>)>,
}

impl TimesCall {
    pub(super) fn new(times: Vec<(TopicPartition, Timestamp)>, until: Time) -> TimesCall {
        let open = times.into_iter().map(|(tp, time)| (tp, (time, Time::ZERO))).collect();
        TimesCall { until, open, found: Vec::new() }
    }

    /// Returns when it is to be looked at again.
    pub(super) fn next_deadline(&self, now: Time) -> Time {
        let retries = self.open.values().map(|&(_, at)| at).filter(|&at| now < at);
        retries.min().map_or(self.until, |at| at.min(self.until))
    }
}

impl Consumer {
    /// Asks the leaders who have not answered; returns once all have.
    pub(super) fn look_up_times(&mut self, turn: &mut Turn<'_>) {
        let Activity::Times(call, _) = &mut self.activity else { return };
        if call.open.is_empty() {
            let found = std::mem::take(&mut call.found);
            self.activity = Activity::Idle;
            return turn.return_to_application(Returned::Times(found));
        }
        if call.until <= turn.now {
            self.activity = Activity::Idle;
            self.note(MemberEvent::Threw(GroupError::Fatal(ErrorCode::RequestTimedOut)), turn);
            return turn.return_to_application(Returned::Threw);
        }
        let mut by_leader: BTreeMap<BrokerId, Vec<_>> = BTreeMap::new();
        for (&tp, &(time, _)) in call.open.iter().filter(|(_, (_, at))| *at <= turn.now) {
            match self.link.metadata().leader(tp) {
                Some(it) => by_leader.entry(it.leader).or_default().push((tp, it.epoch, time)),
                None => self.link.request_update(),
            }
        }
        for (broker, asked) in by_leader {
            if !self.link.is_ready(broker, turn.now) {
                self.link.connect(broker, turn);
                continue;
            }
            for (tp, ..) in &asked {
                if let Some((_, at)) = call.open.get_mut(tp) {
                    *at = turn.now + self.config.request_timeout;
                }
            }
            let question = |&(tp, epoch, time): &_| (tp, Some(epoch), OffsetSpec::AtOrAfter(time));
            let partitions = asked.iter().map(question).collect();
            let isolation = self.config.isolation;
            let request = ListOffsetsRequest { replica: None, isolation, partitions };
            let asked = asked.into_iter().map(|(tp, _, time)| (tp, time)).collect();
            self.link.send(broker, Request::ListOffsets(request), Ask::Times(asked), turn);
        }
        let wake_at = call.next_deadline(turn.now);
        if let Activity::Times(_, at) = &mut self.activity {
            *at = wake_at;
        }
    }

    /// Takes in what a leader found. Every error is worth another try.
    pub(super) fn on_times(
        &mut self,
        asked: &[(TopicPartition, Timestamp)],
        reply: &ListOffsetsReply,
        turn: &Turn<'_>,
    ) {
        for (&(tp, _), listed) in asked.iter().zip(&reply.partitions) {
            match (&mut self.activity, listed.error) {
                (Activity::Times(call, _), ErrorCode::None) => {
                    if call.open.remove(&tp).is_some() {
                        call.found.push((tp, listed.offset));
                    }
                }
                _ => self.on_times_failed(tp, turn),
            }
        }
    }

    /// Asks about a partition again after a pause.
    pub(super) fn on_times_failed(&mut self, tp: TopicPartition, turn: &Turn<'_>) {
        if let Activity::Times(call, _) = &mut self.activity
            && let Some((_, at)) = call.open.get_mut(&tp)
        {
            *at = turn.now + self.config.retry_backoff;
            self.link.request_update();
        }
    }
}
