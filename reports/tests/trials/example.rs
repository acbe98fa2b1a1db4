//! A hand-made trial: the leader acknowledges three records, then stops before anyone has
//! copied them.

use std::cell::OnceCell;
use std::sync::Arc;

use model::config::{BrokerConfig, ConsumerConfig, ControllerConfig, ProducerConfig, TopicConfig};
use model::fact::{AppendRole, ChangeCause, Fact, SendOutcome, TruncationCause};
use model::ids::{
    BrokerId, ClientId, LeaderEpoch, NodeId, Offset, PartitionEpoch, ReplicaSet, TopicId,
    TopicPartition, Uid,
};
use model::log::batch::{Batch, Record};
use model::message::cluster::TopicLayout;
use model::message::data::{Acks, EpochEnd};
use model::rules::Rules;
use model::time::{Duration, Time, Timestamp};
use reports::story::{Story, Subject};
use reports::trace::Trace;
use reports::words::EN;
use sim::clause::{ClauseKind, Sentence};
use sim::history::{Entry, Event, Fault, Phase};
use sim::outcome::{Ended, Judgement, Outcome, ReplicaEnd, Totals};
use sim::plan::{
    BrokerPlan, ClientPlan, ClientRole, ConsumerPlan, ControllerKind, ControllerPlan, Created,
    DiskPlan, FlushPolicy, InFlight, Keys, NetworkPlan, Plan, ProducerPlan, SendStyle, Shape,
    TopicPlan,
};
use sim::verdict::{Claim, Evidence, Fate, Finding, Loss, LossCause, Moment, MomentKind, Verdict};

/// The only partition.
pub const P: TopicPartition = TopicPartition { topic: TopicId(0), partition: 0 };
const PRODUCER: ClientId = ClientId(0);
const CONSUMER: ClientId = ClientId(1);

/// A trial that owns what a [`Story`] borrows.
pub struct Example {
    /// The scenario's name, and its lesson.
    pub about: (&'static str, &'static str),
    /// What was decided before.
    pub plan: Plan,
    /// What came out.
    pub outcome: Outcome,
    /// What the steps say.
    pub says: Vec<String>,
    /// The trace, as soon as somebody has asked for the story.
    pub trace: OnceCell<Trace>,
}

impl Example {
    /// Returns which trial it is.
    fn subject(&self) -> Subject<'_> {
        Subject {
            scenario: self.about.0,
            case: "",
            seed: 7,
            again: "trial run",
            plan: &self.plan,
            outcome: &self.outcome,
        }
    }

    /// Returns the trial as reports see it.
    pub fn story(&self) -> Story<'_> {
        Story {
            scenario: self.about.0,
            title: self.about.1,
            case: "",
            seed: 7,
            plan: &self.plan,
            outcome: &self.outcome,
            trace: self.trace.get_or_init(|| Trace::of(&self.subject())),
            says: &self.says,
            ask: None,
            words: &EN,
        }
    }
}

/// Makes the plan of a cluster with so many brokers, producers and consumers.
pub fn plan(brokers: u8, producers: usize, consumers: usize) -> Plan {
    let fixed = Shape::Fixed(Duration::from_millis(1));
    let disk = DiskPlan {
        flush: FlushPolicy::ByConfig,
        write_latency: fixed,
        flush_latency: fixed,
        writeback: Duration::MAX,
    };
    let broker = |id| BrokerPlan {
        id: BrokerId(id),
        rack: None,
        config: BrokerConfig::default(),
        log_defaults: Vec::new(),
        disk: disk.clone(),
    };
    let mut clients: Vec<ClientPlan> = (1..=producers).map(producer).collect();
    clients.extend((1..=consumers).map(consumer));
    Plan {
        seed: 7,
        faults_for: Duration::from_secs(30),
        settle: Duration::from_secs(60),
        events_max: 1_000_000,
        wall_clock: Timestamp(0),
        brokers: (1..=brokers).map(broker).collect(),
        controller: ControllerPlan {
            kind: ControllerKind::Single,
            config: ControllerConfig::default(),
        },
        rules: Rules::default(),
        topics: vec![TopicPlan {
            name: "orders".into(),
            layout: TopicLayout::Counts { partitions: Some(1), replicas: Some(3) },
            config: TopicConfig::default(),
            created: Created::AtStart,
        }],
        network: NetworkPlan {
            latency: fixed,
            bandwidth: None,
            loss_millionths: 0,
            in_flight: InFlight::Kept,
            links: Vec::new(),
        },
        disk,
        clocks: Default::default(),
        clients,
        groups: Vec::new(),
        steps: Vec::new(),
        watches: Vec::new(),
    }
}

