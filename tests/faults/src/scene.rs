//! Who takes part, and where everything of theirs is: pools, nodes, engines, folders.

use std::path::{Path, PathBuf};

use model::{Millis, NodeId, PoolId, PoolSettings};

/// Partitions of each topic.
pub const PARTITIONS: u32 = 4;
/// Engines.
pub const ENGINES: usize = 3;
/// Processes of model nodes.
pub const PROCESSES: usize = 5;
/// Nodes of each.
pub const NODES: usize = 10;
/// Slots of each node.
pub const SLOTS: u32 = 2;
/// Silence after which a node is lost: so short that it shows many times in a run.
pub const LOST: Millis = Millis(4_000);
/// The pools: in all four partitions, two of them in one.
pub const POOLS: [&str; 5] = ["web", "pay", "db", "ios", "mail"];

/// The settings of every pool, as the engines read them from their file.
pub fn settings() -> PoolSettings {
    PoolSettings::for_lost(LOST)
}

/// A pool by its number.
pub fn pool(number: usize) -> PoolId {
    PoolId::new(POOLS[number % POOLS.len()]).expect("a plain name")
}

/// A node of the run.
#[derive(Debug, Clone)]
pub struct Seat {
    /// Its number among all.
    pub index: usize,
    /// Its name.
    pub name: NodeId,
    /// Its pool.
    pub pool: PoolId,
}

/// The nodes of one process: each pool has some in each process, so that no process takes a pool with it.
pub fn seats(process: usize) -> impl Iterator<Item = Seat> {
    (process * NODES..(process + 1) * NODES).map(|index| {
        let pool = pool(index);
        let name = NodeId::new(&format!("{pool}-{index:02}")).expect("a plain name");
        Seat { index, name, pool }
    })
}

/// All nodes.
pub fn all_seats() -> impl Iterator<Item = Seat> {
    (0..PROCESSES).flat_map(seats)
}

/// The folder of a run.
#[derive(Debug, Clone)]
pub struct Scene(pub PathBuf);

impl Scene {
    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// What survives of a node when its process is killed.
    pub fn disk(&self, node: &NodeId) -> PathBuf {
        self.0.join("nodes").join(format!("{node}.disk"))
    }

    /// What a node really did.
    pub fn ledger(&self, node: &NodeId) -> PathBuf {
        self.0.join("nodes").join(format!("{node}.ledger"))
    }

    /// The folder of an engine.
    pub fn engine(&self, index: usize) -> PathBuf {
        self.0.join(format!("engine{index}"))
    }

    /// What a process says.
    pub fn words(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}.log"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_pools_are_in_all_partitions_and_every_process_has_nodes_of_each() {
        let partitions: BTreeSet<u32> =
            (0..POOLS.len()).map(|number| model::partition_of(&pool(number), PARTITIONS)).collect();
        assert_eq!(partitions.len(), PARTITIONS as usize, "{partitions:?}");
        for process in 0..PROCESSES {
            let pools: BTreeSet<PoolId> = seats(process).map(|seat| seat.pool).collect();
            assert_eq!(pools.len(), POOLS.len());
        }
        assert_eq!(all_seats().map(|seat| seat.name).collect::<BTreeSet<_>>().len(), 50);
    }
}
