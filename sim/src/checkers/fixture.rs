//! Histories made by hand: one topic with one partition, producer 0 and consumer 1.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::config::{ConsumerConfig, ControllerConfig, ProducerConfig, TopicConfig};
use model::fact::{AppendRole, ChangeCause, Fact, SendOutcome, TruncationCause, WaitSet};
use model::ids::{
    BrokerId, ClientId, LeaderEpoch, NodeId, Offset, PartitionEpoch, ProducerEpoch, ProducerId,
    ReplicaSet, Sequence, TopicId, TopicPartition, Uid,
};
use model::log::batch::{Batch, ProducerStamp, Record};
use model::message::ErrorCode;
use model::message::cluster::TopicLayout;
use model::message::data::{Acks, OffsetSpec};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};

use crate::checkers::Judge;
use crate::history::{Entry, Event, Fault, Phase};
use crate::outcome::Judgement;
use crate::plan::{
    ClientPlan, ClientRole, CommitStyle, ConsumerPlan, ControllerKind, ControllerPlan, Created,
    DiskPlan, FlushPolicy, GroupIndex, GroupPlan, Handling, InFlight, Keys, MemberPlan,
    NetworkPlan, OnFailure, Plan, ProducerPlan, SendStyle, Shape, Sink, Start, Subscribed,
    TopicPlan,
};
use crate::verdict::{Anomaly, Claim, Finding, Verdict};

/// The partition of every history here.
pub(crate) const PARTITION: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };
const PRODUCER: ClientId = ClientId(0);
const CONSUMER: ClientId = ClientId(1);

/// A history in the making. Each step takes a millisecond.
#[derive(Clone)]
pub(crate) struct History {
    plan: Plan,
    entries: Vec<Entry>,
    leader: Option<BrokerId>,
    epoch: u32,
    isr: ReplicaSet,
    acks: Acks,
    /// Microseconds that passed without an entry.
    waited: u64,
}

impl History {
    /// Begins with a partition on these brokers; the first one leads.
    pub(crate) fn new(acks: Acks, brokers: &[u8]) -> History {
        let (entries, leader, isr) = (Vec::new(), None, ReplicaSet::EMPTY);
        let mut history =
            History { plan: plan(acks), entries, leader, epoch: 0, isr, acks, waited: 0 };
        let replicas: Vec<_> = brokers.iter().copied().map(BrokerId).collect();
        let replicas = vec![replicas].into();
        history.fact(Fact::TopicCreated { topic: TopicId(0), replicas });
        history.elect(Some(brokers[0]), brokers, ChangeCause::Created);
        history
    }

    /// Sets `min.insync.replicas`.
    pub(crate) fn min_insync_replicas(mut self, min: u16) -> History {
        self.plan.topics[0].config.min_insync_replicas = min;
        self
    }

    /// Adds a group `g` with the members `g-1` and `g-2`, clients 2 and 3.
    pub(crate) fn group(mut self, commit: CommitStyle, sink: Sink) -> History {
        let instant = Shape::Fixed(Duration::ZERO);
        let members = vec![ClientId(2), ClientId(3)];
        for ordinal in 1..=2 {
            let role = ClientRole::Member(MemberPlan {
                group: GroupIndex(0),
                ordinal,
                start: Start::At(Time::ZERO),
                topics: None,
                config: ConsumerConfig::default(),
            });
            self.plan.clients.push(ClientPlan { name: format!("g-{ordinal}").into(), role });
        }
        let handling = Handling {
            takes: instant,
            fails_millionths: 0,
            commit,
            workers: None,
            sink,
            poison: None,
            on_failure: OnFailure::Stop,
            shed_above: None,
            output: None,
        };
        let topics = Subscribed::Topics(vec![TopicId(0)]);
        let (name, poll_timeout) = ("g".into(), Duration::ZERO);
        self.plan.groups.push(GroupPlan { name, members, topics, handling, poll_timeout });
        self
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, seconds: u64) -> &mut History {
        self.waited += 1_000_000 * seconds;
        self
    }

