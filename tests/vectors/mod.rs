//! Cases mined from Kafka's own tests, run against the model.
//!
//! The cases lie in `tests/data`: id, Kafka's test as `source`, inputs, expectations. Each
//! file here runs those of one part of the model and lists those that it does not run, with
//! the reason.

mod assignors;
mod controller;
mod groups;
mod link;
mod log;
mod partition;
mod producer;
