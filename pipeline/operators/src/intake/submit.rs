//! Submissions: a flow comes in one or more parts, each checked against what came before; the last begins the
//! execution. The gateway has checked the flow for people; this is the check that no writer of the log can go round.

use model::request::{Answer, RefusalKind, Request, Submit};
use model::task::{
    FlowHead, FlowPart, MAX_EDGES, MAX_MEMORY_MB, MAX_PART_BYTES, MAX_PARTS, MAX_TASK_BYTES, MAX_TASK_LOCKS,
    MAX_TASK_SLOTS, MAX_TASKS, Needs, Task,
};
use model::{Body, Event, ExecutionId, json};

use crate::intake::{answer, by_person, refusal};
use crate::state::Pool;
use crate::state::upload::{MAX_UPLOADS, Upload};

/// Most locks of a pool.
const MAX_LOCKS: usize = 10_000;
/// Longest hash of a flow, in bytes.
const MAX_CONTENT: usize = 64;

/// Decides one part of a submission.
pub fn part(pool: &Pool, request: &Request, submit: &Submit, content: u64) -> Vec<Event> {
    let refused = |kind, why: &str| vec![answer(request, content, refusal(kind, why.to_owned()))];
    let upload = pool.uploads.get(&request.key);
    if let Some(upload) = upload {
        if upload.content != submit.content || upload.parts != submit.parts {
            return refused(RefusalKind::KeyReused, "the key was used for another flow; use a new key");
        }
        if submit.part < upload.next {
            return Vec::new();
        }
    } else if submit.part > 0 && submit.part < submit.parts {
        // What came before was refused, or dropped since it was silent. The last part is the one that waits.
        let why =
            "the flow was not taken in: too many are being uploaded, or it was silent for too long; send it again";
        let last = submit.part + 1 == submit.parts;
        return if last { refused(RefusalKind::TooMany, why) } else { Vec::new() };
    } else if submit.parts > 1 && pool.uploads.len() >= MAX_UPLOADS {
        return refused(RefusalKind::TooMany, "8 flows are being uploaded to this pool already; try again in a moment");
    }
    if let Err(why) = fits(pool, upload, submit) {
        let mut events = refused(RefusalKind::Invalid, &why);
        if upload.is_some() {
            events.insert(0, by_person(request, Body::UploadExpired { key: request.key.clone() }));
        }
        return events;
    }
    let held = Body::FlowPart { key: request.key.clone(), submit: Box::new(submit.clone()) };
    let mut events = vec![by_person(request, held)];
    if submit.part + 1 == submit.parts {
        let Some(head) = upload.map(|u| &u.head).or(submit.flow.head.as_ref()) else { return events };
        let id = ExecutionId { flow: head.flow.clone(), number: pool.last_execution + 1 };
        let policies = pool.newest.values().cloned().collect();
        let (execution, key) = (id.number, request.key.clone());
        events.push(by_person(request, Body::ExecutionStarted { execution, key, policies }));
        events.push(answer(request, content, Answer::Done { execution: Some(id) }));
    }
    events
}

/// Whether a part fits what came before it.
fn fits(pool: &Pool, upload: Option<&Upload>, submit: &Submit) -> Result<(), String> {
    let flow = &submit.flow;
    sizes(submit)?;
    let next = upload.map_or(0, |u| u.next);
    if submit.part != next || submit.part >= submit.parts {
        return Err(format!("part {} of {} came where part {next} was due", submit.part, submit.parts));
    }
    let head = match (upload, &flow.head) {
        (Some(upload), None) => &upload.head,
        (None, Some(head)) => head,
        (Some(_), Some(_)) | (None, None) => return Err("the head of a flow stands in its first part".to_owned()),
    };
    let (tasks, edges) = upload.map_or((0, 0), |u| (u.tasks.len(), u.edges as usize));
    bounds(pool, head)?;
    tasks_fit(upload, flow, head, tasks)?;
    let (tasks, edges) = (tasks + flow.tasks.len(), edges + flow.edges.len());
    edges_fit(upload, flow, head, edges)?;
    let whole = tasks == head.tasks as usize && edges == head.edges as usize;
    if submit.part + 1 == submit.parts && !whole {
        return Err(format!(
            "the flow has {} tasks and {} dependencies, {tasks} and {edges} came",
            head.tasks, head.edges
        ));
    }
    Ok(())
}

