//! Trial's tests over crate borders, one binary.

mod cli;
mod determinism;
mod library;
mod readme;
mod robustness;
mod tidy;
mod vectors;
