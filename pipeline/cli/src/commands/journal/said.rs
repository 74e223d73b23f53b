//! An event in words: what its line says beside the kind and whom it is about.

use model::Body;
use model::event::{
    Action, AttemptOutcome, Classified, Decided, Dispatch, EndState, Ended, NodeJoined, Phase, TakeBack, TaskResult,
    Work,
};
use model::report::Refusal;
use model::request::RetryScope;

use crate::words::{counted, zone_named};

/// What the event says; empty when its kind says all.
pub fn said(event: &Body) -> String {
    match event {
        Body::PoolSettingsPut { .. }
        | Body::PolicyPut { .. }
        | Body::RequestAnswered { .. }
        | Body::KeysForgotten { .. }
        | Body::InputRejected { .. }
        | Body::FlowPart { .. }
        | Body::UploadExpired { .. }
        | Body::ReportStale { .. }
        | Body::NotifiedUpTo { .. } => of_the_pool(event),
        Body::NodeJoined(joined) => joins(joined),
        Body::NodeSuspected { silent_ms, .. } => format!("silent for {silent_ms}"),
        Body::NodeReturned { silent_ms, .. } => format!("was silent for {silent_ms}"),
        Body::NodeLost { silent_ms, evidence, recovery, .. } => {
            format!("silent for {silent_ms}; {evidence}; recovery r-{recovery}")
        }
        Body::NodeLeft { why, recovery, .. } => format!("{why}{}", recovering(*recovery)),
        Body::ZoneEmergency { zone, on: true, silent, nodes } => {
            format!("{}: {silent} of {nodes} nodes are silent, verdicts wait", zone_named(zone))
        }
        Body::ZoneEmergency { zone, on: false, .. } => format!("{}: heard again", zone_named(zone)),
        Body::ExecutionStarted { key, .. } => format!("key {key}"),
        Body::ExecutionCancelRequested { kill, .. } => (if *kill { "without grace" } else { "" }).to_owned(),
        Body::ExecutionStopped { rule, .. } => format!("rule {rule}"),
        Body::ExecutionForgotten { why, .. } => why.clone(),
        Body::ExecutionEnded { round, state, .. } => format!("round {round} {}", end_word(*state)),
        Body::ExecutionReopened { round, scope, .. } => format!("round {round}: {}", scope_word(scope)),
        Body::WorkDone { work, next, done } => {
            format!("{} {next}{}", work_word(work), if *done { ", done" } else { "" })
        }
        Body::TaskReset { unmet, .. } => format!("waits for {}", counted((*unmet).into(), "task")),
        Body::TaskParked { rule, why, .. } => with_words(rule, why),
        Body::TaskEnded { result, .. } => result_word(*result).to_owned(),
        Body::AttemptDispatched(dispatch) => dispatched(dispatch),
        Body::AttemptTakenBack { why, .. } => taken_back(*why).to_owned(),
        Body::AttemptStarted { pid, .. } => format!("pid {pid}"),
        Body::AttemptProgressed { fraction, note, .. } => {
            format!("{:.0} % {}", fraction * 100.0, note.as_deref().unwrap_or_default()).trim_end().to_owned()
        }
        Body::AttemptCheckpointed { text, .. } => quoted(text),
        Body::AttemptCancelRequested { why, .. } => why.clone(),
        Body::AttemptEnded(ended) => attempt_ended(ended),
        Body::TestResults { cases, .. } => counted(cases.len() as u64, "case"),
        Body::FailureClassified(classified) => class(classified),
        Body::RetryDecided(decided) => decision(decided),
        Body::RecoveryPhase { recovery, phase, took_ms, .. } => {
            format!("r-{recovery} {} after {took_ms}", phase_word(*phase))
        }
        Body::LockGranted { lock, lease, permits, free } => format!("{lock}: {permits} to {lease}, {free} free"),
        Body::LockReleased { lock, lease, permits, free } => format!("{lock}: {permits} from {lease}, {free} free"),
        Body::ExecutionPaused { .. }
        | Body::ExecutionResumed { .. }
        | Body::TaskReady { .. }
        | Body::TaskSkipped { .. }
        | Body::TaskNeedsPut { .. }
        | Body::AttemptAccepted { .. } => String::new(),
    }
}

fn of_the_pool(event: &Body) -> String {
    if let Body::PoolSettingsPut { settings } = event {
        format!("beat {}, suspect {}, lost {}", settings.beat_ms, settings.suspect_ms, settings.lost_ms)
    } else if let Body::PolicyPut { id, .. } = event {
        id.to_string()
    } else if let Body::RequestAnswered { key, .. } | Body::UploadExpired { key } = event {
        format!("key {key}")
    } else if let Body::InputRejected { topic, position, reason, .. } = event {
        format!("{topic} {position}: {reason}")
    } else if let Body::FlowPart { key, submit } = event {
        format!("part {} of {}, key {key}", submit.part + 1, submit.parts)
    } else if let Body::ReportStale { lease, report } = event {
        let lease = lease.map(|lease| format!(" of lease {lease}")).unwrap_or_default();
        format!("{report}{lease}: changed nothing")
    } else if let Body::NotifiedUpTo { position } = event {
        format!("position {position}")
    } else {
        String::new()
    }
}

