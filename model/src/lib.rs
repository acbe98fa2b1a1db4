//! Kafka's rules as plain values: no clock, no files, no threads, no simulator.
//!
//! In reading order:
//! - [`ids`], [`time`], [`chance`]: quantities, virtual time, named random streams
//! - [`turn`]: the one door between a machine and the world; [`fact`]: what became true
//! - [`message`]: what nodes say to each other; [`config`]: Kafka's settings; [`rules`]: eras,
//!   [`mutant`]: rules broken on purpose
//! - [`image`]: the cluster metadata; [`table`]: small maps
//! - [`log`]: one partition's records on one broker
//! - [`partition`]: a replica as leader or follower; [`broker`]: the process around replicas
//! - [`channel`]: one client connection with its requests
//! - [`group`]: the group coordinator: members, assignments, offsets
//! - [`controller`]: the one that keeps the cluster metadata
//! - [`group`]: consumers that share partitions
//! - [`client`]: producers and consumers

pub mod broker;
pub mod chance;
pub mod channel;
pub mod client;
pub mod config;
pub mod controller;
pub mod fact;
pub mod group;
pub mod ids;
pub mod image;
pub mod log;
pub mod message;
pub mod mutant;
pub mod partition;
pub mod rules;
pub mod table;
pub mod time;
pub mod turn;
