//! What an application has committed when it dies, and what becomes of its records by that.
//!
//! One member reads 100 records, ten at each `poll()`, and is killed in the middle of its work
//! on offset 25. Ten is where each style has its seams.

use std::collections::BTreeSet;

use model::fact::{CommitKind, MemberEvent, WorkEvent};
use model::ids::ClientId;
use model::time::{Duration, Time};

use super::story;
use super::{ORDERS, after, bare, last, step};
use crate::outcome::{Ended, Outcome};
use crate::plan::{
    Action, AsyncRetry, ClientRole, CommitStyle, Comparison, Condition, GroupIndex, Handling, Plan,
    Quantity, Selector, Shape, Spread, Trigger, WorkerCommits, Workers,
};
use crate::testing;

/// What a crash in the middle of offset 25 leaves.
#[derive(Debug, PartialEq)]
struct Left {
    /// What was committed at that moment.
    committed: Option<u64>,
    /// The first offset on which the next life works.
    resumed: u64,
    /// What was done again.
    repeated: BTreeSet<u64>,
    /// What was never done.
    lost: BTreeSet<u64>,
}

#[test]
fn each_style_loses_or_repeats_what_lies_between_its_commit_and_its_work() {
    let cases = [
        (CommitStyle::Before, left(Some(30), 30, 0..0, 25..30)),
        (CommitStyle::After, left(Some(20), 20, 20..25, 0..0)),
        (CommitStyle::Each, left(Some(25), 25, 0..0, 0..0)),
        (CommitStyle::Async(AsyncRetry::Never), left(Some(20), 20, 20..25, 0..0)),
        (CommitStyle::Async(AsyncRetry::Naive), left(Some(20), 20, 20..25, 0..0)),
        (CommitStyle::Async(AsyncRetry::BySequence), left(Some(20), 20, 20..25, 0..0)),
        (CommitStyle::Never, left(None, 0, 0..25, 0..0)),
    ];
    for (style, expected) in cases {
        let mut plan = killed();
        plan.groups[0].handling.commit = style;

        let outcome = bare(&plan);

        assert_eq!(what_is_left(&outcome), expected, "{style:?}");
    }
}

/// `poll()` commits what the `poll()` before returned, once the interval is over: the loop is
/// through with that, so nothing is lost by a crash.
#[test]
fn auto_commit_in_a_plain_loop_repeats_up_to_its_interval_and_loses_nothing() {
    for (interval, expected) in [
        (Duration::from_millis(100), left(Some(20), 20, 20..25, 0..0)),
        (Duration::from_millis(700), left(Some(20), 20, 20..25, 0..0)),
        (Duration::from_secs(5), left(None, 0, 0..25, 0..0)),
    ] {
        let mut plan = killed();
        plan.groups[0].handling.commit = CommitStyle::Auto;
        for config in testing::member_configs(&mut plan) {
            (config.auto_commit, config.auto_commit_interval) = (true, interval);
        }

        let outcome = bare(&plan);

        assert_eq!(what_is_left(&outcome), expected, "{interval}");
    }
}

/// With workers `poll()` goes on before the work is done, and auto-commit believes it was.
#[test]
fn auto_commit_beside_workers_loses_what_they_have_not_done() {
    let mut plan = killed();
    plan.groups[0].handling.commit = CommitStyle::Auto;
    plan.groups[0].handling.workers = Some(workers(1, WorkerCommits::Polled));
    for config in testing::member_configs(&mut plan) {
        config.auto_commit = true;
        config.auto_commit_interval = Duration::from_millis(100);
    }

    let outcome = bare(&plan);

    assert_eq!(what_is_left(&outcome), left(Some(100), 100, 0..0, 25..100));
}

