//! Everything about a trial that is decided before it starts, as plain data.
//!
//! A plan holds no randomness but the seed of the residue: which latency a message meets,
//! which unsynced bytes survive. Selectors and conditions stay unresolved; the world
//! resolves them when a step fires.

mod condition;
mod group;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use condition::{Comparison, Condition, Quantity, Selector};
pub use group::{
    AsyncRetry, CommitStyle, GroupIndex, GroupPlan, Handling, MemberPlan, OnFailure, Output,
    OutputKeys, Poison, Sink, Spread, Start, Subscribed, WorkerCommits, Workers,
};

use model::config::{
    BrokerConfig, ConsumerConfig, ControllerConfig, LogDefault, ProducerConfig, TopicConfig,
};
use model::ids::{BrokerId, ClientId, NodeId, TopicId, TopicPartition};
use model::message::MessageKind;
use model::message::cluster::{ElectionKind, TopicLayout};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};

/// One trial, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Seed of every random stream.
    pub seed: u64,
    /// Phase 1: faults are allowed for this long.
    pub faults_for: Duration,
    /// Phase 2: everything is healed and started, and liveness is expected within this time.
    pub settle: Duration,
    /// Events after which the trial is stopped with a finding.
    pub events_max: u64,
    /// What true wall clocks show at time zero.
    pub wall_clock: Timestamp,
    /// The brokers, by id.
    pub brokers: Vec<BrokerPlan>,
    /// Whether the one controller can fail.
    pub controller: ControllerPlan,
    /// The era's rules.
    pub rules: Rules,
    /// The topics; a topic's id is its place here.
    pub topics: Vec<TopicPlan>,
    /// How messages travel.
    pub network: NetworkPlan,
    /// How disks behave.
    pub disk: DiskPlan,
    /// Wall clocks that are not exact.
    pub clocks: BTreeMap<NodeId, ClockPlan>,
    /// The clients; a client's id is its place here.
    pub clients: Vec<ClientPlan>,
    /// The groups; a group's index is its place here.
    pub groups: Vec<GroupPlan>,
    /// What happens, in the order of the file.
    pub steps: Vec<Step>,
    /// Conditions whose first moment is to be recorded (`reaches`).
    pub watches: Vec<Condition>,
}

/// One broker.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerPlan {
    /// Its id.
    pub id: BrokerId,
    /// Its `broker.rack`.
    pub rack: Option<Arc<str>>,
    /// Its settings.
    pub config: BrokerConfig,
    /// Its own defaults of topics' settings.
    pub log_defaults: Vec<LogDefault>,
    /// How its disk behaves.
    pub disk: DiskPlan,
}

/// The controller.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerPlan {
    /// Whether steps may hurt it.
    pub kind: ControllerKind,
    /// Its settings.
    pub config: ControllerConfig,
}

/// Whether steps may hurt the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControllerKind {
    /// `controllers = 0`: it never fails and everybody always reaches it.
    Infallible,
    /// `controllers = 1`: a single voter.
    Single,
}

/// One topic.
#[derive(Clone, Debug, PartialEq)]
pub struct TopicPlan {
    /// Its name.
    pub name: Arc<str>,
    /// How its partitions are placed.
    pub layout: TopicLayout,
    /// Its settings.
    pub config: TopicConfig,
    /// Whether it exists from the start or a step makes it.
    pub created: Created,
}

/// When a topic comes into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// As soon as all brokers are unfenced.
    AtStart,
    /// By a `create-topic` step.
    ByStep,
}

/// How messages travel.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPlan {
    /// One-way latency of every link that `links` does not name.
    pub latency: Shape,
    /// Bytes per second and link; `None` is unlimited.
    pub bandwidth: Option<u64>,
    /// Lost packets in a million; each is a retransmission delay.
    pub loss_millionths: u32,
    /// What a cut does to messages already on the wire.
    pub in_flight: InFlight,
    /// Latency of single links, both ways.
    pub links: Vec<(NodeId, NodeId, Shape)>,
}

/// What a cut does to messages already on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InFlight {
    /// They arrive.
    #[default]
    Kept,
    /// They are lost and sent again by TCP once the link is back.
    Dropped,
    /// They wait until the link is back.
    Jammed,
}

/// How a disk behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct DiskPlan {
    /// Who flushes.
    pub flush: FlushPolicy,
    /// Time of one append into the page cache.
    pub write_latency: Shape,
    /// Time of one fsync.
    pub flush_latency: Shape,
    /// Age at which the operating system has written a page back; `MAX` is never.
    pub writeback: Duration,
}

/// Who flushes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushPolicy {
    /// `flush.messages`, `flush.ms`, segment rolls and clean shutdowns.
    #[default]
    ByConfig,
    /// Each write is on the platter before it is answered.
    EveryWrite,
    /// Nobody, not even the operating system.
    Never,
}

