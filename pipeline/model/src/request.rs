//! What people ask, and what they are answered.

use serde::{Deserialize, Serialize};

use crate::task::FlowPart;
use crate::{ExecutionId, Key, PoolId, Priority, TaskId, Timestamp};

/// Something that a person asks of a pool. The same key with the same content is the same request, and gets the same
/// answer; the key with another content is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The pool.
    pub pool: PoolId,
    /// The idempotency key.
    pub key: Key,
    /// Who asks.
    pub who: String,
    /// When it was asked, by the gateway's clock; older than the keys are kept, it is refused.
    pub at: Timestamp,
    /// Why, in the words of who asks.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Ask {
    /// One part of a flow to be executed; the last part begins the execution and is answered.
    Submit(Submit),
    /// No new dispatches.
    Pause {
        /// The execution.
        execution: ExecutionId,
    },
    /// Go on.
    Resume {
        /// The execution.
        execution: ExecutionId,
    },
    /// End it.
    Cancel {
        /// The execution.
        execution: ExecutionId,
        /// Without grace.
        #[serde(default)]
        kill: bool,
    },
    /// Open its next round.
    Retry {
        /// The execution.
        execution: ExecutionId,
        /// What is tried again.
        scope: RetryScope,
        /// Start afresh instead of from checkpoints.
        #[serde(default)]
        drop_checkpoints: bool,
    },
    /// Try a parked task again.
    Replay {
        /// The execution.
        execution: ExecutionId,
        /// The parked task.
        task: TaskId,
        /// Memory in MiB instead of what it had.
        #[serde(default)]
        memory_mb: Option<u64>,
        /// Slots instead of what it had.
        #[serde(default)]
        slots: Option<u32>,
    },
    /// Give a parked task up: it has failed.
    Drop {
        /// The execution.
        execution: ExecutionId,
        /// The parked task.
        task: TaskId,
    },
}

/// One part of an upload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// A hash of the whole canonical flow, hexadecimal.
    pub content: String,
    /// Which part, from 0.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
    /// The tasks' level instead of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The part.
    pub flow: FlowPart,
}

/// What a retry tries again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryScope {
    /// What failed or was cancelled, and all that was skipped because of it.
    Failed,
    /// A task and all after it.
    From(TaskId),
    /// One parked task, and all that was skipped because of it.
    Parked(TaskId),
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Done {
        /// The execution that it was about or that it began.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        execution: Option<ExecutionId>,
    },
    /// It was not done.
    Refused {
        /// What kind of refusal.
        refusal: RefusalKind,
        /// What is wrong and what to do, for people.
        message: String,
    },
}

/// What kind of refusal an answer is; the gateway and the command line make status and exit codes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalKind {
    /// No such execution, task, lock.
    NotFound,
    /// Not in this state.
    NotNow,
    /// The key was used for another content.
    KeyReused,
    /// Too old, too many.
    TooMany,
    /// What was sent does not fit together.
    Invalid,
}
