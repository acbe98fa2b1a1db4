//! The loops around `poll()`: that of a stand-alone consumer, and that of a group's member.
//!
//! A member polls, works on what it got or lets others, commits as its plan says, and polls
//! again. Its rebalance listener and the callbacks of its commits run on the same thread.

pub(crate) mod call;
mod listener;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::fact::{
    CommitError, CommitId, CopyPurpose, GroupError, WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{ClientId, Uid};
use model::message::Remedy;
use model::mutant::Mutant;
use model::time::{Timestamp, earliest};
use model::turn::{Completion, Delivery, Returned};

use crate::apps::handling::{Desk, Fate, Handler, Item, items};
use crate::apps::has_producer;
use crate::apps::polling::call::{Call, Copy};
use crate::apps::polling::listener::{ListenerCommit, Listening};
use crate::apps::workers::{Crew, Offsets, Progress, Stage, Task};
use crate::plan::{AsyncRetry, CommitStyle, Handling, WorkerCommits};

/// Calls `poll()` again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PollLoop {
    /// It handles what it got, or has not begun.
    Handling,
    /// `poll()` has not returned.
    Polling,
    /// `poll()` threw, and nobody caught it.
    Failed,
}

impl PollLoop {
    /// A call of the consumer throws.
    pub(crate) fn on_thrown(&mut self, thrown: Thrown) {
        *self = match thrown {
            // Another thread is told, or whoever sought and swallows it; not this loop.
            Thrown::Group(GroupError::ConcurrentUse | GroupError::IllegalState) => *self,
            Thrown::Group(GroupError::Wakeup) => PollLoop::Handling,
            Thrown::Group(GroupError::Fatal(_)) | Thrown::Position => PollLoop::Failed,
        };
    }
}

/// The application of a group's member, in one life of its process.
#[derive(Clone, Debug)]
pub(crate) struct MemberLoop {
    handler: Handler,
    doing: Doing,
    listening: Option<Listening>,
    ending: Ending,
    /// What was returned and not yet looked at.
    inbox: VecDeque<Returned>,
    /// What its consumer threw last, until the application catches it.
    threw: Option<Thrown>,
    /// What `poll()` returned and nobody works on.
    held: VecDeque<Item>,
    round: Round,
    crew: Crew,
    progress: Progress,
    /// Commits to be made, in order.
    due: VecDeque<Call>,
    /// `commitAsync` calls without an outcome.
    unsure: BTreeMap<CommitId, Option<Offsets>>,
    last_commit: Option<CommitId>,
    /// Copies to be sent.
    outbox: VecDeque<Copy>,
    /// Copies sent and not acknowledged.
    copies: BTreeMap<Uid, Copy>,
    /// Copies for which partitions took turns.
    turns: u32,
    /// A time to which somebody wants it to seek.
    seek_time: Option<Timestamp>,
}

/// What the thread that polls does.
#[derive(Clone, Debug, PartialEq)]
enum Doing {
    /// It goes on with whatever is next.
    Going,
    Polling,
    Working(Task),
    Committing,
    AskingTimes,
    ClosingProducer,
    Closing,
    Ended,
}

/// Whether what `poll()` returned last waits for its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Open,
    Over,
}

/// Whether the loop is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    No,
    /// After what it holds: somebody has asked it to leave.
    Asked,
    /// At once: an exception has left it.
    Thrown,
}

/// What a consumer threw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thrown {
    Group(GroupError),
    /// About a partition.
    Position,
}

