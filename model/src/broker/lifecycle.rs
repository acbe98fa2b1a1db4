//! A broker's life: register, recover, be unfenced, run, leave in order.
//!
//! Source: `BrokerLifecycleManager`, `BrokerServer`, Kafka 4.0.

use crate::broker::Broker;
use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::fact::Fact;
use crate::ids::{BrokerEpoch, MetadataOffset, NodeId};
use crate::message::cluster::{HeartbeatRequest, HeartbeatState, RegisterRequest};
use crate::message::{Request, Response};
use crate::time::{Duration, Time, earliest};
use crate::turn::Turn;

/// Pause between the heartbeats of a broker that is starting.
const BEAT_SOON: Duration = Duration::from_millis(10);
/// Pause after the first heartbeat that asked for a shutdown.
const BEAT_LEAVING: Duration = Duration::from_millis(50);
/// How long a controlled shutdown may take before the broker leaves anyway.
const SHUTDOWN_MAX: Duration = Duration::from_secs(300);

/// Where a broker is in its life, and its channel for saying so.
#[derive(Clone, Debug, PartialEq)]
pub struct Lifecycle {
    /// The connection to the controller.
    pub channel: Channel<Said>,
    /// The stage.
    pub stage: Stage,
    /// This life's registration.
    pub epoch: Option<BrokerEpoch>,
    /// When to speak next.
    next_word: Option<Time>,
    /// Refused registrations so far.
    refusals: u32,
}

/// The stages of a broker's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It asks the controller for a registration.
    Registering {
        /// Since when.
        since: Time,
    },
    /// It reads the metadata up to its own registration.
    CatchingUp,
    /// Its logs are ready; it asks to be unfenced.
    Recovered,
    /// It serves.
    Running,
    /// It waits until it leads nothing.
    Leaving {
        /// Since when.
        since: Time,
        /// Whether the controller has answered since.
        heard: bool,
    },
}

/// What was said to the controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A registration.
    Register,
    /// A heartbeat.
    Beat,
}

impl Lifecycle {
    /// Begins a life.
    pub fn new(controller: NodeId) -> Lifecycle {
        let constant = |millis| {
            let pause = Duration::from_millis(millis);
            Backoff { first: pause, max: pause }
        };
        let config =
            ChannelConfig { reconnect: constant(50), setup: constant(10_000), in_flight_max: 1 };
        Lifecycle {
            channel: Channel::new(controller, config),
            stage: Stage::Registering { since: Time::ZERO },
            epoch: None,
            next_word: None,
            refusals: 0,
        }
    }

    /// Returns when there is something to do.
    pub fn next_deadline(&self) -> Option<Time> {
        let can_speak = self.channel.in_flight() == 0 && !self.channel.is_connecting();
        let reconnect = self.channel.reconnect_at().unwrap_or(Time::ZERO);
        let word = self.next_word.filter(|_| can_speak).map(|at| at.max(reconnect));
        let leave = match self.stage {
            Stage::Leaving { since, .. } => Some(since + SHUTDOWN_MAX),
            _ => None,
        };
        earliest([word, leave, self.channel.next_deadline()])
    }
}

impl Broker {
    /// Opens the channel to the controller and registers as soon as it is open.
    pub(super) fn begin_life(&mut self, turn: &mut Turn<'_>) {
        self.lifecycle.stage = Stage::Registering { since: turn.now };
        self.lifecycle.next_word = Some(turn.now);
        self.speak(turn);
    }

    /// Leaves in order: leaderships first, then the process.
    pub fn shut_down(&mut self, turn: &mut Turn<'_>) {
        let unregistered = self.lifecycle.epoch.is_none();
        if unregistered || !self.setup.config.controlled_shutdown_enable {
            self.leave(turn);
            return;
        }
        self.lifecycle.stage = Stage::Leaving { since: turn.now, heard: false };
        self.lifecycle.next_word = Some(turn.now);
        self.speak(turn);
    }

    /// The broker's metadata has reached its own registration.
    pub(super) fn on_caught_up(&mut self, turn: &mut Turn<'_>) {
        self.lifecycle.next_word = Some(turn.now);
        self.speak(turn);
    }

