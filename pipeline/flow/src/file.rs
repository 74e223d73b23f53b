//! The flow file as a whole: its name, its locks, its tasks.

use std::collections::{BTreeMap, BTreeSet};

use model::task::MAX_TASKS;
use model::{FlowId, LockId};

use crate::fields::FLOW;
use crate::mistakes::Mistakes;
use crate::read;
use crate::source::Span;
use crate::task::{Draft, read_task};
use crate::tree::{Node, Value};
use crate::words::cut;

/// Most locks of a flow.
const MAX_LOCKS: usize = 1_000;
/// Most permits of a lock.
const MAX_PERMITS: u32 = 10_000;

/// What the file says, task by task; names of other tasks are not looked up yet.
pub(crate) struct FlowFile<'n> {
    pub flow: FlowId,
    pub locks: Locks,
    pub tasks: Vec<Draft<'n>>,
}

/// The locks that the flow declares.
#[derive(Default)]
pub(crate) struct Locks {
    pub sizes: BTreeMap<LockId, u32>,
    places: BTreeMap<LockId, Span>,
    /// Whether there is a `locks` at all, for what is suggested.
    declared: bool,
}

/// Reads the whole file. `default` is the name of a flow that does not say its own.
pub(crate) fn read_flow<'n>(root: &'n Node<'_>, default: FlowId, mistakes: &mut Mistakes<'_>) -> FlowFile<'n> {
    let mut file = FlowFile { flow: default, locks: Locks::default(), tasks: Vec::new() };
    let Value::Map(entries) = &root.value else {
        let hint = "the least flow: `tasks:`, below it `  hello:`, below that `    run: echo hello`";
        mistakes.error(root.span, format!("a flow must be a map, not {}", root.kind()), hint);
        return file;
    };
    // Tasks name locks, wherever in the file those are declared.
    if let Some(locks) = root.get("locks") {
        file.locks = read_locks(locks, mistakes);
    }
    for (key, value) in entries {
        match key.raw() {
            "flow" => {
                if let Some(name) = read::id("flow", value, mistakes) {
                    file.flow = FlowId::new(name).expect("`read::id` allows less than a flow id does");
                }
            }
            "locks" => {}
            "tasks" => file.tasks = read_tasks(key, value, &file.locks, mistakes),
            _ => FLOW.refuse(key, mistakes),
        }
    }
    if root.get("tasks").is_none() {
        let first = entries.first().map_or(root.span, |(key, _)| key.span);
        let hint = "write `tasks:`, below it a name, below that `run: COMMAND`";
        mistakes.error(first, "the flow has no `tasks`", hint);
    }
    file
}

fn read_locks(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Locks {
    let mut locks = Locks { declared: true, ..Locks::default() };
    let hint = "write it like `locks: { staging-db: 1, browserstack: 12 }`: how many may hold each";
    for (key, value) in read::map("locks", node, MAX_LOCKS, hint, mistakes) {
        let id = read::id("lock", key, mistakes);
        let size = read::int(key.raw(), value, 1..=MAX_PERMITS, mistakes);
        if let Some(id) = id {
            let id = LockId::new(id).expect("`read::id` allows less than a lock id does");
            locks.places.entry(id.clone()).or_insert(key.span);
            // A lock whose size cannot be read is declared all the same.
            locks.sizes.entry(id).or_insert(size.unwrap_or(MAX_PERMITS));
        }
    }
    locks
}

fn read_tasks<'n>(key: &Node<'_>, node: &'n Node<'_>, locks: &Locks, mistakes: &mut Mistakes<'_>) -> Vec<Draft<'n>> {
    if node.is_nothing() {
        mistakes.error(key.span, "`tasks` is empty", "write a name below it, below that `run: COMMAND`");
        return Vec::new();
    }
    let hint = "write a name for each task, and below it `run: COMMAND`";
    let entries = read::map("tasks", node, MAX_TASKS, hint, mistakes);
    if matches!(&node.value, Value::Map(all) if all.is_empty()) {
        mistakes.error(node.span, "`tasks` is empty", hint);
    }
    let mut drafts = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if mistakes.is_full() {
            break;
        }
        drafts.push(read_task(key, value, locks, mistakes));
    }
    drafts
}

impl Locks {
    /// Notes each lock that no task takes.
    pub fn note_unused(&self, tasks: &[Draft<'_>], mistakes: &mut Mistakes<'_>) {
        let used: BTreeSet<&LockId> = tasks.iter().flat_map(|draft| draft.task.needs.locks.keys()).collect();
        for (id, place) in self.places.iter().filter(|(id, _)| !used.contains(id)) {
            let hint = format!("a task takes it by `needs: {{ locks: [{id}] }}`");
            mistakes.warning(*place, format!("no task takes lock `{id}`"), hint);
        }
    }

    /// Looks a lock up that a task names; says what is wrong if it is not declared.
    pub fn find(&self, node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<(LockId, u32)> {
        let name = node.raw();
        if let Some((id, size)) = LockId::new(name).ok().and_then(|id| self.sizes.get_key_value(&id)) {
            return Some((id.clone(), *size));
        }
        let name = cut(name);
        let near = mistakes.nearest.find(&name, self.sizes.keys().map(LockId::as_str));
        let place = near.and_then(|near| self.places.get_key_value(&LockId::new(near).ok()?));
        let hint = match place {
            Some((near, span)) => {
                format!("did you mean `{near}`, line {}? Else add `{name}: 1` there", mistakes.line(*span))
            }
            None if self.declared => format!("add `{name}: 1` to `locks`"),
            None => format!("add `locks: {{ {name}: 1 }}` above `tasks`"),
        };
        mistakes.error(node.span, format!("lock `{name}` is not declared"), hint);
        None
    }
}
