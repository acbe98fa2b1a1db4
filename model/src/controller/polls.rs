//! Brokers that wait for new metadata records.
//!
//! Source: `KafkaRaftClient.handleFetchRequest`, `RaftManager`, Kafka 4.0: a fetch at the
//! end of the metadata log is parked for up to 500 ms.

use crate::controller::{Caller, MetadataLog};
use crate::ids::{ConnectionId, MetadataOffset};
use crate::message::cluster::{FetchMetadataReply, FetchMetadataRequest};
use crate::message::{Message, Response};
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// How long a fetch waits for records.
///
/// Source: `KafkaRaftClient.MAX_FETCH_WAIT_MS`, Kafka 4.0.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The parked fetches. Invariant: in the order of their deadlines, for all wait equally long.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Polls(Vec<Poll>);

#[derive(Clone, Debug, PartialEq)]
struct Poll {
    caller: Caller,
    from: MetadataOffset,
    deadline: Time,
}

impl Polls {
    /// Answers at once if there is something to tell.
    pub(super) fn answer_or_park(
        &mut self,
        caller: Caller,
        request: &FetchMetadataRequest,
        log: &MetadataLog,
        turn: &Turn<'_>,
    ) -> Option<FetchMetadataReply> {
        let from = request.from;
        let records = log.from(from);
        if records.is_empty() {
            self.0.push(Poll { caller, from, deadline: turn.now + WAIT_MAX });
            return None;
        }
        Some(FetchMetadataReply { from, records: records.to_vec() })
    }

    /// Answers all for whom there are records, or who have waited long enough.
    pub(super) fn answer(&mut self, log: &MetadataLog, turn: &mut Turn<'_>) {
        self.0.retain(|&Poll { caller, from, deadline }| {
            let records = log.from(from);
            let is_waiting = records.is_empty() && turn.now < deadline;
            if !is_waiting {
                let reply = FetchMetadataReply { from, records: records.to_vec() };
                let response = Response::FetchMetadata(reply);
                turn.send(caller.connection, Message::Response(caller.correlation, response));
            }
            is_waiting
        });
    }

    /// Drops what a closed connection asked.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.0.retain(|poll| poll.caller.connection != connection);
    }

    /// Returns when the next one has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.0.first().map(|poll| poll.deadline)
    }
}
