//! What is true at one time of a trace: the fold that every picture starts from.
//!
//! The page's player folds the same facts in its own language; a test compares the two.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Trace;
use super::fact::{FactKind, TraceFact};
use super::judged::LossStory;

/// What is true at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The time, in microseconds; everything up to and with it has happened.
    pub at: u64,
    /// By place in `Trace::actors`.
    pub actors: Vec<ActorState>,
    /// By place in `Trace::partitions`.
    pub partitions: Vec<PartitionState>,
    /// By place in `Trace::records`.
    pub records: Vec<RecordState>,
    /// By place in `Trace::groups`.
    pub groups: Vec<GroupState>,
    /// Facts taken in so far.
    taken: usize,
}

/// How somebody is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ActorState {
    /// Its process runs.
    pub is_up: bool,
    /// Its process is frozen.
    pub is_paused: bool,
    /// The controller lets it serve.
    pub is_unfenced: bool,
}

/// How a partition is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionState {
    /// The registered leader.
    pub leader: Option<usize>,
    /// The registered leader epoch.
    pub epoch: i64,
    /// The registered ISR.
    pub isr: BTreeSet<usize>,
    /// By place in `Trace::actors`.
    pub replicas: BTreeMap<usize, ReplicaState>,
    /// Who owns it in a group.
    pub owners: BTreeSet<usize>,
    /// Where consumers read on.
    pub positions: BTreeMap<usize, i64>,
}

/// How a replica is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicaState {
    /// Where its log starts.
    pub start: i64,
    /// Where its log ends.
    pub end: i64,
    /// Its high watermark.
    pub high_watermark: i64,
    /// Everything below is on its platter.
    pub flushed: i64,
    /// Batches of its log by number, each with how many of its records are left.
    pub batches: BTreeMap<i64, i64>,
    /// What it believes to be: leader or follower, in which epoch.
    pub role: Option<(Role, i64)>,
    /// As a leader: how far it knows others to be.
    pub beliefs: BTreeMap<usize, i64>,
}

/// What a replica believes to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It leads.
    Leader,
    /// It follows.
    Follower,
}

/// How a record is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecordState {
    /// It was sent.
    pub is_sent: bool,
    /// What its producer was told.
    pub told: Told,
    /// How often a group finished it, at most; or a consumer without group was given it.
    pub finished: u32,
}

/// What a producer was told of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// Nothing yet.
    #[default]
    Nothing,
    /// It is written.
    Acked,
    /// It is not written.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// How a group is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupState {
    /// Its state, counted as in `GroupPhase`.
    pub phase: i64,
    /// Its generation or epoch.
    pub generation: i64,
    /// Committed offsets by partition.
    pub committed: BTreeMap<usize, i64>,
    /// How often each record was finished by it.
    finished: BTreeMap<i64, u32>,
}

/// What a picture shows of a record: the last of these that is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Not yet sent.
    Unsent,
    /// The producer handed it over; no copy is known.
    Sent,
    /// It lies in one log.
    Leader,
    /// The producer was told that it is written.
    Acked,
    /// It lies in several logs, above the high watermark.
    Replicated,
    /// It lies below the leader's high watermark.
    Committed,
    /// A group has finished it.
    Consumed,
    /// It was acknowledged, and every copy is on a dead, deposed or unflushed place.
    Risk,
    /// It was acknowledged and is lost.
    Lost,
    /// It lies in the leader's log more than once, or was finished twice.
    Duplicated,
}

impl Stage {
    /// Every stage, in order.
    pub const ALL: [Stage; 10] = [
        Stage::Unsent,
        Stage::Sent,
        Stage::Leader,
        Stage::Acked,
        Stage::Replicated,
        Stage::Committed,
        Stage::Consumed,
        Stage::Risk,
        Stage::Lost,
        Stage::Duplicated,
    ];

    /// Returns the name in JSON and in style sheets.
    pub fn name(self) -> &'static str {
        match self {
            Stage::Unsent => "unsent",
            Stage::Sent => "sent",
            Stage::Leader => "leader",
            Stage::Acked => "acked",
            Stage::Replicated => "replicated",
            Stage::Committed => "committed",
            Stage::Consumed => "consumed",
            Stage::Risk => "risk",
            Stage::Lost => "lost",
            Stage::Duplicated => "duplicated",
        }
    }
}

