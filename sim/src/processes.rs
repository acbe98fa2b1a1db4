//! Lives and deaths of processes: start, crash, power cut, pause, orderly end.

use std::collections::VecDeque;

use model::broker::{Broker, BrokerDisk, BrokerSetup};
use model::client::admin::Admin;
use model::client::consumer::Consumer;
use model::client::producer::Producer;
use model::controller::Controller;
use model::fact::Fact;
use model::ids::{BrokerId, ClientId, Incarnation, NodeId, TopicPartition, Uid};

use crate::history::{Fault, Phase};
use crate::members::Presence;
use crate::network::{EndState, Load, Network};
use crate::nodes::{Power, Process, Remains, State};
use crate::plan::{ClientRole, ConsumerPlan, Unsynced};
use crate::queue::{Kind, Place};
use crate::world::{CONTROLLER, World, disk_stream};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// Its host lives on and tells its peers.
    Process,
    /// Nothing answers any more.
    Host,
}

impl World {
    /// Starts the cluster; clients begin when their topics exist.
    pub(crate) fn begin(&mut self) {
        for place in 0..=self.plan.brokers.len() {
            self.start(Place(place as u16));
        }
        let console = self.console();
        let brokers = self.plan.brokers.iter().map(|broker| broker.id).collect();
        let admin = Admin::new(self.id(CONTROLLER), brokers);
        self.computer_mut(console).state = State::Up(Box::new(Process::Admin(admin)));
        self.start_those_who_await_nothing();
        self.schedule_steps();
    }

    fn start_those_who_await_nothing(&mut self) {
        let plan = std::sync::Arc::clone(&self.plan);
        for (client, it) in (0..).map(ClientId).zip(&plan.clients) {
            if self.awaited_topics(&it.role).is_empty() {
                self.wake_application(client, self.now);
            }
        }
    }

    /// Starts a process that does not run.
    pub(crate) fn start(&mut self, place: Place) {
        let computer = self.computer_mut(place);
        let remains = match std::mem::replace(&mut computer.state, State::Unborn) {
            State::Unborn => Remains::Nothing,
            State::Down(remains) => remains,
            running @ (State::Up(_) | State::Paused(..)) => {
                computer.state = running;
                return;
            }
        };
        computer.incarnation += 1;
        let (node, incarnation, power) = (computer.id, computer.incarnation, computer.power);
        computer.power = Power::On;
        let process = self.process(place, incarnation, remains);
        self.computer_mut(place).state = State::Up(Box::new(process));
        if power == Power::Off {
            self.answer_again(place);
        }
        self.note_fault(Fault::Started { node, incarnation });
        self.turn(place, |process, turn| process.on_start(turn));
        if let NodeId::Client(client) = node {
            self.apps[usize::from(client.0)].restart();
            self.subscribe(client);
            self.wake_application(client, self.now);
        }
    }

    fn process(&self, place: Place, incarnation: u32, remains: Remains) -> Process {
        let plan = &self.plan;
        match self.id(place) {
            NodeId::Controller(id) => {
                let config = plan.controller.config.clone();
                Process::Controller(match remains {
                    Remains::Controller(log, _) => Controller::restart(id, config, plan.rules, log),
                    Remains::Broker(_) | Remains::Nothing => {
                        Controller::new(id, config, plan.rules)
                    }
                })
            }
            NodeId::Broker(id) => {
                let broker = &plan.brokers[place.index() - 1];
                let setup = BrokerSetup {
                    id,
                    incarnation: Incarnation(incarnation),
                    rack: broker.rack.clone(),
                    config: broker.config.clone(),
                    log_defaults: broker.log_defaults.clone(),
                    rules: plan.rules,
                    controller: self.id(CONTROLLER),
                    session_timeout: plan.controller.config.session_timeout,
                };
                let disk = match remains {
                    Remains::Broker(disk) => disk,
                    Remains::Controller(..) | Remains::Nothing => BrokerDisk::default(),
                };
                Process::Broker(Box::new(Broker::new(setup, disk)))
            }
            NodeId::Client(id) => self.client_process(id),
        }
    }

