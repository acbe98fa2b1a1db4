//! What scenario files mean, and what is said about those that mean nothing.

mod diagnostics;
mod judging;
mod plans;
mod robustness;
