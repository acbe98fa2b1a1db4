//! What a trial is judged by: claims, the anomalies that break them, and verdicts with
//! their evidence.

use std::collections::BTreeMap;

use model::fact::{CommitKind, RebalanceCause, ResetCause, WorkOutcome};
use model::ids::{BrokerId, ClientId, Generation, LeaderEpoch, Offset, TopicPartition, Uid};
use model::time::{Duration, Time};

use crate::clause::Sentence;
use crate::plan::GroupIndex;

macro_rules! named {
    ($(#[$doc:meta])* pub enum $type:ident { $($variant:ident $name:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $type {
            $(#[doc = $text] $variant,)*
        }

        impl $type {
            /// Every one, in order.
            pub const ALL: &[$type] = &[$($type::$variant,)*];

            /// Returns the name that scenario files and reports use.
            pub fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)*
                }
            }

            /// Returns what it means, in one sentence.
            pub fn meaning(self) -> &'static str {
                match self {
                    $($type::$variant => $text,)*
                }
            }

            /// Finds the one with this name.
            pub fn by_name(name: &str) -> Option<$type> {
                $type::ALL.iter().copied().find(|it| it.name() == name)
            }
        }
    };
}

pub(crate) use named;

named! {
    /// A guarantee that a scenario expects to hold or to break.
    pub enum Claim {
        NoAcknowledgedLoss "no-acknowledged-loss" "No record that was acknowledged to its producer is missing from the final log.",
        NoCommittedLoss "no-committed-loss" "No record that once lay below a high watermark is missing from a later leader.",
        NothingDroppedSilently "nothing-dropped-silently" "No record vanishes without an error at its producer.",
        NoPhantom "no-phantom" "No record that was reported as failed is in the log.",
        NoDuplicates "no-duplicates" "No record is in the log twice.",
        IdempotentNoDuplicates "idempotent-no-duplicates" "No sequence number of a producer id and epoch is in a log twice, and none is left out.",
        OrderPerPartition "order-per-partition" "Records of one producer lie in each partition in the order in which they were sent.",
        OrderPerKey "order-per-key" "A group finishes the records of each key in the order in which they were sent.",
        ReplicasAgree "replicas-agree" "Two replicas never keep different records at one offset.",
        HighWatermarkMonotonic "high-watermark-monotonic" "The committed end that clients can see never moves back, and never beyond a member of the ISR.",
        OneLeaderPerEpoch "one-leader-per-epoch" "No two brokers append as leader in the same leader epoch.",
        IsrCoversHighWatermark "isr-covers-high-watermark" "The leader waits for every member of the ISR that the controller could elect from.",
        NothingSkipped "nothing-skipped" "A group has processed, parked or handed on every record below its committed offset.",
        NothingRepeated "nothing-repeated" "A group has processed no record twice.",
        OneOwnerPerPartition "one-owner-per-partition" "No partition belongs to two members of a group in one generation.",
        CommitsMoveForward "commits-move-forward" "The committed offsets of a group never move back, are never lost, and are written by their owners only.",
        EffectsOnce "effects-once" "Every processed record has had its effect outside of Kafka exactly once.",
        WritesResume "writes-resume" "After the faults are healed, every partition accepts writes again in time.",
        ReplicasCatchUp "replicas-catch-up" "After the faults are healed, every replica is in the ISR again in time.",
        GroupStabilises "group-stabilises" "After the faults are healed, every group with members is stable again in time.",
        GroupDrains "group-drains" "After the faults are healed, every group has committed everything there is to read in time.",
    }
}

