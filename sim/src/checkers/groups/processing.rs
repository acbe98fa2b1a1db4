//! `nothing-skipped` and `nothing-repeated`: what a group did with each record.
//!
//! A record counts as processed once it is done, handed on or parked. It is skipped if it
//! lies below the group's last committed offset, or below where a reset moved a position to,
//! and never was processed, nor waits for it at a process that lives. So a group that begins at the end (`auto.offset.reset=latest`)
//! skips all that was in the log when it came: the first records are simply before "latest",
//! whatever the reason for which it had no position. Records that were gone before its first
//! member joined, and those that an operator deleted, are nobody's loss; those that retention
//! took before the group had read them are.
//!
//! Source: ours.

use model::fact::{Fact, GroupFact, ResetCause, WorkFact};
use model::fact::{GroupEvent, WorkEvent, WorkOutcome};
use model::ids::{Offset, TopicPartition, Uid};

use crate::checkers::case::{Case, Place};
use crate::checkers::ending::{Ending, FinalLog};
use crate::checkers::groups::share::{MovedBack, OriginKind, Share};
use crate::checkers::groups::view::{Group, View};
use crate::clause::{Clause, ClauseKind, Sentence, Value};
use crate::plan::CommitStyle;
use crate::verdict::{Anomaly, Claim, Finding, Mishap, MishapCause, MishapKind};

/// Judges `nothing-skipped` and `nothing-repeated`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Processing {
    skipped: Case,
    repeated: Case,
    /// What was repeated, by group and in order of time.
    repeats: Vec<Vec<Single>>,
    /// Commits that passed over records that were not finished.
    hasty: u64,
}

/// One record that was skipped or repeated.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Single {
    partition: TopicPartition,
    offset: Offset,
    uid: Uid,
    cause: MishapCause,
    /// When the cause was.
    place: Place,
}

impl Processing {
    /// Opens the cases.
    pub(crate) fn new(groups: usize) -> Processing {
        Processing {
            skipped: Case::new(Claim::NothingSkipped),
            repeated: Case::new(Claim::NothingRepeated),
            repeats: vec![Vec::new(); groups],
            hasty: 0,
        }
    }

    /// Takes in what became true at a node. `view` is as after it.
    pub(crate) fn on_fact(&mut self, fact: &Fact, view: &mut View) {
        match fact {
            Fact::Group(GroupFact {
                group, what: GroupEvent::Committed { offsets, .. }, ..
            }) => {
                let Some(group) = view.find(group) else { return };
                for (id, offset) in offsets.iter() {
                    let share = view.groups[group].shares.get_mut(*id);
                    if share.passes_over(*offset) {
                        self.hasty += 1;
                        self.skipped.observe(Anomaly::CommitBeyondProcessed, 1);
                    }
                }
            }
            Fact::PositionReset { client, partition, cause, .. } => {
                let Some(group) = view.group_of(*client) else { return };
                let share = view.groups[group].shares.get(*partition);
                let Some(reset) = share.and_then(|share| share.resets.last()) else { return };
                // A sink that keeps the offsets lets its members seek to them: no reset.
                if *cause == ResetCause::Seek && !reset.by_step {
                    return;
                }
                if reset.from < reset.to {
                    self.skipped.observe(Anomaly::OffsetResetSkip, 1);
                } else if reset.to < reset.from {
                    self.repeated.observe(Anomaly::OffsetResetRewind, 1);
                }
            }
            _ => {}
        }
    }

    /// Closes the cases, and tells the story of each record in runs, by group.
    pub(crate) fn finish(
        mut self,
        view: &View,
        ending: &Ending,
    ) -> (Finding, Finding, Vec<Vec<Mishap>>) {
        let mut stories = Vec::new();
        let repeats = std::mem::take(&mut self.repeats);
        for (group, repeats) in view.groups.iter().zip(repeats) {
            let mut mishaps = runs(MishapKind::Repeated, repeats);
            let mut skips = Vec::new();
            for log in &ending.logs {
                if let Some(share) = group.shares.get(log.partition).filter(|it| it.is_read) {
                    skipped(group, (log, share), &mut skips);
                }
            }
            for skip in &skips {
                self.skipped.breach_of(Anomaly::GroupLoss, skip.uid, skip.place);
            }
            mishaps.extend(runs(MishapKind::Skipped, skips));
            mishaps.sort_by_key(|it| (it.at, it.entry, it.partition, it.from));
            stories.push(mishaps);
        }
        let risk: u64 = view.groups.iter().map(|it| it.risk).sum();
        let untested = match view.groups.is_empty() {
            true => ClauseKind::NoGroup,
            false => ClauseKind::NothingInterrupted,
        };
        let told = |kind| told(view, &stories, kind);
        let (skips, repeats) = (told(MishapKind::Skipped), told(MishapKind::Repeated));
        let skipped = self.skipped.close(risk + self.hasty, untested, |_| skips);
        let repeated = self.repeated.close(risk, untested, |_| repeats);
        (skipped, repeated, stories)
    }