#[test]
fn workers_that_commit_what_was_polled_lose_it_and_contiguous_ones_repeat() {
    for (commits, expected) in [
        (WorkerCommits::Polled, left(Some(100), 100, 0..0, 25..100)),
        // One worker finishes in order, so its own last offset is contiguous as well.
        (WorkerCommits::Contiguous, left(Some(20), 20, 20..25, 0..0)),
        (WorkerCommits::Own, left(Some(20), 20, 20..25, 0..0)),
    ] {
        let mut plan = killed();
        plan.groups[0].handling.workers = Some(workers(1, commits));
        plan.groups[0].poll_timeout = Duration::from_millis(500);

        let outcome = bare(&plan);

        let mut actual = what_is_left(&outcome);
        if commits != WorkerCommits::Polled {
            // When exactly the loop comes round beside its workers is not the point.
            let committed = actual.committed.expect("something is committed");
            assert!((15..=25).contains(&committed), "{commits:?} {actual:?}");
            assert_eq!(actual.resumed, committed, "{commits:?}");
            assert_eq!(actual.repeated, (committed..25).collect(), "{commits:?}");
            actual = Left { committed: Some(20), resumed: 20, ..actual };
            actual.repeated = (20..25).collect();
        }
        assert_eq!(actual, expected, "{commits:?}");
    }
}

/// Some records take a hundred times as long as others: whoever commits the offset that it has
/// finished passes those that others have not.
#[test]
fn only_contiguous_commits_stay_behind_the_slowest_of_several_workers() {
    let runs = |commits: WorkerCommits| {
        (1..=4).map(move |seed| {
            let mut plan = killed();
            plan.seed = seed;
            plan.groups[0].handling.workers = Some(workers(4, commits));
            plan.groups[0].handling.takes = uneven();
            plan.groups[0].poll_timeout = Duration::from_millis(50);
            let outcome = bare(&plan);
            assert_eq!(outcome.ended, Ended::InTime);
            let ahead = story::commits_ahead(&outcome).len();
            (ahead, story::never_done(&outcome).len())
        })
    };

    assert!(runs(WorkerCommits::Contiguous).all(|it| it == (0, 0)));
    assert!(runs(WorkerCommits::Own).all(|(ahead, _)| 0 < ahead));
    assert!(runs(WorkerCommits::Own).any(|(_, lost)| 0 < lost));
    assert!(runs(WorkerCommits::Polled).all(|(ahead, lost)| 0 < ahead && 0 < lost));
}

#[test]
fn a_key_keeps_its_order_only_if_it_keeps_its_worker() {
    let disordered = |spread| {
        (1..=4).map(move |seed| {
            let mut plan = lone();
            plan.seed = seed;
            plan.groups[0].handling.workers =
                Some(Workers { spread, ..workers(4, WorkerCommits::Contiguous) });
            plan.groups[0].handling.takes = uneven();
            let outcome = bare(&plan);
            assert_eq!(story::done(&outcome).len(), 100);
            keys_out_of_order(&outcome)
        })
    };

    assert!(disordered(Spread::ByKey).all(|keys| keys == 0));
    assert!(disordered(Spread::Anybody).all(|keys| 0 < keys));
}

/// The polling thread works itself when the queue is full, so that it polls less.
#[test]
fn a_full_queue_makes_the_caller_run() {
    let run = |queue| {
        let mut plan = lone();
        plan.groups[0].handling.workers =
            Some(Workers { queue, ..workers(2, WorkerCommits::Contiguous) });
        let outcome = bare(&plan);
        assert_eq!(story::times_done(&outcome).len(), 100);
        assert_eq!(story::commits_ahead(&outcome), []);
        let by_caller = story::work(&outcome).filter(|(_, it)| it.what == WorkEvent::Began(0));
        let first = story::work(&outcome).map(|(at, _)| at).min().expect("work is done");
        let last = story::work(&outcome).map(|(at, _)| at).max().expect("work is done");
        (by_caller.count(), last - first)
    };

    let (unbounded, bounded) = (run(None), run(Some(3)));

    assert_eq!(unbounded.0, 0);
    assert!((20..=40).contains(&bounded.0), "{bounded:?}");
    assert!(bounded.1 < unbounded.1, "three threads are faster than two");
}