named! {
    /// The evidence against a claim.
    pub enum Anomaly {
        AckedLost "acked-lost" "An acknowledged record is missing from the final log.",
        CommittedLost "committed-lost" "A committed record is missing from a later leader's log.",
        ExposedVanished "exposed-vanished" "A record that a consumer has read is no longer at its offset.",
        OffsetReuse "offset-reuse" "One offset stood for two different records in acknowledgements or reads.",
        SilentDrop "silent-drop" "A record sent with acks=0 never reached a log.",
        NeverSent "never-sent" "A record that send() took never left the producer's process.",
        SendGap "send-gap" "A run of one producer's records is missing from the final log.",
        RejectedSend "rejected-send" "A send ended with an error that the application was told.",
        PhantomWrite "phantom-write" "A record that was reported as failed is in the final log.",
        DupAppend "dup-append" "A record is in the final log more than once.",
        DupSequence "dup-sequence" "A sequence number of one producer id and epoch is in a log twice.",
        SeqGap "seq-gap" "A sequence number of one producer id and epoch was left out.",
        SendReorder "send-reorder" "Two records of one producer lie in a partition against their order of sending.",
        LogDivergence "log-divergence" "Two replicas hold different records at one offset.",
        EpochDisorder "epoch-disorder" "Leader epochs decrease along a log.",
        HwRegression "hw-regression" "The committed end that clients see moved back.",
        HwOverrun "hw-overrun" "A leader's high watermark lies beyond the log of an ISR member.",
        ReadAboveHw "read-above-hw" "A consumer was given a record above the high watermark.",
        MinIsrBreach "min-isr-breach" "acks=all was answered while the ISR was smaller than min.insync.replicas.",
        SameEpochLeaders "same-epoch-leaders" "Two brokers appended as leader in one epoch.",
        DualLeader "dual-leader" "Two brokers accepted writes at the same time in different epochs.",
        IsrSuperset "isr-superset" "A leader's high watermark did not wait for a member of the registered ISR.",
        UncleanElection "unclean-election" "A leader was elected from outside of the ISR.",
        UnavailableWrite "unavailable-write" "A partition did not accept writes in time.",
        NoRecovery "no-recovery" "A replica did not get back into the ISR in time.",
        KeyOrder "key-order" "Two records of a key were finished against their order of sending.",
        KeySplit "key-split" "Records of one key lie in more than one partition.",
        GroupLoss "group-loss" "A record lies below its group's committed offset and was never processed, parked or handed on.",
        GroupDup "group-dup" "A record was processed more than once by its group.",
        Parked "parked" "A record went to the dead-letter topic.",
        EffectDup "effect-dup" "The effect of a record was applied twice.",
        EffectMissing "effect-missing" "A record counts as done, and its effect never happened.",
        CommitRegression "commit-regression" "A group's committed offset moved back without an operator's order.",
        CommitLost "commit-lost" "A commit was acknowledged and is not there afterwards.",
        ZombieCommit "zombie-commit" "A commit was accepted from a member that no longer owned the partition.",
        CommitBeyondProcessed "commit-beyond-processed" "A committed offset lay above a record that was not finished.",
        DoubleOwner "double-owner" "Two members held one partition in one generation.",
        ZombieOverlap "zombie-overlap" "Two members worked on one partition at the same time.",
        OrphanPartition "orphan-partition" "Nobody worked on a partition with records waiting for longer than ten seconds.",
        ConsumedUnassigned "consumed-unassigned" "A member was given records of a partition that it did not own.",
        OffsetResetSkip "offset-reset-skip" "A reset moved a group's position forward over records.",
        OffsetResetRewind "offset-reset-rewind" "A reset moved a group's position back.",
        StalledConsumer "stalled-consumer" "A member with records waiting made no progress for longer than a minute.",
        StuckRebalance "stuck-rebalance" "A group was not stable for longer than a minute.",
        RebalanceStorm "rebalance-storm" "A group rebalanced more than three times within a minute.",
        IdleMember "idle-member" "A member of a stable group owned no partition.",
        AssignmentSkew "assignment-skew" "Members with equal subscriptions owned numbers of partitions that differ by more than one.",
        Backlog "backlog" "A group's lag grew to more than a thousand records.",
        PollPosition "poll-position" "A member was given records out of order, or with a hole, and no rebalance, seek or reset lay between.",
    }
}

impl Claim {
    /// Says whether it is about consumer groups, so that it has no subject without one.
    pub fn is_about_groups(self) -> bool {
        match self {
            Claim::OrderPerKey
            | Claim::NothingSkipped
            | Claim::NothingRepeated
            | Claim::OneOwnerPerPartition
            | Claim::CommitsMoveForward
            | Claim::EffectsOnce
            | Claim::GroupStabilises
            | Claim::GroupDrains => true,
            Claim::NoAcknowledgedLoss
            | Claim::NoCommittedLoss
            | Claim::NothingDroppedSilently
            | Claim::NoPhantom
            | Claim::NoDuplicates
            | Claim::IdempotentNoDuplicates
            | Claim::OrderPerPartition
            | Claim::ReplicasAgree
            | Claim::HighWatermarkMonotonic
            | Claim::OneLeaderPerEpoch
            | Claim::IsrCoversHighWatermark
            | Claim::WritesResume
            | Claim::ReplicasCatchUp => false,
        }
    }

