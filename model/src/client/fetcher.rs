//! How a consumer fetches: one request per broker at a time, what came back buffered until
//! `poll()` hands it over.
//!
//! A partition is fetched while its position is good and nothing of it is buffered. The
//! partition served last goes to the end of the line.
//!
//! Source: `AbstractFetch`, `FetchCollector`, `FetchBuffer`, `CompletedFetch`, Kafka 4.0.
//! Left out: control records and aborted transactions, CRC checks, reading from
//! followers.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::link::Link;
use crate::client::offsets::Ask;
use crate::client::positions::{Position, Positions};
use crate::config::ConsumerConfig;
use crate::fact::Fact;
use crate::ids::{BrokerId, ClientId, Offset, TopicPartition};
use crate::log::batch::Batch;
use crate::message::data::{
    CurrentLeader, FetchPartition, FetchReply, FetchRequest, FetchedPartition, Isolation,
};
use crate::message::{ErrorCode, Request};
use crate::table::Table;
use crate::time::Duration;
use crate::turn::{Delivery, Turn};

/// Fetches records and keeps them until they are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetcher {
    config: FetchConfig,
    /// In the order of arrival; bounded, since a partition is not fetched while it is here.
    buffered: VecDeque<CompletedFetch>,
    /// The high watermark that came with the last answer.
    ends: Table<TopicPartition, Offset>,
}

/// The consumer settings that shape a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FetchConfig {
    isolation: Isolation,
    wait_max: Duration,
    bytes_min: u32,
    bytes_max: u32,
    partition_bytes_max: u32,
}

/// What a fetch brought for one partition.
#[derive(Clone, Debug, PartialEq)]
struct CompletedFetch {
    partition: TopicPartition,
    /// The next record to hand over; useless once the position is another one.
    next: Offset,
    error: ErrorCode,
    high_watermark: Offset,
    /// Not handed over completely.
    batches: VecDeque<Arc<Batch>>,
}

impl From<&ConsumerConfig> for Fetcher {
    fn from(config: &ConsumerConfig) -> Fetcher {
        let config = FetchConfig {
            isolation: config.isolation,
            wait_max: config.fetch_wait_max,
            bytes_min: config.fetch_bytes_min,
            bytes_max: config.fetch_bytes_max,
            partition_bytes_max: config.partition_fetch_bytes_max,
        };
        Fetcher { config, buffered: VecDeque::new(), ends: Table::new() }
    }
}

impl Fetcher {
    /// Fetches what can be fetched.
    ///
    /// Source: `AbstractFetch.prepareFetchRequests`, Kafka 4.0.
    pub fn send_fetches(&self, positions: &Positions, link: &mut Link<Ask>, turn: &mut Turn<'_>) {
        // Simplified: no fetch sessions (KIP-227), each request names all its partitions.
        // Sessions save bytes on the wire and change nothing of what is delivered.
        let mut by_leader: Vec<(BrokerId, Vec<FetchPartition>)> = Vec::new();
        for (tp, position) in positions.fetchable() {
            if self.buffered.iter().any(|fetch| fetch.partition == tp) {
                continue;
            }
            let Some(CurrentLeader { leader, .. }) = position.leader else {
                link.request_update();
                continue;
            };
            let wanted = self.wanted(tp, position);
            match by_leader.iter_mut().find(|(broker, _)| *broker == leader) {
                Some((_, partitions)) => partitions.push(wanted),
                None if is_fetching(link, leader) => {}
                None if link.is_ready(leader, turn.now) => by_leader.push((leader, vec![wanted])),
                None => link.connect(leader, turn),
            }
        }
        for (broker, partitions) in by_leader {
            let asked = partitions.iter().map(|asked| (asked.partition, asked.offset)).collect();
            let request = self.request(partitions);
            link.send(broker, Request::Fetch(request), Ask::Fetch(asked), turn);
        }
    }

    /// Takes in a reply. A leader that it names is believed at once (KIP-951); everything
    /// else waits for `poll()`.
    ///
    /// Source: `AbstractFetch.handleFetchSuccess`, Kafka 4.0.
    pub fn on_fetched(
        &mut self,
        asked: &[(TopicPartition, Offset)],
        reply: FetchReply,
        positions: &mut Positions,
        link: &mut Link<Ask>,
    ) {
        for (&(tp, offset), fetched) in asked.iter().zip(reply.partitions) {
            assert_eq!(tp, fetched.partition, "answers come in the order of the questions");
            if let Some(hint) = fetched.current_leader
                && link.metadata_mut().learn_leader(tp, hint)
            {
                positions.on_leader(tp, hint);
            }
            if fetched.error == ErrorCode::None {
                self.ends.insert(tp, fetched.high_watermark);
            }
            // Nothing found is no news; the next fetch waits at the broker again.
            if fetched.error != ErrorCode::None || !fetched.batches.is_empty() {
                self.buffered.push_back(CompletedFetch::new(offset, fetched));
            }
        }
    }

