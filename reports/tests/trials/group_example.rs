//! A hand-made trial of a group: a member commits what it has not finished and dies; another
//! one begins behind it, and later a third one repeats what was not committed.

use std::cell::OnceCell;
use std::sync::Arc;

use model::config::ConsumerConfig;
use model::fact::{
    AppendRole, ChangeCause, CommitError, CommitId, CommitKind, EffectOutcome, ExpelCause, Fact,
    GroupEvent, GroupFact, GroupPhase, LeaveCause, MemberEvent, MemberFact, RebalanceCause,
    WorkEvent, WorkFact, WorkOutcome,
};
use model::ids::{
    BrokerId, ClientId, Generation, GroupId, MemberId, NodeId, Offset, TopicId, TopicPartition, Uid,
};
use model::message::ErrorCode;
use model::time::{Duration, Time};
use sim::clause::{Clause, ClauseKind, Sentence};
use sim::history::{Event, Fault, Phase};
use sim::outcome::{Ended, Judgement, Outcome, ReplicaEnd, Totals};
use sim::plan::{
    ClientPlan, ClientRole, CommitStyle, GroupIndex, GroupPlan, Handling, MemberPlan, OnFailure,
    Shape, Sink, Start, Subscribed,
};
use sim::verdict::{
    Claim, Evidence, Fate, Finding, GroupStory, Mishap, MishapCause, MishapKind, Rebalance, Verdict,
};

use crate::example::{Example, P, Script, batch, plan};

const Q: TopicPartition = TopicPartition { topic: TopicId(0), partition: 1 };
const OFFSETS: TopicPartition = TopicPartition { topic: TopicId::CONSUMER_OFFSETS, partition: 0 };
const COORDINATOR: BrokerId = BrokerId(2);
const G1: GroupIndex = GroupIndex(0);

/// The client of a member, from 1.
fn member(number: u16) -> ClientId {
    ClientId(number)
}

fn member_id(number: u16) -> MemberId {
    MemberId::from(format!("g1-{number}-0000").as_str())
}

impl Script {
    fn group(&mut self, millis: u64, what: GroupEvent) -> usize {
        let group = GroupId::from("g1");
        self.fact(millis, Fact::Group(GroupFact { broker: COORDINATOR, group, what }))
    }

    fn member(&mut self, millis: u64, number: u16, what: MemberEvent) -> usize {
        self.fact(millis, Fact::Member(MemberFact { client: member(number), what }))
    }

    fn work(&mut self, millis: u64, number: u16, uid: u32, what: WorkEvent) -> usize {
        let (client, partition, offset) = (member(number), P, Offset(u64::from(uid)));
        let uid = Uid(uid);
        self.fact(millis, Fact::Work(WorkFact { client, partition, offset, uid, what }))
    }

    fn state(
        &mut self,
        millis: u64,
        to: GroupPhase,
        (generation, members): (u32, u32),
        cause: Option<RebalanceCause>,
    ) -> usize {
        let from = GroupPhase::Stable;
        let generation = Generation(generation);
        self.group(millis, GroupEvent::State { from, to, generation, members, cause })
    }

    fn joins(&mut self, millis: u64, number: u16) {
        let client_id = format!("g1-{number}").into();
        let member = member_id(number);
        self.group(millis, GroupEvent::MemberJoined { member, client_id, instance: None });
    }

    fn owns(&mut self, millis: u64, number: u16, owned: &[TopicPartition]) -> usize {
        self.member(millis, number, MemberEvent::Owns(owned.into()))
    }

    fn polls(&mut self, millis: u64, number: u16, uid: u32) {
        let batch = batch(uid, u64::from(uid), 3);
        let polled = Fact::Polled {
            client: member(number),
            partition: P,
            from: batch.base_offset,
            to: batch.end(),
            high_watermark: batch.end(),
            batch,
        };
        self.fact(millis, polled);
    }

    fn works(&mut self, millis: u64, number: u16, uid: u32, outcome: WorkOutcome) {
        self.work(millis, number, uid, WorkEvent::Began(0));
        if outcome == WorkOutcome::Done {
            self.work(millis + 5, number, uid, WorkEvent::Effect(EffectOutcome::Applied));
        }
        self.work(millis + 5, number, uid, WorkEvent::Ended(outcome));
    }

    fn commits(&mut self, millis: u64, number: u16, to: u64, kind: CommitKind) -> usize {
        let offsets: Arc<[(TopicPartition, Offset)]> = [(P, Offset(to))].into();
        let commit = CommitId(to as u32);
        let sent = MemberEvent::CommitSent { commit, kind, offsets: offsets.clone() };
        let sent = self.member(millis, number, sent);
        let (member, generation) = (Some(member_id(number)), Some(Generation(1)));
        self.group(millis + 2, GroupEvent::Committed { member, generation, offsets });
        self.member(millis + 4, number, MemberEvent::CommitEnded { commit, outcome: Ok(()) });
        sent
    }
}

