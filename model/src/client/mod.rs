//! Kafka's clients: what applications call.
//!
//! In reading order:
//! - [`metadata`]: what a client knows of the cluster, and when it asks again
//! - [`link`]: its connections to the brokers
//! - [`producer`]: `send()`, `flush()`, `close()`; `sender`: what leaves and comes back
//! - [`partitioner`]: which partition; `accumulator`, `producer_batch`: what waits and flies
//! - `sequences`: idempotence; `retry`: what follows from an answer
//! - [`consumer`]: reads; [`positions`]: where it reads next; [`offsets`]: how it asks
//!   leaders about that; [`fetcher`]: what it fetches
//! - [`admin`]: an operator's console

mod accumulator;
pub mod admin;
pub mod consumer;
pub mod fetcher;
pub mod link;
pub mod metadata;
pub mod offsets;
pub mod partitioner;
pub mod positions;
pub mod producer;
mod producer_batch;
mod retry;
mod sender;
mod sequences;

#[cfg(test)]
mod stage;