fn producer(number: usize) -> ClientPlan {
    let config = ProducerConfig { acks: Acks::Leader, ..ProducerConfig::default() };
    let role = ClientRole::Producer(ProducerPlan {
        topic: TopicId(0),
        partition: None,
        records: 18,
        every: Shape::Fixed(Duration::from_millis(200)),
        start: Time::ZERO,
        keys: Keys::Null,
        value_bytes: 100,
        checkpoint: None,
        style: SendStyle::Callback,
        config,
    });
    ClientPlan { name: format!("p{number}").into(), role }
}

fn consumer(number: usize) -> ClientPlan {
    let role = ClientRole::Consumer(ConsumerPlan {
        topic: TopicId(0),
        partition: None,
        start: Time::ZERO,
        poll_timeout: Duration::from_millis(100),
        takes: Shape::Fixed(Duration::ZERO),
        config: ConsumerConfig::default(),
    });
    ClientPlan { name: format!("c{number}").into(), role }
}

/// Builds a history entry by entry.
#[derive(Default)]
pub struct Script {
    /// The history so far.
    pub entries: Vec<Entry>,
}

impl Script {
    /// Adds a fact at so many milliseconds; returns its place.
    pub fn fact(&mut self, millis: u64, fact: Fact) -> usize {
        self.add(millis, Event::Fact(fact))
    }

    /// Adds a fault; returns its place.
    pub fn fault(&mut self, millis: u64, fault: Fault) -> usize {
        self.add(millis, Event::Fault(fault))
    }

    /// Adds an event; returns its place.
    pub fn add(&mut self, millis: u64, event: Event) -> usize {
        self.entries.push(Entry { at: Time(millis * 1_000), event });
        self.entries.len() - 1
    }

    /// A record travels from `send()` to the leader and back; returns the place of the ack.
    pub fn written(&mut self, millis: u64, batch: &Arc<Batch>, leader: u8) -> usize {
        let broker = BrokerId(leader);
        let batch_sent = Fact::BatchSent {
            client: PRODUCER,
            broker,
            partition: P,
            batch: batch.clone(),
            attempt: 1,
            acks: Acks::Leader,
        };
        self.fact(millis, batch_sent);
        let (partition, role) = (P, AppendRole::Leader);
        self.fact(millis + 3, Fact::Appended { broker, partition, batch: batch.clone(), role });
        let outcome = SendOutcome::Acknowledged(Some(batch.base_offset));
        let uids = batch.records.list().iter().map(|record| record.uid).collect();
        let client = PRODUCER;
        self.fact(millis + 34, Fact::Completed { client, partition: Some(P), uids, outcome })
    }

    /// The followers copy it, everybody learns of it, the consumer reads it.
    pub fn copied(&mut self, millis: u64, batch: &Arc<Batch>, leader: u8, followers: &[u8]) {
        for (&follower, later) in followers.iter().zip(0..) {
            let (broker, partition, role) = (BrokerId(follower), P, AppendRole::Follower);
            let batch = batch.clone();
            self.fact(millis + later, Fact::Appended { broker, partition, batch, role });
        }
        for (&broker, later) in [leader].iter().chain(followers).zip(45..) {
            self.watermark(millis + later, broker, batch.base_offset, batch.end());
        }
        let polled = Fact::Polled {
            client: CONSUMER,
            partition: P,
            batch: batch.clone(),
            from: batch.base_offset,
            to: batch.end(),
            high_watermark: batch.end(),
        };
        self.fact(millis + 90, polled);
    }

