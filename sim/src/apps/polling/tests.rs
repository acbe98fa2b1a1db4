//! A member's loop, told by hand what its consumer returns.

use std::collections::BTreeSet;

use model::fact::Callback;
use model::ids::{Key, Offset, TopicId, TopicPartition};
use model::log::batch::{Batch, Record};
use model::message::ErrorCode;
use model::rules::Rules;
use model::time::{Duration, Time};
use proptest::prelude::{Strategy, prop_assert, prop_oneof, proptest};

use super::*;
use crate::apps::sink::Store;
use crate::plan::{OnFailure, Poison, Shape, Sink, Spread, Workers};
use crate::testing;

const P: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };
type Committed = Result<(), CommitError>;
const RETRIABLE: Committed = Err(CommitError::Retriable(ErrorCode::CoordinatorNotAvailable));
#[test]
fn each_style_commits_at_its_own_moment() {
    use CommitStyle::{After, Async, Auto, Before, Each, Never};
    let sync = Call::CommitSync(None);
    let each = |next| Call::CommitSync(Some(offsets(next)));
    let all = Call::CommitAsync(Some(offsets(2)));
    for (style, expected) in [
        (Before, vec![sync.clone(), worked(0), worked(1), Call::Poll]),
        (After, vec![worked(0), worked(1), sync, Call::Poll]),
        (Each, vec![worked(0), each(1), worked(1), each(2), Call::Poll]),
        (Async(AsyncRetry::Never), vec![worked(0), worked(1), all, Call::Poll]),
        (Auto, vec![worked(0), worked(1), Call::Poll]),
        (Never, vec![worked(0), worked(1), Call::Poll]),
    ] {
        let mut scene = Scene::new(|handling| handling.commit = style);
        scene.polled(0..2);

        assert_eq!(scene.run(), expected, "{style:?}");
    }
}

#[test]
fn nothing_is_committed_when_nothing_was_returned() {
    for style in [CommitStyle::Before, CommitStyle::After, CommitStyle::Async(AsyncRetry::Never)] {
        let mut scene = Scene::new(|handling| handling.commit = style);
        scene.polled(0..0);

        assert_eq!(scene.run(), [Call::Poll], "{style:?}");
    }
}

#[test]
fn a_failed_commit_async_is_repeated_as_the_plan_says() {
    for (retry, is_overtaken, expected) in [
        (AsyncRetry::Never, false, None),
        (AsyncRetry::Never, true, None),
        (AsyncRetry::Naive, false, Some(1)),
        // It moves the committed offset back.
        (AsyncRetry::Naive, true, Some(1)),
        (AsyncRetry::BySequence, false, Some(1)),
        (AsyncRetry::BySequence, true, None),
    ] {
        let mut scene = Scene::new(|handling| handling.commit = CommitStyle::Async(retry));
        scene.polled(0..1);
        scene.run();
        if is_overtaken {
            scene.polled(1..2);
            scene.run();
        }
        scene.returned(Returned::Committed(CommitId(0), RETRIABLE));
        scene.polled(0..0);

        let again = scene.run().into_iter().find_map(|call| match call {
            Call::CommitAsync(Some(offsets)) => Some(offsets[&P].0),
            _ => None,
        });

        assert_eq!(again, expected, "{retry:?} {is_overtaken}");
    }
}

#[test]
fn only_retriable_failures_are_repeated() {
    for outcome in [Ok(()), Err(CommitError::CommitFailed), Err(CommitError::RebalanceInProgress)] {
        let mut scene =
            Scene::new(|handling| handling.commit = CommitStyle::Async(AsyncRetry::Naive));
        scene.polled(0..1);
        scene.run();
        scene.returned(Returned::Committed(CommitId(0), outcome));
        scene.polled(0..0);

        assert_eq!(scene.run(), [Call::Poll], "{outcome:?}");
    }
}

#[test]
fn a_commit_that_throws_ends_the_round_all_the_same() {
    let mut scene = Scene::new(|_| ());
    scene.polled(0..1);
    scene.sync_outcome = Err(CommitError::CommitFailed);

    assert_eq!(scene.run(), [worked(0), Call::CommitSync(None), Call::Poll]);
}

