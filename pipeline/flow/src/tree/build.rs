//! From the parser's events to the tree. Everything that a stranger can make grow has a bound: nodes, nesting, and what
//! aliases repeat, which is counted before it is made.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StructureStyle};

use super::double::note_double_keys;
use super::{Node, Value};
use crate::mistakes::Mistakes;
use crate::source::Span;
use crate::words::thousands;

/// Most nodes of a file: 1,000,000 dependencies and 100,000 tasks take some 2,000,000.
const MAX_NODES: usize = 4_000_000;
/// Most entries of one list or map: as many as a flow has tasks.
const MAX_ENTRIES: usize = 100_000;
/// Deepest nesting; a flow needs 5.
const MAX_DEPTH: usize = 64;
/// Most bytes that aliases may repeat.
const MAX_REPEATED: usize = 128 * 1024 * 1024;

/// Reads a text as YAML 1.2. Notes what is wrong with it; without a tree the file cannot be read any further.
pub(crate) fn build<'a>(text: &'a str, mistakes: &mut Mistakes<'a>) -> Option<Node<'a>> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut builder = Builder::new(mistakes);
    for next in Parser::new_from_str_with_options(text, options) {
        let taken = match next {
            Ok((_, span)) if span.tag_start().is_some() => Err(builder.refuse_tag(&span)),
            Ok((event, span)) => builder.take(event, place(&span)),
            Err(error) => Err(builder.refuse_syntax(&error)),
        };
        if let Err(Refused) = taken {
            return None;
        }
    }
    let root = builder.root.take();
    if root.is_none() {
        mistakes.error(Span::new(0, 0), "the file is empty", "a flow begins with `tasks:`, a policy with `policy:`");
    }
    root
}

/// The file cannot be read any further; the mistake has been noted.
struct Refused;

/// A list or map whose end has not come yet.
struct Open<'a> {
    node: Node<'a>,
    key: Option<Node<'a>>,
    block: bool,
    anchor: usize,
    /// Bytes and levels of what stands in it.
    bytes: usize,
    height: usize,
}

/// What an alias repeats.
struct Anchored<'a> {
    node: Node<'a>,
    bytes: usize,
    height: usize,
}

impl Open<'_> {
    fn entries(&self) -> usize {
        match &self.node.value {
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
            Value::Plain(_) | Value::Quoted(_) => 0,
        }
    }

    fn word(&self) -> &'static str {
        if matches!(self.node.value, Value::Map(_)) { "map" } else { "list" }
    }
}

struct Builder<'m, 'a> {
    mistakes: &'m mut Mistakes<'a>,
    open: Vec<Open<'a>>,
    anchors: BTreeMap<usize, Anchored<'a>>,
    root: Option<Node<'a>>,
    nodes: usize,
    repeated: usize,
}

impl<'m, 'a> Builder<'m, 'a> {
    fn new(mistakes: &'m mut Mistakes<'a>) -> Self {
        Self { mistakes, open: Vec::new(), anchors: BTreeMap::new(), root: None, nodes: 0, repeated: 0 }
    }

