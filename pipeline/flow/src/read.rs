//! How one value is read: a text, a number, a time, a size, a list, a map. What is wrong with it is noted at its place,
//! and the reader gets nothing; so one walk finds all mistakes of a file.

use std::ops::RangeInclusive;

use model::Millis;

use crate::mistakes::Mistakes;
use crate::size::{self, parse_size};
use crate::time::{self, NotATime, parse_duration};
use crate::tree::{Node, Value};
use crate::words::{choice, counted, cut, thousands};

/// Longest name that a flow or policy may give, in bytes.
const LONGEST_ID: usize = 100;

/// A text that is not empty, as it is written. `name` is the field's, for messages.
pub(crate) fn text<'n>(name: &str, node: &'n Node<'_>, longest: usize, mistakes: &mut Mistakes<'_>) -> Option<&'n str> {
    let Some(text) = node.text().filter(|text| !text.is_empty()) else {
        let hint = if node.is_nothing() { "write its value, or take the field out" } else { "write one text" };
        wrong_kind(name, node, "a text", hint, mistakes);
        return None;
    };
    if text.len() > longest {
        let message = format!("`{name}` is {} long", counted(text.len() as u64, "byte"));
        mistakes.error(node.span, message, format!("it may be {} bytes", thousands(longest as u64)));
        return None;
    }
    plain_bytes(name, text, node, mistakes).then_some(text)
}

/// Refuses what no command can be given, and what later versions put something in for.
pub(crate) fn plain_bytes(name: &str, text: &str, node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> bool {
    if text.contains('\0') {
        mistakes.error(node.span, format!("`{name}` has a zero byte"), "no command can be given one; take it out");
        return false;
    }
    if text.contains("${{") {
        let hint = "write the value itself; a shell variable is written $NAME or ${NAME}";
        mistakes.error(node.span, "`${{ … }}` is not in this version of Reprise", hint);
        return false;
    }
    true
}

/// A name: 1 to 100 of `A-Za-z0-9_-`.
pub(crate) fn id<'n>(what: &str, node: &'n Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<&'n str> {
    let text = node.raw();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(plain) {
        return Some(text);
    }
    let message = match text {
        "" => format!("a {what} needs a name"),
        _ => format!("`{}` is no name for a {what}", cut(text)),
    };
    mistakes.error(node.span, message, "write 1 to 100 of the characters A-Z a-z 0-9 _ -");
    None
}

/// A whole number within bounds.
pub(crate) fn int(
    name: &str,
    node: &Node<'_>,
    bounds: RangeInclusive<u32>,
    mistakes: &mut Mistakes<'_>,
) -> Option<u32> {
    let (least, most) = (thousands((*bounds.start()).into()), thousands((*bounds.end()).into()));
    let range = format!("{least} to {most}");
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    };
    match &node.value {
        Value::Plain(text) if number(text) => {
            let value = text.parse().ok().filter(|n| bounds.contains(n));
            if value.is_none() {
                mistakes.error(node.span, format!("`{name}` is {}", cut(text)), format!("it may be {range}"));
            }
            value
        }
        Value::Plain(_) | Value::Quoted(_) | Value::List(_) | Value::Map(_) => {
            let hint = format!("write a number from {range}, without quotes");
            wrong_kind(name, node, "a whole number", &hint, mistakes);
            None
        }
    }
}

/// `true` or `false`, in YAML 1.2's words.
pub(crate) fn boolean(name: &str, node: &Node<'_>, mistakes: &mut Mistakes<'_>) -> Option<bool> {
    match &node.value {
        Value::Plain(word) if word == "true" => Some(true),
        Value::Plain(word) if word == "false" => Some(false),
        Value::Plain(_) | Value::Quoted(_) | Value::List(_) | Value::Map(_) => {
            wrong_kind(name, node, "true or false", "write `true` or `false`, without quotes", mistakes);
            None
        }
    }
}

