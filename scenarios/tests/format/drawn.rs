//! Plans that nobody has written, for the law that what is written is read again.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::config::TopicConfig;
use model::fact::GroupPhase;
use model::ids::{BrokerId, ClientId, NodeId, Offset, TopicId, TopicPartition};
use model::message::cluster::ElectionKind;
use model::message::{Api, Half, MessageKind};
use model::time::{Duration, Time, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use scenarios::{Overrides, parse};
use sim::plan::{
    Action, AsyncRetry, ClientRole, ClockPlan, CommitOrder, CommitStyle, Comparison, Condition,
    ControllerKind, Created, Direction, DiskPlan, FlushPolicy, GroupIndex, Handling, InFlight,
    MessageFate, MessageRule, NetworkPlan, OnFailure, Plan, Poison, Quantity, Required, SeekTo,
    Selector, Shape, Sink, Spread, Start, Step, Trigger, Unsynced, WorkerCommits, Workers,
};

const EVERYTHING: &str = include_str!("files/everything.toml");

/// Draws a plan: the topics and clients of one file, and everything else by chance.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let (base, _) = parse("base.toml", EVERYTHING, &Overrides::default()).unwrap();
    let base = base.cases[0].plan.clone();
    let members = base.clients.iter().filter(|it| matches!(it.role, ClientRole::Member(_))).count();
    let world = (any::<u64>(), network(), vec(disk(), 4), vec(clock(), 0..4), any::<bool>());
    let starts = (vec(start(), members), vec(any::<bool>(), 3), vec(option::of(rack()), 3));
    let handling = vec((handling(), 0..20_u64), 3);
    (world, starts, handling, vec(step(), 0..12)).prop_map(
        move |(world, starts, handling, steps)| {
            let mut plan = base.clone();
            let (seed, network, disks, clocks, infallible) = world;
            plan.seed = seed;
            plan.network = network;
            plan.disk = disks[3].clone();
            plan.clocks = clocks.into_iter().collect();
            if infallible {
                plan.controller.kind = ControllerKind::Infallible;
            }
            let (starts, created, racks) = starts;
            for ((broker, disk), rack) in plan.brokers.iter_mut().zip(disks).zip(racks) {
                (broker.disk, broker.rack) = (disk, rack);
            }
            for (topic, by_step) in plan.topics.iter_mut().zip(created) {
                topic.created = if by_step { Created::ByStep } else { Created::AtStart };
            }
            set_groups(&mut plan, &starts, handling);
            plan.steps.splice(0..0, steps);
            make_sense(&mut plan);
            plan
        },
    )
}

fn set_groups(plan: &mut Plan, starts: &[Start], handling: Vec<(Handling, u64)>) {
    let mut starts = starts.iter();
    for client in &mut plan.clients {
        let ClientRole::Member(member) = &mut client.role else { continue };
        let (handling, records) = &handling[usize::from(member.group.0)];
        member.start = *starts.next().unwrap();
        member.config.auto_commit = handling.commit == CommitStyle::Auto;
        if *records % u64::from(member.ordinal) == 0 {
            member.config.poll_records_max = *records as u32 + 1;
        }
    }
    for (group, (handling, _)) in plan.groups.iter_mut().zip(handling) {
        let output = group.handling.output.take();
        group.handling = Handling { output, ..handling };
    }
}

/// Leaves out what no file can say, as it would contradict itself.
fn make_sense(plan: &mut Plan) {
    let mut created = BTreeSet::new();
    let mut partitions = 3;
    plan.steps.retain(|step| match &step.action {
        Action::CreateTopic(topic) => created.insert(*topic),
        Action::AddPartitions(_, to) => {
            let more = partitions < *to;
            partitions = partitions.max(*to);
            more
        }
        _ => true,
    });
    for topic in created {
        plan.topics[usize::from(topic.0)].created = Created::ByStep;
    }
    for step in &mut plan.steps {
        if let Action::AlterTopic(topic, config) = &mut step.action {
            let min_insync_replicas = config.min_insync_replicas;
            *config = plan.topics[usize::from(topic.0)].config.clone();
            config.min_insync_replicas = min_insync_replicas;
        }
        let undoable = matches!(
            step.action,
            Action::Crash(_)
                | Action::Shutdown(_)
                | Action::PowerLoss(..)
                | Action::Pause(_)
                | Action::Cut { .. }
                | Action::Slow { .. }
                | Action::Rule(_)
                | Action::DiskSlow(..)
                | Action::DiskStall(_)
        );
        step.undo_after = step.undo_after.filter(|_| undoable);
    }
}

