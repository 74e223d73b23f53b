//! The checker: reads the log's bytes and the nodes' own ledgers, never the engine's state.

use crate::world::World;

/// Every violation of a world that has ended.
pub fn all(world: &mut World) -> Vec<String> {
    std::mem::take(&mut world.history.violations)
}