/// Makes the trial of the module's documentation.
pub fn group_that_skips_and_repeats() -> Example {
    let mut script = Script::default();
    script.add(0, Event::Phase(Phase::Faults));
    let all = [1, 2, 3];
    script.registered(50, ((None, Some(1)), 3), (&[], &all), ChangeCause::Created);
    let (broker, role, partition) = (COORDINATOR, AppendRole::Leader, OFFSETS);
    script.fact(60, Fact::Appended { broker, partition, batch: batch(u32::MAX, 0, 1), role });
    let began = first_generation(&mut script);
    let (skipped, moved) = crash(&mut script);
    let repeated = slow_member(&mut script);
    script.fact(
        29_000,
        Fact::HighWatermark {
            broker: BrokerId(1),
            partition: P,
            from: Offset::ZERO,
            to: Offset(9),
            waiting: None,
        },
    );
    script.add(30_000, Event::Phase(Phase::Settle));
    let judgement = judgement(&script, [began, moved], [skipped, repeated]);
    let replica = |id: u8| ReplicaEnd {
        broker: BrokerId(id),
        partition: P,
        start: Offset::ZERO,
        end: Offset(9),
        high_watermark: Offset(9),
        leads: id == 1,
        in_isr: true,
        batches: (0..9).map(|uid| batch(uid, u64::from(uid), 3)).collect(),
    };
    let other = |id: u8| ReplicaEnd {
        partition: Q,
        end: Offset::ZERO,
        high_watermark: Offset::ZERO,
        batches: Vec::new(),
        ..replica(id)
    };
    let end = Time(30_000_000);
    let totals = Totals { events: 500, messages: 90, entries: script.entries.len() as u64, end };
    let outcome = Outcome {
        digest: 0x77c1_9f3a_0000_0002,
        history: script.entries,
        flights: Vec::new(),
        judgement,
        ended: Ended::InTime,
        steps: Vec::new(),
        rules_applied: Vec::new(),
        watches: Vec::new(),
        replicas: [1, 2, 3].map(replica).into_iter().chain([1, 2, 3].map(other)).collect(),
        healed_at: end,
        totals,
        coverage: sim::coverage::Coverage::default(),
    };
    let lesson = "One member commits what it has not finished, and another one is slow.";
    let (plan, says, trace) = (group_plan(), Vec::new(), OnceCell::new());
    Example { about: ("commit-too-early", lesson), plan, outcome, says, trace }
}

/// Two members join and work; returns where the rebalance began.
fn first_generation(script: &mut Script) -> usize {
    script.joins(100, 1);
    let cause = Some(RebalanceCause::Joined(member_id(1)));
    let began = script.state(100, GroupPhase::PreparingRebalance, (0, 1), cause);
    script.joins(150, 2);
    script.state(3_100, GroupPhase::CompletingRebalance, (1, 2), None);
    script.state(3_110, GroupPhase::Stable, (1, 2), None);
    script.owns(3_120, 1, &[P]);
    script.owns(3_121, 2, &[Q]);
    script.member(3_130, 1, MemberEvent::OffsetFetched(P, None));
    for uid in 0..4 {
        let at = 4_000 + 200 * u64::from(uid);
        script.written(at, &batch(uid, u64::from(uid), 3), 1);
        script.polls(at + 60, 1, uid);
        script.works(at + 61, 1, uid, WorkOutcome::Done);
        script.commits(at + 70, 1, u64::from(uid) + 1, CommitKind::Auto);
    }
    began
}

/// The first member commits r4 and r5 too early and dies; returns that commit and where the
/// rebalance began.
fn crash(script: &mut Script) -> (usize, usize) {
    for uid in 4..6 {
        script.written(5_000 + u64::from(uid), &batch(uid, u64::from(uid), 3), 1);
        script.polls(5_060 + u64::from(uid), 1, uid);
    }
    script.work(5_070, 1, 4, WorkEvent::Began(1));
    let skipped = script.commits(5_080, 1, 6, CommitKind::Auto);
    script.fault(5_100, Fault::Crashed(NodeId::Client(member(1))));
    let (member, cause) = (member_id(1), LeaveCause::SessionExpired);
    script.group(15_100, GroupEvent::MemberLeft { member, cause });
    let cause = Some(RebalanceCause::SessionExpired(member_id(1)));
    let moved = script.state(15_100, GroupPhase::PreparingRebalance, (1, 1), cause);
    script.owns(15_600, 2, &[]);
    script.state(15_700, GroupPhase::Stable, (2, 1), None);
    script.owns(15_710, 2, &[P, Q]);
    script.member(15_720, 2, MemberEvent::OffsetFetched(P, Some(Offset(6))));
    (skipped, moved)
}

