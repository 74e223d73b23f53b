//! `executions`: how an execution stands. A row is made whenever its state changes; who asks sees the last one. While it is
//! open, an engine says beside it how it stands at that moment.

use model::{ExecutionId, FlowId, Millis, PoolId, Timestamp};
use operators::state::{Execution, Standing};

use crate::column::{Prose, columns};

columns! {
    /// A row of `executions`.
    pub struct Row {
        /// The execution: its flow and a number counted per pool.
        pub execution_id: ExecutionId,
        /// The pool.
        pub pool: PoolId,
        /// The flow.
        pub flow: FlowId,
        /// The level of all its tasks, if one was given: `high`.
        pub priority: Option<&'static str>,
        /// The version of the policy `default` that it began with; where it has none, the first that it has.
        pub policy: Option<String>,
        /// pending, running, recovering, paused, completed, failed or cancelled.
        pub state: &'static str,
        /// Why: what failed, or who cancelled it.
        pub reason: Option<Prose>,
        /// When it was taken in.
        pub submitted_at: Timestamp,
        /// When its first attempt was dispatched.
        pub started_at: Option<Timestamp>,
        /// When its last round ended; nothing while one is open.
        pub ended_at: Option<Timestamp>,
        /// From `submitted_at` to `ended_at`.
        pub took_ms: Option<Millis>,
        /// How many tasks it has.
        pub tasks: u32,
        /// Those that passed.
        pub passed: u32,
        /// Those that failed.
        pub failed: u32,
        /// Those that wait for a person.
        pub parked: u32,
        /// Those that did not run.
        pub skipped: u32,
        /// Those that failed, then passed.
        pub flaky: u32,
        /// Which round it is in, from 1: a retry or a replay opens the next.
        pub round: u32,
        /// When this was so. Counts of an open execution are of this moment where an engine is asked how it stands now; as of
        /// earlier, and in files, they are of its last change of state.
        pub as_of: Timestamp,
        /// Those that were cancelled; nothing in rows that were made before this was counted.
        pub cancelled: Option<u32>,
    }
}

/// How an execution stands.
pub fn row(pool: &PoolId, of: &Execution, now: Timestamp) -> Row {
    let counts = &of.counts;
    let ended_at = of.ended.map(|(_, at)| at);
    Row {
        execution_id: of.id.clone(),
        pool: pool.clone(),
        flow: of.head.flow.clone(),
        priority: of.priority.map(|priority| priority.word()),
        policy: of.policies.get("default").or_else(|| of.policies.values().next()).map(ToString::to_string),
        state: of.standing().word(),
        reason: reason(of).map(Prose),
        submitted_at: of.submitted,
        started_at: of.started,
        ended_at,
        took_ms: ended_at.map(|at| at - of.submitted),
        tasks: u32::try_from(of.tasks.len()).unwrap_or(u32::MAX),
        passed: counts.passed,
        failed: counts.failed,
        parked: counts.parked,
        skipped: counts.skipped,
        flaky: counts.flaky,
        round: of.round,
        as_of: now,
        cancelled: Some(counts.cancelled),
    }
}

fn reason(of: &Execution) -> Option<String> {
    let some = |count: u32, what: &str| (count > 0).then(|| format!("{count} {what}"));
    let words = match of.standing() {
        Standing::Failed | Standing::Completed => {
            let stopped = of.stopped.iter().map(|rule| format!("stopped by rule {rule}"));
            let counted = [some(of.counts.failed, "failed"), some(of.counts.parked, "parked")];
            stopped.chain(counted.into_iter().flatten()).collect::<Vec<_>>().join(", ")
        }
        Standing::Cancelled => match &of.cancelled_by {
            Some((who, reason)) if reason.is_empty() => format!("cancelled by {who}"),
            Some((who, reason)) => format!("cancelled by {who}: {reason}"),
            None => "cancelled".to_owned(),
        },
        Standing::Pending | Standing::Running | Standing::Recovering | Standing::Paused => String::new(),
    };
    (!words.is_empty()).then_some(words)
}
