//! Whether each rule can be reached, and whether each failure finds one.
//!
//! A rule that retries lets a failure through once it is used up; any other keeps what it matches.

use model::policy::{FailureClass, Rule, Then};

use super::rule::Placed;
use crate::mistakes::Mistakes;

/// Notes double ids, rules that are never reached, and a last rule that lets failures through.
pub(super) fn check(rules: &[Placed], mistakes: &mut Mistakes<'_>) {
    for (at, Placed { rule, place }) in rules.iter().enumerate() {
        let before = &rules[..at];
        if let Some(first) = before.iter().find(|other| other.rule.id == rule.id) {
            let line = mistakes.line(first.place);
            let hint = format!("the first one is in line {line}; give each rule a name of its own");
            mistakes.error(*place, format!("two rules are called `{}`", rule.id), hint);
        } else if let Some(keepers) = keepers(rule, before) {
            let hint = because(rule, &keepers, mistakes);
            mistakes.error(*place, format!("rule `{}` can never be reached", rule.id), hint);
        }
    }
    if let Some(last) = rules.last()
        && !rules.iter().any(|placed| keeps_everything(&placed.rule))
    {
        let hint = "add `- { id: rest, then: fail }` below it: no `class`, no `nodes_lost`, no retry";
        mistakes.error(last.place, "the last rule must match everything", hint);
    }
}

/// The rules before that keep each class from this one; none if one class comes through.
fn keepers<'r>(rule: &Rule, before: &'r [Placed]) -> Option<Vec<&'r Placed>> {
    let classes = FailureClass::ALL.iter().map(|(class, _)| *class).filter(|class| matches(rule, *class));
    let keeper = |class| before.iter().find(|other| keeps(&other.rule, class, rule.nodes_lost));
    let mut keepers: Vec<&Placed> = Vec::new();
    for class in classes {
        let keeper = keeper(class)?;
        if !keepers.iter().any(|known| known.place == keeper.place) {
            keepers.push(keeper);
        }
    }
    Some(keepers)
}

fn because(rule: &Rule, keepers: &[&Placed], mistakes: &Mistakes<'_>) -> String {
    let named = |placed: &Placed| format!("`{}`, line {},", placed.rule.id, mistakes.line(placed.place));
    match keepers {
        [one] if keeps_everything(&one.rule) => {
            format!("{} matches everything; put `{}` above it", named(one), rule.id)
        }
        [one] => format!("{} matches all that it matches; put `{}` above it", named(one), rule.id),
        several => {
            let names: Vec<String> = several.iter().map(|placed| named(placed)).collect();
            format!("{} match all that it matches; put `{}` above them", names.join(" "), rule.id)
        }
    }
}

fn matches(rule: &Rule, class: FailureClass) -> bool {
    rule.class.is_empty() || rule.class.contains(&class)
}

/// Whether a rule decides for good about every failure of a class with at least so many lost nodes.
fn keeps(rule: &Rule, class: FailureClass, nodes_lost: u32) -> bool {
    rule.then != Then::Retry && matches(rule, class) && rule.nodes_lost <= nodes_lost
}

fn keeps_everything(rule: &Rule) -> bool {
    FailureClass::ALL.iter().all(|(class, _)| keeps(rule, *class, 0))
}
