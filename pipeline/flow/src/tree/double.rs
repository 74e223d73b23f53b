//! Double keys: YAML forbids them, and most parsers let the last one win in silence.

use super::Node;
use crate::mistakes::Mistakes;

/// Notes each key that stands in a map before.
pub(super) fn note_double_keys(entries: &[(Node<'_>, Node<'_>)], mistakes: &mut Mistakes<'_>) {
    if entries.len() <= 16 {
        for (at, (key, _)) in entries.iter().enumerate() {
            if let Some((first, _)) = entries[..at].iter().find(|(k, _)| k.raw() == key.raw()) {
                note(first, key, mistakes);
            }
        }
        return;
    }
    let mut keys: Vec<&Node<'_>> = entries.iter().map(|(key, _)| key).collect();
    keys.sort_by_key(|key| key.raw()); // stable: the first of equal ones stays first
    for same in keys.chunk_by(|a, b| a.raw() == b.raw()) {
        for key in same.iter().skip(1) {
            if mistakes.is_full() {
                return;
            }
            note(same[0], key, mistakes);
        }
    }
}

fn note(first: &Node<'_>, again: &Node<'_>, mistakes: &mut Mistakes<'_>) {
    let line = mistakes.line(first.span);
    let message = format!("`{}` stands here twice", crate::words::cut(again.raw()));
    mistakes.error(again.span, message, format!("the first one is in line {line}; keep one of them"));
}
