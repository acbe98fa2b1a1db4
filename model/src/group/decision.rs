//! What a ledger of groups decides: records to write, answers to give, and when.
//!
//! Source: `CoordinatorResult`, `CoordinatorRuntime`, Kafka 4.0.

use std::sync::Arc;

use crate::config::BrokerConfig;
use crate::fact::GroupEvent;
use crate::group::classic::ClassicGroup;
use crate::group::clocks::Clock;
use crate::group::record::{ClassicMetadata, GroupRecord};
use crate::ids::{ConnectionId, Generation, GroupId, InstanceId, MemberId, Offset};
use crate::image::Image;
use crate::message::group::{Assignment, GroupProtocol};
use crate::message::{Correlation, Response};
use crate::time::{Duration, Time};
use crate::turn::Turn;

/// A request that waits for an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Waiter {
    /// Where to answer.
    pub connection: ConnectionId,
    /// To which request.
    pub correlation: Correlation,
}

/// What follows from one event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// What to write, together or not at all.
    pub records: Vec<GroupRecord>,
    /// What changes beside the records: what no log keeps.
    pub change: Option<Change>,
    /// What to answer at once.
    pub answers: Vec<(Waiter, Response)>,
    /// What to do when the records are committed; without records, when all before them are.
    pub then: Option<Then>,
    /// What becomes true of groups, whatever the log says: what no record keeps.
    pub events: Vec<(GroupId, GroupEvent)>,
    /// What becomes true of groups if the log takes the records.
    pub written_events: Vec<(GroupId, GroupEvent)>,
}

/// A change that no record carries.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A classic group is this: with those that wait, and its timers.
    Classic(Box<ClassicGroup>),
    /// A consumer group's member has these timers, if it still is one.
    Clock(GroupId, MemberId, Clock),
    /// A classic group has become a consumer group whose members have these timers; should
    /// the log refuse that, it is what is left of it: nobody waits in it any more.
    Upgrade(Box<ClassicGroup>, Vec<(MemberId, Clock)>),
    /// A member of a classic group has shown that it lives.
    Session(GroupId, MemberId),
}

/// What a write ends with.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// The answer goes out; after a failure one with the error.
    Answer(Waiter, Response),
    /// The leader's assignment is handed to those that wait; after a failure they join again.
    Assign {
        /// The group.
        group: GroupId,
        /// The generation that it is for.
        generation: Generation,
        /// What each member is to read.
        assignments: Arc<[(MemberId, Assignment)]>,
    },
    /// A static member's successor learns that it may go on; after a failure the
    /// predecessor is put back.
    Replace(Box<Replacement>),
}

/// A static member that came back under another id.
#[derive(Clone, Debug, PartialEq)]
pub struct Replacement {
    /// The group.
    pub group: GroupId,
    /// The member's instance.
    pub instance: InstanceId,
    /// The id that it had.
    pub old: MemberId,
    /// The id that it has.
    pub new: MemberId,
    /// Its protocols and timeouts (session, rebalance) before.
    pub before: (Vec<GroupProtocol>, Duration, Duration),
    /// Who asked.
    pub waiter: Waiter,
    /// What it is answered.
    pub response: Response,
}

/// The surroundings of one decision, and the decision as far as it has been made.
#[derive(Debug)]
pub struct Draft<'a, 'b> {
    /// The broker's settings.
    pub config: &'a BrokerConfig,
    /// The cluster as the broker knows it.
    pub image: &'a Image,
    /// How far the group's partition is committed.
    pub high_watermark: Offset,
    /// The turn: clocks, and chance for member ids.
    pub turn: &'a mut Turn<'b>,
    /// What has been decided so far.
    pub decision: Decision,
}

impl<'a, 'b> Draft<'a, 'b> {
    /// Adds an answer that waits until everything written so far is committed.
    pub fn answer_when_committed(&mut self, waiter: Waiter, response: Response) {
        self.decision.then = Some(Then::Answer(waiter, response));
    }

    /// Returns true time.
    pub fn now(&self) -> Time {
        self.turn.now
    }

    /// Adds an answer that waits for nothing.
    pub fn answer(&mut self, waiter: Waiter, response: Response) {
        self.decision.answers.push((waiter, response));
    }

    /// Notes what becomes true of a group, whatever the log says.
    pub fn note(&mut self, group: &GroupId, event: GroupEvent) {
        self.decision.events.push((group.clone(), event));
    }

    /// Notes what becomes true of a group if the log takes the records.
    pub fn note_if_written(&mut self, group: &GroupId, event: GroupEvent) {
        self.decision.written_events.push((group.clone(), event));
    }

    /// Adds a record of a classic group.
    pub fn write_classic(&mut self, group: &GroupId, value: Option<ClassicMetadata>) {
        let (group, value) = (group.clone(), value.map(Arc::new));
        self.decision.records.push(GroupRecord::ClassicGroup { group, value });
    }

    /// Invents a member's id: `prefix`, a hyphen and a UUID of version 4.
    pub fn member_id(&mut self, prefix: &str) -> MemberId {
        MemberId(format!("{prefix}-{}", self.uuid()).into())
    }

    /// Invents a UUID of version 4.
    pub fn uuid(&mut self) -> String {
        let (high, low) = (self.turn.rng.word(), self.turn.rng.word());
        let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0x0fff);
        let (d, e) = (low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff);
        format!("{a:08x}-{b:04x}-4{c:03x}-{d:04x}-{e:012x}")
    }
}
