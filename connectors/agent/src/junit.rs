//! JUnit files as cases: what runs of pytest, surefire, jest, nextest and their like leave behind.
//!
//! The library reads what such files say; here is what we make of it. A file comes from a stranger, so it is gone
//! through once before ([`clean`]).
//!
//! *Flaky* is a test that failed and then passed in the same file: by `flakyFailure` or `flakyError` inside a passed
//! case (surefire, nextest), or by a failed case and a later passed one of the same name in the same suite.

use std::collections::BTreeMap;
use std::fmt;

use junit_parser::{RerunOrFlakyKind, TestCase, TestStatus, TestSuite};
use model::Millis;
use model::report::{Case, CaseResult};

mod clean;

/// Most cases of a file.
pub const MAX_CASES: usize = 100_000;
/// Longest message of a failure, in bytes.
const MAX_MESSAGE_BYTES: usize = 1024;
/// Longest name of a suite or a test, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// Why a file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JunitError {
    /// Where, counted from 1, if it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for JunitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "not JUnit, line {line}: {}", self.what),
            None => write!(f, "not JUnit: {}", self.what),
        }
    }
}

impl std::error::Error for JunitError {}

/// Reads a file's bytes as JUnit: its cases in their order, a flaky one in the place of its first try.
pub fn read(bytes: &[u8]) -> Result<Vec<Case>, JunitError> {
    // Of a file in an old encoding all but the names is ASCII, and a name with a mark in it is better than none.
    let text = String::from_utf8_lossy(bytes);
    let copy = clean::clean(text.trim_start_matches('\u{FEFF}'))?;
    let read = junit_parser::from_reader(copy.as_slice()).map_err(|e| JunitError { line: None, what: chain(&e) })?;
    let mut cases = Vec::new();
    for suite in &read.suites {
        gather(suite, &mut cases);
    }
    Ok(cases)
}

/// The cases of a suite, then those of the suites in it.
fn gather(suite: &TestSuite, cases: &mut Vec<Case>) {
    let mut own: Vec<Option<Case>> = Vec::with_capacity(suite.cases.len());
    let mut failed: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for test in &suite.cases {
        let case = case(suite, test);
        let identity = (&test.classname, &test.original_name, &test.file, test.line);
        match case.result {
            CaseResult::Failed => failed.entry(identity).or_default().push(own.len()),
            CaseResult::Passed | CaseResult::Flaky => {
                if let Some(tries) = failed.remove(&identity) {
                    heal(&mut own, &tries, case.ms);
                    continue;
                }
            }
            CaseResult::Skipped => {}
        }
        own.push(Some(case));
    }
    cases.extend(own.into_iter().flatten());
    for inner in &suite.suites {
        gather(inner, cases);
    }
}

/// Makes one flaky case of failed tries that a passed one of this length has followed.
fn heal(own: &mut [Option<Case>], tries: &[usize], ms: Millis) {
    let mut tries = tries.iter();
    if let Some(first) = tries.next().and_then(|at| own[*at].as_mut()) {
        first.result = CaseResult::Flaky;
        first.ms = ms;
    }
    tries.for_each(|at| own[*at] = None);
}

fn case(suite: &TestSuite, test: &TestCase) -> Case {
    let healed = test.reruns.iter().find(|rerun| match rerun.kind {
        RerunOrFlakyKind::FlakyFailure | RerunOrFlakyKind::FlakyError => true,
        RerunOrFlakyKind::RerunFailure | RerunOrFlakyKind::RerunError => false,
    });
    let (result, message) = match (&test.status, healed) {
        (TestStatus::Success, None) => (CaseResult::Passed, String::new()),
        (TestStatus::Success, Some(rerun)) => (CaseResult::Flaky, message(&rerun.message, &rerun.text)),
        (TestStatus::Failure(failure), _) => (CaseResult::Failed, message(&failure.message, &failure.text)),
        (TestStatus::Error(error), _) => (CaseResult::Failed, message(&error.message, &error.text)),
        (TestStatus::Skipped(_), _) => (CaseResult::Skipped, String::new()),
    };
    let group = test.classname.as_deref().or(test.group.as_deref()).filter(|name| !name.is_empty());
    Case {
        suite: cut(group.unwrap_or(&suite.name), MAX_NAME_BYTES),
        test: cut(&test.original_name, MAX_NAME_BYTES),
        result,
        // What is no length of time (negative, NaN) is none.
        ms: Millis((test.time * 1000.0).round() as u64),
        message,
    }
}

/// The message of a failure, or the start of its text where it has none.
fn message(attribute: &str, text: &str) -> String {
    let said = if attribute.trim().is_empty() { text } else { attribute };
    cut(said.trim(), MAX_MESSAGE_BYTES)
}

fn cut(text: &str, at_most: usize) -> String {
    text[..text.floor_char_boundary(at_most)].to_owned()
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