/// Whether a part is small enough: what it takes in the journal counts, with each name of a field, not what came.
fn sizes(submit: &Submit) -> Result<(), String> {
    let bytes = json::bytes(&submit.flow);
    if submit.parts > MAX_PARTS {
        Err(format!("a flow has at most {MAX_PARTS} parts"))
    } else if submit.content.len() > MAX_CONTENT {
        Err(format!("the hash of a flow has at most {MAX_CONTENT} bytes"))
    } else if bytes > MAX_PART_BYTES {
        Err(format!("a part of a flow has at most {MAX_PART_BYTES} bytes as JSON, this one has {bytes}"))
    } else {
        Ok(())
    }
}

fn bounds(pool: &Pool, head: &FlowHead) -> Result<(), String> {
    let new = head.locks.keys().filter(|lock| !pool.locks.contains_key(*lock)).count();
    if head.tasks == 0 || head.tasks as usize > MAX_TASKS || head.edges as usize > MAX_EDGES {
        Err(format!("a flow has 1 to {MAX_TASKS} tasks and at most {MAX_EDGES} dependencies"))
    } else if new + pool.locks.len() > MAX_LOCKS {
        Err(format!("a pool has at most {MAX_LOCKS} locks"))
    } else if head.locks.values().any(|size| *size == 0) {
        Err("a lock has at least one permit".to_owned())
    } else {
        Ok(())
    }
}

fn tasks_fit(upload: Option<&Upload>, flow: &FlowPart, head: &FlowHead, held: usize) -> Result<(), String> {
    if held + flow.tasks.len() > head.tasks as usize {
        return Err(format!("more than the {} tasks that the head names", head.tasks));
    }
    if upload.is_some_and(|u| u.edges > 0) && !flow.tasks.is_empty() {
        return Err("tasks come before dependencies".to_owned());
    }
    let mut names = std::collections::BTreeSet::new();
    for task in &flow.tasks {
        let known = upload.is_some_and(|u| u.names.contains_key(&task.id));
        if known || !names.insert(&task.id) {
            return Err(format!("the task `{}` comes twice", task.id));
        }
        task_fits(task)?;
    }
    Ok(())
}

/// Whether a task is one that nodes can be told of and that can be counted with.
fn task_fits(task: &Task) -> Result<(), String> {
    let Task { id, needs: Needs { slots, memory_mb, locks, .. }, .. } = task;
    if task.run.is_empty() || *slots == 0 || locks.values().any(|n| *n == 0) {
        Err(format!("the task `{id}` has no command, no slot, or no permit of a lock"))
    } else if *slots > MAX_TASK_SLOTS || *memory_mb > MAX_MEMORY_MB || locks.len() > MAX_TASK_LOCKS {
        Err(format!(
            "the task `{id}` needs more than {MAX_TASK_SLOTS} slots, 16 TiB of memory or {MAX_TASK_LOCKS} locks"
        ))
    } else if json::bytes(task) > MAX_TASK_BYTES {
        Err(format!("the task `{id}` has more than {MAX_TASK_BYTES} bytes as JSON"))
    } else {
        Ok(())
    }
}

fn edges_fit(upload: Option<&Upload>, flow: &FlowPart, head: &FlowHead, held: usize) -> Result<(), String> {
    if held > head.edges as usize {
        return Err(format!("more than the {} dependencies that the head names", head.edges));
    }
    let mut last = upload.and_then(|u| u.last_edge);
    for edge in &flow.edges {
        if edge.on >= edge.task || edge.task >= head.tasks {
            return Err(format!("task {} waits for task {}, which does not stand before it", edge.task, edge.on));
        }
        // In order, so that none comes twice: nobody would tell the one that waits a second time.
        if last.is_some_and(|last| last >= (edge.task, edge.on)) {
            return Err(format!("the dependency of task {} on task {} is twice or out of order", edge.task, edge.on));
        }
        last = Some((edge.task, edge.on));
    }
    Ok(())
}
