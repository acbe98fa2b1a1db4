//! What applications did with the records that they polled (stream `op`).

use crate::ids::{ClientId, Offset, TopicPartition, Uid};

/// Something that an application did with a record.
#[derive(Clone, Debug, PartialEq, Hash)]
pub struct WorkFact {
    /// The application's client.
    pub client: ClientId,
    /// The partition from which it has the record.
    pub partition: TopicPartition,
    /// The record's offset.
    pub offset: Offset,
    /// The record.
    pub uid: Uid,
    /// What it did.
    pub what: WorkEvent,
}

/// What an application does with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WorkEvent {
    /// A thread began to work on it: 0 is the thread that polls, workers count from 1.
    Began(u16),
    /// The work ended.
    Ended(WorkOutcome),
    /// Its result reached the sink.
    Effect(EffectOutcome),
    /// A record was sent because of it.
    CopySent {
        /// The record sent.
        copy: Uid,
        /// What for.
        purpose: CopyPurpose,
    },
}

/// How the work on a record ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WorkOutcome {
    /// It is done.
    Done,
    /// It threw; the record counts as not processed.
    Failed,
    /// It threw, and the application goes on to the next one.
    Skipped,
    /// Too much was waiting: the application did not even look at it.
    Shed,
    /// It is in the dead-letter topic, acknowledged.
    Parked,
    /// It is in the next topic, acknowledged.
    HandedOn,
    /// The sink said that it was seen before, so that nothing was done.
    TakenForRepeat,
}

/// What a sink did with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EffectOutcome {
    /// It is there.
    Applied,
    /// It was there already (unique key, version, stored offset).
    Refused,
}

/// What a record was sent for because of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CopyPurpose {
    /// It goes to the dead-letter topic.
    DeadLetter,
    /// It goes to the next topic: dispatched or transformed.
    Output,
}
