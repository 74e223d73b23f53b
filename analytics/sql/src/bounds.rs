//! How much a statement may take, and what a session is set to.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use datafusion::error::Result;
use datafusion::execution::disk_manager::DiskManagerBuilder;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::SessionConfig;

/// How much a statement may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Memory for what it sorts, groups and joins; beyond it, it goes on on the disk where it can, else it ends. What an
    /// expression or a plan takes is not counted: whoever opens a session looks at the whole process.
    pub memory_bytes: usize,
    /// What it may write to the disk meanwhile.
    pub disk_bytes: u64,
    /// How long it may take.
    pub time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { memory_bytes: 1 << 30, disk_bytes: 8 << 30, time: Duration::from_secs(300) }
    }
}

/// Who takes most memory is named in the message, at most so many.
const NAMED: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");

/// The runtime with these bounds.
pub fn runtime(bounds: &Bounds) -> Result<Arc<RuntimeEnv>> {
    let pool = TrackConsumersPool::new(FairSpillPool::new(bounds.memory_bytes), NAMED);
    let disk = DiskManagerBuilder::default().with_max_temp_directory_size(bounds.disk_bytes);
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).with_disk_manager_builder(disk).build_arc()
}

/// The settings of a session. Times without a zone are UTC, wherever the process runs.
pub fn config(bounds: &Bounds) -> SessionConfig {
    let mut config = SessionConfig::new()
        .with_information_schema(true)
        .with_default_catalog_and_schema("reprise", "public")
        .with_create_default_catalog_and_schema(true);
    let sorts_at_once = config.target_partitions();
    let options = config.options_mut();
    // What each sort sets aside for merging: of a small bound on a machine with many processors nothing else would be left.
    let set_aside = options.execution.sort_spill_reservation_bytes;
    options.execution.sort_spill_reservation_bytes = set_aside.min(bounds.memory_bytes / (4 * sorts_at_once));
    options.execution.time_zone = Some("+00:00".to_owned());
    options.execution.parquet.pushdown_filters = true;
    options.sql_parser.collect_spans = true;
    // With it DISTINCT and LIMIT over a window have no plan: an order is missed.
    options.optimizer.enable_distinct_aggregation_soft_limit = false;
    // The order of a task's story is kept, though it is a part of a statement.
    options.sql_parser.enable_subquery_sort_elimination = false;
    config
}
