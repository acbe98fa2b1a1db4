//! Searching for trouble: plans are drawn, run and judged, and what breaks is made small.
//!
//! In reading order:
//! - [`violation`]: what a search looks for; [`subject`]: what it runs
//! - [`file`](mod@file): trials of a scenario file
//! - [`any`]: draws every trial anew; [`promise`]: what its settings promise
//! - [`campaign`]: many runs, in order; [`looked`]: what they covered
//! - [`mod@shrink`]: makes what was found small
//! - [`mod@odds`]: when it was too late
//! - [`mutants`]: whether searches would notice a rule that is broken on purpose; [`kills`]: how
//!   soon they did
//! - [`signature`]: when two findings are one story; [`known`]: which stories it knows

pub mod any;
pub mod campaign;
pub mod file;
pub mod kills;
pub mod known;
pub mod looked;
pub mod mutants;
pub mod odds;
pub mod promise;
pub mod shrink;
pub mod signature;
pub mod subject;
pub mod violation;
