//! What the journal tells of the faults: where work went on, what was retried and why, when the engine was back.

use std::collections::{BTreeMap, BTreeSet};

use gateway::view::JournalLine;
use model::event::{Action, AttemptOutcome, Ended, TaskResult};
use model::policy::FailureClass;
use model::{Body, By, Millis, NodeId, TaskId, Timestamp};

/// Where the work of a lost node went on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// The nodes.
    pub to: BTreeSet<NodeId>,
    /// Successors that went on from a checkpoint.
    pub resumed: usize,
    /// Successors that began afresh.
    pub afresh: usize,
}

/// What was decided after failures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retries {
    /// Retries by class of the failure and by rule, most of them first.
    pub by_rule: Vec<((FailureClass, String), usize)>,
    /// Tasks that failed for good, after all their retries.
    pub failed: Vec<String>,
}

/// Where the attempts went on that were lost with a node.
pub fn moved(journal: &[JournalLine], node: &NodeId) -> Moved {
    let mut waiting: BTreeSet<&TaskId> = BTreeSet::new();
    let mut moved = Moved::default();
    for line in journal {
        let Some(task) = &line.task else { continue };
        if let Body::AttemptEnded(ended) = &line.event {
            if is_lost_with(ended, node) {
                waiting.insert(task);
            }
        } else if let Body::AttemptDispatched(dispatch) = &line.event
            && waiting.remove(task)
        {
            moved.to.insert(dispatch.node.clone());
            *(if dispatch.resumes { &mut moved.resumed } else { &mut moved.afresh }) += 1;
        }
    }
    moved
}

fn is_lost_with(ended: &Ended, node: &NodeId) -> bool {
    ended.outcome == AttemptOutcome::Lost && ended.recovery.is_some() && ended.node == *node
}

/// All retries of the journal.
pub fn retries(journal: &[JournalLine]) -> Retries {
    let mut classes = BTreeMap::new();
    let (mut counts, mut failed) = (BTreeMap::new(), Vec::new());
    for line in journal {
        if let Body::FailureClassified(of) = &line.event {
            classes.insert((of.at, of.attempt), of.class);
        } else if let Body::RetryDecided(decided) = &line.event
            && decided.action == Action::Retry
            && let Some(class) = classes.get(&(decided.at, decided.attempt))
        {
            *counts.entry((*class, decided.rule.clone())).or_default() += 1;
        } else if let Body::TaskEnded { result: TaskResult::Failed, .. } = &line.event {
            failed.extend(line.task.as_ref().map(ToString::to_string));
        }
    }
    let mut by_rule: Vec<((FailureClass, String), usize)> = counts.into_iter().collect();
    by_rule.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    failed.sort_unstable();
    Retries { by_rule, failed }
}

/// How long after a moment the next decision was journaled.
pub fn decided_after(journal: &[JournalLine], moment: Timestamp) -> Option<Millis> {
    journal.iter().find(|line| line.at.0 > moment).map(|line| line.at.0 - moment)
}

/// How long after a moment the first word of a node about its work was journaled.
pub fn progress_after(journal: &[JournalLine], moment: Timestamp) -> Option<Millis> {
    let of_node = |line: &&JournalLine| matches!(line.by, By::Node { .. }) && line.attempt.is_some();
    journal.iter().filter(of_node).find(|line| line.at.0 > moment).map(|line| line.at.0 - moment)
}

#[cfg(test)]
mod tests;
