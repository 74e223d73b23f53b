//! A named mutex or semaphore of a pool. Permits are held by leases and freed with them.

use std::collections::BTreeMap;

use model::LeaseId;
use serde::{Deserialize, Serialize};

/// One lock.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// How many permits there are; 1 is a mutex.
    pub size: u32,
    /// Who holds how many.
    pub held: BTreeMap<LeaseId, u32>,
}

impl Lock {
    /// Permits that nobody holds. A lock that was made smaller may have fewer than none.
    pub fn free(&self) -> u32 {
        self.size.saturating_sub(self.held.values().sum())
    }
}
