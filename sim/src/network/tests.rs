//! Tests of connections and links.

use model::ids::{BrokerId, NodeId};

use super::*;

const A: Place = Place(0);
const B: Place = Place(1);
const MS: u64 = 1_000;

#[test]
fn a_connection_keeps_the_order_whatever_the_latency() {
    let wild = Shape::Uniform(Duration(1), Duration(50 * MS));
    let mut bench = Bench::new(wild, InFlight::Kept);

    let sent: Vec<Time> = (0..50).map(|ms| Time(ms * MS)).collect();
    for at in &sent {
        bench.send(*at);
    }

    let left: Vec<Time> = bench.arrivals().iter().map(|(_, left)| *left).collect();
    assert_eq!(left, sent);
}

#[test]
fn a_message_into_a_cut_arrives_when_tcp_tries_again_after_the_heal() {
    let mut bench = Bench::new(Shape::Fixed(Duration(MS)), InFlight::Kept);

    bench.network.cut(A, B, Time(0));
    bench.send(Time(100 * MS));
    bench.send(Time(900 * MS));
    bench.heal(Time(1_000 * MS));

    // Tries at 300, 700 and 1500 ms after the first send at 100 ms.
    let first = (100 + 200 + 400 + 800 + 1) * MS;
    let arrivals = bench.arrivals();
    assert_eq!(arrivals.iter().map(|(at, _)| at.0).collect::<Vec<_>>()[0], first);
    assert!(arrivals[0].0 <= arrivals[1].0);
}

#[test]
fn what_a_cut_does_to_messages_on_the_wire_is_a_choice() {
    let cases = [
        (InFlight::Kept, 10 * MS),
        (InFlight::Jammed, (300 + 10) * MS),
        (InFlight::Dropped, (200 + 400 + 10) * MS),
    ];

    for (policy, expected) in cases {
        let mut bench = Bench::new(Shape::Fixed(Duration(10 * MS)), policy);
        bench.send(Time(0));
        bench.network.cut(A, B, Time(5 * MS));
        let early = bench.arrivals();
        bench.heal(Time(300 * MS));
        let late = bench.arrivals();

        let all: Vec<u64> = early.iter().chain(&late).map(|(at, _)| at.0).collect();
        assert_eq!(all, [expected], "{policy:?}");
    }
}

#[test]
fn a_one_way_cut_leaves_the_other_way_alone() {
    let mut bench = Bench::new(Shape::Fixed(Duration(MS)), InFlight::Kept);

    bench.network.cut(A, B, Time(0));
    bench.send_to(Side::Client, Time(0));

    assert_eq!(bench.arrivals(), [(Time(MS), Time(0))]);
}

#[test]
fn a_held_message_stops_what_follows_until_it_is_released() {
    let mut bench = Bench::new(Shape::Fixed(Duration(MS)), InFlight::Kept);
    bench.network.hold(bench.packet(Side::Server, Time(0)));
    bench.send(Time(1));

    let before = bench.arrivals();
    let released = bench.network.release(Time(50 * MS), &mut bench.queue);
    let after: Vec<Time> = bench.arrivals().iter().map(|(at, _)| *at).collect();

    assert!(before.is_empty());
    assert_eq!(released, 0, "only messages of the protocol are counted");
    assert_eq!(after, [Time(51 * MS), Time(51 * MS)]);
}

#[test]
fn a_connection_that_was_counted_and_not_opened_leaves_a_gap() {
    let mut bench = Bench::new(Shape::Fixed(Duration(MS)), InFlight::Kept);
    let ids = [0, 1, 2].map(|ordinal| Handle { client: A, ordinal });
    let id = ConnectionId { ordinal: 2, ..bench.network.connection(ids[0]).id };

    bench.network.open(id, A, B);

    let known = ids.map(|id| bench.network.find(id).is_some());
    assert_eq!(known, [true, false, true]);
}

#[test]
fn overlapping_cuts_are_healed_one_by_one_or_all_at_once() {
    let mut bench = Bench::new(Shape::Fixed(Duration(MS)), InFlight::Kept);

    assert!(bench.network.cut(A, B, Time(0)));
    assert!(!bench.network.cut(A, B, Time(0)));
    assert!(!bench.network.heal(A, B, Cuts::One, Time(1), &mut bench.queue));
    assert!(bench.network.heal(A, B, Cuts::All, Time(1), &mut bench.queue));
}

struct Bench {
    network: Network,
    queue: Queue,
    handle: Handle,
}

impl Bench {
    fn new(latency: Shape, in_flight: InFlight) -> Bench {
        let plan = NetworkPlan {
            latency,
            bandwidth: None,
            loss_millionths: 0,
            in_flight,
            links: Vec::new(),
        };
        let mut network = Network::new(1, vec!["a".into(), "b".into()], &plan);
        let id = ConnectionId {
            client: NodeId::Broker(BrokerId(1)),
            server: NodeId::Broker(BrokerId(2)),
            ordinal: 0,
        };
        let handle = network.open(id, A, B);
        Bench { network, queue: Queue::new(2), handle }
    }

    fn packet(&self, to: Side, left: Time) -> Packet {
        self.network.packet(self.handle, to, left, Load::Accepted)
    }

    fn send(&mut self, left: Time) {
        self.send_to(Side::Server, left);
    }

    fn send_to(&mut self, to: Side, left: Time) {
        let packet = self.packet(to, left);
        self.network.send(packet, Duration::ZERO, &mut self.queue);
    }

    fn heal(&mut self, now: Time) {
        self.network.heal(A, B, Cuts::All, now, &mut self.queue);
    }

    /// Returns when packets arrive, each with when it left.
    fn arrivals(&mut self) -> Vec<(Time, Time)> {
        let mut arrivals = Vec::new();
        while let Some((key, packet)) = self.queue.pop() {
            let packet = packet.expect("only packets are sent");
            if let Some(packet) = self.network.arrive(packet, key.at(), &mut self.queue) {
                arrivals.push((key.at(), packet.left));
            }
        }
        arrivals
    }
}
