//! Draws consumer groups and their members.

use std::sync::Arc;

use model::config::{ConsumerConfig, GroupProtocolKind, OffsetReset, Strategies};
use model::group::assignor::Strategy;
use model::group::assignor::server::ServerAssignor;
use model::ids::{ClientId, InstanceId, TopicId};
use model::time::{Duration, Time};
use sim::plan::{
    ClientPlan, ClientRole, CommitStyle, GroupIndex, GroupPlan, MemberPlan, Output, OutputKeys,
    Plan, Start, Subscribed,
};

use crate::search::any::dice::Dice;
use crate::search::any::topics::Further;
use crate::search::any::{Scale, clients, handling};

/// What is decided about a group before its topics exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// Its name.
    pub name: &'static str,
    /// Whether it sends on what it reads.
    pub output: bool,
    /// Whether it parks what it cannot process.
    pub dead_letters: bool,
}

/// Decides which groups there are. Those that send on come last, as in a file.
pub(crate) fn wishes(seed: u64, scale: &Scale) -> Vec<Wish> {
    let mut dice = Dice::of(seed, "groups");
    if dice.coin() {
        return Vec::new();
    }
    let is_app = dice.one_in(6);
    let mut wishes = Vec::new();
    if !is_app || (8 < scale.records && dice.one_in(4)) {
        wishes.push(Wish { name: "g1", output: false, dead_letters: dice.one_in(6) });
    }
    if is_app {
        wishes.push(Wish { name: "copier", output: true, dead_letters: false });
    }
    wishes
}

/// Draws a group and its members.
pub(crate) fn draw(
    seed: u64,
    scale: &Scale,
    (index, wish): (u16, &Wish),
    further: &Further,
    plan: &Plan,
) -> (GroupPlan, Vec<ClientPlan>) {
    let mut dice = Dice::of(seed, &format!("group/{}", wish.name));
    let mut handling =
        handling::draw(seed, wish.name, further.dead_letters.filter(|_| wish.dead_letters));
    handling.output = further.results.filter(|_| wish.output).map(|topic| Output {
        topic,
        keys: dice.pick(&[OutputKeys::Kept, OutputKeys::RoundRobin]),
        config: clients::config(seed, wish.name),
    });
    let count = dice.number(1, u64::from(scale.members)) as u16;
    let first = plan.clients.len() as u16;
    let topics = Subscribed::Topics((0..scale.topics).map(TopicId).collect());
    let config = config(seed, wish.name, handling.commit);
    let stagger = dice.pick(&[0, 0, 200, 1_000]);
    let is_static = dice.one_in(3);
    let twins = is_static && dice.one_in(3);
    let member = |ordinal: u16| {
        let name = format!("{}-{ordinal}", wish.name);
        let mut config = config.clone();
        if is_static {
            let instance = if twins { wish.name } else { &name };
            config.instance = Some(InstanceId::from(instance));
        }
        let later = Duration::from_millis(stagger * u64::from(ordinal - 1));
        let role = MemberPlan {
            group: GroupIndex(index),
            ordinal,
            start: Start::At(Time::ZERO + later),
            topics: None,
            config,
        };
        ClientPlan { name: Arc::from(name), role: ClientRole::Member(role) }
    };
    let group = GroupPlan {
        name: Arc::from(wish.name),
        members: (first..first + count).map(ClientId).collect(),
        topics,
        handling,
        poll_timeout: dice.pick(&[100, 500].map(Duration::from_millis)),
    };
    (group, (1..=count).map(member).collect())
}

fn config(seed: u64, name: &str, commit: CommitStyle) -> ConsumerConfig {
    let mut dice = Dice::of(seed, &format!("group/{name}/config"));
    // Longer than a fetch waits, or no empty one would ever be answered in time.
    let request_timeout = dice.millis(1_000, 2_000);
    let mut config = ConsumerConfig {
        offset_reset: dice.pick(&[
            OffsetReset::Earliest,
            OffsetReset::Earliest,
            OffsetReset::Earliest,
            OffsetReset::Latest,
        ]),
        poll_records_max: dice.pick(&[500, 500, 1, 3]),
        request_timeout,
        connection_setup_timeout: Duration::from_millis(1_000),
        connection_setup_timeout_max: Duration::from_millis(2_000),
        metadata_age_max: dice.pick(&[1_000, 300_000].map(Duration::from_millis)),
        poll_interval_max: dice.pick(&[1_000, 2_000, 5_000].map(Duration::from_millis)),
        auto_commit: commit == CommitStyle::Auto,
        auto_commit_interval: dice.millis(100, 1_000),
        api_timeout: dice.millis(1_000, 5_000),
        ..ConsumerConfig::default()
    };
    match dice.coin() {
        true => {
            config.session_timeout = dice.pick(&[1_000, 2_000, 3_000].map(Duration::from_millis));
            config.heartbeat_interval = dice.pick(&[100, 300, 500].map(Duration::from_millis));
            let all = [
                Strategy::Range,
                Strategy::RoundRobin,
                Strategy::Sticky,
                Strategy::CooperativeSticky,
                Strategy::CooperativeSticky,
            ];
            if dice.coin() {
                config.strategies = Strategies(vec![dice.pick(&all)]);
            }
        }
        false => {
            config.group_protocol = GroupProtocolKind::Consumer;
            let names = [ServerAssignor::Uniform, ServerAssignor::Range].map(ServerAssignor::name);
            config.remote_assignor = dice.one_in(4).then(|| Arc::from(dice.pick(&names)));
        }
    }
    config
}
