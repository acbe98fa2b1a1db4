//! The verbs of scenario files and the words of `[nemesis]`, for listings.

use crate::nemesis::FaultKind;

/// Every verb of a step with an example and what it does.
pub const VERBS: &[(&str, &str)] = &[
    ("say", "Shows a caption; alone or beside another verb: say = \"The leader stops\"."),
    ("ask", "Asks a question before what comes is shown: ask = \"What is lost?\"."),
    ("crash", "Kills processes; their page caches live on: crash = \"leader(orders-0)\"."),
    ("restart", "Starts processes that are down: restart = \"last-crashed\"."),
    ("shutdown", "Asks processes to end in order; a broker first gives its leaderships away."),
    ("power-loss", "Cuts the power of hosts: what was not flushed is gone, and nobody is told."),
    ("pause", "Freezes processes, as a long garbage collection does; for = \"10s\" ends it."),
    ("resume", "Lets frozen processes go on."),
    ("cut", "Cuts links, both ways or one way: cut = { from = \"broker-1\", to = \"broker-2\" }."),
    ("heal", "Ends cuts and slow links: heal = \"all\"."),
    ("slow", "Gives links another latency: slow = { from = …, to = …, latency = \"1s\" }."),
    ("rule", "Drops, holds or delays messages of one kind on one link, as many as it says."),
    ("release", "Lets held messages go on their way."),
    ("reset", "Resets the connections between two sets of nodes."),
    ("disk", "Makes a disk slow, or changes what it does about flushing."),
    ("clock", "Sets a node's wall clock off."),
    ("elect", "Asks the controller for an election, preferred or unclean."),
    ("create-topic", "Creates a topic while the trial runs."),
    ("alter", "Changes settings of a topic while the trial runs."),
    ("produce", "Has a producer send so many records more."),
    ("seek", "Moves a consumer's position to an offset, or a group's member to a time."),
    ("join", "Starts members of a group, which until then wait for it: join = \"g1-3\"."),
    ("leave", "Lets members close their consumers and end in order: leave = \"g1-2\"."),
    ("poll", "Calls poll() of a consumer from a second thread: poll = \"g1-1\"."),
    ("wakeup", "Calls wakeup() of a consumer, which ends a poll() that waits."),
    ("pause-fetch", "Lets consumers stop fetching partitions; they stay members and keep them."),
    ("resume-fetch", "Lets consumers fetch these partitions again."),
    (
        "commit-offsets",
        "Commits for a group: commit-offsets = { group = \"g1\", to = \"beginning\" }.",
    ),
    ("add-partitions", "Gives a topic more partitions: { topic = \"orders\", to = 6 }."),
    (
        "delete-records",
        "Deletes a partition's oldest records: { partition = \"orders-0\", below = 100 }.",
    ),
    ("mark", "Sets a marker that conditions of later steps can wait for."),
];

/// The fields of `[nemesis]`.
const NEMESIS: [(&str, &str); 6] = [
    ("swarm", "Whether each run leaves out about half of the kinds of faults; true if left out."),
    ("allow", "The kinds of random faults with their weights: allow = { crash = 4, pause = 2 }."),
    ("every", "The time from one random fault to the next; without it they come in storms."),
    (
        "keep",
        "What random faults spare: nothing, a-majority-of-controllers, or one-in-sync-copy, where \
         power is cut at one host at a time, and only while min.insync.replicas promises a copy.",
    ),
    ("faults", "How many random faults a run has, each power of two alike: faults = \"1..=64\"."),
    ("seams", "The share of random faults that wait for a seam of a protocol; 0.5 if left out."),
];

/// Returns the fields of `[nemesis]` and the kinds of faults that it allows, with what they mean.
pub fn nemesis() -> impl Iterator<Item = (&'static str, &'static str)> {
    NEMESIS.into_iter().chain(FaultKind::all().map(|kind| (kind.name(), kind.meaning())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verb_has_a_meaning() {
        let listed: Vec<_> = VERBS.iter().map(|(name, _)| *name).collect();

        for verb in crate::verbs::VERBS {
            assert!(listed.contains(&verb), "{verb}");
        }
        assert_eq!(listed.len(), crate::verbs::VERBS.len() + 2);
    }
}
