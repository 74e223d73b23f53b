//! Fold: applies one event. The only way that state changes; knows no policy, and no time but the entry's.
//!
//! An event that does not fit the state (it cannot happen with a journal of ours) changes nothing.

mod attempts;
mod executions;
mod nodes;
mod pools;
mod tasks;

use std::collections::btree_map::Entry;

use model::{Body, By, Event, Timestamp};

use crate::state::{MAX_UNSENT, Pool, State, Unsent};

/// When and where an event was decided.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// The entry's time.
    pub now: Timestamp,
    /// The entry's sequence number.
    pub seq: u64,
}

/// Applies one event.
pub fn fold(state: &mut State, event: &Event, when: When) {
    settings(state, event, when);
    rejects(state, event, when);
    let Some(pool) = state.pools.get_mut(&event.pool) else { return };
    match &event.event {
        Body::PolicyPut { id, policy } => pools::policy(pool, id, policy),
        Body::RequestAnswered { key, content, at, answer } => pools::answered(pool, key, *content, *at, answer),
        Body::KeysForgotten { before } => pools::keys_forgotten(pool, *before),
        Body::PoolSettingsPut { .. } | Body::NotifiedUpTo { .. } | Body::InputRejected { .. } => {}
        Body::ReportStale { lease, .. } => nodes::stale(pool, *lease),

        Body::NodeJoined(joined) => nodes::joined(pool, joined, seq_of(&event.by), when),
        Body::NodeSuspected { node, .. } => nodes::suspected(pool, node, when),
        Body::NodeReturned { node, .. } => nodes::returned(pool, node, when),
        Body::NodeLost { node, silent_ms, evidence, recovery, .. } => {
            nodes::lost(pool, node, *silent_ms, evidence, *recovery, when);
        }
        Body::NodeLeft { node, why, recovery, .. } => nodes::left(pool, node, why, *recovery, when),
        Body::ZoneEmergency { zone, on, .. } => nodes::emergency(pool, zone, *on),

        Body::FlowPart { key, submit } => pools::flow_part(pool, key, submit, &event.by, when),
        Body::UploadExpired { key } => pools::upload_expired(pool, key),
        Body::ExecutionStarted { execution, key, policies } => {
            executions::started(pool, *execution, key, policies, when)
        }
        Body::ExecutionPaused { execution } => executions::paused(pool, *execution, true, when),
        Body::ExecutionResumed { execution } => executions::paused(pool, *execution, false, when),
        Body::ExecutionCancelRequested { execution, kill } => {
            executions::cancelled(pool, *execution, *kill, &event.by, when)
        }
        Body::ExecutionStopped { execution, rule } => executions::stopped(pool, *execution, rule),
        Body::ExecutionEnded { execution, state, .. } => executions::ended(pool, *execution, *state, when),
        Body::ExecutionReopened { execution, round, scope, drop_checkpoints } => {
            executions::reopened(pool, *execution, *round, scope, *drop_checkpoints);
        }
        Body::ExecutionForgotten { execution, .. } => executions::forgotten(pool, *execution),
        Body::WorkDone { work, next, done } => executions::work_done(pool, work, *next, *done),

        Body::TaskReady { at, rank_ms } => tasks::ready(pool, *at, *rank_ms, when),
        Body::TaskReset { at, unmet } => tasks::reset(pool, *at, *unmet),
        Body::TaskSkipped { at, because, how } => tasks::skipped(pool, *at, *because, *how),
        Body::TaskParked { at, rule, why } => tasks::parked(pool, *at, rule, why, when),
        Body::TaskEnded { at, result } => tasks::ended(pool, *at, *result),
        Body::TaskNeedsPut { at, needs } => tasks::needs(pool, *at, needs),
        Body::FailureClassified(classified) => tasks::classified(pool, classified),
        Body::RetryDecided(decided) => tasks::decided(pool, decided, when),

        Body::AttemptDispatched(dispatch) => attempts::dispatched(pool, dispatch, when),
        Body::AttemptAccepted { at, .. } => attempts::accepted(pool, *at, seq_of(&event.by), when),
        Body::AttemptTakenBack { at, lease, node, .. } => attempts::taken_back(pool, *at, *lease, node),
        Body::AttemptStarted { at, .. } => attempts::started(pool, *at, when),
        Body::AttemptProgressed { at, fraction, note, .. } => {
            attempts::progressed(pool, *at, *fraction, note.as_deref())
        }
        Body::AttemptCheckpointed { at, text, .. } => attempts::checkpointed(pool, *at, text, when),
        Body::AttemptCancelRequested { at, grace_ms, .. } => attempts::cancel_requested(pool, *at, *grace_ms, when),
        Body::AttemptEnded(ended) => attempts::ended(pool, ended, when),
        Body::TestResults { at, cases, .. } => attempts::test_results(pool, *at, cases),
        Body::RecoveryPhase { recovery, phase, at, took_ms } => nodes::phase(pool, *recovery, *phase, *at, *took_ms),
        Body::LockGranted { lock, lease, permits, .. } => attempts::lock_granted(pool, lock, *lease, *permits),
        Body::LockReleased { lock, lease, .. } => attempts::lock_released(pool, lock, *lease),
    }
    if let By::Node { node, boot, seq } = &event.by
        && let Some(node) = pool.nodes.get_mut(node).filter(|n| n.boot == *boot)
    {
        node.seen.mark(*seq);
    }
}

/// Settings make a pool, or change it.
fn settings(state: &mut State, event: &Event, when: When) {
    let Body::PoolSettingsPut { settings } = &event.event else { return };
    match state.pools.entry(event.pool.clone()) {
        Entry::Vacant(new) => new.insert(Pool::default()).settings = *settings,
        Entry::Occupied(mut known) => known.get_mut().set(*settings, when.now),
    }
}

/// A reject goes out when its entry is admitted, and is kept until it is known to be out. It may name no pool of ours.
fn rejects(state: &mut State, event: &Event, when: When) {
    if let Body::InputRejected { topic, position, hash, reason } = &event.event {
        if state.unsent.len() >= MAX_UNSENT {
            state.unsent.pop_front();
        }
        let (pool, topic, reason) = (event.pool.clone(), topic.clone(), reason.clone());
        state.unsent.push_back(Unsent { seq: when.seq, pool, topic, position: *position, hash: *hash, reason });
    }
    if let Body::NotifiedUpTo { position } = &event.event {
        while state.unsent.front().is_some_and(|unsent| unsent.seq <= *position) {
            state.unsent.pop_front();
        }
    }
}

fn seq_of(by: &By) -> u64 {
    match by {
        By::Node { seq, .. } => *seq,
        By::Engine | By::Person { .. } => 0,
    }
}