/// A wall clock that is not exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockPlan {
    /// Microseconds ahead of true time at the start; negative is behind.
    pub ahead_micros: i64,
    /// Microseconds gained per second.
    pub drift_ppm: i64,
}

/// A random length of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Always the same.
    Fixed(Duration),
    /// Any length in between, both included.
    Uniform(Duration, Duration),
    /// At least `floor`, `mean` on average, cut off at `cap`.
    Exponential {
        /// The shortest.
        floor: Duration,
        /// The average, floor included.
        mean: Duration,
        /// The longest.
        cap: Duration,
    },
    /// Mostly `usual`, sometimes `rare`.
    TwoHumped {
        /// The common length.
        usual: Duration,
        /// The other one.
        rare: Duration,
        /// How often it is the other one, in a million.
        rare_millionths: u32,
    },
}

/// One client process.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientPlan {
    /// Its name in the file.
    pub name: Arc<str>,
    /// What it does.
    pub role: ClientRole,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientRole {
    /// `[producers.NAME]`
    Producer(ProducerPlan),
    /// `[consumers.NAME]`: stand-alone, with `assign`.
    Consumer(ConsumerPlan),
    /// A member of `[groups.NAME]` or `[apps.NAME]`.
    Member(MemberPlan),
}

/// A producer and its send loop.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerPlan {
    /// The topic it writes.
    pub topic: TopicId,
    /// The partition it names, if it does.
    pub partition: Option<u16>,
    /// How many records it sends in all.
    pub records: u32,
    /// Time between two `send()` calls.
    pub every: Shape,
    /// When the first one is due, at the earliest: the application waits until the topic exists.
    pub start: Time,
    /// Which keys it gives them.
    pub keys: Keys,
    /// Bytes per value.
    pub value_bytes: u32,
    /// How the application treats `send()`.
    pub style: SendStyle,
    /// After how many acknowledged records, at least 1, the application notes its place, to go
    /// on from there when it is started again; `None` if it just goes on with its next record.
    pub checkpoint: Option<u32>,
    /// Its settings.
    pub config: ProducerConfig,
}

/// Which keys a producer's records have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// None: the partitioner spreads them.
    Null,
    /// So many keys, in turn.
    RoundRobin(u32),
    /// So many keys; the k-th is 1/k as likely as the first.
    Zipf(u32),
}

/// How an application treats `send()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SendStyle {
    /// It calls and never looks at the outcome.
    FireAndForget,
    /// It waits for each outcome before it goes on.
    Sync,
    /// It goes on and learns of each outcome in a callback.
    #[default]
    Callback,
}

/// A stand-alone consumer and its poll loop.
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerPlan {
    /// The topic it reads, all partitions; it waits until the topic exists.
    pub topic: TopicId,
    /// The only partition it reads, if it names one.
    pub partition: Option<u16>,
    /// When it starts.
    pub start: Time,
    /// The timeout of each `poll()`.
    pub poll_timeout: Duration,
    /// Time from one `poll()`'s return to the next call.
    pub takes: Shape,
    /// Its settings.
    pub config: ConsumerConfig,
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When.
    pub trigger: Trigger,
    /// What.
    pub action: Action,
    /// After which time it is undone by itself.
    pub undo_after: Option<Duration>,
    /// Whether it may never fire.
    pub required: Required,
}

/// Whether a step or rule that never takes effect makes a run untested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// It does.
    Yes,
    /// `optional = true`.
    No,
}

/// When a step fires.
#[derive(Clone, Debug, PartialEq)]
pub enum Trigger {
    /// At this time.
    At(Time),
    /// This long after the previous step fired.
    After(Duration),
    /// Once the previous step with `after` or `when` before it has fired and the condition
    /// holds, and then this much later. Optional steps hold up nobody: they may never fire.
    When(Condition, Duration),
}

