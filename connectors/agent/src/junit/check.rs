//! The first way through a file, before anything is built of it: is it XML, has it a place for cases, and is it of a
//! size that one may read?

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{JunitError, MAX_CASES};

/// How deep elements may lie in each other: the reader of suites goes down by recursion.
const MAX_DEPTH: usize = 64;
/// Most suites, and most reruns, of a file.
const MAX_OTHERS: usize = 100_000;

/// Says what is wrong with a file, and in which line, if anything is.
pub(super) fn check(bytes: &[u8]) -> Result<(), JunitError> {
    let mut reader = Reader::from_reader(bytes);
    let mut buffer = Vec::new();
    let mut seen = Seen::default();
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer);
        let counted = match event {
            Ok(Event::Start(element)) => seen.enter(&element, false),
            Ok(Event::Empty(element)) => seen.enter(&element, true),
            Ok(Event::End(_)) => {
                seen.depth -= 1;
                Ok(())
            }
            Ok(Event::Eof) => break,
            Ok(_) => Ok(()),
            Err(e) => {
                let line = Some(line_at(bytes, reader.error_position()));
                return Err(JunitError { line, what: e.to_string() });
            }
        };
        counted.map_err(|what| JunitError { line: Some(line_at(bytes, reader.buffer_position())), what })?;
    }
    if seen.root.is_none() {
        return Err(JunitError { line: None, what: "the file is empty".into() });
    }
    if seen.depth > 0 {
        return Err(JunitError {
            line: Some(line_at(bytes, bytes.len() as u64)),
            what: "the file ends in the middle".into(),
        });
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Seen {
    root: Option<()>,
    depth: usize,
    cases: usize,
    others: usize,
}

impl Seen {
    fn enter(&mut self, element: &BytesStart<'_>, is_empty: bool) -> Result<(), String> {
        let name = element.name();
        let name = name.as_ref();
        if self.root.replace(()).is_none() && !matches!(name, "testsuites" | "testsuite" | "testrun") {
            return Err(format!("its root is `{name}`, not `testsuites` or `testsuite`"));
        }
        match name {
            "testcase" => self.cases += 1,
            "testsuite" | "flakyFailure" | "flakyError" | "rerunFailure" | "rerunError" => self.others += 1,
            _ => {}
        }
        if !is_empty {
            self.depth += 1;
        }
        if self.depth > MAX_DEPTH {
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

fn line_at(bytes: &[u8], position: u64) -> usize {
    let end = usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
    bytes[..end].iter().filter(|b| **b == b'\n').count() + 1
}
