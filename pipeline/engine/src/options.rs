//! What an engine is started with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

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
    /// How many partitions the log has.
    pub partitions: u32,
    /// Other instances share the log: each follows all partitions, and leads those that it is told to or that nobody
    /// leads. Else one process owns the log, and leads them all.
    pub standby: bool,
    /// The least time between two reads of inputs that brought some, so that a batch gathers; zero takes what queued.
    pub window: Duration,
    /// Inputs and rejects that are not needed any more are trimmed; else the log itself sees to that.
    pub trims: bool,
}

impl Options {
    /// The defaults, with snapshots in this folder.
    pub fn new(snapshots: PathBuf) -> Self {
        Self {
            snapshots,
            settings: PoolSettings::default(),
            policies: Vec::new(),
            accept_clock: false,
            snapshot_entries: 20_000,
            partitions: 1,
            standby: false,
            window: Duration::ZERO,
            trims: true,
        }
    }
}
