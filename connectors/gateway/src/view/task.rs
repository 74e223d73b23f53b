//! A task: one line of a list, and all that `why` tells of it.

use model::policy::FailureClass;
use model::task::Needs;
use model::{ExecutionId, Millis, NodeId, PolicyId, PoolId, Priority, TaskId, Timestamp};
use operators::state::{Execution, Phase, Pool, TaskState, Tried};
use serde::{Deserialize, Serialize};

use super::attempt::{AttemptView, attempts};
use super::waits::{WaitView, skipped_because, waits};
use crate::Moment;

/// A task in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskItem {
    /// Its execution.
    pub execution: ExecutionId,
    /// Its name.
    pub task: TaskId,
    /// Where it stands.
    pub state: TaskWord,
    /// Its level.
    pub priority: Priority,
    /// Attempts so far, over all rounds.
    pub attempts: u32,
    /// The node of its last attempt.
    pub node: Option<NodeId>,
    /// When its last attempt was dispatched.
    pub dispatched: Option<Moment>,
    /// How long its last attempt took, or has taken so far.
    pub took_ms: Option<Millis>,
    /// How far the running attempt is, 0 to 1.
    pub fraction: Option<f64>,
    /// Words to that.
    pub note: Option<String>,
    /// When its next attempt may run, if it backs off.
    pub until: Option<Moment>,
    /// The class of its last failure.
    pub class: Option<FailureClass>,
    /// It failed before it passed.
    pub flaky: bool,
    /// It went on after a loss.
    pub resumed: bool,
    /// It passed by a rule that ignores its failure.
    pub ignored: bool,
    /// Its failure does not fail the execution.
    pub allow_failure: bool,
    /// An attempt was lost and its successor has shown no progress yet.
    pub recovering: bool,
    /// Why it stands so, for people; empty when there is nothing to say.
    pub why: String,
}

/// Where a task stands, as a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskWord {
    /// For others to end.
    Waiting,
    /// For a node, slots or locks.
    Ready,
    /// For its next attempt's time.
    BackingOff,
    /// It runs, or is on its way.
    Running,
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It did not run in this round.
    Skipped,
    /// It waits for a person.
    Parked,
}

/// All that is known of one task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDetail {
    /// Its pool.
    pub pool: PoolId,
    /// The task, as in a list.
    pub item: TaskItem,
    /// The version of its policy.
    pub policy: Option<PolicyId>,
    /// What its next attempt needs.
    pub needs: Needs,
    /// The command as it is started.
    pub run: Vec<String>,
    /// Longest attempt.
    pub timeout_ms: Millis,
    /// What it waits for now.
    pub waits: Vec<WaitView>,
    /// Its attempts, oldest first; of very many the middle ones are left out.
    pub tries: Vec<AttemptView>,
    /// Failures in this round, by whose they are.
    pub counters: CounterView,
    /// Uses of each rule in this round.
    pub uses: Vec<RuleUses>,
    /// Different nodes that were lost under it in this round.
    pub lost_nodes: Vec<NodeId>,
    /// What the next attempt gets.
    pub checkpoint: Option<String>,
    /// When that came.
    pub checkpoint_at: Option<Moment>,
    /// The journal position that this is true for.
    pub position: u64,
}

/// Failures of a task, by whose they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterView {
    /// Of machines.
    pub infra: u32,
    /// Of the test.
    pub test: u32,
    /// Of memory.
    pub memory: u32,
}

/// How often a rule was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleUses {
    /// The rule.
    pub rule: String,
    /// Its uses.
    pub uses: u32,
}

/// One line of a list.
pub fn item(execution: &Execution, index: u32, now: Timestamp) -> Option<TaskItem> {
    let task = execution.tasks.get(index as usize)?;
    let story = task.story.as_deref();
    let last = story.and_then(|s| s.tried.last());
    let attempt = task.attempt();
    Some(TaskItem {
        execution: execution.id.clone(),
        task: task.spec.id.clone(),
        state: TaskWord::from(&task.phase),
        priority: execution.level(index),
        attempts: task.attempts,
        node: last.map(|t| t.node.clone()),
        dispatched: last.map(|t| Moment(t.dispatched)),
        took_ms: last.map(|t| took(t, now)),
        fraction: attempt.map(|a| a.fraction),
        note: attempt.and_then(|a| a.note.clone()),
        until: until(&task.phase),
        class: last.and_then(|t| t.class.map(|(class, _)| class)),
        flaky: story.is_some_and(|s| s.flaky),
        resumed: story.is_some_and(|s| s.resumed),
        ignored: story.is_some_and(|s| s.ignored),
        allow_failure: task.spec.allow_failure,
        recovering: story.is_some_and(|s| s.recovering.is_some()),
        why: why(execution, task),
    })
}

