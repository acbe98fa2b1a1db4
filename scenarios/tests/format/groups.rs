//! Groups, applications and their members become plans.

use std::collections::BTreeMap;

use model::config::GroupProtocolKind;
use model::fact::GroupPhase;
use model::group::assignor::Strategy;
use model::ids::{ClientId, NodeId, Offset, TopicId, TopicPartition};
use model::message::data::Acks;
use model::time::{Duration, Time, Timestamp};
use scenarios::{Overrides, Scenario, parse};
use sim::plan::{
    Action, AsyncRetry, ClientPlan, ClientRole, CommitOrder, CommitStyle, Comparison, Condition,
    GroupIndex, MemberPlan, OnFailure, OutputKeys, Plan, Poison, Quantity, SeekTo, Selector, Shape,
    Sink, Spread, Start, Subscribed, WorkerCommits, Workers,
};

pub(crate) const GROUPS: &str = include_str!("files/groups.toml");

const ORDERS: TopicId = TopicId(0);
const ORDERS_0: TopicPartition = TopicPartition { topic: ORDERS, partition: 0 };
const ORDERS_3: TopicPartition = TopicPartition { topic: ORDERS, partition: 3 };
const G1: GroupIndex = GroupIndex(0);
/// The producer and the consumer come before the members.
const G1_1: ClientId = ClientId(2);
const G1_2: ClientId = ClientId(3);

#[test]
fn members_come_after_other_clients_and_bear_their_groups_name() {
    let plan = plan(GROUPS);

    let names: Vec<&str> = plan.clients.iter().map(|client| &*client.name).collect();
    assert_eq!(names, ["p1", "c1", "g1-1", "g1-2", "g1-3", "g2-1", "d1-1", "d1-2"]);
    let groups: Vec<(&str, usize)> =
        plan.groups.iter().map(|group| (&*group.name, group.members.len())).collect();
    assert_eq!(groups, [("g1", 3), ("g2", 1), ("d1", 2)]);
    assert_eq!(plan.groups[0].members, [G1_1, G1_2, ClientId(4)]);
    assert_eq!(plan.groups[2].members, [ClientId(6), ClientId(7)]);
}

#[test]
fn handling_says_everything_about_an_application() {
    let plan = plan(GROUPS);

    let group = &plan.groups[0];
    assert_eq!(group.topics, Subscribed::Topics(vec![ORDERS, TopicId(1)]));
    assert_eq!(group.poll_timeout, Duration::from_millis(250));
    let handling = &group.handling;
    assert_eq!(handling.takes, Shape::Fixed(Duration::from_millis(5)));
    assert_eq!(handling.fails_millionths, 10_000);
    assert_eq!(handling.commit, CommitStyle::Async(AsyncRetry::BySequence));
    let workers = Workers {
        threads: 4,
        spread: Spread::ByKey,
        queue: Some(100),
        commits: WorkerCommits::Own,
    };
    assert_eq!(handling.workers, Some(workers));
    assert_eq!(handling.sink, Sink::Bloom { lies_millionths: 20_000 });
    assert_eq!(handling.poison, Some(Poison::EveryNth(50)));
    let dead_letter = OnFailure::DeadLetter { topic: TopicId(2), attempts: 5 };
    assert_eq!(handling.on_failure, dead_letter);
    assert_eq!(handling.shed_above, Some(1_000));
    assert_eq!(handling.output, None);
}

#[test]
fn a_shorter_handling_has_the_defaults() {
    let plan = plan(GROUPS);

    let handling = &plan.groups[1].handling;
    assert_eq!(plan.groups[1].topics, Subscribed::Pattern("orders.*".into()));
    assert_eq!(handling.commit, CommitStyle::Auto);
    assert_eq!(handling.workers.map(|it| (it.threads, it.queue)), Some((2, None)));
    assert_eq!(handling.poison, Some(Poison::AtOffset(17)));
    assert_eq!(handling.on_failure, OnFailure::Retry(Duration::from_secs(2)));
    assert_eq!(handling.sink, Sink::Append);
    let config = &member(&plan, ClientId(5)).config;
    assert!(config.auto_commit);
    assert_eq!(config.group_protocol, GroupProtocolKind::Consumer);
    assert_eq!(config.remote_assignor.as_deref(), Some("range"));
}

#[test]
fn an_application_sends_on_what_it_reads() {
    let plan = plan(GROUPS);

    let handling = &plan.groups[2].handling;
    let output = handling.output.as_ref().unwrap();
    assert_eq!((output.topic, output.keys), (TopicId(1), OutputKeys::RoundRobin));
    assert_eq!(output.config.acks, Acks::Leader);
    assert_eq!(handling.commit, CommitStyle::Never, "the sink keeps the offsets");
    assert_eq!(handling.on_failure, OnFailure::Skip);
}