impl State {
    /// Returns what is true before anything has happened.
    pub fn new(trace: &Trace) -> State {
        let partitions = trace.partitions.iter().map(|partition| {
            let replicas = partition.replicas.iter().map(|&at| (at, ReplicaState::default()));
            PartitionState { replicas: replicas.collect(), ..PartitionState::default() }
        });
        State {
            at: 0,
            actors: vec![ActorState::default(); trace.actors.len()],
            partitions: partitions.collect(),
            records: vec![RecordState::default(); trace.records.len()],
            groups: vec![GroupState::default(); trace.groups.len()],
            taken: 0,
        }
    }

    /// Returns what is true at a time, in microseconds.
    pub fn at(trace: &Trace, at: u64) -> State {
        let mut state = State::new(trace);
        state.go_to(trace, at);
        state
    }

    /// Goes on to a later time.
    pub fn go_to(&mut self, trace: &Trace, at: u64) {
        while let Some(fact) = trace.facts.get(self.taken).filter(|fact| fact.at <= at) {
            self.take(trace, fact);
            self.taken += 1;
        }
        self.at = at;
    }

    /// Goes on behind the next `count` facts.
    pub fn go_past(&mut self, trace: &Trace, count: usize) {
        for fact in trace.facts.iter().skip(self.taken).take(count) {
            self.take(trace, fact);
            self.at = fact.at;
        }
        self.taken += count;
    }

    fn take(&mut self, trace: &Trace, fact: &TraceFact) {
        let actor = usize::try_from(fact.actor).ok();
        let partition = usize::try_from(fact.partition).ok();
        self.record(trace, fact, actor);
        if let Some(actor) = actor {
            self.actor(fact, actor);
        }
        if let (Some(partition), actor) = (partition, actor) {
            self.partition(trace, fact, partition, actor);
        }
        self.group(trace, fact, partition, actor);
    }

    fn actor(&mut self, fact: &TraceFact, actor: usize) {
        let state = &mut self.actors[actor];
        match fact.kind {
            FactKind::Up => *state = ActorState { is_up: true, is_paused: false, ..*state },
            FactKind::Down => *state = ActorState { is_up: false, is_paused: false, ..*state },
            FactKind::Pause => state.is_paused = true,
            FactKind::Resume => state.is_paused = false,
            FactKind::Fence => state.is_unfenced = false,
            FactKind::Unfence => state.is_unfenced = true,
            _ => {}
        }
        if fact.kind == FactKind::Down {
            for partition in &mut self.partitions {
                if let Some(replica) = partition.replicas.get_mut(&actor) {
                    replica.role = None;
                    replica.beliefs.clear();
                }
            }
        }
    }

    fn record(&mut self, trace: &Trace, fact: &TraceFact, actor: Option<usize>) {
        let told = match fact.kind {
            FactKind::Ack => Told::Acked,
            FactKind::Fail => Told::Failed,
            FactKind::Unknown | FactKind::Abandon => Told::Unknown,
            FactKind::Send => {
                if let Some(record) = self.records.get_mut(fact.value as usize) {
                    record.is_sent = true;
                }
                return;
            }
            FactKind::Poll => return self.given(trace, fact, actor),
            _ => return,
        };
        for uid in fact.value..fact.value + fact.other {
            if let Some(record) = self.records.get_mut(uid as usize) {
                record.told = told;
            }
        }
    }

    /// A consumer without a group is done with what it is given.
    fn given(&mut self, trace: &Trace, fact: &TraceFact, actor: Option<usize>) {
        let (Some(actor), Ok(place)) = (actor, usize::try_from(fact.partition)) else { return };
        if trace.actors[actor].group.is_some() {
            return;
        }
        let partition = &self.partitions[place];
        let Some(log) = partition.leader.and_then(|leader| partition.replicas.get(&leader)) else {
            return;
        };
        let mut given = Vec::new();
        for (&number, &kept) in &log.batches {
            let batch = &trace.batches[number as usize];
            let offsets = batch.base as i64..batch.base as i64 + kept;
            let named = offsets.zip(&batch.records);
            let read = named.filter(|(offset, _)| (fact.value..fact.other).contains(offset));
            given.extend(read.map(|(_, uid)| uid.0 as usize));
        }
        for uid in given {
            if let Some(record) = self.records.get_mut(uid) {
                record.finished = record.finished.max(1);
            }
        }
    }