/// Nothing may be committed for a partition that is lost, and what was not begun is dropped.
#[test]
fn what_is_revoked_is_committed_first_only_by_those_who_do_not_wait_otherwise() {
    let after_work = Some(Call::CommitSync(None));
    for (style, expected) in [
        (CommitStyle::After, None),
        (CommitStyle::Before, None),
        (CommitStyle::Async(AsyncRetry::Never), after_work),
    ] {
        let mut scene = Scene::new(|handling| handling.commit = style);
        scene.polled(0..1);
        scene.run();
        scene.returned(Returned::Listen(Callback::Revoked, [P].into()));

        let calls = scene.run();

        assert_eq!(calls.first().cloned().filter(|it| *it != Call::Listened), expected);
        assert_eq!(calls.last(), Some(&Call::Listened), "{style:?}");
        scene.returned(Returned::Listen(Callback::Lost, [P].into()));
        assert_eq!(scene.run(), [Call::Listened], "{style:?}");
    }
}

#[test]
fn workers_commit_while_poll_goes_on() {
    for (commits, expected) in [
        (WorkerCommits::Contiguous, vec![Call::Poll]),
        (WorkerCommits::Own, vec![Call::CommitAsync(Some(offsets(2))), Call::Poll]),
        (WorkerCommits::Polled, vec![Call::CommitAsync(None), Call::Poll]),
    ] {
        let mut scene = Scene::new(|handling| {
            handling.workers = Some(workers(2, commits));
            stuck_at_zero(handling);
        });
        scene.polled(0..2);
        scene.run();
        scene.wait(Duration::from_millis(15));
        scene.polled(0..0);

        // Offset 0 takes for ever, offset 1 is done.
        assert_eq!(scene.run(), expected, "{commits:?}");
    }
}

#[test]
fn workers_that_commit_what_was_polled_do_so_once_a_round() {
    let commits = WorkerCommits::Polled;
    let mut scene = Scene::new(|handling| handling.workers = Some(workers(1, commits)));
    scene.polled(0..3);

    assert_eq!(scene.run(), [Call::CommitAsync(None), Call::Poll]);
}

#[test]
fn the_caller_runs_only_what_finds_no_room() {
    for (queue, by_caller) in [(None, 0), (Some(4), 1), (Some(2), 3), (Some(0), 5)] {
        let commits = WorkerCommits::Contiguous;
        let mut scene = Scene::new(|handling| {
            handling.workers = Some(Workers { queue, ..workers(1, commits) });
            // The worker never comes back, so that the queue stays as it is.
            stuck_at_zero(handling);
        });
        scene.polled(0..6);
        for _ in 0..10 {
            scene.run();
            scene.wait(Duration::from_millis(10));
        }

        let began = |thread| move |it: &&WorkFact| it.what == WorkEvent::Began(thread);
        assert_eq!(scene.notes.iter().filter(began(0)).count(), by_caller, "{queue:?}");
        assert_eq!(scene.notes.iter().filter(began(1)).count(), 1, "{queue:?}");
    }
}

#[test]
fn what_follows_a_poison_record() {
    let at_one = Some(Poison::AtOffset(1));
    let copy = |attempts| {
        let item = Item { attempts, ..item(1) };
        Call::Send(Copy { item, purpose: CopyPurpose::DeadLetter })
    };
    let sync = Call::CommitSync(None);
    let letter = OnFailure::DeadLetter { topic: TopicId(1), attempts: 2 };
    for (on_failure, expected) in [
        (OnFailure::Stop, vec![worked(0), Call::Close]),
        (OnFailure::Crash, vec![worked(0), Call::Crash]),
        (OnFailure::Skip, vec![worked(0), worked(2), sync.clone(), Call::Poll]),
        (letter, vec![worked(0), copy(1), worked(2), sync, Call::Poll]),
    ] {
        let mut scene = Scene::new(|handling| {
            (handling.poison, handling.on_failure) = (at_one, on_failure);
        });
        scene.polled(0..3);

        assert_eq!(scene.run(), expected, "{on_failure:?}");
    }
}

#[test]
fn a_dead_letter_is_sent_again_unless_no_attempt_can_bring_it_out() {
    let letter = Call::Send(Copy { item: item(0), purpose: CopyPurpose::DeadLetter });
    for (error, letters) in [(ErrorCode::RequestTimedOut, 2), (ErrorCode::MessageTooLarge, 1)] {
        let mut scene = Scene::new(|handling| {
            handling.poison = Some(Poison::AtOffset(0));
            handling.on_failure = OnFailure::DeadLetter { topic: TopicId(1), attempts: 1 };
        });
        scene.copy_failures = vec![error];
        scene.polled(0..1);

        let calls = scene.run();
        let sent = calls.iter().filter(|call| **call == letter).count();
        assert_eq!(sent, letters, "{error:?}: {calls:?}");
        let ends = calls.last() == Some(&Call::CloseProducer);
        assert_eq!(ends, error == ErrorCode::MessageTooLarge, "{error:?}: {calls:?}");
    }
}