impl MemberLoop {
    /// Draws what comes from another seed's streams.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.handler.reseed(seed);
    }

    pub(crate) fn new(client: ClientId, name: Arc<str>, seed: u64) -> MemberLoop {
        MemberLoop::begin(Handler::new(client, name, seed))
    }

    fn begin(handler: Handler) -> MemberLoop {
        MemberLoop {
            handler,
            doing: Doing::Going,
            listening: None,
            ending: Ending::No,
            inbox: VecDeque::new(),
            threw: None,
            held: VecDeque::new(),
            round: Round::Over,
            crew: Crew::default(),
            progress: Progress::default(),
            due: VecDeque::new(),
            unsure: BTreeMap::new(),
            last_commit: None,
            outbox: VecDeque::new(),
            copies: BTreeMap::new(),
            turns: 0,
            seek_time: None,
        }
    }

    /// Begins again in a new process, which remembers nothing.
    pub(crate) fn restart(&mut self) {
        *self = MemberLoop::begin(self.handler.clone());
    }

    /// Takes in what a client returned; looked at when the application goes on.
    pub(crate) fn on_returned(&mut self, returned: Returned) {
        self.inbox.push_back(returned);
    }

    /// The consumer throws: `Returned::Threw` follows.
    pub(crate) fn on_thrown(&mut self, thrown: Thrown) {
        self.threw = Some(thrown);
    }

    /// Asks it to end: it finishes what it holds, commits and closes.
    pub(crate) fn leave(&mut self) {
        if self.ending == Ending::No {
            self.ending = Ending::Asked;
        }
    }

    /// Asks it to move to where records of this time begin.
    pub(crate) fn seek_to_time(&mut self, time: Timestamp) {
        self.seek_time = Some(time);
    }

    /// A `commitAsync` was called.
    pub(crate) fn on_commit_sent(&mut self, commit: CommitId, offsets: Option<Offsets>) {
        self.unsure.insert(commit, offsets);
        self.last_commit = Some(commit);
    }

    /// A copy was sent as this record.
    pub(crate) fn on_copy_sent(&mut self, uid: Uid, copy: Copy, notes: &mut Vec<WorkFact>) {
        let what = WorkEvent::CopySent { copy: uid, purpose: copy.purpose };
        self.handler.note(&copy.item, what, notes);
        self.copies.insert(uid, copy);
    }

    /// Counts copies, for those that take turns.
    pub(crate) fn next_turn(&mut self) -> u32 {
        self.turns = self.turns.wrapping_add(1);
        self.turns - 1
    }

    /// Decides what it calls next.
    pub(crate) fn next(&mut self, desk: &mut Desk<'_>) -> Call {
        while let Some(returned) = self.inbox.pop_front() {
            if let Some(call) = self.take_in(returned, desk) {
                return call;
            }
        }
        if self.run_crew(desk) == Fate::Crash {
            return Call::Crash;
        }
        if let Some(copy) = self.outbox.pop_front() {
            return Call::Send(copy);
        }
        if self.listening.is_some() {
            return self.listen();
        }
        loop {
            match std::mem::replace(&mut self.doing, Doing::Going) {
                Doing::Going => {
                    if let Some(call) = self.go_on(desk) {
                        return call;
                    }
                }
                Doing::Working(task) if task.until <= desk.now => {
                    if let Some(call) = self.end_task(task, desk) {
                        return call;
                    }
                }
                busy => {
                    self.doing = busy;
                    return self.wait();
                }
            }
        }
    }

    fn wait(&self) -> Call {
        let own = match &self.doing {
            Doing::Working(task) => Some(task.until),
            _ => None,
        };
        Call::Wait(earliest([own, self.crew.next_at()]))
    }

    // -- What was returned --

    fn take_in(&mut self, returned: Returned, desk: &mut Desk<'_>) -> Option<Call> {
        match returned {
            Returned::Polled(deliveries) => self.on_polled(&deliveries, desk),
            Returned::Threw => self.on_threw(),
            Returned::Listen(callback, partitions) => self.on_listen(callback, &partitions, desk),
            Returned::Committed(commit, outcome) => self.on_committed(commit, outcome, desk),
            Returned::Times(times) => {
                self.doing = Doing::Going;
                let known = times.into_iter().filter_map(|(tp, offset)| Some((tp, offset?)));
                self.due.extend(known.map(|(partition, offset)| Call::Seek(partition, offset)));
            }
            Returned::Completed(uids, completion) => {
                for uid in uids {
                    if let Some(copy) = self.copies.remove(&uid)
                        && self.on_copy_decided(copy, completion, desk) == Fate::Crash
                    {
                        return Some(Call::Crash);
                    }
                }
            }
            Returned::Closed => match self.doing {
                Doing::ClosingProducer => {
                    self.doing = Doing::Closing;
                    return Some(Call::Close);
                }
                _ => {
                    self.doing = Doing::Ended;
                    return Some(Call::Exit);
                }
            },
            Returned::Unblocked(_) | Returned::Flushed => {}
        }
        None
    }

    fn on_polled(&mut self, deliveries: &[Delivery], desk: &mut Desk<'_>) {
        self.doing = Doing::Going;
        for delivery in deliveries {
            let above = desk.handling.shed_above;
            for item in items(delivery) {
                self.progress.on_polled(&item);
                let lag = delivery.high_watermark.0.saturating_sub(item.offset.0);
                if above.is_some_and(|above| above < lag) {
                    self.handler.note(&item, WorkEvent::Ended(WorkOutcome::Shed), desk.notes);
                    self.progress.on_finished(&item);
                } else {
                    self.held.push_back(item);
                }
            }
        }
        // Workers may have finished something since the last commit.
        if !deliveries.is_empty() || desk.handling.workers.is_some() {
            self.round = Round::Open;
        }
        if deliveries.is_empty() {
            return;
        }
        // Mutant: what was polled counts as processed.
        let early = desk.rules.has(Mutant::PolledIsProcessed);
        if early || desk.handling.commit == CommitStyle::Before {
            self.due.push_back(Call::CommitSync(None));
        }
    }

    fn on_threw(&mut self) {
        match self.threw.take() {
            // Another thread was told, not this one.
            Some(Thrown::Group(GroupError::ConcurrentUse)) => {}
            Some(Thrown::Group(GroupError::Wakeup)) => match &mut self.listening {
                Some(listening) => listening.commit = ListenerCommit::Nothing,
                None => self.doing = Doing::Going,
            },
            Some(Thrown::Group(GroupError::Fatal(_) | GroupError::IllegalState))
            | Some(Thrown::Position)
            | None => {
                self.doing = Doing::Going;
                self.throw();
            }
        }
    }

    /// An exception leaves the loop.
    fn throw(&mut self) {
        self.ending = Ending::Thrown;
        self.held.clear();
        self.crew.clear();
        self.outbox.clear();
        self.due.clear();
        self.round = Round::Over;
    }

    fn on_committed(
        &mut self,
        commit: CommitId,
        outcome: Result<(), CommitError>,
        desk: &Desk<'_>,
    ) {
        let Some(offsets) = self.unsure.remove(&commit) else {
            return self.on_committed_sync();
        };
        let retry = match desk.handling.commit {
            CommitStyle::Async(retry) => retry,
            _ => AsyncRetry::Never,
        };
        let is_last = self.last_commit == Some(commit);
        match (outcome, retry) {
            (Err(CommitError::Retriable(_)), AsyncRetry::Naive) => {
                self.due.push_back(Call::CommitAsync(offsets));
            }
            (Err(CommitError::Retriable(_)), AsyncRetry::BySequence) if is_last => {
                self.due.push_back(Call::CommitAsync(offsets));
            }
            _ => {}
        }
    }

    /// `commitSync` has returned, or has thrown: either way the loop goes on to `poll()`,
    /// where a member that was expelled joins again.
    fn on_committed_sync(&mut self) {
        match &mut self.listening {
            Some(listening) => listening.commit = ListenerCommit::Nothing,
            None if self.doing == Doing::Committing => self.doing = Doing::Going,
            None => {}
        }
    }

    fn on_copy_decided(&mut self, copy: Copy, completion: Completion, desk: &mut Desk<'_>) -> Fate {
        match completion {
            Completion::Ok(_) => {
                let outcome = match copy.purpose {
                    CopyPurpose::Output => WorkOutcome::HandedOn,
                    CopyPurpose::DeadLetter => WorkOutcome::Parked,
                };
                self.handler.note(&copy.item, WorkEvent::Ended(outcome), desk.notes);
                self.finish(&copy.item, desk);
                Fate::Finished
            }
            // A thread that sends through a closed producer dies of the exception.
            Completion::Error(_) if self.is_closing() => {
                let failed = WorkEvent::Ended(WorkOutcome::Failed);
                self.handler.note(&copy.item, failed, desk.notes);
                Fate::Stop
            }
            // No attempt can bring it out: the exception leaves the loop.
            Completion::Error(error)
                if copy.purpose == CopyPurpose::DeadLetter && error.remedy() == Remedy::GiveUp =>
            {
                let failed = WorkEvent::Ended(WorkOutcome::Failed);
                self.handler.note(&copy.item, failed, desk.notes);
                self.settle(copy.item, Fate::Stop, desk)
            }
            Completion::Error(_) => {
                let fate = self.handler.fail(&copy.item, desk);
                if let Fate::Again(_) = fate {
                    let attempts = copy.item.attempts + 1;
                    self.held.push_front(Item { attempts, ..copy.item });
                    return fate;
                }
                self.settle(copy.item, fate, desk)
            }
        }
    }

    /// Says whether its producer takes nothing any more.
    fn is_closing(&self) -> bool {
        matches!(self.doing, Doing::ClosingProducer | Doing::Closing | Doing::Ended)
    }

    // -- Work --

    /// Draws the consequences of an attempt that is not repeated.
    fn settle(&mut self, item: Item, fate: Fate, desk: &Desk<'_>) -> Fate {
        match fate {
            Fate::Finished => self.finish(&item, desk),
            Fate::Copy(purpose) => self.outbox.push_back(Copy { item, purpose }),
            Fate::Stop => self.throw(),
            Fate::Again(_) | Fate::Crash => {}
        }
        fate
    }

    fn finish(&mut self, item: &Item, desk: &Desk<'_>) {
        self.progress.on_finished(item);
        if desk.handling.commit == CommitStyle::Each && desk.handling.workers.is_none() {
            let offsets = Offsets::from([(item.partition, item.offset + 1)]);
            self.due.push_back(Call::CommitSync(Some(offsets)));
        }
    }

    /// Ends what workers have done and gives them more.
    fn run_crew(&mut self, desk: &mut Desk<'_>) -> Fate {
        let Some(workers) = desk.handling.workers else { return Fate::Finished };
        self.crew.staff(&workers);
        while let Some((thread, task)) = self.crew.take_due(desk.now) {
            if let Some(task) = self.continue_task(task, thread as u16 + 1, desk) {
                match task {
                    Ok(task) => self.crew.occupy(thread, task),
                    Err(Fate::Crash) => return Fate::Crash,
                    Err(_) => {}
                }
            }
        }
        for repeat in self.crew.start(&workers, &mut self.handler, desk) {
            self.finish(&repeat, desk);
        }
        Fate::Finished
    }

    /// Goes on with a task whose time is over: `Ok` is what its thread does next.
    fn continue_task(
        &mut self,
        task: Task,
        thread: u16,
        desk: &mut Desk<'_>,
    ) -> Option<Result<Task, Fate>> {
        let Task { mut item, stage, .. } = task;
        match stage {
            Stage::Attempt => {
                let fate = self.handler.end(&item, desk);
                if let Fate::Again(pause) = fate {
                    item.attempts += 1;
                    let until = desk.now + pause;
                    return Some(Ok(Task { item, until, stage: Stage::Pause }));
                }
                Some(Err(self.settle(item, fate, desk)))
            }
            Stage::Pause => match self.handler.begin(&item, thread, desk) {
                Some(until) => Some(Ok(Task { item, until, stage: Stage::Attempt })),
                None => {
                    self.finish(&item, desk);
                    None
                }
            },
        }
    }

    /// Goes on with what the polling thread itself works on.
    fn end_task(&mut self, task: Task, desk: &mut Desk<'_>) -> Option<Call> {
        // Whoever would try again for ever gives up when asked to end.
        if task.stage == Stage::Pause && self.ending != Ending::No {
            self.throw();
            return None;
        }
        match self.continue_task(task, 0, desk) {
            Some(Ok(task)) => self.doing = Doing::Working(task),
            Some(Err(Fate::Crash)) => return Some(Call::Crash),
            Some(Err(_)) | None => {}
        }
        None
    }

    /// Decides what the polling thread does next, if it calls something or waits.
    fn go_on(&mut self, desk: &mut Desk<'_>) -> Option<Call> {
        if let Some(copy) = self.outbox.pop_front() {
            return Some(Call::Send(copy));
        }
        if self.waits_for_copies(desk.handling) {
            return Some(self.wait());
        }
        if let Some(call) = self.due.pop_front() {
            if let Call::CommitSync(_) = call {
                self.doing = Doing::Committing;
            }
            return Some(call);
        }
        if let Some(item) = self.held.pop_front() {
            self.take_up(item, desk);
            return None;
        }
        if self.round == Round::Open {
            self.round = Round::Over;
            self.end_round(desk.handling);
            if !self.due.is_empty() {
                return None;
            }
        }
        if self.ending != Ending::No {
            return Some(self.close(desk.handling));
        }
        if let Some(time) = self.seek_time.take() {
            self.doing = Doing::AskingTimes;
            return Some(Call::OffsetsForTimes(time));
        }
        self.doing = Doing::Polling;
        Some(Call::Poll)
    }

    /// Says whether the polling thread goes on only when what it has sent is acknowledged.
    fn waits_for_copies(&self, handling: &Handling) -> bool {
        if handling.workers.is_some() || self.copies.is_empty() {
            return false;
        }
        let is_parked = |copy: &Copy| copy.purpose == CopyPurpose::DeadLetter;
        self.held.is_empty()
            || handling.commit == CommitStyle::Each
            || self.copies.values().any(is_parked)
    }

    /// Begins to work on a record, or leaves it to the workers.
    fn take_up(&mut self, item: Item, desk: &mut Desk<'_>) {
        if let Some(workers) = desk.handling.workers
            && self.crew.has_room(&workers)
        {
            self.crew.queue(item);
            for repeat in self.crew.start(&workers, &mut self.handler, desk) {
                self.finish(&repeat, desk);
            }
            return;
        }
        match self.handler.begin(&item, 0, desk) {
            Some(until) => {
                self.doing = Doing::Working(Task { item, until, stage: Stage::Attempt });
            }
            None => self.finish(&item, desk),
        }
    }

    /// Commits at the end of a round of the loop, if that is the style.
    fn end_round(&mut self, handling: &Handling) {
        let commits = handling.workers.map(|workers| workers.commits);
        let call = match (handling.commit, commits) {
            (CommitStyle::Before | CommitStyle::Auto | CommitStyle::Never, _)
            | (CommitStyle::Each, None) => return,
            (CommitStyle::After, None) => Call::CommitSync(None),
            (CommitStyle::Async(_), None) | (_, Some(WorkerCommits::Contiguous)) => {
                Call::CommitAsync(Some(self.progress.take_contiguous()))
            }
            (_, Some(WorkerCommits::Own)) => Call::CommitAsync(Some(self.progress.take_own())),
            (_, Some(WorkerCommits::Polled)) => Call::CommitAsync(None),
        };
        match call {
            Call::CommitAsync(Some(offsets)) if offsets.is_empty() => {}
            call => self.due.push_back(call),
        }
    }

    fn close(&mut self, handling: &Handling) -> Call {
        if has_producer(handling) {
            self.doing = Doing::ClosingProducer;
            return Call::CloseProducer;
        }
        self.doing = Doing::Closing;
        Call::Close
    }
}

#[cfg(test)]
mod tests;
