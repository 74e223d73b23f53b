//! `decisions`: what followed from a failure, by which rule, and which rules were passed over.

use model::event::{Action, Decided};
use model::{Millis, PolicyId, PoolId, Timestamp};
use operators::state::Pool;

use super::{Key, attempts};
use crate::column::{Prose, columns};

columns! {
    /// A row of `decisions`.
    pub struct Row {
        /// When it was decided.
        pub ts: Timestamp,
        /// The attempt that failed.
        pub key: Key,
        /// What kind of failure it was.
        pub class: Option<&'static str>,
        /// The policy and its version.
        pub policy: PolicyId,
        /// The rule that decided.
        pub rule: String,
        /// Each rule that was asked before and why it did not match: `poison no: nodes_lost 1`.
        pub path: Prose,
        /// retry, park, escalate, fail, ignore or stop.
        pub action: &'static str,
        /// How long the retry waits; nothing where there is none.
        pub delay_ms: Option<Millis>,
        /// The rule's words, and how often it was used for this task.
        pub why: Prose,
    }
}

/// The row of a decision.
pub fn row(pool: &Pool, id: &PoolId, of: &Decided, now: Timestamp) -> Option<Row> {
    let (execution, task) = (pool.execution(of.at.execution)?, pool.task(of.at)?);
    let tried = task.story.as_ref()?.tried.iter().rev().find(|tried| tried.attempt == of.attempt)?;
    Some(Row {
        ts: now,
        key: attempts::key(id, execution, task, tried),
        class: tried.class.map(|(class, _)| class.word()),
        policy: of.policy.clone(),
        rule: of.rule.clone(),
        path: Prose(of.path.join("; ")),
        action: word(of.action),
        delay_ms: (of.action == Action::Retry).then_some(of.delay_ms),
        why: Prose(why(of)),
    })
}

fn why(of: &Decided) -> String {
    let (uses, limit) = of.uses;
    let used = format!("rule {}, {uses} of {limit}", of.rule);
    if of.why.is_empty() { used } else { format!("{} ({used})", of.why) }
}

fn word(action: Action) -> &'static str {
    match action {
        Action::Retry => "retry",
        Action::Park => "park",
        Action::Escalate => "escalate",
        Action::Fail => "fail",
        Action::Ignore => "ignore",
        Action::Stop => "stop",
    }
}
