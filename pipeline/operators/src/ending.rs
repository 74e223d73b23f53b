//! Ending: how attempts end, whoever says so, and what follows at once.
//!
//! One way for all: the lease is void and its locks are free; a failure gets its class with the evidence, the policy
//! decides, and the task ends, waits for its next attempt, or is parked. An attempt that never was taken in by its
//! node counts for nothing.

use model::event::{Action, AttemptOutcome, Ended, SkipReason, TakeBack, TaskRef, TaskResult};
use model::policy::FailureClass;
use model::report::{Cause, End};
use model::{Body, Event, Millis, PoolId, Report};

use crate::classify::{self, Verdict};
use crate::state::{Attempt, Execution, Pool, TaskState};
use crate::{Context, Planted, intake, recovery, retry};

/// An attempt that was lost without a word of its own.
#[derive(Debug, Clone)]
pub struct Loss {
    /// How it is known, for people.
    pub evidence: String,
    /// Whether the node counts as lost under the task.
    pub counts_node: bool,
    /// The recovery that it belongs to.
    pub recovery: Option<u32>,
}

/// A node reported the end of an attempt.
pub fn finished(pool: &Pool, report: &Report, at: TaskRef, end: &End, ctx: &Context<'_>) -> Vec<Event> {
    let Some((execution, task, attempt)) = running(pool, at) else { return Vec::new() };
    let verdict = classify::verdict(&task.spec, attempt, end, execution.cancelled.is_some());
    let outcome = match &verdict {
        Verdict::Passed => AttemptOutcome::Passed,
        Verdict::Cancelled => AttemptOutcome::Cancelled,
        Verdict::Failed(failure) if failure.class == FailureClass::NodeLost => AttemptOutcome::Lost,
        Verdict::Failed(_) => AttemptOutcome::Failed,
    };
    let counts_node = end.cause == Cause::Agent;
    let mut ended = ended(at, task, attempt, outcome);
    (ended.end, ended.counts_node) = (Some(end.clone()), counts_node);
    ended.recovery = (outcome == AttemptOutcome::Lost).then(|| recovery::of_reported(pool, &attempt.node, end.cause));
    let id = &report.pool;
    let mut events = vec![intake::by_node(report, Body::AttemptEnded(Box::new(ended)))];
    events.extend(recovery::progressed(pool, id, at, task, ctx));
    events.extend(after(pool, id, at, (execution, task, attempt), verdict, counts_node, ctx));
    events
}

/// An attempt was lost: its node is gone, or no longer has it.
pub fn lost(pool: &Pool, id: &PoolId, at: TaskRef, loss: Loss, ctx: &Context<'_>) -> Vec<Event> {
    let Some((execution, task, attempt)) = running(pool, at) else { return Vec::new() };
    let mut ended = ended(at, task, attempt, AttemptOutcome::Lost);
    (ended.recovery, ended.counts_node) = (loss.recovery, loss.counts_node);
    let mut events = vec![ctx.event(id, Body::AttemptEnded(Box::new(ended)))];
    let failure = classify::node_lost(&attempt.node, &loss.evidence);
    let verdict = Verdict::Failed(failure);
    events.extend(after(pool, id, at, (execution, task, attempt), verdict, loss.counts_node, ctx));
    events
}

/// A dispatch is taken back: the task is ready again, as if nothing had been.
pub fn taken_back(pool: &Pool, id: &PoolId, at: TaskRef, why: TakeBack, ctx: &Context<'_>) -> Vec<Event> {
    let Some((execution, task, attempt)) = running(pool, at) else { return Vec::new() };
    let (lease, node) = (attempt.lease, attempt.node.clone());
    let mut events = vec![ctx.event(id, Body::AttemptTakenBack { at, attempt: task.attempts, lease, node, why })];
    events.extend(release(pool, id, attempt, ctx));
    events.push(ctx.event(
        id,
        if execution.cancelled.is_some() {
            Body::TaskEnded { at, result: TaskResult::Cancelled }
        } else if execution.stopped.is_some() {
            Body::TaskSkipped { at, because: at.task, how: SkipReason::Stopped }
        } else {
            Body::TaskReady { at, rank_ms: task.spec.path_ms }
        },
    ));
    events
}

fn running(pool: &Pool, at: TaskRef) -> Option<(&Execution, &TaskState, &Attempt)> {
    let execution = pool.execution(at.execution)?;
    let task = execution.tasks.get(at.task as usize)?;
    Some((execution, task, task.attempt()?))
}

fn ended(at: TaskRef, task: &TaskState, attempt: &Attempt, outcome: AttemptOutcome) -> Ended {
    let (lease, node) = (attempt.lease, attempt.node.clone());
    Ended { at, attempt: task.attempts, lease, node, outcome, counts_node: false, end: None, recovery: None }
}

/// What follows from an end: locks, class, decision, and where the task goes.
fn after(
    pool: &Pool,
    id: &PoolId,
    at: TaskRef,
    (execution, task, attempt): (&Execution, &TaskState, &Attempt),
    verdict: Verdict,
    counts_node: bool,
    ctx: &Context<'_>,
) -> Vec<Event> {
    let mut events = release(pool, id, attempt, ctx);
    let mut push = |body: Body| events.push(ctx.event(id, body));
    let failure = match verdict {
        Verdict::Passed => {
            push(Body::TaskEnded { at, result: TaskResult::Passed });
            return events;
        }
        Verdict::Cancelled => {
            push(Body::TaskEnded { at, result: TaskResult::Cancelled });
            return events;
        }
        Verdict::Failed(failure) => failure,
    };
    push(Body::FailureClassified(Box::new(failure.event(at, task.attempts))));
    if execution.cancelled.is_some() {
        push(Body::TaskEnded { at, result: TaskResult::Cancelled });
        return events;
    }
    let node_lost = counts_node.then_some(&attempt.node);
    let mut decided = retry::decide(pool, execution, at, task, &failure, node_lost, ctx);
    if execution.stopped.is_some() && decided.action == Action::Retry {
        decided.action = Action::Fail;
        decided.path.push("the execution was stopped".to_owned());
    }
    let (action, delay) = (decided.action, decided.delay_ms);
    let (rule, why) = (decided.rule.clone(), decided.why.clone());
    push(Body::RetryDecided(Box::new(decided)));
    match action {
        Action::Retry if delay == Millis(0) => push(Body::TaskReady { at, rank_ms: task.spec.path_ms }),
        Action::Retry => {}
        Action::Park | Action::Escalate => push(Body::TaskParked { at, rule, why }),
        Action::Fail => push(Body::TaskEnded { at, result: TaskResult::Failed }),
        Action::Ignore => push(Body::TaskEnded { at, result: TaskResult::Passed }),
        Action::Stop => {
            push(Body::TaskEnded { at, result: TaskResult::Failed });
            push(Body::ExecutionStopped { execution: at.execution, rule });
        }
    }
    events
}

fn release(pool: &Pool, id: &PoolId, attempt: &Attempt, ctx: &Context<'_>) -> Vec<Event> {
    if ctx.planted(Planted::LockKeptByLostNode) {
        return Vec::new();
    }
    let held = attempt.needs.locks.keys().filter_map(|lock| {
        let held = pool.locks.get(lock)?;
        let permits = *held.held.get(&attempt.lease)?;
        let free = held.size.saturating_sub(held.held.values().sum::<u32>() - permits);
        Some(ctx.event(id, Body::LockReleased { lock: lock.clone(), lease: attempt.lease, permits, free }))
    });
    held.collect()
}
