//! What the verbs and the rounds of an execution change.

use std::sync::Arc;

use model::event::{EndState, Work};
use model::request::RetryScope;
use model::{By, ExecutionId, Key, PolicyId};

use super::When;
use super::tasks::close_if_over;
use crate::state::execution::Reopening;
use crate::state::pool::Timer;
use crate::state::task::Met;
use crate::state::{Counts, Execution, Phase, Pool};

pub fn started(pool: &mut Pool, number: u32, key: &Key, policies: &[PolicyId], when: When) {
    let Some(upload) = pool.uploads.remove(key) else { return };
    pool.timers.remove(&(upload.at + pool.settings.upload_ms, Timer::Upload(key.clone())));
    for (lock, size) in &upload.head.locks {
        pool.locks.entry(lock.clone()).or_default().size = *size;
    }
    let name = |id: &PolicyId| id.as_str().rsplit_once('@').map_or(id.to_string(), |(name, _)| name.to_owned());
    let waiting = u32::try_from(upload.tasks.len()).unwrap_or(u32::MAX);
    let execution = Execution {
        id: ExecutionId { flow: upload.head.flow.clone(), number },
        head: Arc::new(upload.head),
        key: key.clone(),
        who: upload.who,
        submitted: when.now,
        started: None,
        ended: None,
        round: 1,
        priority: upload.priority,
        policies: policies.iter().map(|id| (name(id), id.clone())).collect(),
        paused: false,
        cancelled: None,
        cancelled_by: None,
        stopped: None,
        reopening: Default::default(),
        reopened: 0,
        work: 0,
        counts: Counts { waiting, ..Counts::default() },
        retries: 0,
        turn: pool.turn,
        zones: Default::default(),
        tasks: upload.tasks,
        names: upload.names,
        position: when.seq,
    };
    pool.executions.insert(number, Arc::new(execution));
    pool.last_execution = number;
    push_work(pool, number, Work::Begin { execution: number });
}

/// Adds a work list that its execution waits for.
pub fn push_work(pool: &mut Pool, number: u32, work: Work) {
    if let Some(execution) = pool.execution_mut(number) {
        execution.work += 1;
        pool.work.push_back((work, 0));
    }
}

pub fn paused(pool: &mut Pool, number: u32, paused: bool, when: When) {
    let Some(execution) = pool.execution_mut(number) else { return };
    execution.paused = paused;
    execution.position = when.seq;
    let shown = execution.dispatches();
    pool.queues.show(number, shown);
}

pub fn cancelled(pool: &mut Pool, number: u32, kill: bool, by: &By, when: When) {
    let Some(execution) = pool.execution_mut(number) else { return };
    let again = execution.cancelled.is_some();
    execution.cancelled = Some((execution.cancelled.map_or(when.now, |(at, _)| at), kill));
    if let By::Person { who, reason, .. } = by {
        execution.cancelled_by = Some((who.clone(), reason.clone()));
    }
    execution.paused = false;
    execution.position = when.seq;
    if again && kill {
        // The grace that they were given is taken back.
        for task in &mut execution.tasks {
            if let Phase::Running(attempt) = &mut task.phase {
                attempt.cancel = None;
            }
        }
    }
    pool.queues.show(number, false);
    push_work(pool, number, Work::Sweep { execution: number });
}

pub fn stopped(pool: &mut Pool, number: u32, rule: &str) {
    let Some(execution) = pool.execution_mut(number) else { return };
    if execution.stopped.is_none() {
        execution.stopped = Some(rule.to_owned());
        pool.queues.show(number, false);
        push_work(pool, number, Work::Sweep { execution: number });
    }
}

pub fn ended(pool: &mut Pool, number: u32, state: EndState, when: When) {
    pool.work.retain(|(work, _)| *work != Work::Close { execution: number });
    let Some(execution) = pool.execution_mut(number) else { return };
    execution.ended = Some((state, when.now));
    execution.work = 0;
    execution.position = when.seq;
    pool.note_ended(number, true);
}

pub fn reopened(pool: &mut Pool, number: u32, round: u32, scope: &RetryScope, drop_checkpoints: bool) {
    pool.note_ended(number, false);
    let Some(execution) = pool.execution_mut(number) else { return };
    let opens = execution.ended.take().is_some();
    execution.round = round;
    execution.reopening.push_back(Reopening { scope: scope.clone(), drop_checkpoints });
    let alone = execution.reopening.len() == 1;
    if opens {
        (execution.cancelled, execution.stopped, execution.paused, execution.retries) = (None, None, false, 0);
        execution.cancelled_by = None;
    }
    let shown = pool.execution(number).is_some_and(Execution::dispatches);
    pool.queues.show(number, shown);
    if alone {
        push_work(pool, number, Work::Reopen { execution: number });
    }
}

pub fn forgotten(pool: &mut Pool, number: u32) {
    pool.note_ended(number, false);
    pool.executions.remove(&number);
}

/// A step of a work list is done; a step of telling counts for those that were told.
pub fn work_done(pool: &mut Pool, work: &Work, next: u32, done: bool) {
    let Some(index) = pool.work.iter().position(|(w, _)| w == work) else { return };
    let from = pool.work[index].1;
    if let Work::Tell { execution, task } = work {
        told(pool, *execution, *task, from, if done { u32::MAX } else { next });
    }
    if !done {
        // To the back: no list keeps another waiting.
        pool.work.remove(index);
        pool.work.push_back((work.clone(), next));
        return;
    }
    pool.work.remove(index);
    match work {
        Work::Node { node, generation } => {
            if let Some(node) = pool.nodes.get_mut(node) {
                node.void.remove(generation);
            }
        }
        Work::Begin { execution }
        | Work::Tell { execution, .. }
        | Work::Sweep { execution }
        | Work::Close { execution }
        | Work::Reopen { execution } => {
            if let Some(execution) = pool.execution_mut(*execution) {
                execution.work = execution.work.saturating_sub(1);
            }
            if matches!(work, Work::Reopen { .. }) {
                reopening_done(pool, *execution);
            }
            close_if_over(pool, *execution);
        }
    }
}

/// What was reset and waits for nothing begins; then comes the next reopening, one at a time.
fn reopening_done(pool: &mut Pool, number: u32) {
    let Some(execution) = pool.execution_mut(number) else { return };
    execution.reopening.pop_front();
    execution.reopened += 1;
    let more = !execution.reopening.is_empty();
    push_work(pool, number, Work::Begin { execution: number });
    if more {
        push_work(pool, number, Work::Reopen { execution: number });
    }
}

/// Those that waited for a task and were told wait for one less.
fn told(pool: &mut Pool, number: u32, task: u32, from: u32, to: u32) {
    let Some(execution) = pool.execution_mut(number) else { return };
    let Some(told) = execution.tasks.get(task as usize) else { return };
    let end = (to as usize).min(told.dependents.len());
    let met: Vec<u32> = told.dependents[(from as usize).min(end)..end]
        .iter()
        .filter(|(_, want)| told.phase.meets(*want) == Met::Yes)
        .map(|(index, _)| *index)
        .collect();
    for index in met {
        let waits = execution.tasks.get_mut(index as usize).filter(|t| t.phase == Phase::Waiting);
        if let Some(waits) = waits {
            waits.unmet = waits.unmet.saturating_sub(1);
        }
    }
}
