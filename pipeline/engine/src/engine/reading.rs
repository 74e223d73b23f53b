//! What the engine knows and how it is: by pool, by partition, and as a whole. Nobody waits for a partition's thread.

use std::time::Duration;

use model::PoolId;
use model::record::Entry;
use protocol::Replica;
use tokio::sync::watch;

use super::{Engine, LOOK};
use crate::health::Health;
use crate::journal::JournalError;
use crate::metrics::{Seen, TablesFigures};
use crate::shared::Part;

impl Engine {
    /// Reads the admitted state of a pool's partition. What is called holds that up: it must be short.
    pub fn read<T>(&self, pool: &PoolId, read: impl FnOnce(&Replica) -> T) -> T {
        read(&self.of(pool).replica())
    }

    /// The same by partition; none if there is no such partition.
    pub fn read_in<T>(&self, partition: u32, read: impl FnOnce(&Replica) -> T) -> Option<T> {
        Some(read(&self.in_partition(partition)?.replica()))
    }

    /// Names of pools that somebody has used, at most so many of each partition.
    pub fn pools(&self, limit: usize) -> Vec<PoolId> {
        let of = |part: &Part| part.replica().state.pools.keys().take(limit).cloned().collect::<Vec<_>>();
        self.shared.parts.iter().flat_map(|part| of(part)).collect()
    }

    /// How the instance is, all partitions taken together.
    pub fn health(&self) -> Health {
        match self.shared.parts.as_slice() {
            [only] => only.health(),
            _ => Health::of_all(&self.healths()),
        }
    }

    /// How each partition is.
    pub fn healths(&self) -> Vec<Health> {
        self.shared.parts.iter().map(|part| part.health()).collect()
    }

    /// How the partition of a pool is.
    pub fn health_of(&self, pool: &PoolId) -> Health {
        self.of(pool).health()
    }

    /// The same by partition; none if there is no such partition.
    pub fn health_in(&self, partition: u32) -> Option<Health> {
        Some(self.in_partition(partition)?.health())
    }

    /// Waits until each partition that goes on is led, by this instance or another, or until all have stopped for good;
    /// at most so long.
    pub async fn ready(&self, at_most: Duration) -> Health {
        let wait = async {
            loop {
                let health = self.health();
                if health.led || health.has_stopped() {
                    return health;
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(at_most, wait).await.unwrap_or_else(|_| self.health())
    }

    /// Follows the number of the last admitted entry of a pool's partition.
    pub fn follow(&self, pool: &PoolId) -> watch::Receiver<u64> {
        self.of(pool).admitted.subscribe()
    }

    /// Waits until an entry of a pool's partition was admitted, at most so long; says whether it was.
    pub async fn wait_for(&self, pool: &PoolId, seq: u64, at_most: Duration) -> bool {
        let mut follow = self.follow(pool);
        let waited = tokio::time::timeout(at_most, follow.wait_for(|now| *now >= seq)).await;
        waited.is_ok_and(|seen| seen.is_ok())
    }

    /// Admitted entries of a pool's partition from a number on, at most so many. Blocks while it reads.
    pub fn journal(&self, pool: &PoolId, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, JournalError> {
        self.entries(self.of(pool), from, limit)
    }

    /// The same by partition; of one that there is not, none.
    pub fn journal_in(&self, partition: u32, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, JournalError> {
        self.in_partition(partition).map_or(Ok(Vec::new()), |part| self.entries(part, from, limit))
    }

    fn entries(&self, part: &Part, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, JournalError> {
        let last = part.replica().seq;
        part.marks.entries(self.shared.log.as_ref(), [from, last], limit)
    }

    /// All metrics as Prometheus reads them, with those of the tables that this instance writes.
    pub fn metrics(&self, tables: Option<TablesFigures>) -> String {
        let seen: Vec<Seen> = self.shared.parts.iter().map(|part| see(part)).collect();
        self.shared.metrics.observe(&seen, self.shared.log.figures(), tables);
        self.shared.metrics.text()
    }
}

fn see(part: &Part) -> Seen {
    let mut seen = Seen { health: part.health(), ..Seen::default() };
    for pool in part.replica().state.pools.values() {
        seen.ready += pool.queues.len();
        seen.parked += pool.executions.values().map(|e| e.counts.parked as usize).sum::<usize>();
        for node in pool.nodes.values().filter(|n| n.presence.is_present()) {
            seen.slots += u64::from(node.slots);
            seen.used += u64::from(node.used_slots());
        }
    }
    seen
}
