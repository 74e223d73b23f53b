//! A flow as the log carries it: checked, expanded, with dense indices. `flow` makes it; `operators` run it.
//!
//! Tasks are numbered in topological order: whatever a task waits for has a smaller index. A large flow travels in
//! several [`FlowPart`]s, each small enough for one record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{FlowId, LockId, Millis, TaskId};

/// Most tasks of a flow.
pub const MAX_TASKS: usize = 100_000;
/// Most memory that an attempt may need, in MiB: 16 TiB.
pub const MAX_MEMORY_MB: u64 = 16 << 20;
/// Most dependencies of a flow.
pub const MAX_EDGES: usize = 1_000_000;
/// Largest task as JSON, in bytes.
pub const MAX_TASK_BYTES: usize = 96 * 1024;
/// Largest part of a flow as JSON, in bytes.
pub const MAX_PART_BYTES: usize = 112 * 1024;
/// Most parts of a flow: several times what the largest file makes.
pub const MAX_PARTS: u32 = 2_000;
/// Most locks of a task: each is an event of its dispatch.
pub const MAX_TASK_LOCKS: usize = 16;
/// Most slots of a task.
pub const MAX_TASK_SLOTS: u32 = 1_000;

/// One vertex, ready to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in the flow.
    pub id: TaskId,
    /// The command as it is started: a program and its arguments (a text becomes `sh -e -c TEXT`).
    pub run: Vec<String>,
    /// Variables on top of the agent's own choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Where it runs; the agent's `--dir` without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dir: Option<String>,
    /// What a node must have.
    #[serde(default)]
    pub needs: Needs,
    /// Its level.
    #[serde(default)]
    pub priority: Priority,
    /// Longest attempt.
    pub timeout_ms: Millis,
    /// Longest silence: neither output nor progress nor checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_ms: Option<Millis>,
    /// From SIGTERM to SIGKILL.
    pub grace_ms: Millis,
    /// Expected length, for order and eta.
    pub estimate_ms: Millis,
    /// Longest remaining path from the start of this task to the end of the flow, by estimates.
    pub path_ms: Millis,
    /// The policy's name, without a version.
    pub retry: String,
    /// Its failure does not fail the execution.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// Globs of JUnit files to read when it has ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<String>,
}

/// What a node must have for a task.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Needs {
    /// Labels that the node must carry.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Slots taken.
    #[serde(default = "one")]
    pub slots: u32,
    /// Memory that must be free, in MiB, and the attempt's limit; 0 is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory_mb: u64,
    /// Permits held while it runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locks: BTreeMap<LockId, u32>,
}

fn one() -> u32 {
    1
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

impl Default for Needs {
    fn default() -> Self {
        Self { labels: BTreeMap::new(), slots: 1, memory_mb: 0, locks: BTreeMap::new() }
    }
}

/// The seven levels, lowest first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Priority {
    /// Below all else.
    Lowest,
    /// Well below the rule.
    VeryLow,
    /// Below the rule.
    Low,
    /// The rule.
    #[default]
    Medium,
    /// Above the rule.
    High,
    /// Well above the rule.
    VeryHigh,
    /// Above all else.
    Highest,
}

impl Priority {
    /// Each level with its word, lowest first.
    pub const ALL: [(Priority, &'static str); 7] = [
        (Priority::Lowest, "lowest"),
        (Priority::VeryLow, "very-low"),
        (Priority::Low, "low"),
        (Priority::Medium, "medium"),
        (Priority::High, "high"),
        (Priority::VeryHigh, "very-high"),
        (Priority::Highest, "highest"),
    ];

    /// The level's word.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The level of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(level, _)| *level)
    }
}

/// How a task must have ended for another to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// It passed (or was skipped by its own `when`).
    Passed,
    /// It failed.
    Failed,
    /// It ended, whatever came of it.
    Finished,
}

/// One dependency: `task` starts only when `on` has ended as wanted. At most one for each pair of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// The index of the task that waits.
    pub task: u32,
    /// The index of the task that it waits for; always smaller.
    pub on: u32,
    /// How that must have ended.
    pub want: Want,
}

/// What a flow says of itself, apart from its tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowHead {
    /// Its name.
    pub flow: FlowId,
    /// How many tasks all parts hold together.
    pub tasks: u32,
    /// How many dependencies all parts hold together.
    pub edges: u32,
    /// The sizes of the pool's locks that it declares.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub locks: BTreeMap<LockId, u32>,
}

/// One record's worth of a flow. The first part has the head; tasks come in the order of their indices, all before
/// the first edge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowPart {
    /// In the first part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<FlowHead>,
    /// The next tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tasks: Vec<std::sync::Arc<Task>>,
    /// The next dependencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Edge>,
}
