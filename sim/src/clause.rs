//! Sentences as data: what is wrong, with counts and names as values.
//!
//! A checker says *what* there is to say; how it reads is a matter of the language. The
//! English templates stand here, because machine-readable output and scenario files know
//! no other; a report brings its own. In a template `{0}` is a value, and `{0?is:are}` are
//! the forms for one and for many.

use std::fmt;

/// A value in a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number of things.
    Count(u64),
    /// A name, or something else that reads the same in every language.
    Name(String),
    /// Clauses within the clause, as a list.
    List(Vec<Clause>),
    /// A sentence within the clause.
    Told(Sentence),
}

/// What is to be said, and about what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clause {
    /// What is said.
    pub kind: ClauseKind,
    /// The values of its template.
    pub values: Vec<Value>,
}

/// Clauses that stand side by side; `Display` says them in English.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(pub Vec<Clause>);

/// How a language makes sentences of clauses.
#[derive(Clone, Copy, Debug)]
pub struct Grammar {
    /// The template of each kind.
    pub template: fn(ClauseKind) -> &'static str,
    /// Stands between the items of a list.
    pub list: &'static str,
    /// Stands between clauses.
    pub joint: &'static str,
}

/// English.
pub const ENGLISH: Grammar = Grammar { template: ClauseKind::english, list: ", ", joint: "; " };

macro_rules! kinds {
    ($($variant:ident $text:literal,)*) => {
        /// What a clause says.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ClauseKind {
            $(#[doc = $text] $variant,)*
        }

        impl ClauseKind {
            /// Every kind, in order.
            pub const ALL: &[ClauseKind] = &[$(ClauseKind::$variant,)*];

            /// Returns the English template.
            pub fn english(self) -> &'static str {
                match self {
                    $(ClauseKind::$variant => $text,)*
                }
            }
        }
    };
}

