//! A pool: all that its decisions rest on, and the one place where a task changes its phase.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use model::event::{TaskRef, Work};
use model::policy::Policy;
use model::{ExecutionId, Key, LeaseId, LockId, Millis, NodeId, PolicyId, PoolSettings, TaskId, Timestamp};
use serde::{Deserialize, Serialize};

use super::ended::Ended;
use super::execution::Execution;
use super::lock::Lock;
use super::node::Node;
use super::queue::Queues;
use super::recovery::Recovery;
use super::task::{Phase, TaskState};
use super::upload::{KeptAnswer, Upload};

/// Nodes that share work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pool {
    /// Its settings.
    pub settings: PoolSettings,
    /// A longer `lost` of before, and until when nodes may still live by it.
    #[serde(default)]
    pub longer_lost: Option<(Millis, Timestamp)>,
    /// Each version of each policy.
    pub policies: BTreeMap<PolicyId, Arc<Policy>>,
    /// The newest version of each, by name.
    pub newest: BTreeMap<String, PolicyId>,
    /// Its nodes.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Zones in which verdicts wait.
    pub emergencies: BTreeSet<String>,
    /// Its locks.
    pub locks: BTreeMap<LockId, Lock>,
    /// Flows that come in parts.
    pub uploads: BTreeMap<Key, Upload>,
    /// Nothing that was asked before this is new: the clock was moved back behind it on purpose, and keys of the time
    /// that is lived through again may be forgotten.
    #[serde(default)]
    pub asked_since: Timestamp,
    /// Answers for repeats.
    pub keys: BTreeMap<Key, KeptAnswer>,
    /// Executions by number.
    pub executions: BTreeMap<u32, Arc<Execution>>,
    /// The number of the last execution.
    pub last_execution: u32,
    /// Current leases.
    pub leases: BTreeMap<LeaseId, TaskRef>,
    /// Work lists that are not done, oldest first, each with where it goes on.
    pub work: VecDeque<(Work, u32)>,
    /// The last recoveries.
    pub recoveries: BTreeMap<u32, Recovery>,
    /// Those that are not done.
    pub open_recoveries: BTreeSet<u32>,
    /// The number of the last recovery.
    pub last_recovery: u32,
    /// Counts dispatches, for turns.
    pub turn: u64,
    /// Ready tasks (index).
    #[serde(skip)]
    pub queues: Queues,
    /// Which ended execution leaves next (index).
    #[serde(skip)]
    pub ended: Ended,
    /// What is due when (index).
    #[serde(skip)]
    pub timers: BTreeSet<(Timestamp, Timer)>,
}

/// What waits for a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A task's next attempt.
    Retry(TaskRef),
    /// An upload expires if it was silent.
    Upload(Key),
    /// A key is forgotten.
    Key(Key),
    /// An ended execution leaves.
    Forget(u32),
}

impl Pool {
    /// Silence after which a node's locked work has ended for certain: what its last answered beat may have told it.
    pub fn lost_ms(&self, now: Timestamp) -> Millis {
        let before = self.longer_lost.filter(|(_, until)| now < *until);
        before.map_or(Millis(0), |(lost, _)| lost).max(self.settings.lost_ms)
    }

    /// Settings change; a `lost` that becomes shorter counts when the longer one has passed.
    pub fn set(&mut self, settings: PoolSettings, now: Timestamp) {
        let lost = self.lost_ms(now);
        if settings.lost_ms < lost {
            self.longer_lost = Some((lost, now + lost));
        }
        self.settings = settings;
        self.rebuild();
    }

    /// An execution by number.
    pub fn execution(&self, number: u32) -> Option<&Execution> {
        self.executions.get(&number).map(Arc::as_ref)
    }

    /// An execution by name.
    pub fn execution_named(&self, id: &ExecutionId) -> Option<&Execution> {
        self.execution(id.number).filter(|e| e.id == *id)
    }

    /// An execution, to be changed.
    pub fn execution_mut(&mut self, number: u32) -> Option<&mut Execution> {
        self.executions.get_mut(&number).map(Arc::make_mut)
    }

    /// A task.
    pub fn task(&self, at: TaskRef) -> Option<&TaskState> {
        self.execution(at.execution)?.tasks.get(at.task as usize)
    }

    /// A task, to be changed otherwise than in its phase.
    pub fn task_mut(&mut self, at: TaskRef) -> Option<&mut TaskState> {
        self.execution_mut(at.execution)?.tasks.get_mut(at.task as usize)
    }

    /// The newest execution that has a task of this name.
    pub fn newest_with(&self, task: &TaskId) -> Option<(&Execution, u32)> {
        self.executions.values().rev().find_map(|e| e.names.get(task).map(|index| (e.as_ref(), *index)))
    }

    /// Whether a lease holds: it is known, and its node lives in the generation that got it.
    pub fn current(&self, lease: LeaseId) -> Option<TaskRef> {
        let at = *self.leases.get(&lease)?;
        let attempt = self.task(at)?.attempt()?;
        let node = self.nodes.get(&attempt.node)?;
        (node.generation == attempt.generation).then_some(at)
    }

