//! A producer's window of sends: from the first `send()` until none is under way.

use std::collections::BTreeMap;

use model::ids::Uid;
use sim::jepsen::operation::Kind;

use super::keys::Keys;
use super::vector;
use crate::trace::{FactKind, Trace, TraceFact};

/// Sends that overlap, in the order of `send()`.
#[derive(Default)]
pub(super) struct Window {
    /// When the first one was called: the place of the fact, and its time.
    pub begun: (usize, u64),
    sends: Vec<Send>,
    /// The places in `sends` of those under way.
    open: BTreeMap<Uid, usize>,
}

/// One `send()`.
struct Send {
    uid: Uid,
    partition: Option<usize>,
    end: End,
}

/// How it ended.
enum End {
    /// Acknowledged, at this offset.
    Ok(i64),
    /// Refused, for certain.
    Fail(String),
    /// Nobody can tell.
    Info(String),
}

/// Sends that ended in the same way.
pub(super) struct Sends {
    /// How they ended.
    pub kind: Kind,
    /// Their steps as they begin, in EDN.
    pub asked: String,
    /// Their steps as they end, in EDN.
    pub answered: String,
    /// The error of the first one.
    pub error: Option<String>,
}

/// What Jepsen calls an operation whose client died, or that never ended.
const CRASHED: &str = "CRASHED";
/// What it calls a send that nobody answers.
const UNANSWERED: &str = "UNANSWERED";

impl Window {
    /// A record is handed to `send()`.
    pub fn send(&mut self, uid: Uid, now: (usize, u64)) {
        if self.sends.is_empty() {
            self.begun = now;
        }
        self.open.insert(uid, self.sends.len());
        self.sends.push(Send { uid, partition: None, end: End::Info(CRASHED.to_owned()) });
    }

    /// A record has its partition.
    pub fn place(&mut self, uid: Uid, partition: Option<usize>) {
        if let Some(&at) = self.open.get(&uid) {
            self.sends[at].partition = partition;
        }
    }

    /// The sends of a run of records have ended. Returns whether none is under way any more.
    pub fn complete(&mut self, trace: &Trace, fact: &TraceFact) -> bool {
        let mut met = false;
        for behind in 0..fact.other {
            let uid = u32::try_from(fact.value + behind).ok().map(Uid);
            let Some(at) = uid.and_then(|uid| self.open.remove(&uid)) else { continue };
            let send = &mut self.sends[at];
            met = true;
            send.partition = send.partition.or(fact.place());
            let error = || trace.error_name(fact.more).to_owned();
            send.end = match fact.kind {
                FactKind::Ack => End::Ok(fact.more + behind),
                // Nobody answers under `acks=0`: nothing was promised.
                FactKind::Untold => End::Info(UNANSWERED.to_owned()),
                FactKind::Fail => End::Fail(error()),
                _ => End::Info(error()),
            };
        }
        met && self.open.is_empty()
    }

    /// Ends the window: one group of sends for each way to end.
    pub fn close(&mut self, keys: &Keys<'_>) -> Vec<Sends> {
        let sends = std::mem::take(self).sends;
        [Kind::Ok, Kind::Info, Kind::Fail]
            .into_iter()
            .filter_map(|it| group(&sends, it, keys))
            .collect()
    }
}

fn group(sends: &[Send], kind: Kind, keys: &Keys<'_>) -> Option<Sends> {
    let (mut asked, mut answered, mut error) = (Vec::new(), Vec::new(), None);
    for send in sends.iter().filter(|send| !keys.removed.contains(&send.uid)) {
        // What never got a partition has no key: it left no trace that anybody could find.
        let Some(key) = send.partition else { continue };
        let bare = format!("[:send {key} {}]", send.uid);
        let (ended, whole, why) = match &send.end {
            End::Ok(offset) => (Kind::Ok, format!("[:send {key} [{offset} {}]]", send.uid), None),
            End::Fail(why) => (Kind::Fail, bare.clone(), Some(why)),
            End::Info(why) => (Kind::Info, bare.clone(), Some(why)),
        };
        if ended == kind {
            asked.push(bare);
            answered.push(whole);
            error = error.or_else(|| why.cloned());
        }
    }
    let (asked, answered) = ((!asked.is_empty()).then(|| vector(asked))?, vector(answered));
    Some(Sends { kind, asked, answered, error })
}
