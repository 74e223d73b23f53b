//! `attempts`: one try of a task on one node, once it has ended.

use model::event::{AttemptOutcome, Classified, Ended};
use model::{Millis, PolicyId, PoolId, Timestamp};
use operators::state::{Execution, Pool, TaskState, Tried};

use super::Key;
use crate::column::columns;

columns! {
    /// A row of `attempts`.
    pub struct Row {
        /// The attempt.
        pub key: Key,
        /// Since when its task was ready for it.
        pub ready_at: Timestamp,
        /// When its process ran, if that was heard; else when it was dispatched.
        pub started_at: Timestamp,
        /// When it ended.
        pub ended_at: Timestamp,
        /// How long its task was ready before it was dispatched.
        pub wait_ms: Millis,
        /// From `started_at` to `ended_at`.
        pub run_ms: Millis,
        /// Processor time of all its processes, if its node told.
        pub cpu_ms: Option<Millis>,
        /// The most memory that its processes held together, in MiB, if its node told.
        pub max_rss_mb: Option<u64>,
        /// passed, failed, cancelled or lost.
        pub outcome: &'static str,
        /// What kind of failure it was: test_failure, crash, out_of_memory, timeout, stall, start_failure or node_lost.
        pub class: Option<&'static str>,
        /// The exit code, if it exited.
        pub exit_code: Option<i32>,
        /// The signal that ended it, by number.
        pub signal: Option<i32>,
        /// It went on from a checkpoint.
        pub resumed: bool,
        /// The policy version that asked for it; nothing for the first of a round.
        pub policy: Option<PolicyId>,
        /// The rule that asked for it.
        pub rule: Option<String>,
        /// The class of the failure that it made up for.
        pub after_class: Option<&'static str>,
    }
}

/// The row of an attempt that ends now. `then`: how its failure is classified, which the same entry says.
pub fn row(pool: &Pool, id: &PoolId, ended: &Ended, then: Option<&Classified>, now: Timestamp) -> Option<Row> {
    let (execution, task) = (pool.execution(ended.at.execution)?, pool.task(ended.at)?);
    let tried = task.story.as_ref()?.tried.iter().rev().find(|tried| tried.attempt == ended.attempt)?;
    let started_at = tried.started.unwrap_or(tried.dispatched);
    let cause = cause(execution, task, tried);
    Some(Row {
        key: key(id, execution, task, tried),
        ready_at: tried.dispatched - tried.waited_ms,
        started_at,
        ended_at: now,
        wait_ms: tried.waited_ms,
        run_ms: now - started_at,
        cpu_ms: ended.end.as_ref().map(|end| end.cpu_ms),
        max_rss_mb: ended.end.as_ref().map(|end| end.max_rss_mb),
        outcome: match ended.outcome {
            AttemptOutcome::Passed => "passed",
            AttemptOutcome::Failed => "failed",
            AttemptOutcome::Cancelled => "cancelled",
            AttemptOutcome::Lost => "lost",
        },
        class: then.map(|classified| classified.class.word()),
        exit_code: ended.end.as_ref().and_then(|end| end.exit),
        signal: ended.end.as_ref().and_then(|end| end.signal),
        resumed: tried.resumes,
        policy: cause.as_ref().map(|cause| cause.0.clone()),
        rule: cause.as_ref().map(|cause| cause.1.clone()),
        after_class: cause.and_then(|cause| cause.2),
    })
}

/// What a row about an attempt is about.
pub fn key(id: &PoolId, execution: &Execution, task: &TaskState, tried: &Tried) -> Key {
    Key {
        pool: id.clone(),
        execution_id: execution.id.clone(),
        flow: execution.head.flow.clone(),
        task_id: task.spec.id.clone(),
        attempt: tried.attempt,
        node_id: tried.node.clone(),
        zone: tried.zone.clone(),
    }
}

/// What asked for an attempt that is not the first of its round: policy, rule and class of the failure before it.
fn cause(execution: &Execution, task: &TaskState, of: &Tried) -> Option<(PolicyId, String, Option<&'static str>)> {
    let story = task.story.as_ref()?;
    let before = story.tried.iter().rev().find(|tried| tried.attempt < of.attempt)?;
    // The first of a later round was asked for by a person.
    if of.attempt <= story.before + 1 {
        return None;
    }
    let policy = execution.policies.get(&task.spec.retry)?;
    let (rule, _) = before.decided.as_ref()?;
    Some((policy.clone(), rule.clone(), before.class.map(|(class, _)| class.word())))
}