    /// Moves a task to another phase; counts, queues and timers follow.
    pub fn set_phase(&mut self, at: TaskRef, phase: Phase) {
        // The last parked task of an ended execution may be dropped: then it is kept for less long.
        self.note_ended(at.execution, false);
        self.leave(at);
        if let Some(task) = self.task_mut(at) {
            task.phase = phase;
            self.enter(at);
        }
        self.note_ended(at.execution, true);
    }

    /// Notes when an execution leaves the state, or takes that note back, if it has ended.
    pub fn note_ended(&mut self, number: u32, add: bool) {
        let Some(execution) = self.executions.get(&number) else { return };
        let Some(due) = self.forget_at(execution) else { return };
        self.ended.tally(execution, add);
        if add {
            self.timers.insert((due, Timer::Forget(number)));
        } else {
            self.timers.remove(&(due, Timer::Forget(number)));
        }
    }

    fn leave(&mut self, at: TaskRef) {
        let Self { executions, queues, timers, .. } = self;
        let Some(execution) = executions.get_mut(&at.execution).map(Arc::make_mut) else { return };
        let Some(task) = execution.tasks.get(at.task as usize) else { return };
        match &task.phase {
            Phase::Ready { rank, queue, .. } => {
                let place = (at.execution, at.task);
                queues.remove(*queue, execution.level(at.task), execution.turn, *rank, place);
            }
            Phase::BackingOff { until } => {
                timers.remove(&(*until, Timer::Retry(at)));
            }
            Phase::Waiting
            | Phase::Running(_)
            | Phase::Passed
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Skipped { .. }
            | Phase::Parked { .. } => {}
        }
        execution.tally(at.task, false);
    }

    fn enter(&mut self, at: TaskRef) {
        let Self { executions, queues, timers, nodes, .. } = self;
        let Some(execution) = executions.get_mut(&at.execution).map(Arc::make_mut) else { return };
        let (level, turn, shown) = match execution.tasks.get(at.task as usize) {
            Some(_) => (execution.level(at.task), execution.turn, execution.dispatches()),
            None => return,
        };
        let task = &mut execution.tasks[at.task as usize];
        let needs = task.story.as_ref().and_then(|s| s.needs.as_deref()).unwrap_or(&task.spec.needs);
        match &mut task.phase {
            Phase::Ready { rank, queue, .. } => {
                *queue = queues.queue_for(needs, nodes);
                queues.add(*queue, level, turn, shown, *rank, (at.execution, at.task));
            }
            Phase::BackingOff { until } => {
                timers.insert((*until, Timer::Retry(at)));
            }
            Phase::Waiting
            | Phase::Running(_)
            | Phase::Passed
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Skipped { .. }
            | Phase::Parked { .. } => {}
        }
        execution.tally(at.task, true);
    }

    /// When an ended execution leaves the state.
    pub fn forget_at(&self, execution: &Execution) -> Option<Timestamp> {
        let (_, at) = execution.ended?;
        let kept = if execution.counts.parked > 0 { self.settings.parked_ms } else { self.settings.ended_ms };
        Some(at + kept)
    }

    /// Makes all indices anew.
    pub fn rebuild(&mut self) {
        self.queues = Queues::default();
        self.timers.clear();
        self.ended = Ended::default();
        for (name, node) in &self.nodes {
            self.queues.node_changed(name, node);
        }
        let numbers: Vec<u32> = self.executions.keys().copied().collect();
        for number in numbers {
            let Some(execution) = self.executions.get_mut(&number).map(Arc::make_mut) else { continue };
            execution.index();
            let waiting: Vec<u32> =
                (0..).zip(&execution.tasks).filter(|(_, t)| needs_index(t)).map(|(i, _)| i).collect();
            for task in waiting {
                self.enter_again(TaskRef { execution: number, task });
            }
            self.note_ended(number, true);
        }
        self.uploads.values_mut().for_each(Upload::index);
        let uploads = self.uploads.iter().map(|(key, u)| (u.at + self.settings.upload_ms, Timer::Upload(key.clone())));
        let keys = self.keys.iter().map(|(key, k)| (k.at + self.settings.keys_ms, Timer::Key(key.clone())));
        self.timers.extend(uploads.chain(keys));
    }

    /// Enters a task into the indices without counting it again.
    fn enter_again(&mut self, at: TaskRef) {
        if let Some(execution) = self.execution_mut(at.execution) {
            execution.tally(at.task, false);
        }
        self.enter(at);
    }
}

fn needs_index(task: &TaskState) -> bool {
    match task.phase {
        Phase::Ready { .. } | Phase::BackingOff { .. } => true,
        Phase::Waiting
        | Phase::Running(_)
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped { .. }
        | Phase::Parked { .. } => false,
    }
}
