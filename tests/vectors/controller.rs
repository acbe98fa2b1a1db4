//! Elections, replica placement and heartbeats of the controller.

use std::collections::BTreeMap;

use model::controller::brokers::{BrokerState, Standing, next_state};
use model::controller::election::{Change, Elected, Election, change, elect};
use model::controller::placement::{Demand, Ring, UsableBroker, place};
use model::ids::{BrokerEpoch, BrokerId, LeaderEpoch, MetadataOffset, PartitionEpoch, ReplicaSet};
use model::image::{PartitionRegistration, Recovery};
use model::message::ErrorCode;
use model::message::cluster::HeartbeatRequest;
use serde_json::Value;

/// The cases of this area that are not run, with the reason.
const NOT_RUN: &[(&str, &str)] = &[
    ("el-06", "partitions are not reassigned"),
    ("el-07", "partitions are not reassigned"),
    ("el-09", "partitions are not reassigned"),
    (
        "el-12",
        "a change of the ISR alone never raises the leader epoch; older metadata versions are not modelled",
    ),
];

#[test]
fn every_case_is_run_or_accounted_for() {
    let cases = cases();
    for case in &cases {
        let is_listed = NOT_RUN.iter().any(|(id, _)| *id == case["id"]);

        assert_ne!(run(case), is_listed, "{}", case["id"]);
    }
    for (id, _) in NOT_RUN {
        assert!(cases.iter().any(|case| case["id"] == *id), "{id} is not a case");
    }
}

/// Runs a case; returns whether there is anything to run it with.
fn run(case: &Value) -> bool {
    match text(&case["id"]) {
        "el-01" | "el-02" => elections(case),
        "el-04" | "el-05" => changes(case),
        "el-11" => recovery(case),
        "sp-01" | "sp-03" | "sp-04" | "sp-06" => placements(case),
        "sp-07" => distribution(case),
        "sp-08" => impossible_placements(case),
        "sp-09" => ring(case),
        "hb-01" => heartbeats(case),
        _ => return false,
    }
    true
}

fn elections(vector: &Value) {
    let may_lead = acceptable(&vector["partition"]);
    for case in list(&vector["cases"]) {
        let mut partition = partition(&vector["partition"]);
        if let Some(replicas) = case.get("targetReplicas") {
            partition.replicas = brokers(replicas);
        }
        let isr = case.get("targetIsr").map_or(partition.isr, isr);

        let elected = elect(&partition, isr, election(&case["election"]), &may_lead);

        assert_eq!(elected.leader(), leader(&case["leader"]), "{} {case}", vector["id"]);
        let is_unclean = matches!(elected, Elected::Unclean(_));
        assert_eq!(case["unclean"], is_unclean, "{} {case}", vector["id"]);
    }
}

fn changes(vector: &Value) {
    let partition = partition(&vector["partition"]);
    let may_lead = acceptable(&vector["partition"]);
    let election = vector.get("election").map_or(Election::Online, election);

    let change = change(&partition, isr(&vector["targetIsr"]), election, may_lead);

    assert_eq!(change, record(&vector["record"]), "{}", vector["id"]);
}

fn recovery(vector: &Value) {
    let mut partition = partition(&vector["partition"]);
    for step in list(&vector["steps"]) {
        let live = isr(&step["acceptable"]);
        let target = step.get("targetIsr").map_or(partition.isr, isr);

        let change = change(&partition, target, Election::Online, |id| live.contains(id));

        assert_eq!(change, record(&step["record"]), "{} {step}", vector["id"]);
        partition.leader = change.leader.unwrap_or(partition.leader);
        partition.isr = change.isr.unwrap_or(partition.isr);
        partition.recovery = change.recovery.unwrap_or(partition.recovery);
        if let Some(expected) = step.get("isrAfter") {
            assert_eq!(partition.isr, isr(expected), "{} {step}", vector["id"]);
        }
        if let Some(expected) = step.get("recoveryAfter") {
            assert_eq!(partition.recovery, recovery_state(expected), "{} {step}", vector["id"]);
        }
    }
}

fn placements(vector: &Value) {
    let expected: Vec<Vec<BrokerId>> = list(&vector["placements"]).map(brokers).collect();
    let demand = Demand {
        partitions: expected.len() as u16,
        replicas: number(&vector["replicationFactor"]) as u16,
    };
    let mut random = JavaRandom(number(&vector["random"]["seed"]));

    let placed = place(&usable(vector), demand, &mut |bound| random.below(bound));

    assert_eq!(placed, Ok(expected), "{}", vector["id"]);
}

fn distribution(vector: &Value) {
    let demand = Demand {
        partitions: number(&vector["partitions"]) as u16,
        replicas: number(&vector["replicationFactor"]) as u16,
    };
    let mut random = JavaRandom(number(&vector["random"]["seed"]));

    let placed = place(&usable(vector), demand, &mut |bound| random.below(bound)).unwrap();

    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for replicas in placed {
        *counts.entry(format!("{},{}", replicas[0], replicas[1])).or_default() += 1;
    }
    assert_eq!(serde_json::to_value(counts).unwrap(), vector["counts"], "{}", vector["id"]);
}

