//! Execution: carries what happened to one task through its flow, and begins, ends, reopens and forgets rounds.
//!
//! What one cause asks of many (a fan-out of 99,999, the cancel of a large flow) is a work list in the state: each
//! step decides from the state of its moment, about a bounded number of tasks, and other inputs go on in between.

pub mod reopen;
pub mod verbs;

use model::event::{SkipReason, TakeBack, TaskRef, TaskResult, Work};
use model::{Body, Event, Millis, NodeId, PoolId};

use crate::ending::{self, Loss};
use crate::soft::Soft;
use crate::state::pool::Timer;
use crate::state::task::Met;
use crate::state::{Execution, Phase, Pool};
use crate::{Context, recovery};

/// Does one step of the oldest work list that can go on; empty when there is none.
pub fn work(pool: &Pool, id: &PoolId, _soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    let ready = |(work, _): &&(Work, u32)| match work {
        Work::Reopen { execution } => reopen::may_go_on(pool, *execution),
        Work::Begin { .. } | Work::Tell { .. } | Work::Sweep { .. } | Work::Node { .. } | Work::Close { .. } => true,
    };
    let Some((work, from)) = pool.work.iter().find(ready) else { return Vec::new() };
    let step = Step { id, pool, from: *from, ctx };
    let mut events = Vec::new();
    let next = match work {
        Work::Begin { execution } => step.begin(*execution, &mut events),
        Work::Tell { execution, task } => step.tell(*execution, *task, &mut events),
        Work::Sweep { execution } => step.sweep(*execution, &mut events),
        Work::Node { node, generation } => step.node(node, *generation, &mut events),
        Work::Close { execution } => step.close(*execution, &mut events),
        Work::Reopen { execution } => reopen::step(pool, id, *execution, *from, &mut events, ctx),
    };
    let done = next.is_none();
    let body = Body::WorkDone { work: work.clone(), next: next.unwrap_or(*from), done };
    // Last: only when all that follows from this step is folded may its end close the round.
    events.push(ctx.event(id, body));
    events
}

struct Step<'a> {
    id: &'a PoolId,
    pool: &'a Pool,
    from: u32,
    ctx: &'a Context<'a>,
}

