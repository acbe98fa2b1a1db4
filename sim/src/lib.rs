//! How computers and networks misbehave, what a trial's history is, and how it is judged.
//!
//! In reading order:
//! - [`plan`]: everything decided before a trial starts
//! - [`history`]: what became true, in one order; [`verdict`]: what it is judged by
//! - [`runtime`]: runs a trial, under madsim or bare
//! - [`world`]: the simulated world, moved by the `queue` and its `alarms`: `nodes` (computers and their
//!   processes), `worker` (a consumer and a producer in one), `processes` (their lives), `traffic` (what they send and get), `network`, `disk`, `clock`, `rules` (about
//!   single messages)
//! - [`branch`]: other futures of one trial
//! - `script`, `faults`, `selectors`, `conditions`: the steps of a plan
//! - `apps`, `driving`, `members`: the applications that use the clients
//! - `groups`: what is true of groups
//! - `ledger`: where facts go; `shape`: random lengths of time
//! - [`checkers`]: who judges, in [`clause`]s; [`outcome`]: what a trial leaves behind
//! - [`coverage`]: abstract states, counted for searches
//! - [`jepsen`]: judges a history of clients alone, as Jepsen's Kafka workload does

pub mod checkers;
pub mod clause;
pub mod coverage;
pub mod flights;
pub mod history;
pub mod jepsen;
pub mod outcome;
pub mod plan;
pub mod runtime;
pub mod verdict;
pub mod world;

mod alarms;
mod apps;
pub mod branch;
mod clock;
mod conditions;
mod disk;
mod driving;
mod faults;
mod groups;
mod ledger;
mod members;
mod network;
mod nodes;
mod processes;
mod queue;
mod rules;
mod script;
mod selectors;
mod shape;
#[cfg(test)]
mod testing;
mod traffic;
#[cfg(test)]
mod trials;
mod worker;

/// The version of the rules that trials follow: bumped whenever a digest that tests pin changes.
pub const MODEL_VERSION: u32 = 1;

pub use runtime::{CountStates, Host, KeepHistory, Options, run};
pub use world::World;
