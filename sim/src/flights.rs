//! Messages on their way, for pictures: who sent what to whom, when, and whether it arrived.
//!
//! Flights are kept with the history and never without it. No checker and no digest reads
//! them: what a message did is a fact at its receiver.

use model::ids::{NodeId, Offset, TopicPartition, Uid};
use model::log::batch::Batch;
use model::message::data::{FetchReply, FetchRequest, ProduceReply, ProduceRequest};
use model::message::{ErrorCode, Message, MessageKind, Request, Response};
use model::time::Time;

/// One message on its way.
#[derive(Clone, Debug, PartialEq)]
pub struct Flight {
    /// When it left.
    pub sent: Time,
    /// When the process at the other end was handed it; `None` if that never came.
    pub arrived: Option<Time>,
    /// The sender.
    pub from: NodeId,
    /// The receiver.
    pub to: NodeId,
    /// What it is.
    pub kind: MessageKind,
    /// What it says of partitions; empty for messages that pictures show as ticks.
    pub cargo: Vec<Cargo>,
    /// How many entries the history had when it left.
    pub after: usize,
}

/// What a message says of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cargo {
    /// The partition.
    pub partition: TopicPartition,
    /// What it says.
    pub what: Said,
}

/// What a message can say of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// Append these records.
    Append {
        /// The first of them.
        first: Uid,
        /// How many.
        count: u32,
    },
    /// They are appended from here on, or not.
    Appended {
        /// The first record's offset, if the leader told it.
        base: Option<Offset>,
        /// How it went.
        error: ErrorCode,
    },
    /// Give me what lies from here on.
    Fetch(Offset),
    /// Here is what lies there.
    Fetched {
        /// The first offset; equal to `to` if it is nothing.
        from: Offset,
        /// The offset after the last one.
        to: Offset,
        /// The sender's high watermark.
        high_watermark: Offset,
        /// How it went.
        error: ErrorCode,
    },
}

/// Names a flight; 0 is none. Kept small because every packet carries one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FlightNumber(u32);

/// All messages of a trial, if its history is kept.
#[derive(Clone, Debug)]
pub(crate) enum Flights {
    Ignored,
    Kept(Vec<Flight>),
}

impl Flights {
    /// Takes down that a message leaves.
    pub(crate) fn leaves(
        &mut self,
        message: &Message,
        (from, to): (NodeId, NodeId),
        sent: Time,
        after: u64,
    ) -> FlightNumber {
        let Flights::Kept(all) = self else { return FlightNumber::default() };
        let Ok(number) = u32::try_from(all.len() + 1) else { return FlightNumber::default() };
        let (kind, cargo, after) = (message.kind(), cargo(message), after as usize);
        all.push(Flight { sent, arrived: None, from, to, kind, cargo, after });
        FlightNumber(number)
    }

    /// Takes down that a message is there.
    pub(crate) fn arrives(&mut self, number: FlightNumber, at: Time) {
        let Flights::Kept(all) = self else { return };
        let Some(place) = (number.0 as usize).checked_sub(1) else { return };
        all[place].arrived = Some(at);
    }

    /// Returns what was kept.
    pub(crate) fn into_list(self) -> Vec<Flight> {
        match self {
            Flights::Ignored => Vec::new(),
            Flights::Kept(all) => all,
        }
    }
}

fn cargo(message: &Message) -> Vec<Cargo> {
    match message {
        Message::Request(_, Request::Produce(request)) => produce(request),
        Message::Response(_, Response::Produce(reply)) => produced(reply),
        Message::Request(_, Request::Fetch(request)) => fetch(request),
        Message::Response(_, Response::Fetch(reply)) => fetched(reply),
        _ => Vec::new(),
    }
}

fn produce(request: &ProduceRequest) -> Vec<Cargo> {
    let append = |batch: &Batch| {
        let records = batch.records.list();
        let first = records.first().map_or(Uid::NONE, |record| record.uid);
        Said::Append { first, count: records.len() as u32 }
    };
    let all = request.partitions.iter();
    all.map(|(partition, batch)| Cargo { partition: *partition, what: append(batch) }).collect()
}

fn produced(reply: &ProduceReply) -> Vec<Cargo> {
    let all = reply.partitions.iter();
    all.map(|it| {
        let what = Said::Appended { base: it.base_offset, error: it.error };
        Cargo { partition: it.partition, what }
    })
    .collect()
}

fn fetch(request: &FetchRequest) -> Vec<Cargo> {
    let all = request.partitions.iter();
    all.map(|it| Cargo { partition: it.partition, what: Said::Fetch(it.offset) }).collect()
}

fn fetched(reply: &FetchReply) -> Vec<Cargo> {
    let all = reply.partitions.iter();
    all.map(|it| {
        let ends = (it.batches.first(), it.batches.last());
        let (from, to) = match ends {
            (Some(first), Some(last)) => (first.base_offset, last.end()),
            _ => (it.high_watermark, it.high_watermark),
        };
        let what = Said::Fetched { from, to, high_watermark: it.high_watermark, error: it.error };
        Cargo { partition: it.partition, what }
    })
    .collect()
}
