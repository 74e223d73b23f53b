//! The faults: of which kinds, in which order, and what each does. One counts only if it took effect.

pub mod strike;

use serde::{Deserialize, Serialize};
use sim::random::Random;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// SIGKILL of the engine that leads a partition.
    KillLeader,
    /// SIGKILL of an engine that follows it.
    KillFollower,
    /// SIGSTOP of the engine that leads a partition, until another leads it.
    StopLeader,
    /// SIGSTOP of an engine that follows it.
    StopFollower,
    /// SIGKILL of the broker.
    KillBroker,
    /// The broker is restarted as planned.
    RestartBroker,
    /// SIGSTOP of the broker.
    StopBroker,
    /// SIGKILL of a process of nodes.
    KillNodes,
    /// SIGSTOP of a process of nodes, for longer than silence may last.
    StopNodes,
    /// What goes through the proxy is late.
    Delay,
    /// The proxy closes its connections and takes none.
    Cut,
    /// The proxy forwards nothing.
    Hang,
}

impl Kind {
    /// Each kind with its words.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::KillLeader, "leader killed"),
        (Self::KillFollower, "follower killed"),
        (Self::StopLeader, "leader stopped"),
        (Self::StopFollower, "follower stopped"),
        (Self::KillBroker, "broker killed"),
        (Self::RestartBroker, "broker restarted"),
        (Self::StopBroker, "broker stopped"),
        (Self::KillNodes, "nodes killed"),
        (Self::StopNodes, "nodes stopped"),
        (Self::Delay, "connection slow"),
        (Self::Cut, "connection cut"),
        (Self::Hang, "connection hangs"),
    ];

    /// Its words.
    pub fn words(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The kinds in the order of a seed: all of them, then all of them again in another order, and so on.
#[derive(Debug)]
pub struct Schedule {
    random: Random,
    rest: Vec<Kind>,
}

impl Schedule {
    /// The order of a seed.
    pub fn new(seed: u64) -> Self {
        Self { random: Random::new(seed ^ 0xfa_0175), rest: Vec::new() }
    }

    /// The next one.
    #[expect(clippy::should_implement_trait, reason = "it never ends: an iterator would be asked for an end")]
    pub fn next(&mut self) -> Kind {
        if self.rest.is_empty() {
            self.rest = Kind::ALL.map(|(kind, _)| kind).to_vec();
        }
        let index = self.random.below(self.rest.len() as u64);
        self.rest.remove(usize::try_from(index).unwrap_or(0))
    }
}

/// A fault that was done: from when to when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Its kind.
    pub kind: Kind,
    /// Whom it met.
    pub target: String,
    /// When it began.
    pub from: u64,
    /// When it was healed.
    pub to: u64,
    /// It took effect.
    pub effective: bool,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_seed_is_an_order_in_which_every_kind_comes_before_any_comes_again() {
        let order = |seed| {
            let mut schedule = Schedule::new(seed);
            (0..24).map(|_| schedule.next()).collect::<Vec<_>>()
        };
        assert_eq!(order(3), order(3));
        assert_ne!(order(3), order(4));
        for round in order(3).chunks(12) {
            assert_eq!(round.iter().collect::<BTreeSet<_>>().len(), 12);
        }
    }
}
