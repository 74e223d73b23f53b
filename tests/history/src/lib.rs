//! Journals of test programmes, made up as the real core would have written them: months of nights in seconds.
//!
//! Whoever reads journals (tables, SQL, detectors) needs some to be tried on. No installation has run for months, and a
//! journal that is merely typed proves nothing. So the real operators decide here, in virtual time: model nodes run a
//! shop's test programmes every night, some die or fall silent, tests fail by nature, and a person tidies up. What comes
//! out is what a leader would have appended, and a replica admits every record of it.
//!
//! All of it follows from one seed. Unlike the simulator this hunts no bugs: there is one leader at a time, no log, and
//! nothing is lost on the way but what a cut node could not send.

mod random;

mod calendar;
mod cases;
mod plan;
mod programme;

mod engine;
mod node;
mod people;
mod world;

pub mod lines;
pub mod summary;

use protocol::log::Record;

pub use engine::JOURNAL;
pub use lines::{read, write};
pub use summary::Summary;

/// How long a history is, and how much happens in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// What all chance follows from.
    pub seed: u64,
    /// Nights, from 2026-03-01 on.
    pub nights: u32,
    /// Executions of each flow in a night.
    pub executions: u32,
    /// Nodes of the pool `default`, 8 to 12; `perf` has two more.
    pub nodes: u32,
}

impl Default for Shape {
    fn default() -> Self {
        Self { seed: 1, nights: 3, executions: 1, nodes: 10 }
    }
}

/// Makes a history up, record by record: only the state of the core is in memory, never the journal.
pub fn history(shape: &Shape) -> impl Iterator<Item = Record> + use<> {
    let mut world = world::World::new(shape);
    std::iter::from_fn(move || {
        loop {
            if let Some(record) = world.engine.told.records.pop_front() {
                return Some(record);
            }
            if !world.step() {
                return None;
            }
        }
    })
}