    /// Hands over at most `records_max` buffered records.
    ///
    /// Errors met on the way are dealt with; what the application must know of them waits
    /// for the `poll()` after the records.
    ///
    /// Source: `FetchCollector.collectFetch`, Kafka 4.0.
    pub fn collect(
        &mut self,
        records_max: u32,
        positions: &mut Positions,
        link: &mut Link<Ask>,
        turn: &mut Turn<'_>,
    ) -> Vec<Delivery> {
        let (mut deliveries, mut records) = (Vec::new(), 0);
        let mut set_aside = Vec::new();
        while records < records_max {
            let Some(fetch) = self.buffered.front_mut() else { break };
            let tp = fetch.partition;
            if positions.valid(tp).is_some() && !positions.may_hand_over(tp) {
                set_aside.extend(self.buffered.pop_front());
                continue;
            }
            let is_current = positions.valid(tp).is_some_and(|at| at.offset == fetch.next);
            if is_current && fetch.error == ErrorCode::None {
                let most = records_max - records;
                records += fetch.hand_over(most, &mut deliveries, (positions, link.client()), turn);
                if !fetch.batches.is_empty() {
                    break;
                }
            } else if positions.valid(tp).is_some() {
                on_error(tp, fetch.error, fetch.next, positions, link);
            }
            let was_served = is_current || fetch.error != ErrorCode::None;
            self.buffered.pop_front();
            if was_served {
                positions.move_to_end(tp);
            }
        }
        // What is paused is kept for later (KAFKA-7548).
        self.buffered.extend(set_aside);
        deliveries
    }

    /// Returns the partition's high watermark as the last answer told it.
    pub fn end_offset(&self, tp: TopicPartition) -> Option<Offset> {
        self.ends.get(&tp).copied()
    }

    /// Forgets what was fetched of partitions that are not assigned any more.
    ///
    /// Source: `FetchBuffer.retainAll`, Kafka 4.0.
    pub fn retain_assigned(&mut self, positions: &Positions) {
        self.buffered.retain(|fetch| positions.state(fetch.partition).is_some());
        self.ends.retain(|&tp, _| positions.state(tp).is_some());
    }

    fn wanted(&self, partition: TopicPartition, position: Position) -> FetchPartition {
        FetchPartition {
            partition,
            current_leader_epoch: position.leader.map(|leader| leader.epoch),
            offset: position.offset,
            last_fetched_epoch: None, // consumers validate on their own (KIP-320)
            log_start: Offset::ZERO,
            high_watermark: None,
            bytes_max: self.config.partition_bytes_max,
        }
    }

    fn request(&self, partitions: Vec<FetchPartition>) -> FetchRequest {
        FetchRequest {
            replica: None,
            wait_max: self.config.wait_max,
            bytes_min: self.config.bytes_min,
            bytes_max: self.config.bytes_max,
            isolation: self.config.isolation,
            partitions,
            forgotten: None,
        }
    }
}

impl CompletedFetch {
    fn new(offset: Offset, fetched: FetchedPartition) -> CompletedFetch {
        CompletedFetch {
            partition: fetched.partition,
            next: offset,
            error: fetched.error,
            high_watermark: fetched.high_watermark,
            batches: fetched.batches.into(),
        }
    }

    /// Hands over at most `records_max` records, moves the position behind them, and
    /// returns how many there were.
    fn hand_over(
        &mut self,
        records_max: u32,
        deliveries: &mut Vec<Delivery>,
        (positions, client): (&mut Positions, ClientId),
        turn: &mut Turn<'_>,
    ) -> u32 {
        let mut records = 0;
        while records < records_max
            && let Some(batch) = self.batches.front()
        {
            let (end, epoch) = (batch.end(), batch.leader_epoch);
            // The first batch may begin before the offset that was asked for.
            let from = batch.base_offset.max(self.next);
            let to = end.min(from + u64::from(records_max - records));
            if from < to {
                records += (to - from) as u32;
                self.next = to;
                positions.advance(self.partition, to, epoch);
                let (partition, high_watermark) = (self.partition, self.high_watermark);
                let batch = batch.clone();
                deliveries.push(Delivery {
                    partition,
                    batch: batch.clone(),
                    from,
                    to,
                    high_watermark,
                });
                turn.note(Fact::Polled { client, partition, batch, from, to, high_watermark });
            }
            if end <= self.next {
                self.batches.pop_front();
            }
        }
        records
    }
}

/// Says whether a fetch to `broker` is in flight: there is never a second one.
fn is_fetching(link: &Link<Ask>, broker: BrokerId) -> bool {
    link.pending(broker).any(|ask| matches!(ask, Ask::Fetch(_)))
}

/// Deals with the error of a partition in a fetch from `fetched`.
///
/// Source: `FetchCollector.handleInitializeErrors`, Kafka 4.0.
fn on_error(
    tp: TopicPartition,
    error: ErrorCode,
    fetched: Offset,
    positions: &mut Positions,
    link: &mut Link<Ask>,
) {
    match error {
        ErrorCode::None => {} // the position has moved meanwhile
        ErrorCode::OffsetOutOfRange => positions.on_out_of_range(tp, fetched),
        ErrorCode::OffsetNotAvailable => link.request_update(),
        // Simplified: Kafka throws at CORRUPT_MESSAGE and keeps the position, so that an
        // application which polls on fetches the same again; this one always polls on.
        _ if error.is_stale_metadata() => link.request_update(),
        _ => {} // UNKNOWN_LEADER_EPOCH and the like: fetched again
    }
}
