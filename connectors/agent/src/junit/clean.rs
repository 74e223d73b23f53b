//! The first way through a file, before anything is built of it: what is not XML is refused with its line, and so is
//! what would take more memory or stack than it is worth.
//!
//! On the way a copy is written that the library reads as it was meant: without numbers that are none (`1,024.5`,
//! `<computed>`), for which it would refuse the whole file; with `<skipped/>` in the cases whose `status` says that
//! they were not run (googletest, cgreen, CTest), which it does not look at; without captured output, which we drop; and with
//! each text in one piece, of which it would lose the `&lt;`.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesCData, BytesEnd, BytesRef, BytesStart, Event};
use quick_xml::{Reader, Writer};

use super::{JunitError, MAX_CASES};

/// How deep elements may lie in each other: the reader of suites goes down by recursion.
const MAX_DEPTH: usize = 64;
/// Most suites, and most reruns, of a file.
const MAX_OTHERS: usize = 100_000;
/// What is kept of a text: more than the message that is made of it.
const MAX_TEXT_BYTES: usize = 4 * 1024;
/// Attributes that the library takes for numbers.
const NUMBERS: [&str; 7] = ["time", "tests", "errors", "failures", "skipped", "assertions", "line"];

/// A clean copy of a file, or what is wrong with it and in which line.
pub(super) fn clean(text: &str) -> Result<Vec<u8>, JunitError> {
    let mut reader = Reader::from_str(text);
    let mut copy = Copy::new();
    loop {
        let event = reader.read_event().map_err(|e| at_line(text, reader.error_position(), e.to_string()))?;
        if matches!(event, Event::Eof) {
            break;
        }
        copy.take(event).map_err(|what| at_line(text, reader.buffer_position(), what))?;
    }
    if !copy.has_root {
        return Err(JunitError { line: None, what: "the file is empty".into() });
    }
    if copy.depth > 0 {
        return Err(at_line(text, text.len() as u64, "the file ends in the middle".into()));
    }
    Ok(copy.writer.into_inner())
}

fn at_line(text: &str, position: u64, what: String) -> JunitError {
    let end = usize::try_from(position).unwrap_or(usize::MAX).min(text.len());
    let line = text.as_bytes()[..end].iter().filter(|b| **b == b'\n').count() + 1;
    JunitError { line: Some(line), what }
}

struct Copy {
    writer: Writer<Vec<u8>>,
    has_root: bool,
    depth: usize,
    text: String,
    /// The depth of the element whose content is dropped.
    dropped: Option<usize>,
    cases: usize,
    others: usize,
}

impl Copy {
    fn new() -> Self {
        Self {
            writer: Writer::new(Vec::new()),
            has_root: false,
            depth: 0,
            text: String::new(),
            dropped: None,
            cases: 0,
            others: 0,
        }
    }

    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => self.enter(&element),
            Event::Empty(element) => {
                // As a pair: what belongs inside has a place then.
                self.enter(&element)?;
                self.leave(element.to_end())
            }
            Event::End(element) => self.leave(element),
            Event::Text(text) => self.say(&text),
            Event::CData(text) => self.say(&text),
            Event::GeneralRef(name) => self.say(&resolved(&name)),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::Eof => Ok(()),
        }
    }

    fn enter(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        let name = element.name();
        let name: &str = name.as_ref();
        self.count(name)?;
        self.write(Event::Start(readable(element)?))?;
        if name == "testcase" && says_not_run(element) {
            self.write(Event::Empty(BytesStart::new("skipped")))?;
        }
        self.depth += 1;
        if matches!(name, "system-out" | "system-err") {
            self.dropped.get_or_insert(self.depth);
        }
        Ok(())
    }

    fn leave(&mut self, element: BytesEnd<'_>) -> Result<(), String> {
        if self.dropped == Some(self.depth) {
            self.dropped = None;
        }
        self.depth = self.depth.checked_sub(1).ok_or("an element ends that has not begun")?;
        self.write(Event::End(element))
    }

    fn say(&mut self, text: &str) -> Result<(), String> {
        if self.dropped.is_none() {
            let room = MAX_TEXT_BYTES.saturating_sub(self.text.len());
            self.text.push_str(&text[..text.floor_char_boundary(room)]);
        }
        Ok(())
    }

    fn write(&mut self, event: Event<'_>) -> Result<(), String> {
        if self.dropped.is_some() {
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        if !text.trim().is_empty() {
            for part in BytesCData::escaped(&text) {
                self.writer.write_event(Event::CData(part)).map_err(|e| e.to_string())?;
            }
        }
        self.writer.write_event(event).map_err(|e| e.to_string())
    }

    fn count(&mut self, name: &str) -> Result<(), String> {
        if !std::mem::replace(&mut self.has_root, true) && !matches!(name, "testsuites" | "testsuite" | "testrun") {
            return Err(format!("its root is `{}`, not `testsuites` or `testsuite`", super::cut(name, 100)));
        }
        match name {
            "testcase" => self.cases += 1,
            "testsuite" | "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => self.others += 1,
            _ => {}
        }
        if self.depth >= MAX_DEPTH {
            Err(format!("elements lie more than {MAX_DEPTH} deep in each other"))
        } else if self.cases > MAX_CASES {
            Err(format!("more than {MAX_CASES} cases in one file"))
        } else if self.others > MAX_OTHERS {
            Err(format!("more than {MAX_OTHERS} suites and reruns in one file"))
        } else {
            Ok(())
        }
    }
}

/// The same element without numbers that are none; thousands lose their commas.
fn readable<'a>(element: &BytesStart<'a>) -> Result<BytesStart<'static>, String> {
    let mut copy = BytesStart::new(element.name().as_ref().to_owned());
    for attribute in element.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        let key: &str = attribute.key.as_ref();
        if !NUMBERS.contains(&key) {
            copy.push_attribute(attribute);
            continue;
        }
        let number = attribute.value.replace(',', "");
        let is_number = if key == "time" { number.parse::<f64>().is_ok() } else { number.parse::<u64>().is_ok() };
        if is_number {
            copy.push_attribute((key, number.as_str()));
        }
    }
    Ok(copy)
}

/// What `&NAME;` stands for; itself, if for nothing that is known.
fn resolved(name: &BytesRef<'_>) -> String {
    let number = name.resolve_char_ref().ok().flatten().map(String::from);
    let known = || resolve_predefined_entity(name).map(str::to_owned);
    number.or_else(known).unwrap_or_else(|| format!("&{};", &**name))
}

fn says_not_run(element: &BytesStart<'_>) -> bool {
    let status = element.try_get_attribute("status").ok().flatten();
    status.is_some_and(|status| matches!(&*status.value, "notrun" | "disabled" | "skipped"))
}
