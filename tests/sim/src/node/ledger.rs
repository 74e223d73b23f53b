//! The ledger of a node: what it took in, what really ran from when to when, what it stored and was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use model::{BootId, LeaseId};

/// One attempt as it really was.
#[derive(Debug, Clone)]
pub struct Ran {
    /// When it was taken in.
    pub accepted: u64,
    /// It holds locks.
    pub strict: bool,
    /// Its slots.
    pub slots: u32,
    /// Its execution and task, as the start named them.
    pub attempt: String,
    /// Spans in which its process ran; the last may be open.
    pub spans: Vec<(u64, Option<u64>)>,
}

/// All that a node did.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// By lease. A lease that was taken in twice would stand in `twice`.
    pub ran: BTreeMap<LeaseId, Ran>,
    /// Leases that were taken in again.
    pub twice: Vec<LeaseId>,
    /// Reports stored, with a word of their kind.
    pub stored: BTreeMap<(BootId, u64), &'static str>,
    /// Reports that were acknowledged.
    pub acknowledged: BTreeSet<(BootId, u64)>,
    /// Beats sent, and when.
    pub beats: u64,
}

impl Ledger {
    /// An attempt was taken in.
    pub fn accept(&mut self, lease: LeaseId, ran: Ran) {
        if self.ran.insert(lease, ran).is_some() {
            self.twice.push(lease);
        }
    }

    /// Its process runs.
    pub fn start(&mut self, lease: LeaseId, now: u64) {
        if let Some(ran) = self.ran.get_mut(&lease) {
            ran.spans.push((now, None));
        }
    }

    /// It stands still.
    pub fn pause(&mut self, lease: LeaseId, now: u64) {
        self.end(lease, now);
    }

    /// It goes on.
    pub fn resume(&mut self, lease: LeaseId, now: u64) {
        self.start(lease, now);
    }

    /// Its process runs no more.
    pub fn end(&mut self, lease: LeaseId, now: u64) {
        if let Some((_, to @ None)) = self.ran.get_mut(&lease).and_then(|r| r.spans.last_mut()) {
            *to = Some(now);
        }
    }
}
