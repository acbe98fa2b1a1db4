//! The trace of a trial: what pictures, pages and machine formats are drawn from.
//!
//! A trace is a history with everything about computers left out that no picture shows: who
//! there is, which messages flew, what became true, what the checkers said. It is plain
//! numbers and tables of names; sentences are in [`texts`]. Version 1 of its JSON is laid out
//! in columns (`json`), times in virtual microseconds, each as the difference to the one
//! before.
//!
//! In reading order: this file (what a trace holds), `fact` and `gather` (from a history to
//! facts; nothing else in this crate looks into histories for what happened), `message` (from flights to arrows), [`state`] (what is true at one time), [`cone`]
//! (what has to do with one record), `band` (faults as shading), `judged` (what the checkers
//! said), `json` (columns).

mod band;
pub mod cone;
mod fact;
mod gather;
mod json;
mod judged;
mod message;
mod sends;
pub mod state;
pub mod texts;

pub use band::{Band, BandKind};
pub use fact::{FactKind, NONE, TraceFact};
pub use judged::{Judged, JudgedClaim, LossStory, MishapStory, RebalanceStory};
pub use message::{Arrow, TraceMessage};

use model::config::SettingValue;
use std::collections::BTreeMap;

use model::ids::{MemberId, NodeId, TopicId, TopicPartition, Uid};
use sim::plan::ClientRole;

use crate::story::{Names, Subject};
use gather::gather;

/// The version of the JSON form.
pub const VERSION: u32 = 1;

/// One trial as pictures see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// The scenario's name.
    pub scenario: String,
    /// The matrix case; empty if there is none.
    pub case: String,
    /// The seed.
    pub seed: u64,
    /// The command that runs the trial again.
    pub again: String,
    /// The virtual time at the end, in microseconds.
    pub end: u64,
    /// When everything was healed, in microseconds.
    pub healed: u64,
    /// The settings that matter most: `rf 3`, `acks 1`.
    pub settings: Vec<(String, String)>,
    /// Everybody, in the order of their lanes.
    pub actors: Vec<Actor>,
    /// Every partition of a topic that the scenario made, in order of id.
    pub partitions: Vec<Partition>,
    /// The place in `partitions` of the one that pictures show first.
    pub focus: usize,
    /// The groups, in the order of the file.
    pub groups: Vec<Group>,
    /// Every record, by its number.
    pub records: Vec<Record>,
    /// Every stretch of a log that was appended at once.
    pub batches: Vec<Batch>,
    /// Every batch that a producer sent: its records.
    pub sendings: Vec<Vec<Uid>>,
    /// What rules did to messages.
    pub ruled: Vec<Ruled>,
    /// Who the members of groups are, by every id that they had: places in `actors`.
    pub members: BTreeMap<MemberId, usize>,
    /// The messages, in the order in which they left.
    pub messages: Vec<TraceMessage>,
    /// What became true, in order.
    pub facts: Vec<TraceFact>,
    /// What the numbers of errors in messages and facts mean; names, rather, of anything.
    pub errors: Vec<String>,
    /// Faults as shading.
    pub bands: Vec<Band>,
    /// What the checkers said.
    pub judged: Judged,
}

/// Somebody with a lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The node.
    pub node: NodeId,
    /// Its name: `ctl`, `p1`, `b1`, `g1-2`.
    pub name: String,
    /// What it is.
    pub kind: ActorKind,
    /// The place in `Trace::groups` of the group that it belongs to.
    pub group: Option<usize>,
}

/// What somebody is, in the order of lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActorKind {
    /// A controller.
    Controller,
    /// A producer.
    Producer,
    /// A broker.
    Broker,
    /// A consumer, alone or in a group.
    Consumer,
}

impl ActorKind {
    /// Returns the name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            ActorKind::Controller => "controller",
            ActorKind::Producer => "producer",
            ActorKind::Broker => "broker",
            ActorKind::Consumer => "consumer",
        }
    }
}

/// A partition with its replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// The partition.
    pub id: TopicPartition,
    /// Its name: `orders-0`.
    pub name: String,
    /// The places in `Trace::actors` of its replicas, preferred leader first.
    pub replicas: Vec<usize>,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// The places in `Trace::actors` of its members.
    pub members: Vec<usize>,
}

