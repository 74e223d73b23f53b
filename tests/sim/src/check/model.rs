//! The reference model: what the journal's events mean, written a second time, and what each of them demands.
//!
//! It keeps no indices and decides nothing; it says whether an event may stand where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::event::{Action, AttemptOutcome, EndState, TaskRef};
use model::policy::{FailureClass, Policy};
use model::request::{Answer, RetryScope};
use model::task::{Edge, Needs, Task};
use model::{BootId, Key, LeaseId, LockId, NodeId, PolicyId};

/// All that the events say.
#[derive(Debug, Default)]
pub struct Model {
    /// Executions by number, forgotten ones too.
    pub executions: BTreeMap<u32, Execution>,
    /// Nodes by name.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Every lease that was ever granted.
    pub leases: BTreeMap<LeaseId, Lease>,
    /// Permits by lock: who holds how many.
    pub locks: BTreeMap<LockId, (u32, BTreeMap<LeaseId, u32>)>,
    /// Flows that come in parts, with when the last part came.
    pub uploads: BTreeMap<Key, Upload>,
    /// Versions of policies.
    pub policies: BTreeMap<PolicyId, Arc<Policy>>,
    /// Every answer, by key.
    pub answers: BTreeMap<Key, Vec<Given>>,
    /// Executions begun, by key.
    pub begun: BTreeMap<Key, Vec<u32>>,
    /// What does not fit.
    pub violations: Vec<String>,
}

/// An answer in the journal.
#[derive(Debug, Clone)]
pub struct Given {
    /// Since when it is visible.
    pub visible: u64,
    /// A hash of what was asked.
    pub content: u64,
    /// The answer.
    pub answer: Answer,
}

/// A flow that comes in parts.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// Its tasks so far.
    pub tasks: Vec<Arc<Task>>,
    /// Its edges so far.
    pub edges: Vec<Edge>,
    /// Sizes of locks.
    pub locks: BTreeMap<LockId, u32>,
    /// When the last part came.
    pub at: u64,
}

/// An execution.
#[derive(Debug, Clone, Default)]
pub struct Execution {
    /// Its tasks.
    pub tasks: Vec<TaskM>,
    /// Policies that it began with.
    pub policies: Vec<PolicyId>,
    /// The round.
    pub round: u32,
    /// No dispatches.
    pub paused: bool,
    /// It was cancelled.
    pub cancelled: bool,
    /// A rule stopped it.
    pub stopped: bool,
    /// How and when its round ended.
    pub ended: Option<(EndState, u64)>,
    /// Retries of this round after test failures.
    pub retries: u32,
    /// Reopenings that are not done.
    pub reopening: Vec<RetryScope>,
    /// Tasks that a reopening names and that were not reset since.
    pub owed: BTreeSet<u32>,
    /// It left the state.
    pub forgotten: bool,
}

/// A task.
#[derive(Debug, Clone)]
pub struct TaskM {
    /// As the flow says.
    pub spec: Arc<Task>,
    /// What it waits for.
    pub deps: Vec<Edge>,
    /// What its next attempt needs.
    pub needs: Needs,
    /// Where it stands.
    pub phase: Phase,
    /// Since when it stands there, by the entry's time and by the world's.
    pub since: (u64, u64),
    /// Attempts so far.
    pub attempts: u32,
    /// Attempts of earlier rounds.
    pub before: u32,
    /// Uses of rules in this round.
    pub uses: BTreeMap<String, u32>,
    /// Nodes lost under it in this round.
    pub lost: BTreeSet<NodeId>,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// For others.
    Waiting,
    /// For a node.
    Ready,
    /// For a time.
    BackingOff(u64),
    /// It runs under a lease.
    Running(LeaseId),
    /// Its attempt ended; the next event says what follows.
    Over(AttemptOutcome),
    /// Its failure has a class.
    Classified(FailureClass),
    /// It was decided what follows.
    Decided(Action),
    /// Its attempt was taken back.
    TakenBack,
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It was skipped.
    Skipped,
    /// It waits for a person.
    Parked,
}

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Its present boot.
    pub boot: BootId,
    /// Whether its leases hold.
    pub present: bool,
    /// Its slots, memory and labels.
    pub slots: u32,
    /// Its memory in MiB.
    pub memory_mb: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// A refusal forbids starts that name a beat up to this one.
    pub refused: Option<u64>,
}

/// A lease.
#[derive(Debug, Clone)]
pub struct Lease {
    /// Whose.
    pub at: TaskRef,
    /// On which node.
    pub node: NodeId,
    /// Of which boot.
    pub boot: BootId,
    /// What it takes.
    pub needs: Needs,
    /// The beat that the start names.
    pub after_beat: u64,
    /// Since when its dispatch is visible.
    pub granted: u64,
    /// Its acceptance was read.
    pub accepted: bool,
    /// Since when its void is visible.
    pub void: Option<u64>,
    /// Since when its cancel is visible.
    pub cancel: Option<u64>,
    /// It was taken back unseen.
    pub unseen: bool,
    /// Its node reported its end.
    pub reported: bool,
    /// It was found missing: when that was decided.
    pub missing: Option<u64>,
}

impl Phase {
    /// Whether the task has ended in its round.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Passed | Self::Failed | Self::Cancelled | Self::Skipped | Self::Parked => true,
            Self::Waiting
            | Self::Ready
            | Self::BackingOff(_)
            | Self::Running(_)
            | Self::Over(_)
            | Self::Classified(_)
            | Self::Decided(_)
            | Self::TakenBack => false,
        }
    }
}

impl Model {
    /// A task.
    pub fn task(&mut self, at: TaskRef) -> Option<&mut TaskM> {
        self.executions.get_mut(&at.execution)?.tasks.get_mut(at.task as usize)
    }

    /// The phase of a task.
    pub fn phase(&self, at: TaskRef) -> Option<Phase> {
        Some(self.executions.get(&at.execution)?.tasks.get(at.task as usize)?.phase.clone())
    }

    /// Something does not fit.
    pub fn fail(&mut self, what: String) {
        if self.violations.len() < 20 {
            self.violations.push(what);
        }
    }

    /// Demands something.
    pub fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.fail(what());
        }
    }

    /// Slots that the current leases of a node take.
    pub fn used(&self, node: &NodeId) -> u32 {
        self.current(node).map(|(_, lease)| lease.needs.slots).sum()
    }

    /// The current leases of a node.
    pub fn current<'a>(&'a self, node: &'a NodeId) -> impl Iterator<Item = (&'a LeaseId, &'a Lease)> {
        self.leases.iter().filter(move |(_, lease)| lease.void.is_none() && lease.node == *node)
    }
}
