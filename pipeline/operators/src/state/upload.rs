//! What intake keeps: uploads that are not complete, and answers for repeats of a request.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::request::Answer;
use model::task::FlowHead;
use model::{Priority, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::task::TaskState;

/// Most uploads of a pool at once.
pub const MAX_UPLOADS: usize = 8;
/// Most keys of a pool; more requests are refused.
pub const MAX_KEYS: usize = 100_000;

/// A flow that comes in parts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The hash of the whole.
    pub content: String,
    /// How many parts it has.
    pub parts: u32,
    /// The next part.
    pub next: u32,
    /// When the last part came.
    pub at: Timestamp,
    /// Who uploads.
    pub who: String,
    /// The level of all its tasks, if one was given.
    pub priority: Option<Priority>,
    /// Its head, from the first part.
    pub head: FlowHead,
    /// Tasks so far, with the dependencies so far.
    pub tasks: Vec<TaskState>,
    /// Dependencies so far.
    pub edges: u32,
    /// The last of them: each comes once, in order.
    pub last_edge: Option<(u32, u32)>,
    /// Indices by name (index).
    #[serde(skip)]
    pub names: Arc<BTreeMap<TaskId, u32>>,
}

impl Upload {
    /// Makes the index of names.
    pub fn index(&mut self) {
        self.names = Arc::new(self.tasks.iter().zip(0..).map(|(t, i)| (t.spec.id.clone(), i)).collect());
    }
}

/// The answer to a request, kept for repeats of its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptAnswer {
    /// A hash of what was asked.
    pub content: u64,
    /// When it was asked.
    pub at: Timestamp,
    /// What became of it.
    pub answer: Answer,
}
