//! Do operations depend on each other in a circle?
//!
//! An operation depends on another one if it read what that one sent (write-read), if its value
//! lies behind the other's in a log (write-write, on demand), or if it began after the other one
//! had ended well (real time).
//!
//! Source: Elle. With these three kinds of edges its search comes down to four questions about
//! each strongly connected component, from the worst to the least: is there a circle of writes
//! alone; of writes and reads; of writes and real time; of all three?

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::index::Index;
use super::operation::{Kind, Operation, Process};
use super::{Anomaly, Instance, Pairs, WriteOrder};

/// Kinds of edges, as a set.
type Edges = u8;
const WRITE_WRITE: Edges = 1;
const WRITE_READ: Edges = 2;
const REAL_TIME: Edges = 4;

/// Dependencies between the operations that ended: to whom, and why.
#[derive(Default)]
struct Graph {
    edges: BTreeMap<usize, BTreeMap<usize, Edges>>,
}

/// Applies every rule of this family.
pub(super) fn judge(
    index: &Index<'_>,
    pairs: &Pairs,
    order: WriteOrder,
    found: &mut BTreeMap<Anomaly, Vec<Instance>>,
) {
    if index.operations.is_empty() {
        return;
    }
    let mut graph = Graph::default();
    graph.link_reads(index);
    if order == WriteOrder::Inferred {
        graph.link_writes(index);
    }
    graph.link_real_time(&index.operations, pairs);
    if graph.edges.is_empty() {
        found.insert(Anomaly::EmptyTransactionGraph, vec![Instance::default()]);
        return;
    }
    let nodes: BTreeSet<usize> =
        graph.edges.iter().flat_map(|(from, to)| to.keys().copied().chain([*from])).collect();
    for component in graph.components(&nodes, WRITE_WRITE | WRITE_READ | REAL_TIME) {
        for (anomalies, operations) in graph.classify(&component) {
            for anomaly in anomalies {
                let operations = operations.clone();
                let instance = Instance { operations, ..Instance::default() };
                found.entry(anomaly).or_default().push(instance);
            }
        }
    }
}

impl Graph {
    fn link(&mut self, from: usize, to: usize, why: Edges) {
        if from != to {
            *self.edges.entry(from).or_default().entry(to).or_default() |= why;
        }
    }

    fn link_reads(&mut self, index: &Index<'_>) {
        for (key, values) in &index.readers {
            for (value, readers) in values {
                let writer = index.writers.get(key).and_then(|writers| writers.get(value));
                let Some(writer) = writer else { continue };
                readers.iter().for_each(|reader| self.link(*writer, *reader, WRITE_READ));
            }
        }
    }

    fn link_writes(&mut self, index: &Index<'_>) {
        for (key, writers) in &index.writers {
            let Some(log) = index.logs.get(key) else { continue };
            for (value, writer) in writers {
                let place = log.by_value.get(value).filter(|place| 0 < **place);
                let before = place.and_then(|place| writers.get(log.by_place[place - 1]));
                before.iter().for_each(|before| self.link(**before, *writer, WRITE_WRITE));
            }
        }
    }

    /// Links operations that ended well to those that began later, unless others lie between.
    fn link_real_time(&mut self, operations: &[(usize, &Operation)], pairs: &Pairs) {
        let mut ended: BTreeSet<usize> = BTreeSet::new();
        let mut before: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let clients = operations
            .iter()
            .filter(|(_, it)| it.is_transactional() && matches!(it.process, Process::Client(_)));
        for &(at, operation) in clients {
            match operation.kind {
                Kind::Invoke => {
                    let Some(end) = pairs[at] else { continue };
                    ended.iter().for_each(|from| self.link(*from, end, REAL_TIME));
                    before.insert(end, ended.iter().copied().collect());
                }
                Kind::Ok => {
                    let implied = before.remove(&at).unwrap_or_default();
                    implied.iter().for_each(|it| {
                        ended.remove(it);
                    });
                    ended.insert(at);
                }
                Kind::Fail | Kind::Info => {}
            }
        }
    }

