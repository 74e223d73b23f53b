//! `events`: the journal itself, an event a row.

use model::about::about;
use model::{Body, By, Event, ExecutionId, LeaseId, NodeId, PoolId, TaskId, Timestamp};
use operators::state::Pool;
use serde_json::Value;

use crate::column::{Prose, columns};

/// The longest `detail`, about: beyond it long texts and lists in it are cut.
const DETAIL_BYTES: usize = 2_048;
/// What is left of a text then, and of a list.
const TEXT_CHARS: usize = 200;
const LIST_ITEMS: usize = 8;

columns! {
    /// A row of `events`.
    pub struct Row {
        /// When it was decided, by the engine's clock.
        pub ts: Timestamp,
        /// The number of its entry in the journal: those of one entry were decided together.
        pub position: u64,
        /// What happened or was decided: `attempt_ended`, `node_lost`.
        pub kind: &'static str,
        /// The pool.
        pub pool: PoolId,
        /// The execution that it is about.
        pub execution_id: Option<ExecutionId>,
        /// The task that it is about.
        pub task_id: Option<TaskId>,
        /// The attempt that it is about.
        pub attempt: Option<u32>,
        /// The node that it is about, or that reported it.
        pub node_id: Option<NodeId>,
        /// Whose doing it is: a person's name, else `engine`.
        pub actor: String,
        /// The reason that the person gave.
        pub reason: Option<Prose>,
        /// What ties it to others: the lease of an attempt, the key of a request, `r-N` of a recovery.
        pub correlation_id: Option<Prose>,
        /// All that the journal says of it, as JSON; long texts and lists are cut. `detail->>'outcome'` asks into it.
        pub detail: Prose,
    }
}

/// The row of an event, with the names that the state knows.
pub fn row(pool: &Pool, event: &Event, now: Timestamp, position: u64) -> Row {
    let about = about(&event.event);
    let (actor, reason) = match &event.by {
        By::Engine | By::Node { .. } => ("engine".to_owned(), None),
        By::Person { who, reason, .. } => (who.clone(), (!reason.is_empty()).then(|| Prose(reason.clone()))),
    };
    let by_node = match &event.by {
        By::Node { node, .. } => Some(node),
        By::Engine | By::Person { .. } => None,
    };
    Row {
        ts: now,
        position,
        kind: event.event.word(),
        pool: event.pool.clone(),
        execution_id: about.execution.and_then(|number| pool.execution(number)).map(|e| e.id.clone()),
        task_id: about.task.and_then(|at| pool.task(at)).map(|t| t.spec.id.clone()),
        attempt: about.attempt,
        node_id: about.node.or(by_node).cloned(),
        actor,
        reason,
        correlation_id: correlation(pool, event).map(Prose),
        detail: Prose(detail(&event.event)),
    }
}

fn correlation(pool: &Pool, event: &Event) -> Option<String> {
    if let Some(lease) = lease(pool, &event.event) {
        return Some(lease.to_string());
    }
    let recovery = |number: &u32| format!("r-{number}");
    if let Body::NodeLost { recovery: number, .. } | Body::RecoveryPhase { recovery: number, .. } = &event.event {
        return Some(recovery(number));
    }
    if let Body::NodeLeft { recovery: Some(number), .. } = &event.event {
        return Some(recovery(number));
    }
    if let Body::RequestAnswered { key, .. } | Body::FlowPart { key, .. } | Body::ExecutionStarted { key, .. } =
        &event.event
    {
        return Some(key.to_string());
    }
    match &event.by {
        By::Person { key, .. } => Some(key.to_string()),
        By::Engine | By::Node { .. } => None,
    }
}

fn lease(pool: &Pool, body: &Body) -> Option<LeaseId> {
    if let Body::AttemptDispatched(dispatch) = body {
        return Some(dispatch.lease);
    }
    if let Body::AttemptEnded(ended) = body {
        return Some(ended.lease);
    }
    if let Body::LockGranted { lease, .. } | Body::LockReleased { lease, .. } = body {
        return Some(*lease);
    }
    if let Body::ReportStale { lease, .. } = body {
        return *lease;
    }
    let (at, attempt) = (about(body).task?, about(body).attempt?);
    let tried = pool.task(at)?.story.as_ref()?.tried.iter().rev().find(|tried| tried.attempt == attempt);
    tried.map(|tried| tried.lease)
}

/// The event as JSON, without its kind, which has a column, and without the flow of an upload.
fn detail(body: &Body) -> String {
    if let Body::FlowPart { submit, .. } = body {
        return format!("{{\"part\":{},\"parts\":{}}}", submit.part, submit.parts);
    }
    let text = serde_json::to_string(body).expect("an event is plain data");
    if text.len() > DETAIL_BYTES {
        let mut value: Value = serde_json::from_str(&text).expect("it was written just now");
        if let Value::Object(fields) = &mut value {
            fields.remove("kind");
        }
        cut(&mut value);
        return value.to_string();
    }
    let kind = format!("{{\"kind\":\"{}\"", body.word());
    match text.strip_prefix(&kind) {
        Some(rest) => format!("{{{}", rest.trim_start_matches(',')),
        None => text,
    }
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.len() > TEXT_CHARS => {
            let kept: String = text.chars().take(TEXT_CHARS).collect();
            *text = format!("{kept}…");
        }
        Value::Array(items) => {
            let more = items.len().saturating_sub(LIST_ITEMS);
            items.truncate(LIST_ITEMS);
            items.iter_mut().for_each(cut);
            if more > 0 {
                items.push(Value::String(format!("… and {more} more")));
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Millis;
    use model::event::TaskRef;
    use model::report::{Case, CaseResult};

    #[test]
    fn what_is_long_in_an_event_is_cut_and_says_by_how_much() {
        let case = |n| Case {
            suite: String::new(),
            test: format!("t{n}"),
            result: CaseResult::Failed,
            ms: Millis(1),
            message: "x".repeat(900),
        };
        let at = TaskRef { execution: 1, task: 2 };
        let body = Body::TestResults { at, attempt: 1, cases: (0..100).map(case).collect() };
        let detail: Value = serde_json::from_str(&detail(&body)).unwrap();
        let cases = detail["cases"].as_array().unwrap();
        assert_eq!((cases.len(), &cases[8]), (9, &Value::from("… and 92 more")));
        assert_eq!(cases[0]["message"].as_str().unwrap().chars().count(), 201);
        assert!(detail.get("kind").is_none() && detail.to_string().len() < 4_096, "{detail}");
    }
}
