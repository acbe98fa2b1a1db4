//! Steps: what they do to the world, and how that is undone.

use std::sync::Arc;

use model::client::admin::Wish;
use model::ids::{ClientId, GroupId, NodeId, Offset, TopicId, TopicPartition};
use model::message::cluster::{AlterTopicRequest, ElectLeadersRequest};

use crate::apps::workers::Offsets;
use crate::disk::Trouble;
use crate::history::{Event, Fault, Phase};
use crate::members::{Presence, with_metadata};
use crate::network::{Cuts, EndState, Load, Side};
use crate::nodes::Process;
use crate::plan::{Action, Direction, GroupIndex, MessageRule, SeekTo, Selector, Shape};
use crate::queue::{Key, Kind, Place};
use crate::rules::ActiveRule;
use crate::script::Undo;
use crate::shape::Stream;
use crate::world::World;

impl World {
    /// Puts the steps that wait for nothing but time into the queue.
    pub(crate) fn schedule_steps(&mut self) {
        let plan = Arc::clone(&self.plan);
        for follow in self.script.begin(&plan) {
            self.queue.push(Key::script(follow.at, Kind::Step, follow.step));
        }
    }

    /// Fires a step, unless the time for faults is over.
    pub(crate) fn fire(&mut self, step: usize) {
        if self.phase != Phase::Faults {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let it = &plan.steps[step];
        self.note(Event::Step { step });
        let undo = self.act(step, &it.action);
        if let (Some(undo), Some(after)) = (undo, it.undo_after) {
            self.script.set_undo(step, undo);
            self.queue.push(Key::script(self.now + after, Kind::Undo, step));
        }
        if let Some(follow) = self.script.fired(step, &plan, self.now) {
            self.queue.push(Key::script(follow.at, Kind::Step, follow.step));
        }
    }

    /// Does what a step says; returns what undoes it.
    fn act(&mut self, step: usize, action: &Action) -> Option<Undo> {
        match action {
            Action::Crash(who) => return Some(Undo::Death(self.each(who, World::crash))),
            Action::Shutdown(who) => return Some(Undo::Death(self.each(who, World::shut_down))),
            Action::Pause(who) => return Some(Undo::Pause(self.each(who, World::pause))),
            Action::PowerLoss(who, unsynced) => {
                let hosts = self.victims(who);
                self.power_loss(&hosts, *unsynced);
                return Some(Undo::Death(hosts));
            }
            Action::Cut { from, to, direction } => return Some(self.cut(from, to, *direction)),
            Action::Slow { from, to, latency } => return Some(self.slow(from, to, *latency)),
            Action::Rule(rule) => return Some(self.set_rule(step, rule)),
            Action::DiskSlow(who, latency) => {
                return Some(self.trouble_disks(who, Trouble::Slow(*latency)));
            }
            Action::DiskStall(who) => return Some(self.trouble_disks(who, Trouble::Stalled)),
            Action::Restart(who) => _ = self.each(who, World::restart),
            Action::Resume(who) => _ = self.each(who, World::resume),
            Action::HealAll => self.heal_all(),
            Action::Heal(who) => self.heal(who),
            Action::Release => self.release(),
            Action::Reset(a, b) => self.reset(a, b),
            Action::ClockJump(who, by_micros) => self.set_clocks(who, *by_micros),
            Action::ClockDrift(who, ppm) => self.drift_clocks(who, *ppm),
            Action::Elect(partition, kind) => {
                let request = ElectLeadersRequest { kind: *kind, partitions: vec![*partition] };
                self.ask(Wish::ElectLeaders(request));
            }
            Action::CreateTopic(topic) => self.create_topics(&[*topic]),
            Action::AlterTopic(topic, config) => {
                let request = AlterTopicRequest { topic: *topic, config: config.clone() };
                self.ask(Wish::AlterTopic(request));
            }
            Action::Produce(client, records) => {
                self.apps[usize::from(client.0)].burst(*records);
                self.wake_application(*client, self.now);
            }
            Action::Join(who) => _ = self.each(who, World::join),
            Action::Leave(who) => _ = self.each(who, World::leave),
            Action::PollElsewhere(who) => _ = self.each(who, World::poll_elsewhere),
            Action::Wakeup(who) => _ = self.each(who, World::wakeup),
            Action::PauseFetching(who, partitions) => {
                for place in self.select(who) {
                    self.pause_fetching(place, partitions);
                }
            }
            Action::ResumeFetching(who, partitions) => {
                for place in self.select(who) {
                    self.resume_fetching(place, partitions);
                }
            }
            Action::CommitOffsets(order) => self.commit_offsets(order),
            Action::SeekToTime(client, time) => self.seek_to_time(*client, *time),
            Action::AddPartitions(topic, count) => self.add_partitions(*topic, *count),
            Action::DeleteRecords(partition, below) => self.delete_records(*partition, *below),
            Action::Seek(client, partition, to) => self.seek(*client, *partition, *to),
            Action::Mark(marker) => {
                if let Some(marker) = marker {
                    self.script.mark(marker.clone());
                }
                self.note_fault(Fault::Marked);
            }
        }
        None
    }

    /// Undoes a step whose time is over.
    pub(crate) fn undo(&mut self, step: usize) {
        if self.phase != Phase::Faults {
            return;
        }
        match self.script.take_undo(step) {
            None => {}
            Some(Undo::Cuts(links)) => {
                for (from, to) in links {
                    self.heal_link(from, to, Cuts::One);
                }
            }
            Some(Undo::Slow(links)) => {
                for (from, to) in links {
                    self.unslow_link(from, to);
                }
            }
            Some(Undo::Rule) => self.rules.retain(|rule| rule.step != step),
            Some(Undo::Pause(places)) => places.into_iter().for_each(|place| self.resume(place)),
            Some(Undo::Death(places)) => places.into_iter().for_each(|place| self.restart(place)),
            Some(Undo::Disks(places)) => {
                places.into_iter().for_each(|place| self.recover_disk(place));
            }
        }
    }

    /// Resolves selectors that name victims.
    ///
    /// # Panics
    /// If one of them names a controller that never fails.
    fn victims(&mut self, who: &[Selector]) -> Vec<Place> {
        let victims = self.select(who);
        for place in &victims {
            assert!(!self.is_beyond_harm(*place), "a plan does not hurt what never fails");
        }
        victims
    }

    fn each(&mut self, who: &[Selector], act: fn(&mut World, Place)) -> Vec<Place> {
        let places = self.victims(who);
        for place in &places {
            act(self, *place);
        }
        places
    }

    /// Starts a process that is down; one that has never begun waits for its own time.
    fn restart(&mut self, place: Place) {
        if self.computer(place).is_down() {
            if let NodeId::Client(client) = self.id(place) {
                self.presence[usize::from(client.0)] = Presence::Expected;
            }
            self.start(place);
        }
    }

    // -- Network --

    /// Lists the links from each of one set to each of another.
    fn links(&mut self, from: &[Selector], to: &[Selector]) -> Vec<(Place, Place)> {
        let from = self.select(from);
        let to = self.select_or_rest(to, &from);
        let mut links = Vec::new();
        for a in &from {
            let harmed =
                |b: &&Place| a != *b && !self.is_beyond_harm(*a) && !self.is_beyond_harm(**b);
            links.extend(to.iter().filter(harmed).map(|b| (*a, *b)));
        }
        links
    }

    fn links_both_ways(&mut self, from: &[Selector], to: &[Selector]) -> Vec<(Place, Place)> {
        let mut both: Vec<(Place, Place)> = Vec::new();
        for (a, b) in self.links(from, to) {
            for link in [(a, b), (b, a)] {
                if !both.contains(&link) {
                    both.push(link);
                }
            }
        }
        both
    }

    fn cut(&mut self, from: &[Selector], to: &[Selector], direction: Direction) -> Undo {
        let links = match direction {
            Direction::Both => self.links_both_ways(from, to),
            Direction::OneWay => self.links(from, to),
        };
        for (from, to) in &links {
            if self.network.cut(*from, *to, self.now) {
                self.note_fault(Fault::LinkCut { from: self.id(*from), to: self.id(*to) });
            }
        }
        Undo::Cuts(links)
    }

    fn heal_link(&mut self, from: Place, to: Place, cuts: Cuts) {
        if self.network.heal(from, to, cuts, self.now, &mut self.queue) {
            self.note_fault(Fault::LinkHealed { from: self.id(from), to: self.id(to) });
        }
    }

    fn slow(&mut self, from: &[Selector], to: &[Selector], latency: Shape) -> Undo {
        let links = self.links_both_ways(from, to);
        for (from, to) in &links {
            self.network.slow(*from, *to, latency);
            self.note_fault(Fault::LinkSlow { from: self.id(*from), to: self.id(*to) });
        }
        Undo::Slow(links)
    }

    fn unslow_link(&mut self, from: Place, to: Place) {
        if self.network.unslow(from, to) {
            self.note_fault(Fault::LinkUsual { from: self.id(from), to: self.id(to) });
        }
    }

    fn set_rule(&mut self, step: usize, rule: &MessageRule) -> Undo {
        let (from, to) = (self.select(&rule.from), self.select(&rule.to));
        let MessageRule { fate, kind, skip, times, share_millionths, .. } = *rule;
        // Selectors that name nobody just then must not mean anybody.
        let names_nobody = (!rule.from.is_empty() && from.is_empty())
            || (!rule.to.is_empty() && to.is_empty())
            || times == Some(0);
        if !names_nobody {
            let luck = Stream::default();
            let rule =
                ActiveRule { step, fate, kind, from, to, skip, times, share_millionths, luck };
            self.rules.push(rule);
        }
        Undo::Rule
    }

    fn release(&mut self) {
        let messages = self.network.release(self.now, &mut self.queue);
        if 0 < messages {
            self.note_fault(Fault::Released { messages });
        }
    }

    /// Undoes cuts, slow links, rules and the trouble of disks everywhere.
    pub(crate) fn heal_all(&mut self) {
        self.rules.clear();
        let all: Vec<Place> = (0..self.computers.len() as u16).map(Place).collect();
        for from in &all {
            for to in &all {
                self.heal_link(*from, *to, Cuts::All);
                self.unslow_link(*from, *to);
            }
        }
        self.release();
        for place in all {
            self.recover_disk(place);
        }
    }

    fn heal(&mut self, who: &[Selector]) {
        let all: Vec<Place> = (0..self.computers.len() as u16).map(Place).collect();
        for place in self.select(who) {
            for other in &all {
                for (from, to) in [(place, *other), (*other, place)] {
                    self.heal_link(from, to, Cuts::All);
                    self.unslow_link(from, to);
                }
            }
        }
    }

    fn reset(&mut self, a: &[Selector], b: &[Selector]) {
        let a = self.select(a);
        let b = self.select_or_rest(b, &a);
        for place in a {
            for (connection, side) in self.network.ends_at(place) {
                let it = self.network.connection(connection);
                let is_open = it.end(side).state == EndState::Open;
                if !is_open || !b.contains(&it.place(side.other())) {
                    continue;
                }
                self.note_fault(Fault::Reset(it.id));
                for to in [Side::Client, Side::Server] {
                    let packet = self.network.packet(connection, to, self.now, Load::Closed);
                    self.network.inject(packet, self.now, &mut self.queue);
                }
            }
        }
    }

    // -- Clocks and disks --

    fn set_clocks(&mut self, who: &[Selector], by_micros: i64) {
        for place in self.select(who) {
            self.computer_mut(place).clock.jump(by_micros);
            let node = self.id(place);
            self.note_fault(Fault::ClockJumped { node, by_micros });
        }
    }

    fn drift_clocks(&mut self, who: &[Selector], ppm: i64) {
        for place in self.select(who) {
            let now = self.now;
            self.computer_mut(place).clock.drift(ppm, now);
            let node = self.id(place);
            self.note_fault(Fault::ClockDrifts { node, ppm });
        }
    }

    fn trouble_disks(&mut self, who: &[Selector], trouble: Trouble) -> Undo {
        let places = self.victims(who);
        for place in &places {
            let node = self.id(*place);
            self.computer_mut(*place).disk.trouble = Some(trouble);
            self.note_fault(match trouble {
                Trouble::Slow(_) => Fault::DiskSlow(node),
                Trouble::Stalled => Fault::DiskStalled(node),
            });
        }
        Undo::Disks(places)
    }

    /// Lets a disk work as usual again; what waits for it need not wait any longer.
    fn recover_disk(&mut self, place: Place) {
        let now = self.now;
        let computer = self.computer_mut(place);
        if computer.disk.trouble.is_none() {
            return;
        }
        computer.disk.recover(now);
        for departure in &mut computer.departures {
            departure.at = departure.at.min(now);
        }
        self.note_fault(Fault::DiskUsual(self.id(place)));
        self.on_departure(place);
    }

    // -- Clients --

    pub(crate) fn ask(&mut self, wish: Wish) {
        let console = self.console();
        self.turn(console, |process, turn| match process {
            Process::Admin(admin) => admin.ask(wish, turn),
            _ => unreachable!("the console runs an admin client"),
        });
    }

    fn add_partitions(&mut self, topic: TopicId, count: u16) {
        self.ask(Wish::CreatePartitions { topic, count });
    }

    fn delete_records(&mut self, partition: TopicPartition, below: Offset) {
        self.ask(Wish::DeleteRecords { partition, below });
    }

    pub(crate) fn commit_as_operator(&mut self, group: GroupIndex, offsets: &Offsets) {
        let group = GroupId(self.group(group).name.clone());
        let offsets = with_metadata(offsets);
        self.ask(Wish::CommitOffsets { group, offsets });
    }

    fn seek(&mut self, client: ClientId, partition: TopicPartition, to: SeekTo) {
        let place = self.client(client);
        let sought = self.turn(place, |process, turn| {
            let consumer = process.consumer();
            match to {
                SeekTo::Beginning => consumer.seek_to_beginning(&[partition], turn),
                SeekTo::End => consumer.seek_to_end(&[partition], turn),
                SeekTo::Offset(offset) => consumer.seek(partition, offset, turn),
            }
        });
        if sought == Some(Ok(())) && self.apps[usize::from(client.0)].revive() {
            self.wake_application(client, self.now);
        }
    }
}