    fn take(&mut self, event: Event<'a>, span: Span) -> Result<(), Refused> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let bytes = size_of::<Node<'_>>() + text.len();
                let value = if style == ScalarStyle::Plain { Value::Plain(text) } else { Value::Quoted(text) };
                self.close(Node { span, value }, anchor, bytes, 0)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(Node { span, value: Value::List(Vec::new()) }, style, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(Node { span, value: Value::Map(Vec::new()) }, style, anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.repeat(anchor, span),
            Event::DocumentStart(..) if self.root.is_some() => Err(self.refuse(
                span,
                "a second document begins here",
                "a file holds one flow or policy; take `---` out",
            )),
            Event::DocumentStart(..) | Event::DocumentEnd | Event::StreamStart | Event::StreamEnd => Ok(()),
            Event::Anchor(..) | Event::Comment(..) => Ok(()),
            Event::UnresolvedAlias(_) | _ => {
                Err(self.refuse(span, "this is not understood", "write it in plain YAML 1.2"))
            }
        }
    }

    fn begin(&mut self, node: Node<'a>, style: StructureStyle, anchor: usize) -> Result<(), Refused> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self.refuse_depth(node.span));
        }
        let block = style == StructureStyle::Block;
        self.open.push(Open { node, key: None, block, anchor, bytes: size_of::<Node<'_>>(), height: 0 });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Refused> {
        let Some(Open { mut node, block, anchor, bytes, height, .. }) = self.open.pop() else {
            return Err(self.refuse(span, "an end without a beginning", "check the brackets"));
        };
        if let Value::Map(entries) = &node.value {
            note_double_keys(entries, self.mistakes);
        }
        let last = match &node.value {
            Value::List(items) => items.last(),
            Value::Map(entries) => entries.last().map(|(_, value)| value),
            Value::Plain(_) | Value::Quoted(_) => None,
        };
        // The end of a block comes with whatever follows it: the block ends where its last value does.
        node.span.end = if block { last.map_or(node.span.end, |last| last.span.end) } else { span.end };
        self.close(node, anchor, bytes, height + 1)
    }

    /// Puts an alias's value in its stead. What is repeated is counted before it is made.
    fn repeat(&mut self, anchor: usize, span: Span) -> Result<(), Refused> {
        let Some(Anchored { node, bytes, height }) = self.anchors.get(&anchor) else {
            return Err(self.refuse(span, "an alias inside of what it stands for", "write the value out"));
        };
        let (bytes, height) = (*bytes, *height);
        if self.open.len() + height > MAX_DEPTH {
            return Err(self.refuse_depth(span));
        }
        self.repeated += bytes;
        if self.repeated > MAX_REPEATED {
            return Err(self.refuse(
                span,
                "aliases repeat more than 128 MiB here",
                "repeat less, or write a smaller flow",
            ));
        }
        let node = node.clone();
        self.close(node, 0, bytes, height)
    }

    /// Adds a whole value to what it stands in.
    fn close(&mut self, mut node: Node<'a>, anchor: usize, bytes: usize, height: usize) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the file has more than {} values", thousands(MAX_NODES as u64));
            return Err(self.refuse(node.span, message, "a flow has at most 100,000 tasks and 1,000,000 dependencies"));
        }
        if anchor != 0 {
            self.repeated += bytes;
            self.anchors.insert(anchor, Anchored { node: node.clone(), bytes, height });
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        if open.entries() >= MAX_ENTRIES {
            let message = format!("more than {} entries in one {}", thousands(MAX_ENTRIES as u64), open.word());
            return Err(self.refuse(node.span, message, "a flow has at most 100,000 tasks; split it"));
        }
        open.bytes += bytes;
        open.height = open.height.max(height);
        match (&mut open.node.value, open.key.take()) {
            (Value::List(items), _) => items.push(node),
            (Value::Map(entries), Some(key)) => {
                if node.span.start == node.span.end {
                    node.span = key.span; // a value that is not there is missed at its key
                }
                entries.push((key, node));
            }
            (Value::Map(_), None) if matches!(node.value, Value::List(_) | Value::Map(_)) => {
                return Err(self.refuse(
                    node.span,
                    format!("a key must be a text, not {}", node.kind()),
                    "write `KEY: VALUE`",
                ));
            }
            (Value::Map(_), None) if matches!(&node.value, Value::Plain(key) if key == "<<") => {
                let hint = "YAML 1.2 has no merge keys; write the fields out, or repeat a whole value by an alias";
                return Err(self.refuse(node.span, "`<<` is not understood", hint));
            }
            (Value::Map(_), None) => open.key = Some(node),
            (Value::Plain(_) | Value::Quoted(_), _) => {}
        }
        Ok(())
    }

    fn refuse_tag(&mut self, span: &granit_parser::Span) -> Refused {
        let tag = place(&span.tag_span().unwrap_or(*span));
        self.refuse(tag, "tags (`!word`) have no meaning here", "take it out; a text is a text in quotes")
    }

    fn refuse_depth(&mut self, span: Span) -> Refused {
        let hint = "a flow needs 5 levels; check the brackets and the indentation";
        self.refuse(span, format!("more than {MAX_DEPTH} levels deep"), hint)
    }

    fn refuse_syntax(&mut self, error: &ScanError) -> Refused {
        use granit_parser::ErrorKind;
        let at = error.marker().byte_offset().unwrap_or(0);
        let kind = error.kind();
        if matches!(kind, ErrorKind::RecursionLimitExceeded) {
            return self.refuse_depth(Span::new(at, at));
        }
        let hint = if matches!(kind, ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation) {
            "YAML indents by spaces, never by tabs"
        } else if matches!(kind, ErrorKind::UnknownAnchor) {
            "an alias repeats a value above it that is marked `&NAME`; a text that begins with * needs quotes"
        } else {
            "check the indentation, quotes and brackets here and in the line above"
        };
        self.refuse(Span::new(at, at), format!("this cannot be read: {}", error.info()), hint)
    }

    fn refuse(&mut self, span: Span, message: impl Into<String>, hint: &str) -> Refused {
        self.mistakes.error(span, message, hint);
        Refused
    }
}

fn place(span: &granit_parser::Span) -> Span {
    let (start, end) = (span.start.byte_offset().unwrap_or(0), span.end.byte_offset().unwrap_or(0));
    Span::new(start, end)
}
