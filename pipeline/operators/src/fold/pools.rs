//! What settings, policies, answers and uploads change.

use std::sync::Arc;

use model::policy::Policy;
use model::request::{Answer, RefusalKind, Submit};
use model::task::FlowPart;
use model::{By, Key, PolicyId, Timestamp};

use super::When;
use crate::state::pool::Timer;
use crate::state::upload::MAX_KEYS;
use crate::state::{KeptAnswer, Pool, TaskState, Upload};

pub fn policy(pool: &mut Pool, id: &PolicyId, policy: &Arc<Policy>) {
    pool.policies.insert(id.clone(), policy.clone());
    pool.newest.insert(policy.policy.clone(), id.clone());
}

pub fn answered(pool: &mut Pool, key: &Key, content: u64, at: Timestamp, answer: &Answer) {
    // "Later" and "with another key" are no answer to what was asked: the same request may come again.
    let passing = matches!(answer, Answer::Refused { refusal: RefusalKind::TooMany | RefusalKind::KeyReused, .. });
    if passing || pool.keys.len() >= MAX_KEYS || pool.keys.contains_key(key) {
        return;
    }
    pool.keys.insert(key.clone(), KeptAnswer { content, at, answer: answer.clone() });
    pool.timers.insert((at + pool.settings.keys_ms, Timer::Key(key.clone())));
}

pub fn keys_forgotten(pool: &mut Pool, before: Timestamp) {
    let keep = pool.settings.keys_ms;
    let due: Vec<(Timestamp, Timer)> = pool
        .timers
        .iter()
        .take_while(|(at, _)| *at < before + keep)
        .filter(|(_, timer)| matches!(timer, Timer::Key(_)))
        .cloned()
        .collect();
    for timer in due {
        pool.timers.remove(&timer);
        if let Timer::Key(key) = timer.1 {
            pool.keys.remove(&key);
        }
    }
}

pub fn flow_part(pool: &mut Pool, key: &Key, submit: &Submit, by: &By, when: When) {
    if let Some(head) = &submit.flow.head {
        let upload = Upload {
            content: submit.content.clone(),
            parts: submit.parts,
            next: 0,
            at: when.now,
            who: match by {
                By::Person { who, .. } => who.clone(),
                By::Engine | By::Node { .. } => String::new(),
            },
            priority: submit.priority,
            head: head.clone(),
            tasks: Vec::new(),
            edges: 0,
            last_edge: None,
            names: Arc::default(),
        };
        pool.uploads.insert(key.clone(), upload);
    }
    let Some(upload) = pool.uploads.get_mut(key) else { return };
    pool.timers.remove(&(upload.at + pool.settings.upload_ms, Timer::Upload(key.clone())));
    upload.at = when.now;
    upload.next = submit.part + 1;
    add(upload, &submit.flow);
    pool.timers.insert((upload.at + pool.settings.upload_ms, Timer::Upload(key.clone())));
}

fn add(upload: &mut Upload, flow: &FlowPart) {
    let names = Arc::make_mut(&mut upload.names);
    for task in &flow.tasks {
        names.insert(task.id.clone(), u32::try_from(upload.tasks.len()).unwrap_or(u32::MAX));
        upload.tasks.push(TaskState::new(task.clone()));
    }
    for edge in &flow.edges {
        if let Some(waits) = upload.tasks.get_mut(edge.task as usize) {
            waits.deps.push((edge.on, edge.want));
            waits.unmet += 1;
        }
        if let Some(on) = upload.tasks.get_mut(edge.on as usize) {
            on.dependents.push((edge.task, edge.want));
        }
        upload.edges += 1;
        upload.last_edge = Some((edge.task, edge.on));
    }
}

pub fn upload_expired(pool: &mut Pool, key: &Key) {
    if let Some(upload) = pool.uploads.remove(key) {
        pool.timers.remove(&(upload.at + pool.settings.upload_ms, Timer::Upload(key.clone())));
    }
}
