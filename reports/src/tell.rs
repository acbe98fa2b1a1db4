//! Single entries of a history as sentences, for stories; what has no sentence of its own
//! is told as in `--trace`.

use model::config::SettingValue;
use model::fact::{
    AppendRole, EffectOutcome, Fact, GroupEvent, GroupFact, MemberEvent, MemberFact, SendOutcome,
    WorkEvent, WorkFact,
};
use model::ids::{ClientId, Offset, TopicPartition, Uid};
use model::log::batch::Batch;
use model::message::data::Acks;
use sim::history::{Entry, Event, Phase};

use crate::entry;
use crate::story::{Story, broker_ids, broker_name, record_list, record_names};
use crate::text::fill;
use crate::timeline::reset_cause;
use crate::why::{occasion, outcome_place};

/// Tells what one entry of a history says.
pub(crate) fn tell(story: &Story<'_>, entry: &Entry) -> String {
    let told = match &entry.event {
        Event::Fact(fact) => {
            client(story, fact).or_else(|| server(story, fact)).or_else(|| group(story, fact))
        }
        Event::Phase(Phase::End) => Some(story.words.why.events.trial_ended.to_owned()),
        Event::Fault(_) | Event::Phase(Phase::Faults | Phase::Settle) => None,
        Event::Step { .. } | Event::Reached { .. } => None,
    };
    told.unwrap_or_else(|| entry::prose(story, entry))
}

fn client(story: &Story<'_>, fact: &Fact) -> Option<String> {
    let events = &story.words.why.events;
    let name = |client: &ClientId| story.client(*client);
    Some(match fact {
        Fact::SendCalled { client, record, .. } => {
            fill(events.called, &[&name(client), &format!("r{}", record.uid)])
        }
        Fact::BatchSent { client, broker, batch, attempt, .. } => {
            let sentence = if *attempt < 2 { events.sent } else { events.sent_again };
            let to = broker_name(*broker);
            fill(sentence, &[&name(client), &records(batch), &to, &attempt.to_string()])
        }
        Fact::BatchRetried { client, batch, error, .. } => {
            fill(events.retried, &[&name(client), &records(batch), error.name()])
        }
        Fact::Completed { client, uids, outcome, .. } => {
            let uids = record_list(uids, story.words);
            match outcome {
                SendOutcome::Acknowledged(None) => fill(events.not_told, &[&name(client), &uids]),
                SendOutcome::Acknowledged(Some(_)) => fill(events.told, &[&name(client), &uids]),
                SendOutcome::Failed(error) => {
                    fill(events.failed, &[&name(client), &uids, error.name()])
                }
                SendOutcome::Unknown(error) => {
                    fill(events.unknown, &[&name(client), &uids, error.name()])
                }
            }
        }
        Fact::Abandoned { client, uids } => {
            fill(events.abandoned, &[&name(client), &record_list(uids, story.words)])
        }
        Fact::Polled { client, batch, from, to, .. } => {
            let read = batch.records_from(*from).take_while(|(offset, _)| offset < to);
            let read: Vec<Uid> = read.map(|(_, record)| record.uid).collect();
            let names = record_names(*read.first()?, *read.last()?);
            fill(events.polled, &[&name(client), &names, &from.to_string()])
        }
        Fact::PositionReset { client, to, cause, .. } => {
            fill(events.jumped, &[&name(client), &to.to_string(), reset_cause(*cause, story.words)])
        }
        _ => return None,
    })
}

