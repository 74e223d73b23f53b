//! The events of the journal. Each says which operator decides it and what it changes; `operators::fold` applies it.
//!
//! Every number that a decision rests on is in its event, so that an old journal folds to the same state on any
//! machine and by any later version. Executions are named by their number in the pool, tasks by their index in the
//! flow; the flow's parts, which stand in the journal before, hold the names.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::policy::{FailureClass, Place, Policy};
use crate::report::{Case, End, Refusal};
use crate::request::{Answer, RetryScope, Submit};
use crate::task::Needs;
use crate::{BootId, Key, LeaseId, LockId, Millis, NodeId, PolicyId, PoolId, PoolSettings, TaskId};

/// Most events of one decision.
pub const MAX_EVENTS: usize = 256;

/// One event: in which pool, by whom, what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The pool.
    pub pool: PoolId,
    /// Whose doing it is.
    #[serde(default, skip_serializing_if = "By::is_engine")]
    pub by: By,
    /// What happened or was decided.
    pub event: Body,
}

/// Whose doing an event is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The engine's own decision.
    #[default]
    Engine,
    /// A node reported it. The first event of each report carries this, and so marks it as consumed.
    Node {
        /// The node.
        node: NodeId,
        /// Its boot.
        boot: BootId,
        /// The report's number in that boot.
        seq: u64,
    },
    /// A person asked for it.
    Person {
        /// Who.
        who: String,
        /// With which idempotency key.
        key: Key,
        /// Why.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
}

impl By {
    fn is_engine(&self) -> bool {
        *self == By::Engine
    }
}

/// A task of an execution, by number and index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskRef {
    /// The execution's number in the pool.
    #[serde(rename = "x")]
    pub execution: u32,
    /// The task's index in the flow.
    #[serde(rename = "t")]
    pub task: u32,
}