    /// Says who could prove that it is broken: the applications, if what they know is all that
    /// its evidence is ever made of.
    ///
    /// Source: ours, after the data that each anomaly of it needs.
    pub fn view(self) -> View {
        match self {
            Claim::NoAcknowledgedLoss
            | Claim::NothingDroppedSilently
            | Claim::NoPhantom
            | Claim::NoDuplicates
            | Claim::OrderPerPartition
            | Claim::OrderPerKey
            | Claim::NothingSkipped
            | Claim::NothingRepeated
            | Claim::OneOwnerPerPartition
            | Claim::CommitsMoveForward
            | Claim::EffectsOnce
            | Claim::WritesResume
            | Claim::GroupDrains => View::Clients,
            // Sequences, logs, ISRs and states of coordinators are the brokers' own.
            Claim::NoCommittedLoss
            | Claim::IdempotentNoDuplicates
            | Claim::ReplicasAgree
            | Claim::HighWatermarkMonotonic
            | Claim::OneLeaderPerEpoch
            | Claim::IsrCoversHighWatermark
            | Claim::ReplicasCatchUp
            | Claim::GroupStabilises => View::Truth,
        }
    }
}

/// Who could prove that a claim is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// The applications: what they sent, were told, polled, finished, committed and own.
    Clients,
    /// Nobody outside: only who sees into logs, ISRs and coordinators.
    Truth,
}

impl View {
    /// Returns the name that reports use.
    pub fn name(self) -> &'static str {
        match self {
            View::Clients => "clients",
            View::Truth => "truth",
        }
    }
}

/// What a checker found about one claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The claim.
    pub claim: Claim,
    /// How it stands.
    pub verdict: Verdict,
    /// How often something happened that could have broken it.
    pub risk: u64,
    /// What was seen, with counts; an observation (legal in itself) is counted here too.
    pub anomalies: BTreeMap<Anomaly, u64>,
}

/// How a claim stands at the end.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// It was at risk and holds.
    Holds,
    /// It is broken.
    Breaks(Evidence),
    /// Nothing happened that could have broken it: why.
    Untested(Sentence),
}

/// Why a claim counts as broken.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// What is wrong, with numbers.
    pub because: Sentence,
    /// How many records (or times) are concerned.
    pub count: u64,
    /// When it first became certain, and when it was last added to.
    pub first: Time,
    /// Places in the history to show, in order.
    pub entries: Vec<usize>,
    /// The records concerned, in order of sending.
    pub records: Vec<Uid>,
}

/// What became of one record at the end of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fate {
    /// In the final log once, as promised.
    Delivered,
    /// Promised, and in no log.
    Lost,
    /// `acks=0` or an error was reported, and in no log: nobody promised anything.
    NeverPromised,
    /// Nobody can tell the producer, but it is in the log.
    UnknownPresent,
    /// Nobody can tell the producer, and it is in no log.
    UnknownAbsent,
    /// The producer was told that it failed, but it is in the log.
    RefusedButPresent,
    /// In the final log more than once.
    Duplicated,
    /// In the final log, before one that was sent earlier.
    OutOfOrder,
}

/// One lost record's story.
#[derive(Clone, Debug, PartialEq)]
pub struct Loss {
    /// The record.
    pub uid: Uid,
    /// Where it lay.
    pub partition: TopicPartition,
    /// At which offset.
    pub offset: Offset,
    /// The headline: what removed the last copy.
    pub cause: LossCause,
    /// ① It was acknowledged.
    pub promise: Moment,
    /// ② Every copy was on a dead, deposed or unflushed place.
    pub at_risk: Moment,
    /// ③ A leader without it was elected, or nothing could bring it back any more.
    pub decided: Moment,
    /// ④ The last copy was cut, if it was.
    pub gone: Option<Moment>,
}