    fn partition(&mut self, trace: &Trace, fact: &TraceFact, place: usize, actor: Option<usize>) {
        let partition = &mut self.partitions[place];
        match (fact.kind, actor) {
            (FactKind::Leader, leader) => {
                partition.leader = leader;
                partition.epoch = fact.value;
            }
            (FactKind::Isr, Some(actor)) if fact.value == 1 => _ = partition.isr.insert(actor),
            (FactKind::Isr, Some(actor)) => _ = partition.isr.remove(&actor),
            (FactKind::Own, Some(actor)) if fact.value == 1 => {
                partition.owners.insert(actor);
            }
            (FactKind::Own, Some(actor)) => {
                partition.owners.remove(&actor);
                partition.positions.remove(&actor);
            }
            (FactKind::Poll, Some(actor)) => {
                partition.positions.insert(actor, fact.other);
            }
            (FactKind::Starts, Some(_)) if fact.value < 0 => {}
            (FactKind::Reset | FactKind::Starts, Some(actor)) => {
                partition.positions.insert(actor, fact.value);
            }
            (_, Some(actor)) => {
                if let Some(replica) = partition.replicas.get_mut(&actor) {
                    replica.take(trace, fact);
                }
            }
            (_, None) => {}
        }
    }

    fn group(
        &mut self,
        trace: &Trace,
        fact: &TraceFact,
        partition: Option<usize>,
        actor: Option<usize>,
    ) {
        match fact.kind {
            FactKind::Group => self.groups[fact.other as usize].phase = fact.value,
            // A new coordinator knows what its log says, and nothing else.
            FactKind::Coordinates => self.groups[fact.other as usize].committed.clear(),
            FactKind::Generation => self.groups[fact.other as usize].generation = fact.value,
            FactKind::Commit => {
                let (Some(partition), group) = (partition, fact.other as usize) else { return };
                let committed = &mut self.groups[group].committed;
                match fact.value {
                    -1 => committed.remove(&partition),
                    offset => committed.insert(partition, offset),
                };
            }
            FactKind::Done => {
                let Some(group) = actor.and_then(|actor| trace.actors[actor].group) else { return };
                let times = self.groups[group].finished.entry(fact.other).or_insert(0);
                *times += 1;
                if let Some(record) = self.records.get_mut(fact.other as usize) {
                    record.finished = record.finished.max(*times);
                }
            }
            _ => {}
        }
    }

    /// Returns what a picture shows of each record, and in how many logs it lies.
    pub fn stages(&self, trace: &Trace) -> Vec<(Stage, usize)> {
        let copies = self.copies(trace);
        let stories: BTreeMap<usize, &LossStory> =
            trace.judged.losses.iter().map(|loss| (loss.record.0 as usize, loss)).collect();
        let stage = |(uid, copies): (usize, &Copies)| {
            (self.stage(uid, copies, stories.get(&uid).copied()), copies.logs)
        };
        copies.iter().enumerate().map(stage).collect()
    }

    fn stage(&self, uid: usize, copies: &Copies, loss: Option<&LossStory>) -> Stage {
        let record = &self.records[uid];
        let since = |moment: usize| {
            let moment = loss.and_then(|loss| loss.moments.get(moment));
            moment.is_some_and(|&(at, _)| at <= self.at)
        };
        match () {
            () if 1 < copies.in_leader || 1 < record.finished => Stage::Duplicated,
            () if since(2) => Stage::Lost,
            () if since(1) => Stage::Risk,
            () if 0 < record.finished => Stage::Consumed,
            () if copies.is_committed => Stage::Committed,
            () if 1 < copies.logs => Stage::Replicated,
            () if record.told == Told::Acked => Stage::Acked,
            () if copies.logs == 1 => Stage::Leader,
            () if record.is_sent => Stage::Sent,
            () => Stage::Unsent,
        }
    }

    /// Counts in which logs each record lies, as far as that is its own partition.
    fn copies(&self, trace: &Trace) -> Vec<Copies> {
        let mut copies = vec![Copies::default(); self.records.len()];
        for (place, partition) in self.partitions.iter().enumerate() {
            for (&actor, replica) in &partition.replicas {
                let leads = partition.leader == Some(actor);
                for (&number, &kept) in &replica.batches {
                    let batch = &trace.batches[number as usize];
                    for (uid, offset) in
                        batch.records.iter().zip(batch.base as i64..).take(kept as usize)
                    {
                        let of = trace.records.get(uid.0 as usize);
                        if of.and_then(|record| record.partition) != Some(place) {
                            continue;
                        }
                        let copies = &mut copies[uid.0 as usize];
                        copies.is_committed |= leads && offset < replica.high_watermark;
                        copies.in_leader += usize::from(leads);
                        // Logs are looked at one after the other.
                        if copies.last != Some(actor) {
                            copies.logs += 1;
                            copies.last = Some(actor);
                        }
                    }
                }
            }
        }
        copies
    }

