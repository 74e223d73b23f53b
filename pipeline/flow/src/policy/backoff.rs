//! `backoff`: how long the retries of a rule wait, as a curve or as a list.

use std::ops::RangeInclusive;

use model::Millis;
use model::policy::{Backoff, Jitter, Shape};

use crate::fields::BACKOFF;
use crate::mistakes::Mistakes;
use crate::read;
use crate::tree::{Node, Value};

/// The curves; a list is written as one.
const SHAPES: [(Shape, &str); 4] = [
    (Shape::Constant, "constant"),
    (Shape::Linear, "linear"),
    (Shape::Exponential, "exponential"),
    (Shape::Fibonacci, "fibonacci"),
];
/// How a wait is spread.
const JITTER: [(Jitter, &str); 2] = [(Jitter::None, "none"), (Jitter::Full, "full")];
/// What a wait may be.
const WAIT: RangeInclusive<Millis> = Millis(0)..=Millis::from_secs(86_400);
/// Most waits of a list: as many as a rule has uses.
const MAX_LIST: usize = 100;
const HINT: &str = "write it like `{ shape: exponential, delay: 1s, max: 60s }` or `[5s, 30s, 2m]`";

/// Reads a curve or a list of waits.
pub(super) fn read_backoff(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<Backoff> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            mistakes.error(node.span, "`backoff` is empty", HINT);
            None
        }
        Value::List(_) => {
            let items = read::list("backoff", node, MAX_LIST, HINT, mistakes);
            let waits = items.iter().filter_map(|item| read::time("backoff", item, WAIT, mistakes)).collect();
            Some(Backoff { list_ms: waits, ..blank(Shape::List) })
        }
        Value::Plain(_) | Value::Quoted(_) | Value::Map(_) => read_curve(node, mistakes),
    }
}

fn read_curve(node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<Backoff> {
    let entries = read::map("backoff", node, 16, HINT, mistakes);
    let mut backoff = blank(Shape::Constant);
    for (key, value) in entries {
        let name = key.raw();
        match name {
            "shape" => backoff.shape = read::word(name, value, &SHAPES, mistakes).unwrap_or(backoff.shape),
            "delay" => backoff.delay_ms = read::time(name, value, WAIT, mistakes).unwrap_or(backoff.delay_ms),
            "factor" => backoff.factor = read::int(name, value, 1..=100, mistakes).unwrap_or(backoff.factor),
            "max" => backoff.max_ms = read::time(name, value, WAIT, mistakes).unwrap_or(backoff.max_ms),
            "first" => backoff.first_ms = read::time(name, value, WAIT, mistakes),
            "jitter" => backoff.jitter = read::word(name, value, &JITTER, mistakes).unwrap_or_default(),
            _ => BACKOFF.refuse(key, mistakes),
        }
    }
    if matches!(node.value, Value::Map(_)) && node.get("shape").is_none() {
        mistakes.error(node.span, "`backoff` has no `shape`", HINT);
    }
    if backoff.delay_ms > backoff.max_ms {
        let place = node.get("delay").or_else(|| node.get("max")).map_or(node.span, |value| value.span);
        mistakes.error(place, "`delay` is longer than `max`", "no wait is longer than `max` (1h if it is not given)");
    }
    Some(backoff)
}

/// A backoff with all defaults.
fn blank(shape: Shape) -> Backoff {
    Backoff {
        shape,
        delay_ms: Millis::from_secs(1),
        factor: 2,
        max_ms: Millis::from_secs(3_600),
        first_ms: None,
        list_ms: Vec::new(),
        jitter: Jitter::None,
    }
}