    /// Adds a fact.
    pub(crate) fn fact(&mut self, fact: Fact) -> &mut History {
        self.event(Event::Fact(fact))
    }

    /// Adds a fault.
    pub(crate) fn fault(&mut self, fault: Fault) -> &mut History {
        self.event(Event::Fault(fault))
    }

    /// Calls `send()` for these records, which reach the buffer.
    pub(crate) fn send(&mut self, uids: &[u32]) -> &mut History {
        for &uid in uids {
            let (client, topic) = (PRODUCER, TopicId(0));
            self.fact(Fact::SendCalled { client, topic, record: record(uid) });
            self.fact(Fact::Buffered { client, uid: Uid(uid), partition: PARTITION });
        }
        self
    }

    /// Sends them to the leader in one batch.
    pub(crate) fn out(&mut self, uids: &[u32], attempt: u32) -> &mut History {
        let broker = self.leader.unwrap_or(BrokerId(1));
        let (client, partition, acks) = (PRODUCER, PARTITION, self.acks);
        let batch = batch(0, 0, uids);
        self.fact(Fact::BatchSent { client, broker, partition, batch, attempt, acks })
    }

    /// Fails an attempt.
    pub(crate) fn retry(&mut self, uids: &[u32]) -> &mut History {
        let (client, partition, error) = (PRODUCER, PARTITION, ErrorCode::RequestTimedOut);
        self.fact(Fact::BatchRetried { client, partition, batch: batch(0, 0, uids), error })
    }

    /// Appends a batch on some brokers, the first of them as leader.
    pub(crate) fn append(&mut self, brokers: &[u8], batch: &Arc<Batch>) -> &mut History {
        for (nth, &broker) in brokers.iter().enumerate() {
            let role = if nth == 0 { AppendRole::Leader } else { AppendRole::Follower };
            let (broker, batch) = (BrokerId(broker), Arc::clone(batch));
            self.fact(Fact::Appended { broker, partition: PARTITION, batch, role });
        }
        self
    }

    /// Copies a batch to a follower.
    pub(crate) fn copy(&mut self, broker: u8, batch: &Arc<Batch>) -> &mut History {
        let (broker, batch, role) = (BrokerId(broker), Arc::clone(batch), AppendRole::Follower);
        self.fact(Fact::Appended { broker, partition: PARTITION, batch, role })
    }

    /// Lets a broker acknowledge a batch, and its producer hear of it.
    pub(crate) fn ack(&mut self, broker: u8, batch: &Arc<Batch>) -> &mut History {
        let (base_offset, end, acks, isr) = (batch.base_offset, batch.end(), self.acks, self.isr);
        let isr_min = self.plan.topics[0].config.min_insync_replicas;
        let (broker, partition) = (BrokerId(broker), PARTITION);
        self.fact(Fact::ProduceAcknowledged {
            broker,
            partition,
            base_offset,
            end,
            acks,
            isr,
            isr_min,
        });
        let uids: Vec<u32> = batch.records.list().iter().map(|it| it.uid.0).collect();
        self.complete(&uids, SendOutcome::Acknowledged(Some(base_offset)))
    }

    /// Completes `send()` calls.
    pub(crate) fn complete(&mut self, uids: &[u32], outcome: SendOutcome) -> &mut History {
        let uids = uids.iter().copied().map(Uid).collect();
        let (client, partition) = (PRODUCER, Some(PARTITION));
        self.fact(Fact::Completed { client, partition, uids, outcome })
    }

    /// Sends, appends on all these brokers, commits and acknowledges a batch.
    pub(crate) fn write(&mut self, brokers: &[u8], batch: &Arc<Batch>) -> &mut History {
        let uids: Vec<u32> = batch.records.list().iter().map(|it| it.uid.0).collect();
        self.send(&uids).out(&uids, 1).append(brokers, batch);
        self.commit(brokers[0], batch.end().0).ack(brokers[0], batch)
    }

