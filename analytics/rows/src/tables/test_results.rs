//! `test_results`: the cases of result files.

use model::event::TaskRef;
use model::report::{Case, CaseResult};
use model::{Millis, PoolId, Timestamp};
use operators::state::Pool;

use super::{Key, attempts};
use crate::column::{Prose, columns};

columns! {
    /// A row of `test_results`.
    pub struct Row {
        /// When it was reported.
        pub ts: Timestamp,
        /// The attempt that it is of.
        pub key: Key,
        /// Its suite or class.
        pub suite: String,
        /// Its name.
        pub test: String,
        /// passed, failed or skipped.
        pub result: &'static str,
        /// It passed, and had failed before: in the same file, or in an earlier attempt of the same round.
        pub flaky: bool,
        /// How long it took.
        pub run_ms: Millis,
        /// The message of its failure.
        pub message: Option<Prose>,
    }
}

/// The rows of reported cases, seen from before they change anything.
pub fn rows(pool: &Pool, id: &PoolId, of: (TaskRef, u32), cases: &[Case], now: Timestamp) -> Vec<Row> {
    let (at, attempt) = of;
    let row = |case: &Case| {
        let (execution, task) = (pool.execution(at.execution)?, pool.task(at)?);
        let tried = task.story.as_ref()?.tried.iter().rev().find(|tried| tried.attempt == attempt)?;
        let (result, flaky) = match case.result {
            CaseResult::Passed => ("passed", task.has_failed(case)),
            CaseResult::Failed => ("failed", false),
            CaseResult::Skipped => ("skipped", false),
            CaseResult::Flaky => ("passed", true),
        };
        Some(Row {
            ts: now,
            key: attempts::key(id, execution, task, tried),
            suite: case.suite.clone(),
            test: case.test.clone(),
            result,
            flaky,
            run_ms: case.ms,
            message: (!case.message.is_empty()).then(|| Prose(case.message.clone())),
        })
    };
    cases.iter().filter_map(row).collect()
}
