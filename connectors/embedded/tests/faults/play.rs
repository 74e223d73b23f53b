//! What the plays have in common: seeds, and how a log is opened on a bad disk.

use std::sync::Arc;
use std::time::Duration;

use embedded::{EmbeddedLog, OpenError, Options};

use crate::chance::Chance;
use crate::disk::Disk;

/// The seeds to play; `SEED=7` plays that one. Each is printed before it is played.
pub fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let seeds = match std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()) {
        Some(seed) => seed..seed + 1,
        None => 0..count,
    };
    seeds.inspect(|seed| println!("repeat with SEED={seed}"))
}

/// Opens a log with sizes by chance, small enough that old records leave the memory.
pub fn open(disk: &Disk, chance: &mut Chance) -> Result<EmbeddedLog, OpenError> {
    let options = Options {
        tail_bytes: chance.below(20_000) as usize,
        cache_bytes: chance.below(200_000) as usize,
        retry_after: Duration::ZERO,
        ..Options::default()
    };
    EmbeddedLog::on(Arc::new(disk.clone()), &options)
}
