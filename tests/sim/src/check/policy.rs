//! Retry policies, evaluated a second time: which rule decides, and how long a retry may wait.

use model::event::{Action, Decided};
use model::policy::{Backoff, FailureClass, Jitter, Policy, Rule, Shape, Then};

use super::model::TaskM;

/// What a decision about a failure must be.
pub fn rule<'a>(policy: &'a Policy, class: FailureClass, task: &TaskM, retries: u32) -> Option<&'a Rule> {
    policy.rules.iter().find(|rule| {
        let class_fits = rule.class.is_empty() || rule.class.contains(&class);
        let lost_fits = task.lost.len() >= rule.nodes_lost as usize;
        let of_test = class == FailureClass::TestFailure || class == FailureClass::Crash;
        let spent = task.uses.get(&rule.id).copied().unwrap_or(0) >= rule.limit
            || task.attempts - task.before >= policy.limits.attempts
            || of_test && retries >= policy.limits.retries;
        class_fits && lost_fits && !(rule.then == Then::Retry && spent)
    })
}

/// What a rule does.
pub fn action(rule: &Rule) -> Action {
    match rule.then {
        Then::Retry => Action::Retry,
        Then::Park => Action::Park,
        Then::Escalate => Action::Escalate,
        Then::Fail => Action::Fail,
        Then::Ignore => Action::Ignore,
        Then::Stop => Action::Stop,
    }
}

/// Whether a wait is within its bounds.
pub fn wait_fits(rule: &Rule, decided: &Decided) -> bool {
    let wait = decided.delay_ms.0;
    let Some(backoff) = rule.backoff.as_ref().filter(|_| decided.action == Action::Retry) else { return wait == 0 };
    let n = decided.uses.0;
    if let (1, Some(first)) = (n, backoff.first_ms) {
        return wait == first.0;
    }
    let most = longest(backoff, if backoff.first_ms.is_some() { n - 1 } else { n });
    match backoff.jitter {
        Jitter::None => wait == most,
        Jitter::Full => wait <= most,
    }
}

fn longest(backoff: &Backoff, n: u32) -> u64 {
    let (unit, max) = (u128::from(backoff.delay_ms.0), u128::from(backoff.max_ms.0));
    let n = n.clamp(1, 60);
    let wait = match backoff.shape {
        Shape::Constant => unit,
        Shape::Linear => unit * u128::from(n),
        Shape::Exponential => (1..n).fold(unit, |wait, _| (wait * u128::from(backoff.factor)).min(max)),
        Shape::Fibonacci => (1..n).fold((0, unit), |(a, b), _| (b, (a + b).min(max))).1,
        Shape::List => {
            let last = backoff.list_ms.len().saturating_sub(1);
            backoff.list_ms.get(last.min(n as usize - 1)).map_or(0, |ms| u128::from(ms.0))
        }
    };
    u64::try_from(wait.min(max)).unwrap_or(u64::MAX)
}
