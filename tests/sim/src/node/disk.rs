//! What a node keeps over a crash: its name in the journal's eyes, reports not acknowledged, leases it holds or held.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use model::{BootId, JournalId, LeaseId};
use serde::{Deserialize, Serialize};

use super::work::Held;

/// A report that waits to be acknowledged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Kept {
    /// Its boot.
    pub boot: BootId,
    /// Its number.
    pub seq: u64,
    /// Its line.
    pub line: Vec<u8>,
    /// Whether it is a hello.
    pub hello: bool,
}

/// The state folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Disk {
    /// The present boot.
    pub boot: BootId,
    /// The number of the last report stored in this boot.
    pub seq: u64,
    /// The boot before, if it is remembered.
    pub was: Option<BootId>,
    /// Reports that were not acknowledged, in order.
    pub outbox: VecDeque<Kept>,
    /// Leases that are held: their end is not stored.
    pub held: BTreeMap<LeaseId, Held>,
    /// Leases that were ever held, refused or ended.
    pub known: BTreeSet<LeaseId>,
    /// The journal last met.
    pub journal: Option<JournalId>,
    /// Whether the present boot has stored its hello.
    pub joined: bool,
}

impl Disk {
    /// An empty folder.
    pub fn new(boot: BootId) -> Self {
        Self {
            boot,
            seq: 0,
            was: None,
            outbox: VecDeque::new(),
            held: BTreeMap::new(),
            known: BTreeSet::new(),
            journal: None,
            joined: false,
        }
    }
}