kinds! {
    // Delivery.
    AcknowledgedMissing "{0} of {1} acknowledged {1?record:records} {0?is:are} in no log",
    AcknowledgedUnserved "{0} more {0?is:are} on disk, but no leader serves {0?it:them}",
    NothingAcknowledged "no record was acknowledged, so none could be lost",
    NothingEndangered "no broker stopped, no replica left an ISR, no leader changed and no log was cut",
    UnansweredLost "{0} {0?record:records} sent with acks=0 never reached a log",
    UnansweredCut "{0} {0?record:records} sent with acks=0 reached a log that was cut",
    NeverLeft "{0} {0?record:records} never left the process of the producer, which ended",
    NothingUnanswered "no record was sent with acks=0 and no producer's process ended",
    FailedPresent "{0} of {1} failed {1?record:records} {0?is:are} in the final log",
    NothingFailed "no send failed and none was left unknown",
    RecordsDoubled "{0} {0?record:records} {0?is:are} in the final log more than once: {1} {1?copy:copies} too many",
    NothingSentAgain "no batch was sent more than once, and no application sent a line again",
    RecordsOvertook "{0} {0?record lies:records lie} in the log before one that the same producer sent earlier",
    NothingOverlapped "no producer had two batches of one partition in flight, and none was sent again",
    SequencesRepeated "a leader appended sequence numbers that its log had, {0} {0?time:times}",
    SequencesSkipped "a leader appended sequence numbers ahead of their turn, {0} {0?time:times}",
    NothingNumberedAgain "no idempotent batch was sent again or recognised as a repeat",
    // Replication.
    CommittedMissing "{0} {0?record:records} lay below a high watermark and {0?is:are} missing from a later leader",
    ReadVanished "{0} {0?record was:records were} read and {0?is:are} no longer at {0?its offset:their offsets}",
    OffsetsReused "{0} {0?offset:offsets} stood for two different records",
    NothingMovedOrCut "no leader changed and no log was cut",
    WatermarkFell "a client was shown a smaller high watermark than before, {0} {0?time:times}",
    WatermarkOverran "a high watermark lay beyond the log of an ISR member, {0} {0?time:times}",
    ReadAbove "a consumer was given records above the high watermark, {0} {0?time:times}",
    OneLeaderEach "no partition was led by more than one broker",
    ReplicasDiffered "a replica held another record than its leader at one offset, {0} {0?time:times}",
    EpochsDecreased "leader epochs decrease along a log, {0} {0?time:times}",
    LedTwice "{0} {0?batch was:batches were} appended as leader in an epoch that another broker led",
    MemberNotAwaited "a high watermark rose without a member of the registered ISR, {0} {0?time:times}",
    BelowMinimum "acks=all was answered below min.insync.replicas, {0} {0?time:times}",
    NoIsrChanged "no ISR changed",
    // Liveness.
    WritesStand "{0} of {1} {1?partition:partitions} {0?does:do} not accept writes at the end: {2}",
    ReplicasBehind "{0} of {1} {1?partition:partitions} {0?lacks:lack} a replica in the ISR at the end: {2}",
    NoRunningLeader "{0} has no leader that runs ({1} of {2} replicas run)",
    IsrTooSmall "the ISR of {0} has {1} of the {2} members it needs",
    IsrHopeless "the ISR of {0} has {1} of the {2} members it needs, and no more than {3} of {4} replicas run",
    SendsOpen "{0} {0?send:sends} to {1} from before the settle phase {0?has:have} no outcome",
    ReplicasLacking "{0} lacks {1}",
    ReplicasDead "{0} lacks {1} ({2} of them not running)",
    Broker "broker {0}",
    AndSoOn "and so on",
    NoLeaderHit "no fault hit a leader, no ISR fell below its minimum and no write was refused",
    NoReplicaLeft "no replica left an ISR and no broker stopped",
    NeverSettled "the settle phase was not reached",
    // Groups.
    NoGroup "there is no group",
    OffsetMovedBack "{0} {0?commit:commits} moved an offset back",
    CommitsGone "{0} {0?commit was:commits were} acknowledged and {0?is:are} not there afterwards",
    CommitsOfZombies "{0} {0?commit:commits} came from {0?a member:members} that no longer owned the partition",
    NothingCommittedAgain "no partition was committed more than once, and no commit was refused",
    EffectsTwice "{0} {0?effect was:effects were} one too many",
    EffectsMissing "{0} {0?record counts:records count} as done and {0?has:have} had no effect",
    NothingGivenAgain "no record was given to a group more than once",
    KeysOvertaken "{0} {0?record was:records were} finished after one of the same key that was sent later",
    KeysStayed "every key stayed in one partition, and one thread did all the work",
    OwnedTwice "{0} {0?partition was:partitions were} given to a second member in the same generation",
    NoRebalance "no group rebalanced",
    Skipped "{0} {0?record was:records were} never processed by {1}: {2}",
    Repeated "{0} {0?record was:records were} processed again by {1}: {2}",
    CommittedTooFar "{0} had committed beyond what was finished",
    TakenForRepeats "{0} took them for repeats",
    Shed "{0} shed them",
    GivenUp "{0} gave up on them",
    PositionReset "the position of {0} was reset",
    PartitionMoved "the partition had moved to {0} before they were committed",
    BegunAgain "{0} had begun again before they were committed",
    CommitMovedBack "the committed offset had moved back",
    OperatorMoved "an operator had moved the offset",
    DoubledInLog "they lie in the log more than once",
    NothingInterrupted "no member stopped, no group rebalanced or was reset, and nothing was committed before it was finished",
    GroupUnstable "{0} is in {1} at the end",
    GroupBehind "{0} {0?record is:records are} still before {1} at the end",
    GroupsLeft "every group was left by its members",
    NothingDisturbed "no node was hit by a fault, and no group rebalanced or was reset",
    // Expectations.
    NeverHeld "`{0}` never held",
    NotWatched "`{0}` was not watched",
    NotJudged "`{0}` was not judged",
    NothingJudged "nothing was judged",
    CountDiffers "expected {0}, found {1}",
    AnomalyDiffers "`{0}`: expected {1}, found {2}",
    HoldsAtRisk "`{0}` holds, though it was at risk {1} {1?time:times}",
    WasAtRisk "`{0}` was at risk {1} {1?time:times}, though nothing should have put it at risk",
    PartitionsLate "`{0}` took until {1} after the heal in {2} of {3} partitions: its deadline is {4}",
    GroupsLate "`{0}` took until {1} after the heal in {2} of {3} groups: its deadline is {4}",
    HopeHolds "holds {0}{1}{2}",
    HopeBreaks "breaks {0}{1}{2}",
    HopeUntested "untested {0}{1}{2}",
    HopeCount " for {0}",
    HopeWithin " within {0}",
    HopeSeen "{0} seen {1} times",
    HopeReaches "reaches {0}",
    ButSo "{0} ({1})",
    AtLine "line {0}: {1}",
    AtMost "at most {0}",
    AtLeast "at least {0}",
    Between "{0} to {1}",
    TooManyEvents "the trial was stopped after {0} events at {1}: a livelock, or `max-events` is too small",
    AssertionBroken "the model broke one of its own assertions: {0}",
    AnotherPlan "the outcome does not belong to the plan",
    StepNeverFired "the step `{0}` never fired",
    RuleNeverMet "the rule never met a message",
    // Remedies.
    OnlyWithAll "it counts only when acks=all",
    AnswerDidNotWait "more copies, but the answer did not wait for them",
    BreaksInstead "but breaks {0}",
    AboutClaim "{0}",
}

