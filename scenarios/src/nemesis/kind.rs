//! The kinds of faults that a nemesis draws, by the names that files use.

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FaultKind {
    /// A broker's process is killed.
    Crash,
    /// A broker's host loses power.
    PowerLoss,
    /// A broker freezes.
    Pause,
    /// A broker ends in order.
    Shutdown,
    /// Links between brokers or clients break, both ways.
    Cut,
    /// They break one way.
    CutOneWay,
    /// A broker reaches nobody.
    Isolate,
    /// A link becomes slow.
    SlowLink,
    /// Each link gets a latency of its own, and some change places later.
    LinkOrder,
    /// Single messages are lost.
    Drop,
    /// Single messages wait.
    Hold,
    /// Single messages come late.
    Delay,
    /// Connections are reset.
    Reset,
    /// A disk is slow.
    SlowDisk,
    /// A disk answers nothing.
    StallDisk,
    /// A wall clock is set.
    ClockJump,
    /// A wall clock goes wrong.
    ClockDrift,
    /// A preferred leader is asked for.
    Elect,
    /// A client's process is killed.
    ClientCrash,
    /// A client freezes.
    ClientPause,
    /// A member leaves its group and joins again.
    Leave,
    /// The controller's process is killed.
    ControllerCrash,
    /// The controller freezes.
    ControllerPause,
}

/// Every kind with its name, its usual weight and what it does.
const KINDS: [(FaultKind, &str, u32, &str); 23] = [
    (FaultKind::Crash, "crash", 4, "Kills a broker's process."),
    (FaultKind::PowerLoss, "power-loss", 2, "Cuts the power of a broker's host."),
    (FaultKind::Pause, "pause", 3, "Freezes a broker."),
    (FaultKind::Shutdown, "shutdown", 1, "Stops a broker in order."),
    (FaultKind::Cut, "cut", 3, "Cuts links, both ways."),
    (FaultKind::CutOneWay, "cut-one-way", 3, "Cuts links, one way."),
    (FaultKind::Isolate, "isolate", 2, "Cuts a broker off from everybody."),
    (FaultKind::SlowLink, "slow-link", 1, "Makes links slow."),
    (FaultKind::LinkOrder, "link-order", 1, "Gives each link its own latency, in every fifth run."),
    (FaultKind::Drop, "drop", 4, "Loses single messages of one kind."),
    (FaultKind::Hold, "hold", 3, "Holds single messages of one kind, and lets them go later."),
    (FaultKind::Delay, "delay", 2, "Delays single messages of one kind."),
    (FaultKind::Reset, "reset", 2, "Resets connections."),
    (FaultKind::SlowDisk, "slow-disk", 1, "Makes a broker's disk slow."),
    (FaultKind::StallDisk, "stall-disk", 1, "Lets a broker's disk answer nothing for a while."),
    (FaultKind::ClockJump, "clock-jump", 1, "Sets a wall clock."),
    (FaultKind::ClockDrift, "clock-drift", 1, "Lets a wall clock gain or lose."),
    (FaultKind::Elect, "elect", 2, "Asks for the preferred leader."),
    (FaultKind::ClientCrash, "client-crash", 3, "Kills a client and starts it again."),
    (FaultKind::ClientPause, "client-pause", 3, "Freezes a client."),
    (FaultKind::Leave, "leave", 2, "Lets a member leave its group and join again."),
    (FaultKind::ControllerCrash, "controller-crash", 1, "Kills the controller."),
    (FaultKind::ControllerPause, "controller-pause", 1, "Freezes the controller."),
];

/// What kinds have in common that a run without some kinds leaves out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    Brokers,
    Links,
    Messages,
    Disks,
    Clocks,
    Clients,
    Control,
}

impl FaultKind {
    /// Returns what it has in common with others.
    pub(super) fn family(self) -> Family {
        match self {
            FaultKind::Crash | FaultKind::PowerLoss | FaultKind::Pause | FaultKind::Shutdown => {
                Family::Brokers
            }
            FaultKind::Cut
            | FaultKind::CutOneWay
            | FaultKind::Isolate
            | FaultKind::SlowLink
            | FaultKind::LinkOrder
            | FaultKind::Reset => Family::Links,
            FaultKind::Drop | FaultKind::Hold | FaultKind::Delay => Family::Messages,
            FaultKind::SlowDisk | FaultKind::StallDisk => Family::Disks,
            FaultKind::ClockJump | FaultKind::ClockDrift => Family::Clocks,
            FaultKind::ClientCrash | FaultKind::ClientPause | FaultKind::Leave => Family::Clients,
            FaultKind::Elect | FaultKind::ControllerCrash | FaultKind::ControllerPause => {
                Family::Control
            }
        }
    }

    /// Says whether a leader that it hits long enough is followed by another one.
    pub(super) fn deposes(self) -> bool {
        self.family() == Family::Brokers || self == FaultKind::Isolate
    }

    /// Lists every kind.
    pub fn all() -> impl Iterator<Item = FaultKind> {
        KINDS.iter().map(|(kind, ..)| *kind)
    }

    /// Finds a kind by its name.
    pub fn by_name(name: &str) -> Option<FaultKind> {
        KINDS.iter().find(|(_, known, ..)| *known == name).map(|(kind, ..)| *kind)
    }

    /// Returns its name in files.
    pub fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// Returns how often it is drawn beside others, if a file does not say.
    pub fn weight(self) -> u32 {
        KINDS[self as usize].2
    }

    /// Returns what it does, as a sentence.
    pub fn meaning(self) -> &'static str {
        KINDS[self as usize].3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (place, (kind, name, ..)) in KINDS.iter().enumerate() {
            assert_eq!(*kind as usize, place, "{name}");
            assert_eq!(FaultKind::by_name(name), Some(*kind));
        }
    }
}