fn duration() -> impl Strategy<Value = Duration> {
    (0..500_u64, select(vec![1, 250, 1_000, 50_000, 1_000_000]))
        .prop_map(|(number, unit)| Duration(number * unit))
}

fn shape() -> impl Strategy<Value = Shape> {
    (duration(), duration(), duration(), 0..=1_000_000_u32, 0..4).prop_map(
        |(a, b, c, rare_millionths, kind)| match kind {
            0 => Shape::Fixed(a),
            1 => Shape::Uniform(a, a + b),
            2 => Shape::Exponential { floor: a, mean: a + b, cap: a + b + c },
            _ => Shape::TwoHumped { usual: a, rare: b, rare_millionths },
        },
    )
}

fn network() -> impl Strategy<Value = NetworkPlan> {
    let in_flight = select(vec![InFlight::Kept, InFlight::Dropped, InFlight::Jammed]);
    let link = (node(), shape()).prop_filter_map("two ends", |(node, shape)| {
        let one = NodeId::Broker(BrokerId(1));
        (node != one).then_some((node, one, shape))
    });
    (shape(), option::of(1..u64::from(u32::MAX)), 0..=1_000_000_u32, in_flight, vec(link, 0..3))
        .prop_map(|(latency, bandwidth, loss_millionths, in_flight, links)| NetworkPlan {
            latency,
            bandwidth,
            loss_millionths,
            in_flight,
            links,
        })
}

fn disk() -> impl Strategy<Value = DiskPlan> {
    let flush = select(vec![FlushPolicy::ByConfig, FlushPolicy::EveryWrite, FlushPolicy::Never]);
    let writeback = prop_oneof![Just(Duration::MAX), duration()];
    (flush, shape(), shape(), writeback).prop_map(
        |(flush, write_latency, flush_latency, writeback)| DiskPlan {
            flush,
            write_latency,
            flush_latency,
            writeback,
        },
    )
}

fn clock() -> impl Strategy<Value = (NodeId, ClockPlan)> {
    (node(), -9_000_000..9_000_000_i64, -100_000..100_000_i64)
        .prop_map(|(node, ahead_micros, drift_ppm)| (node, ClockPlan { ahead_micros, drift_ppm }))
}

fn rack() -> impl Strategy<Value = Arc<str>> {
    select(vec!["a", "b"]).prop_map(Arc::from)
}

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::ByStep),
        Just(Start::At(Time::ZERO)),
        duration().prop_map(|it| Start::At(Time::ZERO + it)),
    ]
}

