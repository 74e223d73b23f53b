//! The verbs of people: pause, resume, cancel, retry, replay, drop. Each is an event with who and why.

use model::event::{TaskRef, TaskResult, Work};
use model::request::{Ask, RefusalKind, Request, RetryScope};
use model::task::{MAX_MEMORY_MB, MAX_TASK_SLOTS, Needs};
use model::{Body, Event, ExecutionId, TaskId};

use crate::intake::by_person;
use crate::state::{Execution, Pool};

type Outcome = Result<Vec<Event>, (RefusalKind, String)>;

/// The execution that a request is about.
pub fn execution_of(ask: &Ask) -> Option<&ExecutionId> {
    match ask {
        Ask::Submit(_) => None,
        Ask::Pause { execution }
        | Ask::Resume { execution }
        | Ask::Cancel { execution, .. }
        | Ask::Retry { execution, .. }
        | Ask::Replay { execution, .. }
        | Ask::Drop { execution, .. } => Some(execution),
    }
}

/// Decides a verb about an execution.
pub fn decide(pool: &Pool, request: &Request) -> Outcome {
    let Some(id) = execution_of(&request.ask) else { return Ok(Vec::new()) };
    let Some(execution) = pool.execution_named(id) else {
        let pool = &request.pool;
        return Err((
            RefusalKind::NotFound,
            format!("no execution `{id}` in pool `{pool}`; reprise status lists them"),
        ));
    };
    let number = id.number;
    let one = |body: Body| Ok(vec![by_person(request, body)]);
    match &request.ask {
        Ask::Submit(_) => Ok(Vec::new()),
        Ask::Pause { .. } => match execution.ended {
            Some(_) => not_now(execution, "it has ended"),
            None if execution.cancelled.is_some() => not_now(execution, "it is being cancelled"),
            None if execution.paused => Ok(Vec::new()),
            None => one(Body::ExecutionPaused { execution: number }),
        },
        Ask::Resume { .. } => match execution.ended {
            Some(_) => not_now(execution, "it has ended; to run it again: reprise retry"),
            None if !execution.paused => Ok(Vec::new()),
            None => one(Body::ExecutionResumed { execution: number }),
        },
        Ask::Cancel { kill, .. } => match execution.ended {
            Some(_) => not_now(execution, "it has ended"),
            None if execution.cancelled.is_some_and(|(_, hard)| hard || !kill) => Ok(Vec::new()),
            None => one(Body::ExecutionCancelRequested { execution: number, kill: *kill }),
        },
        Ask::Retry { scope, drop_checkpoints, .. } => retry(request, execution, scope, *drop_checkpoints),
        Ask::Replay { task, memory_mb, slots, .. } => replay(request, execution, task, *memory_mb, *slots),
        Ask::Drop { task, .. } => drop_parked(pool, request, execution, task),
    }
}

fn not_now<T>(execution: &Execution, why: &str) -> Result<T, (RefusalKind, String)> {
    Err((RefusalKind::NotNow, format!("{}: {why}", execution.id)))
}

fn index_of(execution: &Execution, task: &TaskId) -> Result<u32, (RefusalKind, String)> {
    let missing = || (RefusalKind::NotFound, format!("{} has no task `{task}`", execution.id));
    execution.names.get(task).copied().ok_or_else(missing)
}

fn parked(execution: &Execution, task: &TaskId) -> Result<TaskRef, (RefusalKind, String)> {
    let index = index_of(execution, task)?;
    let phase = &execution.tasks[index as usize].phase;
    match phase.is_parked() {
        true => Ok(TaskRef { execution: execution.id.number, task: index }),
        false => not_now(execution, &format!("`{task}` is {}, not parked; reprise parked lists what is", phase.word())),
    }
}

fn reopen(request: &Request, execution: &Execution, scope: RetryScope, drop_checkpoints: bool) -> Event {
    let round = execution.round + u32::from(execution.ended.is_some());
    let execution = execution.id.number;
    by_person(request, Body::ExecutionReopened { execution, round, scope, drop_checkpoints })
}

fn retry(request: &Request, execution: &Execution, scope: &RetryScope, drop_checkpoints: bool) -> Outcome {
    if execution.ended.is_none() || !execution.reopening.is_empty() {
        return not_now(execution, "it still runs; wait for its end, or cancel it first");
    }
    match scope {
        RetryScope::Failed if execution.counts.failed + execution.counts.cancelled == 0 => {
            return not_now(execution, "nothing failed or was cancelled; what is parked: reprise parked replay");
        }
        RetryScope::From(task) | RetryScope::Parked(task) => {
            index_of(execution, task)?;
        }
        RetryScope::Failed => {}
    }
    Ok(vec![reopen(request, execution, scope.clone(), drop_checkpoints)])
}

fn replay(request: &Request, execution: &Execution, task: &TaskId, memory: Option<u64>, slots: Option<u32>) -> Outcome {
    let at = parked(execution, task)?;
    if execution.is_void() && execution.ended.is_none() {
        return not_now(execution, "it is being ended; try again when it has");
    }
    let mut events = Vec::new();
    if memory.is_some() || slots.is_some() {
        let mut needs: Needs = execution.tasks[at.task as usize].needs().clone();
        needs.memory_mb = memory.unwrap_or(needs.memory_mb).min(MAX_MEMORY_MB);
        needs.slots = slots.unwrap_or(needs.slots).clamp(1, MAX_TASK_SLOTS);
        events.push(by_person(request, Body::TaskNeedsPut { at, needs: Box::new(needs) }));
    }
    events.push(reopen(request, execution, RetryScope::Parked(task.clone()), false));
    Ok(events)
}

fn drop_parked(pool: &Pool, request: &Request, execution: &Execution, task: &TaskId) -> Outcome {
    let at = parked(execution, task)?;
    let telling = Work::Tell { execution: at.execution, task: at.task };
    if pool.work.iter().any(|(work, _)| *work == telling) || !execution.reopening.is_empty() {
        return not_now(execution, "others are still being told about it; try again in a moment");
    }
    let reset = by_person(request, Body::TaskReset { at, unmet: 0 });
    Ok(vec![reset, by_person(request, Body::TaskEnded { at, result: TaskResult::Failed })])
}
