//! A file as a tree of nodes that know their places: what the parser's events say, no more.
//!
//! serde would stop at the first mistake and turn `1.10` into a number; so the events of the parser under serde-saphyr
//! are kept as they come, with the raw text of each scalar, and the walk over the tree collects all mistakes.

use std::borrow::Cow;

use crate::source::Span;

mod build;
mod double;

pub(crate) use build::build;

/// A value and its place.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub span: Span,
    pub value: Value<'a>,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    /// A text without quotes, as it is written: `1.10` or `true` may be meant as more than text.
    Plain(Cow<'a, str>),
    /// A text with quotes, or of a block.
    Quoted(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Map(Vec<(Node<'a>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// The text, if it is one; nothing at all (`~`, `null`, a key without a value) is none.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Plain(text) if matches!(text.as_ref(), "" | "~" | "null") => None,
            Value::Plain(text) | Value::Quoted(text) => Some(text),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The text of a scalar, whatever it says.
    pub fn raw(&self) -> &str {
        match &self.value {
            Value::Plain(text) | Value::Quoted(text) => text,
            Value::List(_) | Value::Map(_) => "",
        }
    }

    /// Whether it is a key without a value, or `null`.
    pub fn is_nothing(&self) -> bool {
        matches!(&self.value, Value::Plain(_)) && self.text().is_none()
    }

    /// The value of a key, if this is a map that has it.
    pub fn get(&self, key: &str) -> Option<&Node<'a>> {
        match &self.value {
            Value::Map(entries) => entries.iter().find(|(k, _)| k.raw() == key).map(|(_, value)| value),
            Value::Plain(_) | Value::Quoted(_) | Value::List(_) => None,
        }
    }

    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Plain(_) if self.is_nothing() => "nothing",
            Value::Plain(_) | Value::Quoted(_) => "a text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }
}
