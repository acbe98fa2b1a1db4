//! What is promised about consumer groups, by how their applications handle records.

use model::config::{GroupProtocolKind, OffsetReset};
use model::time::{Duration, Time};
use sim::plan::{
    AsyncRetry, ClientRole, CommitStyle, GroupPlan, Handling, MemberPlan, OnFailure, Plan, Sink,
    Spread, WorkerCommits,
};
use sim::verdict::Claim;

use crate::search::promise::course::Course;
use crate::search::promise::producers::{gets_stuck, keeps_order, repeats_nothing};
use crate::search::promise::recovery::{
    HOPS, is_impatient, keeps_up, longest, recovery, replication, slowest_link,
};

/// Returns what is promised about the groups of a plan.
pub(crate) fn of_groups(plan: &Plan, course: &Course) -> Vec<Claim> {
    let mut claims = Vec::new();
    if plan.groups.is_empty() {
        return claims;
    }
    let all = |is: &dyn Fn(&GroupPlan) -> bool| plan.groups.iter().all(is);
    // Marks are set once, and whoever finds one does not work.
    if all(&|group| group.handling.sink == Sink::SetnxBefore) {
        claims.push(Claim::NothingRepeated);
    }
    // A group is stable only where its coordinator is.
    let settles = recovery(plan) <= plan.settle
        && keeps_up(plan)
        && !gets_stuck(plan, course)
        && all(&|group| !fights(plan, group));
    if settles && all(&|group| keeps_pace(plan, group)) {
        claims.push(Claim::GroupStabilises);
    }
    // What a group knows lies in a log, too, and in one that never elects uncleanly.
    if course.loses_bytes {
        return claims;
    }
    if all(&|group| hands_over_once(plan, group)) {
        claims.push(Claim::OneOwnerPerPartition);
    }
    if course.moves_positions || course.elects_uncleanly {
        return claims;
    }
    // A coordinator takes a late commit of the same generation, whatever it has taken since.
    let gives_up =
        |group| members(plan, group).any(|it| is_impatient(it.config.request_timeout, plan));
    let delays = course.delays_requests || plan.groups.iter().any(gives_up);
    if !delays && all(&|group| commits_in_order(plan, group)) {
        claims.push(Claim::CommitsMoveForward);
    }
    let skips_nothing =
        all(&|group| is_at_least_once(&group.handling) && begins_early(plan, group));
    if skips_nothing {
        claims.push(Claim::NothingSkipped);
        let once = repeats_nothing(plan, course);
        if all(&|group| repeats_no_effect(&group.handling, once)) {
            claims.push(Claim::EffectsOnce);
        }
    }
    // Members hear of new partitions with their next metadata, and that may take minutes.
    if settles && !course.adds_partitions && all(&|group| drains(plan, group)) {
        claims.push(Claim::GroupDrains);
    }
    let keys = all(&|group| works_in_order(&group.handling) && begins_early(plan, group));
    let lives_once = !course.ends_producers && !course.adds_partitions;
    if keys && lives_once && keeps_order(plan, course) {
        claims.push(Claim::OrderPerKey);
    }
    claims
}

/// Returns the members of a group.
pub(crate) fn members<'p>(
    plan: &'p Plan,
    group: &'p GroupPlan,
) -> impl Iterator<Item = &'p MemberPlan> {
    group.members.iter().filter_map(|client| match &plan.clients[usize::from(client.0)].role {
        ClientRole::Member(member) => Some(member),
        ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
    })
}

/// Says whether nothing that the group is past was left out: it commits only what is done.
fn is_at_least_once(handling: &Handling) -> bool {
    // The work on some records throws, or sending what follows from it. Whoever tries again
    // and again gives up when it is asked to leave.
    let throws = throws(handling) || handling.output.is_some();
    let stops = throws && !matches!(handling.on_failure, OnFailure::Crash | OnFailure::Skip);
    let commits_done = match (handling.commit, handling.workers) {
        (CommitStyle::After | CommitStyle::Each, None) => true,
        (CommitStyle::After | CommitStyle::Each | CommitStyle::Async(_), Some(workers)) => {
            workers.commits == WorkerCommits::Contiguous
        }
        // `close()` commits what was polled, also after an exception in the midst of it: by
        // itself, or through the rebalance listener, which commits what `commitAsync` left out.
        (CommitStyle::Auto | CommitStyle::Async(_), None) => !stops,
        (CommitStyle::Never, None) => true,
        (CommitStyle::Never, Some(_)) | (CommitStyle::Auto, Some(_)) | (CommitStyle::Before, _) => {
            false
        }
    };
    let marks_done = match handling.sink {
        Sink::Append | Sink::UniqueKey | Sink::VersionCheck => true,
        // The sink says that the result is stored, not that the copy was sent.
        Sink::SetnxAfter | Sink::WithOffsets => handling.output.is_none(),
        Sink::SetnxBefore | Sink::Bloom { .. } => false,
    };
    let gives_up = throws && handling.on_failure == OnFailure::Skip;
    commits_done && marks_done && !gives_up && handling.shed_above.is_none()
}

