//! Failure classes by their words, and the words that people try instead.

use model::policy::FailureClass;

use crate::mistakes::Mistakes;
use crate::tree::{Node, Value};
use crate::words::{choice, cut};

/// Words of other tools, with what to write here.
const OTHER_WORDS: [(&[&str], &str); 5] = [
    (&["hang", "hung", "stuck", "silent", "frozen"], "write `stall` (silent) or `timeout` (too long)"),
    (&["oom", "memory", "oom_killed"], "write `out_of_memory`"),
    (
        &["failure", "failed", "fail", "error"],
        "write `test_failure` (the test said no) or `start_failure` (it never ran)",
    ),
    (&["infra", "lost", "agent_lost", "preempted"], "write `node_lost` or `start_failure`"),
    (&["any", "all", "*"], "leave `class` out for any class"),
];

/// Reads one class or a list of them; none if a word is no class.
pub(super) fn read_classes(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<Vec<FailureClass>> {
    let items = match &node.value {
        Value::List(items) => items.as_slice(),
        Value::Plain(_) | Value::Quoted(_) | Value::Map(_) => std::slice::from_ref(node),
    };
    if items.is_empty() {
        mistakes.error(node.span, "`class` is empty", "leave it out for any class");
        return None;
    }
    let mut classes = Vec::new();
    let mut whole = true;
    for item in items {
        match read_class(item, mistakes) {
            Some(class) if classes.contains(&class) => {}
            Some(class) => classes.push(class),
            None => whole = false,
        }
    }
    whole.then_some(classes)
}

fn read_class(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<FailureClass> {
    let word = node.raw();
    let found = FailureClass::ALL.iter().find(|(_, known)| *known == word).map(|(class, _)| *class);
    if found.is_none() {
        let known = FailureClass::ALL.iter().map(|(_, word)| *word);
        let other = OTHER_WORDS.iter().find(|(words, _)| words.contains(&word)).map(|(_, hint)| *hint);
        let hint = match (other, mistakes.nearest.find(word, known.clone())) {
            (Some(other), _) => format!("{other}; all classes: reprise help policy"),
            (None, Some(near)) => format!("did you mean `{near}`? All classes: reprise help policy"),
            (None, None) => format!("write {}", choice(known)),
        };
        let message = match node.text() {
            Some(word) => format!("no failure class `{}`", cut(word)),
            None => format!("`class` must be a word, not {}", node.kind()),
        };
        mistakes.error(node.span, message, hint);
    }
    found
}