    /// Takes in what an application of a group did. `view` is as after it.
    pub(crate) fn on_work(&mut self, index: usize, fact: &WorkFact, place: Place, view: &View) {
        let WorkEvent::Ended(outcome) = fact.what else { return };
        match outcome {
            WorkOutcome::Parked => self.skipped.observe(Anomaly::Parked, 1),
            WorkOutcome::Done | WorkOutcome::HandedOn => {}
            WorkOutcome::Failed
            | WorkOutcome::Skipped
            | WorkOutcome::Shed
            | WorkOutcome::TakenForRepeat => return,
        }
        let group = &view.groups[index];
        if group.work(fact.uid).done <= 1 {
            return;
        }
        let (cause, origin) = why_again(group, fact, place);
        let (partition, offset, uid) = (fact.partition, fact.offset, fact.uid);
        self.repeats[index].push(Single { partition, offset, uid, cause, place: origin });
        self.repeated.breach_of(Anomaly::GroupDup, uid, place);
    }
}

/// Says why a record is processed once more, and since when that was certain.
fn why_again(group: &Group, fact: &WorkFact, place: Place) -> (MishapCause, Place) {
    let first = group.work(fact.uid).first();
    let Some(first) = first.filter(|it| it.offset == fact.offset) else {
        return (MishapCause::DuplicateInLog, place);
    };
    let (first, done) = (first.client, first.place);
    let share = group.shares.get(fact.partition);
    let origin = |client| share.and_then(|share| share.origin(client));
    let Some(own) = origin(fact.client) else { return (MishapCause::Moved(fact.client), place) };
    // Whoever holds it longer than the one who was first to finish it is a zombie.
    let other = origin(first).filter(|it| first != fact.client && own.place < it.place);
    if let Some(other) = other {
        return (MishapCause::Moved(first), other.place);
    }
    let client = group.clients.iter().find(|it| it.id == fact.client);
    let started = client.and_then(|client| client.started);
    let restarted = first == fact.client && started.is_some_and(|started| done < started);
    let cause = match own.kind {
        OriginKind::Operator => MishapCause::Operator,
        OriginKind::Committed(MovedBack::ByOperator) => MishapCause::Operator,
        OriginKind::Committed(MovedBack::ByCommit) => MishapCause::CommitMovedBack,
        OriginKind::Reset(ResetCause::Seek) | OriginKind::Committed(MovedBack::No) => {
            match restarted {
                true => MishapCause::Restarted(fact.client),
                false => MishapCause::Moved(fact.client),
            }
        }
        OriginKind::Reset(cause) => MishapCause::Reset(fact.client, cause),
    };
    (cause, own.place)
}

/// Collects the records of a log that the group is past and never processed.
fn skipped(group: &Group, (log, share): (&FinalLog, &Share), skips: &mut Vec<Single>) {
    if group.joined.is_none() {
        return;
    }
    let committed = share.committed.unwrap_or(Offset::ZERO);
    let reset = share.resets.iter().map(|it| it.to).max().unwrap_or(Offset::ZERO);
    let handled = match group.commits {
        CommitStyle::Never => share.handled,
        _ => Offset::ZERO,
    };
    let past = committed.max(reset).max(handled);
    for batch in log.batches() {
        for (offset, record) in batch.records_from(share.floor) {
            if past <= offset {
                return;
            }
            let work = group.work(record.uid);
            // Whoever waits in the queue of a process that lives is late, not lost.
            let is_awaited = !group.given_up.contains_key(&record.uid)
                && group.has_in_hand(log.partition, offset);
            if work.done == 0 && !is_awaited {
                let (cause, place) = why_skipped(group, share, (offset, record.uid));
                let (partition, uid) = (log.partition, record.uid);
                skips.push(Single { partition, offset, uid, cause, place });
            }
        }
    }
}

