//! Consumer groups and the applications in them: what is decided before a trial starts.

use std::sync::Arc;

use model::config::{ConsumerConfig, ProducerConfig};
use model::ids::{ClientId, TopicId};
use model::time::{Duration, Time};

use super::Shape;

/// Names a group of a plan by its place there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupIndex(pub u16);

/// `[groups.NAME]` or `[apps.NAME]`: a consumer group whose members run one application.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupPlan {
    /// Its name, which is its `group.id`.
    pub name: Arc<str>,
    /// Its members, in order: `NAME-1`, `NAME-2` and so on.
    pub members: Vec<ClientId>,
    /// What its members subscribe to.
    pub topics: Subscribed,
    /// What the application does with a record, the same in every member.
    pub handling: Handling,
    /// The timeout of each `poll()`.
    pub poll_timeout: Duration,
}

/// What the members of a group subscribe to.
#[derive(Clone, Debug, PartialEq)]
pub enum Subscribed {
    /// These topics; members wait until all that exist from the start do.
    Topics(Vec<TopicId>),
    /// Every topic whose whole name matches this pattern.
    Pattern(Arc<str>),
}

/// One member of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberPlan {
    /// Its group.
    pub group: GroupIndex,
    /// Which member it is, from 1.
    pub ordinal: u16,
    /// When it joins.
    pub start: Start,
    /// What it subscribes to, if that differs from its group.
    pub topics: Option<Subscribed>,
    /// Its settings.
    pub config: ConsumerConfig,
}

/// When a client starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At this time, or once its topics exist.
    At(Time),
    /// By a `join` step.
    ByStep,
}

/// What an application does with what it polls.
#[derive(Clone, Debug, PartialEq)]
pub struct Handling {
    /// The work on one record.
    pub takes: Shape,
    /// Records in a million on which the work throws, drawn anew at each attempt.
    pub fails_millionths: u32,
    /// When it commits.
    pub commit: CommitStyle,
    /// Who works: the thread that polls, or others.
    pub workers: Option<Workers>,
    /// Where results go.
    pub sink: Sink,
    /// Records that always fail.
    pub poison: Option<Poison>,
    /// What it does with a record on which the work has thrown.
    pub on_failure: OnFailure,
    /// Records of lag in a partition above which it does not look at records any more.
    pub shed_above: Option<u64>,
    /// What it sends for each record, if it does.
    pub output: Option<Output>,
}

/// When an application commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CommitStyle {
    /// `commit-before`: `commitSync` as soon as `poll()` has returned, then the work.
    Before,
    /// `commit-after`: the work on all of it, then `commitSync`.
    #[default]
    After,
    /// `commit-each`: `commitSync` after each record.
    Each,
    /// `auto`: `enable.auto.commit`.
    Auto,
    /// `commit-async`: the work, then `commitAsync`.
    Async(AsyncRetry),
    /// `none`: never; the sink may keep the offsets, or nobody does.
    Never,
}

/// What an application does when a `commitAsync` has failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AsyncRetry {
    /// Nothing: the next commit covers it.
    #[default]
    Never,
    /// It commits the same again, whatever it has committed since.
    Naive,
    /// It commits the same again only if it has not committed since.
    BySequence,
}

/// Threads that work beside the one that polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workers {
    /// How many.
    pub threads: u16,
    /// Who gets a record.
    pub spread: Spread,
    /// Records that may wait for a thread; when it is full the polling thread does the work
    /// itself (caller runs). `None` is without bound.
    pub queue: Option<u32>,
    /// What `commit-after` and its like commit while others work.
    pub commits: WorkerCommits,
}

/// Which worker gets a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Spread {
    /// Whoever is free.
    #[default]
    Anybody,
    /// Always the same one for a key.
    ByKey,
}

/// What is committed while several threads work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkerCommits {
    /// `contiguous`: everything below the first record that is not finished.
    #[default]
    Contiguous,
    /// `own`: each worker commits the record it has finished, whatever lies before.
    Own,
    /// `polled`: whatever `poll()` returned, finished or not.
    Polled,
}

/// Where results go, outside of Kafka. It outlives processes and is shared by the group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sink {
    /// Each result is added.
    #[default]
    Append,
    /// The result's key is the record: a second one is refused.
    UniqueKey,
    /// A result replaces that of the same key unless it is older.
    VersionCheck,
    /// The result and the record's offset are stored in one transaction; members begin where
    /// the sink says.
    WithOffsets,
    /// A mark is set before the work; whoever finds it set does not work.
    SetnxBefore,
    /// The mark is looked up before the work and set after it.
    SetnxAfter,
    /// A Bloom filter says whether a record was seen, and lies in so many of a million cases.
    Bloom {
        /// False positives in a million.
        lies_millionths: u32,
    },
}

/// Records on which the work always throws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poison {
    /// The records of the topic sent as these, counted from 0 over all producers: every n-th.
    EveryNth(u32),
    /// The record at this offset of each partition.
    AtOffset(u64),
}

/// What an application does with a record on which the work has thrown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// `stop`: the exception leaves the loop, `finally` closes the consumer.
    #[default]
    Stop,
    /// `crash`: the process dies at once.
    Crash,
    /// `skip`: it goes on to the next record.
    Skip,
    /// `retry`: it tries again after this pause, for ever.
    Retry(Duration),
    /// `dead-letter`: after so many attempts it sends the record to another topic and goes on.
    DeadLetter {
        /// The topic.
        topic: TopicId,
        /// Attempts before that, at least 1.
        attempts: u32,
    },
}

/// What an application sends for each record.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// The topic.
    pub topic: TopicId,
    /// Whether the copy keeps the record's key.
    pub keys: OutputKeys,
    /// The producer's settings.
    pub config: ProducerConfig,
}

/// Which key a copy has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputKeys {
    /// The record's own, so that the key decides the partition.
    #[default]
    Kept,
    /// The record's own, but partitions take turns.
    RoundRobin,
}
