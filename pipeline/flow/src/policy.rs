//! Retry policies as people write them: read like flow files, with the same diagnostics.
//!
//! A policy is data that the engine evaluates; so everything that could surprise at 3 a.m. is refused here: a class that
//! does not exist, a rule that can never be reached, a failure that no rule decides.

use model::policy::{Limits, Policy};

use crate::diagnostic::Diagnostic;
use crate::fields::{LIMITS, POLICY};
use crate::mistakes::Mistakes;
use crate::parse::{Format, decode, read_tree};
use crate::read;
use crate::tree::{Node, Value};

mod rule;

mod backoff;
mod class;
mod reach;

mod builtin;

pub use builtin::{BUILTIN, builtin, builtin_text};

/// Most rules of a policy.
const MAX_RULES: usize = 64;

/// Reads and checks a policy.
pub fn parse(text: &[u8]) -> Result<Policy, Vec<Diagnostic>> {
    let text = decode(text).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Mistakes::new(text);
    let policy = read_tree(text, Format::Yaml, &mut mistakes).and_then(|root| read_policy(&root, &mut mistakes));
    match policy {
        Some(policy) if !mistakes.failed() => Ok(policy),
        Some(_) | None => Err(mistakes.into_sorted()),
    }
}

fn read_policy(root: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<Policy> {
    let Value::Map(entries) = &root.value else {
        let hint = "see `reprise policy show default`";
        mistakes.error(root.span, format!("a policy must be a map, not {}", root.kind()), hint);
        return None;
    };
    let mut policy = Policy { policy: String::new(), limits: Limits::default(), rules: Vec::new() };
    for (key, value) in entries {
        match key.raw() {
            "policy" => policy.policy = read::id("policy", value, mistakes).unwrap_or_default().to_owned(),
            "limits" => policy.limits = read_limits(value, mistakes),
            "rules" => policy.rules = read_rules(value, mistakes),
            _ => POLICY.refuse(key, mistakes),
        }
    }
    for (field, hint) in
        [("policy", "add `policy: NAME` at the top"), ("rules", "add at least `- { id: rest, then: fail }`")]
    {
        if root.get(field).is_none() {
            let first = entries.first().map_or(root.span, |(key, _)| key.span);
            mistakes.error(first, format!("the policy has no `{field}`"), hint);
        }
    }
    Some(policy)
}

fn read_limits(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Limits {
    let mut limits = Limits::default();
    for (key, value) in
        read::map("limits", node, 16, "write it like `limits: { attempts: 10, retries: 500 }`", mistakes)
    {
        match key.raw() {
            "attempts" => {
                limits.attempts = read::int("attempts", value, 1..=100, mistakes).unwrap_or(limits.attempts);
            }
            "retries" => {
                limits.retries = read::int("retries", value, 0..=100_000, mistakes).unwrap_or(limits.retries);
            }
            _ => LIMITS.refuse(key, mistakes),
        }
    }
    limits
}

fn read_rules(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Vec<model::policy::Rule> {
    let hint = "write a list of rules, each like `- { id: rest, then: fail }`";
    if matches!(&node.value, Value::List(items) if items.is_empty()) {
        mistakes.error(node.span, "`rules` is empty", hint);
        return Vec::new();
    }
    let items = read::list("rules", node, MAX_RULES, hint, mistakes);
    let rules: Vec<rule::Placed> = items.iter().filter_map(|item| rule::read_rule(item, mistakes)).collect();
    // Whether a rule is reached can be said only if all of them could be read.
    if rules.len() == items.len() && !items.is_empty() {
        reach::check(&rules, mistakes);
    }
    rules.into_iter().map(|placed| placed.rule).collect()
}

#[cfg(test)]
mod tests {
    use model::Millis;
    use model::policy::{CheckpointUse, FailureClass, Jitter, Place, Rule, Shape, Then};

    use super::*;

    /// The first rule of a policy whose first rule has these fields.
    fn rule(fields: &str) -> Rule {
        let text = format!("policy: mine\nrules:\n  - {{ id: first, {fields} }}\n  - {{ id: rest, then: fail }}\n");
        parse(text.as_bytes()).unwrap().rules.remove(0)
    }

    #[test]
    fn each_field_of_a_rule_arrives() {
        let rule = rule(
            "class: [stall, crash, stall], nodes_lost: 2, then: retry, limit: 7, where: other_zone, checkpoint: drop, \
             why: three times, backoff: { shape: linear, delay: 5s, factor: 3, max: 1m, first: 0s, jitter: full }, \
             needs: { memory: x4, slots: 2, labels: { os: linux } }",
        );
        assert_eq!((rule.class, rule.nodes_lost), (vec![FailureClass::Stall, FailureClass::Crash], 2));
        assert_eq!((rule.then, rule.limit, rule.place), (Then::Retry, 7, Place::OtherZone));
        assert_eq!((rule.checkpoint, rule.why.as_str()), (CheckpointUse::Drop, "three times"));
        let backoff = rule.backoff.unwrap();
        assert_eq!((backoff.shape, backoff.factor, backoff.jitter), (Shape::Linear, 3, Jitter::Full));
        let waits = (backoff.delay_ms, backoff.max_ms, backoff.first_ms);
        assert_eq!(waits, (Millis(5_000), Millis(60_000), Some(Millis(0))));
        let needs = rule.needs.unwrap();
        assert_eq!((needs.memory_factor, needs.memory_mb, needs.slots), (Some(4), None, Some(2)));
        assert_eq!(needs.labels["os"], "linux");
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let plain = rule("then: retry");
        assert!(plain.class.is_empty() && plain.backoff.is_none() && plain.needs.is_none() && plain.why.is_empty());
        assert_eq!((plain.limit, plain.place, plain.checkpoint), (1, Place::Any, CheckpointUse::Keep));
        let backoff = rule("then: retry, backoff: { shape: fibonacci }").backoff.unwrap();
        assert_eq!((backoff.delay_ms, backoff.factor, backoff.max_ms), (Millis(1_000), 2, Millis(3_600_000)));
        assert_eq!((backoff.first_ms, backoff.jitter), (None, Jitter::None));
    }

    #[test]
    fn waits_may_be_listed_and_memory_may_be_a_size() {
        let backoff = rule("then: retry, backoff: [5s, 30s, 2m]").backoff.unwrap();
        let waits = vec![Millis(5_000), Millis(30_000), Millis(120_000)];
        assert_eq!((backoff.shape, backoff.list_ms), (Shape::List, waits));
        assert_eq!(rule("then: retry, needs: { memory: 8GiB }").needs.unwrap().memory_mb, Some(8192));
    }
}