/// Says what moved the group past a record, and when.
fn why_skipped(group: &Group, share: &Share, (offset, uid): (Offset, Uid)) -> (MishapCause, Place) {
    if let Some(&(client, outcome, place)) = group.given_up.get(&uid) {
        return (MishapCause::GivenUp(client, outcome), place);
    }
    let reset = share.resets.iter().find(|it| it.from <= offset && offset < it.to);
    let commit = share.commits.iter().find(|it| offset < it.offset);
    match (reset, commit) {
        (Some(reset), commit) if commit.is_none_or(|it| reset.place < it.place) => {
            let cause = match reset.by_step {
                true => MishapCause::Operator,
                false => MishapCause::Reset(reset.client, reset.cause),
            };
            (cause, reset.place)
        }
        (_, Some(commit)) => {
            let cause = match commit.by {
                Some((client, kind)) => MishapCause::CommittedTooFar(client, kind),
                None => MishapCause::Operator,
            };
            (cause, commit.place)
        }
        (_, None) => (MishapCause::Operator, Place::default()),
    }
}

/// Joins neighbours with one cause.
fn runs(kind: MishapKind, mut singles: Vec<Single>) -> Vec<Mishap> {
    singles.sort_by_key(|it| (it.place, it.partition, it.offset));
    let mut runs: Vec<Mishap> = Vec::new();
    for Single { partition, offset, uid, cause, place } in singles {
        match runs.last_mut() {
            Some(run)
                if (run.partition, run.to, run.cause, run.entry)
                    == (partition, offset, cause, place.entry) =>
            {
                run.records.push(uid);
                run.to = offset + 1;
            }
            Some(_) | None => {
                let (at, entry, to) = (place.at, place.entry, offset + 1);
                let records = vec![uid];
                runs.push(Mishap { kind, partition, records, from: offset, to, cause, at, entry });
            }
        }
    }
    runs
}

/// Says what befell how many records of each group, and by what.
fn told(view: &View, stories: &[Vec<Mishap>], kind: MishapKind) -> Sentence {
    let what = match kind {
        MishapKind::Skipped => ClauseKind::Skipped,
        MishapKind::Repeated => ClauseKind::Repeated,
    };
    let mut clauses = Vec::new();
    for (group, story) in view.groups.iter().zip(stories) {
        let mut causes: Vec<(Clause, u64)> = Vec::new();
        for mishap in story.iter().filter(|it| it.kind == kind) {
            let cause = because(view, mishap.cause);
            match causes.iter_mut().find(|it| it.0 == cause) {
                Some((_, count)) => *count += mishap.records.len() as u64,
                None => causes.push((cause, mishap.records.len() as u64)),
            }
        }
        for (cause, count) in causes {
            let name = Value::from(group.name.to_string());
            clauses.push(Clause::new(what, [count.into(), name, cause.into()]));
        }
    }
    Sentence(clauses)
}

/// Names a cause.
fn because(view: &View, cause: MishapCause) -> Clause {
    let about = |kind, client| Clause::new(kind, [Value::from(view.client(client).to_string())]);
    match cause {
        MishapCause::CommittedTooFar(client, _) => about(ClauseKind::CommittedTooFar, client),
        MishapCause::GivenUp(client, WorkOutcome::TakenForRepeat) => {
            about(ClauseKind::TakenForRepeats, client)
        }
        MishapCause::GivenUp(client, WorkOutcome::Shed) => about(ClauseKind::Shed, client),
        MishapCause::GivenUp(client, _) => about(ClauseKind::GivenUp, client),
        MishapCause::Reset(client, _) => about(ClauseKind::PositionReset, client),
        MishapCause::Moved(client) => about(ClauseKind::PartitionMoved, client),
        MishapCause::Restarted(client) => about(ClauseKind::BegunAgain, client),
        MishapCause::CommitMovedBack => Clause::new(ClauseKind::CommitMovedBack, []),
        MishapCause::Operator => Clause::new(ClauseKind::OperatorMoved, []),
        MishapCause::DuplicateInLog => Clause::new(ClauseKind::DoubledInLog, []),
    }
}