/// A record as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// The place in `Trace::actors` of its producer.
    pub by: Option<usize>,
    /// Its key as text.
    pub key: Option<String>,
    /// The place in `Trace::partitions` of the one it was sent to, once chosen.
    pub partition: Option<usize>,
    /// What became of it: the name of its fate in the verdict.
    pub fate: Option<sim::verdict::Fate>,
}

/// Records that a leader appended at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The offset of the first one.
    pub base: u64,
    /// The epoch of the leader that appended them.
    pub epoch: u32,
    /// The records.
    pub records: Vec<Uid>,
    /// The id of an idempotent producer.
    pub producer: Option<u64>,
}

/// What a rule of the scenario does to messages of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The step that set the rule.
    pub step: usize,
    /// The kind of message: `ProduceResponse`.
    pub message: String,
    /// `dropped`, `held` or `delayed`.
    pub fate: &'static str,
}

impl Trace {
    /// Makes the trace of a trial; without its history, nothing happens in it.
    pub fn of(story: &Subject<'_>) -> Trace {
        let actors = actors(story);
        let partitions = partitions(story, &actors);
        let groups = groups(story, &actors);
        let focus = gather::focus(story.outcome);
        let focus = partitions.iter().position(|it| it.id == focus).unwrap_or(0);
        let (micros, outcome) = (|time: model::time::Time| time.0, story.outcome);
        let mut trace = Trace {
            scenario: story.scenario.to_owned(),
            case: story.case.to_owned(),
            seed: story.seed,
            again: story.again.to_owned(),
            end: micros(outcome.totals.end),
            healed: micros(outcome.healed_at),
            settings: settings(story),
            actors,
            partitions,
            focus,
            groups,
            records: Vec::new(),
            batches: Vec::new(),
            sendings: Vec::new(),
            ruled: Vec::new(),
            members: BTreeMap::new(),
            messages: Vec::new(),
            facts: Vec::new(),
            errors: vec!["NONE".to_owned()],
            bands: Vec::new(),
            judged: Judged::default(),
        };
        gather(story, &mut trace);
        message::messages(story, &mut trace);
        trace.bands = band::bands(story, &trace);
        trace.judged = judged::judged(story, &trace);
        trace
    }

    /// Returns the place of a node among the actors.
    pub fn actor(&self, node: NodeId) -> Option<usize> {
        self.actors.iter().position(|actor| actor.node == node)
    }

    /// Returns the place of a partition.
    pub fn partition(&self, id: TopicPartition) -> Option<usize> {
        self.partitions.binary_search_by_key(&id, |it| it.id).ok()
    }

    /// Returns what happened, entry of the history by entry: the facts that belong together.
    pub fn entries(&self) -> impl Iterator<Item = &[TraceFact]> {
        self.facts.chunk_by(|one, next| one.entry == next.entry)
    }

    /// Returns the facts of one entry of the history; none if it shows nothing.
    pub fn entry(&self, entry: usize) -> &[TraceFact] {
        let from = self.facts.partition_point(|fact| fact.entry < entry);
        let count = self.facts[from..].iter().take_while(|fact| fact.entry == entry).count();
        &self.facts[from..from + count]
    }

    /// Says whether a fact is a commit; a new coordinator that finds one in its log commits
    /// nothing.
    pub fn is_commit(&self, fact: &TraceFact) -> bool {
        let found = || self.entry(fact.entry).first().map(|it| it.kind);
        fact.kind == FactKind::Commit && 0 <= fact.value && found() != Some(FactKind::Coordinates)
    }

    /// Returns the name that a number of an error stands for.
    pub fn error_name(&self, number: i64) -> &str {
        let name = usize::try_from(number).ok().and_then(|place| self.errors.get(place));
        name.map_or("", String::as_str)
    }

    /// Returns the name of an actor by its place; `–` is nobody.
    pub fn name(&self, actor: i64) -> &str {
        let actor = usize::try_from(actor).ok().and_then(|place| self.actors.get(place));
        actor.map_or("–", |actor| &actor.name)
    }

