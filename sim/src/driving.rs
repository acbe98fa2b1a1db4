//! Drives the applications: when each begins, what it calls, what it is told.

use std::ops::ControlFlow;
use std::sync::Arc;

use model::client::admin::Wish;
use model::client::producer::Sending;
use model::fact::Fact;
use model::ids::{ClientId, NodeId, TopicId};
use model::log::batch::Record;
use model::message::cluster::{CreateTopicsRequest, NewTopic};
use model::time::{Duration, Time};
use model::turn::Returned;

use crate::apps::Work;
use crate::apps::polling::PollLoop;
use crate::apps::sending::NextSend;
use crate::members::Presence;
use crate::nodes::State;
use crate::plan::{ClientRole, Created, MemberPlan, Plan, ProducerPlan, Start};
use crate::queue::{Kind, Place};
use crate::world::{Existence, World};

/// Returns the plan of a client that sends.
fn send_loop(plan: &Plan, client: ClientId) -> &ProducerPlan {
    match &plan.clients[usize::from(client.0)].role {
        ClientRole::Producer(producer) => producer,
        ClientRole::Consumer(_) | ClientRole::Member(_) => {
            unreachable!("only producers have a send loop")
        }
    }
}

impl World {
    /// Has the topics created that exist from the start, once every broker may serve.
    pub(crate) fn create_first_topics(&mut self) {
        let is_active = |broker| self.image().is_some_and(|image| image.is_active(broker));
        if !self.plan.brokers.iter().all(|broker| is_active(broker.id)) {
            return;
        }
        let plan = Arc::clone(&self.plan);
        let first: Vec<TopicId> = (0..plan.topics.len())
            .filter(|topic| plan.topics[*topic].created == Created::AtStart)
            .filter(|topic| self.topics[*topic] == Existence::NotYet)
            .map(|topic| TopicId(topic as u16))
            .collect();
        if !first.is_empty() {
            self.create_topics(&first);
        }
    }

    /// Tells the operator's console to create topics.
    pub(crate) fn create_topics(&mut self, topics: &[TopicId]) {
        let plan = Arc::clone(&self.plan);
        let new = |id: &TopicId| {
            let topic = &plan.topics[usize::from(id.0)];
            let (name, layout) = (topic.name.clone(), topic.layout.clone());
            NewTopic { id: *id, name, layout, config: topic.config.clone() }
        };
        for topic in topics {
            self.topics[usize::from(topic.0)] = Existence::Asked;
        }
        let topics = topics.iter().map(new).collect();
        self.ask(Wish::CreateTopics(CreateTopicsRequest { topics }));
    }

    /// Lets an application go on at `at`, unless it does so earlier anyway.
    pub(crate) fn wake_application(&mut self, client: ClientId, at: Time) {
        let place = self.client(client);
        let earlier = self.queue.alarms.get(Kind::Application, place);
        let at = earlier.map_or(at, |earlier| earlier.min(at));
        self.queue.alarms.set(Kind::Application, place, Some(at));
    }

    /// Lets an application go on.
    pub(crate) fn on_application(&mut self, place: Place) {
        let NodeId::Client(client) = self.id(place) else {
            unreachable!("only clients have applications");
        };
        match (&self.computer(place).state, &self.plan.clients[usize::from(client.0)].role) {
            (State::Unborn, _) => {
                let plan = Arc::clone(&self.plan);
                self.give_birth(client, &plan.clients[usize::from(client.0)].role);
            }
            (State::Paused(..) | State::Down(_), _) => {}
            (State::Up(_), ClientRole::Producer(_)) => self.go_on_sending(client),
            (State::Up(_), ClientRole::Consumer(plan)) => {
                self.go_on_polling(client, plan.poll_timeout);
            }
            (State::Up(_), ClientRole::Member(member)) => self.go_on_working(client, member.group),
        }
    }