fn impossible_placements(vector: &Value) {
    for case in list(&vector["cases"]) {
        let (unfenced, fenced) = (number(&case["unfenced"]), number(&case["fenced"]));
        let brokers: Vec<UsableBroker> = (0..unfenced + fenced)
            .map(|id| UsableBroker { id: BrokerId(id as u8), rack: None, fenced: unfenced <= id })
            .collect();
        let demand = Demand { partitions: 1, replicas: number(&case["rf"]) as u16 };

        let refused = place(&brokers, demand, &mut |_| 0).map_err(ErrorCode::name);

        assert_eq!(refused, Err(text(&case["error"])), "{} {case}", vector["id"]);
    }
}

fn ring(vector: &Value) {
    let mut ring = Ring::new((0..4).map(BrokerId).collect(), 0);
    for call in list(&vector["calls"]) {
        let next = ring.next(number(&call["epoch"]) as usize);

        assert_eq!(next, leader(&call["result"]), "{} {call}", vector["id"]);
    }
}

fn heartbeats(vector: &Value) {
    let registered_at = number(&vector["registrationOffset"]);
    for case in list(&vector["cases"]) {
        let flag = |name: &str| case.get(name).is_some_and(|value| value == true);
        let lowest_active = case.get("lowestActiveOffset").map_or(0, number);
        let standing = Standing {
            state: broker_state(&case["state"]),
            registered_at: MetadataOffset(registered_at),
            is_leading: flag("hasLeaderships"),
            is_shutdown_known: number(&vector["shutdownOffset"]) <= lowest_active,
        };
        let heartbeat = HeartbeatRequest {
            broker: BrokerId(1),
            epoch: BrokerEpoch(registered_at),
            metadata_offset: case
                .get("metadataOffset")
                .map(|offset| MetadataOffset(number(offset))),
            want_fence: flag("wantFence"),
            want_shutdown: flag("wantShutdown"),
        };

        let next = next_state(standing, &heartbeat);

        assert_eq!(next, broker_state(&case["next"]), "{} {case}", vector["id"]);
    }
}

/// The generator of Kafka's tests: a linear congruence read as `java.util.Random` reads it.
struct JavaRandom(u64);

impl JavaRandom {
    fn bits(&mut self, count: u32) -> i32 {
        self.0 = self.0.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
        (self.0 >> (64 - count)) as i32
    }

    fn below(&mut self, bound: usize) -> usize {
        let bound = bound as i32;
        let mut drawn = self.bits(31);
        if bound & (bound - 1) == 0 {
            return ((i64::from(bound) * i64::from(drawn)) >> 31) as usize;
        }
        loop {
            let outcome = drawn % bound;
            if 0 <= (drawn - outcome).wrapping_add(bound - 1) {
                return outcome as usize;
            }
            drawn = self.bits(31);
        }
    }
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("../data/broker-controller.json")).unwrap()
}

fn usable(vector: &Value) -> Vec<UsableBroker> {
    list(&vector["brokers"])
        .map(|broker| UsableBroker {
            id: BrokerId(number(&broker["id"]) as u8),
            rack: broker["rack"].as_str().map(Into::into),
            fenced: broker["fenced"] == true,
        })
        .collect()
}

fn partition(value: &Value) -> PartitionRegistration {
    PartitionRegistration {
        replicas: brokers(&value["replicas"]),
        isr: isr(&value["isr"]),
        leader: leader(&value["leader"]),
        leader_epoch: LeaderEpoch(value.get("leaderEpoch").map_or(0, number) as u32),
        partition_epoch: PartitionEpoch(value.get("partitionEpoch").map_or(0, number) as u32),
        recovery: value.get("recovery").map_or(Recovery::Recovered, recovery_state),
    }
}

fn acceptable(partition: &Value) -> impl Fn(BrokerId) -> bool + use<> {
    let unacceptable = isr(&partition["unacceptable"]);
    move |broker| !unacceptable.contains(broker)
}

fn record(value: &Value) -> Change {
    Change {
        isr: value.get("isr").map(isr),
        leader: value.get("leader").map(leader),
        recovery: value.get("leaderRecoveryState").map(recovery_state),
    }
}

fn election(value: &Value) -> Election {
    match text(value) {
        "PREFERRED" => Election::Preferred,
        "ONLINE" => Election::Online,
        "UNCLEAN" => Election::Unclean,
        other => panic!("{other} is not an election"),
    }
}

fn broker_state(value: &Value) -> BrokerState {
    match text(value) {
        "FENCED" => BrokerState::Fenced,
        "UNFENCED" => BrokerState::Unfenced,
        "CONTROLLED_SHUTDOWN" => BrokerState::ControlledShutdown,
        "SHUTDOWN_NOW" => BrokerState::ShutdownNow,
        other => panic!("{other} is not a broker's state"),
    }
}

fn recovery_state(value: &Value) -> Recovery {
    match text(value) {
        "RECOVERED" => Recovery::Recovered,
        "RECOVERING" => Recovery::Recovering,
        other => panic!("{other} is not a recovery state"),
    }
}

fn leader(value: &Value) -> Option<BrokerId> {
    match value.as_i64() {
        Some(-1) => None,
        _ => Some(BrokerId(number(value) as u8)),
    }
}

fn isr(value: &Value) -> ReplicaSet {
    brokers(value).into()
}

fn brokers(value: &Value) -> Vec<BrokerId> {
    list(value).map(|id| BrokerId(number(id) as u8)).collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