    /// Returns what circles a component holds, each with the operations of one of them.
    fn classify(&self, component: &BTreeSet<usize>) -> Vec<([Anomaly; 2], Vec<usize>)> {
        let circle = |of| self.circle(component, of);
        if let Some(circle) = circle(WRITE_WRITE) {
            return vec![([Anomaly::WriteCycle, Anomaly::ReadUncommittedCycle], circle)];
        }
        let reads = circle(WRITE_WRITE | WRITE_READ)
            .map(|it| ([Anomaly::CircularFlow, Anomaly::ReadCommittedCycle], it));
        let real_time = circle(WRITE_WRITE | REAL_TIME)
            .map(|it| ([Anomaly::WriteCycleRealtime, Anomaly::StrongReadUncommittedCycle], it));
        let some: Vec<_> = reads.into_iter().chain(real_time).collect();
        if !some.is_empty() {
            return some;
        }
        let all = circle(WRITE_WRITE | WRITE_READ | REAL_TIME);
        let names = [Anomaly::CircularFlowRealtime, Anomaly::StrongReadCommittedCycle];
        all.map(|it| (names, it)).into_iter().collect()
    }

    /// Returns a short circle of these edges within `nodes`, if there is one.
    fn circle(&self, nodes: &BTreeSet<usize>, of: Edges) -> Option<Vec<usize>> {
        let components = self.components(nodes, of);
        let smallest = components.iter().min_by_key(|it| (it.len(), it.first().copied()))?;
        let start = *smallest.first()?;
        let mut came_from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(from) = queue.pop_front() {
            for to in self.next(from, of).filter(|to| smallest.contains(to)) {
                if to == start {
                    let mut circle = vec![from];
                    while let Some(before) = came_from.get(circle.last()?) {
                        circle.push(*before);
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if let std::collections::btree_map::Entry::Vacant(entry) = came_from.entry(to) {
                    entry.insert(from);
                    queue.push_back(to);
                }
            }
        }
        None
    }

    fn next(&self, from: usize, of: Edges) -> impl Iterator<Item = usize> {
        let edges = self.edges.get(&from).into_iter().flatten();
        edges.filter(move |(_, why)| **why & of != 0).map(|(to, _)| *to)
    }

    /// Returns the strongly connected components of at least two nodes (Tarjan, without
    /// recursion: histories are long).
    fn components(&self, nodes: &BTreeSet<usize>, of: Edges) -> Vec<BTreeSet<usize>> {
        let mut search = Search::default();
        for &node in nodes {
            if !search.numbers.contains_key(&node) {
                search.visit(node, |from| {
                    self.next(from, of).filter(|to| nodes.contains(to)).collect()
                });
            }
        }
        search.components
    }
}

/// A search for strongly connected components under way.
#[derive(Default)]
struct Search {
    /// In which order nodes were met, and the lowest number that each one reaches.
    numbers: BTreeMap<usize, (usize, usize)>,
    stack: Vec<usize>,
    on_stack: BTreeSet<usize>,
    components: Vec<BTreeSet<usize>>,
}

impl Search {
    fn visit(&mut self, root: usize, next: impl Fn(usize) -> Vec<usize>) {
        let mut path = vec![(root, self.enter(root, &next))];
        while let Some((node, ahead)) = path.last_mut() {
            let node = *node;
            match ahead.pop() {
                Some(to) if !self.numbers.contains_key(&to) => {
                    path.push((to, self.enter(to, &next)));
                }
                Some(to) => {
                    if self.on_stack.contains(&to) {
                        self.lower(node, self.numbers[&to].0);
                    }
                }
                None => {
                    path.pop();
                    self.leave(node);
                    if let Some((parent, _)) = path.last() {
                        self.lower(*parent, self.numbers[&node].1);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: usize, next: &impl Fn(usize) -> Vec<usize>) -> Vec<usize> {
        let number = self.numbers.len();
        self.numbers.insert(node, (number, number));
        self.stack.push(node);
        self.on_stack.insert(node);
        next(node)
    }

    fn lower(&mut self, node: usize, to: usize) {
        if let Some((_, low)) = self.numbers.get_mut(&node) {
            *low = (*low).min(to);
        }
    }

    fn leave(&mut self, node: usize) {
        let (number, low) = self.numbers[&node];
        if number != low {
            return;
        }
        let mut component = BTreeSet::new();
        while let Some(member) = self.stack.pop() {
            self.on_stack.remove(&member);
            component.insert(member);
            if member == node {
                break;
            }
        }
        if 1 < component.len() {
            self.components.push(component);
        }
    }
}
