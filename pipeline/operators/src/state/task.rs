//! One task of an execution: where it stands, and what its attempts left behind.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::event::SkipReason;
use model::hash::fnv1a;
use model::policy::Place;
use model::report::Case;
use model::task::{Needs, Task};
use model::{Millis, NodeId, Timestamp, Want};
use serde::{Deserialize, Serialize};

use super::attempt::{Attempt, Tried};

/// A task. What most tasks never need is boxed, so that a million of them stay small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskState {
    /// As the flow says.
    pub spec: Arc<Task>,
    /// What it waits for.
    pub deps: Vec<(u32, Want)>,
    /// What waits for it.
    pub dependents: Vec<(u32, Want)>,
    /// Dependencies that do not hold yet.
    pub unmet: u32,
    /// Where it stands.
    pub phase: Phase,
    /// The sweep of a reopening that last reset it.
    pub reset: u32,
    /// Attempts so far, over all rounds.
    pub attempts: u32,
    /// What its attempts left behind.
    pub story: Option<Box<Story>>,
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    /// For others to end.
    Waiting,
    /// For a node, slots or locks.
    Ready {
        /// Since when.
        since: Timestamp,
        /// Its longest remaining path.
        rank: Millis,
        /// The queue that it stands in (index).
        #[serde(skip)]
        queue: u32,
    },
    /// For its next attempt's time.
    BackingOff {
        /// When that is.
        until: Timestamp,
    },
    /// It runs, or is on its way.
    Running(Box<Attempt>),
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// It did not run in this round.
    Skipped {
        /// Because of this task.
        because: u32,
        /// Why.
        how: SkipReason,
    },
    /// It waits for a person.
    Parked {
        /// Since when.
        since: Timestamp,
    },
}

/// What the attempts of a task left behind.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// Each attempt; at most [`MAX_TRIED`], the middle ones leave first.
    pub tried: Vec<Tried>,
    /// Failures of machines, of the test, of memory, in this round.
    pub counters: [u32; 3],
    /// Attempts of earlier rounds: limits count those of this one.
    #[serde(default)]
    pub before: u32,
    /// Uses of each rule in this round.
    pub uses: Vec<(String, u32)>,
    /// Different nodes that were lost under it in this round.
    pub lost_nodes: Vec<NodeId>,
    /// What the next attempt gets.
    pub checkpoint: Option<Arc<str>>,
    /// When it came.
    pub checkpoint_at: Option<Timestamp>,
    /// What the next attempt needs, where that is not what the flow says.
    pub needs: Option<Box<Needs>>,
    /// Where the next attempt would rather run, seen from where the last one ran.
    pub place: Place,
    /// It failed before it passed.
    pub flaky: bool,
    /// It went on from a checkpoint, or on another node, after a loss.
    pub resumed: bool,
    /// It passed by a rule that ignores its failure.
    pub ignored: bool,
    /// An attempt was lost and its successor has shown no progress yet; with the recovery's number.
    pub recovering: Option<u32>,
    /// Why it is parked: the rule, and words for people.
    pub parked: Option<(String, String)>,
    /// Tests that failed in this round, by [`test_hash`]; at most [`MAX_FAILED_TESTS`].
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub failed_tests: BTreeSet<u64>,
}

/// Most attempts that a task remembers.
pub const MAX_TRIED: usize = 40;
/// Most failed tests that a task remembers.
pub const MAX_FAILED_TESTS: usize = 1_000;

/// A test of a task, by its suite and name.
pub fn test_hash(case: &Case) -> u64 {
    fnv1a(case.suite.bytes().chain([0]).chain(case.test.bytes()))
}

impl TaskState {
    /// A task that nothing has happened to.
    pub fn new(spec: Arc<Task>) -> Self {
        let (deps, dependents) = (Vec::new(), Vec::new());
        Self { spec, deps, dependents, unmet: 0, phase: Phase::Waiting, reset: 0, attempts: 0, story: None }
    }

