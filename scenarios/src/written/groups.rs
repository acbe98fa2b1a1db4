//! `[groups.NAME]` and `[apps.NAME]` with what single members have of their own.

use model::config::{ConsumerConfig, GroupProtocolKind};
use model::ids::{ClientId, InstanceId};
use model::time::{Duration, Time};
use sim::plan::{
    ClientRole, CommitStyle, GroupPlan, MemberPlan, OutputKeys, Plan, Start, Subscribed,
};

use super::clients::producer_settings;
use super::handling::handling;
use super::layout::{Sheet, Table, key};
use super::names::Names;
use super::settings::{self, Setting, shared, usual};
use crate::clients::POLL;
use crate::groups::joins_by_step;

/// Its members have names that no setting of the whole group could give them.
const INSTANCE: &str = "group.instance.id";

/// What the members of a group have in common.
struct Common {
    starts: Duration,
    stagger: Duration,
    is_static: bool,
    settings: Vec<Setting>,
}

/// Writes all groups, in order.
pub(super) fn groups(plan: &Plan, names: Names<'_>, sheet: &mut Sheet) {
    for group in &plan.groups {
        let members: Vec<(ClientId, &MemberPlan)> = group
            .members
            .iter()
            .filter_map(|client| match &plan.clients[usize::from(client.0)].role {
                ClientRole::Member(member) => Some((*client, member)),
                ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
            })
            .collect();
        let common = Common::of(group, &members, plan);
        let kind = if group.handling.output.is_some() { "apps" } else { "groups" };
        let path = format!("{kind}.{}", key(&group.name));
        sheet.table(&path, &table(group, &common, names));
        for (client, member) in members {
            let mut own = Table::default();
            if let Some(topics) = &member.topics {
                subscribe(&mut own, topics, names);
            }
            set_own_start(&mut own, (client, member), &common, plan);
            own.set_table("config", settings::table(common.own_settings(group, member)));
            sheet.table_if_any(&format!("{path}.only.{}", member.ordinal), &own);
        }
    }
}

fn table(group: &GroupPlan, common: &Common, names: Names<'_>) -> Table {
    let mut table = Table::default();
    subscribe(&mut table, &group.topics, names);
    table.set_unless("members", group.members.len() as u64, 1);
    table.set_unless("starts", common.starts, Duration::ZERO);
    table.set_unless("stagger", common.stagger, Duration::ZERO);
    table.set_unless("static", common.is_static, false);
    table.set_unless("poll", group.poll_timeout, POLL);
    if let Some(output) = &group.handling.output {
        table.set("to", names.topic(output.topic));
        if output.keys == OutputKeys::RoundRobin {
            table.set("to-keys", "round-robin");
        }
        table.set_table("producer", producer_settings(&output.config));
    }
    table.set_table("handling", handling(&group.handling, names));
    table.set_table("config", settings::table(common.settings.clone()));
    table
}

fn subscribe(table: &mut Table, topics: &Subscribed, names: Names<'_>) {
    match topics {
        Subscribed::Topics(topics) => match topics.as_slice() {
            [one] => table.set("topics", names.topic(*one)),
            many => {
                let many: Vec<&str> = many.iter().map(|topic| names.topic(*topic)).collect();
                table.set("topics", many);
            }
        },
        Subscribed::Pattern(pattern) => table.set("pattern", &**pattern),
    }
}

/// Writes when a member starts, if neither its group nor a step says so.
fn set_own_start(
    table: &mut Table,
    (client, member): (ClientId, &MemberPlan),
    common: &Common,
    plan: &Plan,
) {
    let by_step = joins_by_step(client, member, &plan.steps);
    match member.start {
        Start::ByStep if by_step => {}
        Start::ByStep => table.set("starts", "by-step"),
        Start::At(at) if !by_step && at == common.start(member.ordinal) => {}
        Start::At(at) => table.set("starts", at.since(Time::ZERO)),
    }
}

impl Common {
    fn of(group: &GroupPlan, members: &[(ClientId, &MemberPlan)], plan: &Plan) -> Common {
        let started = members
            .iter()
            .filter(|(client, member)| !joins_by_step(*client, member, &plan.steps))
            .filter_map(|(_, member)| match member.start {
                Start::At(at) => Some((u64::from(member.ordinal), at)),
                Start::ByStep => None,
            });
        let (starts, stagger) = stagger(&started.collect::<Vec<_>>());
        let is_static = members
            .iter()
            .all(|(_, member)| member.config.instance == Some(own_instance(group, member)));
        let mut common = Common { starts, stagger, is_static, settings: Vec::new() };
        let configs: Vec<Vec<Setting>> =
            members.iter().map(|(_, member)| common.own_settings(group, member)).collect();
        let mut protocols = members.iter().map(|(_, member)| member.config.group_protocol);
        let first = protocols.next().unwrap_or(GroupProtocolKind::Classic);
        // Settings of one protocol are refused of members that speak the other.
        common.settings = match protocols.all(|protocol| protocol == first) {
            true => usual(&configs).cloned().unwrap_or_default(),
            false => shared(configs.into_iter()),
        };
        common.settings.retain(|(name, _)| *name != INSTANCE);
        common
    }

    /// Returns when a member starts that does not say so itself.
    fn start(&self, ordinal: u16) -> Time {
        Time::ZERO + self.starts + Duration(self.stagger.0 * u64::from(ordinal.saturating_sub(1)))
    }

    /// Returns the settings of a member that are not those of its group.
    fn own_settings(&self, group: &GroupPlan, member: &MemberPlan) -> Vec<Setting> {
        let mut base = ConsumerConfig {
            auto_commit: group.handling.commit == CommitStyle::Auto,
            ..ConsumerConfig::default()
        };
        for (name, value) in &self.settings {
            let value = model::config::RawSetting::Text(value.clone());
            base.set(name, &value).expect("a setting is as it is shown");
        }
        if self.is_static {
            base.instance = Some(own_instance(group, member));
        }
        member.config.differing_from(&base)
    }
}

/// Returns the id that `static = true` gives to a member.
fn own_instance(group: &GroupPlan, member: &MemberPlan) -> InstanceId {
    InstanceId::from(format!("{}-{}", group.name, member.ordinal).as_str())
}

/// Returns when the first member starts and how much later each further one, if that is the
/// rule they follow; else when most of them start.
fn stagger(started: &[(u64, Time)]) -> (Duration, Duration) {
    if let [(first, from), (second, to), ..] = started {
        let stagger = Duration(to.since(*from).0 / (second - first));
        let before = Duration(stagger.0 * (first - 1));
        let starts = Duration(from.0.saturating_sub(before.0));
        let at = |ordinal: u64| Time::ZERO + starts + Duration(stagger.0 * (ordinal - 1));
        if started.iter().all(|(ordinal, start)| at(*ordinal) == *start) {
            return (starts, stagger);
        }
    }
    let starts: Vec<Time> = started.iter().map(|(_, at)| *at).collect();
    (usual(&starts).map_or(Duration::ZERO, |at| at.since(Time::ZERO)), Duration::ZERO)
}