/// Says whether the work on some records throws.
fn throws(handling: &Handling) -> bool {
    handling.fails_millionths != 0 || handling.poison.is_some()
}

/// Says whether members without a committed offset begin at the start of the log.
fn begins_early(plan: &Plan, group: &GroupPlan) -> bool {
    members(plan, group).all(|member| member.config.offset_reset == OffsetReset::Earliest)
}

/// Says whether a result reaches the sink at most once, however often it is computed. A sink
/// that goes by offsets takes a record that lies in the log twice for two.
fn repeats_no_effect(handling: &Handling, once: bool) -> bool {
    handling.sink == Sink::UniqueKey || (handling.sink == Sink::WithOffsets && once)
}

/// Says whether no member commits less than was committed before, by itself or by who had the
/// partition after it.
fn commits_in_order(plan: &Plan, group: &GroupPlan) -> bool {
    let handling = &group.handling;
    let is_late = match handling.commit {
        CommitStyle::Async(AsyncRetry::Naive) => true,
        // By its own count nothing is newer, but the partition may have been somebody else's, or
        // its own once more, and it begins again before what it repeats.
        CommitStyle::Async(AsyncRetry::BySequence) => {
            1 < group.members.len() || !nobody_goes(plan, group)
        }
        _ => false,
    };
    let is_own = handling.workers.is_some_and(|it| it.commits == WorkerCommits::Own);
    !is_late && !is_own
}

/// Says whether the records of a partition are finished in order.
fn works_in_order(handling: &Handling) -> bool {
    // When the queue is full the thread that polls does the work, past all that waits.
    let alone = handling.workers.is_none_or(|workers| {
        workers.queue.is_none() && (workers.threads == 1 || workers.spread == Spread::ByKey)
    });
    let commits_done = is_at_least_once(handling);
    alone && commits_done && !throws(handling) && handling.output.is_none()
}

/// Says whether members throw each other out.
fn fights(plan: &Plan, group: &GroupPlan) -> bool {
    let names: Vec<_> =
        members(plan, group).filter_map(|member| member.config.instance.clone()).collect();
    names.iter().enumerate().any(|(at, name)| names[..at].contains(name))
}

/// Says whether no partition is given to a member while another one still has it.
///
/// A member of the new protocol that is given partitions before it has said that it took the
/// assignment before says that next, and so not what it is being given. If these go to somebody
/// else meanwhile, the coordinator believes that the member has given them back.
///
/// Source: `ConsumerHeartbeatRequestManager.HeartbeatState.buildRequestData`,
/// `CurrentAssignmentBuilder.computeNextAssignment`, Kafka 4.0.
fn hands_over_once(plan: &Plan, group: &GroupPlan) -> bool {
    let is_modern = |it: &MemberPlan| it.config.group_protocol == GroupProtocolKind::Consumer;
    // Where nobody goes, nobody is given what is taken away again.
    nobody_goes(plan, group) || !members(plan, group).any(is_modern)
}

/// Says whether no member goes or is thrown out.
fn nobody_goes(plan: &Plan, group: &GroupPlan) -> bool {
    plan.steps.is_empty() && keeps_pace(plan, group)
}

/// Says whether heartbeats of a member arrive in time when nothing is wrong.
fn beats_in_time(plan: &Plan, member: &MemberPlan) -> bool {
    let in_time = |beat: Duration, session: Duration| {
        beat < session && !is_impatient(Duration(session.0 - beat.0), plan)
    };
    match member.config.group_protocol {
        GroupProtocolKind::Classic => {
            in_time(member.config.heartbeat_interval, member.config.session_timeout)
        }
        GroupProtocolKind::Consumer => plan.brokers.iter().all(|broker| {
            let config = &broker.config;
            in_time(config.group_consumer_heartbeat_interval, config.group_consumer_session_timeout)
        }),
    }
}

/// Says whether members come back to `poll()` in time, and tell that they are alive.
fn keeps_pace(plan: &Plan, group: &GroupPlan) -> bool {
    let handling = &group.handling;
    // Whoever waits for what it sends waits as long as that takes.
    let sends = handling.output.is_some();
    let blocks = sends || (throws(handling) && handling.on_failure != OnFailure::Skip);
    !blocks && !buries_its_coordinator(plan, group) && comes_back(plan, group, Duration::ZERO)
}