    /// Returns the records of a batch of the table from offset `from` to the one before `to`.
    pub fn records_of(
        &self,
        batch: i64,
        (from, to): (i64, i64),
    ) -> impl Iterator<Item = (i64, Uid)> {
        let batch = usize::try_from(batch).ok().and_then(|place| self.batches.get(place));
        let all = batch.into_iter().flat_map(|batch| (batch.base as i64..).zip(&batch.records));
        all.filter(move |(offset, _)| from <= *offset && *offset < to).map(|(at, uid)| (at, *uid))
    }

    /// Returns the records of a batch as its producer sent it.
    pub fn sending(&self, number: i64) -> &[Uid] {
        let records = usize::try_from(number).ok().and_then(|place| self.sendings.get(place));
        records.map_or(&[], Vec::as_slice)
    }

    /// Returns the number of an error's name, which it gets now if it has none.
    fn error(&mut self, name: &str) -> i64 {
        let place = self.errors.iter().position(|it| *it == name).unwrap_or_else(|| {
            self.errors.push(name.to_owned());
            self.errors.len() - 1
        });
        place as i64
    }
}

fn actors(story: &Subject<'_>) -> Vec<Actor> {
    let names = Names(story.plan);
    let of = |node, kind, group| Actor { node, name: names.node(node), kind, group };
    let mut actors = vec![of(NodeId::Controller(1), ActorKind::Controller, None)];
    let brokers = story.plan.brokers.iter();
    actors.extend(brokers.map(|it| of(NodeId::Broker(it.id), ActorKind::Broker, None)));
    for (client, plan) in (0..).zip(&story.plan.clients) {
        let node = NodeId::Client(model::ids::ClientId(client));
        let (kind, group) = match &plan.role {
            ClientRole::Producer(_) => (ActorKind::Producer, None),
            ClientRole::Consumer(_) => (ActorKind::Consumer, None),
            ClientRole::Member(member) => (ActorKind::Consumer, Some(usize::from(member.group.0))),
        };
        actors.push(of(node, kind, group));
    }
    actors.sort_by_key(|actor| actor.kind);
    actors
}

fn partitions(story: &Subject<'_>, actors: &[Actor]) -> Vec<Partition> {
    let shown = |id: TopicId| id != TopicId::CONSUMER_OFFSETS;
    let place = |broker| actors.iter().position(|it| it.node == NodeId::Broker(broker));
    let mut partitions: Vec<Partition> = Vec::new();
    for replica in story.outcome.replicas.iter().filter(|it| shown(it.partition.topic)) {
        let replicas = Vec::from_iter(place(replica.broker));
        match partitions.iter_mut().find(|it| it.id == replica.partition) {
            Some(partition) => partition.replicas.extend(replicas),
            None => {
                let name = Names(story.plan).partition(replica.partition);
                partitions.push(Partition { id: replica.partition, name, replicas });
            }
        }
    }
    partitions.sort_by_key(|it| it.id);
    partitions
}

fn groups(story: &Subject<'_>, actors: &[Actor]) -> Vec<Group> {
    let place = |client| actors.iter().position(|it| it.node == NodeId::Client(client));
    let groups = story.plan.groups.iter().map(|plan| Group {
        name: plan.name.to_string(),
        members: plan.members.iter().filter_map(|&client| place(client)).collect(),
    });
    groups.collect()
}

/// Lists what a head line shows: replication factor, minimum, promises.
fn settings(story: &Subject<'_>) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let first = story.outcome.replicas.first().map(|it| it.partition);
    let copies = story.outcome.replicas.iter().filter(|it| Some(it.partition) == first).count();
    settings.push(("rf".to_owned(), copies.to_string()));
    if let Some(topic) = story.plan.topics.first() {
        let least = SettingValue::show(&topic.config.min_insync_replicas);
        settings.push(("min.isr".to_owned(), least));
    }
    let promises = Names(story.plan).promises();
    if !promises.is_empty() {
        settings.push(("acks".to_owned(), promises));
    }
    settings
}
