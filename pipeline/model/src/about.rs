//! What an event is about, whatever its kind: an execution, a task, an attempt, a node.

use crate::event::TaskRef;
use crate::{Body, NodeId};

/// What an event is about.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct About<'a> {
    /// The execution's number.
    pub execution: Option<u32>,
    /// The task.
    pub task: Option<TaskRef>,
    /// The attempt.
    pub attempt: Option<u32>,
    /// The node.
    pub node: Option<&'a NodeId>,
}

/// What an event is about.
pub fn about(body: &Body) -> About<'_> {
    let none = About::default();
    let run = |execution: u32| About { execution: Some(execution), ..none };
    let task = |at: TaskRef| About { execution: Some(at.execution), task: Some(at), ..none };
    let try_of = |at: TaskRef, attempt: u32| About { attempt: Some(attempt), ..task(at) };
    match body {
        Body::PoolSettingsPut { .. }
        | Body::PolicyPut { .. }
        | Body::RequestAnswered { .. }
        | Body::KeysForgotten { .. }
        | Body::InputRejected { .. }
        | Body::ZoneEmergency { .. }
        | Body::FlowPart { .. }
        | Body::UploadExpired { .. }
        | Body::WorkDone { .. }
        | Body::LockGranted { .. }
        | Body::LockReleased { .. }
        | Body::ReportStale { .. }
        | Body::NotifiedUpTo { .. } => none,
        Body::NodeJoined(joined) => About { node: Some(&joined.node), ..none },
        Body::NodeSuspected { node, .. }
        | Body::NodeReturned { node, .. }
        | Body::NodeLost { node, .. }
        | Body::NodeLeft { node, .. } => About { node: Some(node), ..none },
        Body::ExecutionStarted { execution, .. }
        | Body::ExecutionPaused { execution }
        | Body::ExecutionResumed { execution }
        | Body::ExecutionCancelRequested { execution, .. }
        | Body::ExecutionStopped { execution, .. }
        | Body::ExecutionEnded { execution, .. }
        | Body::ExecutionReopened { execution, .. }
        | Body::ExecutionForgotten { execution, .. } => run(*execution),
        Body::TaskReady { at, .. }
        | Body::TaskReset { at, .. }
        | Body::TaskSkipped { at, .. }
        | Body::TaskParked { at, .. }
        | Body::TaskEnded { at, .. }
        | Body::TaskNeedsPut { at, .. } => task(*at),
        Body::AttemptDispatched(of) => About { node: Some(&of.node), ..try_of(of.at, of.attempt) },
        Body::AttemptTakenBack { at, attempt, node, .. } => About { node: Some(node), ..try_of(*at, *attempt) },
        Body::AttemptEnded(of) => About { node: Some(&of.node), ..try_of(of.at, of.attempt) },
        Body::AttemptAccepted { at, attempt }
        | Body::AttemptStarted { at, attempt, .. }
        | Body::AttemptProgressed { at, attempt, .. }
        | Body::AttemptCheckpointed { at, attempt, .. }
        | Body::AttemptCancelRequested { at, attempt, .. }
        | Body::TestResults { at, attempt, .. } => try_of(*at, *attempt),
        Body::FailureClassified(of) => try_of(of.at, of.attempt),
        Body::RetryDecided(of) => try_of(of.at, of.attempt),
        Body::RecoveryPhase { at, .. } => at.map_or(none, task),
    }
}
