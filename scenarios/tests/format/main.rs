//! What scenario files mean, and what is said about those that mean nothing.

mod diagnostics;
mod group_mistakes;
mod groups;
mod judging;
mod plans;
mod robustness;