/// Revoked partitions are committed synchronously by whoever commits asynchronously otherwise.
#[test]
fn an_orderly_end_leaves_nothing_uncommitted_but_where_nobody_commits() {
    for (style, committed, last) in [
        (CommitStyle::Before, Some(100), Some(CommitKind::Sync)),
        (CommitStyle::After, Some(100), Some(CommitKind::Sync)),
        (CommitStyle::Each, Some(100), Some(CommitKind::Sync)),
        (CommitStyle::Async(AsyncRetry::Never), Some(100), Some(CommitKind::Sync)),
        (CommitStyle::Auto, Some(100), Some(CommitKind::AutoOnClose)),
        (CommitStyle::Never, None, None),
    ] {
        let mut plan = lone();
        plan.groups[0].handling.commit = style;
        for config in testing::member_configs(&mut plan) {
            config.auto_commit = style == CommitStyle::Auto;
            config.auto_commit_interval = Duration::from_secs(600);
        }
        let quarter = processed(25, Duration::from_millis(20));
        plan.steps = vec![step(quarter, Action::Leave(vec![Selector::Member(GroupIndex(0), 1)]))];

        let outcome = bare(&plan);

        let kinds = story::members(&outcome).filter_map(|(_, _, what)| match what {
            MemberEvent::CommitSent { kind, .. } => Some(*kind),
            _ => None,
        });
        // It works off what it holds: the third ten.
        let expected = committed.map(|_| 30);
        assert_eq!(story::done(&outcome).len(), 30, "{style:?}");
        assert_eq!(
            story::committed_by(&outcome, Time::MAX).get(&ORDERS).copied(),
            expected,
            "{style:?}"
        );
        assert_eq!(kinds.last(), last, "{style:?}");
    }
}

// -- Helpers --

/// Makes a member that reads 100 records, ten at a time, 50 ms each.
pub(super) fn lone() -> Plan {
    let mut plan = testing::plan(3);
    plan.clients.truncate(1);
    if let ClientRole::Producer(producer) = &mut plan.clients[0].role {
        (producer.records, producer.every) = (100, Shape::Fixed(Duration::from_millis(1)));
    }
    testing::add_group(&mut plan, "g", 1, Duration::from_millis(50));
    for config in testing::member_configs(&mut plan) {
        config.poll_records_max = 10;
    }
    plan.faults_for = Duration::from_secs(80);
    plan
}

/// Kills that member in the middle of its work on offset 25, and starts it again.
pub(super) fn killed() -> Plan {
    let mut plan = lone();
    let first = vec![Selector::Member(GroupIndex(0), 1)];
    let kill = step(processed(25, Duration::from_millis(20)), Action::Crash(first));
    plan.steps = vec![kill, step(after(1_000), Action::Restart(last()))];
    plan
}

pub(super) fn processed(records: u64, delay: Duration) -> Trigger {
    let quantity = Quantity::Processed(GroupIndex(0));
    Trigger::When(Condition::Compare(quantity, Comparison::AtLeast, records), delay)
}

pub(super) fn handling(plan: &mut Plan) -> &mut Handling {
    &mut plan.groups[0].handling
}

fn workers(threads: u16, commits: WorkerCommits) -> Workers {
    Workers { threads, spread: Spread::Anybody, queue: None, commits }
}

fn uneven() -> Shape {
    Shape::TwoHumped {
        usual: Duration::from_millis(10),
        rare: Duration::from_millis(1_000),
        rare_millionths: 100_000,
    }
}

fn what_is_left(outcome: &Outcome) -> Left {
    assert_eq!(outcome.ended, Ended::InTime);
    let died = story::step(outcome, 0);
    let offsets = |places: BTreeSet<story::Place>| places.into_iter().map(|it| it.1).collect();
    let again = story::work(outcome).find(|(at, _)| died < *at);
    Left {
        committed: story::committed_by(outcome, died).get(&ORDERS).copied(),
        resumed: again.map_or(100, |(_, fact)| fact.offset.0),
        repeated: offsets(story::repeated(outcome)),
        lost: offsets(story::never_done(outcome)),
    }
}

fn left(
    committed: Option<u64>,
    resumed: u64,
    repeated: std::ops::Range<u64>,
    lost: std::ops::Range<u64>,
) -> Left {
    Left { committed, resumed, repeated: repeated.collect(), lost: lost.collect() }
}

/// Counts the keys of which a record was done after a later one. The producer gives three
/// keys in turn.
fn keys_out_of_order(outcome: &Outcome) -> usize {
    let done = story::done(outcome);
    assert!(done.iter().all(|(_, client, _)| *client == ClientId(1)));
    let is_disordered = |key: &u64| {
        let its: Vec<u64> =
            done.iter().map(|(_, _, place)| place.1).filter(|offset| offset % 3 == *key).collect();
        !its.is_sorted()
    };
    (0..3).filter(is_disordered).count()
}