/// What happened or was decided.
#[expect(missing_docs, reason = "fields say what they hold; the words of each event stand above it")]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    // -- the pool --
    /// intake: settings hold from here on; the first one makes the pool.
    PoolSettingsPut { settings: PoolSettings },
    /// intake: a version of a policy; executions that begin later use it.
    PolicyPut { id: PolicyId, policy: Arc<Policy> },
    /// intake: what became of a request; kept for repeats of its key.
    RequestAnswered { key: Key, content: u64, at: crate::Timestamp, answer: Answer },
    /// intake: keys older than this are forgotten.
    KeysForgotten { before: crate::Timestamp },
    /// intake: an input that could not be used, and why. It also goes to `rejects`.
    InputRejected { topic: String, position: u64, hash: u64, reason: String },

    // -- fleet --
    /// fleet: a node joins or comes back; its older leases are void if the boot is new or it was lost.
    NodeJoined(Box<NodeJoined>),
    /// fleet: it has been silent for long.
    NodeSuspected { node: NodeId, silent_ms: Millis },
    /// fleet: it was suspect and has been heard.
    NodeReturned { node: NodeId, silent_ms: Millis },
    /// fleet: it is given up; all its leases are void from here on.
    NodeLost { node: NodeId, boot: BootId, silent_ms: Millis, evidence: String, recovery: u32 },
    /// fleet: it said goodbye; all its leases are void from here on.
    NodeLeft { node: NodeId, boot: BootId, why: String, recovery: Option<u32> },
    /// fleet: a zone went silent as a whole (verdicts wait), or is heard again.
    ZoneEmergency { zone: String, on: bool, silent: u32, nodes: u32 },

    // -- flows and executions --
    /// intake: one part of an upload.
    FlowPart { key: Key, submit: Box<Submit> },
    /// intake: an upload was silent for too long.
    UploadExpired { key: Key },
    /// execution: the upload is complete; an execution of it begins.
    ExecutionStarted { execution: u32, key: Key, policies: Vec<PolicyId> },
    /// execution: no dispatches and no retries from here on.
    ExecutionPaused { execution: u32 },
    /// execution: dispatches go on.
    ExecutionResumed { execution: u32 },
    /// execution: all of it is void from here on; running attempts are told.
    ExecutionCancelRequested { execution: u32, kill: bool },
    /// execution: nothing more starts, since a rule said stop.
    ExecutionStopped { execution: u32, rule: String },
    /// execution: its round has ended.
    ExecutionEnded { execution: u32, round: u32, state: EndState },
    /// execution: tasks wait again; opens the next round if the last has ended.
    ExecutionReopened { execution: u32, round: u32, scope: RetryScope, drop_checkpoints: bool },
    /// execution: it leaves the state; why.
    ExecutionForgotten {
        execution: u32,
        #[serde(default)]
        why: String,
    },
    /// execution: a work list has been done up to here.
    WorkDone { work: Work, next: u32, done: bool },

    // -- tasks --
    /// execution: it may run. `rank_ms` is its longest remaining path.
    TaskReady { at: TaskRef, rank_ms: Millis },
    /// execution: it waits again, for so many of its dependencies.
    TaskReset { at: TaskRef, unmet: u32 },
    /// execution: it will not run in this round.
    TaskSkipped { at: TaskRef, because: u32, how: SkipReason },
    /// retry: it waits for a person.
    TaskParked { at: TaskRef, rule: String, why: String },
    /// retry or execution: it has ended.
    TaskEnded { at: TaskRef, result: TaskResult },
    /// execution: a person changes what its next attempt needs.
    TaskNeedsPut { at: TaskRef, needs: Box<Needs> },

    // -- attempts --
    /// schedule: a node shall run it.
    AttemptDispatched(Box<Dispatch>),
    /// progress: the node has it.
    AttemptAccepted { at: TaskRef, attempt: u32 },
    /// fleet: it never ran, and counts for nothing.
    AttemptTakenBack { at: TaskRef, attempt: u32, lease: LeaseId, node: NodeId, why: TakeBack },
    /// progress: its process runs.
    AttemptStarted { at: TaskRef, attempt: u32, pid: u32 },
    /// progress: how far it is.
    AttemptProgressed { at: TaskRef, attempt: u32, fraction: f64, note: Option<String> },
    /// progress: what the next attempt gets.
    AttemptCheckpointed { at: TaskRef, attempt: u32, text: Arc<str> },
    /// execution or progress: its node shall end it.
    AttemptCancelRequested { at: TaskRef, attempt: u32, lease: LeaseId, grace_ms: Millis, why: String },
    /// progress: it has ended on its node, or its node is gone.
    AttemptEnded(Box<Ended>),
    /// progress: cases of its result files.
    TestResults { at: TaskRef, attempt: u32, cases: Vec<Case> },

    // -- decisions --
    /// classify: what kind of failure it was, and how that is known.
    FailureClassified(Box<Classified>),
    /// retry: what follows from it, and by which rule.
    RetryDecided(Box<Decided>),
    /// recovery: a phase was reached.
    RecoveryPhase { recovery: u32, phase: Phase, at: Option<TaskRef>, took_ms: Millis },
    /// schedule: permits were taken.
    LockGranted { lock: LockId, lease: LeaseId, permits: u32, free: u32 },
    /// schedule: permits are free again.
    LockReleased { lock: LockId, lease: LeaseId, permits: u32, free: u32 },
    /// intake: a report of a lease that is not current; it changes nothing.
    ReportStale { lease: Option<LeaseId>, report: String },
    /// protocol: rejects and notifications up to this journal position are out.
    NotifiedUpTo { position: u64 },
}

/// A node joins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeJoined {
    /// The node.
    pub node: NodeId,
    /// Its boot.
    pub boot: BootId,
    /// Its slots.
    pub slots: u32,
    /// Its memory in MiB; 0 is unknown.
    pub memory_mb: u64,
    /// Its zone.
    pub zone: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What became of the leases of its older boot, if it had any: the recovery's number.
    pub recovery: Option<u32>,
    /// For how long its older boot, if it counted as present, had been silent, as far as the engine listened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silent_ms: Option<Millis>,
}

