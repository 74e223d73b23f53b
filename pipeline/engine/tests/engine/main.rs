//! Engines on embedded logs: one that owns its log, with one partition or several, and several that share one.

#![expect(clippy::unwrap_used, reason = "an engine that cannot be asked fails its test")]

mod faulty;
mod node;
mod person;

mod one_node;
mod partitions;
mod standby;
mod trouble;
mod unread;

use std::time::Duration;

use engine::{Engine, Health};

/// Waits until an engine is as wanted.
async fn until(engine: &Engine, wanted: impl Fn(&Health) -> bool) -> Health {
    for _ in 0..6_000 {
        let health = engine.health();
        if wanted(&health) {
            return health;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to that: {:?}", engine.health())
}
