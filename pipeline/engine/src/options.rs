//! What an engine is started with.

use std::path::PathBuf;
use std::sync::Arc;

use model::PoolSettings;
use model::policy::Policy;

/// What an engine is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where snapshots are kept: a folder of the engine's own.
    pub snapshots: PathBuf,
    /// Settings of each pool.
    pub settings: PoolSettings,
    /// Policies that every pool has.
    pub policies: Vec<Arc<Policy>>,
    /// Go on although the wall clock is far from the last entry.
    pub accept_clock: bool,
    /// Entries between two snapshots.
    pub snapshot_entries: u64,
}

impl Options {
    /// The defaults, with snapshots in this folder.
    pub fn new(snapshots: PathBuf) -> Self {
        let settings = PoolSettings::default();
        Self { snapshots, settings, policies: Vec::new(), accept_clock: false, snapshot_entries: 20_000 }
    }
}