#[test]
fn a_worker_whose_dead_letter_meets_a_closed_producer_sends_it_no_more() {
    let mut scene = Scene::new(|handling| {
        handling.poison = Some(Poison::AtOffset(0));
        handling.on_failure = OnFailure::DeadLetter { topic: TopicId(1), attempts: 1 };
        handling.workers = Some(workers(1, WorkerCommits::Contiguous));
    });
    scene.keeps_copies = true;
    scene.polled(0..1);
    scene.run();
    scene.wait(Duration::from_millis(20));
    scene.returned(Returned::Polled(Vec::new()));
    assert!(scene.run().iter().any(|call| matches!(call, Call::Send(_))));
    scene.app.leave();
    scene.returned(Returned::Polled(Vec::new()));
    assert_eq!(scene.run().last(), Some(&Call::CloseProducer));

    let failed = Completion::Error(ErrorCode::NetworkException);
    scene.returned(Returned::Completed(vec![Uid(1_000)], failed));

    assert_eq!(scene.run(), []);
    scene.returned(Returned::Closed);
    assert_eq!(scene.run(), [Call::Close]);
}

#[test]
fn whoever_retries_for_ever_gives_up_when_asked_to_leave() {
    let pause = Duration::from_secs(5);
    let mut scene = Scene::new(|handling| {
        handling.poison = Some(Poison::AtOffset(0));
        handling.on_failure = OnFailure::Retry(pause);
    });
    scene.polled(0..2);
    for _ in 0..3 {
        assert_eq!(scene.run(), []);
        scene.wait(pause);
    }

    scene.app.leave();
    scene.wait(pause);

    assert_eq!(scene.run(), [Call::Close]);
}

#[test]
fn a_member_that_is_asked_to_leave_works_off_what_it_holds_and_commits() {
    let mut scene = Scene::new(|_| ());
    scene.polled(0..2);
    scene.app.leave();

    assert_eq!(scene.run(), [worked(0), worked(1), Call::CommitSync(None), Call::Close]);
    scene.returned(Returned::Closed);
    assert_eq!(scene.run(), [Call::Exit]);
}

#[test]
fn shed_records_are_finished_without_work() {
    let mut scene = Scene::new(|handling| handling.shed_above = Some(2));
    scene.polled(0..5);

    assert_eq!(scene.run(), [worked(3), worked(4), Call::CommitSync(None), Call::Poll]);
    let shed = scene.notes.iter().filter(|it| it.what == WorkEvent::Ended(WorkOutcome::Shed));
    assert_eq!(shed.map(|it| it.offset.0).collect::<Vec<_>>(), [0, 1, 2]);
}

/// What may happen to a member between two calls of its application.
#[derive(Clone, Debug)]
enum Event {
    Polled(u64),
    Passed(u64),
    Committed,
    Failed,
    Rebalanced,
    Lost,
    Crashed,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u64..8).prop_map(Event::Polled),
        4 => (1_u64..60).prop_map(Event::Passed),
        2 => proptest::strategy::Just(Event::Committed),
        1 => proptest::strategy::Just(Event::Failed),
        1 => proptest::strategy::Just(Event::Rebalanced),
        1 => proptest::strategy::Just(Event::Lost),
        1 => proptest::strategy::Just(Event::Crashed),
    ]
}

fn careful() -> impl Strategy<Value = (CommitStyle, Option<Workers>)> {
    let pool = |threads, spread, queue| {
        let commits = WorkerCommits::Contiguous;
        Some(Workers { threads, spread, queue, commits })
    };
    prop_oneof![
        proptest::strategy::Just((CommitStyle::After, None)),
        proptest::strategy::Just((CommitStyle::Each, None)),
        proptest::strategy::Just((CommitStyle::Async(AsyncRetry::Naive), None)),
        proptest::strategy::Just((CommitStyle::Async(AsyncRetry::BySequence), None)),
        proptest::strategy::Just((CommitStyle::After, pool(3, Spread::Anybody, None))),
        proptest::strategy::Just((CommitStyle::After, pool(3, Spread::ByKey, Some(2)))),
        proptest::strategy::Just((CommitStyle::After, pool(2, Spread::Anybody, Some(0)))),
    ]
}

