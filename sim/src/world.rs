//! The simulated world: computers, network, disks and applications, moved by one queue.
//!
//! Plain Rust that knows no runtime: [`World::step`] handles the next event, whoever calls it.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::chance::Rng;
use model::fact::{Fact, MemberEvent, MemberFact, WorkFact};
use model::ids::{BrokerId, ClientId, NodeId, TopicId};
use model::image::Image;
use model::mutant::Mutant;
use model::time::Time;
use model::turn::{Outbox, Turn};

use crate::apps::App;
use crate::apps::polling::Thrown;
use crate::apps::sink::Store;
use crate::clock::Clock;
use crate::disk::Disk;
use crate::flights::Flights;
use crate::history::{Event, Fault, Phase};
use crate::ledger::{Finished, Ledger};
use crate::members::Presence;
use crate::network::Network;
use crate::nodes::{Computer, Power, Process, Remains, State};
use crate::outcome::{Ended, Outcome, ReplicaEnd, Totals};
use crate::plan::{ControllerKind, FlushPolicy, GroupPlan, NetworkPlan, Plan};
use crate::queue::{Key, Kind, PLACES_MAX, Place, Queue};
use crate::rules::ActiveRule;
use crate::runtime::KeepHistory;
use crate::script::Script;
use crate::shape::Stream;

/// The controller's place.
pub(crate) const CONTROLLER: Place = Place(0);
/// The phases in order of their events' ordinals.
const PHASES: [Phase; 3] = [Phase::Faults, Phase::Settle, Phase::End];

/// A trial in the course of happening.
#[derive(Clone, Debug)]
pub struct World {
    pub(crate) plan: Arc<Plan>,
    pub(crate) now: Time,
    pub(crate) phase: Phase,
    pub(crate) queue: Queue,
    /// The controller, the brokers, the clients, the operator's console.
    pub(crate) computers: Vec<Computer>,
    /// Brokers by id.
    places: [Place; 128],
    pub(crate) network: Network,
    pub(crate) ledger: Ledger,
    /// By client.
    pub(crate) apps: Vec<App>,
    pub(crate) script: Script,
    pub(crate) rules: Vec<ActiveRule>,
    /// Which topics exist, by id.
    pub(crate) topics: Vec<Existence>,
    /// By uid: the how-many-eth record of its topic that is, from 0.
    pub(crate) ordinals: Vec<u32>,
    /// By topic: how many records were sent.
    pub(crate) sent: Vec<u32>,
    /// By group: where its results go.
    pub(crate) stores: Vec<Store>,
    /// By client.
    pub(crate) presence: Vec<Presence>,
    /// The computer that a crash or power cut hit last.
    pub(crate) last_crashed: Option<Place>,
    pub(crate) chance: Stream,
    pub(crate) flights: Flights,
    /// Empty between two calls of an application: spares it an allocation per record.
    pub(crate) work_notes: Vec<WorkFact>,
    ended: Ended,
    healed_at: Time,
    events: u64,
    /// Messages that were sent.
    pub(crate) messages: u64,
    /// A fact or fault was noted since conditions were last looked at.
    changed: Changed,
}

/// Whether a topic exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existence {
    NotYet,
    /// The operator's console was told to create it.
    Asked,
    Exists,
}

/// Whether anything noted since may have changed what conditions see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Changed {
    No,
    Yes,
}

impl World {
    /// Makes the world of a plan at time zero; its history will be kept.
    pub fn new(plan: &Plan) -> World {
        World::with_history(plan, KeepHistory::Yes)
    }

    /// Makes the world of a plan at time zero.
    ///
    /// # Panics
    /// If the plan has more than 16384 computers.
    pub fn with_history(plan: &Plan, keep: KeepHistory) -> World {
        let ids = node_ids(plan);
        assert!(ids.len() <= PLACES_MAX, "a world has {PLACES_MAX} computers at most");
        let names: Vec<Arc<str>> = ids.iter().map(|id| name_of(*id, plan)).collect();
        let mut places = [Place(u16::MAX); 128];
        for (broker, place) in plan.brokers.iter().zip(1..) {
            places[usize::from(broker.id.0)] = Place(place);
        }
        let computers =
            ids.iter().zip(&names).map(|(id, name)| computer(*id, name.clone(), plan)).collect();
        let clients = (0..plan.clients.len() as u16).map(ClientId);
        let mut world = World {
            now: Time::ZERO,
            phase: Phase::Faults,
            queue: Queue::new(ids.len()),
            computers,
            places,
            network: Network::new(plan.seed, names, &plan.network),
            ledger: Ledger::new(plan, keep),
            apps: clients.map(|client| App::new(client, plan)).collect(),
            script: Script::new(plan),
            rules: Vec::new(),
            topics: vec![Existence::NotYet; plan.topics.len()],
            ordinals: Vec::new(),
            sent: vec![0; plan.topics.len()],
            stores: plan.groups.iter().map(|group| store(group, plan.seed)).collect(),
            presence: plan.clients.iter().map(|it| Presence::first(&it.role)).collect(),
            last_crashed: None,
            chance: Stream::default(),
            flights: match keep {
                KeepHistory::Yes => Flights::Kept(Vec::new()),
                KeepHistory::No => Flights::Ignored,
            },
            work_notes: Vec::new(),
            ended: Ended::InTime,
            healed_at: Time::ZERO + plan.faults_for,
            events: 0,
            messages: 0,
            changed: Changed::Yes,
            plan: Arc::new(plan.clone()),
        };
        world.set_links(&plan.network);
        world.schedule_phases();
        world
    }