    /// Says what is due: a registration or a heartbeat; gives up a life that cannot begin.
    pub(super) fn speak(&mut self, turn: &mut Turn<'_>) {
        match self.lifecycle.stage {
            Stage::Registering { since }
                if self.setup.config.initial_registration_timeout < turn.now - since =>
            {
                turn.exit();
                return;
            }
            Stage::Leaving { since, .. } if SHUTDOWN_MAX <= turn.now - since => {
                self.leave(turn);
                return;
            }
            _ => {}
        }
        let lifecycle = &mut self.lifecycle;
        if lifecycle.next_word.is_none_or(|at| turn.now < at) {
            return;
        }
        if !lifecycle.channel.is_open() {
            lifecycle.channel.connect(turn);
            return;
        }
        if !lifecycle.channel.is_ready() {
            return;
        }
        // Kafka gives a heartbeat half a session, so that a lost one can be repeated in time.
        let timeout = Duration(self.setup.session_timeout.0 / 2);
        lifecycle.next_word = None;
        let Some(epoch) = lifecycle.epoch else {
            let (broker, incarnation) = (self.setup.id, self.setup.incarnation);
            let rack = self.setup.rack.clone();
            let request = RegisterRequest { broker, incarnation, rack };
            let request = Request::BrokerRegistration(request);
            lifecycle.channel.send(request, timeout, Said::Register, turn);
            return;
        };
        let request = HeartbeatRequest {
            broker: self.setup.id,
            epoch,
            metadata_offset: self.image.next.0.checked_sub(1).map(MetadataOffset),
            want_fence: lifecycle.stage == Stage::CatchingUp,
            want_shutdown: matches!(lifecycle.stage, Stage::Leaving { .. }),
        };
        let request = Request::BrokerHeartbeat(request);
        lifecycle.channel.send(request, timeout, Said::Beat, turn);
    }

    /// Takes in the controller's answers.
    pub(super) fn on_lifecycle_event(&mut self, event: ChannelEvent<Said>, turn: &mut Turn<'_>) {
        match event {
            ChannelEvent::Ready => {}
            ChannelEvent::Lost(_) => {
                let waits = self.lifecycle.stage == Stage::CatchingUp && !self.is_caught_up();
                self.lifecycle.next_word = (!waits).then_some(turn.now);
            }
            ChannelEvent::Response(_, Response::BrokerRegistration(reply)) => match reply.epoch {
                Ok(epoch) => {
                    self.lifecycle.epoch = Some(epoch);
                    self.lifecycle.stage = Stage::CatchingUp;
                    if self.is_caught_up() {
                        self.publish(turn);
                        self.on_caught_up(turn);
                    }
                }
                Err(_) => {
                    let backoff = Backoff {
                        first: Duration::from_millis(100),
                        max: self.setup.session_timeout,
                    };
                    let pause = backoff.pause(self.lifecycle.refusals, turn.rng);
                    self.lifecycle.refusals += 1;
                    self.lifecycle.next_word = Some(turn.now + pause);
                }
            },
            ChannelEvent::Response(_, Response::BrokerHeartbeat(reply)) => match reply.state {
                Ok(state) => self.on_heartbeat_state(state, turn),
                Err(_) => {
                    self.lifecycle.next_word =
                        Some(turn.now + self.setup.config.heartbeat_interval);
                }
            },
            ChannelEvent::Response(..) => {}
        }
        self.speak(turn);
    }

    fn on_heartbeat_state(&mut self, state: HeartbeatState, turn: &mut Turn<'_>) {
        let interval = self.setup.config.heartbeat_interval;
        let pause = match self.lifecycle.stage {
            Stage::CatchingUp if state.is_caught_up => {
                self.lifecycle.stage = Stage::Recovered;
                turn.note(Fact::BrokerRecovered { broker: self.setup.id });
                BEAT_SOON
            }
            Stage::Recovered if !state.is_fenced => {
                self.lifecycle.stage = Stage::Running;
                interval
            }
            Stage::CatchingUp => BEAT_SOON,
            Stage::Leaving { .. } if state.should_shut_down => {
                self.leave(turn);
                return;
            }
            Stage::Leaving { since, heard: false } => {
                self.lifecycle.stage = Stage::Leaving { since, heard: true };
                BEAT_LEAVING
            }
            // Simplified: a running broker that learns that it was fenced does nothing
            // special in Kafka either; its next heartbeat unfences it.
            Stage::Registering { .. }
            | Stage::Recovered
            | Stage::Running
            | Stage::Leaving { heard: true, .. } => interval,
        };
        self.lifecycle.next_word = Some(turn.now + pause);
    }

    /// Ends the process with its files in order.
    fn leave(&mut self, turn: &mut Turn<'_>) {
        self.close_files(turn);
        turn.exit();
    }
}