    /// What its next attempt needs.
    pub fn needs(&self) -> &Needs {
        self.story.as_ref().and_then(|s| s.needs.as_deref()).unwrap_or(&self.spec.needs)
    }

    /// Its running attempt, if it has one.
    pub fn attempt(&self) -> Option<&Attempt> {
        match &self.phase {
            Phase::Running(attempt) => Some(attempt),
            Phase::Waiting
            | Phase::Ready { .. }
            | Phase::BackingOff { .. }
            | Phase::Passed
            | Phase::Failed
            | Phase::Cancelled
            | Phase::Skipped { .. }
            | Phase::Parked { .. } => None,
        }
    }

    /// Whether a test failed before in this round.
    pub fn has_failed(&self, case: &Case) -> bool {
        self.story.as_ref().is_some_and(|story| story.failed_tests.contains(&test_hash(case)))
    }

    /// The story, made when first asked for.
    pub fn story_mut(&mut self) -> &mut Story {
        self.story.get_or_insert_default()
    }

    /// The attempt that is remembered last.
    pub fn last_tried_mut(&mut self) -> Option<&mut Tried> {
        self.story.as_mut().and_then(|s| s.tried.last_mut())
    }
}

impl Phase {
    /// Whether the task has ended in this round.
    pub fn is_over(&self) -> bool {
        match self {
            Self::Passed | Self::Failed | Self::Cancelled | Self::Skipped { .. } | Self::Parked { .. } => true,
            Self::Waiting | Self::Ready { .. } | Self::BackingOff { .. } | Self::Running(_) => false,
        }
    }

    /// Whether the task waits for a person.
    pub fn is_parked(&self) -> bool {
        matches!(self, Self::Parked { .. })
    }

    /// Since when it is ready, if it is.
    pub fn ready_since(&self) -> Option<Timestamp> {
        match self {
            Self::Ready { since, .. } => Some(*since),
            Self::Waiting
            | Self::BackingOff { .. }
            | Self::Running(_)
            | Self::Passed
            | Self::Failed
            | Self::Cancelled
            | Self::Skipped { .. }
            | Self::Parked { .. } => None,
        }
    }

    /// What an ending means for a task that waits for it.
    pub fn meets(&self, want: Want) -> Met {
        match (self, want) {
            (Self::Waiting | Self::Ready { .. } | Self::BackingOff { .. } | Self::Running(_), _) => Met::NotYet,
            (_, Want::Finished) | (Self::Passed, Want::Passed) | (Self::Failed, Want::Failed) => Met::Yes,
            (Self::Parked { .. }, Want::Passed | Want::Failed) => Met::Blocked,
            (Self::Passed, Want::Failed)
            | (Self::Failed, Want::Passed)
            | (Self::Cancelled | Self::Skipped { .. }, Want::Passed | Want::Failed) => Met::Never,
        }
    }

    /// The phase's word, for people.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready { .. } => "ready",
            Self::BackingOff { .. } => "backing_off",
            Self::Running(_) => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped { .. } => "skipped",
            Self::Parked { .. } => "parked",
        }
    }
}

/// Whether a dependency holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It holds.
    Yes,
    /// It may hold later.
    NotYet,
    /// It may hold if a person replays a parked task; else the one that waits is skipped when the round ends.
    Blocked,
    /// It cannot hold any more.
    Never,
}

/// A task for tests.
#[cfg(test)]
pub fn example(id: &str) -> Task {
    Task {
        id: model::TaskId::new(id).expect("a name"),
        run: vec!["true".to_owned()],
        env: Default::default(),
        dir: None,
        needs: Needs::default(),
        priority: Default::default(),
        timeout_ms: Millis(3_600_000),
        stall_ms: None,
        grace_ms: Millis(30_000),
        estimate_ms: Millis(60_000),
        path_ms: Millis(60_000),
        retry: "default".to_owned(),
        allow_failure: false,
        results: Vec::new(),
    }
}
