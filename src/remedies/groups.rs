//! Which changes of a group or its application could help.

use model::config::{GroupProtocolKind, OffsetReset};
use model::group::assignor::Strategy;
use sim::clause::Sentence;
use sim::plan::{
    ClientRole, CommitStyle, GroupPlan, Handling, MemberPlan, OnFailure, Plan, Sink, Spread,
    WorkerCommits, Workers,
};
use sim::verdict::Claim;

use super::{Change, bare};

/// Returns the changes that concern a broken claim about groups.
pub(super) fn changes(plan: &Plan, claim: Claim) -> Vec<Change> {
    let found = match claim {
        Claim::NothingSkipped => {
            vec![after(plan), contiguous(plan), earliest(plan), mark_after(plan), parked(plan)]
        }
        Claim::NothingRepeated => {
            vec![each(plan), fixed_members(plan), cooperative(plan), new_protocol(plan)]
        }
        Claim::EffectsOnce => {
            vec![unique_key(plan), with_offsets(plan), after(plan), contiguous(plan)]
        }
        Claim::OrderPerKey => vec![by_key(plan), one_thread(plan), new_protocol(plan)],
        Claim::CommitsMoveForward => vec![by_sequence(plan), contiguous(plan), after(plan)],
        Claim::GroupStabilises => vec![fixed_members(plan), cooperative(plan), new_protocol(plan)],
        Claim::GroupDrains => {
            vec![skip(plan), parked(plan), fixed_members(plan), new_protocol(plan)]
        }
        Claim::OneOwnerPerPartition => vec![cooperative(plan), new_protocol(plan)],
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// Makes a change of every group that is concerned.
fn on_groups(
    plan: &Plan,
    name: &str,
    (key, value): (&str, &str),
    concerned: impl Fn(&GroupPlan) -> bool,
) -> Option<Change> {
    let set: Vec<(String, String)> = plan
        .groups
        .iter()
        .filter(|group| concerned(group))
        .map(|group| (format!("{}.{key}", table(group)), value.to_owned()))
        .collect();
    (!set.is_empty()).then(|| Change { name: name.to_owned(), set, remark: Sentence::default() })
}

/// Returns the table of the file that a group stands in: those with an output are `[apps]`.
fn table(group: &GroupPlan) -> String {
    let table = if group.handling.output.is_some() { "apps" } else { "groups" };
    format!("{table}.{}", bare(&group.name))
}

fn on_handling(
    plan: &Plan,
    (key, value): (&str, &str),
    concerned: impl Fn(&Handling) -> bool,
) -> Option<Change> {
    let path = format!("handling.{key}");
    let name = format!("{key}={value}");
    on_groups(plan, &name, (&path, value), |group| concerned(&group.handling))
}

/// Says whether some member of a group has such a plan.
fn has(plan: &Plan, group: &GroupPlan, concerned: impl Fn(&MemberPlan) -> bool) -> bool {
    group.members.iter().any(|id| match plan.clients.get(usize::from(id.0)).map(|it| &it.role) {
        Some(ClientRole::Member(member)) => concerned(member),
        Some(ClientRole::Producer(_) | ClientRole::Consumer(_)) | None => false,
    })
}

fn after(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("then", "commit-after"), |handling| match handling.commit {
        CommitStyle::Before | CommitStyle::Never => true,
        CommitStyle::Auto => handling.workers.is_some(),
        CommitStyle::After | CommitStyle::Each | CommitStyle::Async(_) => false,
    })
}

fn each(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("then", "commit-each"), |handling| {
        handling.workers.is_none() && handling.commit != CommitStyle::Each
    })
}

fn by_sequence(plan: &Plan) -> Option<Change> {
    use sim::plan::AsyncRetry;
    on_handling(plan, ("retry-async", "by-sequence"), |handling| {
        handling.commit == CommitStyle::Async(AsyncRetry::Naive)
    })
}

/// Changes the workers of every group whose workers are concerned.
fn on_workers(
    plan: &Plan,
    name: &str,
    concerned: impl Fn(&Workers) -> bool,
    better: impl Fn(Workers) -> Workers,
) -> Option<Change> {
    let concerned = plan.groups.iter().filter_map(|group| {
        let workers = group.handling.workers.filter(|it| concerned(it))?;
        Some((format!("{}.handling.workers", table(group)), written(better(workers))))
    });
    let set: Vec<_> = concerned.collect();
    (!set.is_empty()).then(|| Change { name: name.to_owned(), set, remark: Sentence::default() })
}

/// Writes workers as in a file.
fn written(workers: Workers) -> String {
    let Workers { threads, spread, queue, commits } = workers;
    let commits = match commits {
        WorkerCommits::Contiguous => "contiguous",
        WorkerCommits::Own => "own",
        WorkerCommits::Polled => "polled",
    };
    let queue = queue.map_or_else(String::new, |queue| format!(", queue = {queue}"));
    let by_key = spread == Spread::ByKey;
    format!("{{ threads = {threads}, by-key = {by_key}{queue}, commits = \"{commits}\" }}")
}