    /// Returns the state as JSON, to compare it with that of the page's player.
    pub fn json(&self, trace: &Trace) -> Value {
        let stages: Vec<String> = self
            .stages(trace)
            .into_iter()
            .map(|(stage, copies)| format!("{} {copies}", stage.name()))
            .collect();
        let partitions: Vec<Value> = self
            .partitions
            .iter()
            .map(|it| {
                let replicas: Vec<Value> = it
                    .replicas
                    .iter()
                    .map(|(actor, replica)| {
                        let role = match replica.role {
                            None => json!(null),
                            Some((Role::Leader, epoch)) => json!(["leader", epoch]),
                            Some((Role::Follower, epoch)) => json!(["follower", epoch]),
                        };
                        json!({
                            "at": actor, "start": replica.start, "end": replica.end,
                            "hw": replica.high_watermark, "flushed": replica.flushed,
                            "batches": replica.batches.iter().collect::<Vec<_>>(),
                            "role": role,
                            "beliefs": replica.beliefs.iter().collect::<Vec<_>>(),
                        })
                    })
                    .collect();
                json!({
                    "leader": it.leader, "epoch": it.epoch, "isr": it.isr, "owners": it.owners,
                    "positions": it.positions.iter().collect::<Vec<_>>(), "replicas": replicas,
                })
            })
            .collect();
        let actors: Vec<String> = self
            .actors
            .iter()
            .map(|it| {
                let mark = |is: bool, sign: char| if is { sign } else { '-' };
                let signs =
                    [mark(it.is_up, 'u'), mark(it.is_paused, 'p'), mark(it.is_unfenced, 's')];
                signs.iter().collect()
            })
            .collect();
        let groups: Vec<Value> = self
            .groups
            .iter()
            .map(|it| {
                let committed: Vec<_> = it.committed.iter().collect();
                json!({ "phase": it.phase, "generation": it.generation, "committed": committed })
            })
            .collect();
        json!({
            "at": self.at, "actors": actors, "partitions": partitions, "stages": stages,
            "groups": groups,
        })
    }
}

/// Where a record lies.
#[derive(Clone, Copy, Default)]
struct Copies {
    logs: usize,
    /// The log that it was last found in.
    last: Option<usize>,
    in_leader: usize,
    is_committed: bool,
}

impl ReplicaState {
    fn take(&mut self, trace: &Trace, fact: &TraceFact) {
        match fact.kind {
            FactKind::Append => {
                let batch = &trace.batches[fact.value as usize];
                let count = batch.records.len() as i64;
                self.batches.insert(fact.value, count);
                self.end = batch.base as i64 + count;
            }
            FactKind::Cut | FactKind::Took => self.cut(trace, fact.value),
            FactKind::Hw | FactKind::Load => self.high_watermark = fact.value,
            FactKind::Start => {
                self.start = fact.value;
                self.end = self.end.max(self.start);
                let lies_before = |number: &i64, kept: &i64| {
                    trace.batches[*number as usize].base as i64 + *kept <= fact.value
                };
                self.batches.retain(|number, kept| !lies_before(number, kept));
            }
            FactKind::Flush => self.flushed = fact.value,
            FactKind::Leads => {
                self.role = Some((Role::Leader, fact.value));
                self.beliefs.clear();
            }
            FactKind::Follows => {
                self.role = Some((Role::Follower, fact.value));
                self.beliefs.clear();
            }
            FactKind::Fetched => {
                if let Ok(follower) = usize::try_from(fact.other) {
                    self.beliefs.insert(follower, fact.value);
                }
            }
            _ => {}
        }
    }

    fn cut(&mut self, trace: &Trace, end: i64) {
        self.end = end;
        self.flushed = self.flushed.min(end);
        self.high_watermark = self.high_watermark.min(end);
        self.batches.retain(|&number, kept| {
            let left = end - trace.batches[number as usize].base as i64;
            *kept = left.min(*kept);
            0 < *kept
        });
    }
}
