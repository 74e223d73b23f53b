//! Reopening: which tasks wait again, and for how many of their dependencies.
//!
//! Indices are in topological order, so one pass from the first to the last task is enough: by the time a task is
//! looked at, all that it waits for has been. A task is reset if it is named, or if it stands behind one that was
//! reset and was skipped because of it (or, for `--from`, simply stands behind it). What was
//! reset begins when the pass is over. Where it joins a round that runs, a task that still ran may end between two steps
//! and make one of them ready: its news is told before the next step looks, so that nobody counts on it twice.

use std::collections::BTreeSet;

use model::event::{SkipReason, TaskRef};
use model::request::RetryScope;
use model::{Body, Event, PoolId, Want};

use crate::Context;
use crate::state::execution::Reopening;
use crate::state::task::Met;
use crate::state::{Execution, Phase, Pool, TaskState};

/// A reopening waits until all other work lists of its execution are done: nobody is told anything meanwhile.
pub fn may_go_on(pool: &Pool, number: u32) -> bool {
    pool.execution(number).is_none_or(|e| e.work <= 1)
}

/// One step: looks at the next tasks. Returns where to go on, none when all were looked at.
pub fn step(
    pool: &Pool,
    id: &PoolId,
    number: u32,
    from: u32,
    events: &mut Vec<Event>,
    ctx: &Context<'_>,
) -> Option<u32> {
    // One that was cancelled or stopped meanwhile has been swept: what was not reset by then stays as it is.
    let execution = pool.execution(number).filter(|e| !e.is_void())?;
    let reopening = execution.reopening.front()?;
    let mut reset = BTreeSet::new();
    let mut index = from;
    for task in execution.tasks.iter().skip(from as usize).take(ctx.config.steps.look) {
        let again = |on: u32| reset.contains(&on) || execution.tasks[on as usize].reset == execution.reopened + 1;
        if is_reset(execution, reopening, task, again) {
            // What this very step reset waits, whatever its phase still says; all others stand where they stand.
            let waits = |on: u32| reset.contains(&on);
            let unmet = unmet(execution, task, waits);
            let at = TaskRef { execution: number, task: index };
            events.push(ctx.event(id, Body::TaskReset { at, unmet }));
            if let Some(because) = task.deps.iter().find(|dep| is_never(execution, dep, waits)).map(|dep| dep.0) {
                // Nobody will tell it what it waits for: that has ended otherwise, and stays as it is.
                events.push(ctx.event(id, Body::TaskSkipped { at, because, how: SkipReason::After }));
            }
            reset.insert(index);
        }
        index += 1;
        if events.len() >= ctx.config.steps.act {
            break;
        }
    }
    ((index as usize) < execution.tasks.len()).then_some(index)
}

fn is_reset(execution: &Execution, reopening: &Reopening, task: &TaskState, again: impl Fn(u32) -> bool) -> bool {
    if !task.phase.is_over() {
        return false;
    }
    let behind = task.deps.iter().any(|(on, _)| again(*on));
    let follows = behind && !task.deps.iter().any(|dep| is_never(execution, dep, &again));
    let skipped = matches!(task.phase, Phase::Skipped { .. });
    // A stopped or cancelled round also skipped tasks that nothing they wait for speaks against.
    let left_out = matches!(task.phase, Phase::Skipped { how: SkipReason::Stopped, .. });
    match &reopening.scope {
        RetryScope::Failed => matches!(task.phase, Phase::Failed | Phase::Cancelled) || left_out || skipped && follows,
        RetryScope::From(name) => task.spec.id == *name || follows,
        RetryScope::Parked(name) => task.spec.id == *name || skipped && follows,
    }
}

/// Whether a dependency cannot hold any more, and is not reset either.
fn is_never(execution: &Execution, (on, want): &(u32, Want), again: impl Fn(u32) -> bool) -> bool {
    !again(*on) && execution.tasks[*on as usize].phase.meets(*want) == Met::Never
}

fn unmet(execution: &Execution, task: &TaskState, waits: impl Fn(u32) -> bool) -> u32 {
    let waits = |(on, want): &&(u32, Want)| waits(*on) || execution.tasks[*on as usize].phase.meets(*want) != Met::Yes;
    u32::try_from(task.deps.iter().filter(waits).count()).unwrap_or(u32::MAX)
}
