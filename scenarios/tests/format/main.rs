//! What scenario files mean, and what is said about those that mean nothing.

mod chances;
mod diagnostics;
mod edn;
mod group_mistakes;
mod groups;
mod judging;
mod plans;
mod robustness;