/// A node shall run an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispatch {
    /// The task.
    pub at: TaskRef,
    /// Counted from 1 per task.
    pub attempt: u32,
    /// The lease, made of this event's place.
    pub lease: LeaseId,
    /// The node.
    pub node: NodeId,
    /// Its boot.
    pub boot: BootId,
    /// The last beat heard of it.
    pub after_beat: u64,
    /// The node's clock in that beat.
    pub after_up_ms: Millis,
    /// The start is void so long after that beat, however often it is sent.
    #[serde(default = "usual_expiry")]
    pub expires_ms: Millis,
    /// What it takes there.
    pub needs: Needs,
    /// Whether it gets a checkpoint.
    pub resumes: bool,
    /// How long it was ready.
    pub waited_ms: Millis,
    /// Why this node, or why it waited, for people.
    pub why: String,
}

/// What a start without an expiry of its own was made with.
pub fn usual_expiry() -> Millis {
    crate::PoolSettings::default().start_ms
}

/// An attempt has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The task.
    pub at: TaskRef,
    /// The attempt.
    pub attempt: u32,
    /// Its lease, void from here on.
    pub lease: LeaseId,
    /// The node that had it.
    pub node: NodeId,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// Whether its node counts as lost under the task.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counts_node: bool,
    /// What the node said, if it said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<End>,
    /// The recovery that it belongs to, if its node was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery: Option<u32>,
}

/// A failure and its class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Classified {
    /// The task.
    pub at: TaskRef,
    /// The attempt.
    pub attempt: u32,
    /// The class.
    pub class: FailureClass,
    /// Whether the evidence leaves no other reading.
    pub certain: bool,
    /// What alike failures have in common.
    pub signature: String,
    /// How it is known, for people.
    pub evidence: String,
}

/// What follows from a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// The task.
    pub at: TaskRef,
    /// The attempt that failed.
    pub attempt: u32,
    /// The policy and its version.
    pub policy: PolicyId,
    /// The rule that decided.
    pub rule: String,
    /// Each rule that was asked and why it did not match: `poison no: nodes_lost 1`.
    pub path: Vec<String>,
    /// What it does.
    pub action: Action,
    /// Uses of the rule for this task, this one included, and its limit.
    pub uses: (u32, u32),
    /// When the retry may run, after now.
    pub delay_ms: Millis,
    /// Where the retry would rather run.
    pub place: Place,
    /// What the retry needs, where that changes.
    pub needs: Option<Box<Needs>>,
    /// Whether the checkpoint is dropped.
    pub drop_checkpoint: bool,
    /// Words of the rule.
    pub why: String,
}

/// What a decision does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Try again.
    Retry,
    /// Set aside.
    Park,
    /// Set aside and call a person.
    Escalate,
    /// It has failed.
    Fail,
    /// It passes, marked.
    Ignore,
    /// It has failed, and nothing more of the execution starts.
    Stop,
}

/// How an execution's round ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndState {
    /// Each task passed, was skipped or may fail.
    Completed,
    /// Some task failed or is parked.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskResult {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It was cancelled.
    Cancelled,
}

/// Why a task was skipped; `because` names the task that it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// It ended otherwise than wanted.
    After,
    /// It is parked, and the round has ended.
    Blocked,
    /// The execution was stopped by a rule.
    Stopped,
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// It passed.
    Passed,
    /// It failed; the class follows.
    Failed,
    /// It was cancelled.
    Cancelled,
    /// Its node is gone or no longer has it.
    Lost,
}

/// Why a dispatch was taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakeBack {
    /// The node refused it.
    Refused(Refusal),
    /// It expired unseen.
    Unseen,
    /// The node was lost before it took it in.
    NodeLost,
}