    fn client_process(&self, id: ClientId) -> Process {
        let bootstrap: Vec<BrokerId> = self.plan.brokers.iter().map(|broker| broker.id).collect();
        match &self.plan.clients[usize::from(id.0)].role {
            ClientRole::Producer(plan) => {
                let producer = Producer::new(id, plan.config.clone(), bootstrap);
                Process::Producer(producer.expect("the plan's settings have been checked"))
            }
            ClientRole::Member(member) => self.member_process(id, member, bootstrap),
            ClientRole::Consumer(plan) => {
                let assignment = self.assignment(plan);
                let client = &self.plan.clients[usize::from(id.0)];
                let mut consumer =
                    Consumer::new(id, client.name.clone(), plan.config.clone(), bootstrap);
                consumer.assign(assignment);
                Process::Consumer(consumer)
            }
        }
    }

    fn assignment(&self, plan: &ConsumerPlan) -> Vec<TopicPartition> {
        let topic = plan.topic;
        let count = self
            .image()
            .and_then(|image| image.topics.get(&topic))
            .map_or(0, |image| image.partitions.len() as u16);
        match plan.partition {
            Some(partition) => vec![TopicPartition { topic, partition }],
            None => (0..count).map(|partition| TopicPartition { topic, partition }).collect(),
        }
    }

    /// Resets the connections on which peers have been talking to a host without power.
    fn answer_again(&mut self, place: Place) {
        let now = self.now;
        for (connection, side) in self.network.ends_at(place) {
            let end = self.network.connection_mut(connection).end_mut(side);
            let Some(since) = end.unanswered_since.take() else { continue };
            let left = Network::next_repeat(since, now);
            let packet = self.network.packet(connection, side.other(), left, Load::Closed);
            self.network.send(packet, model::time::Duration::ZERO, &mut self.queue);
        }
    }

    /// Kills a process; the host resets its connections.
    pub(crate) fn crash(&mut self, place: Place) {
        if self.computer(place).process().is_none() {
            return;
        }
        self.abandon(place);
        self.note_fault(Fault::Crashed(self.id(place)));
        self.end(place, Death::Process);
        self.last_crashed = Some(place);
    }

    /// Cuts the power of hosts at one instant.
    pub(crate) fn power_loss(&mut self, places: &[Place], unsynced: Unsynced) {
        for place in places {
            let computer = self.computer(*place);
            if computer.power == Power::Off || matches!(computer.state, State::Unborn) {
                continue;
            }
            self.abandon(*place);
            self.note_fault(Fault::PowerLost(self.id(*place)));
            self.end(*place, Death::Host);
            self.computer_mut(*place).power = Power::Off;
            self.lose_unsynced(*place, unsynced);
            self.last_crashed = Some(*place);
        }
    }

    /// Takes from the disk what was only in the page cache.
    fn lose_unsynced(&mut self, place: Place, unsynced: Unsynced) {
        let (now, seed) = (self.now, self.plan.seed);
        let computer = &mut self.computers[place.index()];
        let (State::Down(Remains::Broker(remains)), NodeId::Broker(broker)) =
            (&mut computer.state, computer.id)
        else {
            return;
        };
        let (disk, on_platter) = (&mut computer.disk, &mut computer.on_platter);
        let mut losses = Vec::new();
        for (partition, log) in &mut remains.logs {
            let old = on_platter.get(partition).copied().unwrap_or_default();
            let name = || disk_stream(NodeId::Broker(broker));
            let (from, to) =
                (log.end(), disk.end_after_power_loss(log, old, unsynced, now, seed, name));
            if to < from {
                log.cut_at(to);
                losses.push(Fault::UnsyncedLost { broker, partition: *partition, from, to });
            }
            on_platter.insert(*partition, to);
        }
        for loss in losses {
            self.note_fault(loss);
        }
    }

    /// Ends a process of its own accord, its files closed in order.
    pub(crate) fn exit(&mut self, place: Place) {
        self.abandon(place);
        self.end(place, Death::Process);
        let computer = &mut self.computers[place.index()];
        if let State::Down(Remains::Broker(disk)) = &computer.state {
            computer.on_platter =
                disk.logs.iter().map(|(partition, log)| (*partition, log.end())).collect();
        }
        let node = computer.id;
        self.note_fault(Fault::Exited(node));
        match self.phase {
            // Whoever ends during the settle phase was asked to before it, or is started again
            // by those who look after it.
            Phase::Settle if !self.is_away(place) => self.start(place),
            Phase::Faults | Phase::Settle | Phase::End => {}
        }
    }

    /// Says whether a process is one that was told to leave.
    fn is_away(&self, place: Place) -> bool {
        let NodeId::Client(client) = self.id(place) else { return false };
        self.presence.get(usize::from(client.0)) == Some(&Presence::Away)
    }

