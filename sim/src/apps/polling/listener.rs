//! A member's rebalance listener: it commits and lets go as a careful application does.

use std::collections::VecDeque;

use model::fact::Callback;
use model::ids::TopicPartition;
use model::message::group::Assignment;

use crate::apps::handling::Desk;
use crate::apps::polling::MemberLoop;
use crate::apps::polling::call::Call;
use crate::plan::{CommitStyle, Handling, Sink, WorkerCommits};

/// A call of the rebalance listener.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Listening {
    /// What it still calls; the last one is its return.
    pub(super) calls: VecDeque<Call>,
    pub(super) commit: ListenerCommit,
}

/// Whether a rebalance listener waits for its `commitSync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListenerCommit {
    Nothing,
    Outstanding,
}

impl MemberLoop {
    /// The rebalance listener is called.
    pub(super) fn on_listen(
        &mut self,
        callback: Callback,
        partitions: &Assignment,
        desk: &Desk<'_>,
    ) {
        let handling = desk.handling;
        let mut calls = VecDeque::new();
        match callback {
            Callback::Revoked => {
                calls.extend(self.last_commit_before_revocation(handling));
                self.give_up(partitions, handling);
            }
            Callback::Lost => self.give_up(partitions, handling),
            Callback::Assigned if handling.sink == Sink::WithOffsets => {
                let stored = partitions.iter().map(|tp| (*tp, desk.store.next(*tp)));
                calls.extend(stored.filter_map(|(tp, next)| Some(Call::Seek(tp, next?))));
            }
            Callback::Assigned => {}
        }
        calls.push_back(Call::Listened);
        self.listening = Some(Listening { calls, commit: ListenerCommit::Nothing });
    }

    fn last_commit_before_revocation(&self, handling: &Handling) -> Option<Call> {
        let commits = handling.workers.map(|workers| workers.commits);
        match (handling.commit, commits) {
            (CommitStyle::Before | CommitStyle::Auto | CommitStyle::Never, _)
            | (CommitStyle::After | CommitStyle::Each, None)
            | (_, Some(WorkerCommits::Own | WorkerCommits::Polled)) => None,
            (CommitStyle::Async(_), None) => Some(Call::CommitSync(None)),
            (_, Some(WorkerCommits::Contiguous)) => {
                let offsets = self.progress.contiguous();
                (!offsets.is_empty()).then_some(Call::CommitSync(Some(offsets)))
            }
        }
    }

    /// Drops what it has not begun of partitions that others read from here on. Workers that
    /// commit whatever they have finished are not that careful.
    fn give_up(&mut self, partitions: &[TopicPartition], handling: &Handling) {
        match handling.workers.map(|workers| workers.commits) {
            None | Some(WorkerCommits::Contiguous) => {
                self.crew.drop_waiting(partitions);
                self.held.retain(|item| !partitions.contains(&item.partition));
                self.progress.forget(partitions);
            }
            Some(WorkerCommits::Own | WorkerCommits::Polled) => {}
        }
    }

    /// Goes on in the rebalance listener.
    pub(super) fn listen(&mut self) -> Call {
        let next = match &mut self.listening {
            Some(listening) if listening.commit == ListenerCommit::Nothing => {
                listening.calls.pop_front()
            }
            _ => None,
        };
        let Some(call) = next else { return self.wait() };
        match (&call, &mut self.listening) {
            (Call::Listened, listening) => *listening = None,
            (Call::CommitSync(_), Some(listening)) => {
                listening.commit = ListenerCommit::Outstanding;
            }
            _ => {}
        }
        call
    }
}
