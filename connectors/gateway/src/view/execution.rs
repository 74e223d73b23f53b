//! An execution: how it stands, in counts and in words.

use model::event::AttemptOutcome;
use model::{ExecutionId, FlowId, Millis, PolicyId, PoolId, Priority, Timestamp};
use operators::state::{Counts, Execution, Phase, Pool, Standing, TaskState};
use serde::{Deserialize, Serialize};

use super::at::At;
use crate::Moment;

/// How many tasks one answer may look at to reckon the time that remains.
pub const MAX_RECKONED: usize = 20_000;

/// An execution in an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExecutionView {
    /// Its name.
    pub execution: ExecutionId,
    /// Its pool.
    pub pool: PoolId,
    /// Its flow.
    pub flow: FlowId,
    /// How it stands.
    pub state: Standing,
    /// Why it stands so, for people; empty when there is nothing to say.
    pub reason: String,
    /// The version of the policy `default` that it keeps.
    pub policy: Option<PolicyId>,
    /// Who submitted it.
    pub who: String,
    /// The level of all its tasks, if one was given.
    pub priority: Option<Priority>,
    /// When it was taken in.
    pub submitted: Moment,
    /// When its first attempt was dispatched.
    pub started: Option<Moment>,
    /// When its last round ended; absent while one is open.
    pub ended: Option<Moment>,
    /// From its submission to its end, or to now.
    pub took_ms: Millis,
    /// How long it will still take, by estimates and what tasks took that have passed; absent when it has ended, where no present node can run one of
    /// its ready tasks, and where reckoning it would cost too much.
    pub eta_ms: Option<Millis>,
    /// The round, from 1.
    pub round: u32,
    /// Nothing is dispatched until somebody resumes it.
    pub paused: bool,
    /// Since when it is being cancelled, or was.
    pub cancelled: Option<Moment>,
    /// The rule that stopped it.
    pub stopped: Option<String>,
    /// Retries after test_failure or crash in this round.
    pub retries: u32,
    /// How many tasks stand where.
    pub tasks: TaskCounts,
    /// The journal position that this is true for.
    pub position: u64,
}

/// How many tasks stand where. `total` is the sum of passed, failed, cancelled, parked, skipped, running and waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field counts the state that it is named after")]
pub struct TaskCounts {
    pub total: u32,
    pub passed: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub parked: u32,
    pub skipped: u32,
    pub running: u32,
    /// All that may still run: for others, for a node, for their next attempt's time.
    pub waiting: u32,
    /// Of those that wait: for a node, slots or locks.
    pub ready: u32,
    /// Of those that wait: for their next attempt's time.
    pub backing_off: u32,
    /// Tasks that lost an attempt and whose successor has shown no progress yet.
    pub recovering: u32,
    /// Of those that passed: failed before.
    pub flaky: u32,
    /// Of those that passed: went on after a loss.
    pub resumed: u32,
    /// Of those that failed: may fail.
    pub forgiven: u32,
}

/// An execution as it stands at a moment. `looks`: how many tasks may be looked at.
pub fn execution((pool, of): (&PoolId, &Pool), execution: &Execution, at: At, looks: &mut usize) -> ExecutionView {
    let ended = execution.ended.map(|(_, at)| at);
    ExecutionView {
        execution: execution.id.clone(),
        pool: pool.clone(),
        flow: execution.head.flow.clone(),
        state: execution.standing(),
        reason: reason(of, execution, at, looks),
        policy: execution.policies.get("default").cloned(),
        who: execution.who.clone(),
        priority: execution.priority,
        submitted: Moment(execution.submitted),
        started: execution.started.map(Moment),
        ended: ended.map(Moment),
        took_ms: ended.unwrap_or(at.now) - execution.submitted,
        eta_ms: eta(of, execution, at.now, looks),
        round: execution.round,
        paused: execution.paused,
        cancelled: execution.cancelled.map(|(since, _)| Moment(since)),
        stopped: execution.stopped.clone(),
        retries: execution.retries,
        tasks: counts(&execution.counts, execution.tasks.len()),
        position: at.position,
    }
}

fn counts(counts: &Counts, total: usize) -> TaskCounts {
    TaskCounts {
        total: u32::try_from(total).unwrap_or(u32::MAX),
        passed: counts.passed,
        failed: counts.failed,
        cancelled: counts.cancelled,
        parked: counts.parked,
        skipped: counts.skipped,
        running: counts.running,
        waiting: counts.waiting + counts.ready + counts.backing_off,
        ready: counts.ready,
        backing_off: counts.backing_off,
        recovering: counts.recovering,
        flaky: counts.flaky,
        resumed: counts.resumed,
        forgiven: counts.forgiven,
    }
}