    /// As [`History::write`], of one record on broker 1: the line that was sent first as `first`.
    pub(crate) fn write_again(&mut self, batch: &Arc<Batch>, first: u32) -> &mut History {
        let uid = batch.records.list()[0].uid;
        self.send(&[uid.0]);
        self.fact(Fact::SentAgain { client: PRODUCER, uid, first: Uid(first) });
        self.out(&[uid.0], 1).append(&[1], batch).commit(1, batch.end().0).ack(1, batch)
    }

    /// Raises a leader's high watermark with the registered ISR.
    pub(crate) fn commit(&mut self, broker: u8, to: u64) -> &mut History {
        let isr = self.isr;
        self.commit_waiting(broker, to, isr)
    }

    /// Raises a leader's high watermark with an ISR of its own belief.
    pub(crate) fn commit_waiting(&mut self, broker: u8, to: u64, isr: ReplicaSet) -> &mut History {
        let (broker, partition) = (BrokerId(broker), PARTITION);
        let waiting = Some(WaitSet { epoch: LeaderEpoch(self.epoch), isr, waited_for: isr });
        let (from, to) = (Offset(0), Offset(to));
        self.fact(Fact::HighWatermark { broker, partition, from, to, waiting })
    }

    /// Registers another leader and ISR; the leader takes over at once.
    pub(crate) fn elect(
        &mut self,
        leader: Option<u8>,
        isr: &[u8],
        cause: ChangeCause,
    ) -> &mut History {
        let before = self.leader;
        self.register_leader(leader, isr, cause);
        if let Some(broker) = self.leader
            && before != self.leader
        {
            self.take_over(broker.0);
        }
        self
    }

    /// Registers another leader and ISR; the leader does not know yet.
    pub(crate) fn register_leader(
        &mut self,
        leader: Option<u8>,
        isr: &[u8],
        cause: ChangeCause,
    ) -> &mut History {
        let (leader, isr) = (leader.map(BrokerId), set(isr));
        if leader != self.leader && cause != ChangeCause::Created {
            self.epoch += 1;
        }
        let epoch = LeaderEpoch(self.epoch);
        let changes = (std::mem::replace(&mut self.leader, leader), leader);
        self.fact(Fact::PartitionChanged {
            partition: PARTITION,
            leader: changes,
            leader_epoch: epoch,
            isr: (self.isr, isr),
            partition_epoch: PartitionEpoch(0),
            cause,
        });
        self.isr = isr;
        self
    }

    /// Lets a broker lead.
    pub(crate) fn take_over(&mut self, broker: u8) -> &mut History {
        let (broker, partition, epoch) = (BrokerId(broker), PARTITION, LeaderEpoch(self.epoch));
        let (end, high_watermark) = (Offset(0), Offset(0));
        self.fact(Fact::BecameLeader { broker, partition, epoch, end, high_watermark })
    }

    /// Moves the leadership to an ISR member because the leader was fenced.
    pub(crate) fn fail_over(&mut self, leader: u8, isr: &[u8]) -> &mut History {
        let fenced = self.leader.unwrap_or(BrokerId(1));
        self.elect(Some(leader), isr, ChangeCause::Fenced(fenced))
    }

    /// Registers another ISR.
    pub(crate) fn isr(&mut self, isr: &[u8]) -> &mut History {
        let leader = self.leader.map(|broker| broker.0);
        self.elect(leader, isr, ChangeCause::AlterPartition)
    }

    /// Cuts a log to match a leader's.
    pub(crate) fn truncate(&mut self, broker: u8, from: u64, to: u64) -> &mut History {
        self.truncate_by(TruncationCause::Divergence, broker, (from, to))
    }

