//! The final log of each partition, and what became of each record.
//!
//! A partition's final log is its registered leader's at the end, up to its end: the high
//! watermark may still trail. Without a leader that runs, whatever any replica holds counts
//! as unavailable but not lost.

use std::sync::Arc;

use model::ids::{BrokerId, Offset, TopicPartition, Uid};
use model::log::batch::Batch;

use crate::checkers::mirror::same_records;
use crate::checkers::records::{Knowledge, Records};
use crate::checkers::replicas::{Cluster, Partition};
use crate::verdict::Fate;

/// How everything ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ending {
    /// Every partition's final log.
    pub(crate) logs: Vec<FinalLog>,
    /// By uid.
    standings: Vec<Standing>,
}

/// One partition's final log.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FinalLog {
    /// The partition.
    pub(crate) partition: TopicPartition,
    /// The leader whose log it is; `None` if nobody leads.
    pub(crate) leader: Option<BrokerId>,
    /// The logs that count: the leader's alone, or all there are.
    logs: Vec<Vec<Arc<Batch>>>,
}

/// Where one record stands at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// What its producer may conclude.
    pub(crate) knowledge: Knowledge,
    /// How often it is in the final log.
    pub(crate) copies: u32,
    /// Whether its first copy lies before a record that was sent earlier.
    pub(crate) order: Order,
    /// Whether a leader serves it, if it is anywhere.
    pub(crate) access: Access,
}

/// Whether a record's first copy lies before a record that was sent earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// It does not.
    Kept,
    /// It does.
    Overtook,
}

/// Whether a leader serves a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// One does.
    Served,
    /// Nobody does.
    Unavailable,
}

impl FinalLog {
    /// Returns the first log that counts: the leader's, if there is a leader.
    pub(crate) fn batches(&self) -> &[Arc<Batch>] {
        self.logs.first().map_or(&[], Vec::as_slice)
    }

    /// Says whether some log that counts has these records at this offset.
    pub(crate) fn has(&self, batch: &Batch) -> bool {
        self.logs.iter().any(|log| {
            let place = log.partition_point(|own| own.base_offset < batch.base_offset);
            log.get(place)
                .is_some_and(|own| own.base_offset == batch.base_offset && same_records(own, batch))
        })
    }

    /// Says whether some log that counts has this record at this offset.
    pub(crate) fn has_at(&self, offset: Offset, uid: Uid) -> bool {
        self.logs.iter().any(|log| {
            let beyond = log.partition_point(|own| own.base_offset <= offset);
            log[..beyond].last().is_some_and(|batch| {
                batch.records_from(offset).next().is_some_and(|(_, it)| it.uid == uid)
            })
        })
    }

    fn of(id: TopicPartition, partition: &Partition, cluster: &Cluster) -> FinalLog {
        let leader = partition.live_leader(cluster.down());
        let logs = match leader {
            Some(leader) => {
                partition.log(leader).map(|log| log.batches().to_vec()).into_iter().collect()
            }
            None => {
                let mut replicas: Vec<_> = partition.replicas.iter().collect();
                // ISR members first, the longest log first: the likeliest next leader's.
                replicas.sort_by_key(|it| {
                    (!partition.isr.contains(it.broker), u64::MAX - it.log.end().0, it.broker)
                });
                replicas.into_iter().map(|it| it.log.batches().to_vec()).collect()
            }
        };
        FinalLog { partition: id, leader, logs }
    }
}

impl Ending {
    /// Looks at the cluster as it is at the end.
    pub(crate) fn new(cluster: &Cluster, records: &Records) -> Ending {
        let logs: Vec<_> = cluster
            .partitions()
            .map(|(id, partition)| FinalLog::of(id, partition, cluster))
            .collect();
        let at_first = |(_, send)| Standing {
            knowledge: records.knowledge(send),
            copies: 0,
            order: Order::Kept,
            access: Access::Served,
        };
        let mut ending = Ending { logs, standings: records.all().map(at_first).collect() };
        for log in 0..ending.logs.len() {
            ending.count_copies(log);
            ending.compare_order(log, records);
        }
        ending
    }

    /// Returns where each record stands, by uid.
    pub(crate) fn standings(&self) -> impl Iterator<Item = (Uid, Standing)> {
        (0..).map(Uid).zip(self.standings.iter().copied())
    }

    /// Returns a partition's final log.
    pub(crate) fn log(&self, partition: TopicPartition) -> Option<&FinalLog> {
        self.logs.iter().find(|log| log.partition == partition)
    }