fn reason(pool: &Pool, execution: &Execution, at: At, looks: &mut usize) -> String {
    let counts = &execution.counts;
    let some = |n: u32, what: &str| (n > 0).then(|| format!("{n} {what}"));
    let may_fail = some(counts.forgiven, "may fail").map(|n| format!(" ({n})")).unwrap_or_default();
    let failed = || some(counts.failed, "failed").map(|failed| format!("{failed}{may_fail}"));
    let others = || [some(counts.parked, "parked"), some(counts.cancelled, "cancelled")];
    let tally = || failed().into_iter().chain(others().into_iter().flatten());
    match execution.standing() {
        Standing::Recovering => format!("{} {} moves on", counts.recovering, plural(counts.recovering, "task")),
        Standing::Paused => "paused; nothing is dispatched until it is resumed".to_owned(),
        Standing::Failed => {
            let stopped = execution.stopped.iter().map(|rule| format!("stopped by rule {rule}"));
            stopped.chain(tally()).collect::<Vec<_>>().join(", ")
        }
        Standing::Pending | Standing::Running if execution.cancelled.is_some() => {
            format!("being {}", cancelled_by(execution))
        }
        Standing::Pending | Standing::Running if execution.stopped.is_some() => "being stopped by a rule".to_owned(),
        Standing::Pending | Standing::Running if counts.ready > 0 => {
            let nothing_yet = || (execution.started.is_none()).then(|| "no task could be dispatched yet".to_owned());
            awaited_lock(pool, execution, at, looks).or_else(nothing_yet).unwrap_or_default()
        }
        Standing::Completed => failed().unwrap_or_default(),
        Standing::Cancelled => match counts.cancelled {
            0 => cancelled_by(execution),
            n => format!("{n} {} {}", plural(n, "task"), cancelled_by(execution)),
        },
        Standing::Pending | Standing::Running => String::new(),
    }
}

/// `cancelled by ann: enough`.
pub fn cancelled_by(execution: &Execution) -> String {
    match &execution.cancelled_by {
        Some((who, reason)) if reason.is_empty() => format!("cancelled by {who}"),
        Some((who, reason)) => format!("cancelled by {who}: {reason}"),
        None => "cancelled".to_owned(),
    }
}

/// Words for what keeps ready tasks from their locks; none where nothing does, or finding it would cost too much.
fn awaited_lock(pool: &Pool, execution: &Execution, at: At, looks: &mut usize) -> Option<String> {
    if execution.head.locks.is_empty() {
        return None;
    }
    *looks = looks.checked_sub(execution.tasks.len())?;
    let ready = || execution.tasks.iter().filter(|task| matches!(task.phase, Phase::Ready { .. }));
    let mut needed = ready().flat_map(|task| &task.needs().locks);
    if let Some(from) = at.locks_from {
        let from = from.time_of_day();
        return needed.next().map(|_| format!("locks are granted from {from} on: this journal is new"));
    }
    needed.find_map(|(id, permits)| {
        let lock = pool.locks.get(id).filter(|lock| lock.free() < *permits)?;
        let (free, size) = (lock.free(), lock.size);
        Some(match free {
            0 => format!("lock {id} is full, {size} of {size}"),
            _ => format!("lock {id} has {free} of {size} free, {permits} are needed"),
        })
    })
}

fn plural(n: u32, word: &str) -> String {
    if n == 1 { word.to_owned() } else { format!("{word}s") }
}

/// The longest remaining path, or the remaining work spread over all slots of the pool, whichever is longer: by what tasks
/// are estimated at, and what those took that have passed.
fn eta(pool: &Pool, execution: &Execution, now: Timestamp, looks: &mut usize) -> Option<Millis> {
    if execution.ended.is_some() {
        return None;
    }
    *looks = looks.checked_sub(2 * execution.tasks.len())?;
    let slots: u64 = pool.nodes.values().filter(|n| n.presence.is_present()).map(|n| u64::from(n.slots)).sum();
    let (took, estimated) = pace(execution);
    let by_pace = |estimate: Millis| {
        let ms = u128::from(estimate.0) * u128::from(took) / u128::from(estimated);
        u64::try_from(ms).unwrap_or(u64::MAX)
    };
    let (mut path, mut work) = (0_u64, 0_u64);
    for task in &execution.tasks {
        let spent = match &task.phase {
            // Nobody knows when a node comes that can run it.
            Phase::Ready { .. } if !has_node(pool, task) => return None,
            Phase::Waiting | Phase::Ready { .. } | Phase::BackingOff { .. } => Millis(0),
            Phase::Running(attempt) => now - attempt.started.unwrap_or(attempt.dispatched),
            Phase::Passed | Phase::Failed | Phase::Cancelled | Phase::Skipped { .. } | Phase::Parked { .. } => continue,
        };
        path = path.max(by_pace(task.spec.path_ms).saturating_sub(spent.0));
        let left = by_pace(task.spec.estimate_ms).saturating_sub(spent.0);
        work = work.saturating_add(left.saturating_mul(u64::from(task.needs().slots)));
    }
    Some(Millis(path.max(work / slots.max(1))))
}

