//! The words about consumer groups: what they are for, and the English ones.

use serde::Serialize;

use super::Noun;

/// What groups, members and applications do.
#[derive(Serialize)]
pub struct Groups {
    /// No partitions.
    pub nothing: &'static str,
    /// A rebalance: group, why, and how it went.
    pub rebalance: &'static str,
    /// How it went: until it was over.
    pub lasted: &'static str,
    /// How it went: nothing had to be waited for.
    pub at_once: &'static str,
    /// How it went: the group has no members left.
    pub emptied: &'static str,
    /// How it went: it was not over at the end.
    pub unfinished: &'static str,
    /// How it went: partitions with another owner.
    pub moved: Noun,
    /// How it went: partitions without one for a time.
    pub stopped: Noun,
    /// Why rebalances begin, in order of `RebalanceCause`.
    pub causes: [&'static str; 8],
    /// A rebalance without a known cause.
    pub no_cause: &'static str,
    /// A member joins.
    pub joins: &'static str,
    /// A member leaves.
    pub leaves: &'static str,
    /// A member is put out.
    pub put_out: &'static str,
    /// Why members go, in order of `LeaveCause`.
    pub leave_causes: [&'static str; 4],
    /// A static member came back.
    pub replaced: &'static str,
    /// A group is stable.
    pub stable: &'static str,
    /// A broker coordinates a group from here on.
    pub coordinates: &'static str,
    /// A broker coordinates it no longer.
    pub resigns: &'static str,
    /// A member looks for another coordinator.
    pub no_coordinator: &'static str,
    /// A member owns partitions.
    pub owns: &'static str,
    /// A member gives partitions back.
    pub gives_back: &'static str,
    /// A member has lost partitions.
    pub loses: &'static str,
    /// A member is out.
    pub expelled: &'static str,
    /// A member called `poll()` too late.
    pub poll_late: &'static str,
    /// Why, for the margin.
    pub poll_interval: &'static str,
    /// A call threw.
    pub throws: &'static str,
    /// Fetching is paused.
    pub paused: &'static str,
    /// Fetching goes on.
    pub resumed: &'static str,
    /// A commit.
    pub commit: &'static str,
    /// A commit failed.
    pub commit_failed: &'static str,
    /// Occasions of a commit, in order of `CommitKind`.
    pub commit_kinds: [&'static str; 5],
    /// Committed offsets were forgotten.
    pub forgotten: &'static str,
    /// A member starts at a committed offset.
    pub starts_at: &'static str,
    /// A member found none.
    pub starts_nowhere: &'static str,
    /// The start of a log moved.
    pub log_start: &'static str,
    /// How work ended, in order of `WorkOutcome`.
    pub work: [&'static str; 7],
    /// Work was done once more.
    pub work_again: &'static str,
    /// The sink refused a result.
    pub sink_refused: &'static str,
    /// Folded: records that an application has finished.
    pub processed: Noun,
    /// Folded: commits.
    pub commits: Noun,
    /// Marks, for the margin: skipped and repeated.
    pub mishaps: [&'static str; 2],
    /// Below a log: what a group has committed.
    pub committed: &'static str,
    /// Below a log: a group has committed nothing.
    pub not_committed: &'static str,
    /// Below a log: where a member reads.
    pub position: &'static str,
    /// Below a log: nobody reads.
    pub no_owner: &'static str,
    /// Below a log: how far that is from the end.
    pub lag: &'static str,
    /// Heads the groups.
    pub head: &'static str,
    /// A group's rebalances.
    pub rebalances: Noun,
    /// How many partitions stood still in a rebalance, and the longest time.
    pub stood: Noun,
    /// No partition ever stood still.
    pub never_stood: &'static str,
    /// The largest lag.
    pub lag_max: &'static str,
    /// Who owns how many partitions.
    pub owners: &'static str,
    /// Why records were skipped or repeated.
    pub why: GroupWhy,
}

/// The sentences that tell why a group skipped or repeated records.
#[derive(Serialize)]
pub struct GroupWhy {
    /// Ends a sentence.
    pub full_stop: &'static str,
    /// Records were never processed.
    pub skipped: &'static str,
    /// Records were processed more than once.
    pub repeated: &'static str,
    /// A member committed, in order of `CommitKind`; what follows says when.
    pub commit_calls: [&'static str; 5],
    /// What auto-commit covers: in `poll()`, and before a rebalance or in `close()`.
    pub auto_rules: [&'static str; 2],
    /// How much of what a commit covers was finished, if it was not all.
    pub covered: &'static str,
    /// All that a commit covers was finished.
    pub all_finished: Noun,
    /// A process ended.
    pub process_ended: &'static str,
    /// What that means for records that were committed before they were finished.
    pub in_hand: &'static str,
    /// What that means for records that were finished and not committed.
    pub uncommitted: &'static str,
    /// A process was frozen.
    pub froze: &'static str,
    /// What that means.
    pub silent: &'static str,
    /// A member gave partitions back.
    pub gave_back: &'static str,
    /// A process had ended, and its group learns of it.
    pub waited: &'static str,
    /// A member left its group.
    pub left_group: &'static str,
    /// A member was put out of its group.
    pub put_out: &'static str,
    /// What that means.
    pub others_get: &'static str,
    /// A member began behind records that nobody had finished.
    pub passed: &'static str,
    /// A broker refused a commit of a member that was out.
    pub refused_to: &'static str,
    /// What that means.
    pub outside: &'static str,
    /// A group had no committed offset.
    pub no_offset: &'static str,
    /// While this record was in work.
    pub in_work: &'static str,
    /// Before the work on this record had begun.
    pub not_begun: &'static str,
    /// The work on this record had failed.
    pub had_failed: &'static str,
    /// Why a member gave records up, in order of `WorkOutcome`.
    pub given_up: [&'static str; 7],
    /// A position was reset.
    pub reset: &'static str,
    /// A partition moved.
    pub moved: &'static str,
    /// A partition moved, and nobody knows from whom.
    pub moved_from_nobody: &'static str,
    /// A member began again.
    pub restarted: &'static str,
    /// What was committed by then.
    pub last_commit: &'static str,
    /// Nothing was.
    pub no_commit: &'static str,
    /// The committed offset moved back.
    pub moved_back: &'static str,
    /// A step did it.
    pub operator: &'static str,
    /// The log has them twice.
    pub in_log: &'static str,
    /// Runs of records that are not told.
    pub more: Noun,
    /// Single events of groups: a member owns.
    pub owns: &'static str,
    /// A member commits.
    pub commits: &'static str,
    /// A coordinator wrote offsets.
    pub wrote: &'static str,
    /// A coordinator refused to.
    pub refused: &'static str,
    /// A commit failed.
    pub failed: &'static str,
    /// Work began.
    pub began: &'static str,
    /// How work ended, in order of `WorkOutcome`.
    pub ended: [&'static str; 7],
    /// A result reached the sink.
    pub applied: &'static str,
    /// The sink refused a result.
    pub sink_refused: &'static str,
    /// A group is in another state.
    pub state: &'static str,
    /// A member starts where its group had committed.
    pub starts_at: &'static str,
}

/// English.
pub(super) const GROUPS: Groups = Groups {
    nothing: "nothing",
    rebalance: "{0} rebalances: {1}{2}|{0}: {1}{2}",
    lasted: "; generation {0} stable after {1}|; generation {0} after {1}|; gen {0} after {1}",
    at_once: "; generation {0} stable at once|; generation {0} at once|; gen {0} at once",
    emptied: "; no member is left",
    unfinished: "; never stable again",
    moved: ("; 1 partition moves|; 1 moves", "; {0} partitions move|; {0} move"),
    stopped: (
        "; 1 partition stands still for {1}|; 1 stands still for {1}|; 1 still for {1}",
        "; {0} partitions stand still for up to {1}|; {0} stand still for up to {1}|; {0} still for {1}",
    ),
    causes: [
        "{0} joins",
        "{0} joins again",
        "{0} left",
        "{0} was silent",
        "{0} did not rejoin in time",
        "its topics have changed",
        "the assignment was not written",
        "it moved between protocols",
    ],
    no_cause: "no cause was given",
    joins: "join {0}|join",
    leaves: "leave {0}|leave",
    put_out: "{0} is out|{0} out|-{0}",
    leave_causes: ["left", "session expired", "too slow to rejoin", "group full"],
    replaced: "back as {0}|back",
    stable: "{0} stable: {1}|{0} gen {1}|gen {1}",
    coordinates: "coordinates {0}|coord {0}|{0}",
    resigns: "resigns {0}|no {0}",
    no_coordinator: "no coordinator|no coord|?",
    owns: "owns {0}|owns {1}|has {1}|{1}",
    gives_back: "gives back {0}|back {1}|-{1}",
    loses: "has lost {0}|lost {1}|-{1}",
    expelled: "expelled|out",
    poll_late: "poll too late|late",
    poll_interval: "max.poll.interval|poll interval",
    throws: "throws",
    paused: "pauses {0}|pause {1}",
    resumed: "resumes {0}|fetch {1}",
    commit: "commit {0}|c {0}|{0}",
    commit_failed: "commit failed|commit ✗|c ✗",
    commit_kinds: ["sync", "async", "auto", "auto-before-rebalance", "auto-on-close"],
    forgotten: "{0} forgotten|{0} –",
    starts_at: "starts at @{0}|from @{0}|@{0}",
    starts_nowhere: "no offset|@?",
    log_start: "start @{0}|@{0}…",
    work: [
        "works on {0}|on {0}|{0}",
        "{0} failed|{0} ✗",
        "{0} skipped|{0} –",
        "{0} shed|{0} –",
        "{0} parked|{0} P",
        "{0} handed on|{0} →",
        "{0} seen before|{0} seen|{0}",
    ],
    work_again: "{0} again|{0} ×2",
    sink_refused: "sink has {0}|has {0}",
    processed: ("1 processed", "{0} processed"),
    commits: ("1 commit", "{0} commits"),
    mishaps: ["skipped", "repeated"],
    committed: "committed {0}",
    not_committed: "nothing committed",
    position: "{0} at {1}",
    no_owner: "nobody reads",
    lag: "lag {0}",
    head: "groups",
    rebalances: ("1 rebalance", "{0} rebalances"),
    stood: ("1 partition stood still for {1}", "{0} partitions stood still for up to {1}"),
    never_stood: "no partition stood still",
    lag_max: "lag at most {0}",
    owners: "owned when last stable: {0}",
    why: GroupWhy {
        full_stop: ".",
        skipped: "{0} skipped.",
        repeated: "{0} repeated.",
        commit_calls: [
            "commitSync() of {0} committed {1}",
            "commitAsync() of {0} committed {1}",
            "poll() of {0} committed {1}",
            "{0} committed {1} before it gave its partitions back",
            "close() of {0} committed {1}",
        ],
        auto_rules: [
            "Auto-commit takes the position: the end of what earlier poll()s returned, done or not.",
            "Auto-commit takes the position: the end of what poll() has returned, done or not.",
        ],
        covered: "Of the {0} records that it added, {1} were finished.",
        all_finished: (
            "The record that it added was finished.",
            "All {0} records that it added were finished.",
        ),
        process_ended: "The process of {0} ended.",
        in_hand: "What it had in hand, unfinished, was gone with it.",
        uncommitted: "What it had finished since its last commit, only it knew.",
        froze: "{0} froze.",
        silent: "No heartbeat leaves a frozen process.",
        gave_back: "{0} gave back {1}.",
        waited: "The process had ended before; its group learned of it only here.",
        left_group: "{0} left the group.",
        put_out: "{0} was put out of the group ({1}).",
        others_get: "Its partitions go to others, whatever it still has in hand.",
        passed: "Nobody is given {0} any more: the committed offset says that they are done.",
        refused_to: "{0} refused {1}'s commit of {2} ({3}).",
        outside: "What it had done outside of Kafka by then, no broker takes back.",
        no_offset: "{0} had no committed offset in {1}: auto.offset.reset sent {2} to @{3}.",
        in_work: " while {0} was still in work",
        not_begun: " before the work on {0} had begun",
        had_failed: " though the work on {0} had failed",
        given_up: [
            "{0} was done with {1}.",
            "The work on {1} failed on {0}.",
            "The work on {1} threw, and {0} went on to what came next.",
            "Too much was waiting, and {0} shed {1}.",
            "{0} parked {1}.",
            "{0} handed {1} on.",
            "{0} took {1} for done already.",
        ],
        reset: "{0} went on at @{1} ({2}).",
        moved: "{0} moved from {1} to {2}; {3}.",
        moved_from_nobody: "{0} moved to {1}; {2}.",
        restarted: "{0} had ended and began again; {1}.",
        last_commit: "the last commit was {0}",
        no_commit: "nothing was committed",
        moved_back: "The committed offset moved back.",
        operator: "A step moved the offset.",
        in_log: "The log has them more than once.",
        more: ("and 1 run of records more", "and {0} runs of records more"),
        owns: "{0} owned {1} from here on.",
        commits: "{0} committed {1} ({2}).",
        wrote: "{0} wrote the offsets of {1}: {2}.",
        refused: "{0} refused the offsets of {1}: {2} ({3}).",
        failed: "{0}'s commit failed ({1}).",
        began: "{0} began to work on {1}.",
        ended: [
            "{0} was done with {1}.",
            "{0} failed on {1}.",
            "{0} skipped {1}.",
            "{0} shed {1}.",
            "{0} parked {1} in the dead-letter topic.",
            "{0} handed {1} on.",
            "{0} took {1} for a repeat.",
        ],
        applied: "The result of {1} reached the sink, from {0}.",
        sink_refused: "The sink had the result of {1} and refused {0}'s.",
        state: "{0} was {1} in generation {2}, {3} members.",
        starts_at: "{0} began {1} at the committed offset {2}.",
    },
};
