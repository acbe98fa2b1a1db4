//! `handling`: what an application does with what it polls.

use sim::plan::{
    AsyncRetry, CommitStyle, Handling, OnFailure, Poison, Sink, Spread, WorkerCommits, Workers,
};

use super::layout::{Table, Value};
use super::lengths::Share;
use super::names::Names;
use crate::handling::{ATTEMPTS, LIES_MILLIONTHS, RETRY, TAKES, usual_commit};

/// Writes what is not as in an application that works and then commits.
pub(super) fn handling(plan: &Handling, names: Names<'_>) -> Table {
    let mut table = Table::default();
    table.set_unless("takes", plan.takes, TAKES);
    if plan.sink != Sink::default() {
        table.set("sink", sink(plan.sink));
    }
    set_commit(&mut table, plan);
    table.set_some("workers", plan.workers.map(workers));
    let fails = plan.poison.is_none() && plan.on_failure != OnFailure::default();
    if fails || plan.fails_millionths != 0 {
        table.set("fails", Share(plan.fails_millionths));
    }
    match plan.poison {
        None => {}
        Some(Poison::EveryNth(every)) => table.set("poison", one("every", every)),
        Some(Poison::AtOffset(offset)) => table.set("poison", one("at-offset", offset)),
    }
    if plan.on_failure != OnFailure::default() {
        table.set("on-poison", on_failure(plan.on_failure, names));
    }
    table.set_some("shed-above", plan.shed_above);
    table
}

fn set_commit(table: &mut Table, plan: &Handling) {
    let word = |style| match style {
        CommitStyle::Before => "commit-before",
        CommitStyle::After => "commit-after",
        CommitStyle::Each => "commit-each",
        CommitStyle::Auto => "auto",
        CommitStyle::Async(_) => "commit-async",
        CommitStyle::Never => "none",
    };
    table.set_unless("then", word(plan.commit), word(usual_commit(plan.sink)));
    match plan.commit {
        CommitStyle::Async(AsyncRetry::Naive) => table.set("retry-async", "naive"),
        CommitStyle::Async(AsyncRetry::BySequence) => table.set("retry-async", "by-sequence"),
        CommitStyle::Async(AsyncRetry::Never)
        | CommitStyle::Before
        | CommitStyle::After
        | CommitStyle::Each
        | CommitStyle::Auto
        | CommitStyle::Never => {}
    }
}

fn workers(plan: Workers) -> Value {
    let (spread, commits) = (Spread::default(), WorkerCommits::default());
    if plan == (Workers { threads: plan.threads, spread, queue: None, commits }) {
        return Value::from(plan.threads);
    }
    let mut table = Table::default();
    table.set("threads", plan.threads);
    table.set_unless("by-key", plan.spread == Spread::ByKey, false);
    table.set_some("queue", plan.queue);
    let word = |commits| match commits {
        WorkerCommits::Contiguous => "contiguous",
        WorkerCommits::Own => "own",
        WorkerCommits::Polled => "polled",
    };
    table.set_unless("commits", word(plan.commits), word(commits));
    Value::from(table)
}

fn sink(sink: Sink) -> Value {
    Value::from(match sink {
        Sink::Append => "append",
        Sink::UniqueKey => "unique-key",
        Sink::VersionCheck => "version-check",
        Sink::WithOffsets => "with-offsets",
        Sink::SetnxBefore => "setnx-before",
        Sink::SetnxAfter => "setnx-after",
        Sink::Bloom { lies_millionths: LIES_MILLIONTHS } => "bloom",
        Sink::Bloom { lies_millionths } => {
            return Value::from(one("bloom", Share(lies_millionths)));
        }
    })
}

fn on_failure(plan: OnFailure, names: Names<'_>) -> Value {
    Value::from(match plan {
        OnFailure::Stop => "stop",
        OnFailure::Crash => "crash",
        OnFailure::Skip => "skip",
        RETRY => "retry",
        OnFailure::Retry(pause) => return Value::from(one("retry", pause)),
        OnFailure::DeadLetter { topic, attempts } => {
            let mut table = one("dead-letter", names.topic(topic));
            table.set_unless("attempts", attempts, ATTEMPTS);
            return Value::from(table);
        }
    })
}

fn one<T: Into<Value>>(name: &str, value: T) -> Table {
    let mut table = Table::default();
    table.set(name, value);
    table
}
