//! A task, as one line of a list.

use model::policy::FailureClass;
use model::{ExecutionId, Millis, NodeId, Priority, TaskId, Timestamp};
use operators::state::{Execution, Phase, TaskState, Tried};
use serde::{Deserialize, Serialize};

use super::execution::cancelled_by;
use super::waits::skipped_because;
use super::word::TaskWord;
use crate::Moment;

/// A task in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskItem {
    /// Its execution.
    pub execution: ExecutionId,
    /// Its name.
    pub task: TaskId,
    /// Where it stands.
    pub state: TaskWord,
    /// Its level.
    pub priority: Priority,
    /// Attempts so far, over all rounds.
    pub attempts: u32,
    /// The node of its last attempt.
    pub node: Option<NodeId>,
    /// When its last attempt was dispatched.
    pub dispatched: Option<Moment>,
    /// How long its last attempt took, or has taken so far.
    pub took_ms: Option<Millis>,
    /// How far the running attempt is, 0 to 1.
    pub fraction: Option<f64>,
    /// Words to that.
    pub note: Option<String>,
    /// When its next attempt may run, if it backs off.
    pub until: Option<Moment>,
    /// The class of its last failure.
    pub class: Option<FailureClass>,
    /// It failed before it passed.
    pub flaky: bool,
    /// It went on after a loss.
    pub resumed: bool,
    /// It passed by a rule that ignores its failure.
    pub ignored: bool,
    /// Its failure does not fail the execution.
    pub allow_failure: bool,
    /// An attempt was lost and its successor has shown no progress yet.
    pub recovering: bool,
    /// Why it stands so, for people; empty when there is nothing to say.
    pub why: String,
}

/// One line of a list.
pub fn item(execution: &Execution, index: u32, now: Timestamp) -> Option<TaskItem> {
    let task = execution.tasks.get(index as usize)?;
    let story = task.story.as_deref();
    let last = story.and_then(|s| s.tried.last());
    let attempt = task.attempt();
    Some(TaskItem {
        execution: execution.id.clone(),
        task: task.spec.id.clone(),
        state: TaskWord::from(&task.phase),
        priority: execution.level(index),
        attempts: task.attempts,
        node: last.map(|t| t.node.clone()),
        dispatched: last.map(|t| Moment(t.dispatched)),
        took_ms: last.map(|t| took(t, now)),
        fraction: attempt.map(|a| a.fraction),
        note: attempt.and_then(|a| a.note.clone()),
        until: until(&task.phase),
        class: last.and_then(|t| t.class.map(|(class, _)| class)),
        flaky: story.is_some_and(|s| s.flaky),
        resumed: story.is_some_and(|s| s.resumed),
        ignored: story.is_some_and(|s| s.ignored),
        allow_failure: task.spec.allow_failure,
        recovering: story.is_some_and(|s| s.recovering.is_some()),
        why: why(execution, task),
    })
}

/// How long an attempt took, or has taken so far.
pub fn took(tried: &Tried, now: Timestamp) -> Millis {
    tried.ended.map_or(now, |(at, _)| at) - tried.started.unwrap_or(tried.dispatched)
}

fn until(phase: &Phase) -> Option<Moment> {
    match phase {
        Phase::BackingOff { until } => Some(Moment(*until)),
        Phase::Waiting
        | Phase::Ready { .. }
        | Phase::Running(_)
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped { .. }
        | Phase::Parked { .. } => None,
    }
}

fn why(execution: &Execution, task: &TaskState) -> String {
    let story = task.story.as_deref();
    let last = story.and_then(|s| s.tried.last());
    let decided = || last.and_then(|t| t.decided.as_ref()).map(|(rule, words)| said(rule, words));
    match &task.phase {
        Phase::Skipped { because, how } => skipped_because(execution, task, *because, *how),
        Phase::Cancelled => format!("its execution was {}", cancelled_by(execution)),
        Phase::Parked { .. } => story.and_then(|s| s.parked.as_ref()).map(|(_, w)| w.clone()).unwrap_or_default(),
        Phase::Failed => {
            last.map(|t| t.evidence.clone()).filter(|e| !e.is_empty()).or_else(decided).unwrap_or_default()
        }
        Phase::BackingOff { .. } => decided().unwrap_or_default(),
        Phase::Waiting | Phase::Ready { .. } | Phase::Running(_) | Phase::Passed => String::new(),
    }
}

fn said(rule: &str, words: &str) -> String {
    if words.is_empty() { format!("rule {rule}") } else { format!("rule {rule}: {words}") }
}
