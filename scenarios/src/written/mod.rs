//! A plan as a scenario file that a person likes to read: what differs from the defaults, in
//! the words that files have for it.
//!
//! Reading the file again gives the same plan, and so the same history. A search writes what
//! it has found this way.
//!
//! In reading order:
//! - `layout`: tables and their lines; `lengths`: values with units
//! - `names`: selectors and conditions; `settings`: Kafka's settings
//! - `cluster`, `environment`, `clients`, `groups`, `handling`: the tables of a file
//! - `steps`, `verbs`: what happens; `expects`: what should

mod clients;
mod cluster;
mod environment;
mod expects;
mod groups;
mod handling;
mod layout;
mod lengths;
mod names;
mod settings;
mod steps;
mod verbs;

use model::time::Duration;
use sim::plan::{Condition, Plan};

use crate::found::Found;
use crate::lower::Phases;
use crate::scenario::Expected;
use cluster::Servers;
use layout::{Sheet, Table, Value};
use names::Names;

/// What a file says besides its plan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heading {
    /// The lesson as a sentence.
    pub title: String,
    /// What it teaches, in a sentence or two.
    pub teaches: Option<String>,
    /// What is said at each step of the plan; those beyond the end say nothing.
    pub says: Vec<Option<String>>,
    /// What should happen. Conditions to be reached come from the plan's watches, not from here.
    pub expects: Vec<Expected>,
    /// Where the file comes from, if a search has found it.
    pub found: Option<Found>,
}

/// Writes a plan as a scenario file.
///
/// The plan is one that a file can describe: producers come before consumers, those before
/// members of groups, groups before applications that send on what they read; members are
/// numbered from 1, and every step is within the fault phase. Of a plan without watches at
/// least one thing must be expected.
///
/// # Panics
/// If the plan refers to a topic, client or group that it does not have.
pub fn scenario(plan: &Plan, heading: &Heading) -> String {
    let names = Names::of(plan);
    let servers = Servers::of(plan);
    let mut sheet = Sheet::default();
    sheet.preface(&preface(plan, heading));
    if let Some(found) = &heading.found {
        sheet.table("found", &found_by(found));
    }
    sheet.table_if_any("sim", &phases(plan));
    cluster::cluster(plan, &servers, &mut sheet);
    cluster::topics(plan, &servers, &mut sheet);
    clients::clients(plan, names, &mut sheet);
    groups::groups(plan, names, &mut sheet);
    environment::environment(plan, names, &mut sheet);
    steps::steps((plan, names), &heading.says, &mut sheet);
    expects::expects(&heading.expects, (plan, names), &mut sheet);
    sheet.finish()
}

/// Writes a condition as files have it: `acknowledged(p1) >= 1`.
///
/// # Panics
/// If it is about a topic, client or group that the plan does not have.
pub fn condition(plan: &Plan, condition: &Condition) -> String {
    Names::of(plan).condition(condition)
}

/// Writes a duration as files have it: `1.5s`.
pub fn length(length: Duration) -> String {
    lengths::duration(length)
}

fn preface(plan: &Plan, heading: &Heading) -> Table {
    let mut table = Table::default();
    table.set("schema", 1_u64);
    table.set("title", heading.title.as_str());
    table.set_some("teaches", heading.teaches.as_deref());
    table.set("kafka", "4.0");
    table.set("seed", seed(plan.seed));
    table
}

fn found_by(found: &Found) -> Table {
    let mut table = Table::default();
    table.set("by", found.by.as_str());
    table.set("violation", found.violation.as_str());
    table.set("seed", seed(found.seed));
    table.set("digest", format!("{:016x}", found.digest));
    table.set("trial", found.trial.as_str());
    table.set("model", found.model);
    table
}

/// Writes a seed; TOML has no whole numbers beyond 2^63-1.
fn seed(seed: u64) -> Value {
    match i64::try_from(seed) {
        Ok(..1_000_000) => Value::from(seed),
        Ok(_) => Value::Plain(format!("{seed:#x}")),
        Err(_) => Value::from(format!("{seed:#x}")),
    }
}

fn phases(plan: &Plan) -> Table {
    let usual = Phases::default();
    let mut table = Table::default();
    table.set_unless("faults-for", plan.faults_for, usual.faults_for);
    table.set_unless("settle", plan.settle, usual.settle);
    table.set_unless("max-events", plan.events_max, usual.events_max);
    if plan.wall_clock != usual.wall_clock {
        table.set("wall-clock", lengths::moment(plan.wall_clock));
    }
    table
}