impl Clause {
    /// Makes a clause.
    pub fn new(kind: ClauseKind, values: impl IntoIterator<Item = Value>) -> Clause {
        Clause { kind, values: values.into_iter().collect() }
    }

    /// Says the clause in a language.
    pub fn say(&self, grammar: &Grammar) -> String {
        let mut said = String::new();
        let mut rest = (grammar.template)(self.kind);
        while let Some((before, after)) = rest.split_once('{') {
            said += before;
            let (inner, after) = after.split_once('}').expect("a brace of a template is closed");
            said += &self.filled(inner, grammar);
            rest = after;
        }
        said + rest
    }

    /// Returns what stands for the inside of a pair of braces.
    fn filled(&self, inner: &str, grammar: &Grammar) -> String {
        let (place, forms) = match inner.split_once('?') {
            Some((place, forms)) => (place, forms.split_once(':')),
            None => (inner, None),
        };
        let place: usize = place.parse().expect("a template numbers its values");
        match (&self.values[place], forms) {
            (Value::Count(1), Some((one, _))) => one.to_owned(),
            (_, Some((_, many))) => many.to_owned(),
            (Value::Count(count), None) => count.to_string(),
            (Value::Name(name), None) => name.clone(),
            (Value::List(clauses), None) => said(clauses, grammar, grammar.list),
            (Value::Told(sentence), None) => sentence.say(grammar),
        }
    }
}

impl Sentence {
    /// Makes a sentence of one clause.
    pub fn of(kind: ClauseKind, values: impl IntoIterator<Item = Value>) -> Sentence {
        Sentence(vec![Clause::new(kind, values)])
    }

    /// Says whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Says everything in a language.
    pub fn say(&self, grammar: &Grammar) -> String {
        said(&self.0, grammar, grammar.joint)
    }
}

impl From<ClauseKind> for Sentence {
    fn from(kind: ClauseKind) -> Sentence {
        Sentence::of(kind, [])
    }
}

impl From<u64> for Value {
    fn from(count: u64) -> Value {
        Value::Count(count)
    }
}

impl From<&str> for Value {
    fn from(name: &str) -> Value {
        Value::Name(name.to_owned())
    }
}

impl From<String> for Value {
    fn from(name: String) -> Value {
        Value::Name(name)
    }
}

impl From<Clause> for Value {
    fn from(clause: Clause) -> Value {
        Value::Told(Sentence(vec![clause]))
    }
}

impl From<Sentence> for Value {
    fn from(sentence: Sentence) -> Value {
        Value::Told(sentence)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(&ENGLISH))
    }
}

fn said(clauses: &[Clause], grammar: &Grammar, joint: &str) -> String {
    clauses.iter().map(|clause| clause.say(grammar)).collect::<Vec<_>>().join(joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_agrees_with_its_counts() {
        let missing = |lost: u64, of: u64| {
            Sentence::of(ClauseKind::AcknowledgedMissing, [lost.into(), of.into()]).to_string()
        };

        assert_eq!(missing(1, 2), "1 of 2 acknowledged records is in no log");
        assert_eq!(missing(1, 1), "1 of 1 acknowledged record is in no log");
        assert_eq!(missing(3, 18), "3 of 18 acknowledged records are in no log");
    }

    #[test]
    fn clauses_stand_in_clauses_and_side_by_side() {
        let broker = |id: &str| Clause::new(ClauseKind::Broker, [id.into()]);
        let lacking = Value::List(vec![broker("2"), broker("3")]);
        let lacks = Clause::new(ClauseKind::ReplicasLacking, ["orders-0".into(), lacking]);

        let sentence = Sentence(vec![lacks, Clause::new(ClauseKind::NoGroup, [])]);

        assert_eq!(sentence.to_string(), "orders-0 lacks broker 2, broker 3; there is no group");
    }
}