    /// Cuts a log by some rule.
    pub(crate) fn truncate_by(
        &mut self,
        cause: TruncationCause,
        broker: u8,
        ends: (u64, u64),
    ) -> &mut History {
        let (from, to) = (Offset(ends.0), Offset(ends.1));
        let (broker, partition) = (BrokerId(broker), PARTITION);
        self.fact(Fact::Truncated { broker, partition, from, to, cause })
    }

    /// Kills a broker.
    pub(crate) fn crash(&mut self, broker: u8) -> &mut History {
        self.fault(Fault::Crashed(NodeId::Broker(BrokerId(broker))))
    }

    /// Cuts a broker's power, which takes the end of its log.
    pub(crate) fn power_loss(&mut self, broker: u8, from: u64, to: u64) -> &mut History {
        let broker = BrokerId(broker);
        self.fault(Fault::PowerLost(NodeId::Broker(broker)));
        let (from, to) = (Offset(from), Offset(to));
        self.fault(Fault::UnsyncedLost { broker, partition: PARTITION, from, to })
    }

    /// Starts a broker again.
    pub(crate) fn restart(&mut self, broker: u8) -> &mut History {
        let node = NodeId::Broker(BrokerId(broker));
        self.fault(Fault::Started { node, incarnation: 2 })
    }

    /// Gives a consumer a whole batch.
    pub(crate) fn poll(&mut self, batch: &Arc<Batch>, high_watermark: u64) -> &mut History {
        let (from, to, batch) = (batch.base_offset, batch.end(), Arc::clone(batch));
        let (client, partition, high_watermark) = (CONSUMER, PARTITION, Offset(high_watermark));
        self.fact(Fact::Polled { client, partition, batch, from, to, high_watermark })
    }

    /// Tells a client where a log ends.
    pub(crate) fn list_latest(&mut self, broker: u8, offset: u64) -> &mut History {
        let (broker, partition, offset) = (BrokerId(broker), PARTITION, Some(Offset(offset)));
        self.fact(Fact::OffsetListed { broker, partition, spec: OffsetSpec::Latest, offset })
    }

    /// Begins the settle phase.
    pub(crate) fn settle(&mut self) -> &mut History {
        self.event(Event::Phase(Phase::Settle))
    }

    /// Judges the whole history.
    pub(crate) fn judge(&mut self) -> Judgement {
        self.event(Event::Phase(Phase::End));
        self.run().finish()
    }

    /// Judges one claim of the whole history.
    pub(crate) fn verdict(&mut self, claim: Claim) -> Finding {
        let finding = self.judge().findings.into_iter().find(|it| it.claim == claim);
        finding.expect("there is a finding per claim")
    }

    /// Returns the first claim that broke while the history grew.
    pub(crate) fn first_violation(&mut self) -> Option<Claim> {
        self.run().first_violation()
    }

    /// Returns its entries.
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns who has judged nothing of it yet.
    pub(crate) fn fresh_judge(&self) -> Judge {
        Judge::new(&self.plan)
    }

    fn run(&self) -> Judge {
        let mut judge = Judge::new(&self.plan);
        for (index, entry) in self.entries.iter().enumerate() {
            judge.on_entry(index, entry);
        }
        judge
    }

    fn event(&mut self, event: Event) -> &mut History {
        let at = Time(self.waited + 1_000 * self.entries.len() as u64);
        self.entries.push(Entry { at, event });
        self
    }
}

/// Asserts that a claim holds.
pub(crate) fn assert_holds(finding: &Finding) {
    assert_eq!(finding.verdict, Verdict::Holds, "{:?}", finding.claim);
    assert_ne!(finding.risk, 0, "what holds was at risk");
}

/// Asserts that nothing could have broken a claim.
pub(crate) fn assert_untested(finding: &Finding) {
    assert!(matches!(finding.verdict, Verdict::Untested(_)), "{finding:?}");
    assert_eq!(finding.risk, 0);
}