#[test]
fn members_differ_in_what_their_own_tables_say() {
    let plan = plan(GROUPS);

    let first = member(&plan, G1_1);
    assert_eq!((first.group, first.ordinal, &first.topics), (G1, 1, &None));
    assert_eq!(first.config.instance.as_ref().map(|it| &*it.0), Some("g1-1"));
    assert_eq!(first.config.strategies.0, [Strategy::Range, Strategy::CooperativeSticky]);
    assert!(!first.config.auto_commit);
    let second = member(&plan, G1_2);
    assert_eq!(second.topics, Some(Subscribed::Topics(vec![ORDERS])));
    let records = [first, second].map(|member| member.config.poll_records_max);
    assert_eq!(records, [500, 10]);
}

#[test]
fn a_member_waits_for_the_step_that_lets_it_join() {
    let starts = |source: &str| -> Vec<Start> {
        plan(source).clients[2..5].iter().map(|it| role(it).start).collect()
    };
    let at = |seconds: u64| Start::At(Time::ZERO + Duration::from_secs(seconds));

    // The second has a start of its own, so that its step only starts it again.
    assert_eq!(starts(GROUPS), [at(1), at(7), Start::ByStep]);
    let together = GROUPS.replace("starts = \"7s\"\n", "");
    assert_eq!(starts(&together), [at(1), Start::ByStep, Start::ByStep]);
    let crashed = together.replace(
        "at   = \"2s\"\njoin",
        "at   = \"1s\"\ncrash = \"members(g1)\"\n[[step]]\nat = \"2s\"\njoin",
    );
    assert_eq!(starts(&crashed), [at(1), at(3), at(5)]);
}

#[test]
fn verbs_become_actions() {
    let plan = plan(GROUPS);

    let node = |client| Selector::Node(NodeId::Client(client));
    let operator =
        |offsets| Action::CommitOffsets(CommitOrder { group: G1, member: None, offsets });
    let all = [0, 1].map(|topic| {
        [0, 1].map(|partition| {
            (TopicPartition { topic: TopicId(topic), partition }, SeekTo::Beginning)
        })
    });
    let own = CommitOrder {
        group: G1,
        member: Some(G1_1),
        offsets: vec![(TopicPartition { topic: ORDERS, partition: 1 }, SeekTo::Offset(Offset(17)))],
    };
    let expected = [
        Action::Join(vec![node(G1_2), Selector::Member(G1, 3)]),
        Action::Leave(vec![Selector::Owner(G1, ORDERS_0)]),
        Action::Crash(vec![Selector::GroupLeader(G1)]),
        Action::PollElsewhere(vec![node(G1_1)]),
        Action::Wakeup(vec![node(ClientId(1))]),
        Action::PauseFetching(vec![Selector::Members(G1)], vec![ORDERS_0]),
        Action::ResumeFetching(vec![node(G1_1)], Vec::new()),
        Action::Seek(G1_1, ORDERS_0, SeekTo::Offset(Offset(5))),
        Action::SeekToTime(G1_1, Timestamp(1_893_456_005_000)),
        operator(all.as_flattened().to_vec()),
        Action::CommitOffsets(own),
        Action::AddPartitions(ORDERS, 4),
        Action::DeleteRecords(ORDERS_3, Offset(100)),
        Action::Crash(vec![Selector::Coordinator(G1)]),
    ];
    let actions: Vec<Action> = plan.steps.into_iter().map(|step| step.action).collect();
    assert_eq!(actions, expected);
}

#[test]
fn times_to_seek_count_from_the_start_or_from_the_step() {
    let moment = |time: &str| {
        let plan = plan(&GROUPS.replace("time = \"-4s\"", &format!("time = {time}")));
        match &plan.steps[8].action {
            Action::SeekToTime(_, at) => at.0 - plan.wall_clock.0,
            action => panic!("{action:?}"),
        }
    };

    assert_eq!(moment("\"4s\""), 4_000);
    assert_eq!(moment("\"-1h\""), 9_000 - 3_600_000);
    assert_eq!(moment("\"2030-01-01T00:00:03Z\""), 3_000);
    assert_eq!(moment("2030-01-01T00:00:03Z"), 3_000);
}

