//! Draws what an application does with the records that it polls.

use model::ids::TopicId;
use model::time::Duration;
use sim::plan::{
    AsyncRetry, CommitStyle, Handling, OnFailure, Poison, Sink, Spread, WorkerCommits, Workers,
};

use crate::search::any::dice::Dice;

/// Draws the handling of a group; it parks what it cannot process in `dead_letters`, if that
/// is a topic.
pub(crate) fn draw(seed: u64, group: &str, dead_letters: Option<TopicId>) -> Handling {
    let mut dice = Dice::of(seed, &format!("handling/{group}"));
    let sink = dice.pick(&[
        Sink::Append,
        Sink::Append,
        Sink::Append,
        Sink::UniqueKey,
        Sink::VersionCheck,
        Sink::WithOffsets,
        Sink::SetnxBefore,
        Sink::SetnxAfter,
        Sink::Bloom { lies_millionths: 10_000 },
    ]);
    let commit = match sink {
        Sink::WithOffsets => CommitStyle::Never,
        _ => commit(&mut dice),
    };
    let workers = dice.one_in(5).then(|| workers(&mut dice, commit));
    let fails = dead_letters.is_some() || dice.one_in(6);
    let poison = (fails && dice.coin()).then(|| match dice.coin() {
        true => Poison::EveryNth(dice.number(2, 5) as u32),
        false => Poison::AtOffset(dice.number(0, 4)),
    });
    let fails_millionths = match (fails, poison) {
        (true, None) => dice.pick(&[50_000, 200_000]),
        _ => 0,
    };
    Handling {
        takes: dice.shape(1, 100),
        fails_millionths,
        commit,
        workers,
        sink,
        poison,
        on_failure: match (dead_letters, fails) {
            (Some(topic), _) => OnFailure::DeadLetter { topic, attempts: dice.number(1, 3) as u32 },
            (None, true) => on_failure(&mut dice),
            (None, false) => OnFailure::default(),
        },
        shed_above: dice.one_in(16).then(|| dice.number(2, 20)),
        output: None,
    }
}

fn commit(dice: &mut Dice) -> CommitStyle {
    dice.pick(&[
        CommitStyle::After,
        CommitStyle::After,
        CommitStyle::After,
        CommitStyle::Auto,
        CommitStyle::Auto,
        CommitStyle::Before,
        CommitStyle::Each,
        CommitStyle::Async(AsyncRetry::Never),
        CommitStyle::Async(AsyncRetry::BySequence),
        CommitStyle::Async(AsyncRetry::Naive),
    ])
}

fn workers(dice: &mut Dice, commit: CommitStyle) -> Workers {
    let contiguous = WorkerCommits::Contiguous;
    Workers {
        threads: dice.number(1, 3) as u16,
        spread: dice.pick(&[Spread::Anybody, Spread::ByKey]),
        queue: dice.coin().then(|| dice.number(1, 5) as u32),
        commits: match commit {
            CommitStyle::After | CommitStyle::Each | CommitStyle::Async(_) => {
                let all = [contiguous, contiguous, WorkerCommits::Own, WorkerCommits::Polled];
                dice.pick(&all)
            }
            CommitStyle::Before | CommitStyle::Auto | CommitStyle::Never => contiguous,
        },
    }
}

fn on_failure(dice: &mut Dice) -> OnFailure {
    dice.pick(&[
        OnFailure::Stop,
        OnFailure::Crash,
        OnFailure::Skip,
        OnFailure::Retry(Duration::from_millis(100)),
    ])
}