    /// Returns what became of each record, by uid.
    pub(crate) fn fates(&self, records: &Records) -> Vec<Fate> {
        let of = |(uid, standing): (Uid, Standing)| {
            let repeats = 0 < standing.copies && self.has_earlier(uid, records);
            let copies = standing.copies + u32::from(repeats);
            fate(Standing { copies, ..standing })
        };
        self.standings().map(of).collect()
    }

    /// Returns how many copies of a record the final logs hold.
    pub(crate) fn copies(&self, uid: Uid) -> u32 {
        self.standings.get(uid.0 as usize).map_or(0, |standing| standing.copies)
    }

    /// Says whether the line of a record is in the log as an earlier record, too.
    fn has_earlier(&self, uid: Uid, records: &Records) -> bool {
        let mut earlier = records.first_of(uid);
        while earlier < uid {
            if 0 < self.copies(earlier) {
                return true;
            }
            let Some(again) = records.next_of(earlier) else { break };
            earlier = again;
        }
        false
    }

    fn count_copies(&mut self, log: usize) {
        let FinalLog { leader, logs, .. } = &self.logs[log];
        let access = match leader {
            Some(_) => Access::Served,
            None => Access::Unavailable,
        };
        for (nth, log) in logs.iter().enumerate() {
            let before: Vec<u32> = match nth {
                0 => Vec::new(),
                // A record that an earlier log has is not counted again.
                _ => self.standings.iter().map(|it| it.copies).collect(),
            };
            for record in log.iter().flat_map(|batch| batch.records.list()) {
                let known = before.get(record.uid.0 as usize).is_some_and(|&copies| 0 < copies);
                if !known && let Some(standing) = self.standings.get_mut(record.uid.0 as usize) {
                    standing.copies += 1;
                    standing.access = access;
                }
            }
        }
    }

    fn compare_order(&mut self, log: usize, records: &Records) {
        let batches = self.logs[log].batches();
        // Uids are in the order of the calls; most logs have each once.
        if uids(batches).is_sorted_by(|one, other| one < other) {
            return;
        }
        let mut firsts = first_copies(batches, self.standings.len());
        if firsts.is_sorted() {
            return;
        }
        let mut earliest: Vec<((u16, u32), Uid)> = Vec::new(); // by client and session, from the end
        firsts.reverse();
        for uid in firsts {
            let Some(send) = records.get(uid) else { continue };
            let session = (send.client.0, send.session);
            match earliest.iter_mut().find(|it| it.0 == session) {
                Some((_, earliest)) if *earliest < uid => {
                    self.standings[uid.0 as usize].order = Order::Overtook;
                }
                Some((_, earliest)) => *earliest = uid,
                None => earliest.push((session, uid)),
            }
        }
    }
}

/// Lists the records of a log, copies and all.
fn uids(batches: &[Arc<Batch>]) -> impl Iterator<Item = Uid> {
    batches.iter().flat_map(|batch| batch.records.list()).map(|record| record.uid)
}

/// Returns the records of a log in order of their first copies.
fn first_copies(batches: &[Arc<Batch>], count: usize) -> Vec<Uid> {
    let mut seen = vec![0_u8; count];
    let mut firsts = Vec::with_capacity(count);
    for uid in uids(batches) {
        if let Some(seen) = seen.get_mut(uid.0 as usize)
            && *seen == 0
        {
            *seen = 1;
            firsts.push(uid);
        }
    }
    firsts
}

fn fate(standing: Standing) -> Fate {
    match (standing.knowledge, standing.copies, standing.order) {
        (Knowledge::Promised, 0, _) => Fate::Lost,
        (Knowledge::Assumed | Knowledge::Refused, 0, _) => Fate::NeverPromised,
        (Knowledge::Unknown | Knowledge::Abandoned | Knowledge::Open, 0, _) => Fate::UnknownAbsent,
        (Knowledge::Refused, _, _) => Fate::RefusedButPresent,
        (_, 2.., _) => Fate::Duplicated,
        (_, _, Order::Overtook) => Fate::OutOfOrder,
        (Knowledge::Promised | Knowledge::Assumed, _, Order::Kept) => Fate::Delivered,
        (Knowledge::Unknown | Knowledge::Abandoned | Knowledge::Open, _, Order::Kept) => {
            Fate::UnknownPresent
        }
    }
}
