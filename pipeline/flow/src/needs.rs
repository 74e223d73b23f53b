//! What a task needs of a node: labels, slots, memory, and the pool's locks.

use std::collections::BTreeMap;

use model::LockId;
use model::task::Needs;

use crate::fields::NEEDS;
use crate::file::Locks;
use crate::mistakes::Mistakes;
use crate::read;
use crate::tree::{Node, Value};
use crate::words::{counted, cut};

/// Most slots of a task, in slots.
pub(crate) const MAX_SLOTS: u32 = model::task::MAX_TASK_SLOTS;
/// Most memory of a task, in MiB.
pub(crate) const MAX_MEMORY_MIB: u64 = model::task::MAX_MEMORY_MB;
/// Most labels of a task.
const MAX_LABELS: usize = 32;
/// Longest label or value, in bytes.
const MAX_LABEL_BYTES: usize = 200;
/// Most locks of a task.
const MAX_LOCKS: usize = model::task::MAX_TASK_LOCKS;

/// Reads `needs`. Other tools' word for dependencies is the same, so that mistake gets its own words.
pub(crate) fn read_needs(node: &Node<'_>, locks: &Locks, mistakes: &mut Mistakes<'_>) -> Needs {
    let mut needs = Needs::default();
    let entries = match &node.value {
        Value::Map(entries) => entries,
        Value::Plain(_) if node.is_nothing() => {
            read::wrong_kind("needs", node, "a map", "write it like `needs: { memory: 2GiB }`", mistakes);
            return needs;
        }
        Value::Plain(_) | Value::Quoted(_) | Value::List(_) => {
            let message = "`needs` says what the node must have; tasks to wait for come under `after`";
            let hint = match mistakes.source.quote(node.span) {
                Some(text) => format!("write `after: {text}`"),
                None => "write `after:` above this list".to_owned(),
            };
            mistakes.error(node.span, message, hint);
            return needs;
        }
    };
    for (key, value) in entries {
        match key.raw() {
            "labels" => needs.labels = read_labels(value, mistakes),
            "slots" => needs.slots = read::int("slots", value, 1..=MAX_SLOTS, mistakes).unwrap_or(1),
            "memory" => {
                needs.memory_mb = read::size("memory", value, MAX_MEMORY_MIB, mistakes).unwrap_or_default();
            }
            "locks" => needs.locks = read_permits(value, locks, mistakes),
            _ => NEEDS.refuse(key, mistakes),
        }
    }
    needs
}

/// Labels and the value that each must have, as they are written.
pub(crate) fn read_labels(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> BTreeMap<String, String> {
    let mut labels = BTreeMap::new();
    for (key, value) in read::map("labels", node, MAX_LABELS, "write it like `labels: { os: linux }`", mistakes) {
        let name = read::text("labels", key, MAX_LABEL_BYTES, mistakes);
        let value = read::text(key.raw(), value, MAX_LABEL_BYTES, mistakes);
        if let (Some(name), Some(value)) = (name, value) {
            labels.insert(name.to_owned(), value.to_owned());
        }
    }
    labels
}

/// `[a]` is one permit of each, `{a: 2}` more.
fn read_permits(node: &Node<'_>, locks: &Locks, mistakes: &mut Mistakes<'_>) -> BTreeMap<LockId, u32> {
    let mut permits = BTreeMap::new();
    let hint = "write `[NAME]` for one permit of each lock, or `{ NAME: 2 }` for more";
    if let Value::Map(_) = &node.value {
        for (key, value) in read::map("locks", node, MAX_LOCKS, hint, mistakes) {
            let wanted = read::int(key.raw(), value, 1..=10_000, mistakes);
            let Some((id, size)) = locks.find(key, mistakes) else { continue };
            if wanted.is_some_and(|wanted| wanted > size) {
                let message = format!("lock `{id}` has {} in all", counted(size.into(), "permit"));
                mistakes.error(value.span, message, format!("a task that needs more never starts; write 1 to {size}"));
            }
            permits.insert(id, wanted.unwrap_or(1));
        }
        return permits;
    }
    for item in read::list("locks", node, MAX_LOCKS, hint, mistakes) {
        if item.text().is_none() {
            read::wrong_kind("locks", item, "a list of names", hint, mistakes);
        } else if let Some((id, _)) = locks.find(item, mistakes)
            && permits.insert(id, 1).is_some()
        {
            let name = cut(item.raw());
            mistakes.error(
                item.span,
                format!("lock `{name}` stands here twice"),
                format!("write `{{ {name}: 2 }}` for two"),
            );
        }
    }
    permits
}
