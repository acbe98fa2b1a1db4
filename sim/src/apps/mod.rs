//! Applications: they drive clients as user code would.
//!
//! In reading order: [`sending`] (a send loop), [`polling`] (poll loops, stand-alone and of a
//! group's member), [`handling`] (the work on one record), [`workers`] (who else works),
//! [`sink`] (where results go).

pub(crate) mod handling;
pub(crate) mod polling;
pub(crate) mod sending;
pub(crate) mod sink;
pub(crate) mod workers;

use std::sync::Arc;

use model::ids::{ClientId, Key, Uid};
use model::time::{Duration, Time};
use model::turn::Returned;

use crate::apps::polling::{MemberLoop, PollLoop, Thrown};
use crate::apps::sending::{NextSend, SendLoop};
use crate::plan::{ClientRole, ConsumerPlan, Handling, OnFailure, Plan, ProducerPlan, SendStyle};
use crate::shape::Stream;

/// An application with one client.
#[derive(Clone, Debug)]
pub(crate) struct App {
    client: ClientId,
    name: Arc<str>,
    seed: u64,
    stream: Stream,
    pub(crate) work: Work,
}

/// What an application does.
#[derive(Clone, Debug)]
pub(crate) enum Work {
    Send(SendLoop),
    Poll(PollLoop),
    Member(Box<MemberLoop>),
}

impl App {
    pub(crate) fn new(client: ClientId, plan: &Plan) -> App {
        let (it, seed) = (&plan.clients[usize::from(client.0)], plan.seed);
        let work = match &it.role {
            ClientRole::Producer(producer) => Work::Send(SendLoop::new(producer)),
            ClientRole::Consumer(_) => Work::Poll(PollLoop::Handling),
            ClientRole::Member(_) => {
                Work::Member(Box::new(MemberLoop::new(client, it.name.clone(), seed)))
            }
        };
        App { client, name: it.name.clone(), seed, stream: Stream::default(), work }
    }

    /// Draws what comes from another seed's streams.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.seed = seed;
        match &mut self.work {
            Work::Send(_) | Work::Poll(_) => {}
            Work::Member(member) => member.reseed(seed),
        }
    }

    /// The application's process has begun, again perhaps.
    pub(crate) fn restart(&mut self) {
        match &mut self.work {
            Work::Send(sending) => sending.restart(),
            Work::Poll(polling) => *polling = PollLoop::Handling,
            Work::Member(member) => member.restart(),
        }
    }

    /// Wants so many records sent at once.
    pub(crate) fn burst(&mut self, records: u32) {
        match &mut self.work {
            Work::Send(sending) => sending.burst(records),
            Work::Poll(_) | Work::Member(_) => panic!("a consumer produces nothing"),
        }
    }

    /// Decides what a send loop does at `now`.
    ///
    /// # Panics
    /// If this is a poll loop.
    pub(crate) fn next_send(&mut self, now: Time) -> NextSend {
        self.sending().next(now)
    }

    /// Chooses the key of the next record.
    pub(crate) fn key(&mut self) -> Option<Key> {
        let Work::Send(sending) = &mut self.work else { panic!("a poll loop sends nothing") };
        sending.key(self.seed, &self.name)
    }

    /// `send()` is called for this record at `now`; returns as what its line was sent first,
    /// if it was sent before.
    pub(crate) fn sent(
        &mut self,
        uid: Uid,
        style: SendStyle,
        plan: &ProducerPlan,
        now: Time,
    ) -> Option<Uid> {
        let pause = match plan.every.fixed() {
            Some(pause) => pause,
            None => {
                let name = &self.name;
                plan.every.draw(self.stream.get(self.seed, || format!("app/{name}")))
            }
        };
        self.sending().sent(uid, style, now + pause)
    }

    /// That `send()` has not returned yet.
    pub(crate) fn blocked(&mut self, uid: Uid) {
        self.sending().blocked(uid);
    }

    /// A call of the consumer throws: a stand-alone poll loop ends, until somebody moves the
    /// position, unless it was only woken.
    pub(crate) fn on_thrown(&mut self, thrown: Thrown) {
        match &mut self.work {
            Work::Poll(polling) => polling.on_thrown(thrown),
            Work::Member(member) => member.on_thrown(thrown),
            Work::Send(_) => {}
        }
    }

    /// Somebody moved the position; says whether the poll loop begins again by that.
    pub(crate) fn revive(&mut self) -> bool {
        match &mut self.work {
            Work::Poll(polling @ PollLoop::Failed) => {
                *polling = PollLoop::Handling;
                true
            }
            Work::Poll(PollLoop::Handling | PollLoop::Polling)
            | Work::Send(_)
            | Work::Member(_) => false,
        }
    }

    /// `flush()` is called.
    pub(crate) fn flushed(&mut self) {
        self.sending().flushed();
    }

    /// Takes in what the client returned; says when the application goes on, if it does by that.
    pub(crate) fn on_returned(
        &mut self,
        returned: Returned,
        plan: &ClientRole,
        now: Time,
    ) -> Option<Time> {
        match (&mut self.work, plan, returned) {
            (Work::Send(sending), ClientRole::Producer(plan), returned) => {
                sending.on_returned(&returned, plan.style).then_some(now)
            }
            (Work::Member(member), _, returned) => {
                member.on_returned(returned);
                Some(now)
            }
            (Work::Poll(PollLoop::Failed), _, _) => None,
            (Work::Poll(polling), ClientRole::Consumer(plan), Returned::Polled(_)) => {
                *polling = PollLoop::Handling;
                Some(now + self.handling_time(plan))
            }
            // Woken by `wakeup()`: it polls again.
            (Work::Poll(PollLoop::Handling), _, Returned::Threw) => Some(now),
            _ => None,
        }
    }

    /// Returns a member's application.
    ///
    /// # Panics
    /// If this is none.
    pub(crate) fn member(&mut self) -> &mut MemberLoop {
        match &mut self.work {
            Work::Member(member) => member,
            Work::Send(_) | Work::Poll(_) => panic!("{:?} is in no group", self.client),
        }
    }

    fn sending(&mut self) -> &mut SendLoop {
        match &mut self.work {
            Work::Send(sending) => sending,
            Work::Poll(_) | Work::Member(_) => panic!("a poll loop sends nothing"),
        }
    }

    fn handling_time(&mut self, plan: &ConsumerPlan) -> Duration {
        let name = &self.name;
        plan.takes.fixed().unwrap_or_else(|| {
            plan.takes.draw(self.stream.get(self.seed, || format!("app/{name}")))
        })
    }
}

/// Says whether an application that handles records so has a producer beside its consumer.
pub(crate) fn has_producer(handling: &Handling) -> bool {
    matches!(handling.on_failure, OnFailure::DeadLetter { .. }) || handling.output.is_some()
}