/// Says whether automatic commits of a member may come faster than its coordinator answers
/// them, so that heartbeats wait behind ever more of them.
///
/// Source: `ConsumerCoordinator.maybeAutoCommitOffsetsAsync`, which asks for none to have ended,
/// unlike `CommitRequestManager.AutoCommitState.shouldAutoCommit`, Kafka 4.0.
fn buries_its_coordinator(plan: &Plan, group: &GroupPlan) -> bool {
    let is_fast = |it: &MemberPlan| {
        it.config.group_protocol == GroupProtocolKind::Classic
            && it.config.auto_commit_interval < replication(plan)
    };
    group.handling.commit == CommitStyle::Auto && members(plan, group).any(is_fast)
}

/// Says whether members come back to `poll()` in time, and tell that they are alive, if each
/// record waits for this long besides the work on it.
fn comes_back(plan: &Plan, group: &GroupPlan, waits: Duration) -> bool {
    let each = longest(group.handling.takes).0.saturating_mul(4).saturating_add(waits.0);
    members(plan, group).all(|member| {
        let records = u64::from(member.config.poll_records_max).min(records(plan));
        each.saturating_mul(records) <= member.config.poll_interval_max.0
            && beats_in_time(plan, member)
            && !is_impatient(member.config.request_timeout, plan)
    })
}

/// Says whether a group may send copies without end: whoever comes back too late, or never gets
/// past a record, begins where it has begun before and sends them again.
pub(crate) fn copies_for_ever(plan: &Plan, group: &GroupPlan) -> bool {
    let handling = &group.handling;
    let trip = Duration(slowest_link(plan).0.saturating_mul(HOPS));
    let fails = throws(handling);
    let copies = match handling.on_failure {
        OnFailure::DeadLetter { .. } => handling.output.is_some() || fails,
        OnFailure::Stop | OnFailure::Crash | OnFailure::Skip | OnFailure::Retry(_) => {
            handling.output.is_some()
        }
    };
    let goes_on = matches!(handling.on_failure, OnFailure::Skip | OnFailure::DeadLetter { .. });
    copies && (fails && !goes_on || !comes_back(plan, group, trip))
}

/// Returns how many records there are in all.
pub(crate) fn records(plan: &Plan) -> u64 {
    let of = |role: &ClientRole| match role {
        ClientRole::Producer(producer) => u64::from(producer.records),
        ClientRole::Consumer(_) | ClientRole::Member(_) => 0,
    };
    let bursts = plan.steps.iter().map(|step| match step.action {
        sim::plan::Action::Produce(_, records) => u64::from(records),
        _ => 0,
    });
    plan.clients.iter().map(|client| of(&client.role)).chain(bursts).sum()
}

/// Returns when the last record is sent at the latest, if nothing holds its producer up.
fn last_sent(plan: &Plan) -> Time {
    let of = |role: &ClientRole| match role {
        ClientRole::Producer(producer) => {
            let all = longest(producer.every).0.saturating_mul(u64::from(producer.records));
            Time(producer.start.0.saturating_add(all))
        }
        ClientRole::Consumer(_) | ClientRole::Member(_) => Time::ZERO,
    };
    plan.clients.iter().map(|client| of(&client.role)).max().unwrap_or(Time::ZERO)
}

/// Says whether a group commits everything there is, sooner or later.
fn drains(plan: &Plan, group: &GroupPlan) -> bool {
    let handling = &group.handling;
    let commits_last = match handling.commit {
        CommitStyle::Auto => true,
        // Nobody repeats a commit that has failed when there is nothing left to read.
        CommitStyle::Before | CommitStyle::After | CommitStyle::Each | CommitStyle::Async(_) => {
            false
        }
        CommitStyle::Never => handling.sink == Sink::WithOffsets,
    };
    // Between two records there is a poll, a commit, or both.
    let each = longest(handling.takes).0 + slowest_link(plan).0.saturating_mul(4);
    let work = each.saturating_mul(records(plan));
    // A fault may hold everything up to its end, and what comes last waits for the next round.
    let rounds = members(plan, group).map(|member| member.config.auto_commit_interval.0);
    let round = if handling.commit == CommitStyle::Auto { rounds.max() } else { None };
    let begin = last_sent(plan).0.max(plan.faults_for.0);
    let last = begin.saturating_add(work).saturating_add(round.unwrap_or(0));
    let in_time = last <= (plan.faults_for + plan.settle).0;
    // Whoever begins at the end and finds nothing commits nothing, either.
    commits_last
        && in_time
        && handling.workers.is_none()
        && begins_early(plan, group)
        && keeps_pace(plan, group)
}