fn handling() -> impl Strategy<Value = Handling> {
    let retries = vec![AsyncRetry::Never, AsyncRetry::Naive, AsyncRetry::BySequence];
    let commit = prop_oneof![
        select(vec![CommitStyle::Before, CommitStyle::After, CommitStyle::Each]),
        select(vec![CommitStyle::Auto, CommitStyle::Never]),
        select(retries).prop_map(CommitStyle::Async),
    ];
    let sink = prop_oneof![
        select(vec![Sink::Append, Sink::UniqueKey, Sink::VersionCheck, Sink::WithOffsets]),
        select(vec![Sink::SetnxBefore, Sink::SetnxAfter]),
        (0..=1_000_000_u32).prop_map(|lies_millionths| Sink::Bloom { lies_millionths }),
    ];
    let poison =
        prop_oneof![(1..99_u32).prop_map(Poison::EveryNth), (0..99_u64).prop_map(Poison::AtOffset)];
    let dead =
        (1..5_u32).prop_map(|attempts| OnFailure::DeadLetter { topic: TopicId(2), attempts });
    let on_failure = prop_oneof![
        select(vec![OnFailure::Stop, OnFailure::Crash, OnFailure::Skip]),
        duration().prop_map(OnFailure::Retry),
        dead
    ];
    let failing = (0..3_u32, option::of(poison), on_failure, option::of(0..99_u64));
    (shape(), commit, sink, option::of(workers()), failing).prop_map(
        |(takes, commit, sink, mut workers, (fails, poison, on_failure, shed_above))| {
            let commit = if sink == Sink::WithOffsets { CommitStyle::Never } else { commit };
            if matches!(commit, CommitStyle::Before | CommitStyle::Auto | CommitStyle::Never)
                && let Some(workers) = &mut workers
            {
                workers.commits = WorkerCommits::default();
            }
            let fails_millionths = fails * 250_000;
            let output = None;
            Handling {
                takes,
                fails_millionths,
                commit,
                workers,
                sink,
                poison,
                on_failure,
                shed_above,
                output,
            }
        },
    )
}

fn workers() -> impl Strategy<Value = Workers> {
    let commits =
        select(vec![WorkerCommits::Contiguous, WorkerCommits::Own, WorkerCommits::Polled]);
    let spread = select(vec![Spread::Anybody, Spread::ByKey]);
    (1..9_u16, spread, option::of(1..99_u32), commits)
        .prop_map(|(threads, spread, queue, commits)| Workers { threads, spread, queue, commits })
}

fn partition() -> impl Strategy<Value = TopicPartition> {
    (0..2_u16, 0..2_u16)
        .prop_map(|(topic, partition)| TopicPartition { topic: TopicId(topic), partition })
}

fn broker() -> impl Strategy<Value = BrokerId> {
    (1..4_u8).prop_map(BrokerId)
}

fn member() -> impl Strategy<Value = ClientId> {
    (3..10_u16).prop_map(ClientId)
}

fn producer() -> impl Strategy<Value = ClientId> {
    (0..2_u16).prop_map(ClientId)
}

fn group() -> impl Strategy<Value = GroupIndex> {
    (0..3_u16).prop_map(GroupIndex)
}

fn node() -> impl Strategy<Value = NodeId> {
    prop_oneof![
        Just(NodeId::Controller(1)),
        broker().prop_map(NodeId::Broker),
        (0..10_u16).prop_map(|client| NodeId::Client(ClientId(client))),
    ]
}

fn selector() -> impl Strategy<Value = Selector> {
    let words = vec![
        Selector::Controller,
        Selector::LastCrashed,
        Selector::AllDown,
        Selector::AnyBroker,
        Selector::AllBrokers,
        Selector::AllClients,
    ];
    prop_oneof![
        select(words),
        node().prop_map(Selector::Node),
        partition().prop_map(Selector::Leader),
        partition().prop_map(Selector::Followers),
        partition().prop_map(Selector::Isr),
        (partition(), 1..4_u16).prop_map(|(of, place)| Selector::Follower(of, place)),
        group().prop_map(Selector::Coordinator),
        group().prop_map(Selector::GroupLeader),
        membership(),
    ]
}

/// Draws a selector that names members of groups.
fn membership() -> impl Strategy<Value = Selector> {
    prop_oneof![
        member().prop_map(|client| Selector::Node(NodeId::Client(client))),
        (group(), 1..3_u16).prop_map(|(group, ordinal)| Selector::Member(group, ordinal)),
        group().prop_map(Selector::Members),
        (group(), partition()).prop_map(|(group, of)| Selector::Owner(group, of)),
    ]
}

fn some<T: std::fmt::Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    vec(of, 1..3)
}

