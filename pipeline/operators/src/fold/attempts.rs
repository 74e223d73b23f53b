//! What becomes of an attempt, its lease and its locks.

use std::sync::Arc;

use model::event::{AttemptOutcome, Dispatch, Ended, TaskRef};
use model::report::{Case, CaseResult};
use model::{LeaseId, LockId, Millis, NodeId};

use super::When;
use crate::state::task::{MAX_FAILED_TESTS, MAX_TRIED, test_hash};
use crate::state::{Attempt, Phase, Pool, Tried};

pub fn dispatched(pool: &mut Pool, dispatch: &Dispatch, when: When) {
    let at = dispatch.at;
    let Some((generation, zone)) = pool.nodes.get(&dispatch.node).map(|n| (n.generation, n.zone.clone())) else {
        return;
    };
    pool.turn += 1;
    let turn = pool.turn;
    let Some(execution) = pool.execution_mut(at.execution) else { return };
    execution.turn = turn;
    execution.started.get_or_insert(when.now);
    *execution.zones.entry(zone.clone()).or_default() += 1;
    let attempt = Attempt {
        lease: dispatch.lease,
        node: dispatch.node.clone(),
        boot: dispatch.boot.clone(),
        generation,
        after_beat: dispatch.after_beat,
        after_up_ms: dispatch.after_up_ms,
        expires_ms: dispatch.expires_ms,
        needs: dispatch.needs.clone(),
        resumes: dispatch.resumes,
        dispatched: when.now,
        accepted: None,
        started: None,
        fraction: 0.0,
        note: None,
        cancel: None,
        progressed: false,
    };
    let tried = tried(dispatch, zone, when);
    pool.set_phase(at, Phase::Running(Box::new(attempt)));
    if let Some(task) = pool.task_mut(at) {
        task.attempts = dispatch.attempt;
        let story = task.story_mut();
        if story.tried.len() >= MAX_TRIED {
            story.tried.remove(MAX_TRIED / 2);
        }
        story.tried.push(tried);
        if let Some(number) = story.recovering
            && dispatch.resumes
        {
            story.resumed = true;
            if let Some(recovery) = pool.recoveries.get_mut(&number) {
                recovery.resumed += 1;
            }
        }
    }
    pool.leases.insert(dispatch.lease, at);
    if let Some(node) = pool.nodes.get_mut(&dispatch.node) {
        node.leases.insert(dispatch.lease, (dispatch.needs.slots, dispatch.needs.memory_mb));
    }
}

fn tried(dispatch: &Dispatch, zone: String, when: When) -> Tried {
    Tried {
        attempt: dispatch.attempt,
        lease: dispatch.lease,
        node: dispatch.node.clone(),
        zone,
        dispatched: when.now,
        waited_ms: dispatch.waited_ms,
        placed: dispatch.why.clone(),
        resumes: dispatch.resumes,
        started: None,
        ended: None,
        exit: None,
        signal: None,
        max_rss_mb: 0,
        cpu_ms: Millis(0),
        class: None,
        evidence: String::new(),
        decided: None,
        stale: 0,
        position: when.seq,
    }
}

/// Changes a running attempt.
fn change(pool: &mut Pool, at: TaskRef, change: impl FnOnce(&mut Attempt)) {
    if let Some(task) = pool.task_mut(at)
        && let Phase::Running(attempt) = &mut task.phase
    {
        change(attempt);
    }
}

pub fn accepted(pool: &mut Pool, at: TaskRef, seq: u64, when: When) {
    change(pool, at, |attempt| attempt.accepted = Some((when.now, seq)));
}

pub fn started(pool: &mut Pool, at: TaskRef, when: When) {
    change(pool, at, |attempt| attempt.started = Some(when.now));
    if let Some(tried) = pool.task_mut(at).and_then(|t| t.last_tried_mut()) {
        tried.started = Some(when.now);
    }
}

pub fn progressed(pool: &mut Pool, at: TaskRef, fraction: f64, note: Option<&str>) {
    change(pool, at, |attempt| {
        attempt.fraction = fraction;
        attempt.progressed = true;
        if let Some(note) = note {
            attempt.note = Some(note.to_owned());
        }
    });
}