    fn watermark(&mut self, millis: u64, broker: u8, from: Offset, to: Offset) {
        let (broker, partition, waiting) = (BrokerId(broker), P, None);
        self.fact(millis, Fact::HighWatermark { broker, partition, from, to, waiting });
    }

    /// The registration of the partition changes.
    pub fn registered(
        &mut self,
        millis: u64,
        (leader, epoch): ((Option<u8>, Option<u8>), u32),
        (before, after): (&[u8], &[u8]),
        cause: ChangeCause,
    ) -> usize {
        let set = |ids: &[u8]| ids.iter().map(|&id| BrokerId(id)).collect::<ReplicaSet>();
        let fact = Fact::PartitionChanged {
            partition: P,
            leader: (leader.0.map(BrokerId), leader.1.map(BrokerId)),
            leader_epoch: LeaderEpoch(epoch),
            isr: (set(before), set(after)),
            partition_epoch: PartitionEpoch(epoch),
            cause,
        };
        self.fact(millis, fact)
    }
}

/// Makes a batch of one record.
pub fn batch(uid: u32, offset: u64, epoch: u32) -> Arc<Batch> {
    let record = Record {
        uid: Uid(uid),
        key: None,
        value: Some(100),
        headers: 0,
        timestamp: Timestamp(i64::from(uid)),
    };
    let mut batch = Batch::new(vec![record], None);
    batch.base_offset = Offset(offset);
    batch.leader_epoch = LeaderEpoch(epoch);
    Arc::new(batch)
}

/// Makes the trial of the module's documentation.
pub fn acks_1_leader_crash() -> Example {
    let mut script = Script::default();
    script.add(0, Event::Phase(Phase::Faults));
    let all = [1, 2, 3];
    for id in all {
        let node = NodeId::Broker(BrokerId(id));
        script.add(0, Event::Fault(Fault::Started { node, incarnation: 1 }));
    }
    script.registered(50, ((None, Some(1)), 3), (&[], &all), ChangeCause::Created);
    for uid in 0..9 {
        let at = 100 + 200 * u64::from(uid);
        let batch = batch(uid, u64::from(uid), 3);
        script.written(at, &batch, 1);
        script.copied(at + 95, &batch, 1, &[2, 3]);
    }
    let node = |id| NodeId::Broker(BrokerId(id));
    script.add(1_900, Event::Step { step: 0 });
    for follower in [2, 3] {
        script.fault(1_900, Fault::LinkSlow { from: node(1), to: node(follower) });
    }
    let promises: Vec<usize> = (9..12)
        .map(|uid| script.written(1_930 + 200 * (uid - 9), &batch(uid as u32, uid, 3), 1))
        .collect();
    let at_risk = script.fault(2_430, Fault::Crashed(node(1)));
    script.registered(2_470, ((Some(1), None), 4), (&all, &all), ChangeCause::Fenced(BrokerId(1)));
    let fenced = ChangeCause::Fenced(BrokerId(1));
    let decided = script.registered(3_970, ((None, Some(2)), 4), (&all, &[2, 3]), fenced);
    let leads = Fact::BecameLeader {
        broker: BrokerId(2),
        partition: P,
        epoch: LeaderEpoch(4),
        end: Offset(9),
        high_watermark: Offset(9),
    };
    script.fact(3_975, leads);
    for uid in 12..18 {
        let at = 4_230 + 200 * u64::from(uid - 12);
        let batch = batch(uid, u64::from(uid) - 3, 4);
        script.written(at, &batch, 2);
        script.copied(at + 95, &batch, 2, &[3]);
    }
    script.fault(5_600, Fault::Started { node: node(1), incarnation: 2 });
    let parts = EpochEnd { epoch: LeaderEpoch(3), end: Offset(9) };
    let (broker, follower) = (BrokerId(2), BrokerId(1));
    script.fact(5_690, Fact::Diverged { broker, follower, partition: P, at: parts });
    let cut = Fact::Truncated {
        broker: BrokerId(1),
        partition: P,
        from: Offset(12),
        to: Offset(9),
        cause: TruncationCause::Divergence,
    };
    let gone = script.fact(5_700, cut);
    script.registered(6_120, ((Some(2), Some(2)), 4), (&[2, 3], &all), ChangeCause::AlterPartition);
    script.add(30_000, Event::Phase(Phase::Settle));
    let judgement = judgement(&script.entries, &promises, [at_risk, decided, gone]);
    let outcome = outcome(script.entries, judgement);
    let says = vec!["The links to the followers get slow".to_owned()];
    let lesson = "The leader confirms three records, then stops before anyone has copied them.";
    let (plan, trace) = (plan(3, 1, 1), OnceCell::new());
    Example { about: ("acks-1-leader-crash", lesson), plan, outcome, says, trace }
}