/// A point of a loss story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// Its place in the history.
    pub entry: usize,
    /// What made it so.
    pub what: MomentKind,
}

/// What made a moment of a loss story.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MomentKind {
    /// This leader acknowledged it, with this many copies and ISR members at that time.
    Acknowledged {
        /// The leader.
        broker: BrokerId,
        /// Replicas that held it.
        copies: u16,
        /// Members of the ISR.
        isr: u16,
    },
    /// The last broker that held it stopped.
    HolderDown(BrokerId),
    /// The last broker that held it was cut off or deposed.
    HolderDeposed(BrokerId),
    /// The only copies were in page caches.
    OnlyInPageCache(BrokerId),
    /// A leader whose log ended before it was elected.
    Elected {
        /// The new leader.
        broker: BrokerId,
        /// Its epoch.
        epoch: LeaderEpoch,
        /// Its log's end.
        end: Offset,
        /// Whether it was in the ISR.
        clean: bool,
    },
    /// A power cut took it from the last log that had it.
    PowerCut(BrokerId),
    /// The last replica that had it cut its log.
    Truncated {
        /// The replica.
        broker: BrokerId,
        /// Its log's end before.
        from: Offset,
        /// Its log's end after.
        to: Offset,
    },
}

/// What removed the last copy of a lost record, or kept it from being one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LossCause {
    /// It was truncated to match a leader from the ISR.
    CleanElection,
    /// It was truncated to match a leader from outside of the ISR.
    UncleanElection,
    /// Unflushed bytes went with the power.
    PowerLoss,
    /// A follower cut by a rule older than leader epochs.
    TruncationRule,
    /// The only holder has not come back.
    HolderGone,
}

/// How one group fared.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupStory {
    /// The group.
    pub group: GroupIndex,
    /// Its rebalances, in order.
    pub rebalances: Vec<Rebalance>,
    /// Records that it skipped or repeated, in runs, in order of time.
    pub mishaps: Vec<Mishap>,
    /// The largest sum of its lags, and when it was reached.
    pub lag_max: (u64, Time),
    /// Who owned what when it was last stable: client and number of partitions.
    pub owners: Vec<(ClientId, u32)>,
}

/// One rebalance of a group: from the first change to a stable group.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebalance {
    /// When it began, and the entry of the history.
    pub began: (Time, usize),
    /// When the group was stable, or empty; `None` if it never was again.
    pub ended: Option<Time>,
    /// Why it began.
    pub cause: Option<RebalanceCause>,
    /// The generation, or the group epoch, that it led to.
    pub generation: Generation,
    /// The members afterwards.
    pub members: u32,
    /// Partitions that have another owner afterwards.
    pub moved: u32,
    /// Partitions that somebody had and that nobody had for some time of it.
    pub stopped: u32,
    /// The longest such time.
    pub stopped_for: Duration,
}

/// Records that a group skipped or repeated, by one cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Mishap {
    /// Skipped or repeated.
    pub kind: MishapKind,
    /// Where they lie.
    pub partition: TopicPartition,
    /// The records, in order of their offsets.
    pub records: Vec<Uid>,
    /// Their first offset.
    pub from: Offset,
    /// The offset after their last one.
    pub to: Offset,
    /// What did it.
    pub cause: MishapCause,
    /// When that happened.
    pub at: Time,
    /// Its place in the history.
    pub entry: usize,
}

/// What befell records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MishapKind {
    /// Never processed, though the group is past them.
    Skipped,
    /// Processed more than once.
    Repeated,
}

/// What made a group skip or repeat records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MishapCause {
    /// This member committed beyond what was finished, and then nobody finished it.
    CommittedTooFar(ClientId, CommitKind),
    /// This member took them for repeats, or shed, or gave up on them.
    GivenUp(ClientId, WorkOutcome),
    /// A reset moved the position over them, or back to before them.
    Reset(ClientId, ResetCause),
    /// The partition moved to this member before they were committed.
    Moved(ClientId),
    /// This member began again at the committed offset after its process had ended.
    Restarted(ClientId),
    /// The committed offset itself moved back.
    CommitMovedBack,
    /// A step committed or sought.
    Operator,
    /// The record lies in the log more than once.
    DuplicateInLog,
}
