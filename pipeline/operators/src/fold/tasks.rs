//! What becomes of a task.

use model::event::{Action, Classified, Decided, SkipReason, TaskRef, TaskResult, Work};
use model::policy::FailureClass;
use model::task::Needs;
use model::{Millis, Want};

use super::When;
use super::executions::push_work;
use crate::state::{Phase, Pool, Story};

pub fn ready(pool: &mut Pool, at: TaskRef, rank: Millis, when: When) {
    pool.set_phase(at, Phase::Ready { since: when.now, rank, queue: 0 });
}

/// The task waits again, as if this round had just begun. Those that were told of its end, and wait still, are told
/// of its next one.
pub fn reset(pool: &mut Pool, at: TaskRef, unmet: u32) {
    let Some(execution) = pool.execution_mut(at.execution) else { return };
    let fresh = execution.reopening.front().is_some_and(|r| r.drop_checkpoints);
    // One that is dropped is reset outside of any reopening: the next one must not take it for its own.
    let mark = if execution.reopening.is_empty() { 0 } else { execution.reopened + 1 };
    let Some(task) = execution.tasks.get(at.task as usize) else { return };
    let told: Vec<u32> =
        task.dependents.iter().filter(|(_, want)| *want == Want::Finished).map(|(index, _)| *index).collect();
    for index in told {
        let waits = execution
            .tasks
            .get_mut(index as usize)
            .filter(|t| t.phase == Phase::Waiting && (mark == 0 || t.reset != mark));
        if let Some(waits) = waits {
            waits.unmet += 1;
        }
    }
    pool.set_phase(at, Phase::Waiting);
    let Some(task) = pool.task_mut(at) else { return };
    (task.unmet, task.reset) = (unmet, mark);
    let before = task.attempts;
    if let Some(story) = task.story.as_deref_mut() {
        *story = Story {
            tried: std::mem::take(&mut story.tried),
            checkpoint: story.checkpoint.take().filter(|_| !fresh),
            checkpoint_at: story.checkpoint_at.filter(|_| !fresh),
            needs: story.needs.take(),
            before,
            ..Story::default()
        };
    }
}

pub fn skipped(pool: &mut Pool, at: TaskRef, because: u32, how: SkipReason) {
    end(pool, at, Phase::Skipped { because, how });
}

pub fn parked(pool: &mut Pool, at: TaskRef, rule: &str, why: &str, when: When) {
    if let Some(task) = pool.task_mut(at) {
        task.story_mut().parked = Some((rule.to_owned(), why.to_owned()));
    }
    end(pool, at, Phase::Parked { since: when.now });
}

pub fn ended(pool: &mut Pool, at: TaskRef, result: TaskResult) {
    let phase = match result {
        TaskResult::Passed => Phase::Passed,
        TaskResult::Failed => Phase::Failed,
        TaskResult::Cancelled => Phase::Cancelled,
    };
    end(pool, at, phase);
}

/// A task ends in this round: those that wait for it will be told, and the round may be over.
fn end(pool: &mut Pool, at: TaskRef, phase: Phase) {
    let passed = phase == Phase::Passed;
    if let Some(story) = pool.task_mut(at).and_then(|t| t.story.as_deref_mut()) {
        story.flaky = passed && !story.ignored && story.counters[1] > 0;
        story.resumed = passed && story.resumed;
    }
    pool.set_phase(at, phase);
    let recovering = pool.task_mut(at).and_then(|t| t.story.as_deref_mut()?.recovering.take());
    if recovering.is_some()
        && let Some(execution) = pool.execution_mut(at.execution)
    {
        execution.counts.recovering = execution.counts.recovering.saturating_sub(1);
    }
    for number in pool.open_recoveries.clone() {
        if let Some(recovery) = pool.recoveries.get_mut(&number) {
            recovery.open.remove(&at);
        }
    }
    let tells = pool.execution(at.execution).is_some_and(|e| !e.is_void());
    if tells && pool.task(at).is_some_and(|t| !t.dependents.is_empty()) {
        push_work(pool, at.execution, Work::Tell { execution: at.execution, task: at.task });
    }
    close_if_over(pool, at.execution);
}

/// Nothing runs, waits for its turn or will be told: the round may be closed.
pub fn close_if_over(pool: &mut Pool, number: u32) {
    let over = pool.execution(number).is_some_and(|e| e.ended.is_none() && e.counts.live() == 0 && e.work == 0);
    if over {
        push_work(pool, number, Work::Close { execution: number });
    }
}

pub fn needs(pool: &mut Pool, at: TaskRef, needs: &Needs) {
    if let Some(task) = pool.task_mut(at) {
        task.story_mut().needs = Some(Box::new(needs.clone()));
    }
}

pub fn classified(pool: &mut Pool, classified: &Classified) {
    let Some(task) = pool.task_mut(classified.at) else { return };
    let story = task.story_mut();
    story.counters[classified.class.counter() as usize] += 1;
    if let Some(tried) = story.tried.last_mut() {
        tried.class = Some((classified.class, classified.certain));
        tried.evidence.clone_from(&classified.evidence);
    }
}

/// The policy has decided: the rule's use is counted, and the next attempt gets its wishes.
pub fn decided(pool: &mut Pool, decided: &Decided, when: When) {
    let at = decided.at;
    let Some(task) = pool.task_mut(at) else { return };
    let story = task.story_mut();
    match story.uses.iter_mut().find(|(rule, _)| *rule == decided.rule) {
        Some((_, uses)) => *uses = decided.uses.0,
        None => story.uses.push((decided.rule.clone(), decided.uses.0)),
    }
    story.place = decided.place;
    story.ignored = decided.action == Action::Ignore;
    if let Some(needs) = &decided.needs {
        story.needs = Some(needs.clone());
    }
    if decided.drop_checkpoint {
        (story.checkpoint, story.checkpoint_at) = (None, None);
    }
    let class = story.tried.last().and_then(|t| t.class).map(|(class, _)| class);
    if let Some(tried) = story.tried.last_mut() {
        tried.decided = Some((decided.rule.clone(), words(decided)));
        tried.position = when.seq;
    }
    if decided.action != Action::Retry {
        return;
    }
    let of_test = matches!(class, Some(FailureClass::TestFailure | FailureClass::Crash));
    if let Some(execution) = pool.execution_mut(at.execution) {
        execution.retries += u32::from(of_test);
    }
    if decided.delay_ms > Millis(0) {
        pool.set_phase(at, Phase::BackingOff { until: when.now + decided.delay_ms });
    }
}

fn words(decided: &Decided) -> String {
    let (uses, limit) = decided.uses;
    let path = decided.path.join("; ");
    match decided.action {
        Action::Retry if decided.delay_ms == Millis(0) => format!("retry at once, {uses} of {limit} ({path})"),
        Action::Retry => format!("retry in {}, {uses} of {limit} ({path})", decided.delay_ms),
        Action::Park => format!("park: {} ({path})", decided.why),
        Action::Escalate => format!("park and call a person: {} ({path})", decided.why),
        Action::Fail => format!("failed ({path})"),
        Action::Ignore => format!("passes in spite of it ({path})"),
        Action::Stop => format!("failed, and the execution stops ({path})"),
    }
}
