//! A coordinator with a log of its own, driven by the steps of a case.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::chance::Rng;
use model::config::{BrokerConfig, RawSetting, TopicConfig};
use model::group::classic::{ClassicGroup, Member, Phase};
use model::group::coordinator::Coordinator;
use model::group::decision::{Decision, Draft, Waiter};
use model::group::record::GroupRecord;
use model::group::shard::{Office, Shard, Written, turn_away};
use model::ids::{
    BrokerId, ClientId, ConnectionId, Generation, GroupId, InstanceId, LeaderEpoch, MemberEpoch,
    MemberId, NodeId, Offset, PartitionEpoch, ReplicaSet, TopicId, TopicPartition,
};
use model::image::{Image, MetadataRecord, PartitionRegistration, Recovery};
use model::message::group::{
    GroupHeartbeatRequest, GroupProtocol, JoinGroupRequest, LeaveGroupRequest, Leaver,
    OffsetAndMetadata, OffsetCommitRequest, OffsetDeleteRequest, OffsetFetchRequest, Stability,
    Subscription, SyncGroupRequest,
};
use model::message::{Correlation, ErrorCode, Request, Response};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};
use model::turn::{Outbox, Turn};
use serde_json::{Value, json};

use super::beat;

const TOPIC: TopicId = TopicId(0);

/// A coordinator, its log, and what its clients were answered.
pub struct Desk {
    case: String,
    config: BrokerConfig,
    image: Image,
    shard: Shard,
    log: Vec<GroupRecord>,
    /// Where the high watermark is held; `None` lets it follow the log's end.
    held_at: Option<Offset>,
    /// Whether the log refuses what is written.
    refuses: bool,
    now: Time,
    rng: Rng,
    outbox: Outbox,
    /// Names of clients, in the order of their first request: their connections.
    clients: Vec<String>,
    answers: BTreeMap<String, Value>,
    /// The member ids that clients were told.
    ids: BTreeMap<String, MemberId>,
}

impl Desk {
    pub fn new(case: &str, settings: &BTreeMap<String, Value>) -> Desk {
        let mut desk = Desk {
            case: case.to_owned(),
            config: BrokerConfig::default(),
            image: image(),
            shard: Shard::load(LeaderEpoch(0), Time::ZERO),
            log: Vec::new(),
            held_at: None,
            refuses: false,
            now: Time::ZERO,
            rng: Rng::fork(7, case),
            outbox: Outbox::new(NodeId::Broker(BrokerId(1))),
            clients: Vec::new(),
            answers: BTreeMap::new(),
            ids: BTreeMap::new(),
        };
        desk.configure("group.min.session.timeout.ms", &json!(0));
        for (name, value) in settings {
            desk.configure(name, value);
        }
        desk.reload();
        desk
    }

    fn configure(&mut self, name: &str, value: &Value) {
        let raw = match value.as_str() {
            Some(word) => RawSetting::Text(word.to_owned()),
            None => RawSetting::Int(value.as_i64().expect("other settings are numbers")),
        };
        self.config.set(name, &raw).expect("the case uses modelled settings");
    }

    pub fn step(&mut self, step: &Value) {
        let step_is = |verb| step.get(verb).is_some();
        if let Some(expected) = step.get("expect") {
            self.expect(expected);
        } else if let Some(millis) = step["advance"].as_u64() {
            self.advance(Duration::from_millis(millis));
        } else if let Some(settings) = step["config"].as_object() {
            for (name, value) in settings {
                self.configure(name, value);
            }
        } else if step_is("reload") {
            self.reload();
        } else if step_is("loading") {
            self.shard = Shard::load(LeaderEpoch(1), Time::MAX);
        } else if step_is("unload") {
            let shard = std::mem::replace(&mut self.shard, Shard::load(LeaderEpoch(1), Time::MAX));
            let decision = self.draft(|draft| shard.resign(draft));
            self.deliver(decision.answers);
        } else if let Some(hold) = step["hold"].as_bool() {
            self.held_at = hold.then_some(Offset(self.log.len() as u64));
            self.settle();
        } else if let Some(refuses) = step["refuse"].as_bool() {
            self.refuses = refuses;
        } else if step_is("expire") {
            let decision = self.draft_of(|shard, draft| shard.coordinator.expire_offsets(draft));
            self.take(decision);
        } else {
            self.ask(step);
        }
    }