fn server(story: &Story<'_>, fact: &Fact) -> Option<String> {
    let events = &story.words.why.events;
    Some(match fact {
        Fact::Appended { broker, batch, role, .. } => {
            let sentence = match role {
                AppendRole::Leader => events.appended,
                AppendRole::Follower => events.copied,
            };
            let (at, epoch) = (batch.base_offset.to_string(), batch.leader_epoch.to_string());
            fill(sentence, &[&broker_name(*broker), &records(batch), &at, &epoch])
        }
        Fact::DuplicateDropped { broker, batch, base_offset, .. } => {
            let at = base_offset.to_string();
            fill(events.repeat, &[&broker_name(*broker), &records(batch), &at])
        }
        Fact::ProduceAcknowledged { broker, base_offset, acks, .. } => {
            let what = format!("acks={}", Acks::show(acks));
            fill(events.answered, &[&broker_name(*broker), &what, &base_offset.to_string()])
        }
        Fact::HighWatermark { broker, from, to, .. } => {
            let (from, to) = (from.to_string(), to.to_string());
            fill(events.watermark, &[&broker_name(*broker), &from, &to])
        }
        Fact::Truncated { broker, from, to, .. } => {
            let (from, to) = (from.to_string(), to.to_string());
            fill(story.words.why.truncated, &[&broker_name(*broker), &from, &to])
        }
        Fact::BecameLeader { broker, epoch, end, .. } => {
            let (epoch, end) = (epoch.to_string(), end.to_string());
            fill(events.takes_over, &[&broker_name(*broker), &epoch, &end])
        }
        Fact::PartitionChanged { leader, leader_epoch, isr, .. } => {
            let (epoch, isr) = (leader_epoch.to_string(), broker_ids(isr.1));
            match leader.1 {
                Some(leader) => fill(events.leads, &[&broker_name(leader), &epoch, &isr]),
                None => fill(events.leaderless, &[&epoch, &isr]),
            }
        }
        _ => return None,
    })
}

fn group(story: &Story<'_>, fact: &Fact) -> Option<String> {
    let words = &story.words.groups.why;
    let offsets = |offsets: &[(TopicPartition, Offset)]| {
        let named = offsets.iter().map(|&(at, to)| format!("{} {to}", story.partition(at)));
        named.collect::<Vec<_>>().join(story.words.grammar.list)
    };
    Some(match fact {
        Fact::Member(MemberFact { client, what }) => {
            let name = story.client(*client);
            match what {
                MemberEvent::Owns(owned) => {
                    fill(words.owns, &[&name, &story.partition_list(owned)])
                }
                MemberEvent::CommitSent { kind, offsets: sent, .. } => {
                    fill(words.commits, &[&name, &offsets(sent), occasion(*kind, story.words)])
                }
                MemberEvent::CommitEnded { outcome: Err(error), .. } => {
                    fill(words.failed, &[&name, &entry::commit_error(*error)])
                }
                MemberEvent::OffsetFetched(partition, Some(offset)) => {
                    let partition = story.partition(*partition);
                    fill(words.starts_at, &[&name, &partition, &offset.to_string()])
                }
                _ => return None,
            }
        }
        Fact::Group(GroupFact { broker, group, what }) => {
            let (broker, group) = (broker_name(*broker), group.to_string());
            match what {
                GroupEvent::Committed { offsets: written, .. } => {
                    fill(words.wrote, &[&broker, &group, &offsets(written)])
                }
                GroupEvent::CommitRefused { offsets: sent, error, .. } => {
                    fill(words.refused, &[&broker, &group, &offsets(sent), error.name()])
                }
                GroupEvent::State { to, generation, members, .. } => {
                    let (generation, members) = (generation.to_string(), members.to_string());
                    fill(words.state, &[&group, to.name(), &generation, &members])
                }
                _ => return None,
            }
        }
        Fact::Work(WorkFact { client, uid, what, .. }) => {
            let (name, record) = (story.client(*client), format!("r{uid}"));
            let sentence = match what {
                WorkEvent::Began(_) => words.began,
                WorkEvent::Ended(outcome) => words.ended[outcome_place(*outcome)],
                WorkEvent::Effect(EffectOutcome::Applied) => words.applied,
                WorkEvent::Effect(EffectOutcome::Refused) => words.sink_refused,
                WorkEvent::CopySent { .. } => return None,
            };
            fill(sentence, &[&name, &record])
        }
        _ => return None,
    })
}

fn records(batch: &Batch) -> String {
    let list = batch.records.list();
    record_names(list[0].uid, list[list.len() - 1].uid)
}
