//! `failures`: what kind of failure an attempt ended in, and how that is known.

use model::event::Classified;
use model::{PoolId, Timestamp};
use operators::state::Pool;

use super::{Key, attempts};
use crate::column::{Prose, columns};

columns! {
    /// A row of `failures`.
    pub struct Row {
        /// When it was classified.
        pub ts: Timestamp,
        /// The attempt that failed.
        pub key: Key,
        /// test_failure, crash, out_of_memory, timeout, stall, start_failure or node_lost.
        pub class: &'static str,
        /// Whether the evidence leaves no other reading: certain, else likely.
        pub confidence: &'static str,
        /// What alike failures have in common.
        pub signature: Prose,
        /// How the class is known.
        pub evidence: Prose,
    }
}

/// The row of a failure.
pub fn row(pool: &Pool, id: &PoolId, of: &Classified, now: Timestamp) -> Option<Row> {
    let (execution, task) = (pool.execution(of.at.execution)?, pool.task(of.at)?);
    let tried = task.story.as_ref()?.tried.iter().rev().find(|tried| tried.attempt == of.attempt)?;
    Some(Row {
        ts: now,
        key: attempts::key(id, execution, task, tried),
        class: of.class.word(),
        confidence: if of.certain { "certain" } else { "likely" },
        signature: Prose(of.signature.clone()),
        evidence: Prose(of.evidence.clone()),
    })
}