    fn reload(&mut self) {
        let mut shard = Shard::load(LeaderEpoch(0), self.now);
        for (at, record) in (0..).zip(&self.log) {
            shard.coordinator.replay(record, Offset(at));
        }
        let end = Offset(self.log.len() as u64);
        shard.activate(end, self.now, self.config.offsets_retention_check_interval);
        self.draft(|mut draft| {
            shard.coordinator.take_up(&mut draft);
            draft.decision
        });
        self.shard = shard;
    }

    /// Checks that a new coordinator makes of the log what this one has in office: offsets
    /// always, a group once its rebalance is settled.
    pub fn check_replay(&self) {
        let mut successor = Coordinator::default();
        for (at, record) in (0..).zip(&self.log) {
            successor.replay(record, Offset(at));
        }
        successor.on_commit_point(self.high_watermark());
        let here = &self.shard.coordinator;
        if let Office::Active = self.shard.office {
            assert_eq!(here.offsets(), successor.offsets(), "{}", self.case);
        }
        let id = GroupId::from("g");
        assert_eq!(here.consumer(&id), successor.consumer(&id), "{}", self.case);
        let settled = |group: &&ClassicGroup| group.phase == Phase::Stable;
        if let Some(group) = here.classic(&id).filter(settled) {
            let loaded = successor.classic(&id).expect("a stable group has been written");
            assert_eq!(outline(group), outline(loaded), "{}", self.case);
        }
    }

    fn ask(&mut self, step: &Value) {
        let verbs = ["join", "sync", "heartbeat", "leave", "commit", "fetch", "delete", "beat"];
        let verb = verbs.into_iter().find(|&verb| step.get(verb).is_some());
        let verb = verb.unwrap_or_else(|| panic!("{}: no such step {step}", self.case));
        let client = step[verb].as_str().expect("a step names its client").to_owned();
        let request = self.request(verb, step);
        let waiter = self.waiter(&client);
        self.answers.insert(client, json!("parked"));
        if let Office::Loading { .. } = self.shard.office {
            let response = turn_away(&request, ErrorCode::CoordinatorLoadInProgress);
            self.deliver(vec![(waiter, response)]);
            return;
        }
        let decision =
            self.draft_of(|shard, draft| shard.coordinator.decide(&request, waiter, draft));
        self.take(decision);
    }

    fn waiter(&mut self, client: &str) -> Waiter {
        let known = self.clients.iter().position(|name| name == client);
        let place = known.unwrap_or_else(|| {
            self.clients.push(client.to_owned());
            self.clients.len() - 1
        });
        let connection = ConnectionId {
            client: NodeId::Client(ClientId(place as u16)),
            server: NodeId::Broker(BrokerId(1)),
            ordinal: 0,
        };
        Waiter { connection, correlation: Correlation(0) }
    }

    fn request(&self, verb: &str, step: &Value) -> Request {
        let text = |field: &str| step.get(field).and_then(Value::as_str);
        let group = GroupId::from(text("group").unwrap_or("g"));
        let member = text("member").map(|name| self.member(name));
        let instance = text("instance").map(InstanceId::from);
        let generation = step["generation"].as_u64().map(|number| Generation(number as u32));
        let required = || member.clone().expect("the step names a member");
        let in_generation = || generation.expect("the step names a generation");
        let partitions = || {
            let list = step["partitions"].as_array().expect("the step names partitions");
            list.iter().map(|it| partition(it.as_u64().expect("a number"))).collect::<Vec<_>>()
        };
        match verb {
            "join" => Request::JoinGroup(Box::new(self.join(step, group, member))),
            "beat" => Request::ConsumerGroupHeartbeat(Box::new(beat::request(step, group, member))),
            "sync" => Request::SyncGroup(Box::new(SyncGroupRequest {
                group,
                generation: in_generation(),
                member: required(),
                instance,
                protocol_type: text("type").map(Arc::from),
                protocol: text("protocol").map(Arc::from),
                assignments: self.assignments(step),
            })),
            "heartbeat" => Request::Heartbeat(GroupHeartbeatRequest {
                group,
                generation: in_generation(),
                member: required(),
                instance,
            }),
            "leave" => {
                let members = step["members"].as_array().expect("somebody leaves");
                let members = members.iter().map(|leaver| self.leaver(leaver)).collect();
                Request::LeaveGroup(LeaveGroupRequest { group, members })
            }
            "commit" => {
                let offsets = commits(step);
                let request = OffsetCommitRequest { group, generation, member, instance, offsets };
                Request::OffsetCommit(request)
            }
            "fetch" => Request::OffsetFetch(OffsetFetchRequest {
                group,
                member: member.zip(generation.map(|it| MemberEpoch(it.0))),
                partitions: Some(partitions()),
                stability: Stability::Stable,
            }),
            _ => {
                let partitions = partitions();
                Request::OffsetDelete(OffsetDeleteRequest { group, partitions })
            }
        }
    }

