//! One run of a flow.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use model::event::EndState;
use model::request::RetryScope;
use model::task::FlowHead;
use model::{ExecutionId, Key, PolicyId, Priority, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::task::{Phase, TaskState};

/// An execution and all its tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Execution {
    /// Its name.
    pub id: ExecutionId,
    /// Its flow.
    pub head: Arc<FlowHead>,
    /// The key that it was submitted with.
    pub key: Key,
    /// Who submitted it.
    pub who: String,
    /// When it was taken in.
    pub submitted: Timestamp,
    /// When its first attempt was dispatched.
    pub started: Option<Timestamp>,
    /// How and when its last round ended; none while one is open.
    pub ended: Option<(EndState, Timestamp)>,
    /// The round, from 1.
    pub round: u32,
    /// The level of all its tasks, if one was given.
    pub priority: Option<Priority>,
    /// The policy versions that it keeps, by name.
    pub policies: BTreeMap<String, PolicyId>,
    /// No dispatches and no retries.
    pub paused: bool,
    /// It was cancelled: since when, and whether without grace.
    pub cancelled: Option<(Timestamp, bool)>,
    /// Who cancelled it, and the reason given.
    #[serde(default)]
    pub cancelled_by: Option<(String, String)>,
    /// A rule stopped it.
    pub stopped: Option<String>,
    /// Reopenings that are under way, the front one first.
    pub reopening: VecDeque<Reopening>,
    /// Reopenings that are done.
    pub reopened: u32,
    /// Work lists that are not done.
    pub work: u32,
    /// How many tasks stand where.
    pub counts: Counts,
    /// Retries after test_failure or crash in this round.
    pub retries: u32,
    /// Its turn among the executions of its level: the lowest is next.
    pub turn: u64,
    /// Running attempts by zone.
    pub zones: BTreeMap<String, u32>,
    /// Its tasks, by index.
    pub tasks: Vec<TaskState>,
    /// Indices by name (index).
    #[serde(skip)]
    pub names: Arc<BTreeMap<TaskId, u32>>,
    /// The journal position of its last event.
    pub position: u64,
}

/// What a reopening resets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reopening {
    /// What was asked.
    pub scope: RetryScope,
    /// Tasks start afresh.
    pub drop_checkpoints: bool,
}

/// How many tasks stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field counts the phase that it is named after")]
pub struct Counts {
    pub waiting: u32,
    pub ready: u32,
    pub backing_off: u32,
    pub running: u32,
    pub passed: u32,
    pub failed: u32,
    pub cancelled: u32,
    pub skipped: u32,
    pub parked: u32,
    /// Failed ones that may fail.
    pub forgiven: u32,
    /// Passed ones that failed before.
    pub flaky: u32,
    /// Passed ones that went on after a loss.
    pub resumed: u32,
    /// Tasks that lost an attempt and whose successor has shown no progress yet.
    pub recovering: u32,
}

/// How an execution stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Nothing was dispatched yet.
    Pending,
    /// It goes on.
    Running,
    /// An attempt was lost and its successor has shown no progress yet.
    Recovering,
    /// It goes on only when a person says so.
    Paused,
    /// Each task passed, was skipped or may fail.
    Completed,
    /// Some task failed or is parked.
    Failed,
    /// It was cancelled.
    Cancelled,
}

impl Standing {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Recovering => "recovering",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Execution {
    /// How it stands.
    pub fn standing(&self) -> Standing {
        match self.ended {
            Some((EndState::Completed, _)) => Standing::Completed,
            Some((EndState::Failed, _)) => Standing::Failed,
            Some((EndState::Cancelled, _)) => Standing::Cancelled,
            None if self.paused => Standing::Paused,
            None if self.counts.recovering > 0 => Standing::Recovering,
            None if self.started.is_none() => Standing::Pending,
            None => Standing::Running,
        }
    }

    /// Whether its ready tasks may be dispatched.
    pub fn dispatches(&self) -> bool {
        !self.paused && self.cancelled.is_none() && self.stopped.is_none() && self.ended.is_none()
    }

    /// Whether all that waits in it is void.
    pub fn is_void(&self) -> bool {
        self.cancelled.is_some() || self.stopped.is_some()
    }

    /// The level of a task.
    pub fn level(&self, task: u32) -> Priority {
        self.priority.unwrap_or(self.tasks[task as usize].spec.priority)
    }

    /// How its round ends, once nothing runs or waits.
    pub fn verdict(&self) -> EndState {
        if self.cancelled.is_some() {
            EndState::Cancelled
        } else if self.counts.failed > self.counts.forgiven || self.counts.parked > 0 || self.stopped.is_some() {
            EndState::Failed
        } else {
            EndState::Completed
        }
    }

    /// Makes the index of names.
    pub fn index(&mut self) {
        self.names = Arc::new(self.tasks.iter().zip(0..).map(|(t, i)| (t.spec.id.clone(), i)).collect());
    }
}

impl Counts {
    /// Tasks that may still act in this round.
    pub fn live(&self) -> u32 {
        self.ready + self.backing_off + self.running
    }

    /// The counter of a phase.
    pub fn of(&mut self, phase: &Phase) -> &mut u32 {
        match phase {
            Phase::Waiting => &mut self.waiting,
            Phase::Ready { .. } => &mut self.ready,
            Phase::BackingOff { .. } => &mut self.backing_off,
            Phase::Running(_) => &mut self.running,
            Phase::Passed => &mut self.passed,
            Phase::Failed => &mut self.failed,
            Phase::Cancelled => &mut self.cancelled,
            Phase::Skipped { .. } => &mut self.skipped,
            Phase::Parked { .. } => &mut self.parked,
        }
    }
}

impl Execution {
    /// Counts a task where it stands, or takes that count back.
    pub fn tally(&mut self, task: u32, add: bool) {
        let Some(task) = self.tasks.get(task as usize) else { return };
        let count = |n: &mut u32| *n = if add { *n + 1 } else { n.saturating_sub(1) };
        count(self.counts.of(&task.phase));
        let story = task.story.as_deref();
        let passed = task.phase == Phase::Passed;
        if passed && story.is_some_and(|s| s.flaky) {
            count(&mut self.counts.flaky);
        }
        if passed && story.is_some_and(|s| s.resumed) {
            count(&mut self.counts.resumed);
        }
        if task.phase == Phase::Failed && task.spec.allow_failure {
            count(&mut self.counts.forgiven);
        }
    }
}

/// An ended execution for tests, with so many parked tasks.
#[cfg(test)]
pub fn example(number: u32, ended: Timestamp, parked: u32) -> Execution {
    use model::FlowId;

    let flow = FlowId::new("f").expect("a name");
    let head = FlowHead { flow: flow.clone(), tasks: 0, edges: 0, locks: BTreeMap::new() };
    Execution {
        id: ExecutionId { flow, number },
        head: Arc::new(head),
        key: Key::new("k").expect("a name"),
        who: String::new(),
        submitted: Timestamp(0),
        started: None,
        ended: Some((EndState::Failed, ended)),
        round: 1,
        priority: None,
        policies: BTreeMap::new(),
        paused: false,
        cancelled: None,
        cancelled_by: None,
        stopped: None,
        reopening: VecDeque::new(),
        reopened: 0,
        work: 0,
        counts: Counts { parked, ..Counts::default() },
        retries: 0,
        turn: 0,
        zones: BTreeMap::new(),
        tasks: Vec::new(),
        names: Arc::default(),
        position: 0,
    }
}