    /// Counts abstract states from here on; a trial is the same with and without it.
    pub fn count_states(&mut self) {
        self.ledger.count_states(&self.plan);
    }

    fn set_links(&mut self, network: &NetworkPlan) {
        for (a, b, latency) in &network.links {
            let (a, b) = (self.place(*a), self.place(*b));
            self.network.set_usual(a, b, *latency);
        }
    }

    fn schedule_phases(&mut self) {
        let settles = Time::ZERO + self.plan.faults_for;
        let starts = [Time::ZERO, settles, settles + self.plan.settle];
        for (ordinal, at) in starts.into_iter().enumerate() {
            self.queue.push(Key::script(at, Kind::Phase, ordinal));
        }
    }

    /// Returns when the next event happens, or `None` if the trial is over.
    pub fn next_at(&self) -> Option<Time> {
        if self.is_over() {
            return None;
        }
        Some(self.queue.next_at()).filter(|at| *at != Time::MAX)
    }

    fn is_over(&self) -> bool {
        self.phase == Phase::End || self.ended != Ended::InTime
    }

    /// Returns what time it is.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lists the names of all computers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.computers.iter().map(|computer| computer.name.as_ref())
    }

    /// Handles the next event; returns when it happened, or `None` if the trial is over.
    pub fn step(&mut self) -> Option<Time> {
        if self.is_over() {
            return None;
        }
        if self.plan.events_max <= self.events {
            self.next_at()?;
            self.ended = Ended::TooManyEvents;
            return None;
        }
        let (key, packet) = self.queue.pop()?;
        let at = key.at();
        assert!(self.now <= at, "time goes forward");
        self.now = at;
        self.events += 1;
        match key.kind() {
            Kind::Phase => self.on_phase(PHASES[key.ordinal()]),
            Kind::Step => self.fire(key.ordinal()),
            Kind::Undo => self.undo(key.ordinal()),
            Kind::Packet => self.on_packet(packet.expect("an arrival has a packet")),
            Kind::Departure => self.on_departure(key.to()),
            Kind::Deadline => self.on_alarm(key.to()),
            Kind::Application => self.on_application(key.to()),
        }
        self.queue.alarms.settle();
        if self.changed == Changed::Yes {
            self.changed = Changed::No;
            self.check_conditions();
        }
        Some(at)
    }

    /// Ends the trial where it stands and judges its history.
    pub fn finish(self) -> Outcome {
        let replicas = self.replicas();
        let count = self.ledger.count();
        let Finished { digest, entries: history, judgement, coverage } = self.ledger.finish();
        let totals =
            Totals { events: self.events, messages: self.messages, entries: count, end: self.now };
        let (steps, rules_applied, watches) = self.script.into_results();
        Outcome {
            digest,
            history,
            flights: self.flights.into_list(),
            judgement,
            ended: self.ended,
            steps,
            rules_applied,
            watches,
            replicas,
            healed_at: self.healed_at,
            totals,
            coverage,
        }
    }

    /// Takes down that the model broke one of its own assertions.
    pub(crate) fn panicked(&mut self, message: String) {
        self.ended = Ended::Panicked(message);
    }

    fn on_phase(&mut self, phase: Phase) {
        self.phase = phase;
        self.note(Event::Phase(phase));
        match phase {
            Phase::Faults => self.begin(),
            Phase::Settle => self.settle(),
            Phase::End => {}
        }
    }

    /// Writes an entry.
    pub(crate) fn note(&mut self, event: Event) {
        self.changed = Changed::Yes;
        self.ledger.note(self.now, event);
    }

    /// Writes an entry that is a fact.
    pub(crate) fn note_fact(&mut self, fact: &Fact) {
        self.changed = Changed::Yes;
        self.ledger.note_fact(self.now, fact);
    }

    pub(crate) fn note_fault(&mut self, fault: Fault) {
        self.note(Event::Fault(fault));
    }

    // -- Who is where --

    pub(crate) fn place(&self, node: NodeId) -> Place {
        match node {
            NodeId::Controller(_) => CONTROLLER,
            NodeId::Broker(broker) => self.broker(broker),
            NodeId::Client(client) => self.client(client),
        }
    }

    pub(crate) fn broker(&self, broker: BrokerId) -> Place {
        self.places[usize::from(broker.0)]
    }

    pub(crate) fn client(&self, client: ClientId) -> Place {
        Place(1 + self.plan.brokers.len() as u16 + client.0)
    }

    /// Returns the operator's console, which stands behind all clients.
    pub(crate) fn console(&self) -> Place {
        Place(self.computers.len() as u16 - 1)
    }

    pub(crate) fn computer(&self, place: Place) -> &Computer {
        &self.computers[place.index()]
    }

    pub(crate) fn computer_mut(&mut self, place: Place) -> &mut Computer {
        &mut self.computers[place.index()]
    }

    pub(crate) fn id(&self, place: Place) -> NodeId {
        self.computer(place).id
    }

    /// Returns the cluster as the controller has it registered, also while it is down.
    pub(crate) fn image(&self) -> Option<&Image> {
        match &self.computer(CONTROLLER).state {
            State::Up(process) | State::Paused(process, _) => match process.as_ref() {
                Process::Controller(controller) => Some(controller.image()),
                _ => None,
            },
            State::Down(Remains::Controller(_, image)) => Some(image),
            State::Unborn | State::Down(_) => None,
        }
    }

    /// Says whether faults leave this computer alone: the console, and a controller that
    /// never fails.
    pub(crate) fn is_beyond_harm(&self, place: Place) -> bool {
        place == self.console()
            || (place == CONTROLLER && self.plan.controller.kind == ControllerKind::Infallible)
    }

    // -- Turns --

    /// Lets a process act, and then does what it asked for.
    pub(crate) fn turn<T>(
        &mut self,
        place: Place,
        act: impl FnOnce(&mut Process, &mut Turn<'_>) -> T,
    ) -> Option<T> {
        let now = self.now;
        let returned = self.computer_mut(place).turn(now, act)?;
        self.after_turn(place);
        Some(returned)
    }

    pub(crate) fn after_turn(&mut self, place: Place) {
        if !self.computer(place).outbox.facts.is_empty() {
            self.note_facts(place);
        }
        let outbox = &mut self.computer_mut(place).outbox;
        if !outbox.effects.is_empty() {
            let mut effects = std::mem::take(&mut outbox.effects);
            let mut leaves = self.now;
            for effect in effects.drain(..) {
                if self.carry_out(place, effect, &mut leaves).is_break() {
                    break;
                }
            }
            self.computer_mut(place).outbox.effects = effects;
        }
        self.arm(place);
    }

    /// Takes down what became true in a turn.
    pub(crate) fn note_facts(&mut self, place: Place) {
        let mut facts = std::mem::take(&mut self.computer_mut(place).outbox.facts);
        for fact in &facts {
            self.observe(fact);
            self.note_fact(fact);
        }
        facts.clear();
        self.computer_mut(place).outbox.facts = facts;
    }

    /// Sees to it that the process is woken when it wants to be.
    fn arm(&mut self, place: Place) {
        let deadline = self.computer(place).next_deadline();
        let deadline = deadline.map(|deadline| deadline.max(self.now));
        self.queue.alarms.set(Kind::Deadline, place, deadline);
    }

    /// Wakes a process when it wanted to be woken; one that is frozen wants nothing.
    fn on_alarm(&mut self, place: Place) {
        // Whoever has had a turn has set its alarm anew.
        self.turn(place, |process, turn| process.on_deadline(turn));
    }

    fn on_deadline(&mut self, place: Place) {
        let deadline = self.computer(place).next_deadline();
        if deadline.is_some_and(|deadline| deadline <= self.now) {
            self.turn(place, |process, turn| process.on_deadline(turn));
        }
    }

    /// Wakes a process whose deadline passed while it was frozen.
    pub(crate) fn catch_up_deadline(&mut self, place: Place) {
        self.on_deadline(place);
        self.arm(place);
    }

    fn observe(&mut self, fact: &Fact) {
        match fact {
            Fact::BrokerUnfenced { .. } => self.create_first_topics(),
            Fact::TopicCreated { topic, .. } => self.on_topic(*topic),
            // What is written there anew is not what the disk holds.
            Fact::Truncated { broker, partition, to, .. } => {
                let place = self.broker(*broker);
                let on_platter = &mut self.computer_mut(place).on_platter;
                on_platter.entry(*partition).and_modify(|end| *end = (*end).min(*to));
            }
            Fact::ConsumerFailed { client, .. } => {
                self.apps[usize::from(client.0)].on_thrown(Thrown::Position);
            }
            Fact::Member(MemberFact { client, what: MemberEvent::Threw(error) }) => {
                self.apps[usize::from(client.0)].on_thrown(Thrown::Group(*error));
            }
            _ => {}
        }
    }

    /// Wakes the applications that have been waiting for a topic.
    fn on_topic(&mut self, topic: TopicId) {
        // Kafka's own topics are nobody's plan.
        let Some(existence) = self.topics.get_mut(usize::from(topic.0)) else { return };
        *existence = Existence::Exists;
        let plan = Arc::clone(&self.plan);
        for (client, it) in (0..).map(ClientId).zip(&plan.clients) {
            let is_unborn = matches!(self.computer(self.client(client)).state, State::Unborn);
            if is_unborn && self.awaited_topics(&it.role).contains(&topic) {
                self.wake_application(client, self.now);
            }
        }
    }

    // -- The end --

    /// Lists the replicas of the plan's topics.
    fn replicas(&self) -> Vec<ReplicaEnd> {
        let Some(image) = self.image() else { return Vec::new() };
        let mut replicas = Vec::new();
        for (partition, registration) in image.partitions() {
            // What coordinators wrote is in the facts about groups.
            if partition.topic == TopicId::CONSUMER_OFFSETS {
                continue;
            }
            for broker in &registration.replicas {
                let Some(log) = self.computer(self.broker(*broker)).log(partition) else {
                    continue;
                };
                replicas.push(ReplicaEnd {
                    broker: *broker,
                    partition,
                    start: log.start(),
                    end: log.end(),
                    high_watermark: log.high_watermark(),
                    leads: registration.leader == Some(*broker),
                    in_isr: registration.isr.contains(*broker),
                    batches: log.batches().cloned().collect(),
                });
            }
        }
        replicas
    }
}