    fn join(&self, step: &Value, group: GroupId, member: Option<MemberId>) -> JoinGroupRequest {
        let millis = |field: &str, default| {
            Duration::from_millis(step.get(field).map_or(default, |it| it.as_u64().expect("ms")))
        };
        let owned = step["owned"].as_array().map(Vec::as_slice).unwrap_or_default();
        let owned = owned.iter().map(|it| partition(it.as_u64().expect("a number"))).collect();
        let subscription = Subscription { topics: vec![TOPIC], owned, ..Subscription::default() };
        let subscription = Arc::new(subscription);
        let protocol =
            |name: &str| GroupProtocol { name: name.into(), subscription: subscription.clone() };
        let protocols = match step["protocols"].as_array() {
            None => vec![protocol("range")],
            Some(names) => names.iter().map(|it| protocol(it.as_str().expect("text"))).collect(),
        };
        JoinGroupRequest {
            group,
            client_id: step["join"].as_str().expect("text").into(),
            session_timeout: millis("session", 45_000),
            rebalance_timeout: millis("rebalance", 300_000),
            member,
            instance: step["instance"].as_str().map(InstanceId::from),
            protocol_type: step["type"].as_str().unwrap_or("consumer").into(),
            protocols,
        }
    }

    fn assignments(&self, step: &Value) -> Vec<(MemberId, Arc<[TopicPartition]>)> {
        let Some(assigned) = step["assign"].as_object() else { return Vec::new() };
        let to = |list: &Value| {
            let list = list.as_array().expect("a list").iter();
            list.map(|it| partition(it.as_u64().expect("a number"))).collect()
        };
        assigned.iter().map(|(member, list)| (self.member(member), to(list))).collect()
    }

    fn leaver(&self, value: &Value) -> Leaver {
        let (member, instance) = match value.as_str() {
            Some(name) => (Some(name), None),
            None => (value["member"].as_str(), value["instance"].as_str()),
        };
        let member = member.map(|name| self.member(name));
        Leaver { member, instance: instance.map(InstanceId::from) }
    }

    /// Reads `$A` as the id that client A was told last.
    fn member(&self, name: &str) -> MemberId {
        match name.strip_prefix('$') {
            Some(client) => self.ids[client].clone(),
            None => MemberId::from(name),
        }
    }

    fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        while let Some(at) = self.shard.next_deadline().filter(|&at| at <= until) {
            self.now = self.now.max(at);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    /// Finishes writes and expires timers until nothing is due.
    fn settle(&mut self) {
        let high_watermark = self.high_watermark();
        self.shard.coordinator.on_commit_point(high_watermark);
        while let Some((then, outcome)) =
            self.shard.next_finished(high_watermark, self.now, Rules::default())
        {
            let decision = self.draft_of(|shard, draft| shard.finish(then, outcome, draft));
            self.write(decision);
        }
        if let Office::Active = self.shard.office {
            let mut shard = self.shard.clone();
            if let Some(decision) = self.draft_or_none(|draft| shard.expire(draft)) {
                self.shard = shard;
                self.take(decision);
            } else {
                self.shard = shard;
            }
        }
    }

    fn take(&mut self, decision: Decision) {
        self.write(decision);
        self.settle();
    }

    fn write(&mut self, decision: Decision) {
        let base = Offset(self.log.len() as u64);
        let is_refused = self.refuses && !decision.records.is_empty();
        if !is_refused {
            self.log.extend(decision.records.iter().cloned());
        }
        let end = Offset(self.log.len() as u64);
        let written = match is_refused {
            true => Written::Refused(ErrorCode::NotEnoughReplicas),
            false if base == end => Written::Nothing,
            false => Written::At { base, end },
        };
        let timeout = self.config.offsets_commit_timeout;
        let answers = self.shard.take(decision, written, self.now, timeout);
        self.deliver(answers);
    }

    fn high_watermark(&self) -> Offset {
        self.held_at.unwrap_or(Offset(self.log.len() as u64))
    }

    fn draft_of(&mut self, decide: impl FnOnce(&Shard, Draft<'_, '_>) -> Decision) -> Decision {
        let shard = self.shard.clone();
        let before = shard.clone();
        let decision = self.draft(|draft| decide(&shard, draft));
        assert_eq!(shard, before, "{}: a decision changes nothing", self.case);
        decision
    }

    fn draft(&mut self, decide: impl FnOnce(Draft<'_, '_>) -> Decision) -> Decision {
        self.draft_or_none(|draft| Some(decide(draft))).expect("it was decided")
    }

    fn draft_or_none(
        &mut self,
        decide: impl FnOnce(Draft<'_, '_>) -> Option<Decision>,
    ) -> Option<Decision> {
        let high_watermark = self.high_watermark();
        let mut turn = Turn {
            now: self.now,
            wall: Timestamp((self.now.0 / 1_000) as i64),
            rules: Rules::default(),
            rng: &mut self.rng,
            out: &mut self.outbox,
        };
        let (config, image) = (&self.config, &self.image);
        let decision = Decision::default();
        decide(Draft { config, image, high_watermark, turn: &mut turn, decision })
    }

    fn deliver(&mut self, answers: Vec<(Waiter, Response)>) {
        for (waiter, response) in answers {
            let NodeId::Client(ClientId(place)) = waiter.connection.client else {
                panic!("clients ask");
            };
            let client = self.clients[usize::from(place)].clone();
            let (answer, id) = tell(&response);
            if let Some(id) = id {
                self.ids.insert(client.clone(), id);
            }
            self.answers.insert(client, answer);
        }
    }

    fn expect(&self, expected: &Value) {
        let id = GroupId::from("g");
        let group = self.shard.coordinator.classic(&id);
        let native = self.shard.coordinator.consumer(&id);
        for (name, wanted) in expected.as_object().expect("expectations have names") {
            let found = match name.as_str() {
                "state" => json!(group.map_or("Absent", state)),
                "members" => json!(group.map_or(0, |group| group.members().len())),
                "pending" => json!(group.map_or(0, |group| group.pending().count())),
                "generation" => json!(group.map_or(0, |group| group.generation.0)),
                "native" => json!(native.map(|group| format!("{:?}", group.state()))),
                "natives" => json!(native.map(|group| group.members().len())),
                "epoch" => json!(native.map(|group| group.epoch.0)),
                "written" => json!(self.last_written()),
                client => {
                    self.expect_answer(client, wanted);
                    continue;
                }
            };
            assert_eq!(&found, wanted, "{}: {name} in {expected}", self.case);
        }
    }

    fn expect_answer(&self, client: &str, wanted: &Value) {
        let found = &self.answers[client];
        let Some(fields) = wanted.as_object() else {
            assert_eq!(found, wanted, "{}: {client}", self.case);
            return;
        };
        for (field, value) in fields {
            let value = self.resolve(value);
            assert_eq!(found[field], value, "{}: {field} of {client} in {found}", self.case);
        }
    }

    fn resolve(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.starts_with('$') => json!(self.member(text).as_str()),
            Value::Array(list) => list.iter().map(|it| self.resolve(it)).collect(),
            other => other.clone(),
        }
    }

    fn last_written(&self) -> String {
        match self.log.last() {
            Some(GroupRecord::ClassicGroup { value: Some(metadata), .. }) => {
                format!("ClassicGroup of {}", metadata.members.len())
            }
            other => format!("{other:?}"),
        }
    }
}