fn number() -> impl Strategy<Value = Quantity> {
    prop_oneof![
        partition().prop_map(Quantity::Isr),
        partition().prop_map(Quantity::Epoch),
        (partition(), broker()).prop_map(|(of, id)| Quantity::HighWatermark(of, id)),
        (partition(), broker()).prop_map(|(of, id)| Quantity::LogEnd(of, id)),
        producer().prop_map(Quantity::Acknowledged),
        producer().prop_map(Quantity::InDoubt),
        producer().prop_map(Quantity::Sent),
        Just(Quantity::Polled(ClientId(2))),
        member().prop_map(Quantity::Threw),
        Just(Quantity::Unfenced),
        group().prop_map(Quantity::Generation),
        group().prop_map(Quantity::Members),
        (group(), partition()).prop_map(|(group, of)| Quantity::Committed(group, of)),
        (group(), option::of(partition())).prop_map(|(group, of)| Quantity::Lag(group, of)),
        group().prop_map(Quantity::Processed),
        member().prop_map(Quantity::ProcessedBy),
        member().prop_map(Quantity::Owned),
    ]
}

fn condition() -> impl Strategy<Value = Condition> {
    let signs = vec![
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Greater,
        Comparison::AtLeast,
    ];
    let equality = || select(vec![Comparison::Equal, Comparison::NotEqual]);
    let phases = vec![GroupPhase::Empty, GroupPhase::Stable, GroupPhase::Reconciling];
    let leaf = prop_oneof![
        Just(Condition::Seen("m1".into())),
        (number(), select(signs), any::<u64>())
            .prop_map(|(quantity, sign, number)| Condition::Compare(quantity, sign, number)),
        (partition(), equality(), option::of(broker()))
            .prop_map(|(of, sign, id)| Condition::LeaderIs(of, sign, id)),
        (group(), equality(), select(phases))
            .prop_map(|(group, sign, phase)| Condition::StateIs(group, sign, phase)),
        (partition(), equality(), option::of(Just(ClientId(4))))
            .prop_map(|(of, sign, client)| Condition::OwnerIs(GroupIndex(0), of, sign, client)),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            two.clone().prop_map(|(a, b)| Condition::And(Box::new(a), Box::new(b))),
            two.prop_map(|(a, b)| Condition::Or(Box::new(a), Box::new(b))),
            inner.prop_map(|a| Condition::Not(Box::new(a))),
        ]
    })
}

fn rule() -> impl Strategy<Value = Action> {
    let fate = prop_oneof![
        Just(MessageFate::Drop),
        Just(MessageFate::Hold),
        duration().prop_map(MessageFate::Delay)
    ];
    let kind = (select(Api::ALL.to_vec()), select(vec![Half::Request, Half::Response]))
        .prop_map(|(api, half)| MessageKind { api, half });
    let sides = (vec(selector(), 0..2), vec(selector(), 0..3));
    let counts = (0..3_u32, option::of(1..9_u32), select(vec![1_000_000, 250_000, 1]));
    (fate, kind, sides, counts).prop_map(|(fate, kind, (from, to), (skip, times, share))| {
        Action::Rule(MessageRule { fate, kind, from, to, skip, times, share_millionths: share })
    })
}

fn seek_to() -> impl Strategy<Value = SeekTo> {
    prop_oneof![
        Just(SeekTo::Beginning),
        Just(SeekTo::End),
        (0..9_000_u64).prop_map(|it| SeekTo::Offset(Offset(it)))
    ]
}

