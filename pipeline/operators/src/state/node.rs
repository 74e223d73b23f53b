//! An execution node as the journal knows it.

use std::collections::BTreeMap;

use model::event::TaskRef;
use model::{BootId, LeaseId, Timestamp};
use serde::{Deserialize, Serialize};

/// Most nodes of a pool; beyond it the one that is gone longest is forgotten, or a new one refused.
pub const MAX_NODES: usize = 5_000;
/// Most reports that may be read ahead of a missing one.
pub const MAX_AHEAD: usize = 4_096;

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Its present boot.
    pub boot: BootId,
    /// Raised whenever all its leases become void.
    pub generation: u32,
    /// Whether it lives.
    pub presence: Presence,
    /// Since when.
    pub since: Timestamp,
    /// All its slots.
    pub slots: u32,
    /// Its memory in MiB; 0 is unknown.
    pub memory_mb: u64,
    /// Its zone.
    pub zone: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// The reports of the present boot that are consumed.
    pub seen: Seen,
    /// Its current leases, with slots and memory.
    pub leases: BTreeMap<LeaseId, (u32, u64)>,
    /// What a loss left to be decided about, by the generation that was lost.
    pub void: BTreeMap<u32, Void>,
    /// Attempts that ended here, and those of them that failed.
    pub tried: (u64, u64),
}

/// The attempts that went down with one generation of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Void {
    /// Their tasks, those of higher priority first.
    pub tasks: Vec<TaskRef>,
    /// How the loss is known.
    pub evidence: String,
    /// Whether the node counts as lost under them.
    pub counts: bool,
    /// The recovery that they belong to.
    pub recovery: u32,
}

/// Whether a node lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Presence {
    /// It is heard.
    Ready,
    /// It has been silent for long; its leases still hold.
    Suspect,
    /// It is given up.
    Lost,
    /// It said goodbye.
    Gone,
}

impl Presence {
    /// Whether its leases hold.
    pub fn is_present(self) -> bool {
        match self {
            Self::Ready | Self::Suspect => true,
            Self::Lost | Self::Gone => false,
        }
    }
}

impl Node {
    /// Slots that its current leases take.
    pub fn used_slots(&self) -> u32 {
        self.leases.values().map(|(slots, _)| slots).sum()
    }

    /// Memory that its current leases take, in MiB.
    pub fn used_memory(&self) -> u64 {
        self.leases.values().map(|(_, memory)| memory).sum()
    }
}

/// Which reports of a boot were consumed: all up to a number, and some beyond.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    through: u64,
    beyond: std::collections::BTreeSet<u64>,
}

impl Seen {
    /// All reports up to this number were consumed.
    pub fn through(&self) -> u64 {
        self.through
    }

    /// Whether this report was consumed.
    pub fn has(&self, seq: u64) -> bool {
        seq <= self.through || self.beyond.contains(&seq)
    }

    /// Whether this report may be taken now: it is new and not too far ahead.
    pub fn takes(&self, seq: u64) -> bool {
        !self.has(seq) && seq - self.through <= MAX_AHEAD as u64
    }

    /// Counts from a hello on: all that came before it was consumed, or is never to come.
    pub fn from(mut self, hello: u64) -> Self {
        self.through = self.through.max(hello);
        self.beyond.retain(|seq| *seq > hello);
        self.mark(0);
        self
    }

    /// Marks a report as consumed.
    pub fn mark(&mut self, seq: u64) {
        if seq > self.through {
            self.beyond.insert(seq);
        }
        while self.beyond.remove(&(self.through + 1)) {
            self.through += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seen;

    #[test]
    fn reports_are_taken_once_in_any_order() {
        let mut seen = Seen::default();
        let marks: Vec<(u64, bool, u64)> = [1, 3, 1, 2, 3, 6, 4, 5]
            .into_iter()
            .map(|seq| {
                let takes = seen.takes(seq);
                seen.mark(seq);
                (seq, takes, seen.through())
            })
            .collect();
        let want = [(1, true, 1), (3, true, 1), (1, false, 1), (2, true, 3)];
        assert_eq!(marks[..4], want);
        assert_eq!(marks[4..], [(3, false, 3), (6, true, 3), (4, true, 4), (5, true, 6)]);
        assert!(!seen.takes(6 + 4097) && seen.takes(6 + 4096));
    }
}
