//! What can become true in a trace, and what its numbers mean.

/// Something that became true. What `value` and `other` mean depends on the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceFact {
    /// When, in microseconds.
    pub at: u64,
    /// What.
    pub kind: FactKind,
    /// The place in `Trace::actors` of the one concerned; -1 is nobody.
    pub actor: i64,
    /// The place in `Trace::partitions`; -1 is none.
    pub partition: i64,
    /// See [`FactKind`].
    pub value: i64,
    /// See [`FactKind`].
    pub other: i64,
    /// Its place in the history.
    pub entry: usize,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// What became true: who, where, and what `value` and `other` are.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum FactKind {
            $($(#[$doc])* $name,)*
        }

        impl FactKind {
            /// Every kind, in the order of its numbers in JSON.
            pub const ALL: &[FactKind] = &[$(FactKind::$name,)*];

            /// Returns the name in JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(FactKind::$name => $text,)*
                }
            }
        }
    };
}

kinds! {
    /// A client sent record `value`.
    Send "send",
    /// Record `value` got its partition.
    Route "route",
    /// A producer was told that records `value` to `value + other - 1` are written.
    Ack "ack",
    /// A producer was told that such records are not written.
    Fail "fail",
    /// A producer cannot know about such records.
    Unknown "unknown",
    /// A producer's process ended with such records undecided.
    Abandon "abandon",
    /// A producer sends the batch that begins with record `value` again; `other` is the error.
    Retry "retry",
    /// A broker's log got batch `value` of the table; `other` is 1 if it appended as leader.
    Append "append",
    /// A leader recognised the batch that begins with record `value` as a repeat.
    Repeat "repeat",
    /// A leader refused the batch that begins with record `value`; `other` is the error.
    Refuse "refuse",
    /// A leader said that offsets `value` to `other - 1` are written.
    Promise "promise",
    /// A broker's log was cut to end at `value`; it ended at `other`.
    Cut "cut",
    /// A power cut took a log's end: it ends at `value`; it ended at `other`.
    Took "took",
    /// A replica's high watermark is `value`.
    Hw "hw",
    /// A broker that starts found a log that ends at `other`, and a high watermark of `value`.
    Load "load",
    /// A replica's log starts at `value`.
    Start "start",
    /// Everything below `value` is on the broker's platter.
    Flush "flush",
    /// The registered leader is the actor (-1 is nobody), of epoch `value`.
    Leader "leader",
    /// Registered ISR: actor by actor, `value` is 1 for in and 0 for out.
    Isr "isr",
    /// A broker took over in epoch `value`, its log ending at `other`.
    Leads "leads",
    /// A broker follows actor `other` (-1 is nobody) in epoch `value`.
    Follows "follows",
    /// A leader knows that actor `other` has everything below `value`.
    Fetched "fetched",
    /// A broker told actor `other` that their logs part at `value`.
    Diverged "diverged",
    /// A process ended: `value` is 0 for a crash, 1 for a power cut, 2 in order.
    Down "down",
    /// A process runs, for the `value`th time.
    Up "up",
    /// A process is frozen.
    Pause "pause",
    /// A frozen process goes on.
    Resume "resume",
    /// The controller fenced a broker.
    Fence "fence",
    /// The controller unfenced a broker.
    Unfence "unfence",
    /// A consumer was given offsets `value` to `other - 1`.
    Poll "poll",
    /// A consumer's position moved to `value` other than by reading; `other` is where it was
    /// or -1.
    Reset "reset",
    /// A member began to work on record `other` at offset `value`.
    Begin "begin",
    /// A member finished record `other` at offset `value`: done or handed on.
    Done "done",
    /// A member will not finish record `other` at offset `value`: skipped, shed, a repeat.
    Leave "leave",
    /// A member owns the partition (`value` 1) or no longer does (0).
    Own "own",
    /// A group's committed offset is `value` (-1 is forgotten); `other` is the group.
    Commit "commit",
    /// A commit of offset `value` was refused; `other` is the group.
    CommitRefused "commit-refused",
    /// Group `other` is in the state `value`, counted as in `GroupPhase`.
    Group "group",
    /// The generation of group `other` is `value`.
    Generation "generation",
    /// A step of the scenario fired: number `value`.
    Step "step",
    /// Everything is repaired from here on.
    Settle "settle",
}
