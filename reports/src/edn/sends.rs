//! A producer's window of sends: from the first `send()` until none is under way.

use std::collections::BTreeMap;

use model::fact::SendOutcome;
use model::ids::{Offset, TopicPartition, Uid};
use sim::jepsen::operation::Kind;

use super::keys::Keys;
use super::vector;

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
    partition: Option<TopicPartition>,
    end: End,
}

/// How it ended.
enum End {
    /// Acknowledged, at this offset.
    Ok(Offset),
    /// Refused, for certain.
    Fail(&'static str),
    /// Nobody can tell.
    Info(&'static str),
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
    pub error: Option<&'static str>,
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
        self.sends.push(Send { uid, partition: None, end: End::Info(CRASHED) });
    }

    /// A record has its partition.
    pub fn place(&mut self, uid: Uid, partition: TopicPartition) {
        if let Some(&at) = self.open.get(&uid) {
            self.sends[at].partition = Some(partition);
        }
    }

    /// The sends of one batch have ended. Returns whether none is under way any more.
    pub fn complete(
        &mut self,
        uids: &[Uid],
        partition: Option<TopicPartition>,
        outcome: SendOutcome,
    ) -> bool {
        let mut met = false;
        for (behind, uid) in (0..).zip(uids) {
            let Some(at) = self.open.remove(uid) else { continue };
            let send = &mut self.sends[at];
            met = true;
            send.partition = send.partition.or(partition);
            send.end = match outcome {
                SendOutcome::Acknowledged(Some(base)) => End::Ok(base + behind),
                // Nobody answers under `acks=0`: nothing was promised.
                SendOutcome::Acknowledged(None) => End::Info(UNANSWERED),
                SendOutcome::Failed(why) => End::Fail(why.name()),
                SendOutcome::Unknown(why) => End::Info(why.name()),
            };
        }
        met && self.open.is_empty()
    }

    /// Ends the window: one group of sends for each way to end.
    pub fn close(&mut self, keys: &Keys) -> Vec<Sends> {
        let sends = std::mem::take(self).sends;
        [Kind::Ok, Kind::Info, Kind::Fail]
            .into_iter()
            .filter_map(|it| group(&sends, it, keys))
            .collect()
    }
}

fn group(sends: &[Send], kind: Kind, keys: &Keys) -> Option<Sends> {
    let (mut asked, mut answered, mut error) = (Vec::new(), Vec::new(), None);
    for send in sends.iter().filter(|send| !keys.removed.contains(&send.uid)) {
        // What never got a partition has no key: it left no trace that anybody could find.
        let Some(key) = send.partition.and_then(|it| keys.number(it)) else { continue };
        let bare = format!("[:send {key} {}]", send.uid);
        let (ended, whole, why) = match &send.end {
            End::Ok(offset) => (Kind::Ok, format!("[:send {key} [{offset} {}]]", send.uid), None),
            End::Fail(why) => (Kind::Fail, bare.clone(), Some(*why)),
            End::Info(why) => (Kind::Info, bare.clone(), Some(*why)),
        };
        if ended == kind {
            asked.push(bare);
            answered.push(whole);
            error = error.or(why);
        }
    }
    let (asked, answered) = ((!asked.is_empty()).then(|| vector(asked))?, vector(answered));
    Some(Sends { kind, asked, answered, error })
}
