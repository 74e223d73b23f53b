//! Answers of an engine in the middle of its work, for the tests of what people see.

mod fleet;
mod journal;
mod tasks;

pub use fleet::{lock, lost_node, node, pool, recovery};
pub use journal::journal;
pub use tasks::{parked, parked_task, resumed_task, running_task, skipped_task};

use gateway::Moment;
use gateway::view::{ExecutionView, TaskCounts};
use model::{Millis, Timestamp};
use operators::state::Standing;

/// The state of an execution that failed.
pub const FAILED: Standing = Standing::Failed;

/// So many seconds after 02:14:00 UTC.
pub fn at(seconds: u64) -> Moment {
    Moment(Timestamp(1_773_454_440_000 + seconds * 1000))
}

/// One that runs.
pub fn execution() -> ExecutionView {
    ExecutionView {
        execution: "nightly-web-118".parse().unwrap(),
        pool: "default".parse().unwrap(),
        flow: "nightly-web".parse().unwrap(),
        state: Standing::Recovering,
        reason: "1 task moves on".to_owned(),
        policy: Some("default@3".parse().unwrap()),
        who: "ada".to_owned(),
        priority: None,
        submitted: at(0),
        started: Some(at(1)),
        ended: None,
        took_ms: Millis(240_000),
        eta_ms: Some(Millis(190_000)),
        round: 1,
        paused: false,
        cancelled: None,
        stopped: None,
        retries: 1,
        tasks: TaskCounts {
            total: 68,
            passed: 40,
            skipped: 1,
            running: 12,
            waiting: 15,
            ready: 3,
            recovering: 1,
            flaky: 1,
            ..TaskCounts::default()
        },
        position: 88_377,
    }
}

/// One that has failed.
pub fn ended_execution() -> ExecutionView {
    ExecutionView {
        state: Standing::Failed,
        reason: "1 failed, 1 parked".to_owned(),
        ended: Some(at(581)),
        took_ms: Millis(581_000),
        eta_ms: None,
        tasks: TaskCounts {
            total: 68,
            passed: 63,
            failed: 1,
            parked: 1,
            skipped: 3,
            flaky: 1,
            resumed: 1,
            ..TaskCounts::default()
        },
        ..execution()
    }
}
