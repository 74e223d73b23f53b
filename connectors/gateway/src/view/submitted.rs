//! What verbs are sent with, and what they answer.

use model::TaskId;
use serde::{Deserialize, Serialize};

use super::execution::ExecutionView;
use super::problem::Mistake;

/// The answer to a submission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submitted {
    /// The execution that it began.
    pub execution: ExecutionView,
    /// What somebody should look at: a lock whose size changes, needs that no present node meets.
    pub warnings: Vec<String>,
    /// What somebody should look at in the file.
    pub diagnostics: Vec<Mistake>,
}

/// The answer to a verb.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// The execution that it was about.
    pub execution: Option<ExecutionView>,
    /// The journal position at which it was done.
    pub position: u64,
}

/// The body of `pause`, `resume`, `cancel` and `drop`; an empty body is the default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Verb {
    /// Why, for the journal.
    pub reason: String,
    /// For `cancel`: without grace.
    pub kill: bool,
}

/// The body of `retry`: what failed or was cancelled, or a task and all after it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Why, for the journal.
    pub reason: String,
    /// This task and all after it; absent: what failed or was cancelled.
    pub from: Option<TaskId>,
    /// Start afresh instead of from checkpoints.
    pub drop_checkpoints: bool,
}

/// The body of `replay`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Replay {
    /// Why, for the journal.
    pub reason: String,
    /// Memory in MiB instead of what it had.
    pub memory_mb: Option<u64>,
    /// Slots instead of what it had.
    pub slots: Option<u32>,
}
