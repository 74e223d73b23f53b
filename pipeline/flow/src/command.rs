//! What a task starts: the command and its variables, each text as it is written.

use std::collections::BTreeMap;

use crate::mistakes::Mistakes;
use crate::read;
use crate::tree::{Node, Value};
use crate::words::{counted, cut};

/// Longest command, in bytes, all its arguments together.
const MAX_RUN_BYTES: usize = 64 * 1024;
/// Most variables of a task, and their bytes.
const MAX_ENV: usize = 256;
const MAX_ENV_BYTES: usize = 32 * 1024;
/// A text is a shell's; a list is started as it is.
pub(crate) fn read_run(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Vec<String> {
    let Value::List(items) = &node.value else {
        let text = match node.value {
            Value::Map(_) => {
                let hint = "write the command as a text, or as a list of the program and its arguments";
                read::wrong_kind("run", node, "a text or a list", hint, mistakes);
                None
            }
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => read::text("run", node, MAX_RUN_BYTES, mistakes),
        };
        let shell = |text: &str| ["sh", "-e", "-c", text].map(str::to_owned).to_vec();
        return text.map(shell).unwrap_or_default();
    };
    let mut run = Vec::with_capacity(items.len());
    for item in items {
        match item.text() {
            Some(text) if read::plain_bytes("run", text, item, mistakes) => run.push(text.to_owned()),
            Some(_) => return Vec::new(),
            None => {
                let hint = "each item is one argument as a text; a missing one is written \"\"";
                read::wrong_kind("run", item, "a list of texts", hint, mistakes);
                return Vec::new();
            }
        }
    }
    let bytes: usize = run.iter().map(|argument| argument.len() + 1).sum();
    if run.first().is_none_or(String::is_empty) {
        mistakes.error(node.span, "`run` names no program", "write it like `run: [make, test]`");
    } else if bytes > MAX_RUN_BYTES {
        mistakes.error(node.span, format!("`run` is {} long", counted(bytes as u64, "byte")), "it may be 65,536 bytes");
    }
    run
}

/// Values arrive as they are written: `1.10` stays `1.10`.
pub(crate) fn read_env(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    let mut bytes = 0;
    for (key, value) in read::map("env", node, MAX_ENV, "write it like `env: { NAME: value }`", mistakes) {
        let name = key.raw();
        if name.is_empty() || name.contains(['=', '\0']) {
            mistakes.error(
                key.span,
                format!("`{}` is no name for a variable", cut(name)),
                "write it like `NAME: value`",
            );
            continue;
        }
        let Some(text) = value.text() else {
            let place = if value.is_nothing() { key } else { value };
            let message = format!("variable `{}` must be a text, not {}", cut(name), value.kind());
            mistakes.error(place.span, message, "write one text; an empty one is written \"\"");
            continue;
        };
        bytes += name.len() + text.len() + 2;
        if read::plain_bytes(name, text, value, mistakes) {
            env.insert(name.to_owned(), text.to_owned());
        }
    }
    if bytes > MAX_ENV_BYTES {
        let message = format!("`env` is {} long", counted(bytes as u64, "byte"));
        mistakes.error(node.span, message, "it may be 32,768 bytes, names and values together");
    }
    env
}