    /// Writes down what a dying producer has not learned the outcome of.
    fn abandon(&mut self, place: Place) {
        let NodeId::Client(client) = self.id(place) else { return };
        let uids: Vec<Uid> = match self.computer(place).process() {
            Some(Process::Producer(producer)) => producer.undecided(),
            Some(Process::Worker(worker)) => worker.producer.undecided(),
            _ => return,
        };
        if !uids.is_empty() {
            self.note_fact(&Fact::Abandoned { client, uids: uids.into() });
        }
    }

    fn end(&mut self, place: Place, death: Death) {
        let computer = self.computer_mut(place);
        computer.state = match std::mem::replace(&mut computer.state, State::Unborn) {
            State::Up(process) | State::Paused(process, _) => State::Down(process.into_remains()),
            not_running @ (State::Unborn | State::Down(_)) => not_running,
        };
        computer.departures.clear();
        computer.disk.stop();
        self.queue.alarms.set(Kind::Departure, place, None);
        self.queue.alarms.set(Kind::Deadline, place, None);
        for (connection, side) in self.network.ends_at(place) {
            let ends = self.network.connection_mut(connection);
            let heading = ends.heading(side.other());
            let end = ends.end_mut(side);
            end.departing = 0;
            let was = std::mem::replace(&mut end.state, EndState::Closed);
            if death == Death::Process && was == EndState::Open {
                self.put_on_wire(heading, Load::Closed);
            }
            self.network.forget_if_over(connection);
        }
    }

    /// Freezes a process.
    pub(crate) fn pause(&mut self, place: Place) {
        let computer = self.computer_mut(place);
        match std::mem::replace(&mut computer.state, State::Unborn) {
            State::Up(process) => {
                computer.state = State::Paused(process, VecDeque::new());
                let node = computer.id;
                self.note_fault(Fault::Paused(node));
            }
            other @ (State::Unborn | State::Paused(..) | State::Down(_)) => computer.state = other,
        }
    }

    /// Lets a frozen process go on: first with what has arrived, then with what is overdue.
    pub(crate) fn resume(&mut self, place: Place) {
        let computer = self.computer_mut(place);
        let inbox = match std::mem::replace(&mut computer.state, State::Unborn) {
            State::Paused(process, inbox) => {
                computer.state = State::Up(process);
                inbox
            }
            other @ (State::Unborn | State::Up(_) | State::Down(_)) => {
                computer.state = other;
                return;
            }
        };
        let (node, incarnation) = (computer.id, computer.incarnation);
        self.note_fault(Fault::Resumed(node));
        self.on_departure(place);
        for inbound in inbox {
            // It may have ended, or ended and begun again, by what it read.
            if self.computer(place).incarnation == incarnation {
                self.turn(place, |process, turn| process.take_in(inbound, turn));
            }
        }
        self.catch_up_deadline(place);
        if let NodeId::Client(client) = node
            && self.queue.alarms.get(Kind::Application, place).is_none()
        {
            self.wake_application(client, self.now);
        }
    }

    /// Asks a process to end in order.
    pub(crate) fn shut_down(&mut self, place: Place) {
        if let NodeId::Client(client) = self.id(place)
            && self.member(client).is_some()
        {
            return self.ask_to_end(place, client);
        }
        if !self.computer(place).is_up() {
            return;
        }
        self.note_fault(Fault::ShutdownAsked(self.id(place)));
        self.turn(place, |process, turn| match process {
            Process::Broker(broker) => broker.shut_down(turn),
            Process::Producer(producer) => producer.close(turn),
            Process::Consumer(consumer) => consumer.close(turn),
            // A single voter has nobody to hand over to: it just ends.
            Process::Controller(_) | Process::Admin(_) => turn.exit(),
            Process::Worker(_) => unreachable!("members are asked through their application"),
        });
    }

    /// Ends the faults: everything is healed, resumed and started.
    pub(crate) fn settle(&mut self) {
        self.heal_all();
        let all = (0..self.computers.len() as u16).map(Place);
        for place in
            all.clone().filter(|place| self.computer(*place).is_paused()).collect::<Vec<_>>()
        {
            self.resume(place);
        }
        let is_wanted = |place: &Place| self.computer(*place).is_down() && !self.is_away(*place);
        for place in all.filter(is_wanted).collect::<Vec<_>>() {
            self.start(place);
        }
    }
}