proptest! {
    /// Whatever is polled, crashes or is taken away: no careful style commits past the first
    /// record that is not finished.
    #[test]
    fn careful_commits_never_pass_an_unfinished_record(
        (style, pool) in careful(),
        events in proptest::collection::vec(event(), 1..60),
    ) {
        let mut scene = Scene::new(|handling| {
            (handling.commit, handling.workers) = (style, pool);
            handling.takes = Shape::Uniform(Duration(500), Duration::from_millis(40));
        });
        scene.is_timed = true;
        for event in events {
            scene.suffer(event);
            for call in scene.run() {
                let committed = match &call {
                    Call::CommitSync(None) | Call::CommitAsync(None) => Some(scene.position),
                    Call::CommitSync(Some(it)) | Call::CommitAsync(Some(it)) => {
                        it.get(&P).map(|next| next.0)
                    }
                    _ => None,
                };
                let finished = scene.finished();
                if let Some(next) = committed {
                    scene.committed = next;
                    prop_assert!(
                        (0..next).all(|offset| finished.contains(&offset)),
                        "{next} of {finished:?}",
                    );
                }
            }
        }
    }
}

// -- Helpers --

/// A member's loop and what surrounds it.
struct Scene {
    app: MemberLoop,
    handling: Handling,
    store: Store,
    now: Time,
    notes: Vec<WorkFact>,
    /// Commits of this life that were sent without waiting.
    commits: u32,
    sync_outcome: Result<(), CommitError>,
    /// Whether time passes only when it is told to.
    is_timed: bool,
    is_polling: bool,
    /// The consumer's position, and what was committed last.
    position: u64,
    committed: u64,
    /// What befalls the next copies, the last one first; all others are acknowledged.
    copy_failures: Vec<ErrorCode>,
    /// Whether nothing is heard of copies.
    keeps_copies: bool,
}

impl Scene {
    fn new(change: impl FnOnce(&mut Handling)) -> Scene {
        let mut handling = testing::handling(Duration::from_millis(10));
        change(&mut handling);
        let mut scene = Scene {
            app: MemberLoop::new(ClientId(1), "g-1".into(), 1),
            handling,
            store: Store::new(Sink::Append, "g".into(), 1),
            now: Time::ZERO,
            notes: Vec::new(),
            commits: 0,
            sync_outcome: Ok(()),
            is_timed: false,
            is_polling: false,
            position: 0,
            committed: 0,
            copy_failures: Vec::new(),
            keeps_copies: false,
        };
        assert_eq!(scene.run(), [Call::Poll]);
        scene
    }

    fn returned(&mut self, returned: Returned) {
        self.app.on_returned(returned);
    }

    /// `poll()` returns these offsets.
    fn polled(&mut self, offsets: std::ops::Range<u64>) {
        self.is_polling = false;
        if offsets.is_empty() {
            return self.returned(Returned::Polled(Vec::new()));
        }
        self.position = offsets.end;
        let records = offsets.clone().map(|offset| record(offset as u32)).collect();
        let mut batch = Batch::new(records, None);
        batch.base_offset = Offset(offsets.start);
        let delivery = Delivery {
            partition: P,
            batch: Arc::new(batch),
            from: Offset(offsets.start),
            to: Offset(offsets.end),
            high_watermark: Offset(offsets.end),
        };
        self.returned(Returned::Polled(vec![delivery]));
    }

    fn wait(&mut self, length: Duration) {
        self.now += length;
    }

    fn next(&mut self) -> Call {
        let Scene { app, handling, store, now, notes, .. } = self;
        let rules = Rules::default();
        app.next(&mut Desk { now: *now, handling, store, ordinals: &[], notes, rules })
    }

    /// Lets it go on until it waits for somebody else; lists its calls and, in between, what
    /// the polling thread has done.
    fn run(&mut self) -> Vec<Call> {
        let mut calls = Vec::new();
        for _ in 0..1_000 {
            let before = self.notes.len();
            let call = self.next();
            let done = self.notes[before..].iter();
            let is_done = |it: &&WorkFact| it.what == WorkEvent::Ended(WorkOutcome::Done);
            let is_single = self.handling.workers.is_none() && !self.is_timed;
            calls.extend(done.filter(is_done).filter(|_| is_single).map(|it| worked(it.offset.0)));
            match call {
                Call::Wait(Some(at)) if is_single && at <= self.now + Duration::from_millis(20) => {
                    self.now = self.now.max(at);
                }
                Call::Wait(_) => return calls,
                Call::Poll
                | Call::Close
                | Call::CloseProducer
                | Call::Exit
                | Call::Crash
                | Call::Listened => {
                    self.is_polling |= call == Call::Poll;
                    calls.push(call);
                    return calls;
                }
                call => {
                    self.answer(&call);
                    calls.push(call);
                }
            }
        }
        panic!("it goes round for ever: {calls:?}");
    }

