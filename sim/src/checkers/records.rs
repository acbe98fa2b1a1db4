//! What producers were told about each record.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;

use model::fact::{AppendRole, Fact, SendOutcome};
use model::ids::{ClientId, NodeId, Offset, TopicPartition, Uid};
use model::log::batch::Batch;
use model::message::data::Acks;

use crate::checkers::case::Place;
use crate::history::Fault;
use crate::plan::{ClientPlan, ClientRole, OnFailure, Plan};

/// Every `send()` call, by uid, and the producers that made them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Records {
    /// By uid.
    sends: Vec<Send>,
    /// What producers were told, batch by batch.
    answers: Vec<(SendOutcome, Place)>,
    /// The calls by which applications sent lines again: by the call before.
    again: BTreeMap<Uid, Uid>,
    /// The same: the call that first carried the line.
    first: BTreeMap<Uid, Uid>,
    /// By client id.
    clients: Vec<Client>,
}

/// One `send()` call: small, because there are many of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Send {
    /// Who called.
    pub(crate) client: ClientId,
    /// In which life of its process.
    pub(crate) session: u32,
    /// When.
    pub(crate) called: Place,
    /// Its partition, once it has one.
    pub(crate) partition: Option<TopicPartition>,
    /// How far it got.
    pub(crate) progress: Progress,
    /// What its caller was told: an ordinal of the answers, counted from 1.
    told: Option<NonZeroU32>,
    /// The offset after that where it was acknowledged, or else where a leader last put it.
    end: Option<NonZeroU64>,
}

impl Send {
    /// Returns where it was acknowledged, or else where a leader last put it.
    pub(crate) fn offset(&self) -> Option<Offset> {
        self.end.map(|end| Offset(end.get() - 1))
    }
}

/// How far a record got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Progress {
    /// It is in the producer's process.
    InProcess,
    /// Its batch was sent, and the outcome is open.
    InFlight,
    /// Its batch was sent, and an attempt has ended.
    Attempted,
}

/// What a record's producer may conclude at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Knowledge {
    /// It was promised that the record is in the log.
    Promised,
    /// It was told that all is well, but under `acks=0` that promises nothing.
    Assumed,
    /// It was told that the record is in no log.
    Refused,
    /// It was told that nobody knows.
    Unknown,
    /// It was told nothing, and its process has ended.
    Abandoned,
    /// It was told nothing so far.
    Open,
}

/// One client process.
#[derive(Clone, Debug, PartialEq)]
struct Client {
    /// What it waits for, if it is a producer.
    acks: Option<Acks>,
    /// Which life it is in, from 0.
    session: u32,
    /// Whether the process runs.
    life: Life,
}

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Ended,
}

/// Returns how many `send()` calls to have room for from the start: large tables that grow are
/// copied again and again.
pub(crate) fn expected(plan: &Plan) -> usize {
    const MOST: usize = 1 << 20;
    let records = |client: &ClientPlan| match &client.role {
        ClientRole::Producer(producer) => producer.records as usize,
        ClientRole::Consumer(_) | ClientRole::Member(_) => 0,
    };
    plan.clients.iter().map(records).sum::<usize>().min(MOST)
}

impl Records {
    /// Makes an empty table for the clients of this plan.
    pub(crate) fn new(plan: &Plan) -> Records {
        let acks = |client: &ClientPlan| match &client.role {
            ClientRole::Producer(producer) => Some(producer.config.acks),
            ClientRole::Consumer(_) => None,
            ClientRole::Member(member) => {
                let handling = &plan.groups[usize::from(member.group.0)].handling;
                match (&handling.output, handling.on_failure) {
                    (Some(output), _) => Some(output.config.acks),
                    (None, OnFailure::DeadLetter { .. }) => Some(Acks::All),
                    (None, _) => None,
                }
            }
        };
        let client = |client| Client { acks: acks(client), session: 0, life: Life::Running };
        let sends = Vec::with_capacity(expected(plan));
        let (answers, again, first) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let clients = plan.clients.iter().map(client).collect();
        Records { sends, answers, again, first, clients }
    }

