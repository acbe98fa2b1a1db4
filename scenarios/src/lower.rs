//! Turns a file's tree into one case: a plan, expectations, and what readers want to know.

use std::collections::{BTreeMap, BTreeSet};

use model::time::{Duration, Timestamp};
use sim::plan::{BrokerPlan, ClientPlan, Plan, Step, TopicPlan};

use crate::clients;
use crate::cluster::{self, Cluster};
use crate::codes::Code;
use crate::environment;
use crate::expect::{self, Court};
use crate::found::{self, Found};
use crate::group_verbs;
use crate::groups::{self, Groups, Table};
use crate::matrix::{Choice, Matrix, applies};
use crate::names::{ClientKind, Names};
use crate::nemesis;
use crate::problems::{Problems, Span};
use crate::scenario::{Case, Expect, Question, StepInfo, Text};
use crate::section::{Section, items};
use crate::steps::{self, Context};
use crate::topics;
use crate::tree::{Node, Value};
use crate::values::{duration, moment, seed, text, whole};
use crate::words;

/// What a file says about itself.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub title: Option<Text>,
    pub teaches: Option<Text>,
    pub ask: Option<Question>,
    pub tags: Vec<String>,
    pub seed: u64,
    pub found: Option<Found>,
}

/// What `[sim]` says.
pub(crate) struct Phases {
    pub faults_for: Duration,
    pub settle: Duration,
    pub events_max: u64,
    pub wall_clock: Timestamp,
}

impl Default for Phases {
    fn default() -> Phases {
        Phases {
            faults_for: Duration::from_secs(30),
            settle: Duration::from_secs(60),
            events_max: 2_000_000,
            // 2030-01-01T00:00:00Z
            wall_clock: Timestamp(1_893_456_000_000),
        }
    }
}

/// Checks the first thing every file must say.
pub(crate) fn check_schema(root: &Node, problems: &mut Problems<'_>) {
    match root.get("schema") {
        None => {
            problems
                .error(Code::Schema, root.span, "the file does not say its schema")
                .help("Begin it with `schema = 1`.");
        }
        Some(Node { value: Value::Int(1), .. }) => {}
        Some(node) => {
            let message = "this schema is unknown";
            problems.error(Code::Schema, node.span, message).label("expected 1");
        }
    }
}

/// Reads one case. The result is of use only if `problems` has no errors.
pub(crate) fn case(
    root: &Node,
    matrix: &Matrix<'_>,
    cell: &Choice,
    problems: &mut Problems<'_>,
) -> Option<(Header, Case)> {
    let mut file = Section::open(root, "the file", problems)?;
    for name in ["schema", "matrix"] {
        file.take(name);
    }
    if let Some(node) = file.take("kafka") {
        cluster::profile(node, problems);
    }
    let header = header(&mut file, problems);
    let phases = phases(file.take("sim"), problems);
    let disk = environment::default_disk();
    let disk =
        file.take("disk").map_or(disk.clone(), |node| environment::disk(node, &disk, problems));
    let cluster_node = file.need("cluster", "the file", problems);
    let cluster = cluster_node.and_then(|node| cluster::read(node, &disk, problems));
    // Without a cluster every name below would be reported as unknown.
    let cluster = cluster.filter(|cluster| !cluster.brokers.is_empty());
    let sections = Sections::take(&mut file, cluster_node);
    let nemesis = file.take("nemesis");
    file.finish(problems);
    let built = build(&sections, &cluster?, &phases, problems);
    let (plan, steps, names) = built;
    let mut plan = Plan { seed: header.seed, disk, ..plan };
    let mut court = Court::new(&names, phases.settle);
    let expects = expectations(&sections, matrix, cell, &mut court, problems);
    plan.watches = court.watches;
    let (name, settings, chances) = (matrix.name(cell), matrix.settings(cell), court.chances);
    let nemesis = nemesis.map(|node| nemesis::read(node, &plan, problems));
    let mut case = Case { name, settings, plan, expects, chances, steps, nemesis };
    case.plan = case.paced(header.seed);
    Some((header, case))
}

