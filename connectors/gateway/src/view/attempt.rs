//! An attempt, with what was decided after it.

use model::event::{AttemptOutcome, attempt_name};
use model::policy::FailureClass;
use model::{LeaseId, Millis, NodeId, Timestamp};
use operators::state::{Attempt, Execution, TaskState, Tried};
use serde::{Deserialize, Serialize};

use super::task::took;
use crate::Moment;

/// One try of a task on one node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptView {
    /// `EXECUTION/TASK@ATTEMPT`.
    pub name: String,
    /// Counted from 1.
    pub attempt: u32,
    /// The node.
    pub node: NodeId,
    /// Its zone then.
    pub zone: String,
    /// Its lease.
    pub lease: LeaseId,
    /// When it was dispatched.
    pub dispatched: Moment,
    /// How long the task was ready before.
    pub waited_ms: Millis,
    /// Why this node, or why it waited.
    pub placed: String,
    /// Whether it got a checkpoint.
    pub resumes: bool,
    /// When its node took it in; known while it runs.
    pub accepted: Option<Moment>,
    /// When its process ran.
    pub started: Option<Moment>,
    /// When it ended.
    pub ended: Option<Moment>,
    /// How it ended.
    pub outcome: Option<AttemptOutcome>,
    /// How long it took, or has taken so far.
    pub took_ms: Millis,
    /// How far it is, 0 to 1, while it runs.
    pub fraction: Option<f64>,
    /// Words to that.
    pub note: Option<String>,
    /// Since when its node shall end it.
    pub cancelling: Option<Moment>,
    /// The exit code.
    pub exit: Option<i32>,
    /// The signal.
    pub signal: Option<i32>,
    /// The most memory it held, in MiB.
    pub max_rss_mb: u64,
    /// Processor time.
    pub cpu_ms: Millis,
    /// Its class, if it failed.
    pub class: Option<FailureClass>,
    /// Whether the evidence leaves no other reading.
    pub certain: Option<bool>,
    /// How the class is known.
    pub evidence: String,
    /// The rule that decided what follows.
    pub rule: Option<String>,
    /// What it decided, in words.
    pub decided: Option<String>,
    /// Late reports of it that were read after its lease was void.
    pub stale: u32,
    /// The journal position of its last event.
    pub position: u64,
}

/// The attempts of a task, oldest first.
pub fn attempts(execution: &Execution, task: &TaskState, now: Timestamp) -> Vec<AttemptView> {
    let tried = task.story.as_deref().map(|s| s.tried.as_slice()).unwrap_or_default();
    let running = |t: &Tried| task.attempt().filter(|_| t.ended.is_none() && t.attempt == task.attempts);
    tried.iter().map(|t| attempt(execution, task, t, running(t), now)).collect()
}

fn attempt(
    execution: &Execution,
    task: &TaskState,
    tried: &Tried,
    running: Option<&Attempt>,
    now: Timestamp,
) -> AttemptView {
    AttemptView {
        name: attempt_name(&execution.id, &task.spec.id, tried.attempt),
        attempt: tried.attempt,
        node: tried.node.clone(),
        zone: tried.zone.clone(),
        lease: tried.lease,
        dispatched: Moment(tried.dispatched),
        waited_ms: tried.waited_ms,
        placed: tried.placed.clone(),
        resumes: tried.resumes,
        accepted: running.and_then(|a| a.accepted).map(|(at, _)| Moment(at)),
        started: tried.started.map(Moment),
        ended: tried.ended.map(|(at, _)| Moment(at)),
        outcome: tried.ended.map(|(_, outcome)| outcome),
        took_ms: took(tried, now),
        fraction: running.map(|a| a.fraction),
        note: running.and_then(|a| a.note.clone()),
        cancelling: running.and_then(|a| a.cancel).map(|(since, _)| Moment(since)),
        exit: tried.exit,
        signal: tried.signal,
        max_rss_mb: tried.max_rss_mb,
        cpu_ms: tried.cpu_ms,
        class: tried.class.map(|(class, _)| class),
        certain: tried.class.map(|(_, certain)| certain),
        evidence: tried.evidence.clone(),
        rule: tried.decided.as_ref().map(|(rule, _)| rule.clone()),
        decided: tried.decided.as_ref().map(|(_, words)| words.clone()),
        stale: tried.stale,
        position: tried.position,
    }
}
