//! Rows for what group coordinators did: rebalances, members that come and go, commits.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::{Fact, GroupEvent, GroupFact, GroupPhase, LeaveCause, RebalanceCause};
use model::ids::{ClientId, GroupId, MemberId, NodeId, Offset, TopicPartition, Uid};
use model::message::group::Assignment;
use model::time::Time;
use sim::plan::GroupIndex;
use sim::verdict::{GroupStory, Rebalance};
use unicode_width::UnicodeWidthStr;

use super::draw;
use super::error_forms;
use super::read::Reader;
use super::row::{Arrow, ArrowEnd, Beat, Counted, Row, Weight};
use crate::story::Story;
use crate::text::{Tone, counted, fill};
use crate::words::Groups;

/// Forms that the words about a rebalance have besides the shortest one.
const REBALANCE_FORMS: usize = 3;

/// What is known of groups at one point of a history.
pub(crate) struct GroupsSeen<'a> {
    /// The rebalances, by the entries with which they began.
    rebalances: BTreeMap<usize, (GroupIndex, &'a Rebalance)>,
    /// Who the members are.
    members: BTreeMap<MemberId, ClientId>,
    /// What each member owns.
    pub(crate) owned: BTreeMap<ClientId, Assignment>,
    /// What each group has committed of the partition that is shown.
    committed: BTreeMap<GroupId, Offset>,
    /// Where each member's last commit was sent.
    pub(crate) commit_sent: BTreeMap<ClientId, usize>,
    /// Where the work that is not over began.
    pub(crate) began: BTreeMap<(ClientId, Uid), usize>,
    /// The records that each group has finished.
    pub(crate) done: BTreeSet<(GroupIndex, Uid)>,
}