fn contiguous(plan: &Plan) -> Option<Change> {
    let commits = WorkerCommits::Contiguous;
    let hasty = |workers: &Workers| workers.commits != commits;
    on_workers(plan, "commits=contiguous", hasty, |workers| Workers { commits, ..workers })
}

fn by_key(plan: &Plan) -> Option<Change> {
    let spread = Spread::ByKey;
    let mixed = |workers: &Workers| 1 < workers.threads && workers.spread != spread;
    on_workers(plan, "by-key=true", mixed, |workers| Workers { spread, ..workers })
}

fn one_thread(plan: &Plan) -> Option<Change> {
    let many = |workers: &Workers| 1 < workers.threads;
    on_workers(plan, "threads=1", many, |workers| Workers { threads: 1, ..workers })
}

fn unique_key(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("sink", "unique-key"), |handling| handling.sink != Sink::UniqueKey)
}

/// The sink keeps the offsets, so that nothing else commits.
fn with_offsets(plan: &Plan) -> Option<Change> {
    let concerned = |group: &&GroupPlan| {
        group.handling.sink != Sink::WithOffsets && group.handling.workers.is_none()
    };
    let set: Vec<_> = plan
        .groups
        .iter()
        .filter(concerned)
        .flat_map(|group| {
            let path = |key| format!("{}.handling.{key}", table(group));
            [(path("sink"), "with-offsets".to_owned()), (path("then"), "none".to_owned())]
        })
        .collect();
    let name = "sink=with-offsets then=none".to_owned();
    (!set.is_empty()).then_some(Change { name, set, remark: Sentence::default() })
}

/// A mark that is set before the work makes a failed attempt look like a repeat.
fn mark_after(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("sink", "setnx-after"), |handling| match handling.sink {
        Sink::SetnxBefore | Sink::Bloom { .. } => true,
        Sink::Append
        | Sink::UniqueKey
        | Sink::VersionCheck
        | Sink::WithOffsets
        | Sink::SetnxAfter => false,
    })
}

/// Records that were given up are tried again instead.
fn parked(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("on-poison", "retry"), |handling| match handling.on_failure {
        OnFailure::Skip => handling.poison.is_none(),
        OnFailure::Stop | OnFailure::Crash | OnFailure::Retry(_) | OnFailure::DeadLetter { .. } => {
            false
        }
    })
}

/// A record that always fails stops the partition unless it is left behind.
fn skip(plan: &Plan) -> Option<Change> {
    on_handling(plan, ("on-poison", "skip"), |handling| {
        let waits = match handling.on_failure {
            OnFailure::Stop | OnFailure::Crash | OnFailure::Retry(_) => true,
            OnFailure::Skip | OnFailure::DeadLetter { .. } => false,
        };
        waits && handling.poison.is_some()
    })
}

fn earliest(plan: &Plan) -> Option<Change> {
    let change = ("config.auto.offset.reset", "earliest");
    on_groups(plan, "auto.offset.reset=earliest", change, |group| {
        has(plan, group, |member| member.config.offset_reset != OffsetReset::Earliest)
    })
}

fn fixed_members(plan: &Plan) -> Option<Change> {
    on_groups(plan, "static=true", ("static", "true"), |group| {
        has(plan, group, |member| member.config.instance.is_none())
    })
}

/// Only what moves is given back, and everything else is read on.
fn cooperative(plan: &Plan) -> Option<Change> {
    const KEY: &str = "partition.assignment.strategy";
    let path = format!("config.{KEY}");
    let name = format!("{KEY}=cooperative-sticky");
    on_groups(plan, &name, (&path, "[\"cooperative-sticky\"]"), |group| {
        has(plan, group, |member| {
            member.config.group_protocol == GroupProtocolKind::Classic
                && member.config.strategies.0.first() != Some(&Strategy::CooperativeSticky)
        })
    })
}

fn new_protocol(plan: &Plan) -> Option<Change> {
    let change = ("config.group.protocol", "consumer");
    on_groups(plan, "group.protocol=consumer", change, |group| {
        has(plan, group, |member| member.config.group_protocol != GroupProtocolKind::Consumer)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_written_as_in_a_file() {
        let (spread, commits) = (Spread::ByKey, WorkerCommits::Contiguous);
        let bounded = Workers { threads: 4, spread, queue: Some(100), commits };

        let cases = [
            (bounded, "{ threads = 4, by-key = true, queue = 100, commits = \"contiguous\" }"),
            (
                Workers { spread: Spread::Anybody, queue: None, ..bounded },
                "{ threads = 4, by-key = false, commits = \"contiguous\" }",
            ),
        ];

        for (workers, expected) in cases {
            assert_eq!(written(workers), expected);
        }
    }
}
