//! Trial's tests over crate borders, one binary.

mod chinese;
mod cli;
mod determinism;
mod formats;
mod jepsen;
mod library;
mod mutants;
mod page;
mod readme;
mod robustness;
mod show;
mod sweep;
mod tidy;
mod trace;
mod vectors;