/// The tables that need the cluster's names.
struct Sections<'t> {
    topics: Option<&'t Node>,
    producers: Option<&'t Node>,
    consumers: Option<&'t Node>,
    groups: Option<&'t Node>,
    apps: Option<&'t Node>,
    network: Option<&'t Node>,
    clocks: Option<&'t Node>,
    steps: Option<&'t Node>,
    expect: Option<&'t Node>,
    whole: Span,
    /// Where the file says how many replicas `__consumer_offsets` has.
    offsets_replicas: Option<Span>,
}

impl<'t> Sections<'t> {
    fn take(file: &mut Section<'t>, cluster: Option<&Node>) -> Sections<'t> {
        let broker = cluster.and_then(|node| node.get("broker"));
        let replicas = broker.and_then(|node| node.get("offsets.topic.replication.factor"));
        Sections {
            topics: file.take("topics"),
            producers: file.take("producers"),
            consumers: file.take("consumers"),
            groups: file.take("groups"),
            apps: file.take("apps"),
            network: file.take("network"),
            clocks: file.take("clocks"),
            steps: file.take("step"),
            expect: file.take("expect"),
            whole: file.span,
            offsets_replicas: replicas.map(|node| node.span),
        }
    }

    /// Returns the tables that define groups.
    fn group_tables(&self) -> impl Iterator<Item = (&'t Node, Table)> + use<'t> {
        let tables = [(self.groups, Table::Groups), (self.apps, Table::Apps)];
        tables.into_iter().filter_map(|(node, table)| Some((node?, table)))
    }

    /// Notes the names of all clients. Members come last, so that a further one leaves all
    /// other ids alone.
    fn declare(&self, names: &mut Names, problems: &mut Problems<'_>) {
        if let Some(node) = self.producers {
            clients::declare(node, ClientKind::Producer, names, problems);
        }
        if let Some(node) = self.consumers {
            clients::declare(node, ClientKind::Consumer, names, problems);
        }
        for (node, table) in self.group_tables() {
            groups::declare(node, table, names, problems);
        }
    }

    /// Reads all clients, in the order of their ids.
    fn clients(
        &self,
        (names, brokers): (&Names, &[BrokerPlan]),
        problems: &mut Problems<'_>,
    ) -> (Vec<ClientPlan>, Groups) {
        let producers = self.producers.map(|node| clients::producers(node, names, problems));
        let consumers = self.consumers.map(|node| clients::consumers(node, names, problems));
        let mut groups = Groups::default();
        for (node, table) in self.group_tables() {
            groups.read(node, table, (names, brokers), problems);
        }
        if let Some(span) = self.group_tables().find_map(|(node, _)| first_name(node)) {
            let span = self.offsets_replicas.unwrap_or(span);
            groups::check_offsets_topic(brokers, span, problems);
        }
        let mut clients = producers.unwrap_or_default();
        clients.extend(consumers.unwrap_or_default());
        clients.append(&mut groups.members);
        (clients, groups)
    }
}

fn build(
    sections: &Sections<'_>,
    cluster: &Cluster,
    phases: &Phases,
    problems: &mut Problems<'_>,
) -> (Plan, Vec<StepInfo>, Names) {
    let topics = sections.topics.map(|node| topics::read(node, cluster, problems));
    let topics = topics.unwrap_or_default();
    let brokers = cluster.brokers_for(&topics);
    let offsets = brokers.first().map(|broker| broker.config.offsets_topic_partitions);
    let mut names = Names {
        brokers: cluster.brokers.iter().map(|broker| broker.id).collect(),
        racks: cluster.racks.clone(),
        topics: topics.iter().map(|it| (it.plan.name.clone(), it.partitions)).collect(),
        offsets_partitions: offsets.unwrap_or_default(),
        clients: Vec::new(),
        groups: Vec::new(),
        markers: sections.steps.map(steps::markers).unwrap_or_default(),
    };
    sections.declare(&mut names, problems);
    let (mut clients, groups) = sections.clients((&names, &brokers), problems);
    let network = sections.network.map(|node| environment::network(node, &names, problems));
    let clocks = sections.clocks.map(|node| environment::clocks(node, &names, problems));
    let mut topics: Vec<TopicPlan> = topics.into_iter().map(|topic| topic.plan).collect();
    let partitions = names.topics.iter().map(|(_, partitions)| *partitions).collect();
    if let Some(node) = sections.steps {
        group_verbs::grow(node, &mut names);
    }
    let own = brokers.iter().flat_map(|broker| &broker.log_defaults);
    let mut context = Context {
        names: &names,
        topics: &mut topics,
        created: BTreeSet::new(),
        altered: BTreeMap::new(),
        defaulted: own.map(|it| (it.topic, it.name)).collect(),
        partitions,
        faults_for: phases.faults_for,
        wall_clock: phases.wall_clock,
        fires_at: None,
    };
    let steps = sections.steps.map(|node| steps::read(node, &mut context, problems));
    let (steps, infos): (Vec<Step>, Vec<StepInfo>) = steps.unwrap_or_default().into_iter().unzip();
    groups.wait_for_steps(&mut clients, &steps);
    let plan = Plan {
        seed: 0,
        faults_for: phases.faults_for,
        settle: phases.settle,
        events_max: phases.events_max,
        wall_clock: phases.wall_clock,
        brokers,
        controller: cluster.controller.clone(),
        rules: cluster.rules,
        topics,
        network: network.unwrap_or_else(environment::default_network),
        disk: environment::default_disk(),
        clocks: clocks.unwrap_or_default(),
        clients,
        groups: groups.plans,
        steps,
        watches: Vec::new(),
    };
    (plan, infos, names)
}

/// Returns the place of the first name in a table of names.
fn first_name(node: &Node) -> Option<Span> {
    node.entries().first().map(|entry| entry.name_span)
}

/// Reads the file's expectations and those that the matrix has for this cell.
fn expectations(
    sections: &Sections<'_>,
    matrix: &Matrix<'_>,
    cell: &Choice,
    court: &mut Court<'_>,
    problems: &mut Problems<'_>,
) -> Vec<Expect> {
    let mut expects = match sections.expect {
        Some(node) if !items(node).is_empty() => expect::read(node, court, problems),
        _ => {
            problems
                .error(Code::NoExpectation, sections.whole, "the file has no [[expect]]")
                .help("Say what should happen: [[expect]] claim = \"no-acknowledged-loss\".");
            Vec::new()
        }
    };
    expect::check_once(&expects, problems);
    for (node, choice) in &matrix.expects {
        let Some(mut section) = Section::open(node, "an expectation", problems) else { continue };
        section.take("where");
        court.applies = applies(choice, cell);
        let read = expect::one(&mut section, court, problems);
        section.finish(problems);
        let Some(read) = read.filter(|_| applies(choice, cell)) else { continue };
        match expects.iter_mut().find(|expect| expect::same_subject(expect, &read)) {
            Some(expect) => *expect = read,
            None => expects.push(read),
        }
    }
    expects
}

fn header(file: &mut Section<'_>, problems: &mut Problems<'_>) -> Header {
    let title = file.take("title").and_then(|node| words::text(node, problems));
    let teaches = file.take("teaches").and_then(|node| words::text(node, problems));
    let ask = file.take("ask").and_then(|node| words::question(node, problems));
    let tags = file.take("tags").map(items).unwrap_or_default();
    let tags = tags.iter().filter_map(|node| text(node, problems)).map(str::to_owned).collect();
    let seed = file.take("seed").and_then(|node| seed(node, problems));
    let found = file.take("found").and_then(|node| found::read(node, problems));
    Header { title, teaches, ask, tags, seed: seed.unwrap_or(1), found }
}

fn phases(node: Option<&Node>, problems: &mut Problems<'_>) -> Phases {
    let mut phases = Phases::default();
    let Some(node) = node else { return phases };
    let Some(mut section) = Section::open(node, "`sim`", problems) else { return phases };
    if let Some(read) = section.take("faults-for").and_then(|node| duration(node, problems)) {
        phases.faults_for = read;
    }
    if let Some(read) = section.take("settle").and_then(|node| duration(node, problems)) {
        phases.settle = read;
    }
    if let Some(node) = section.take("max-events") {
        let read = whole(node, 1..=i64::MAX as u64, problems);
        phases.events_max = read.unwrap_or(phases.events_max);
    }
    if let Some(read) = section.take("wall-clock").and_then(|node| moment(node, problems)) {
        phases.wall_clock = read;
    }
    section.finish(problems);
    phases
}
