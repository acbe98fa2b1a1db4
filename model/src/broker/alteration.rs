//! Requests to change ISRs, blocks of producer ids, internal topics: what a broker asks of the
//! controller besides its life signs.
//!
//! Source: `AlterPartitionManager`, `NodeToControllerChannelManager`, `RPCProducerIdManager`,
//! Kafka 4.0.

use std::collections::BTreeSet;

use crate::broker::Broker;
use crate::channel::{Backoff, Channel, ChannelConfig, ChannelEvent};
use crate::ids::{NodeId, ProducerEpoch, ProducerId, TopicPartition};
use crate::message::cluster::{
    AlterPartitionRequest, BrokerRequest, CreateTopicsRequest, IsrAccepted, NewTopic,
};
use crate::message::data::InitProducerIdReply;
use crate::message::{ErrorCode, Request, Response};
use crate::partition::Role;
use crate::partition::isr::{ProposalFollowUp, Proposed};
use crate::time::{Duration, Time, earliest};
use crate::turn::Turn;

/// How long a broker waits for the controller's answer (`controller.socket.timeout.ms`).
const TIMEOUT: Duration = Duration::from_secs(30);
/// Pause after the controller refused a whole request.
const RETRY: Duration = Duration::from_millis(50);
/// Ids in a block, as the controller hands out.
const BLOCK: u64 = 1_000;

/// A broker's wishes and the channel that carries them.
#[derive(Clone, Debug, PartialEq)]
pub struct Alterations {
    /// The connection to the controller.
    pub channel: Channel<Asked>,
    /// Partitions with a proposal that has not been sent.
    wanted: BTreeSet<TopicPartition>,
    /// Nothing is sent before this.
    not_before: Time,
    /// Producer ids left of the block, next first.
    ids: std::ops::Range<u64>,
    /// Whether a client asked for an id that was not there.
    wants_ids: bool,
    /// An internal topic that somebody has missed.
    wanted_topic: Option<Box<NewTopic>>,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// ISRs.
    Isr(Vec<(TopicPartition, Proposed)>),
    /// A block of producer ids.
    Ids,
    /// An internal topic.
    Topic,
}

impl Alterations {
    /// Makes the manager of a broker that has asked nothing yet.
    pub fn new(controller: NodeId) -> Alterations {
        let constant = |millis| {
            let pause = Duration::from_millis(millis);
            Backoff { first: pause, max: pause }
        };
        let config =
            ChannelConfig { reconnect: constant(50), setup: constant(10_000), in_flight_max: 5 };
        Alterations {
            channel: Channel::new(controller, config),
            wanted: BTreeSet::new(),
            not_before: Time::ZERO,
            ids: 0..0,
            wants_ids: false,
            wanted_topic: None,
        }
    }

    /// Marks a partition as having a proposal to send.
    pub fn want(&mut self, partition: TopicPartition) {
        self.wanted.insert(partition);
    }

    /// Asks for an internal topic, unless that is on its way.
    pub fn want_topic(&mut self, topic: NewTopic) {
        if !self.channel.pending().any(|asked| *asked == Asked::Topic) {
            self.wanted_topic = Some(Box::new(topic));
        }
    }

    fn has_wishes(&self) -> bool {
        !self.wanted.is_empty() || self.wants_ids || self.wanted_topic.is_some()
    }

    /// Returns when there is something to do.
    pub fn next_deadline(&self) -> Option<Time> {
        if !self.has_wishes() {
            return self.channel.next_deadline();
        }
        let can_send = !self.channel.is_connecting() && self.channel.in_flight() == 0;
        let reconnect = self.channel.reconnect_at().unwrap_or(Time::ZERO);
        let send = can_send.then_some(self.not_before.max(reconnect));
        earliest([send, self.channel.next_deadline()])
    }
}

