//! Recovery: the report of a loss, phase by phase, all from the node's last sign of life.
//!
//! The loss itself fences: the node's leases are void with that very event. A work list then ends its attempts, those
//! of higher priority first, and each goes on by policy. The report is done when every successor has ended.

use model::event::{Phase, TaskRef};
use model::report::Cause;
use model::{Body, Event, Millis, NodeId, PoolId};

use crate::Context;
use crate::state::{Pool, TaskState};

/// A successor has shown a sign of progress: the first of its recovery is a phase.
pub fn progressed(pool: &Pool, id: &PoolId, at: TaskRef, task: &TaskState, ctx: &Context<'_>) -> Vec<Event> {
    let recovering = task.story.as_ref().and_then(|s| s.recovering);
    let Some((number, recovery)) = recovering.and_then(|n| Some((n, pool.recoveries.get(&n)?))) else {
        return Vec::new();
    };
    let took_ms = ctx.now - recovery.last_sign;
    vec![ctx.event(id, Body::RecoveryPhase { recovery: number, phase: Phase::Progress, at: Some(at), took_ms })]
}

/// The recovery that an attempt belongs to whose loss its node reported: the one that is open for the same cause, or the
/// next.
pub fn of_reported(pool: &Pool, node: &NodeId, cause: Cause) -> u32 {
    let same = |number: &&u32| {
        pool.recoveries.get(number).is_some_and(|r| r.node == *node && r.cause == reported(cause) && r.swept)
    };
    pool.open_recoveries.iter().rev().find(same).copied().unwrap_or(pool.last_recovery + 1)
}

/// What happened to a node that reports a loss itself.
pub fn reported(cause: Cause) -> &'static str {
    match cause {
        Cause::Orphan | Cause::Strict => "cut off",
        Cause::Cancel => "goodbye",
        Cause::Agent | Cause::Exit | Cause::Signal | Cause::Timeout | Cause::Stall | Cause::Memory | Cause::Start => {
            "restarted"
        }
    }
}

/// All attempts of a lost node have been decided about.
pub fn requeued(pool: &Pool, id: &PoolId, number: u32, ctx: &Context<'_>) -> Vec<Event> {
    let Some(recovery) = pool.recoveries.get(&number) else { return Vec::new() };
    let took_ms = ctx.now - recovery.last_sign;
    vec![ctx.event(id, Body::RecoveryPhase { recovery: number, phase: Phase::Requeued, at: None, took_ms })]
}

/// Recoveries whose last successor has ended, one at a call.
pub fn done(pool: &Pool, id: &PoolId, ctx: &Context<'_>) -> Option<Event> {
    let over = |number: &&u32| pool.recoveries.get(number).is_some_and(|r| r.swept && r.open.is_empty());
    let number = pool.open_recoveries.iter().find(over)?;
    let recovery = pool.recoveries.get(number)?;
    let took_ms = ctx.now - recovery.last_sign;
    Some(ctx.event(id, Body::RecoveryPhase { recovery: *number, phase: Phase::Done, at: None, took_ms }))
}

/// Work that went down with an attempt: from its start, or its last checkpoint, to the last sign of its node.
pub fn work_lost(task: &TaskState, last_sign: model::Timestamp) -> Millis {
    let Some(attempt) = task.attempt() else { return Millis(0) };
    let from = attempt.started.unwrap_or(attempt.dispatched);
    let saved = task.story.as_ref().and_then(|s| s.checkpoint_at).unwrap_or(from);
    last_sign - saved.max(from)
}