fn fault() -> impl Strategy<Value = Action> {
    let unsynced = vec![Unsynced::Lost, Unsynced::Kept, Unsynced::Prefix, Unsynced::Torn];
    let direction = select(vec![Direction::Both, Direction::OneWay]);
    let hit = || some(selector());
    prop_oneof![
        hit().prop_map(Action::Crash),
        hit().prop_map(Action::Restart),
        hit().prop_map(Action::Shutdown),
        (hit(), select(unsynced)).prop_map(|(hit, unsynced)| Action::PowerLoss(hit, unsynced)),
        hit().prop_map(Action::Pause),
        hit().prop_map(Action::Resume),
        (hit(), vec(selector(), 0..3), direction).prop_map(|(from, to, direction)| Action::Cut {
            from,
            to,
            direction
        }),
        Just(Action::HealAll),
        hit().prop_map(Action::Heal),
        (hit(), vec(selector(), 0..3), shape()).prop_map(|(from, to, latency)| Action::Slow {
            from,
            to,
            latency
        }),
        rule(),
        Just(Action::Release),
        (hit(), vec(selector(), 0..2)).prop_map(|(from, to)| Action::Reset(from, to)),
        (hit(), shape()).prop_map(|(hit, shape)| Action::DiskSlow(hit, shape)),
        hit().prop_map(Action::DiskStall),
        (hit(), -9_000_000..9_000_000_i64).prop_map(|(hit, by)| Action::ClockJump(hit, by)),
        (hit(), -100_000..100_000_i64).prop_map(|(hit, ppm)| Action::ClockDrift(hit, ppm)),
    ]
}

fn order() -> impl Strategy<Value = Action> {
    let kind = select(vec![ElectionKind::Preferred, ElectionKind::Unclean]);
    let topic = || (0..3_u16).prop_map(TopicId);
    let marker = option::of(Just(Arc::from("m1")));
    prop_oneof![
        (partition(), kind).prop_map(|(of, kind)| Action::Elect(of, kind)),
        topic().prop_map(Action::CreateTopic),
        (topic(), 1..4_u16).prop_map(|(topic, replicas)| {
            let config = TopicConfig { min_insync_replicas: replicas, ..TopicConfig::default() };
            Action::AlterTopic(topic, config)
        }),
        (producer(), 1..9_999_u32).prop_map(|(client, records)| Action::Produce(client, records)),
        ((2..10_u16).prop_map(ClientId), partition(), seek_to())
            .prop_map(|(client, of, to)| Action::Seek(client, of, to)),
        (member(), -9_000..9_000_i64)
            .prop_map(|(client, at)| Action::SeekToTime(client, Timestamp(1_893_456_000_000 + at))),
        (4..9_u16).prop_map(|to| Action::AddPartitions(TopicId(0), to)),
        (partition(), 0..99_u64).prop_map(|(of, to)| Action::DeleteRecords(of, Offset(to))),
        marker.prop_map(Action::Mark),
        of_members(),
    ]
}

fn of_members() -> impl Strategy<Value = Action> {
    let hit = || some(membership());
    let some_partitions = || vec(partition(), 0..3);
    let offsets = prop_oneof![
        (some(partition()), seek_to())
            .prop_map(|(of, to)| of.into_iter().map(|of| (of, to)).collect::<Vec<_>>()),
        proptest::collection::btree_map(partition(), seek_to(), 1..4)
            .prop_map(|offsets| offsets.into_iter().collect()),
    ];
    prop_oneof![
        hit().prop_map(Action::Join),
        hit().prop_map(Action::Leave),
        hit().prop_map(Action::PollElsewhere),
        hit().prop_map(Action::Wakeup),
        (hit(), some_partitions()).prop_map(|(hit, of)| Action::PauseFetching(hit, of)),
        (hit(), some_partitions()).prop_map(|(hit, of)| Action::ResumeFetching(hit, of)),
        (offsets, option::of(Just(ClientId(3)))).prop_map(|(offsets, member)| {
            Action::CommitOffsets(CommitOrder { group: GroupIndex(0), member, offsets })
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let trigger = prop_oneof![
        duration().prop_map(|at| Trigger::At(Time::ZERO + at)),
        duration().prop_map(Trigger::After),
        (condition(), duration()).prop_map(|(condition, wait)| Trigger::When(condition, wait)),
    ];
    let required = select(vec![Required::Yes, Required::No]);
    let action = prop_oneof![2 => fault(), 1 => order()];
    (trigger, action, option::of(duration()), required).prop_map(
        |(trigger, action, undo_after, required)| Step { trigger, action, undo_after, required },
    )
}
