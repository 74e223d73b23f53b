//! What the leader's own events change for its observations: which queues and nodes the scheduler should look at,
//! and which beats are void.

use model::event::TakeBack;
use model::{Body, By, Event, LeaseId, NodeId, Timestamp};

use crate::schedule::Agenda;
use crate::soft::Soft;
use crate::state::{Phase, Pool, State};

/// Notes a folded event.
pub fn observe(state: &State, soft: &mut Soft, event: &Event, now: Timestamp) {
    let id = &event.pool;
    let Some(pool) = state.pools.get(id) else { return };
    note(pool, &mut soft.pools.entry(id.clone()).or_default().agenda, &event.event);
    if let Body::NodeJoined(joined) = &event.event {
        soft.node_changed(id, &joined.node, now);
    }
    if let Body::NodeLost { node, .. } | Body::NodeLeft { node, .. } = &event.event {
        soft.node_changed(id, node, now);
    }
    if let Body::AttemptTakenBack { node, why: TakeBack::Refused(_), .. } = &event.event {
        soft.refused(id, node);
    }
    if let Some((node, lease)) = finished(event) {
        soft.released(pool, id, node, lease);
    }
}

/// The lease whose end its node has reported: of a current attempt or of a void one.
fn finished(event: &Event) -> Option<(&NodeId, LeaseId)> {
    let By::Node { node, .. } = &event.by else { return None };
    if let Body::AttemptEnded(ended) = &event.event {
        return Some((node, ended.lease));
    }
    if let Body::ReportStale { lease: Some(lease), report } = &event.event
        && report == "finished"
    {
        return Some((node, *lease));
    }
    None
}

/// Whatever may let a task run that could not before.
fn note(pool: &Pool, agenda: &mut Agenda, event: &Body) {
    if let Body::TaskReady { at, .. } = event
        && let Some(Phase::Ready { queue, .. }) = pool.task(*at).map(|t| &t.phase)
    {
        agenda.look_at(pool, *queue);
    }
    if let Body::AttemptDispatched(dispatch) = event
        && let Some(queue) = pool.queues.of_needs(&dispatch.needs)
    {
        agenda.look_at(pool, queue);
    }
    if let Body::AttemptEnded(ended) = event {
        agenda.node_opened(pool, &ended.node);
    }
    if let Body::AttemptTakenBack { node, .. } = event {
        agenda.node_opened(pool, node);
    }
    if let Body::LockReleased { lock, .. } = event {
        agenda.lock_freed(pool, lock);
    }
    if let Body::NodeJoined(joined) = event {
        agenda.node_joined(pool, &joined.node);
    }
    if let Body::ExecutionStarted { execution, .. } = event
        && let Some(execution) = pool.execution(*execution)
    {
        // It may have made a lock larger.
        for lock in execution.head.locks.keys() {
            agenda.lock_freed(pool, lock);
        }
    }
    if matches!(event, Body::ExecutionForgotten { .. }) {
        agenda.forget_gone(pool);
    }
    if matches!(event, Body::PoolSettingsPut { .. }) {
        // All indices were made anew: queues have other numbers.
        agenda.begin_anew(pool);
    }
    if matches!(event, Body::ExecutionResumed { .. } | Body::ExecutionReopened { .. }) {
        agenda.look_at_all(pool);
    }
}
