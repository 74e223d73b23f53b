//! Tasks that wait for a person, and what waits for them.

use model::event::SkipReason;
use model::policy::FailureClass;
use model::{ExecutionId, NodeId, TaskId, Want};
use operators::state::{Execution, Phase, TaskState};
use serde::{Deserialize, Serialize};

use crate::Moment;

/// Most tasks that are named as blocked by one.
const MAX_BLOCKS: usize = 20;

/// A parked task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParkedView {
    /// Its execution.
    pub execution: ExecutionId,
    /// Its name.
    pub task: TaskId,
    /// Since when.
    pub since: Moment,
    /// The class of its last failure.
    pub class: Option<FailureClass>,
    /// How that is known.
    pub evidence: String,
    /// The node of its last attempt.
    pub node: Option<NodeId>,
    /// Attempts so far.
    pub tries: u32,
    /// What waits for it directly, or was skipped since it is parked; the first 20.
    pub blocks: Vec<TaskId>,
    /// How many there are.
    pub blocked: u32,
    /// The rule that parked it.
    pub rule: String,
    /// Words for people.
    pub why: String,
}

/// A task, if it is parked. `looks` is how many tasks may still be looked at: what waits for it counts.
pub fn parked(execution: &Execution, index: u32, looks: &mut usize) -> Option<ParkedView> {
    let task = execution.tasks.get(index as usize)?;
    let since = parked_since(&task.phase)?;
    let story = task.story.as_deref();
    let last = story.and_then(|s| s.tried.last());
    let (rule, why) = story.and_then(|s| s.parked.clone()).unwrap_or_default();
    *looks = looks.saturating_sub(task.dependents.len());
    let (mut blocks, mut blocked) = (Vec::new(), 0_u32);
    for held in blocked_by(execution, task, index) {
        blocked += 1;
        if blocks.len() < MAX_BLOCKS {
            blocks.push(held.spec.id.clone());
        }
    }
    Some(ParkedView {
        execution: execution.id.clone(),
        task: task.spec.id.clone(),
        since: Moment(since),
        class: last.and_then(|t| t.class).map(|(class, _)| class),
        evidence: last.map(|t| t.evidence.clone()).unwrap_or_default(),
        node: last.map(|t| t.node.clone()),
        tries: task.attempts,
        blocks,
        blocked,
        rule,
        why,
    })
}

fn parked_since(phase: &Phase) -> Option<model::Timestamp> {
    match phase {
        Phase::Parked { since } => Some(*since),
        Phase::Waiting
        | Phase::Ready { .. }
        | Phase::BackingOff { .. }
        | Phase::Running(_)
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Skipped { .. } => None,
    }
}

fn blocked_by<'a>(execution: &'a Execution, task: &'a TaskState, index: u32) -> impl Iterator<Item = &'a TaskState> {
    let named = task.dependents.iter().filter(|(_, want)| match want {
        Want::Passed | Want::Failed => true,
        Want::Finished => false,
    });
    let states = named.filter_map(|(at, _)| execution.tasks.get(*at as usize));
    states.filter(move |held| match &held.phase {
        Phase::Waiting => true,
        Phase::Skipped { because, how } => *because == index && *how == SkipReason::Blocked,
        Phase::Ready { .. }
        | Phase::BackingOff { .. }
        | Phase::Running(_)
        | Phase::Passed
        | Phase::Failed
        | Phase::Cancelled
        | Phase::Parked { .. } => false,
    })
}
