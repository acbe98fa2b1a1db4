//! What can become true in a trace, and what its numbers mean.

/// Nobody, or nothing.
pub const NONE: i64 = -1;

/// Something that became true. What its numbers mean depends on the kind. What an entry of
/// the history says of several partitions, records or brokers is several facts.
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
    /// The place in `Trace::actors` of another one concerned; -1 is nobody.
    pub peer: i64,
    /// See [`FactKind`]; -1 is nothing.
    pub more: i64,
    /// Its place in the history.
    pub entry: usize,
}

impl TraceFact {
    /// Returns the place of the actor, if there is one.
    pub fn by(&self) -> Option<usize> {
        usize::try_from(self.actor).ok()
    }

    /// Returns the place of the partition, if there is one.
    pub fn place(&self) -> Option<usize> {
        usize::try_from(self.partition).ok()
    }

    /// Returns the place of the other actor, if there is one.
    pub fn with(&self) -> Option<usize> {
        usize::try_from(self.peer).ok()
    }
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
    /// Batch `value` of `Trace::sendings` left for the peer; `other` is the attempt, from 1.
    Sent "sent",
    /// A producer was told that records `value` to `value + other - 1` are written, the first
    /// at offset `more`.
    Ack "ack",
    /// A producer is done with such records, and nobody will ever tell it more (`acks=0`).
    Untold "untold",
    /// A producer was told that such records are not written; `more` is the error.
    Fail "fail",
    /// A producer cannot know about such records; `more` is the error.
    Unknown "unknown",
    /// A producer's process ended with such records undecided.
    Abandon "abandon",
    /// A producer sends the batch that begins with record `value` again; `other` is the error,
    /// `more` the batch in `Trace::sendings`.
    Retry "retry",
    /// An application that was started again sent the line of record `other` as record `value`.
    Again "again",
    /// A producer got the id `value` and the epoch `other`.
    Identify "identify",
    /// A request to the peer timed out.
    Timeout "timeout",
    /// A broker's log got batch `value` of the table; `other` is 1 if it appended as leader.
    Append "append",
    /// A leader recognised the batch that begins with record `value` as a repeat of that at
    /// offset `other`; `more` is the batch in `Trace::sendings`.
    Repeat "repeat",
    /// A leader refused the batch that begins with record `value`; `other` is the error, `more`
    /// the batch in `Trace::sendings`.
    Refuse "refuse",
    /// A leader said that offsets `value` to `other - 1` are written; `more` is the number of
    /// copies that were asked for, -1 for `all`.
    Promise "promise",
    /// A leader appended offsets `value` to `other - 1` but could not say so; `more` is the
    /// error.
    Unconfirmed "unconfirmed",
    /// A broker's log was cut to end at `value`; it ended at `other`.
    Cut "cut",
    /// A power cut took a log's end: it ends at `value`; it ended at `other`.
    Took "took",
    /// A replica's high watermark is `value`; it was `other`.
    Hw "hw",
    /// A broker that starts found a log that ends at `other`, and a high watermark of `value`.
    Load "load",
    /// A replica's log starts at `value`.
    Start "start",
    /// Everything below `value` is on the broker's platter.
    Flush "flush",
    /// The registered leader is the actor (-1 is nobody), of epoch `value`; `other` says why, counted
    /// as in `ChangeCause`.
    Leader "leader",
    /// Registered ISR: actor by actor, `value` is 1 for in and 0 for out.
    Isr "isr",
    /// A leader asked for an ISR; one fact for each of its members, who is the peer.
    IsrAsk "isr-ask",
    /// The controller did not accept a leader's ISR; `more` is the error.
    IsrRefused "isr-refused",
    /// A broker took over in epoch `value`, its log ending at `other`.
    Leads "leads",
    /// A broker follows actor `other` (-1 is nobody) in epoch `value`.
    Follows "follows",
    /// A leader knows that actor `other` has everything below `value`.
    Fetched "fetched",
    /// A broker turned the peer away, a follower or nobody for a consumer; `more` is the error.
    FetchRefused "fetch-refused",
    /// A broker told actor `other` that their logs part at `value`, where epoch `more` ends.
    Diverged "diverged",
    /// A process ended: `value` is 0 for a crash, 1 for a power cut, 2 in order.
    Down "down",
    /// A process runs, for the `value`th time.
    Up "up",
    /// A process was asked to stop.
    Stop "stop",
    /// A process is frozen.
    Pause "pause",
    /// A frozen process goes on.
    Resume "resume",
    /// The controller fenced a broker.
    Fence "fence",
    /// The controller unfenced a broker.
    Unfence "unfence",
    /// The controller does not register a broker yet; `more` is the error.
    NotYet "not-yet",
    /// A broker began a controlled shutdown.
    Leaving "leaving",
    /// A controller serves, with `value` records in its log.
    Controller "controller",
    /// The controller refused an operator's request; `more` is the error.
    AdminRefused "admin-refused",
    /// A consumer was given offsets `value` to `other - 1`, of batch `more` of the table.
    Poll "poll",
    /// A consumer's position moved to `value` other than by reading; `other` is where it was
    /// or -1, `more` is why, counted as in `ResetCause`.
    Reset "reset",
    /// A consumer will not go on: `value` is why, counted as in `ConsumerError`; `other` is where the
    /// logs part, or -1.
    Thrown "thrown",
    /// A member began to work on record `other` at offset `value`.
    Begin "begin",
    /// A member finished record `other` at offset `value`: `more` is -1 for done, else counted as in
    /// `WorkOutcome`.
    Done "done",
    /// A member will not finish record `other` at offset `value`; `more` is counted as in
    /// `WorkOutcome`.
    Leave "leave",
    /// A member's work on record `other` at offset `value` failed.
    Failed "failed",
    /// A sink had the result of record `other` at offset `value` already.
    SinkRefused "sink-refused",
    /// A sink took the result of record `other` at offset `value`.
    SinkTook "sink-took",
    /// A member owns the partition (`value` 1) or no longer does (0).
    Own "own",
    /// A member said what it owns: `value` partitions.
    Owns "owns",
    /// A member's listener is told of the partition: `value` is counted as in `Callback`.
    Callback "callback",
    /// A member leaves the partition alone (`value` 1) or no longer does (0).
    Rest "rest",
    /// A member no longer trusts its coordinator.
    CoordinatorLost "coordinator-lost",
    /// A member is out of its group: `more` is the coordinator's error, or -1.
    Expelled "expelled",
    /// A member starts in the partition at its group's offset `value`, or -1 if there is none.
    Starts "starts",
    /// A member commits offset `value`; `other` is the occasion, counted as in `CommitKind`.
    CommitSent "commit-sent",
    /// A member's commit failed; `more` is the error.
    CommitFailed "commit-failed",
    /// A member was not back in `poll()` in time.
    PollLate "poll-late",
    /// A call threw about the group: `value` is 1 if for good; `more` is what.
    Threw "threw",
    /// A group's committed offset is `value` (-1 is forgotten); `other` is the group, the peer
    /// the member who committed.
    Commit "commit",
    /// A commit of offset `value` was refused; `other` is the group, the peer the member, `more`
    /// the error.
    CommitRefused "commit-refused",
    /// Group `other` is in the state `value`, counted as in `GroupPhase`, with `more` members.
    Group "group",
    /// The generation of group `other` is `value`.
    Generation "generation",
    /// The peer joined group `other`.
    Join "join",
    /// The peer is no longer in group `other`; `more` is why, counted as in `LeaveCause`.
    Left "left",
    /// The peer is in group `other` again, as the static member called `more` in the table of
    /// errors.
    Replaced "replaced",
    /// A broker coordinates group `other` from here on.
    Coordinates "coordinates",
    /// A broker no longer coordinates group `other`.
    Resigns "resigns",
    /// Nothing passes from the actor to the peer.
    LinkCut "link-cut",
    /// Everything passes again.
    LinkHealed "link-healed",
    /// The link to the peer is slow.
    LinkSlow "link-slow",
    /// The link to the peer is as fast as usual.
    LinkUsual "link-usual",
    /// The actor's connection to the peer was reset.
    LinkReset "link-reset",
    /// A message from the actor to the peer met rule `value` of `Trace::ruled`; `more` is by how
    /// many microseconds it is late.
    Ruled "ruled",
    /// `value` messages that were held went on their way.
    Released "released",
    /// A disk takes longer than usual.
    DiskSlow "disk-slow",
    /// A disk does not answer.
    DiskStalled "disk-stalled",
    /// A disk is as fast as usual.
    DiskUsual "disk-usual",
    /// A wall clock jumped by `value` microseconds.
    ClockJump "clock-jump",
    /// A wall clock gains `value` microseconds per second.
    ClockDrift "clock-drift",
    /// A step of the scenario set a marker.
    Mark "mark",
    /// A step of the scenario fired: number `value`.
    Step "step",
    /// Everything is repaired from here on.
    Settle "settle",
    /// The trial is over.
    End "end",
}
