//! Where the output of an attempt is kept.

use std::path::{Path, PathBuf};

use model::{ExecutionId, LeaseId, PoolId, TaskId};

/// An attempt, by its names and its lease. Names hold no `/`, and none is `.` or `..`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The pool.
    pub pool: PoolId,
    /// The execution.
    pub execution: ExecutionId,
    /// The task.
    pub task: TaskId,
    /// The attempt.
    pub attempt: u32,
    /// Its lease, where it is known: an attempt that was taken back may have left output under the same number.
    pub lease: Option<LeaseId>,
}

impl Place {
    /// The folder of the attempt.
    pub fn folder(&self, store: &Path) -> PathBuf {
        let attempt = format!("{}@{}", self.task, self.attempt);
        store.join(self.pool.as_str()).join(self.execution.to_string()).join(attempt)
    }

    /// Its file; without a lease, one that never exists.
    pub fn path(&self, store: &Path) -> PathBuf {
        let lease = self.lease.map_or_else(|| "none".to_owned(), |lease| lease.to_string());
        self.folder(store).join(lease)
    }

    /// A place for tests.
    #[cfg(test)]
    pub fn example(execution: &str, task: &str, attempt: u32) -> Self {
        Self {
            pool: "default".parse().expect("a name"),
            execution: execution.parse().expect("a name"),
            task: task.parse().expect("a name"),
            attempt,
            lease: Some("j5.0.4.8121.0".parse().expect("a lease")),
        }
    }
}