fn joins(node: &NodeJoined) -> String {
    let zone = if node.zone.is_empty() { String::new() } else { format!(", zone {}", node.zone) };
    format!("boot {}: {}{zone}{}", node.boot, counted(node.slots.into(), "slot"), recovering(node.recovery))
}

fn recovering(recovery: Option<u32>) -> String {
    recovery.map(|number| format!("; recovery r-{number}")).unwrap_or_default()
}

fn dispatched(of: &Dispatch) -> String {
    let checkpoint = if of.resumes { ", with the checkpoint" } else { "" };
    let why = if of.why.is_empty() { String::new() } else { format!(": {}", of.why) };
    format!("lease {}, ready for {}{checkpoint}{why}", of.lease, of.waited_ms)
}

fn attempt_ended(of: &Ended) -> String {
    let how = match of.outcome {
        AttemptOutcome::Passed => "passed",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Cancelled => "cancelled",
        AttemptOutcome::Lost => "lost",
    };
    let end = of.end.as_ref().map(|end| match (end.exit, end.signal) {
        (Some(exit), _) => format!(", exit {exit}"),
        (None, Some(signal)) => format!(", signal {signal}"),
        (None, None) => String::new(),
    });
    format!("{how}{}, lease {}{}", end.unwrap_or_default(), of.lease, recovering(of.recovery))
}

fn class(of: &Classified) -> String {
    format!("{}, {}: {}", of.class.word(), if of.certain { "certain" } else { "likely" }, of.evidence)
}

fn decision(of: &Decided) -> String {
    let action = match of.action {
        Action::Retry if of.delay_ms.0 == 0 => "retry at once".to_owned(),
        Action::Retry => format!("retry in {}", of.delay_ms),
        Action::Park => "park".to_owned(),
        Action::Escalate => "park, and call a person".to_owned(),
        Action::Fail => "fail".to_owned(),
        Action::Ignore => "ignore".to_owned(),
        Action::Stop => "stop the execution".to_owned(),
    };
    let (uses, limit) = of.uses;
    let path = if of.path.is_empty() { String::new() } else { format!(" ({})", of.path.join("; ")) };
    format!("{action}, rule {} of {}, {uses} of {limit}{path}", of.rule, of.policy)
}

fn with_words(rule: &str, words: &str) -> String {
    if words.is_empty() { format!("rule {rule}") } else { format!("rule {rule}: {words}") }
}

fn quoted(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{:?}{more}", short)
}

fn taken_back(why: TakeBack) -> &'static str {
    match why {
        TakeBack::Refused(Refusal::Expired) => "the start came too late",
        TakeBack::Refused(Refusal::Full) => "the node has no free slot",
        TakeBack::Refused(Refusal::Closed) => "the node takes nothing now",
        TakeBack::Unseen => "the node never saw it",
        TakeBack::NodeLost => "the node was lost before it took it in",
    }
}

fn end_word(state: EndState) -> &'static str {
    match state {
        EndState::Completed => "completed",
        EndState::Failed => "failed",
        EndState::Cancelled => "cancelled",
    }
}

fn result_word(result: TaskResult) -> &'static str {
    match result {
        TaskResult::Passed => "passed",
        TaskResult::Failed => "failed",
        TaskResult::Cancelled => "cancelled",
    }
}

fn scope_word(scope: &RetryScope) -> String {
    match scope {
        RetryScope::Failed => "what failed or was cancelled".to_owned(),
        RetryScope::From(task) => format!("from {task} on"),
        RetryScope::Parked(task) => format!("{task}, which was parked"),
    }
}

fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Suspected => "suspected",
        Phase::Noticed => "noticed",
        Phase::Fenced => "fenced",
        Phase::Requeued => "requeued",
        Phase::Progress => "progress",
        Phase::Done => "done",
    }
}

fn work_word(work: &Work) -> String {
    match work {
        Work::Begin { execution } => format!("begin {execution}:"),
        Work::Tell { execution, task } => format!("tell those that wait for task {task} of {execution}:"),
        Work::Sweep { execution } => format!("sweep {execution}:"),
        Work::Node { node, .. } => format!("attempts of {node}:"),
        Work::Close { execution } => format!("close {execution}:"),
        Work::Reopen { execution } => format!("reopen {execution}:"),
    }
}
