//! From the bytes of a file to a checked flow: the steps, in their order.

use std::sync::Arc;

use model::FlowId;
use model::task::{Edge, FlowHead};

use crate::after::{Wait, resolve};
use crate::checked::Checked;
use crate::diagnostic::{Diagnostic, Severity};
use crate::file::{FlowFile, read_flow};
use crate::mistakes::Mistakes;
use crate::order::{Order, paths};
use crate::source::{MAX_FILE_BYTES, Span};
use crate::task::{Draft, check_bytes};
use crate::tree::{self, Node};

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// YAML 1.2.
    Yaml,
    /// JSON, which is YAML with stricter rules.
    Json,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A flow.
    Flow,
    /// A retry policy: it has a `policy` at its top.
    Policy,
}

/// Reads and checks a flow. `name` is the file's; a flow that does not say its own name is called after it.
pub fn parse(name: &str, text: &[u8], format: Format) -> Result<Checked, Vec<Diagnostic>> {
    let text = decode(text).map_err(|mistake| vec![mistake])?;
    let mut mistakes = Mistakes::new(text);
    let Some(root) = read_tree(text, format, &mut mistakes) else {
        return Err(mistakes.into_sorted());
    };
    let file = read_flow(&root, flow_name(name), &mut mistakes);
    let waits = resolve(&file.tasks, &mut mistakes);
    let order = Order::new(file.tasks.len(), &waits);
    let sorted = order.sorted();
    if sorted.len() < file.tasks.len() {
        order.note_cycles(&file.tasks, &waits, &mut mistakes);
    }
    if mistakes.failed() {
        return Err(mistakes.into_sorted());
    }
    file.locks.note_unused(&file.tasks, &mut mistakes);
    let checked = assemble(file, &waits, &sorted, &mut mistakes);
    match mistakes.failed() {
        true => Err(mistakes.into_sorted()),
        false => Ok(Checked { warnings: mistakes.into_sorted(), ..checked }),
    }
}

/// What a file holds: a `policy` at its top makes it a policy. A file that cannot be read counts as a flow, whose reader
/// says what is wrong with it.
pub fn kind_of(text: &[u8]) -> Kind {
    let Ok(text) = decode(text) else { return Kind::Flow };
    let root = tree::build(text, &mut Mistakes::new(text));
    match root.is_some_and(|root| root.get("policy").is_some()) {
        true => Kind::Policy,
        false => Kind::Flow,
    }
}

/// The name of a flow by its file: `nightly web.yaml` is `nightly-web`.
pub fn flow_name(file: &str) -> FlowId {
    let base = file.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = base.rsplit_once('.').map_or(base, |(stem, _)| stem);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = stem.chars().map(plain).take(FlowId::LONGEST).collect();
    let name = name.trim_matches('-');
    FlowId::new(if name.is_empty() { "flow" } else { name }).expect("only plain characters are left")
}

/// The text of a file; a mistake if it is too large or no UTF-8.
pub(crate) fn decode(bytes: &[u8]) -> Result<&str, Diagnostic> {
    let mistake = |message: String, hint: &str| Diagnostic {
        severity: Severity::Error,
        line: 0,
        column: 0,
        width: 0,
        message,
        hint: hint.to_owned(),
    };
    if bytes.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} MiB", bytes.len().div_ceil(1024 * 1024));
        return Err(mistake(message, "it may have 64 MiB; put long texts into files of their own"));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
        mistake(format!("line {line} is no UTF-8 text"), "save the file as UTF-8")
    })
}

/// The tree of a file. JSON is read as the YAML that it is, after it has been found to be JSON.
pub(crate) fn read_tree<'a>(text: &'a str, format: Format, mistakes: &mut Mistakes<'a>) -> Option<Node<'a>> {
    if format == Format::Json
        && let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text)
    {
        let line = mistakes.source.start(error.line() as u32);
        let at = (line + error.column().saturating_sub(1)).min(text.len());
        let words = error.to_string();
        let what = words.split(" at line ").next().unwrap_or_default();
        mistakes.error(Span::new(at, at), format!("this is not JSON: {what}"), "check the commas, quotes and brackets");
        return None;
    }
    tree::build(text, mistakes)
}

/// Puts tasks and dependencies into their order, and reckons paths.
fn assemble(file: FlowFile<'_>, waits: &[Wait], sorted: &[u32], mistakes: &mut Mistakes<'_>) -> Checked {
    let FlowFile { flow, locks, tasks } = file;
    let mut index = vec![0_u32; tasks.len()];
    for (at, new) in sorted.iter().zip(0..) {
        index[*at as usize] = new;
    }
    let place = |wait: &Wait| Edge { task: index[wait.task as usize], on: index[wait.on as usize], want: wait.want };
    let mut edges: Vec<Edge> = waits.iter().map(place).collect();
    edges.sort_unstable();
    let mut drafts: Vec<Option<Draft<'_>>> = tasks.into_iter().map(Some).collect();
    let take = |at: &u32| drafts[*at as usize].take().expect("each task stands in the order once");
    let drafts: Vec<Draft<'_>> = sorted.iter().map(take).collect();
    let estimates: Vec<_> = drafts.iter().map(|draft| draft.task.estimate_ms).collect();
    let paths = paths(&estimates, &edges);
    let mut tasks = Vec::with_capacity(drafts.len());
    for (mut draft, path) in drafts.into_iter().zip(paths) {
        draft.task.path_ms = path;
        check_bytes(draft.name, draft.place, model::json::bytes(&draft.task), mistakes);
        tasks.push(Arc::new(draft.task));
    }
    let head = FlowHead { flow, tasks: tasks.len() as u32, edges: edges.len() as u32, locks: locks.sizes };
    Checked { head, tasks, edges, warnings: Vec::new() }
}