/// What the tasks took that have passed in one go, and what they were estimated at, in milliseconds; of fewer than three,
/// which may be no sample, that they take what they are estimated at.
fn pace(execution: &Execution) -> (u64, u64) {
    let (mut took, mut estimated, mut tasks) = (1_u64, 1_u64, 0);
    for task in execution.tasks.iter().filter(|task| task.phase == Phase::Passed) {
        let last = task.story.as_ref().and_then(|story| story.tried.last()).filter(|tried| !tried.resumes);
        let Some((started, (ended, outcome))) = last.and_then(|tried| tried.started.zip(tried.ended)) else { continue };
        // It may have passed since its failure is let go.
        if outcome == AttemptOutcome::Passed {
            took = took.saturating_add((ended - started).0);
            estimated = estimated.saturating_add(task.spec.estimate_ms.0);
            tasks += 1;
        }
    }
    if tasks < 3 { (1, 1) } else { (took, estimated) }
}

fn has_node(pool: &Pool, task: &TaskState) -> bool {
    let queue = pool.queues.of_needs(task.needs()).and_then(|queue| pool.queues.get(queue));
    queue.is_some_and(|queue| !queue.nodes.is_empty())
}

#[cfg(test)]
mod tests {
    use model::Body;
    use model::event::{EndState, TaskResult};

    use super::*;
    use crate::view::example::{self, World, pool, task};

    #[test]
    fn a_reason_names_the_lock_that_ready_tasks_wait_for_and_no_end_is_promised_without_a_node() {
        let tasks = ["a", "b"].map(|id| task(id, &["db"], Priority::Medium)).into();
        let mut world = World::new(tasks, &[]);
        world.ready(0);
        let told = |world: &World, locks_from| {
            let at = At { now: world.now(), position: world.seq, locks_from };
            let view = execution((&pool(), world.pool()), world.pool().execution(1).unwrap(), at, &mut 100);
            (view.reason, view.eta_ms.is_some())
        };
        let says = |words: &str, eta| (words.to_owned(), eta);
        let noon = Some(Moment(Timestamp(12 * 3_600_000)));
        assert_eq!(told(&world, None), says("no task could be dispatched yet", false));
        assert_eq!(told(&world, noon), says("locks are granted from 12:00:00 on: this journal is new", false));
        world.joins("n1", 2);
        assert_eq!(told(&world, None), says("no task could be dispatched yet", true));
        world.runs(0, "n1");
        assert_eq!(told(&world, noon), says("", true), "nothing waits for a lock");
        world.ready(1);
        assert_eq!(told(&world, None), says("lock db is full, 1 of 1", true));
    }

    #[test]
    fn the_time_that_remains_is_reckoned_by_what_tasks_took_that_have_passed() {
        let tasks = ["a", "b", "c", "d", "e"].map(|id| task(id, &[], Priority::Medium)).into();
        let mut world = World::new(tasks, &[]);
        world.joins("n1", 1);
        let eta = |world: &World| {
            let at = At { now: world.now(), position: world.seq, locks_from: None };
            execution((&pool(), world.pool()), world.pool().execution(1).unwrap(), at, &mut 100).eta_ms.unwrap().0
        };
        (0..5).for_each(|task| world.ready(task));
        let mut told = vec![eta(&world)];
        for task in 0..3 {
            let lease = world.runs(task, "n1");
            world.passes(task, "n1", lease);
            told.push(eta(&world));
        }
        assert_eq!(told, [300_000, 240_000, 180_000, 2_000], "a minute each, until three have taken a second");
    }

    #[test]
    fn a_reason_counts_the_tasks_that_were_cancelled() {
        use TaskResult::{Cancelled, Failed, Passed};
        let table = [
            (EndState::Cancelled, [Cancelled, Cancelled], "2 tasks cancelled by ann: enough"),
            (EndState::Cancelled, [Cancelled, Passed], "1 task cancelled by ann: enough"),
            (EndState::Cancelled, [Passed, Passed], "cancelled by ann: enough"),
            (EndState::Failed, [Failed, Cancelled], "1 failed, 1 cancelled"),
        ];
        for (state, results, want) in table {
            let mut world = World::new(["a", "b"].map(|id| task(id, &[], Priority::Medium)).into(), &[]);
            world.person("ann", "enough", Body::ExecutionCancelRequested { execution: 1, kill: false });
            for (task, result) in (0..).zip(results) {
                world.happens(Body::TaskEnded { at: example::at(task), result });
            }
            world.happens(Body::ExecutionEnded { execution: 1, round: 1, state });
            let at = At { now: world.now(), position: world.seq, locks_from: None };
            let told = execution((&pool(), world.pool()), world.pool().execution(1).unwrap(), at, &mut 100);
            assert_eq!(told.reason, want);
        }
    }
}