pub fn checkpointed(pool: &mut Pool, at: TaskRef, text: &Arc<str>, when: When) {
    change(pool, at, |attempt| attempt.progressed = true);
    if let Some(task) = pool.task_mut(at) {
        let story = task.story_mut();
        (story.checkpoint, story.checkpoint_at) = (Some(text.clone()), Some(when.now));
    }
}

pub fn cancel_requested(pool: &mut Pool, at: TaskRef, grace_ms: Millis, when: When) {
    change(pool, at, |attempt| attempt.cancel = Some((when.now, grace_ms)));
}

/// The lease is void: the node's slots, the zone's count and the index of leases follow.
fn void(pool: &mut Pool, at: TaskRef, lease: LeaseId, node: &NodeId) {
    pool.leases.remove(&lease);
    let zone = pool.nodes.get_mut(node).map(|node| {
        node.leases.remove(&lease);
        node.zone.clone()
    });
    if let (Some(execution), Some(zone)) = (pool.execution_mut(at.execution), zone)
        && let Some(count) = execution.zones.get_mut(&zone)
    {
        *count = count.saturating_sub(1);
        if *count == 0 {
            execution.zones.remove(&zone);
        }
    }
}

/// The attempt never was: it is not counted, and not remembered.
pub fn taken_back(pool: &mut Pool, at: TaskRef, lease: LeaseId, node: &NodeId) {
    void(pool, at, lease, node);
    if let Some(task) = pool.task_mut(at) {
        task.attempts = task.attempts.saturating_sub(1);
        if let Some(story) = task.story.as_deref_mut() {
            story.tried.pop();
        }
    }
}

pub fn ended(pool: &mut Pool, ended: &Ended, when: When) {
    let at = ended.at;
    // Before it is void: what was lost with it is counted from the attempt.
    if let Some(number) = ended.recovery {
        if let Some(end) = &ended.end {
            super::nodes::reported(pool, number, &ended.node, end.cause, when);
        }
        super::nodes::attempt_lost(pool, number, at, ended.lease);
    }
    void(pool, at, ended.lease, &ended.node);
    let failed = !matches!(ended.outcome, AttemptOutcome::Passed | AttemptOutcome::Cancelled);
    if let Some(node) = pool.nodes.get_mut(&ended.node) {
        node.tried.0 += 1;
        node.tried.1 += u64::from(failed);
    }
    let Some(task) = pool.task_mut(at) else { return };
    let story = task.story_mut();
    if ended.outcome == AttemptOutcome::Lost && !story.lost_nodes.contains(&ended.node) && ended.counts_node {
        story.lost_nodes.push(ended.node.clone());
    }
    if let Some(tried) = story.tried.last_mut() {
        tried.ended = Some((when.now, ended.outcome));
        tried.position = when.seq;
        if let Some(end) = &ended.end {
            (tried.exit, tried.signal) = (end.exit, end.signal);
            (tried.max_rss_mb, tried.cpu_ms) = (end.max_rss_mb, end.cpu_ms);
        }
    }
    // What runs no more waits until the next event says what follows.
    pool.set_phase(at, Phase::Waiting);
}

/// The task remembers which tests failed in this round: one that passes later is flaky.
pub fn test_results(pool: &mut Pool, at: TaskRef, cases: &[Case]) {
    let failed = cases.iter().filter(|case| case.result == CaseResult::Failed).map(test_hash);
    let failed: Vec<u64> = failed.collect();
    if failed.is_empty() {
        return;
    }
    let Some(task) = pool.task_mut(at) else { return };
    let known = &mut task.story_mut().failed_tests;
    for test in failed {
        if known.len() < MAX_FAILED_TESTS {
            known.insert(test);
        }
    }
}

pub fn lock_granted(pool: &mut Pool, lock: &LockId, lease: LeaseId, permits: u32) {
    if let Some(lock) = pool.locks.get_mut(lock) {
        lock.held.insert(lease, permits);
    }
}

pub fn lock_released(pool: &mut Pool, lock: &LockId, lease: LeaseId) {
    if let Some(lock) = pool.locks.get_mut(lock) {
        lock.held.remove(&lease);
    }
}