/// A length of time within bounds.
pub(crate) fn time(
    name: &str,
    node: &Node<'_>,
    bounds: RangeInclusive<Millis>,
    mistakes: &mut Mistakes<'_>,
) -> Option<Millis> {
    let range = format!("{} to {}", time::words(*bounds.start()), time::words(*bounds.end()));
    let Some(text) = node.text() else {
        wrong_kind(name, node, "a time", &format!("write it like `90s`, `20m` or `1h30m` ({range})"), mistakes);
        return None;
    };
    let (message, hint) = match parse_duration(text) {
        Ok(time) if bounds.contains(&time) => return Some(time),
        Ok(_) => (format!("`{name}` is {text}"), format!("it may be {range}")),
        Err(NotATime::NoUnit) => {
            let n = cut(text);
            ("a time needs a unit".to_owned(), format!("write `{n}s`, `{n}m` or `{n}h` ({range})"))
        }
        Err(NotATime::Unreadable) => {
            (format!("`{}` is no time", cut(text)), format!("write it like `90s`, `20m` or `1h30m` ({range})"))
        }
    };
    mistakes.error(node.span, message, hint);
    None
}

/// A size in MiB, from 1 MiB to `most`.
pub(crate) fn size(name: &str, node: &Node<'_>, most: u64, mistakes: &mut Mistakes<'_>) -> Option<u64> {
    let range = format!("1MiB to {}", size::words(most));
    let Some(text) = node.text() else {
        wrong_kind(name, node, "a size", &format!("write it like `512MiB` or `2GiB` ({range})"), mistakes);
        return None;
    };
    let (message, hint) = match parse_size(text) {
        Ok(mib) if (1..=most).contains(&mib) => return Some(mib),
        Ok(_) => (format!("`{name}` is {text}"), format!("it may be {range}")),
        Err(_) if text.bytes().all(|b| b.is_ascii_digit()) => {
            let n = cut(text);
            ("a size needs a unit".to_owned(), format!("write `{n}MiB` or `{n}GiB` ({range})"))
        }
        Err(_) => (format!("`{}` is no size", cut(text)), format!("write it like `512MiB` or `2GiB` ({range})")),
    };
    mistakes.error(node.span, message, hint);
    None
}

/// One of some words.
pub(crate) fn word<T: Copy>(
    name: &str,
    node: &Node<'_>,
    words: &[(T, &'static str)],
    mistakes: &mut Mistakes<'_>,
) -> Option<T> {
    let all = choice(words.iter().map(|(_, word)| *word));
    let Some(text) = node.text() else {
        wrong_kind(name, node, "a word", &format!("write {all}"), mistakes);
        return None;
    };
    let found = words.iter().find(|(_, word)| *word == text).map(|(value, _)| *value);
    if found.is_none() {
        let near = mistakes.nearest.find(text, words.iter().map(|(_, word)| *word));
        let hint = near.map_or(format!("write {all}"), |near| format!("did you mean `{near}`? It may be {all}"));
        mistakes.error(node.span, format!("`{name}` cannot be `{}`", cut(text)), hint);
    }
    found
}

/// The items of a list that is not too long.
pub(crate) fn list<'n, 'a>(
    name: &str,
    node: &'n Node<'a>,
    most: usize,
    hint: &str,
    mistakes: &mut Mistakes<'_>,
) -> &'n [Node<'a>] {
    let Value::List(items) = &node.value else {
        wrong_kind(name, node, "a list", hint, mistakes);
        return &[];
    };
    within(name, node, items.len(), most, mistakes).map_or(&[], |()| items)
}

/// The entries of a map that is not too big.
pub(crate) fn map<'n, 'a>(
    name: &str,
    node: &'n Node<'a>,
    most: usize,
    hint: &str,
    mistakes: &mut Mistakes<'_>,
) -> &'n [(Node<'a>, Node<'a>)] {
    let Value::Map(entries) = &node.value else {
        wrong_kind(name, node, "a map", hint, mistakes);
        return &[];
    };
    within(name, node, entries.len(), most, mistakes).map_or(&[], |()| entries)
}

fn within(name: &str, node: &Node<'_>, len: usize, most: usize, mistakes: &mut Mistakes<'_>) -> Option<()> {
    if len <= most {
        return Some(());
    }
    let message = format!("`{name}` has {} entries", thousands(len as u64));
    mistakes.error(node.span, message, format!("it may have {}", thousands(most as u64)));
    None
}

/// Notes that a value is of another kind than its field.
pub(crate) fn wrong_kind(name: &str, node: &Node<'_>, want: &str, hint: &str, mistakes: &mut Mistakes<'_>) {
    let message = match node.text() {
        Some("") => format!("`{name}` is empty; it must be {want}"),
        Some(text) => format!("`{name}` must be {want}, not `{}`", cut(text)),
        None if node.is_nothing() => format!("`{name}` has no value"),
        None => format!("`{name}` must be {want}, not {}", node.kind()),
    };
    mistakes.error(node.span, message, hint);
}
