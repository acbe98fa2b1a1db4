//! What a group did in one partition: how far it is, how it got there.

use model::fact::{CommitKind, ResetCause};
use model::ids::{ClientId, Offset};

use crate::checkers::case::Place;
use crate::plan::CommitStyle;

/// What a group did in one partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Share {
    /// Whether the group is to read it.
    pub(crate) is_read: bool,
    /// The largest high watermark that its leaders told of.
    pub(crate) end: Offset,
    /// Below, records are none of the group's concern: they were gone before it began, or an
    /// operator deleted them.
    pub(crate) floor: Offset,
    /// Where the log starts.
    pub(crate) log_start: Offset,
    /// The committed offset.
    pub(crate) committed: Option<Offset>,
    /// Every commit, in order.
    pub(crate) commits: Vec<Commit>,
    /// Every reset, in order.
    pub(crate) resets: Vec<Reset>,
    /// Which offsets need nothing more to be done.
    settled: Vec<bool>,
    /// Every settled offset lies below.
    pub(crate) handled: Offset,
    /// Commits were compared with what was settled up to here.
    checked: Offset,
    /// How each client came by its position, newest last.
    origins: Vec<Origin>,
}

/// One accepted commit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Commit {
    /// When it was accepted.
    pub(crate) place: Place,
    /// The next record to read.
    pub(crate) offset: Offset,
    /// Who committed, on what occasion; `None` is an operator.
    pub(crate) by: Option<(ClientId, CommitKind)>,
}

/// One position that moved other than by reading on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reset {
    /// When.
    pub(crate) place: Place,
    /// Whose.
    pub(crate) client: ClientId,
    /// Where it was, or would have been.
    pub(crate) from: Offset,
    /// Where it is.
    pub(crate) to: Offset,
    /// Why.
    pub(crate) cause: ResetCause,
    /// Whether a step asked for it.
    pub(crate) by_step: bool,
}

/// How a client came by its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Origin {
    /// Whose position.
    pub(crate) client: ClientId,
    /// When it began there.
    pub(crate) place: Place,
    /// By what.
    pub(crate) kind: OriginKind,
}

/// By what a position began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum OriginKind {
    /// The committed offset, and whether it had moved back by somebody's doing.
    Committed(MovedBack),
    /// A reset.
    Reset(ResetCause),
    /// A step.
    Operator,
}

/// Whether the committed offset had moved back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MovedBack {
    /// It had not.
    No,
    /// A member's commit did it, or it was lost.
    ByCommit,
    /// An operator did it.
    ByOperator,
}

impl Share {
    /// Returns up to where the group has got: what it committed, or what it has handled if it
    /// never commits to Kafka.
    fn progress(&self, commits: CommitStyle) -> Offset {
        let own = match commits {
            CommitStyle::Never => self.handled,
            CommitStyle::Before
            | CommitStyle::After
            | CommitStyle::Each
            | CommitStyle::Auto
            | CommitStyle::Async(_) => self.committed.unwrap_or(self.floor),
        };
        own.max(self.floor)
    }

    /// Returns the records that the group has before it.
    pub(crate) fn lag(&self, commits: CommitStyle) -> u64 {
        match self.is_read {
            true => self.end.0.saturating_sub(self.progress(commits).0),
            false => 0,
        }
    }

    /// Returns how a client came by its position last.
    pub(crate) fn origin(&self, client: ClientId) -> Option<Origin> {
        self.origins.iter().rev().find(|it| it.client == client).copied()
    }

    /// Says whether a commit of `offset` passes over a record that needs something to be done,
    /// and that no earlier commit had passed over.
    pub(crate) fn passes_over(&mut self, offset: Offset) -> bool {
        let from = self.checked.max(self.floor);
        self.checked = self.checked.max(offset);
        (from.0..offset.0.min(self.end.0)).any(|it| !self.is_settled(it))
    }

    /// Says whether a record needs nothing more to be done.
    pub(crate) fn is_settled(&self, offset: u64) -> bool {
        self.settled.get(offset as usize).copied().unwrap_or(false)
    }

    /// Takes down that a record needs nothing more to be done.
    pub(crate) fn settle(&mut self, offset: Offset) {
        let at = offset.0 as usize;
        if self.settled.len() <= at {
            self.settled.resize(at + 1, false);
        }
        self.settled[at] = true;
        self.handled = self.handled.max(offset + 1);
    }

    /// A client has come by its position.
    pub(crate) fn begin(&mut self, origin: Origin) {
        self.origins.push(origin);
    }

    /// Says whether `offset` lies below one that was committed before, and by whose doing.
    pub(crate) fn moved_back(&self, offset: Offset) -> MovedBack {
        let beyond = self.commits.iter().rposition(|it| offset < it.offset);
        let Some(beyond) = beyond else { return MovedBack::No };
        let after = &self.commits[beyond + 1..];
        match after.iter().find(|it| it.offset <= offset) {
            Some(Commit { by: None, .. }) => MovedBack::ByOperator,
            Some(_) | None => MovedBack::ByCommit,
        }
    }
}