/// All that is known of one task.
pub fn detail(id: &PoolId, pool: &Pool, execution: &Execution, index: u32, at: (Timestamp, u64)) -> Option<TaskDetail> {
    let task = execution.tasks.get(index as usize)?;
    let story = task.story.as_deref();
    let [infra, test, memory] = story.map_or([0; 3], |s| s.counters);
    let uses = story.map(|s| s.uses.as_slice()).unwrap_or_default();
    Some(TaskDetail {
        pool: id.clone(),
        item: item(execution, index, at.0)?,
        policy: execution.policies.get(&task.spec.retry).cloned(),
        needs: task.needs().clone(),
        run: task.spec.run.clone(),
        timeout_ms: task.spec.timeout_ms,
        waits: waits(pool, execution, task),
        tries: attempts(execution, task, at.0),
        counters: CounterView { infra, test, memory },
        uses: uses.iter().map(|(rule, uses)| RuleUses { rule: rule.clone(), uses: *uses }).collect(),
        lost_nodes: story.map(|s| s.lost_nodes.clone()).unwrap_or_default(),
        checkpoint: story.and_then(|s| s.checkpoint.as_deref().map(str::to_owned)),
        checkpoint_at: story.and_then(|s| s.checkpoint_at).map(Moment),
        position: at.1,
    })
}

/// How long an attempt took, or has taken so far.
pub fn took(tried: &Tried, now: Timestamp) -> Millis {
    tried.ended.map_or(now, |(at, _)| at) - tried.started.unwrap_or(tried.dispatched)
}

fn until(phase: &Phase) -> Option<Moment> {
    match phase {
        Phase::BackingOff { until } => Some(Moment(*until)),
        Phase::Waiting
        | Phase::Ready { .. }
        | Phase::Running(_)
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped { .. }
        | Phase::Parked { .. } => None,
    }
}

fn why(execution: &Execution, task: &TaskState) -> String {
    let story = task.story.as_deref();
    let last = story.and_then(|s| s.tried.last());
    let decided = || last.and_then(|t| t.decided.as_ref()).map(|(rule, words)| said(rule, words));
    match &task.phase {
        Phase::Skipped { because, how } => skipped_because(execution, task, *because, *how),
        Phase::Parked { .. } => story.and_then(|s| s.parked.as_ref()).map(|(_, w)| w.clone()).unwrap_or_default(),
        Phase::Failed => {
            last.map(|t| t.evidence.clone()).filter(|e| !e.is_empty()).or_else(decided).unwrap_or_default()
        }
        Phase::BackingOff { .. } => decided().unwrap_or_default(),
        Phase::Waiting | Phase::Ready { .. } | Phase::Running(_) | Phase::Passed | Phase::Cancelled => String::new(),
    }
}

fn said(rule: &str, words: &str) -> String {
    if words.is_empty() { format!("rule {rule}") } else { format!("rule {rule}: {words}") }
}

impl TaskWord {
    /// Each word as it is written.
    pub const ALL: [(TaskWord, &'static str); 9] = [
        (TaskWord::Waiting, "waiting"),
        (TaskWord::Ready, "ready"),
        (TaskWord::BackingOff, "backing_off"),
        (TaskWord::Running, "running"),
        (TaskWord::Passed, "passed"),
        (TaskWord::Failed, "failed"),
        (TaskWord::Cancelled, "cancelled"),
        (TaskWord::Skipped, "skipped"),
        (TaskWord::Parked, "parked"),
    ];

    /// The word.
    pub fn word(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The state of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, w)| *w == word).map(|(state, _)| *state)
    }
}

impl From<&Phase> for TaskWord {
    fn from(phase: &Phase) -> Self {
        match phase {
            Phase::Waiting => Self::Waiting,
            Phase::Ready { .. } => Self::Ready,
            Phase::BackingOff { .. } => Self::BackingOff,
            Phase::Running(_) => Self::Running,
            Phase::Passed => Self::Passed,
            Phase::Failed => Self::Failed,
            Phase::Cancelled => Self::Cancelled,
            Phase::Skipped { .. } => Self::Skipped,
            Phase::Parked { .. } => Self::Parked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::example::{World, pool, task};
    use crate::view::execution::execution;

    #[test]
    fn what_an_answer_says_is_read_back_as_it_was() {
        let mut world = World::new(vec![task("a", &["db"], Priority::High), task("b", &[], Priority::Low)], &[]);
        world.joins("n1", 1);
        world.ready(0);
        world.runs(0, "n1");
        let (pool, id) = (world.pool(), pool());
        let of = pool.execution(1).unwrap();
        let at = (world.now(), world.seq);
        let told = detail(&id, pool, of, 0, at).unwrap();
        let json = serde_json::to_string(&told).unwrap();
        assert_eq!(serde_json::from_str::<TaskDetail>(&json).unwrap(), told);
        for part in [r#""state":"running""#, r#""priority":"high""#, r#""dispatched":"1970-01-01T00:00:06.000Z""#] {
            assert!(json.contains(part), "{part}: {json}");
        }
        let view = execution((&id, pool), of, at, &mut 10);
        assert_eq!((view.tasks.total, view.tasks.running, view.tasks.waiting), (2, 1, 1));
        assert_eq!(view.eta_ms, Some(Millis(119_000)), "both on one slot, a second of it done");
        assert_eq!(execution((&id, pool), of, at, &mut 1).eta_ms, None, "it would cost too much");
        let json = serde_json::to_string(&view).unwrap();
        assert_eq!(serde_json::from_str::<crate::view::ExecutionView>(&json).unwrap(), view);
        assert!(json.contains(r#""execution":"web-1","pool":"default","flow":"web","state":"running""#), "{json}");
    }

    #[test]
    fn each_state_has_its_word() {
        for (index, (state, word)) in TaskWord::ALL.into_iter().enumerate() {
            assert_eq!((state as usize, state.word(), TaskWord::from_word(word)), (index, word, Some(state)));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{word}\""));
        }
    }
}