/// What a step does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Kill a process: page cache and host stay (`kill -9`), peers get resets.
    Crash(Vec<Selector>),
    /// Start processes that are down.
    Restart(Vec<Selector>),
    /// Stop brokers in order (controlled shutdown), or clients by `close()`.
    Shutdown(Vec<Selector>),
    /// Cut the power of hosts, all at the same instant: no resets, unsynced bytes at risk.
    PowerLoss(Vec<Selector>, Unsynced),
    /// Freeze processes (SIGSTOP, a long GC): connections stay open.
    Pause(Vec<Selector>),
    /// Let them go on.
    Resume(Vec<Selector>),
    /// Cut links between two sets of nodes.
    Cut {
        /// One side.
        from: Vec<Selector>,
        /// The other side; empty means everybody else.
        to: Vec<Selector>,
        /// Which way nothing passes any more.
        direction: Direction,
    },
    /// Undo cuts, slow links, rules, slow disks; does not start or resume processes.
    HealAll,
    /// Undo cuts and slow links that touch these nodes.
    Heal(Vec<Selector>),
    /// Give links another latency.
    Slow {
        /// One side.
        from: Vec<Selector>,
        /// The other side; empty means everybody else.
        to: Vec<Selector>,
        /// The latency, both ways.
        latency: Shape,
    },
    /// Treat some messages specially.
    Rule(MessageRule),
    /// Let go of the messages that `hold` rules keep.
    Release,
    /// Reset the connections between two sets of nodes.
    Reset(Vec<Selector>, Vec<Selector>),
    /// Make disks slow: each append and fsync takes this long.
    DiskSlow(Vec<Selector>, Shape),
    /// Let disks answer nothing until that is undone.
    DiskStall(Vec<Selector>),
    /// Set wall clocks forward by these microseconds, or back.
    ClockJump(Vec<Selector>, i64),
    /// Let wall clocks gain so many microseconds per second from here on.
    ClockDrift(Vec<Selector>, i64),
    /// Ask the controller for an election.
    Elect(TopicPartition, ElectionKind),
    /// Create a topic that is `ByStep`.
    CreateTopic(TopicId),
    /// Change settings of a topic while it is in use.
    AlterTopic(TopicId, TopicConfig),
    /// Let a producer send so many records more, at once.
    Produce(ClientId, u32),
    /// Let a consumer seek.
    Seek(ClientId, TopicPartition, SeekTo),
    /// Start members that wait for it, or that have left or crashed.
    Join(Vec<Selector>),
    /// Let members leave their group: `close()`, as at the end of an orderly process.
    Leave(Vec<Selector>),
    /// Call `poll()` of consumers from a second thread.
    PollElsewhere(Vec<Selector>),
    /// Call `wakeup()` of consumers.
    Wakeup(Vec<Selector>),
    /// Let consumers stop fetching these partitions, or all that they own.
    PauseFetching(Vec<Selector>, Vec<TopicPartition>),
    /// Let them go on fetching.
    ResumeFetching(Vec<Selector>, Vec<TopicPartition>),
    /// Commit offsets as an operator does (`kafka-consumer-groups --reset-offsets`), or as a
    /// member's application.
    CommitOffsets(CommitOrder),
    /// Move a group member to where records of this age begin (`offsetsForTimes`, `seek`).
    SeekToTime(ClientId, Timestamp),
    /// Give a topic this many partitions.
    AddPartitions(TopicId, u16),
    /// Delete the records of a partition below this offset.
    DeleteRecords(TopicPartition, model::ids::Offset),
    /// Only say something, or set a marker for `seen(...)`.
    Mark(Option<Arc<str>>),
}

/// Offsets that a step commits.
#[derive(Clone, Debug, PartialEq)]
pub struct CommitOrder {
    /// The group.
    pub group: GroupIndex,
    /// On whose behalf: a member, with its generation; `None` is an operator.
    pub member: Option<ClientId>,
    /// The partitions and where to go.
    pub offsets: Vec<(TopicPartition, SeekTo)>,
}

/// Where a consumer seeks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// The start of the log.
    Beginning,
    /// Its end.
    End,
    /// An offset.
    Offset(model::ids::Offset),
}

/// Which way a cut works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Nothing passes.
    #[default]
    Both,
    /// Nothing passes from the first set to the second.
    OneWay,
}

/// What a power cut does to bytes that were not flushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unsynced {
    /// All are gone.
    #[default]
    Lost,
    /// All happen to be there.
    Kept,
    /// A drawn number of batches from the first on is there.
    Prefix,
    /// As `Prefix`, and the next batch is damaged: recovery finds it and cuts there.
    Torn,
}

/// A rule about single messages; the first that matches applies.
#[derive(Clone, Debug, PartialEq)]
pub struct MessageRule {
    /// What happens to a message.
    pub fate: MessageFate,
    /// Which kind of message.
    pub kind: MessageKind,
    /// Who sends it; empty means anybody.
    pub from: Vec<Selector>,
    /// Who would get it; empty means anybody.
    pub to: Vec<Selector>,
    /// How many matching messages pass before the rule takes hold.
    pub skip: u32,
    /// How many messages it applies to; `None` is all until healed.
    pub times: Option<u32>,
    /// To how many of a million matching messages it applies, each by its own luck.
    pub share_millionths: u32,
}

/// A rule that applies to every message that matches.
pub const ALL_MILLIONTHS: u32 = 1_000_000;

/// What a rule does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageFate {
    /// It never arrives; the connection lives on (as if a proxy swallowed it).
    Drop,
    /// It waits for `release`; what follows on its connection waits behind it.
    Hold,
    /// It arrives this much later; what follows on its connection waits behind it.
    Delay(Duration),
}