/// Shows an answer as the cases do, with the member id in it.
fn tell(response: &Response) -> (Value, Option<MemberId>) {
    let partitions = |list: &[(TopicPartition, ErrorCode)]| -> Value {
        list.iter().map(|(it, error)| (it.partition.to_string(), json!(error.name()))).collect()
    };
    match response {
        Response::JoinGroup(reply) => match &reply.joined {
            Ok(joined) => {
                let roll: Vec<_> = joined.members.iter().map(|it| it.member.as_str()).collect();
                let answer = json!({
                    "error": "NONE", "generation": joined.generation.0,
                    "leader": joined.leader.as_ref().map(MemberId::as_str),
                    "member": joined.member.as_str(), "skip": joined.skip_assignment, "roll": roll,
                });
                (answer, Some(joined.member.clone()))
            }
            Err(refusal) => {
                let member = refusal.member.as_ref().map(MemberId::as_str);
                let answer = json!({ "error": refusal.error.name(), "member": member });
                (answer, refusal.member.clone())
            }
        },
        Response::SyncGroup(reply) => match &reply.assignment {
            Ok(list) => {
                let list: Vec<_> = list.iter().map(|it| it.partition).collect();
                (json!({ "error": "NONE", "partitions": list }), None)
            }
            Err(error) => (json!({ "error": error.name() }), None),
        },
        Response::Heartbeat(reply) => (json!({ "error": reply.error.name() }), None),
        Response::LeaveGroup(reply) => match &reply.members {
            Ok(members) => {
                let members: Vec<_> = members.iter().map(|error| error.name()).collect();
                (json!({ "error": "NONE", "members": members }), None)
            }
            Err(error) => (json!({ "error": error.name() }), None),
        },
        Response::OffsetCommit(reply) => (json!({ "errors": partitions(&reply.partitions) }), None),
        Response::OffsetFetch(reply) => match &reply.partitions {
            Ok(list) => {
                let offset = |offset: &Option<OffsetAndMetadata>| {
                    json!(offset.as_ref().map(|it| it.offset.0))
                };
                let offsets: Value =
                    list.iter().map(|(it, at)| (it.partition.to_string(), offset(at))).collect();
                (json!({ "error": "NONE", "offsets": offsets }), None)
            }
            Err(error) => (json!({ "error": error.name() }), None),
        },
        Response::OffsetDelete(reply) => match &reply.partitions {
            Ok(list) => (json!({ "error": "NONE", "errors": partitions(list) }), None),
            Err(error) => (json!({ "error": error.name() }), None),
        },
        Response::ConsumerGroupHeartbeat(reply) => beat::tell(&reply.member),
        other => panic!("no coordinator answers {other:?}"),
    }
}

/// What of a group outlives its coordinator.
fn outline(group: &ClassicGroup) -> Value {
    let assigned = |(id, member): (&MemberId, &Member)| {
        let list: Vec<_> = member.assignment.iter().map(|it| it.partition).collect();
        (id.to_string(), json!(list))
    };
    let members: Value = group.members().iter().map(assigned).collect();
    let leader = group.leader.as_ref().map(MemberId::as_str);
    json!({ "generation": group.generation.0, "leader": leader, "members": members })
}

fn state(group: &ClassicGroup) -> &'static str {
    match group.phase {
        Phase::Empty => "Empty",
        Phase::PreparingRebalance(_) => "PreparingRebalance",
        Phase::CompletingRebalance => "CompletingRebalance",
        Phase::Stable => "Stable",
    }
}

fn commits(step: &Value) -> Vec<(TopicPartition, OffsetAndMetadata)> {
    let offsets = step["offsets"].as_object().expect("a commit has offsets");
    let commit = |(place, offset): (&String, &Value)| {
        let letters = step["metadata"][place].as_u64().unwrap_or(0) as usize;
        let commit = OffsetAndMetadata {
            offset: Offset(offset.as_u64().expect("a number")),
            leader_epoch: None,
            metadata: "m".repeat(letters).into(),
        };
        (partition(place.parse().expect("a number")), commit)
    };
    offsets.iter().map(commit).collect()
}

fn partition(number: u64) -> TopicPartition {
    TopicPartition { topic: TOPIC, partition: number as u16 }
}

/// A cluster with one topic of twelve partitions.
fn image() -> Image {
    let mut image = Image::default();
    let config = TopicConfig::default();
    image.replay(&MetadataRecord::Topic { id: TOPIC, name: "foo".into(), config });
    for number in 0..12 {
        let registration = PartitionRegistration {
            replicas: vec![BrokerId(1)],
            isr: ReplicaSet::EMPTY.with(BrokerId(1)),
            leader: Some(BrokerId(1)),
            leader_epoch: LeaderEpoch(0),
            partition_epoch: PartitionEpoch(0),
            recovery: Recovery::Recovered,
        };
        let partition = partition(number);
        image.replay(&MetadataRecord::Partition { partition, registration });
    }
    image
}
