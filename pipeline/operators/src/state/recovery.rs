//! The report of one recovery: a node's death, and what became of its attempts.

use std::collections::{BTreeMap, BTreeSet};

use model::event::{Phase, TaskRef};
use model::{LeaseId, Millis, NodeId, Timestamp};
use serde::{Deserialize, Serialize};

/// Most recoveries that a pool remembers.
pub const MAX_RECOVERIES: usize = 1_000;

/// One recovery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recovery {
    /// The node.
    pub node: NodeId,
    /// Its zone.
    pub zone: String,
    /// What happened to it.
    pub cause: String,
    /// Its last sign of life.
    pub last_sign: Timestamp,
    /// When each phase was reached, after the last sign.
    pub phases: Vec<(Phase, Millis)>,
    /// How many attempts it ended.
    pub attempts: u32,
    /// How many of their successors went on from a checkpoint.
    pub resumed: u32,
    /// Node time that was lost with them: from start, or from the last checkpoint, to the last sign.
    pub work_lost_ms: Millis,
    /// The leases that it voided: of which task, which attempt.
    pub leases: BTreeMap<LeaseId, (TaskRef, u32)>,
    /// Late reports of void leases.
    pub late_reports: u32,
    /// Tasks whose successor has not ended yet.
    pub open: BTreeSet<TaskRef>,
    /// Whether the sweep of its attempts is over.
    pub swept: bool,
}

impl Recovery {
    /// One that has just begun.
    pub fn new(node: &NodeId, zone: &str, cause: &str, last_sign: Timestamp) -> Self {
        Self {
            node: node.clone(),
            zone: zone.to_owned(),
            cause: cause.to_owned(),
            last_sign,
            phases: Vec::new(),
            attempts: 0,
            resumed: 0,
            work_lost_ms: Millis(0),
            leases: BTreeMap::new(),
            late_reports: 0,
            open: BTreeSet::new(),
            swept: false,
        }
    }

    /// When a phase was reached.
    pub fn phase(&self, phase: Phase) -> Option<Millis> {
        self.phases.iter().find(|(p, _)| *p == phase).map(|(_, took)| *took)
    }
}
