//! One rule of a policy: what it matches, what it does, and how the retry goes.

use model::policy::{CheckpointUse, Place, RetryNeeds, Rule, Then};

use super::backoff::read_backoff;
use super::class::read_classes;
use crate::fields::{RETRY_NEEDS, RULE};
use crate::mistakes::Mistakes;
use crate::needs::{MAX_MEMORY_MIB, MAX_SLOTS, read_labels};
use crate::read;
use crate::source::Span;
use crate::tree::{Node, Value};

/// What a rule may do.
const THEN: [(Then, &str); 6] = [
    (Then::Retry, "retry"),
    (Then::Park, "park"),
    (Then::Escalate, "escalate"),
    (Then::Fail, "fail"),
    (Then::Ignore, "ignore"),
    (Then::Stop, "stop"),
];
/// Where a retry may rather run.
const PLACES: [(Place, &str); 4] = [
    (Place::Any, "any"),
    (Place::SameNode, "same_node"),
    (Place::OtherNode, "other_node"),
    (Place::OtherZone, "other_zone"),
];
/// What becomes of a checkpoint.
const CHECKPOINT: [(CheckpointUse, &str); 2] = [(CheckpointUse::Keep, "keep"), (CheckpointUse::Drop, "drop")];
/// The fields that say how a retry goes.
const OF_RETRIES: [&str; 5] = ["limit", "where", "backoff", "needs", "checkpoint"];
/// Longest `why`, in bytes.
const MAX_WHY_BYTES: usize = 200;

/// A rule and the place of its id.
pub(super) struct Placed {
    pub rule: Rule,
    pub place: Span,
}

/// Reads one rule; none if what it matches or does cannot be told.
pub(super) fn read_rule(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<Placed> {
    let Value::Map(entries) = &node.value else {
        let message = format!("a rule must be a map, not {}", node.kind());
        mistakes.error(node.span, message, "write it like `- { id: rest, then: fail }`");
        return None;
    };
    let (mut id, mut then, mut class) = (None, None, Some(Vec::new()));
    let mut rule = blank();
    for (key, value) in entries {
        match key.raw() {
            "id" => id = read::id("rule", value, mistakes).map(|id| (id.to_owned(), value.span)),
            "class" => class = read_classes(value, mistakes),
            "nodes_lost" => rule.nodes_lost = read::int("nodes_lost", value, 0..=100, mistakes).unwrap_or(0),
            "then" => then = read::word("then", value, &THEN, mistakes),
            "limit" => rule.limit = read::int("limit", value, 1..=100, mistakes).unwrap_or(1),
            "where" => rule.place = read::word("where", value, &PLACES, mistakes).unwrap_or_default(),
            "backoff" => rule.backoff = read_backoff(value, mistakes),
            "needs" => rule.needs = Some(read_retry_needs(value, mistakes)),
            "checkpoint" => {
                rule.checkpoint = read::word("checkpoint", value, &CHECKPOINT, mistakes).unwrap_or_default()
            }
            "why" => rule.why = read::text("why", value, MAX_WHY_BYTES, mistakes).unwrap_or_default().to_owned(),
            _ => RULE.refuse(key, mistakes),
        }
    }
    for (field, hint) in
        [("id", "add `id: NAME`"), ("then", "add `then: retry`, `park`, `escalate`, `fail`, `ignore` or `stop`")]
    {
        if node.get(field).is_none() {
            mistakes.error(node.span, format!("the rule has no `{field}`"), hint);
        }
    }
    let ((id, place), then) = (id?, then?);
    if then != Then::Retry {
        refuse_retry_fields(&id, entries, mistakes);
    }
    Some(Placed { rule: Rule { id, then, class: class?, ..rule }, place })
}

/// A rule with all defaults.
fn blank() -> Rule {
    Rule {
        id: String::new(),
        class: Vec::new(),
        nodes_lost: 0,
        then: Then::Fail,
        limit: 1,
        place: Place::Any,
        backoff: None,
        needs: None,
        checkpoint: CheckpointUse::Keep,
        why: String::new(),
    }
}

/// What says how a retry goes means nothing where none is made; most likely `then` is wrong.
fn refuse_retry_fields(id: &str, entries: &[(Node<'_>, Node<'_>)], mistakes: &mut Mistakes<'_>) {
    for (key, _) in entries.iter().filter(|(key, _)| OF_RETRIES.contains(&key.raw())) {
        let message = format!("`{}` is for retries, and rule `{id}` makes none", key.raw());
        mistakes.error(key.span, message, "take it out, or write `then: retry`");
    }
}

fn read_retry_needs(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> RetryNeeds {
    let mut needs = RetryNeeds::default();
    for (key, value) in read::map("needs", node, 16, "write it like `needs: { memory: x2 }`", mistakes) {
        match key.raw() {
            "memory" => match value.raw().strip_prefix('x') {
                Some(factor) => needs.memory_factor = read_factor(factor, value, mistakes),
                None => needs.memory_mb = read::size("memory", value, MAX_MEMORY_MIB, mistakes),
            },
            "slots" => needs.slots = read::int("slots", value, 1..=MAX_SLOTS, mistakes),
            "labels" => needs.labels = read_labels(value, mistakes),
            _ => RETRY_NEEDS.refuse(key, mistakes),
        }
    }
    needs
}

fn read_factor(text: &str, node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<u32> {
    let factor = text.parse().ok().filter(|factor| (2..=16).contains(factor));
    if factor.is_none() {
        let message = format!("`memory` cannot be `{}`", crate::words::cut(node.raw()));
        mistakes.error(node.span, message, "write `x2` to `x16`, or a size like `8GiB`");
    }
    factor
}