/// Lists all computers in order of their places.
fn node_ids(plan: &Plan) -> Vec<NodeId> {
    let brokers = plan.brokers.iter().map(|broker| NodeId::Broker(broker.id));
    // The operator's console is the client behind all others.
    let clients = (0..=plan.clients.len()).map(|client| NodeId::Client(ClientId(client as u16)));
    std::iter::once(NodeId::Controller(1)).chain(brokers).chain(clients).collect()
}

fn name_of(id: NodeId, plan: &Plan) -> Arc<str> {
    match id {
        NodeId::Controller(id) => format!("controller-{id}").into(),
        NodeId::Broker(id) => format!("broker-{id}").into(),
        NodeId::Client(id) => match plan.clients.get(usize::from(id.0)) {
            Some(client) => client.name.clone(),
            None => "console".into(),
        },
    }
}

/// Forks the random stream of the process on a computer.
pub(crate) fn node_stream(seed: u64, name: &str) -> Rng {
    Rng::fork(seed, &format!("node/{name}"))
}

/// Returns the name of the random stream of a computer's disk.
pub(crate) fn disk_stream(id: NodeId) -> String {
    match id {
        NodeId::Broker(id) => format!("disk/{id}"),
        NodeId::Controller(id) => format!("disk/controller-{id}"),
        NodeId::Client(id) => format!("disk/client-{id}"),
    }
}

fn store(group: &GroupPlan, seed: u64) -> Store {
    Store::new(group.handling.sink, group.name.clone(), seed)
}

fn computer(id: NodeId, name: Arc<str>, plan: &Plan) -> Computer {
    let own_disk = plan.brokers.iter().find(|broker| NodeId::Broker(broker.id) == id);
    let mut disk = own_disk.map_or(&plan.disk, |broker| &broker.disk).clone();
    // Mutant: nothing is ever flushed.
    if plan.rules.has(Mutant::FsyncLies) {
        disk.flush = FlushPolicy::Never;
    }
    let clock = plan.clocks.get(&id).copied().unwrap_or_default();
    Computer {
        id,
        rules: plan.rules,
        state: State::Unborn,
        power: Power::On,
        incarnation: 0,
        outbox: Outbox::new(id),
        rng: node_stream(plan.seed, &name),
        clock: Clock::new(plan.wall_clock, clock),
        disk: Disk::new(disk),
        departures: std::collections::VecDeque::new(),
        on_platter: BTreeMap::new(),
        name,
    }
}
