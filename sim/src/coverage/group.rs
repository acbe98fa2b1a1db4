//! Consumer groups as far as abstract states tell them apart.

use model::fact::{GroupEvent, GroupFact, GroupPhase, WorkEvent, WorkFact, WorkOutcome};
use model::ids::{ClientId, Generation, Offset, TopicPartition};

use crate::checkers::ByPartition;
use crate::coverage::State;
use crate::coverage::faults::Troubles;
use crate::plan::{ClientRole, Plan};

/// Marks the state of a group: a partition's has fewer bits.
const GROUP: u32 = 1 << 23;

/// All groups of a plan.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Groups {
    names: Vec<std::sync::Arc<str>>,
    groups: Vec<Group>,
    /// By client: the group that it is a member of.
    members: Vec<Option<usize>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    last: State,
    phase: GroupPhase,
    generation: Generation,
    /// The generation that each member knows to be in.
    generations: Vec<(ClientId, Generation)>,
    /// The offset behind the last record that was processed.
    processed: ByPartition<Offset>,
    commit: Commit,
}

/// How the last commit compares with what was processed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Commit {
    #[default]
    None,
    At,
    Behind,
    Ahead,
}

impl Groups {
    pub(crate) fn new(plan: &Plan) -> Groups {
        let member = |role: &ClientRole| match role {
            ClientRole::Member(member) => Some(usize::from(member.group.0)),
            ClientRole::Producer(_) | ClientRole::Consumer(_) => None,
        };
        Groups {
            names: plan.groups.iter().map(|group| group.name.clone()).collect(),
            groups: vec![Group::default(); plan.groups.len()],
            members: plan.clients.iter().map(|client| member(&client.role)).collect(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.groups.len()
    }

    /// Takes in what its coordinator did; returns the group whose state may be another.
    pub(crate) fn on_group(&mut self, fact: &GroupFact) -> Option<usize> {
        let place = self.names.iter().position(|name| **name == *fact.group.0)?;
        let group = &mut self.groups[place];
        match &fact.what {
            GroupEvent::State { to, generation, .. } => {
                group.phase = *to;
                group.generation = *generation;
            }
            GroupEvent::Loaded { phase, generation, .. } => {
                group.phase = *phase;
                group.generation = *generation;
            }
            GroupEvent::Committed { offsets, .. } => {
                let standing = |(id, offset): &(TopicPartition, Offset)| {
                    let processed = group.processed.get(*id).copied().unwrap_or_default();
                    match () {
                        () if processed < *offset => Commit::Ahead,
                        () if *offset < processed => Commit::Behind,
                        () => Commit::At,
                    }
                };
                group.commit = offsets.iter().map(standing).max().unwrap_or(group.commit);
            }
            _ => return None,
        }
        Some(place)
    }

    /// Takes in that a member has reached a generation.
    pub(crate) fn on_joined(&mut self, client: ClientId, generation: Generation) -> Option<usize> {
        let place = self.of(client)?;
        let generations = &mut self.groups[place].generations;
        generations.retain(|(member, _)| *member != client);
        generations.push((client, generation));
        Some(place)
    }

    /// Takes in what was done with a record: the next commit is compared with it.
    pub(crate) fn on_work(&mut self, fact: &WorkFact) {
        if let (WorkEvent::Ended(WorkOutcome::Done), Some(group)) =
            (fact.what, self.of(fact.client))
        {
            let processed = self.groups[group].processed.get_mut(fact.partition);
            *processed = (*processed).max(fact.offset + 1);
        }
    }

    /// Returns the state of a group when it was last looked at, and its state now.
    pub(crate) fn step(&mut self, group: usize, troubles: &Troubles) -> (State, State) {
        let group = &mut self.groups[group];
        let from = group.last;
        group.last = group.state(troubles);
        (from, group.last)
    }

    fn of(&self, client: ClientId) -> Option<usize> {
        self.members.get(usize::from(client.0)).copied().flatten()
    }
}

impl Group {
    fn state(&self, troubles: &Troubles) -> State {
        let stale = self.generations.iter().any(|(_, generation)| *generation < self.generation);
        let parts = [
            (3, self.phase as u32),
            (1, u32::from(stale)),
            (2, self.commit as u32),
            (Troubles::BITS, troubles.bits()),
        ];
        State(GROUP | parts.into_iter().fold(0, |state, (bits, part)| state << bits | part))
    }
}
