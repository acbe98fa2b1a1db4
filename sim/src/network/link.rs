//! One direction between two computers: how long things travel, and cuts.

use std::sync::Arc;

use model::time::{Duration, Time};

use crate::network::{DATA_TIMEOUT, Load, Packet, SYN_TIMEOUT, TIMEOUT_MAX};
use crate::plan::Shape;
use crate::queue::{Key, Kind, Place};
use crate::shape::Stream;

/// Bytes per packet on an Ethernet, headers taken off.
const PACKET_BYTES: u32 = 1_448;

/// One direction between two computers.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) usual: Shape,
    pub(super) slow: Option<Shape>,
    stream: Stream,
    /// Packets sent so far.
    ordinal: u32,
    /// When the wire has taken what was sent before (with a limited bandwidth).
    wire_free_at: Time,
    /// Cuts in force.
    pub(super) cuts: u32,
    /// When the last cut began.
    pub(super) cut_at: Option<Time>,
    /// What waits for the end of the cut, in order.
    pub(super) parked: Vec<Packet>,
}

/// What is the same for all links.
#[derive(Clone, Debug)]
pub(super) struct Medium {
    pub(super) seed: u64,
    /// Of the computers.
    pub(super) names: Vec<Arc<str>>,
    pub(super) bandwidth: Option<u64>,
    pub(super) loss_millionths: u32,
}

impl Medium {
    /// Returns how many bytes a packet counts for, if that matters.
    pub(super) fn bytes(&self, load: &Load) -> u32 {
        match load {
            Load::Message(message) if self.bandwidth.is_some() || 0 < self.loss_millionths => {
                message.bytes()
            }
            _ => 0,
        }
    }
}

impl Link {
    /// Makes a link over which nothing was sent.
    pub(super) fn new(usual: Shape) -> Link {
        Link {
            usual,
            slow: None,
            stream: Stream::default(),
            ordinal: 0,
            wire_free_at: Time::ZERO,
            cuts: 0,
            cut_at: None,
            parked: Vec::new(),
        }
    }

    /// Returns when a packet of so many bytes is at the other end.
    pub(super) fn travel(&mut self, packet: &Packet, bytes: u32, medium: &Medium) -> Time {
        let Medium { seed, names, .. } = medium;
        let (from, to) = packet.route;
        let name = || format!("link/{}→{}", names[from.index()], names[to.index()]);
        let mut sent = packet.left;
        if let Some(bandwidth) = medium.bandwidth {
            let takes = u64::from(bytes) * 1_000_000 / bandwidth.max(1);
            self.wire_free_at = self.wire_free_at.max(sent) + Duration(takes);
            sent = self.wire_free_at;
        }
        let shape = self.slow.unwrap_or(self.usual);
        let latency = shape.fixed().unwrap_or_else(|| shape.draw(self.stream.get(*seed, name)));
        let mut repeats = Duration::ZERO;
        if 0 < medium.loss_millionths {
            let first = match packet.load {
                Load::Syn { .. } => SYN_TIMEOUT,
                _ => DATA_TIMEOUT,
            };
            let rng = self.stream.get(*seed, name);
            for _ in 0..bytes.div_ceil(PACKET_BYTES).max(1) {
                let mut wait = Duration::ZERO;
                let mut timeout = first;
                while timeout <= TIMEOUT_MAX && rng.chance(medium.loss_millionths) {
                    wait = wait + timeout;
                    timeout = Duration(2 * timeout.0);
                }
                repeats = repeats.max(wait);
            }
        }
        sent + latency + repeats
    }

    /// Returns the key of the next packet's arrival.
    pub(super) fn key(&mut self, at: Time, (from, to): (Place, Place)) -> Key {
        let key = Key::new(at, Kind::Packet, from, to, self.ordinal);
        self.ordinal = self.ordinal.checked_add(1).expect("a link carries 2^32 packets at most");
        key
    }
}
