//! Draws brokers, the controller, the network, disks and clocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::config::{BrokerConfig, ControllerConfig, RawSetting};
use model::ids::{BrokerId, NodeId};
use model::time::Duration;
use sim::plan::{
    BrokerPlan, ClockPlan, ControllerKind, ControllerPlan, DiskPlan, FlushPolicy, InFlight,
    NetworkPlan, Shape,
};

use crate::search::any::Scale;
use crate::search::any::dice::Dice;

/// Draws the brokers, all with the same settings.
pub(crate) fn brokers(seed: u64, scale: &Scale, disk: &DiskPlan) -> Vec<BrokerPlan> {
    let mut dice = Dice::of(seed, "brokers");
    let config = broker(&mut dice, scale);
    let racks: Option<Vec<Arc<str>>> =
        dice.one_in(4).then(|| ["a", "b", "c"].map(Arc::from).to_vec());
    let plan = |id: u8| BrokerPlan {
        id: BrokerId(id),
        rack: racks.as_ref().map(|racks| racks[usize::from(id - 1) % racks.len()].clone()),
        config: config.clone(),
        log_defaults: Vec::new(),
        disk: disk.clone(),
    };
    (1..=scale.brokers).map(plan).collect()
}

fn broker(dice: &mut Dice, scale: &Scale) -> BrokerConfig {
    let session = dice.millis(1_000, 5_000);
    BrokerConfig {
        replica_lag_time_max: dice.pick(&[1_000, 1_500, 2_000, 5_000].map(Duration::from_millis)),
        replica_fetch_wait_max: dice.pick(&[100, 500, 500].map(Duration::from_millis)),
        replica_fetch_backoff: dice.millis(100, 1_000),
        replica_socket_timeout: dice.millis(1_000, 5_000),
        // One batch at a time, where there are so few that a follower keeps up nevertheless.
        replica_fetch_bytes_max: if scale.records <= 8 && dice.one_in(3) { 100 } else { 1_048_576 },
        high_watermark_checkpoint_interval: dice.millis(100, 5_000),
        heartbeat_interval: dice.millis(100, 500),
        offsets_topic_partitions: dice.pick(&[1, 1, 2]),
        offsets_topic_replication_factor: dice.number(1, u64::from(scale.brokers.min(3))) as u16,
        offsets_topic_segment_bytes: dice.pick(&[104_857_600, 104_857_600, 1_000]),
        offsets_commit_timeout: dice.millis(500, 5_000),
        group_session_timeout_min: Duration::from_millis(100),
        group_initial_rebalance_delay: dice.pick(&[0, 0, 100, 500].map(Duration::from_millis)),
        group_consumer_session_timeout: session,
        group_consumer_session_timeout_min: Duration::from_millis(1_000),
        group_consumer_heartbeat_interval: dice.millis(100, 500),
        group_consumer_heartbeat_interval_min: Duration::from_millis(100),
        ..BrokerConfig::default()
    }
}

/// Draws the controller.
pub(crate) fn controller(seed: u64) -> ControllerPlan {
    let mut dice = Dice::of(seed, "controller");
    let kind = dice.pick(&[ControllerKind::Infallible, ControllerKind::Single]);
    let mut config = ControllerConfig {
        session_timeout: dice.pick(&[1_000, 1_500, 2_000, 3_000].map(Duration::from_millis)),
        unclean_election_interval: dice.millis(1_000, 5_000),
        metadata_idle_interval_max: dice.pick(&[500, 5_000, 5_000].map(Duration::from_millis)),
        ..ControllerConfig::default()
    };
    if dice.coin() {
        let seconds = RawSetting::Int(dice.number(1, 3) as i64);
        let set = config.set("leader.imbalance.check.interval.seconds", &seconds);
        set.expect("it is a number of seconds");
    }
    ControllerPlan { kind, config }
}

/// Draws the network.
pub(crate) fn network(seed: u64, scale: &Scale) -> NetworkPlan {
    let mut dice = Dice::of(seed, "network");
    let links = match dice.one_in(8) && 1 < scale.brokers {
        true => {
            let from = dice.number(1, u64::from(scale.brokers)) as u8;
            let to = from % scale.brokers + 1;
            let node = |id| NodeId::Broker(BrokerId(id));
            vec![(node(from), node(to), dice.shape(10, 100))]
        }
        false => Vec::new(),
    };
    NetworkPlan {
        latency: dice.shape(1, 20),
        bandwidth: dice.one_in(8).then_some(1_000_000),
        loss_millionths: dice.pick(&[0, 0, 0, 10_000]),
        in_flight: dice.pick(&[InFlight::Kept, InFlight::Dropped, InFlight::Jammed]),
        links,
    }
}

/// Draws how disks behave.
pub(crate) fn disk(seed: u64) -> DiskPlan {
    let mut dice = Dice::of(seed, "disk");
    DiskPlan {
        flush: dice.pick(&[
            FlushPolicy::ByConfig,
            FlushPolicy::ByConfig,
            FlushPolicy::EveryWrite,
            FlushPolicy::Never,
        ]),
        write_latency: Shape::Fixed(Duration::from_micros(dice.pick(&[20, 20, 1_000]))),
        flush_latency: Shape::Fixed(dice.millis(1, 10)),
        writeback: dice.pick(&[1, 5, 30].map(Duration::from_secs)),
    }
}

/// Draws which brokers' clocks are wrong.
pub(crate) fn clocks(seed: u64, scale: &Scale) -> BTreeMap<NodeId, ClockPlan> {
    let mut dice = Dice::of(seed, "clocks");
    if !dice.one_in(4) {
        return BTreeMap::new();
    }
    let node = NodeId::Broker(BrokerId(dice.number(1, u64::from(scale.brokers)) as u8));
    let ahead = dice.millis(100, 10_000).0 as i64;
    let ahead_micros = if dice.coin() { ahead } else { -ahead };
    let drift_ppm = dice.pick(&[0, 200, -200]);
    [(node, ClockPlan { ahead_micros, drift_ppm })].into()
}
