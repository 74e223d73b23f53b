//! Retry: what follows from a failure, by the rules of the policy that the execution began with.
//!
//! Rules are asked in order; the first that matches decides. The way through them, with each counter that was asked,
//! is part of the event: nobody has to guess later why something was retried, or was not.

pub mod backoff;

use model::event::{Action, Decided, TaskRef};
use model::policy::{CheckpointUse, FailureClass, Limits, Place, Policy, Rule, Then};
use model::task::{MAX_MEMORY_MB, Needs};
use model::{Millis, NodeId, PolicyId};

use crate::classify::Failure;
use crate::state::{Execution, Pool, Story, TaskState};
use crate::{Context, Planted};

/// Decides about one failure of a task. `node_lost`: the node that counts as lost under it, if one does.
pub fn decide(
    pool: &Pool,
    execution: &Execution,
    at: TaskRef,
    task: &TaskState,
    failure: &Failure,
    node_lost: Option<&NodeId>,
    ctx: &Context<'_>,
) -> Decided {
    let fresh = Story::default();
    let story = task.story.as_deref().unwrap_or(&fresh);
    let none = (PolicyId::new("none@0").ok(), None);
    let (id, policy) = policy_of(pool, execution, &task.spec.retry).map_or(none, |(id, p)| (Some(id), Some(p)));
    let lost = story.lost_nodes.len() + usize::from(node_lost.is_some_and(|n| !story.lost_nodes.contains(n)));
    let on_test = ctx.planted(Planted::InfraCountedOnTest) && failure.class == FailureClass::NodeLost;
    let class = if on_test { FailureClass::TestFailure } else { failure.class };
    let attempts = task.attempts - story.before.min(task.attempts);
    let case = Case { class, nodes_lost: lost, attempts, retries: execution.retries };
    let (rule, path) = match &policy {
        Some(policy) => first_match(policy, &case, story),
        None => (None, vec!["the policy is not in the journal".to_owned()]),
    };
    let uses = rule.map_or(0, |rule| uses_of(story, &rule.id)) + 1;
    let action = rule.map_or(Action::Park, |rule| action(rule.then));
    let delay_ms = match rule.and_then(|r| r.backoff.as_ref()) {
        Some(backoff) if action == Action::Retry => {
            let seed = backoff::seed(&execution.id.to_string(), task.spec.id.as_str(), task.attempts);
            backoff::delay(backoff, uses, seed)
        }
        Some(_) | None => Millis(0),
    };
    Decided {
        at,
        attempt: task.attempts,
        policy: id.unwrap_or_else(|| PolicyId::new("none@0").expect("a plain name")),
        rule: rule.map_or_else(|| "none".to_owned(), |r| r.id.clone()),
        path,
        action,
        uses: (uses, rule.map_or(1, |r| r.limit)),
        delay_ms,
        place: rule.map_or(Place::Any, |r| r.place),
        needs: rule.filter(|_| action == Action::Retry).and_then(|r| needs(r, task, failure)).map(Box::new),
        drop_checkpoint: rule.is_some_and(|r| r.checkpoint == CheckpointUse::Drop),
        why: rule.map_or_else(String::new, |r| r.why.clone()),
    }
}

/// What the rules are asked about.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// The class.
    pub class: FailureClass,
    /// Different nodes that were lost under the task.
    pub nodes_lost: usize,
    /// Tries of the task in this round.
    pub attempts: u32,
    /// Retries in the execution so far, after test_failure or crash.
    pub retries: u32,
}

/// The first rule that matches, and the way to it: each rule that was asked, and why it did not match.
pub fn first_match<'a>(policy: &'a Policy, case: &Case, story: &Story) -> (Option<&'a Rule>, Vec<String>) {
    let mut path = Vec::new();
    for rule in &policy.rules {
        match mismatch(rule, &policy.limits, case, story) {
            Some(why) => path.push(format!("{} no: {why}", rule.id)),
            None => {
                path.push(format!("{} yes", rule.id));
                return (Some(rule), path);
            }
        }
    }
    (None, path)
}

fn mismatch(rule: &Rule, limits: &Limits, case: &Case, story: &Story) -> Option<String> {
    if !rule.class.is_empty() && !rule.class.contains(&case.class) {
        return Some(case.class.word().to_owned());
    }
    if case.nodes_lost < rule.nodes_lost as usize {
        return Some(format!("nodes_lost {}", case.nodes_lost));
    }
    if rule.then != Then::Retry {
        return None;
    }
    let used = uses_of(story, &rule.id);
    let of_test = matches!(case.class, FailureClass::TestFailure | FailureClass::Crash);
    if used >= rule.limit {
        Some(format!("used {used} of {}", rule.limit))
    } else if case.attempts >= limits.attempts {
        Some(format!("attempts {} of {}", case.attempts, limits.attempts))
    } else if of_test && case.retries >= limits.retries {
        Some(format!("retries of the execution {} of {}", case.retries, limits.retries))
    } else {
        None
    }
}

fn uses_of(story: &Story, rule: &str) -> u32 {
    story.uses.iter().find(|(id, _)| id == rule).map_or(0, |(_, n)| *n)
}

fn action(then: Then) -> Action {
    match then {
        Then::Retry => Action::Retry,
        Then::Park => Action::Park,
        Then::Escalate => Action::Escalate,
        Then::Fail => Action::Fail,
        Then::Ignore => Action::Ignore,
        Then::Stop => Action::Stop,
    }
}

fn policy_of<'a>(pool: &'a Pool, execution: &Execution, name: &str) -> Option<(PolicyId, &'a Policy)> {
    let id = execution.policies.get(name)?;
    Some((id.clone(), pool.policies.get(id)?))
}

/// What the retry needs, where the rule changes that.
fn needs(rule: &Rule, task: &TaskState, failure: &Failure) -> Option<Needs> {
    let wish = rule.needs.as_ref()?;
    let mut needs = task.needs().clone();
    if let Some(factor) = wish.memory_factor {
        let had = if needs.memory_mb > 0 { needs.memory_mb } else { failure.max_rss_mb };
        needs.memory_mb = had.saturating_mul(u64::from(factor)).min(MAX_MEMORY_MB);
    }
    needs.memory_mb = wish.memory_mb.unwrap_or(needs.memory_mb);
    needs.slots = wish.slots.unwrap_or(needs.slots);
    needs.labels.extend(wish.labels.clone());
    Some(needs)
}