impl Step<'_> {
    fn say(&self, events: &mut Vec<Event>, body: Body) {
        events.push(self.ctx.event(self.id, body));
    }

    /// Where a step over a list goes on; none when it was the last.
    fn on(&self, looked: usize, len: usize) -> Option<u32> {
        let next = self.from as usize + looked;
        (next < len).then(|| u32::try_from(next).unwrap_or(u32::MAX))
    }

    /// Tasks without dependencies become ready.
    fn begin(&self, number: u32, events: &mut Vec<Event>) -> Option<u32> {
        let execution = self.pool.execution(number).filter(|e| !e.is_void())?;
        let mut looked = 0;
        for (index, task) in
            (self.from..).zip(execution.tasks.iter().skip(self.from as usize)).take(self.ctx.config.steps.look)
        {
            looked += 1;
            if task.phase == Phase::Waiting && task.unmet == 0 {
                let at = TaskRef { execution: number, task: index };
                self.say(events, Body::TaskReady { at, rank_ms: task.spec.path_ms });
            }
            if events.len() >= self.ctx.config.steps.act {
                break;
            }
        }
        self.on(looked, execution.tasks.len())
    }

    /// Those that wait for a task learn how it ended.
    fn tell(&self, number: u32, told: u32, events: &mut Vec<Event>) -> Option<u32> {
        let execution = self.pool.execution(number)?;
        let task = execution.tasks.get(told as usize)?;
        let slice = task.dependents.iter().skip(self.from as usize).take(self.ctx.config.steps.act);
        for (index, want) in slice.clone() {
            let at = TaskRef { execution: number, task: *index };
            let Some(waits) = execution.tasks.get(*index as usize).filter(|t| t.phase == Phase::Waiting) else {
                continue;
            };
            match task.phase.meets(*want) {
                Met::Yes if waits.unmet == 1 && !execution.is_void() => {
                    self.say(events, Body::TaskReady { at, rank_ms: waits.spec.path_ms });
                }
                Met::Never if !execution.is_void() => {
                    self.say(events, Body::TaskSkipped { at, because: told, how: SkipReason::After });
                }
                Met::Yes | Met::Never | Met::NotYet | Met::Blocked => {}
            }
        }
        self.on(slice.count(), task.dependents.len())
    }

    /// What waits in a void execution ends; what runs is told to end, if it was cancelled.
    fn sweep(&self, number: u32, events: &mut Vec<Event>) -> Option<u32> {
        let execution = self.pool.execution(number).filter(|e| e.is_void())?;
        let mut looked = 0;
        for (index, task) in
            (self.from..).zip(execution.tasks.iter().skip(self.from as usize)).take(self.ctx.config.steps.look)
        {
            looked += 1;
            let at = TaskRef { execution: number, task: index };
            match &task.phase {
                Phase::Waiting | Phase::Ready { .. } | Phase::BackingOff { .. } => {
                    let cancelled = Body::TaskEnded { at, result: TaskResult::Cancelled };
                    let stopped = Body::TaskSkipped { at, because: index, how: SkipReason::Stopped };
                    self.say(events, if execution.cancelled.is_some() { cancelled } else { stopped });
                }
                Phase::Running(attempt) if attempt.cancel.is_none() => {
                    if let Some((_, kill)) = execution.cancelled {
                        let grace_ms = if kill { Millis(0) } else { task.spec.grace_ms };
                        let (lease, attempt) = (attempt.lease, task.attempts);
                        let why = "its execution was cancelled".to_owned();
                        self.say(events, Body::AttemptCancelRequested { at, attempt, lease, grace_ms, why });
                    }
                }
                Phase::Running(_)
                | Phase::Passed
                | Phase::Failed
                | Phase::Cancelled
                | Phase::Skipped { .. }
                | Phase::Parked { .. } => {}
            }
            if events.len() >= self.ctx.config.steps.act {
                break;
            }
        }
        self.on(looked, execution.tasks.len())
    }

    /// The attempts of a lost or gone node end.
    fn node(&self, name: &NodeId, generation: u32, events: &mut Vec<Event>) -> Option<u32> {
        let node = self.pool.nodes.get(name)?;
        let void = node.void.get(&generation)?;
        let slice = void.tasks.iter().skip(self.from as usize).take(self.ctx.config.steps.act.div_ceil(5));
        for at in slice.clone() {
            let attempt = self.pool.task(*at).and_then(|t| t.attempt());
            let Some(attempt) = attempt.filter(|a| a.node == *name && a.generation == generation) else { continue };
            if attempt.accepted.is_none() {
                let why = TakeBack::NodeLost;
                events.extend(ending::taken_back(self.pool, self.id, *at, why, self.ctx));
                continue;
            }
            let (evidence, recovery) = (void.evidence.clone(), Some(void.recovery));
            let loss = Loss { evidence, counts_node: void.counts, recovery };
            events.extend(ending::lost(self.pool, self.id, *at, loss, self.ctx));
        }
        let next = self.on(slice.count(), void.tasks.len());
        if next.is_none() {
            events.extend(recovery::requeued(self.pool, self.id, void.recovery, self.ctx));
        }
        next
    }

    /// What is blocked by a parked task is skipped; when nothing is left, the round ends.
    fn close(&self, number: u32, events: &mut Vec<Event>) -> Option<u32> {
        let execution = self.pool.execution(number).filter(|e| may_close(e))?;
        if execution.counts.waiting == 0 {
            let (round, state) = (execution.round, execution.verdict());
            self.say(events, Body::ExecutionEnded { execution: number, round, state });
            return None;
        }
        let mut looked = 0;
        for (index, task) in
            (self.from..).zip(execution.tasks.iter().skip(self.from as usize)).take(self.ctx.config.steps.look)
        {
            looked += 1;
            if task.phase == Phase::Waiting
                && let Some(because) = blocked_by(execution, index)
            {
                let at = TaskRef { execution: number, task: index };
                self.say(events, Body::TaskSkipped { at, because, how: SkipReason::Blocked });
            }
            if events.len() >= self.ctx.config.steps.act {
                break;
            }
        }
        self.on(looked, execution.tasks.len())
    }
}

/// Whether nothing runs, waits for its turn or will be told: only the closing itself is left.
pub fn may_close(execution: &Execution) -> bool {
    execution.ended.is_none() && execution.counts.live() == 0 && execution.work <= 1
}

/// The parked task that a waiting one waits for, if there is one.
fn blocked_by(execution: &Execution, index: u32) -> Option<u32> {
    let task = execution.tasks.get(index as usize)?;
    let blocks = |(on, want): &&(u32, model::Want)| {
        execution.tasks.get(*on as usize).is_some_and(|t| t.phase.meets(*want) == Met::Blocked)
    };
    task.deps.iter().find(blocks).map(|(on, _)| *on)
}

/// Fires the next timer that is due; empty when none is.
pub fn timers(pool: &Pool, id: &PoolId, _soft: &Soft, ctx: &Context<'_>) -> Vec<Event> {
    if let Some(event) = recovery::done(pool, id, ctx) {
        return vec![event];
    }
    let mut due = pool.timers.iter().take_while(|(at, _)| *at <= ctx.now);
    let body = match due.next() {
        Some((_, Timer::Retry(at))) => {
            let Some(task) = pool.task(*at) else { return Vec::new() };
            Body::TaskReady { at: *at, rank_ms: task.spec.path_ms }
        }
        Some((_, Timer::Upload(key))) => Body::UploadExpired { key: key.clone() },
        Some((at, Timer::Key(_))) => {
            let forget = (*at - pool.settings.keys_ms) + Millis(1_000);
            Body::KeysForgotten { before: forget.min(ctx.now - pool.settings.keys_ms + Millis(1)) }
        }
        Some((_, Timer::Forget(number))) => {
            let why = "it was kept as long as the settings say".to_owned();
            Body::ExecutionForgotten { execution: *number, why }
        }
        None => match pool.ended.too_many() {
            Some((execution, why)) => Body::ExecutionForgotten { execution, why },
            None => return Vec::new(),
        },
    };
    vec![ctx.event(id, body)]
}
