//! Ends: each acknowledged submission has exactly one execution, and each ends or waits for a named reason.

use model::Key;
use model::request::Answer;

use super::model::{Model, Phase, TaskM};

/// Checks what people were told, and what is still open.
pub fn check(model: &Model, answers: &[(u64, Key, Answer)], settled: bool, out: &mut Vec<String>) {
    for (key, begun) in &model.begun {
        if begun.len() != 1 {
            out.push(format!("I1: {key} has the executions {begun:?}"));
        }
    }
    for (at, key, answer) in answers {
        let given = model.answers.get(key);
        if !given.is_some_and(|all| all.iter().any(|g| g.answer == *answer)) {
            out.push(format!("I1: {key} was told {answer:?} at {at}, and the journal does not know it"));
        }
    }
    for (_, _, answer) in answers {
        if let Answer::Done { execution: Some(id) } = answer
            && !model.executions.contains_key(&id.number)
        {
            out.push(format!("I1: the execution {id} was acknowledged, and the journal does not know it"));
        }
    }
    let submitted = answers.iter().filter(|(_, _, answer)| matches!(answer, Answer::Done { .. })).count();
    if submitted == 0 {
        out.push("I1: nobody was ever answered".to_owned());
    }
    if settled {
        open(model, out);
    }
    out.truncate(40);
}

/// Whatever is open waits for a reason that has a name.
fn open(model: &Model, out: &mut Vec<String>) {
    for (at, task, execution) in model.open() {
        let named = execution.paused
            || match &task.phase {
                Phase::Ready => !runs_somewhere(model, task),
                Phase::Waiting => true,
                Phase::Passed | Phase::Failed | Phase::Cancelled | Phase::Skipped | Phase::Parked => true,
                Phase::BackingOff(_)
                | Phase::Running(_)
                | Phase::Over(_)
                | Phase::Classified(_)
                | Phase::Decided(_)
                | Phase::TakenBack => false,
            };
        if !named {
            out.push(format!("I1: {at:?} is {:?} at the end, for no reason that has a name", task.phase));
        }
    }
    for (number, execution) in model.executions.iter().filter(|(_, e)| e.ended.is_none()) {
        if execution.tasks.iter().all(|task| task.phase.is_over() || task.phase == Phase::Waiting) {
            out.push(format!("I1: execution {number} is open, and nothing in it goes on"));
        }
    }
    for (lock, (_, held)) in &model.locks {
        for lease in held.keys().filter(|lease| model.leases.get(lease).is_none_or(|l| l.void.is_some())) {
            out.push(format!("I15: {lock} is held for ever by {lease}, which is void"));
        }
    }
}

/// Whether some present node could run a task if nothing else ran there.
fn runs_somewhere(model: &Model, task: &TaskM) -> bool {
    model.nodes.values().any(|node| {
        let labels = task.needs.labels.iter().all(|(key, value)| node.labels.get(key) == Some(value));
        node.present && labels && task.needs.slots <= node.slots && task.needs.memory_mb <= node.memory_mb
    })
}