/// The second member is too slow, so that the third one repeats its work; returns where
/// that began.
fn slow_member(script: &mut Script) -> usize {
    for uid in 6..9 {
        script.written(16_000 + u64::from(uid), &batch(uid, u64::from(uid), 3), 1);
        script.polls(16_060 + u64::from(uid), 2, uid);
        script.works(16_100 + 10 * u64::from(uid), 2, uid, WorkOutcome::Done);
    }
    script.member(18_000, 2, MemberEvent::PollIntervalExceeded);
    script.member(18_000, 2, MemberEvent::Expelled(ExpelCause::PollInterval));
    let (member, cause) = (member_id(2), LeaveCause::Left);
    script.group(18_002, GroupEvent::MemberLeft { member, cause });
    script.group(18_400, GroupEvent::Resigned);
    script.joins(18_500, 3);
    let repeated = script.owns(18_600, 3, &[P, Q]);
    let offsets = [(P, Offset(9))].into();
    let (commit, kind) = (CommitId(9), CommitKind::Sync);
    script.member(18_700, 2, MemberEvent::CommitSent { commit, kind, offsets });
    let refused = GroupEvent::CommitRefused {
        member: Some(member_id(2)),
        generation: Some(Generation(2)),
        offsets: [(P, Offset(9))].into(),
        error: ErrorCode::UnknownMemberId,
    };
    script.group(18_702, refused);
    let outcome = Err(CommitError::CommitFailed);
    script.member(18_704, 2, MemberEvent::CommitEnded { commit, outcome });
    for uid in 6..8 {
        script.works(19_000 + 10 * u64::from(uid), 3, uid, WorkOutcome::Done);
    }
    script.works(19_100, 3, 8, WorkOutcome::Failed);
    script.works(19_200, 3, 8, WorkOutcome::Parked);
    script.work(19_300, 3, 8, WorkEvent::Effect(EffectOutcome::Refused));
    repeated
}

fn judgement(script: &Script, began: [usize; 2], [skipped, repeated]: [usize; 2]) -> Judgement {
    let at = |entry: usize| script.entries[entry].at;
    let rebalance = |entry: usize, cause, ended, (generation, moved)| Rebalance {
        began: (at(entry), entry),
        ended,
        cause: Some(cause),
        generation: Generation(generation),
        members: 1,
        moved,
        stopped: moved,
        stopped_for: if moved == 0 { Duration::ZERO } else { Duration::from_millis(10_600) },
    };
    let mishap = |kind, (from, to), cause, entry: usize| Mishap {
        kind,
        partition: P,
        records: (from..to).map(Uid).collect(),
        from: Offset(u64::from(from)),
        to: Offset(u64::from(to)),
        cause,
        at: at(entry),
        entry,
    };
    let too_far = MishapCause::CommittedTooFar(member(1), CommitKind::Auto);
    let joined = RebalanceCause::Joined(member_id(1));
    let silent = RebalanceCause::SessionExpired(member_id(1));
    let story = GroupStory {
        group: G1,
        rebalances: vec![
            rebalance(began[0], joined, Some(Time(3_110_000)), (1, 0)),
            rebalance(began[1], silent, Some(Time(15_700_000)), (2, 1)),
        ],
        mishaps: vec![
            mishap(MishapKind::Skipped, (4, 6), too_far, skipped),
            mishap(MishapKind::Repeated, (6, 9), MishapCause::Moved(member(3)), repeated),
        ],
        lag_max: (3, Time(16_100_000)),
        owners: vec![(member(3), 2)],
    };
    let told = |kind, count: u64, cause| {
        let cause = Clause::new(cause, ["billing-1".into()]);
        Sentence::of(kind, [count.into(), "billing".into(), cause.into()])
    };
    let skips = told(ClauseKind::Skipped, 2, ClauseKind::CommittedTooFar);
    let repeats = told(ClauseKind::Repeated, 3, ClauseKind::PartitionMoved);
    let finding = |claim, because: Sentence, entry, (from, to)| Finding {
        claim,
        verdict: Verdict::Breaks(Evidence {
            because,
            count: u64::from(to - from),
            first: at(entry),
            entries: vec![entry],
            records: (from..to).map(Uid).collect(),
        }),
        risk: 9,
        anomalies: Default::default(),
    };
    Judgement {
        findings: vec![
            finding(Claim::NothingSkipped, skips, skipped, (4, 6)),
            finding(Claim::NothingRepeated, repeats, repeated, (6, 9)),
        ],
        fates: vec![Fate::Delivered; 9],
        groups: vec![story],
        ..Judgement::default()
    }
}

/// The plan: one producer and a group of three.
fn group_plan() -> sim::plan::Plan {
    let mut plan = plan(3, 1, 0);
    let topics = Subscribed::Topics(vec![TopicId(0)]);
    plan.groups.push(GroupPlan {
        name: "g1".into(),
        members: (1..=3).map(member).collect(),
        topics,
        handling: Handling {
            takes: Shape::Fixed(Duration::from_millis(5)),
            fails_millionths: 0,
            commit: CommitStyle::Auto,
            workers: None,
            sink: Sink::Append,
            poison: None,
            on_failure: OnFailure::Stop,
            shed_above: None,
            output: None,
        },
        poll_timeout: Duration::from_millis(500),
    });
    plan.clients.extend((1..=3).map(|ordinal| ClientPlan {
        name: format!("g1-{ordinal}").into(),
        role: ClientRole::Member(MemberPlan {
            group: G1,
            ordinal,
            start: Start::At(Time::ZERO),
            topics: None,
            config: ConsumerConfig::default(),
        }),
    }));
    plan
}