/// A phase of a recovery; all are measured from the node's last sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The node was suspect.
    Suspected,
    /// The loss was noticed.
    Noticed,
    /// Its leases were void.
    Fenced,
    /// Its last attempt was decided about.
    Requeued,
    /// The first successor showed progress.
    Progress,
    /// Every successor has ended.
    Done,
}

/// A work list: what one cause asks of many, done in bounded steps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "fields are numbers of the pool")]
pub enum Work {
    /// Tasks without dependencies become ready.
    Begin { execution: u32 },
    /// Those that wait for a task learn how it ended.
    Tell { execution: u32, task: u32 },
    /// A cancelled or stopped execution's tasks end.
    Sweep { execution: u32 },
    /// A lost or gone node's attempts end.
    Node { node: NodeId, generation: u32 },
    /// What is blocked by a parked task is skipped, and the round ends.
    Close { execution: u32 },
    /// Tasks of a reopened execution wait again.
    Reopen { execution: u32 },
}

impl Body {
    /// The word of the kind, as in the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Self::PoolSettingsPut { .. } => "pool_settings_put",
            Self::PolicyPut { .. } => "policy_put",
            Self::RequestAnswered { .. } => "request_answered",
            Self::KeysForgotten { .. } => "keys_forgotten",
            Self::InputRejected { .. } => "input_rejected",
            Self::NodeJoined(_) => "node_joined",
            Self::NodeSuspected { .. } => "node_suspected",
            Self::NodeReturned { .. } => "node_returned",
            Self::NodeLost { .. } => "node_lost",
            Self::NodeLeft { .. } => "node_left",
            Self::ZoneEmergency { .. } => "zone_emergency",
            Self::FlowPart { .. } => "flow_part",
            Self::UploadExpired { .. } => "upload_expired",
            Self::ExecutionStarted { .. } => "execution_started",
            Self::ExecutionPaused { .. } => "execution_paused",
            Self::ExecutionResumed { .. } => "execution_resumed",
            Self::ExecutionCancelRequested { .. } => "execution_cancel_requested",
            Self::ExecutionStopped { .. } => "execution_stopped",
            Self::ExecutionEnded { .. } => "execution_ended",
            Self::ExecutionReopened { .. } => "execution_reopened",
            Self::ExecutionForgotten { .. } => "execution_forgotten",
            Self::WorkDone { .. } => "work_done",
            Self::TaskReady { .. } => "task_ready",
            Self::TaskReset { .. } => "task_reset",
            Self::TaskSkipped { .. } => "task_skipped",
            Self::TaskParked { .. } => "task_parked",
            Self::TaskEnded { .. } => "task_ended",
            Self::TaskNeedsPut { .. } => "task_needs_put",
            Self::AttemptDispatched(_) => "attempt_dispatched",
            Self::AttemptAccepted { .. } => "attempt_accepted",
            Self::AttemptTakenBack { .. } => "attempt_taken_back",
            Self::AttemptStarted { .. } => "attempt_started",
            Self::AttemptProgressed { .. } => "attempt_progressed",
            Self::AttemptCheckpointed { .. } => "attempt_checkpointed",
            Self::AttemptCancelRequested { .. } => "attempt_cancel_requested",
            Self::AttemptEnded(_) => "attempt_ended",
            Self::TestResults { .. } => "test_results",
            Self::FailureClassified(_) => "failure_classified",
            Self::RetryDecided(_) => "retry_decided",
            Self::RecoveryPhase { .. } => "recovery_phase",
            Self::LockGranted { .. } => "lock_granted",
            Self::LockReleased { .. } => "lock_released",
            Self::ReportStale { .. } => "report_stale",
            Self::NotifiedUpTo { .. } => "notified_up_to",
        }
    }
}

/// The name of a task inside an execution, for people: `EXECUTION/TASK@ATTEMPT`.
pub fn attempt_name(execution: &crate::ExecutionId, task: &TaskId, attempt: u32) -> String {
    format!("{execution}/{task}@{attempt}")
}
