//! Commands: what nodes are told, made of the state that the events left.
//!
//! A command is an effect: it goes out when the entry of its event was admitted. It is level-triggered: the same
//! start is made again, as it was, whenever a settled beat does not show it.

use model::command::Order;
use model::event::{TaskRef, attempt_name};
use model::{Body, Command, Event, Start};

use crate::state::{Pool, State};
use crate::{Context, Planted};

/// The command that an event causes, if it causes one.
pub fn of(state: &State, event: &Event, ctx: &Context<'_>) -> Option<Command> {
    let pool = state.pools.get(&event.pool)?;
    let order_for = |node: &model::NodeId, order| Command { pool: event.pool.clone(), node: node.clone(), order };
    if let Body::AttemptDispatched(dispatch) = &event.event {
        let start = start(pool, dispatch.at, ctx)?;
        return Some(order_for(&dispatch.node, Order::Start(Box::new(start))));
    }
    if let Body::AttemptCancelRequested { at, lease, grace_ms, why, .. } = &event.event {
        let attempt = pool.task(*at)?.attempt().filter(|a| a.lease == *lease)?;
        let (id, grace_ms, why) = (format!("cancel-{lease}"), *grace_ms, why.clone());
        let order = Order::Cancel { id, journal: ctx.journal, lease: *lease, grace_ms, why };
        return Some(order_for(&attempt.node, order));
    }
    None
}

/// The start of a task's present attempt, as it was first sent.
pub fn start(pool: &Pool, at: TaskRef, ctx: &Context<'_>) -> Option<Start> {
    let execution = pool.execution(at.execution)?;
    let task = execution.tasks.get(at.task as usize)?;
    let attempt = task.attempt()?;
    let spec = &task.spec;
    let unlimited = model::Millis(u64::MAX / 4);
    let expires_ms = if ctx.planted(Planted::StartWithoutExpiry) { unlimited } else { attempt.expires_ms };
    Some(Start {
        id: attempt.lease.to_string(),
        journal: ctx.journal,
        boot: attempt.boot.clone(),
        attempt: attempt_name(&execution.id, &spec.id, task.attempts),
        lease: attempt.lease,
        after_beat: attempt.after_beat,
        expires_ms,
        strict: !attempt.needs.locks.is_empty(),
        slots: attempt.needs.slots,
        run: spec.run.clone(),
        env: spec.env.clone(),
        dir: spec.dir.clone(),
        timeout_ms: spec.timeout_ms,
        stall_ms: spec.stall_ms,
        grace_ms: spec.grace_ms,
        memory_mb: attempt.needs.memory_mb,
        checkpoint: task.story.as_ref().and_then(|s| s.checkpoint.as_deref()).map(str::to_owned),
        results: spec.results.clone(),
    })
}