fn judgement(entries: &[Entry], promises: &[usize], rest: [usize; 3]) -> Judgement {
    let moment = |entry: usize, what| Moment { at: entries[entry].at, entry, what };
    let b = BrokerId;
    let elected =
        MomentKind::Elected { broker: b(2), epoch: LeaderEpoch(4), end: Offset(9), clean: true };
    let cut = MomentKind::Truncated { broker: b(1), from: Offset(12), to: Offset(9) };
    let loss = |uid: u32, promise: usize| Loss {
        uid: Uid(uid),
        partition: P,
        offset: Offset(u64::from(uid)),
        cause: LossCause::CleanElection,
        promise: moment(promise, MomentKind::Acknowledged { broker: b(1), copies: 1, isr: 3 }),
        at_risk: moment(rest[0], MomentKind::HolderDown(b(1))),
        decided: moment(rest[1], elected),
        gone: Some(moment(rest[2], cut)),
    };
    let losses: Vec<Loss> = (9..12).zip(promises).map(|(uid, &at)| loss(uid, at)).collect();
    let fates =
        (0..18).map(|uid| if (9..12).contains(&uid) { Fate::Lost } else { Fate::Delivered });
    let evidence = Evidence {
        because: Sentence::of(ClauseKind::AcknowledgedMissing, [3.into(), 18.into()]),
        count: 3,
        first: losses[0].decided.at,
        entries: vec![losses[0].promise.entry, losses[0].decided.entry],
        records: losses.iter().map(|loss| loss.uid).collect(),
    };
    let finding =
        |claim, verdict, risk| Finding { claim, verdict, risk, anomalies: Default::default() };
    let untested = Verdict::Untested(ClauseKind::NothingUnanswered.into());
    Judgement {
        findings: vec![
            finding(Claim::NoAcknowledgedLoss, Verdict::Breaks(evidence), 18),
            finding(Claim::NothingDroppedSilently, untested, 0),
            finding(Claim::NoDuplicates, Verdict::Holds, 18),
            finding(Claim::OrderPerPartition, Verdict::Holds, 15),
            finding(Claim::OneLeaderPerEpoch, Verdict::Holds, 2),
        ],
        fates: fates.collect(),
        losses,
        ..Judgement::default()
    }
}

fn outcome(history: Vec<Entry>, judgement: Judgement) -> Outcome {
    let replica = |id: u8| ReplicaEnd {
        broker: BrokerId(id),
        partition: P,
        start: Offset::ZERO,
        end: Offset(15),
        high_watermark: Offset(15),
        leads: id == 2,
        in_isr: true,
        batches: (0..9)
            .map(|uid| batch(uid, u64::from(uid), 3))
            .chain((12..18).map(|uid| batch(uid, u64::from(uid) - 3, 4)))
            .collect(),
    };
    let end = history.last().map_or(Time::ZERO, |entry| entry.at);
    let totals = Totals { events: 900, messages: 400, entries: history.len() as u64, end };
    Outcome {
        digest: 0x9f3a_77c1_0000_0001,
        history,
        flights: Vec::new(),
        judgement,
        ended: Ended::InTime,
        steps: vec![Some(Time(1_900_000))],
        rules_applied: vec![0],
        watches: Vec::new(),
        replicas: [1, 2, 3].map(replica).to_vec(),
        healed_at: Time(30_000_000),
        totals,
        coverage: sim::coverage::Coverage::default(),
    }
}
