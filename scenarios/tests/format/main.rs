//! What scenario files mean, and what is said about those that mean nothing.

mod chances;
mod diagnostics;
mod drawn;
mod edn;
mod found;
mod group_mistakes;
mod groups;
mod judging;
mod nemesis;
mod plans;
mod robustness;
mod written;
