//! `recoveries`: a node's death and what became of its attempts, phase by phase. A row is made at each phase; who asks
//! sees the last one.

use model::event::Phase;
use model::{Millis, NodeId, PoolId, Timestamp};
use operators::state::Recovery;

use crate::column::columns;

columns! {
    /// A row of `recoveries`; each phase is measured from the node's last sign of life.
    pub struct Row {
        /// The recovery, counted per pool: `r-31`.
        pub recovery_id: String,
        /// The pool.
        pub pool: PoolId,
        /// What happened to the node: silent, restarted, goodbye or cut off.
        pub cause: String,
        /// The node.
        pub node_id: NodeId,
        /// Its zone.
        pub zone: String,
        /// Its last sign of life.
        pub lost_at: Timestamp,
        /// Until it was suspected.
        pub suspected_ms: Option<Millis>,
        /// Until its loss was noticed.
        pub noticed_ms: Option<Millis>,
        /// Until its leases were void.
        pub fenced_ms: Option<Millis>,
        /// Until its last attempt was decided about.
        pub requeued_ms: Option<Millis>,
        /// Until the first successor showed progress.
        pub progress_ms: Option<Millis>,
        /// Until every successor had ended.
        pub done_ms: Option<Millis>,
        /// How many attempts it ended.
        pub attempts: u32,
        /// How many of their successors went on from a checkpoint.
        pub resumed: u32,
        /// Node time that was lost with them: from their start, or last checkpoint, to the last sign of life.
        pub work_lost_ms: Millis,
        /// open, or done once every successor has ended.
        pub outcome: &'static str,
        /// When this was so.
        pub as_of: Timestamp,
    }
}

/// How a recovery stands.
pub fn row(pool: &PoolId, number: u32, of: &Recovery, now: Timestamp) -> Row {
    Row {
        recovery_id: format!("r-{number}"),
        pool: pool.clone(),
        cause: of.cause.clone(),
        node_id: of.node.clone(),
        zone: of.zone.clone(),
        lost_at: of.last_sign,
        suspected_ms: of.phase(Phase::Suspected),
        noticed_ms: of.phase(Phase::Noticed),
        fenced_ms: of.phase(Phase::Fenced),
        requeued_ms: of.phase(Phase::Requeued),
        progress_ms: of.phase(Phase::Progress),
        done_ms: of.phase(Phase::Done),
        attempts: of.attempts,
        resumed: of.resumed,
        work_lost_ms: of.work_lost_ms,
        outcome: if of.phase(Phase::Done).is_some() { "done" } else { "open" },
        as_of: now,
    }
}