impl<'a> GroupsSeen<'a> {
    /// Nothing has happened yet.
    pub(crate) fn new(story: &Story<'a>) -> GroupsSeen<'a> {
        let groups = &story.outcome.judgement.groups;
        let all = groups.iter().flat_map(|it| it.rebalances.iter().map(|told| (it.group, told)));
        GroupsSeen {
            rebalances: all.map(|(group, told)| (told.began.1, (group, told))).collect(),
            members: BTreeMap::new(),
            owned: BTreeMap::new(),
            committed: BTreeMap::new(),
            commit_sent: BTreeMap::new(),
            began: BTreeMap::new(),
            done: BTreeSet::new(),
        }
    }

    /// Notes which client a member is.
    pub(crate) fn met(&mut self, member: &MemberId, client: ClientId) {
        self.members.insert(member.clone(), client);
    }
}

/// Makes the row of a rebalance that begins with this entry.
pub(crate) fn rebalance(reader: &Reader<'_>, at: usize, time: Time) -> Option<Row> {
    let &(group_index, told) = reader.groups.rebalances.get(&at)?;
    let mut earlier = reader.groups.rebalances.range(..at).map(|(_, (of, _))| of);
    let is_first = !earlier.any(|of| *of == group_index);
    let band = |length| {
        format!("─ {} ─", rebalance_told(&reader.story, group_index, told, (is_first, length)))
    };
    let shorter = (0..REBALANCE_FORMS).map(band).find(|band| band.width() <= draw::BAND);
    let band = shorter.unwrap_or_else(|| band(REBALANCE_FORMS));
    Some(Row::new(time, at, Weight::Key).band(band))
}

/// Tells each rebalance of a group at full length, with the time at which it began.
pub(crate) fn rebalances_told(story: &Story<'_>, group: &GroupStory) -> Vec<(Time, String)> {
    let all = group.rebalances.iter().enumerate();
    all.map(|(at, it)| (it.began.0, rebalance_told(story, group.group, it, (at == 0, 0)))).collect()
}

/// Tells a rebalance; `length` is the place of the forms to use, the longest first.
fn rebalance_told(
    story: &Story<'_>,
    group: GroupIndex,
    told: &Rebalance,
    (is_first, length): (bool, usize),
) -> String {
    let words = &story.words.groups;
    let cause = cause(story, told.cause.as_ref());
    let mut how = ended(words, told, length);
    // Before a group's first one nobody had anything that could move or stand still.
    if !is_first {
        how += &moved(words, told, length);
    }
    // The sentence itself is cut last.
    form(words.rebalance, length / REBALANCE_FORMS, &[&story.group(group), &cause, &how])
}

/// Says how a rebalance ended; `length` is the place of the forms to use, the longest first.
fn ended(words: &Groups, told: &Rebalance, length: usize) -> String {
    let generation = told.generation.to_string();
    match told.ended {
        Some(_) if told.members == 0 => words.emptied.to_owned(),
        Some(ended) if ended == told.began.0 => form(words.at_once, length, &[&generation]),
        Some(ended) => {
            form(words.lasted, length, &[&generation, &(ended - told.began.0).to_string()])
        }
        None => words.unfinished.to_owned(),
    }
}

/// Says what a rebalance did to partitions.
fn moved(words: &Groups, told: &Rebalance, length: usize) -> String {
    let mut how = String::new();
    if told.moved != 0 {
        how += &form(&counted(u64::from(told.moved), words.moved), length, &[]);
    }
    if told.stopped != 0 {
        let sentence = counted(u64::from(told.stopped), words.stopped);
        how += &form(&sentence, length, &["", &told.stopped_for.to_string()]);
    }
    how
}

/// Fills in one of a text's forms (`|` between them): the one at `place`, else the last.
fn form(forms: &str, place: usize, values: &[&str]) -> String {
    let chosen = forms.split('|').take(place + 1).last().unwrap_or_default();
    fill(chosen, values)
}

/// Says why a rebalance began.
fn cause(story: &Story<'_>, cause: Option<&RebalanceCause>) -> String {
    let causes = &story.words.groups.causes;
    let (sentence, member) = match cause {
        None => return story.words.groups.no_cause.to_owned(),
        Some(RebalanceCause::Joined(member)) => (causes[0], member),
        Some(RebalanceCause::Rejoined(member)) => (causes[1], member),
        Some(RebalanceCause::Left(member)) => (causes[2], member),
        Some(RebalanceCause::SessionExpired(member)) => (causes[3], member),
        Some(RebalanceCause::RebalanceTimeout(member)) => (causes[4], member),
        Some(RebalanceCause::Topics) => return causes[5].to_owned(),
        Some(RebalanceCause::WriteFailed) => return causes[6].to_owned(),
        Some(RebalanceCause::Migrated) => return causes[7].to_owned(),
    };
    fill(sentence, &[&story.member(member)])
}

/// Makes the row of a coordinator's fact, if it has one.
pub(crate) fn read(reader: &mut Reader<'_>, at: usize, time: Time, fact: &Fact) -> Option<Row> {
    let Fact::Group(GroupFact { broker, group, what }) = fact else { return None };
    let (node, words) = (NodeId::Broker(*broker), &reader.words.groups);
    let row = |weight| Row::new(time, at, weight);
    match what {
        GroupEvent::State { to, generation, cause: why, .. } => {
            if reader.groups.rebalances.contains_key(&at) {
                return None;
            }
            match (to, why) {
                (GroupPhase::Stable, _) => {
                    let text = fill(words.stable, &[group.as_str(), &generation.to_string()]);
                    Some(row(Weight::Lesser).cell(node, Tone::Plain, text))
                }
                // A rebalance that no checker has told of.
                (_, Some(why)) if reader.groups.rebalances.is_empty() => {
                    let why = cause(&reader.story, Some(why));
                    let text = form(words.rebalance, 0, &[group.as_str(), &why, ""]);
                    Some(row(Weight::Key).band(format!("─ {text} ─")))
                }
                _ => None,
            }
        }
        GroupEvent::MemberJoined { .. }
        | GroupEvent::MemberLeft { .. }
        | GroupEvent::MemberReplaced { .. } => membership(reader, row(Weight::Key), node, what),
        GroupEvent::Loaded { .. } => {
            let text = fill(words.coordinates, &[group.as_str()]);
            Some(row(Weight::Key).cell(node, Tone::Strong, text))
        }
        GroupEvent::Resigned => {
            let text = fill(words.resigns, &[group.as_str()]);
            Some(row(Weight::Notable).cell(node, Tone::Quiet, text))
        }
        GroupEvent::OffsetsRemoved { partitions, .. } => {
            let text = fill(words.forgotten, &[group.as_str()]);
            let shown = partitions.contains(&reader.focus);
            shown.then(|| row(Weight::Key).cell(node, Tone::Risk, text))
        }
        GroupEvent::Committed { .. } | GroupEvent::CommitRefused { .. } => {
            commit(reader, row(Weight::Routine), (node, group), what)
        }
        GroupEvent::Assigned { .. } | GroupEvent::Holds { .. } => None,
    }
}

/// Tells of members that come and go.
fn membership(reader: &mut Reader<'_>, row: Row, node: NodeId, what: &GroupEvent) -> Option<Row> {
    let words = &reader.words.groups;
    match what {
        GroupEvent::MemberJoined { member, client_id, .. } => {
            let clients = &reader.story.plan.clients;
            let place = clients.iter().position(|it| it.name == *client_id)?;
            let client = ClientId(u16::try_from(place).ok()?);
            reader.groups.met(member, client);
            let label = fill(words.joins, &[client_id]);
            let from = NodeId::Client(client);
            let (tone, end) = (Tone::Sent, ArrowEnd::Arrives);
            let mut row = row.arrow(Arrow { from, to: node, label, tone, end });
            row.weight = Weight::Notable;
            Some(row)
        }
        GroupEvent::MemberLeft { member, cause } => {
            let why = match cause {
                LeaveCause::Left => words.leave_causes[0],
                LeaveCause::SessionExpired => words.leave_causes[1],
                LeaveCause::RebalanceTimeout => words.leave_causes[2],
                LeaveCause::GroupFull => words.leave_causes[3],
            };
            let known = reader.groups.members.get(member).copied();
            let name = known.map_or_else(|| member.to_string(), |it| reader.story.client(it));
            match (cause, known) {
                (LeaveCause::Left, Some(client)) => {
                    let label = fill(words.leaves, &[&name]);
                    let from = NodeId::Client(client);
                    let (tone, end) = (Tone::Risk, ArrowEnd::Arrives);
                    Some(row.arrow(Arrow { from, to: node, label, tone, end }))
                }
                _ => Some(row.cell(node, Tone::Risk, fill(words.put_out, &[&name])).margin(why)),
            }
        }
        GroupEvent::MemberReplaced { instance, old, new } => {
            let client = reader.groups.members.get(old).copied()?;
            reader.groups.met(new, client);
            let text = fill(words.replaced, &[instance.as_str()]);
            Some(row.cell(NodeId::Client(client), Tone::Plain, text))
        }
        _ => None,
    }
}

/// Tells of a commit that concerns the partition that is shown.
fn commit(
    reader: &mut Reader<'_>,
    mut row: Row,
    (node, group): (NodeId, &GroupId),
    what: &GroupEvent,
) -> Option<Row> {
    let (GroupEvent::Committed { member, offsets, .. }
    | GroupEvent::CommitRefused { member, offsets, .. }) = what
    else {
        return None;
    };
    let to = offset_of(offsets, reader.focus)?;
    let client = member.as_ref().and_then(|it| reader.groups.members.get(it)).copied();
    let label = fill(reader.words.groups.commit, &[&to.to_string()]);
    let end = ArrowEnd::Arrives;
    let made = |row: Row, tone| match client {
        Some(client) => {
            let from = NodeId::Client(client);
            row.arrow(Arrow { from, to: node, label: label.clone(), tone, end })
        }
        None => row.cell(node, tone, label.clone()),
    };
    if let GroupEvent::CommitRefused { error, .. } = what {
        row.weight = Weight::Notable;
        return Some(made(row, Tone::Risk).margin(error_forms(*error, reader.words)));
    }
    let before = reader.groups.committed.insert(group.clone(), to);
    if before == Some(to) {
        return None;
    }
    if client.is_none() || before.is_some_and(|before| to < before) {
        row.weight = Weight::Key; // an operator's, or one that moves back
        return Some(made(row, Tone::Risk));
    }
    let sent = client.and_then(|it| reader.groups.commit_sent.get(&it));
    row.entries.extend(sent);
    let batch = reader.leader.and_then(|leader| reader.batch_below(leader, to));
    let row = made(row, Tone::Committed).count(Counted::Committed, 1);
    Some(row.beat(Beat::Commit(node), batch.into_iter().collect()))
}

/// Returns what a commit says of one partition.
pub(crate) fn offset_of(
    offsets: &[(TopicPartition, Offset)],
    partition: TopicPartition,
) -> Option<Offset> {
    offsets.iter().find(|(at, _)| *at == partition).map(|&(_, to)| to)
}