/// Asserts that a claim is broken by so many of an anomaly, and for this reason.
pub(crate) fn assert_breaks(finding: &Finding, anomaly: Anomaly, count: u64, because: &str) {
    let Verdict::Breaks(evidence) = &finding.verdict else { panic!("{finding:?}") };
    assert_eq!(evidence.because.to_string(), because);
    assert_eq!(finding.anomalies.get(&anomaly), Some(&count));
    assert!(!evidence.entries.is_empty(), "there is something to show");
}

/// Makes a batch as a leader appended it.
pub(crate) fn batch(base: u64, epoch: u32, uids: &[u32]) -> Arc<Batch> {
    stamped(base, epoch, uids, None)
}

/// Makes an idempotent batch of producer id 7, epoch 0.
pub(crate) fn numbered(base: u64, epoch: u32, uids: &[u32], sequence: u32) -> Arc<Batch> {
    let (id, sequence) = (ProducerId(7), Sequence(sequence));
    let stamp = ProducerStamp { id, epoch: ProducerEpoch(0), sequence };
    stamped(base, epoch, uids, Some(stamp))
}

/// Makes a set of brokers.
pub(crate) fn set(brokers: &[u8]) -> ReplicaSet {
    brokers.iter().copied().map(BrokerId).collect()
}

fn stamped(base: u64, epoch: u32, uids: &[u32], stamp: Option<ProducerStamp>) -> Arc<Batch> {
    let mut batch = Batch::new(uids.iter().map(|&uid| record(uid)).collect(), stamp);
    batch.base_offset = Offset(base);
    batch.leader_epoch = LeaderEpoch(epoch);
    Arc::new(batch)
}

fn record(uid: u32) -> Record {
    Record { uid: Uid(uid), key: None, value: Some(10), headers: 0, timestamp: Timestamp(0) }
}

fn plan(acks: Acks) -> Plan {
    let instant = Shape::Fixed(Duration::ZERO);
    let disk = DiskPlan {
        flush: FlushPolicy::ByConfig,
        write_latency: instant,
        flush_latency: instant,
        writeback: Duration::MAX,
    };
    let network = NetworkPlan {
        latency: instant,
        bandwidth: None,
        loss_millionths: 0,
        in_flight: InFlight::Kept,
        links: Vec::new(),
    };
    let layout = TopicLayout::Counts { partitions: Some(1), replicas: None };
    let (name, config) = ("orders".into(), TopicConfig::default());
    let topic = TopicPlan { name, layout, config, created: Created::AtStart };
    let kind = ControllerKind::Infallible;
    Plan {
        seed: 0,
        faults_for: Duration::ZERO,
        settle: Duration::ZERO,
        events_max: 0,
        wall_clock: Timestamp(0),
        brokers: Vec::new(),
        controller: ControllerPlan { kind, config: ControllerConfig::default() },
        rules: Rules::default(),
        topics: vec![topic],
        network,
        disk,
        clocks: BTreeMap::new(),
        clients: vec![producer(acks, instant), consumer(instant)],
        groups: Vec::new(),
        steps: Vec::new(),
        watches: Vec::new(),
    }
}

fn producer(acks: Acks, every: Shape) -> ClientPlan {
    let role = ClientRole::Producer(ProducerPlan {
        topic: TopicId(0),
        partition: None,
        records: 0,
        every,
        start: Time::ZERO,
        keys: Keys::Null,
        value_bytes: 10,
        style: SendStyle::Callback,
        checkpoint: None,
        config: ProducerConfig { acks, ..ProducerConfig::default() },
    });
    ClientPlan { name: "p".into(), role }
}

fn consumer(takes: Shape) -> ClientPlan {
    let role = ClientRole::Consumer(ConsumerPlan {
        topic: TopicId(0),
        partition: None,
        start: Time::ZERO,
        poll_timeout: Duration::ZERO,
        takes,
        config: ConsumerConfig::default(),
    });
    ClientPlan { name: "c".into(), role }
}
