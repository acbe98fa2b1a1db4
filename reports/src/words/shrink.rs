//! The words of small stories: what steps do, and how a plan was made small. What they are
//! for, and the English ones.

use serde::Serialize;

use super::Noun;

/// What is said of a plan that was made small.
#[derive(Serialize)]
pub struct Shrink {
    /// Heads the report: what breaks, where, and the seed.
    pub head: &'static str,
    /// The title of the file: what breaks, in how many steps.
    pub title: Noun,
    /// A size before and after.
    pub from_to: &'static str,
    /// A size that is what it was.
    pub still: &'static str,
    /// What is counted: steps, records, brokers, partitions, clients, virtual time.
    pub sizes: [&'static str; 6],
    /// Trials.
    pub runs: Noun,
    /// Why it ended: nothing can go, no runs left, stopped, not broken.
    pub ended: [&'static str; 4],
    /// The columns: when, what, without it.
    pub columns: [&'static str; 3],
    /// Without it: the claim holds, the same breaks, something needs it, nobody has asked.
    pub without: [&'static str; 4],
    /// Without it: something else breaks.
    pub other: &'static str,
    /// Seen on the way.
    pub others: &'static str,
    /// When a step fires: at a time, after the step before, once something holds, and then later.
    pub triggers: [&'static str; 4],
    /// Whose settings: brokers, the controller, the rules, the members of a group, an
    /// application's producer.
    pub owners: [&'static str; 5],
    /// What steps do.
    pub captions: Captions,
}

/// What steps do, in plain words.
#[derive(Serialize)]
pub struct Captions {
    /// A process is killed.
    pub crash: &'static str,
    /// It starts again.
    pub restart: &'static str,
    /// It stops in order.
    pub shutdown: &'static str,
    /// The power is cut, by what becomes of unsynced bytes: lost, kept, a part, damaged.
    pub power: [&'static str; 4],
    /// It stands still.
    pub pause: &'static str,
    /// It goes on.
    pub resume: &'static str,
    /// Nothing passes between two sides.
    pub cut: &'static str,
    /// Nothing passes one way.
    pub cut_one_way: &'static str,
    /// Everything is healed.
    pub heal_all: &'static str,
    /// Some nodes are.
    pub heal: &'static str,
    /// A slow link.
    pub slow: &'static str,
    /// A rule: dropped, held, delayed.
    pub rules: [&'static str; 3],
    /// Which messages: one, so many, all.
    pub messages: [&'static str; 3],
    /// Held messages go on.
    pub release: &'static str,
    /// Connections are reset.
    pub reset: &'static str,
    /// A slow disk.
    pub disk_slow: &'static str,
    /// A disk that does not answer.
    pub disk_stall: &'static str,
    /// A clock that jumps.
    pub clock_jump: &'static str,
    /// A clock that drifts.
    pub clock_drift: &'static str,
    /// An election is asked for: preferred, unclean.
    pub elect: [&'static str; 2],
    /// A topic is created.
    pub create: &'static str,
    /// Its settings change.
    pub alter: &'static str,
    /// A producer sends more.
    pub produce: &'static str,
    /// A consumer seeks.
    pub seek: &'static str,
    /// Members join.
    pub join: &'static str,
    /// They leave.
    pub leave: &'static str,
    /// A second thread polls.
    pub poll: &'static str,
    /// A consumer is woken.
    pub wakeup: &'static str,
    /// It fetches no more.
    pub pause_fetch: &'static str,
    /// It fetches again.
    pub resume_fetch: &'static str,
    /// Offsets are committed from outside.
    pub commit: &'static str,
    /// A member goes to a time.
    pub seek_time: &'static str,
    /// A topic grows.
    pub add_partitions: &'static str,
    /// Records are deleted.
    pub delete: &'static str,
    /// A marker.
    pub mark: &'static str,
    /// What is undone after a time.
    pub lasting: &'static str,
    /// Joins names.
    pub list: &'static str,
    /// Joins the last two names.
    pub and: &'static str,
    /// Everybody else, anybody.
    pub rest: [&'static str; 2],
    /// Nodes by role: leader, followers, follower, ISR of a partition.
    pub replicas: [&'static str; 4],
    /// The controller, a rack, the last to go down, all that are down.
    pub nodes: [&'static str; 4],
    /// Some broker, all brokers, all clients.
    pub many: [&'static str; 3],
    /// Of a group: its coordinator, its members, the owner of a partition, its leader.
    pub of_group: [&'static str; 4],
}

/// English.
pub(super) const SHRINK: Shrink = Shrink {
    head: "{0} breaks in {1}, seed {2}",
    title: ("{1} breaks in one step", "{1} breaks in {0} steps"),
    from_to: "{0} {1} → {2}",
    still: "{0} {1}",
    sizes: ["steps", "records", "brokers", "partitions", "clients", "time"],
    runs: ("1 run", "{0} runs"),
    ended: [
        "no step can go",
        "the runs are used up: it may get smaller",
        "stopped before the end: another time it may get smaller",
        "the trial does not show it: nothing to make smaller",
    ],
    columns: ["when", "what", "without it"],
    without: ["holds", "breaks as well", "something else needs it", "not tried"],
    other: "{0} breaks instead",
    others: "seen on the way, and not taken: {0}",
    triggers: ["at {0}", "{0} later", "once {0}", "once {0}, {1} later"],
    owners: ["brokers", "controller", "rules", "members of {0}", "producer of {0}"],
    captions: Captions {
        crash: "{0} is killed",
        restart: "{0} starts again",
        shutdown: "{0} shuts down in order",
        power: [
            "{0} loses what was not flushed, and has no power",
            "{0} happens to keep everything, and has no power",
            "{0} loses a part of what was not flushed, and has no power",
            "{0} is in the middle of a write, and has no power",
        ],
        pause: "{0} stands still",
        resume: "{0} goes on",
        cut: "nothing passes between {0} and {1}",
        cut_one_way: "nothing from {0} reaches {1}",
        heal_all: "cuts, rules and slow disks are over",
        heal: "{0} can be reached again",
        slow: "messages between {0} and {1} take {2}",
        rules: [
            "{0} from {1} to {2} is lost",
            "{0} from {1} to {2} is held back",
            "{0} from {1} to {2} comes {3} late",
        ],
        messages: ["one {0}", "each of {1} {0}s", "every {0}"],
        release: "what was held back goes on",
        reset: "connections between {0} and {1} are reset",
        disk_slow: "the disk of {0} takes {1}",
        disk_stall: "the disk of {0} does not answer",
        clock_jump: "the clock of {0} jumps by {1}",
        clock_drift: "the clock of {0} gains {1} ppm",
        elect: [
            "the preferred leader of {0} is asked for",
            "an unclean election of {0} is asked for",
        ],
        create: "topic {0} is created",
        alter: "settings of {0} change",
        produce: "{0} sends {1} records more",
        seek: "{0} seeks in {1}",
        join: "{0} joins",
        leave: "{0} leaves",
        poll: "a second thread polls with {0}",
        wakeup: "{0} is woken up",
        pause_fetch: "{0} stops fetching",
        resume_fetch: "{0} fetches again",
        commit: "offsets of {0} are committed by hand",
        seek_time: "{0} goes back in time",
        add_partitions: "{0} gets {1} partitions",
        delete: "records of {0} below {1} are deleted",
        mark: "here the story turns",
        lasting: "{0} for {1}",
        list: ", ",
        and: " and ",
        rest: ["everybody else", "anybody"],
        replicas: [
            "the leader of {0}",
            "the followers of {0}",
            "follower {1} of {0}",
            "the ISR of {0}",
        ],
        nodes: ["the controller", "rack {0}", "the last that went down", "whatever is down"],
        many: ["some broker", "every broker", "every client"],
        of_group: [
            "the coordinator of {0}",
            "every member of {0}",
            "the owner of {1} in {0}",
            "the leader of {0}",
        ],
    },
};
