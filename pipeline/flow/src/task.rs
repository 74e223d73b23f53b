//! One task of the flow file: each of its fields, with bounds and defaults.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use model::task::{MAX_TASK_BYTES, Needs};
use model::{Millis, Priority, Task, TaskId, Want};

use crate::after::read_after;
use crate::command::{read_env, read_run};
use crate::fields::TASK;
use crate::file::Locks;
use crate::mistakes::Mistakes;
use crate::needs::read_needs;
use crate::read;
use crate::source::Span;
use crate::tree::{Node, Value};
use crate::words::{counted, cut};

/// Longest path of a folder or result files, in bytes.
const MAX_PATH_BYTES: usize = 4 * 1024;
/// Most globs of result files.
const MAX_RESULTS: usize = 32;

const SECOND: Millis = Millis::from_secs(1);
const MINUTE: Millis = Millis::from_secs(60);
const WEEK: Millis = Millis::from_secs(7 * 86_400);
/// What a time limit may be.
const LIMIT: RangeInclusive<Millis> = SECOND..=WEEK;

/// A task whose dependencies are names still.
pub(crate) struct Draft<'n> {
    /// Its name as it is written, and where.
    pub name: &'n str,
    pub place: Span,
    pub task: Task,
    pub after: Vec<After<'n>>,
}

/// One entry of `after`.
pub(crate) struct After<'n> {
    pub on: &'n str,
    pub want: Want,
    pub place: Span,
}

/// Reads one task. What is wrong is noted, and has its default in the draft.
pub(crate) fn read_task<'n>(
    key: &'n Node<'_>,
    node: &'n Node<'_>,
    locks: &Locks,
    mistakes: &mut Mistakes<'_>,
) -> Draft<'n> {
    let name = key.raw();
    let id = read::id("task", key, mistakes).and_then(|id| TaskId::new(id).ok());
    let mut draft = Draft { name, place: key.span, task: blank(id), after: Vec::new() };
    let Value::Map(entries) = &node.value else {
        let message = match node.is_nothing() {
            true => format!("task `{}` is empty", cut(name)),
            false => format!("task `{}` must be a map, not {}", cut(name), node.kind()),
        };
        let place = if node.is_nothing() { key.span } else { node.span };
        mistakes.error(place, message, "write at least `run: COMMAND` below its name");
        return draft;
    };
    for (key, value) in entries {
        read_field(&mut draft, key, value, locks, mistakes);
    }
    if node.get("run").is_none() {
        mistakes.error(key.span, format!("task `{}` has no `run`", cut(name)), "add `run: COMMAND`");
    }
    draft
}

/// A task with all defaults.
fn blank(id: Option<TaskId>) -> Task {
    Task {
        id: id.unwrap_or_else(|| TaskId::new("_").expect("an underscore is a name")),
        run: Vec::new(),
        env: BTreeMap::new(),
        dir: None,
        needs: Needs::default(),
        priority: Priority::Medium,
        timeout_ms: Millis::from_secs(3_600),
        stall_ms: None,
        grace_ms: Millis::from_secs(30),
        estimate_ms: MINUTE,
        path_ms: Millis(0),
        retry: "default".to_owned(),
        allow_failure: false,
        results: Vec::new(),
    }
}

fn read_field<'n>(
    draft: &mut Draft<'n>,
    key: &Node<'_>,
    value: &'n Node<'_>,
    locks: &Locks,
    mistakes: &mut Mistakes<'_>,
) {
    let task = &mut draft.task;
    let set = |to: &mut Millis, time: Option<Millis>| *to = time.unwrap_or(*to);
    match key.raw() {
        "run" => task.run = read_run(value, mistakes),
        "env" => task.env = read_env(value, mistakes),
        "dir" => task.dir = read::text("dir", value, MAX_PATH_BYTES, mistakes).map(str::to_owned),
        "after" => draft.after = read_after(value, mistakes),
        "needs" => task.needs = read_needs(value, locks, mistakes),
        "priority" => task.priority = read::word("priority", value, &Priority::ALL, mistakes).unwrap_or_default(),
        "timeout" => set(&mut task.timeout_ms, read::time("timeout", value, LIMIT, mistakes)),
        "stall" => task.stall_ms = read::time("stall", value, LIMIT, mistakes),
        "grace" => set(&mut task.grace_ms, read::time("grace", value, Millis(0)..=Millis::from_secs(600), mistakes)),
        "estimate" => set(&mut task.estimate_ms, read::time("estimate", value, LIMIT, mistakes)),
        "retry" => task.retry = read_retry(value, mistakes),
        "allow_failure" => task.allow_failure = read::boolean("allow_failure", value, mistakes).unwrap_or_default(),
        "results" => task.results = read_results(value, mistakes),
        _ => TASK.refuse(key, mistakes),
    }
}

fn read_retry(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> String {
    let name = node.raw();
    if !matches!(name, "default" | "none") {
        let message = match node.value {
            Value::Plain(_) | Value::Quoted(_) => format!("no policy `{}`", cut(name)),
            Value::List(_) | Value::Map(_) => format!("`retry` must be a policy's name, not {}", node.kind()),
        };
        mistakes.error(node.span, message, "write `default` or `none`: this version has no others");
    }
    name.to_owned()
}

fn read_results(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Vec<String> {
    let hint = "write it like `results: [out/junit/*.xml]`";
    let mut results = Vec::new();
    for item in read::list("results", node, MAX_RESULTS, hint, mistakes) {
        let Some(text) = read::text("results", item, MAX_PATH_BYTES, mistakes) else { continue };
        if let Err(error) = globset::Glob::new(text) {
            mistakes.error(item.span, format!("`{}` is no glob: {}", cut(text), error.kind()), hint);
        }
        results.push(text.to_owned());
    }
    results
}

/// Notes a task that takes more room in the log than one may.
pub(crate) fn check_bytes(name: &str, place: Span, bytes: usize, mistakes: &mut Mistakes<'_>) {
    if bytes > MAX_TASK_BYTES {
        let message = format!("task `{name}` is {} of JSON", counted(bytes as u64, "byte"));
        mistakes.error(place, message, "it may be 98,304 bytes; put long texts into files of their own");
    }
}