#[test]
fn conditions_are_about_groups() {
    let plan = plan(GROUPS);

    let and = |one, other| Condition::And(Box::new(one), Box::new(other));
    let more = |quantity, number| Condition::Compare(quantity, Comparison::Greater, number);
    let none = |quantity| Condition::Compare(quantity, Comparison::Equal, 0);
    let stable = Condition::StateIs(G1, Comparison::Equal, GroupPhase::Stable);
    let two = Condition::Compare(Quantity::Members(G1), Comparison::AtLeast, 2);
    assert_eq!(plan.watches[0], and(and(stable, two), more(Quantity::Generation(G1), 1)));
    let owner = Condition::OwnerIs(G1, ORDERS_3, Comparison::Equal, Some(G1_2));
    let owned = Condition::OwnerIs(G1, ORDERS_0, Comparison::NotEqual, None);
    assert_eq!(plan.watches[1], Condition::Or(Box::new(owner), Box::new(owned)));
    let committed = more(Quantity::Committed(G1, ORDERS_0), 5);
    let lags = and(committed, none(Quantity::Lag(G1, None)));
    assert_eq!(plan.watches[2], and(lags, none(Quantity::Lag(G1, Some(ORDERS_0)))));
    let processed = and(more(Quantity::Processed(G1), 5), more(Quantity::ProcessedBy(G1_1), 2));
    let owns = Condition::Compare(Quantity::Owned(G1_1), Comparison::Equal, 1);
    let all = and(and(processed, owns), more(Quantity::Polled(G1_1), 3));
    assert_eq!(plan.watches[3], all);
}

#[test]
fn overrides_and_the_matrix_reach_into_groups() {
    let set = [
        ("groups.g1.config.max.poll.records", "20"),
        ("groups.g1.handling.then", "commit-each"),
        ("groups.g1.only.2.config.max.poll.interval.ms", "1000"),
        ("apps.d1.producer.linger.ms", "0"),
        ("groups.g1.members", "2"),
    ];
    let set = set.map(|(path, value)| (path.to_owned(), value.to_owned())).to_vec();
    let source = GROUPS
        .replace("retry-async = \"by-sequence\"\n", "")
        .replace(", \"member(g1, 3)\"", "")
        + "[matrix]\n\"apps.d1.producer.'batch.size'\" = [0, 100]\n\"groups.g2.handling.workers\" = [1, 2]\n";
    let overrides = Overrides { set, ..Overrides::default() };

    let scenario = read(&source, &overrides);

    let plan = &scenario.cases[1].plan;
    assert_eq!(plan.groups[0].handling.commit, CommitStyle::Each);
    assert_eq!(plan.groups[0].members.len(), 2);
    assert_eq!(member(plan, G1_1).config.poll_records_max, 20);
    assert_eq!(member(plan, G1_2).config.poll_interval_max, Duration::from_secs(1));
    assert_eq!(scenario.cases[1].name, "batch.size=0,workers=2");
    let output = plan.groups[2].handling.output.as_ref().unwrap();
    assert_eq!((output.config.linger, output.config.batch_bytes), (Duration::ZERO, 0));
}

#[test]
fn only_the_groups_make_two_plans_differ() {
    let without: BTreeMap<&str, &str> = BTreeMap::from([
        ("[groups.g1]", "[x-g1]"),
        ("[groups.g1.handling]", "[x-g1.handling]"),
        ("[groups.g1.only.2]", "[x-g1.only.2]"),
        ("[groups.g2]", "[x-g2]"),
        ("[apps.d1]", "[x-d1]"),
    ]);
    let head = GROUPS.split("[[step]]").next().unwrap();
    let source = without.iter().fold(head.to_owned(), |text, (from, to)| text.replace(from, to))
        + "[[expect]]\nclaim = \"no-phantom\"\n";

    let plan = plan(&source);

    assert_eq!((plan.clients.len(), plan.groups.len()), (2, 0));
}

fn role(client: &ClientPlan) -> &MemberPlan {
    match &client.role {
        ClientRole::Member(member) => member,
        ClientRole::Producer(_) | ClientRole::Consumer(_) => panic!("{} is a member", client.name),
    }
}

fn member(plan: &Plan, client: ClientId) -> &MemberPlan {
    role(&plan.clients[usize::from(client.0)])
}

fn plan(source: &str) -> Plan {
    read(source, &Overrides::default()).cases.remove(0).plan
}

fn read(source: &str, overrides: &Overrides) -> Scenario {
    match parse("file.toml", source, overrides) {
        Ok((scenario, warnings)) => {
            assert_eq!(warnings, []);
            scenario
        }
        Err(errors) => {
            panic!("{}", scenarios::render_all(&errors, source, scenarios::Paint::Plain))
        }
    }
}