    /// Starts a client whose topics exist, at its time.
    fn give_birth(&mut self, client: ClientId, role: &ClientRole) {
        let start = match role {
            ClientRole::Producer(plan) => plan.start,
            ClientRole::Consumer(plan) => plan.start,
            ClientRole::Member(MemberPlan { start: Start::At(start), .. }) => *start,
            ClientRole::Member(MemberPlan { start: Start::ByStep, .. }) => Time::ZERO,
        };
        let exists = |topic: &TopicId| self.topics[usize::from(topic.0)] == Existence::Exists;
        if self.presence[usize::from(client.0)] != Presence::Expected
            || !self.awaited_topics(role).iter().all(exists)
        {
            return;
        }
        if self.now < start {
            self.wake_application(client, start);
            return;
        }
        self.start(self.client(client));
    }

    fn go_on_sending(&mut self, client: ClientId) {
        match self.apps[usize::from(client.0)].next_send(self.now) {
            NextSend::Now => self.send(client),
            NextSend::At(due) => self.wake_application(client, due),
            NextSend::Flush => {
                self.apps[usize::from(client.0)].flushed();
                self.turn(self.client(client), |process, turn| process.producer().flush(turn));
            }
            NextSend::Idle => {}
        }
    }

    fn send(&mut self, client: ClientId) {
        let (place, now) = (self.client(client), self.now);
        let uid = self.new_uid(send_loop(&self.plan, client).topic);
        let plan = send_loop(&self.plan, client);
        let app = &mut self.apps[usize::from(client.0)];
        let key = app.key();
        let first = app.sent(uid, plan.style, plan, now);
        let (topic, partition, value) = (plan.topic, plan.partition, Some(plan.value_bytes));
        let sending = self.computer_mut(place).turn(now, |process, turn| {
            let record = Record { uid, key, value, headers: 0, timestamp: turn.wall };
            process.producer().send(topic, partition, record, turn)
        });
        match sending {
            Some(Sending::Buffered) => self.note_facts(place),
            Some(Sending::Accepted) | None => self.after_turn(place),
            Some(Sending::Blocked) => {
                self.apps[usize::from(client.0)].blocked(uid);
                self.after_turn(place);
            }
        }
        if let Some(first) = first {
            self.note_fact(&Fact::SentAgain { client, uid, first });
        }
        self.plan_next_send(client);
    }

    /// Sets the time of the next call, if the application waits for nothing else.
    fn plan_next_send(&mut self, client: ClientId) {
        match self.apps[usize::from(client.0)].next_send(self.now) {
            NextSend::Now | NextSend::Flush => self.wake_application(client, self.now),
            NextSend::At(due) => self.wake_application(client, due),
            NextSend::Idle => {}
        }
    }

    fn go_on_polling(&mut self, client: ClientId, timeout: Duration) {
        let app = &mut self.apps[usize::from(client.0)];
        match &mut app.work {
            Work::Poll(polling @ PollLoop::Handling) => *polling = PollLoop::Polling,
            Work::Poll(PollLoop::Polling | PollLoop::Failed) => return,
            Work::Send(_) | Work::Member(_) => {
                unreachable!("a stand-alone consumer's application polls")
            }
        }
        self.with_consumer(client, |consumer, turn| consumer.poll(timeout, turn));
    }

    /// Tells an application what its client returned; breaks off if its process ends with that.
    pub(crate) fn on_returned(&mut self, place: Place, returned: Returned) -> ControlFlow<()> {
        let NodeId::Client(client) = self.id(place) else {
            panic!("only clients have applications");
        };
        let role = &self.plan.clients[usize::from(client.0)].role;
        match role {
            ClientRole::Producer(_) | ClientRole::Consumer(_) if returned == Returned::Closed => {
                self.exit(place);
                return ControlFlow::Break(());
            }
            ClientRole::Producer(_) | ClientRole::Consumer(_) | ClientRole::Member(_) => {}
        }
        let woken = self.apps[usize::from(client.0)].on_returned(returned, role, self.now);
        if let Some(at) = woken {
            self.wake_application(client, at);
        }
        ControlFlow::Continue(())
    }
}