    fn answer(&mut self, call: &Call) {
        match call {
            Call::CommitSync(_) => {
                let outcome = self.sync_outcome;
                self.returned(Returned::Committed(CommitId(u32::MAX), outcome));
            }
            Call::CommitAsync(offsets) => {
                self.app.on_commit_sent(CommitId(self.commits), offsets.clone());
                self.commits += 1;
            }
            Call::Send(copy) => {
                let uid = Uid(1_000);
                self.app.on_copy_sent(uid, copy.clone(), &mut self.notes);
                let completion = match self.copy_failures.pop() {
                    Some(error) => Completion::Error(error),
                    None => Completion::Ok(Some(Offset(0))),
                };
                if !self.keeps_copies {
                    self.returned(Returned::Completed(vec![uid], completion));
                }
            }
            _ => {}
        }
    }

    fn suffer(&mut self, event: Event) {
        match event {
            Event::Polled(count) if self.is_polling => {
                self.polled(self.position..self.position + count);
            }
            Event::Passed(millis) => self.wait(Duration::from_millis(millis)),
            Event::Committed if 0 < self.commits => {
                self.returned(Returned::Committed(CommitId(self.commits - 1), Ok(())));
            }
            Event::Failed if 0 < self.commits => {
                self.returned(Returned::Committed(CommitId(self.commits - 1), RETRIABLE));
            }
            Event::Rebalanced if self.is_polling => {
                self.returned(Returned::Listen(Callback::Revoked, [P].into()));
                self.begin_again();
            }
            Event::Lost if self.is_polling => {
                self.returned(Returned::Listen(Callback::Lost, [P].into()));
                self.begin_again();
            }
            Event::Crashed => {
                self.app.restart();
                self.commits = 0;
                self.position = self.committed;
                self.is_polling = false;
            }
            Event::Polled(_)
            | Event::Committed
            | Event::Failed
            | Event::Rebalanced
            | Event::Lost => {}
        }
    }

    /// The listener runs, and the position is the committed offset.
    fn begin_again(&mut self) {
        let mut listened = false;
        for _ in 0..10 {
            match self.next() {
                Call::CommitSync(offsets) => {
                    let next =
                        offsets.map_or(Some(self.position), |it| it.get(&P).map(|next| next.0));
                    self.committed = next.unwrap_or(self.committed);
                    let finished = self.finished();
                    assert!((0..self.committed).all(|offset| finished.contains(&offset)));
                    self.returned(Returned::Committed(CommitId(u32::MAX), Ok(())));
                }
                Call::Listened => {
                    listened = true;
                    break;
                }
                call => panic!("a listener does not {call:?}"),
            }
        }
        assert!(listened);
        self.position = self.committed;
    }

    fn finished(&self) -> BTreeSet<u64> {
        let done = self.notes.iter().filter(|it| it.what == WorkEvent::Ended(WorkOutcome::Done));
        done.map(|it| it.offset.0).collect()
    }
}

/// Stands for work in the list of calls.
fn worked(offset: u64) -> Call {
    Call::Seek(P, Offset(offset))
}

fn offsets(next: u64) -> Offsets {
    Offsets::from([(P, Offset(next))])
}

fn stuck_at_zero(handling: &mut Handling) {
    handling.poison = Some(Poison::AtOffset(0));
    handling.on_failure = OnFailure::Retry(Duration::from_secs(3_600));
}

fn workers(threads: u16, commits: WorkerCommits) -> Workers {
    Workers { threads, spread: Spread::Anybody, queue: None, commits }
}

fn record(uid: u32) -> Record {
    let timestamp = Timestamp(0);
    Record { uid: Uid(uid), key: Some(key(uid)), value: Some(1), headers: 0, timestamp }
}

/// Gives records three keys in turn.
fn key(uid: u32) -> Key {
    Key::from([b'a' + (uid % 3) as u8])
}

fn item(offset: u64) -> Item {
    let uid = Uid(offset as u32);
    let key = Some(key(uid.0));
    Item { partition: P, offset: Offset(offset), uid, key, value: Some(1), attempts: 0 }
}
