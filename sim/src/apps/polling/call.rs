//! What the application of a group's member calls next.

use model::fact::CopyPurpose;
use model::ids::{Offset, TopicPartition};
use model::time::{Time, Timestamp};

use crate::apps::handling::Item;
use crate::apps::workers::Offsets;

/// What a member's application calls next.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Poll,
    /// `commitSync` of these offsets, or of the current positions.
    CommitSync(Option<Offsets>),
    CommitAsync(Option<Offsets>),
    /// The rebalance listener returns.
    Listened,
    Seek(TopicPartition, Offset),
    /// `offsetsForTimes` of everything that it owns.
    OffsetsForTimes(Timestamp),
    /// `send()` of the producer beside it.
    Send(Copy),
    CloseProducer,
    Close,
    /// The process ends, everything closed.
    Exit,
    /// The process dies.
    Crash,
    /// It works until then, or waits for a call to return.
    Wait(Option<Time>),
}

/// A record to be sent because of another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Copy {
    pub(crate) item: Item,
    pub(crate) purpose: CopyPurpose,
}