impl Broker {
    /// Sends whatever proposals are waiting; one request is in flight at a time.
    pub(super) fn send_alterations(&mut self, turn: &mut Turn<'_>) {
        let Some(epoch) = self.lifecycle.epoch else { return };
        let alterations = &mut self.alterations;
        if !alterations.has_wishes() || turn.now < alterations.not_before {
            return;
        }
        if !alterations.channel.is_open() {
            alterations.channel.connect(turn);
            return;
        }
        let broker = self.setup.id;
        let asks_ids = alterations.channel.pending().any(|asked| *asked == Asked::Ids);
        if alterations.wants_ids && !asks_ids {
            let request = Request::AllocateProducerIds(BrokerRequest { broker, epoch, body: () });
            alterations.channel.send(request, TIMEOUT, Asked::Ids, turn);
        }
        if let Some(topic) = alterations.wanted_topic.take() {
            let request = Request::CreateTopics(CreateTopicsRequest { topics: vec![*topic] });
            alterations.channel.send(request, TIMEOUT, Asked::Topic, turn);
        }
        let asks_isr = alterations.channel.pending().any(|asked| matches!(asked, Asked::Isr(_)));
        if asks_isr || alterations.wanted.is_empty() {
            return;
        }
        let mut asked = Vec::new();
        let mut proposals = Vec::new();
        for partition in std::mem::take(&mut alterations.wanted) {
            let Some(replica) = self.partitions.get(&partition) else { continue };
            let Role::Leader(leader) = &replica.role else { continue };
            if let Some(proposal) = leader.proposal(partition, broker) {
                let isr = proposal.isr.iter().map(|&(id, _)| id).collect();
                asked
                    .push((partition, Proposed { partition_epoch: proposal.partition_epoch, isr }));
                proposals.push(proposal);
            }
        }
        if !proposals.is_empty() {
            let body = AlterPartitionRequest { partitions: proposals };
            let request = Request::AlterPartition(BrokerRequest { broker, epoch, body });
            alterations.channel.send(request, TIMEOUT, Asked::Isr(asked), turn);
        }
    }

    /// Takes in the controller's answers.
    pub(super) fn on_alteration_event(&mut self, event: ChannelEvent<Asked>, turn: &mut Turn<'_>) {
        match event {
            ChannelEvent::Ready => {}
            ChannelEvent::Lost(requests) => {
                for asked in requests {
                    self.ask_again(asked, turn.now);
                }
            }
            ChannelEvent::Response(asked, Response::AlterPartition(reply)) => {
                let Asked::Isr(proposals) = asked else { return };
                match reply.partitions {
                    Err(_) => self.ask_again(Asked::Isr(proposals), turn.now + RETRY),
                    Ok(answers) => {
                        for (partition, answer) in answers {
                            let asked = proposals.iter().find(|(id, _)| *id == partition);
                            let Some(&(_, proposed)) = asked else { continue };
                            self.on_isr_answer(partition, proposed, answer, turn);
                        }
                    }
                }
            }
            ChannelEvent::Response(_, Response::AllocateProducerIds(reply)) => match reply.block {
                Ok(first) => {
                    self.alterations.ids = first.0..first.0 + BLOCK;
                    self.alterations.wants_ids = false;
                }
                Err(_) => self.alterations.not_before = turn.now + RETRY,
            },
            // Whoever missed the topic asks again, whether it was made or refused.
            ChannelEvent::Response(..) => {}
        }
        self.send_alterations(turn);
    }

    /// Gives a producer an id, if there is one at hand.
    ///
    /// Source: `ProducerIdManager.generateProducerId`, Kafka 4.0.
    pub(super) fn on_init_producer_id(&mut self, turn: &mut Turn<'_>) -> InitProducerIdReply {
        let producer = match self.alterations.ids.next() {
            Some(id) => Ok((ProducerId(id), ProducerEpoch(0))),
            None => {
                // A broker without a registration cannot ask: its client will, again.
                self.alterations.wants_ids = self.lifecycle.epoch.is_some();
                self.send_alterations(turn);
                Err(ErrorCode::CoordinatorLoadInProgress)
            }
        };
        InitProducerIdReply { producer }
    }

    fn on_isr_answer(
        &mut self,
        partition: TopicPartition,
        asked: Proposed,
        answer: Result<IsrAccepted, ErrorCode>,
        turn: &mut Turn<'_>,
    ) {
        let Ok((host, replica)) = self.replica(partition) else { return };
        let Role::Leader(leader) = &mut replica.role else { return };
        let log = &mut replica.log;
        let follow_up = leader.on_proposal_answer(asked, answer, &host, turn);
        leader.advance_high_watermark(log, &host, turn);
        if follow_up == ProposalFollowUp::Resend {
            self.alterations.want(partition);
        }
        // A smaller ISR can also decide what waits for it, so parked requests look again.
        self.touch(partition);
    }

    fn ask_again(&mut self, asked: Asked, not_before: Time) {
        match asked {
            Asked::Isr(proposals) => {
                self.alterations.wanted.extend(proposals.into_iter().map(|(id, _)| id));
            }
            Asked::Ids => self.alterations.wants_ids = true,
            Asked::Topic => return,
        }
        self.alterations.not_before = self.alterations.not_before.max(not_before);
    }
}