    /// Returns every `send()` call with its uid.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Uid, &Send)> {
        (0..).map(Uid).zip(&self.sends)
    }

    /// Returns one `send()` call, or `None` if nobody made it.
    pub(crate) fn get(&self, uid: Uid) -> Option<&Send> {
        self.sends.get(uid.0 as usize)
    }

    /// Returns the call by which the application sent the same line again.
    pub(crate) fn next_of(&self, uid: Uid) -> Option<Uid> {
        self.again.get(&uid).copied()
    }

    /// Returns the call that first carried what this one does: itself, unless the application
    /// sent a line again.
    pub(crate) fn first_of(&self, uid: Uid) -> Uid {
        self.first.get(&uid).copied().unwrap_or(uid)
    }

    /// Returns what the caller was told, and when.
    pub(crate) fn told(&self, send: &Send) -> Option<(SendOutcome, Place)> {
        send.told.map(|answer| self.answers[answer.get() as usize - 1])
    }

    /// Says whether a client is a producer.
    pub(crate) fn is_producer(&self, client: ClientId) -> bool {
        self.acks(client).is_some()
    }

    /// Returns what a client waits for, if it is a producer.
    pub(crate) fn acks(&self, client: ClientId) -> Option<Acks> {
        self.clients.get(usize::from(client.0))?.acks
    }

    /// Returns what the producer of `send` may conclude.
    pub(crate) fn knowledge(&self, send: &Send) -> Knowledge {
        match self.told(send) {
            Some((SendOutcome::Acknowledged(_), _)) => match self.acks(send.client) {
                Some(Acks::Leader | Acks::All) => Knowledge::Promised,
                Some(Acks::None) | None => Knowledge::Assumed,
            },
            Some((SendOutcome::Failed(_), _)) => Knowledge::Refused,
            Some((SendOutcome::Unknown(_), _)) => Knowledge::Unknown,
            None if self.has_ended(send) => Knowledge::Abandoned,
            None => Knowledge::Open,
        }
    }

    /// Takes in that `send()` was called.
    pub(crate) fn on_send(&mut self, client: ClientId, uid: Uid, place: Place) {
        assert_eq!(uid.0 as usize, self.sends.len(), "uids are dense");
        let session = self.clients.get(usize::from(client.0)).map_or(0, |it| it.session);
        self.sends.push(Send {
            client,
            session,
            called: place,
            partition: None,
            progress: Progress::InProcess,
            told: None,
            end: None,
        });
    }

    /// Takes in that a record got its partition.
    pub(crate) fn on_buffered(&mut self, uid: Uid, partition: TopicPartition) {
        if let Some(send) = self.get_mut(uid) {
            send.partition = Some(partition);
        }
    }

    /// Takes in what became true at a node.
    pub(crate) fn on_fact(&mut self, fact: &Fact, place: Place) {
        match fact {
            Fact::SendCalled { client, record, .. } => self.on_send(*client, record.uid, place),
            Fact::Buffered { uid, partition, .. } => self.on_buffered(*uid, *partition),
            Fact::SentAgain { uid, first, .. } => self.repeat(*uid, *first),
            Fact::BatchSent { batch, .. } => self.advance(batch, Progress::InFlight),
            Fact::BatchRetried { batch, .. } => self.advance(batch, Progress::Attempted),
            Fact::Appended { batch, role: AppendRole::Leader, .. } => self.locate(batch),
            Fact::Completed { uids, outcome, .. } => self.complete(uids, *outcome, place),
            _ => {}
        }
    }

    /// Takes in what the world did.
    pub(crate) fn on_fault(&mut self, fault: &Fault) {
        match fault {
            Fault::Started { node: NodeId::Client(client), incarnation } => {
                if let Some(client) = self.clients.get_mut(usize::from(client.0)) {
                    client.session = incarnation.saturating_sub(1);
                    client.life = Life::Running;
                }
            }
            Fault::Crashed(NodeId::Client(client))
            | Fault::PowerLost(NodeId::Client(client))
            | Fault::Exited(NodeId::Client(client)) => {
                if let Some(client) = self.clients.get_mut(usize::from(client.0)) {
                    client.life = Life::Ended;
                }
            }
            _ => {}
        }
    }

    fn has_ended(&self, send: &Send) -> bool {
        let Some(client) = self.clients.get(usize::from(send.client.0)) else { return true };
        client.session != send.session || client.life == Life::Ended
    }

    fn get_mut(&mut self, uid: Uid) -> Option<&mut Send> {
        self.sends.get_mut(uid.0 as usize)
    }

    fn repeat(&mut self, uid: Uid, first: Uid) {
        let mut last = first;
        while let Some(again) = self.next_of(last) {
            last = again;
        }
        self.again.insert(last, uid);
        self.first.insert(uid, first);
    }

    fn advance(&mut self, batch: &Arc<Batch>, progress: Progress) {
        for record in batch.records.list() {
            if let Some(send) = self.get_mut(record.uid) {
                send.progress = progress;
            }
        }
    }

    fn locate(&mut self, batch: &Arc<Batch>) {
        for (offset, record) in batch.records_from(batch.base_offset) {
            let told = self.get(record.uid).and_then(|send| self.told(send));
            if !matches!(told, Some((SendOutcome::Acknowledged(Some(_)), _)))
                && let Some(send) = self.get_mut(record.uid)
            {
                send.end = end(offset);
            }
        }
    }

    fn complete(&mut self, uids: &[Uid], outcome: SendOutcome, place: Place) {
        self.answers.push((outcome, place));
        let told = NonZeroU32::new(self.answers.len() as u32);
        for (index, &uid) in (0..).zip(uids) {
            let Some(send) = self.get_mut(uid) else { continue };
            send.told = told;
            if send.progress == Progress::InFlight {
                send.progress = Progress::Attempted;
            }
            if let SendOutcome::Acknowledged(Some(base)) = outcome {
                send.end = end(base + index);
            }
        }
    }
}

fn end(offset: Offset) -> Option<NonZeroU64> {
    NonZeroU64::new(offset.0 + 1)
}
