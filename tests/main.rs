//! Trial's tests over crate borders, one binary.

mod book;
mod chinese;
mod classroom;
mod cli;
mod corpus;
mod determinism;
mod formats;
mod fuzz;
mod grade;
mod jepsen;
mod library;
mod mutants;
mod odds;
mod page;
mod readme;
mod replay;
mod robustness;
mod sheets;
mod show;
mod sweep;
mod tidy;
mod trace;
mod vectors;
