//! What must come of each task is known from what its attempts do: a test that passes never fails, and one that fails
//! never passes, whatever happened around it.

use std::collections::BTreeMap;

use model::request::Answer;
use model::{ExecutionId, Key};
use sim::check::model::{Model, Phase};
use sim::node::plan::VARIABLE;

use crate::flows::Plan;

/// Most findings of one kind.
const MOST: usize = 10;

/// Checks all executions that people know of, and all tasks.
pub fn check(model: &Model, answers: &[(u64, Key, Answer)], settled: bool, out: &mut Vec<String>) {
    let mut findings = Vec::new();
    let mut known: BTreeMap<&Key, &ExecutionId> = BTreeMap::new();
    for (at, key, answer) in answers {
        let Answer::Done { execution: Some(id) } = answer else { continue };
        let first = *known.entry(key).or_insert(id);
        if first != id {
            findings.push(format!("I1: {key} is {first}, and {id} when asked once more at {at}"));
        }
        if settled && model.executions.get(&id.number).is_none_or(|execution| execution.ended.is_none()) {
            findings.push(format!("I1: {id} was acknowledged, and has no end"));
        }
    }
    for (number, execution) in &model.executions {
        for task in &execution.tasks {
            let Some(plan) = task.spec.env.get(VARIABLE).and_then(|variable| Plan::of(variable)) else { continue };
            if !fits(plan, &task.phase, task.spec.retry != "none") {
                let (id, phase) = (&task.spec.id, &task.phase);
                findings.push(format!("I4: {id} of execution {number} is {phase:?}, and its attempts: {plan:?}"));
            }
        }
    }
    findings.truncate(MOST);
    out.append(&mut findings);
}

/// Whether a task of this kind may stand so. Each may be parked, or skipped since another was.
fn fits(plan: Plan, phase: &Phase, retried: bool) -> bool {
    match (phase, plan) {
        (Phase::Passed, Plan::Passes) => true,
        (Phase::Passed, Plan::FailsOnce) => retried,
        (Phase::Passed, Plan::Fails | Plan::Crashes) => false,
        (Phase::Failed, Plan::Passes) => false,
        // Its first attempt may have failed with its node, and then none was left.
        (Phase::Failed, Plan::FailsOnce | Plan::Fails | Plan::Crashes) => true,
        // Nobody cancels.
        (Phase::Cancelled, _) => false,
        (
            Phase::Waiting
            | Phase::Ready
            | Phase::BackingOff(_)
            | Phase::Running(_)
            | Phase::Over(_)
            | Phase::Classified(_)
            | Phase::Decided(_)
            | Phase::TakenBack
            | Phase::Skipped
            | Phase::Parked,
            _,
        ) => true,
    }
}
