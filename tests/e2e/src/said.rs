//! What a command printed, and how it ended.

use std::fmt;
use std::process::Output;

use serde_json::Value;

/// What a command printed, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// As it was typed.
    pub typed: String,
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Said {
    pub(crate) fn new(typed: String, output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { typed, code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Ended with this code, and never by a panic.
    pub fn ended(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        assert!(!self.err.contains("panicked"), "{self}");
        self
    }

    /// Names each of these, on standard output or standard error.
    pub fn says(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "`{word}` is missing in\n{self}");
        }
        self
    }

    /// What it printed, read as one JSON value.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "$ {}\n{}{}", self.typed, self.out, self.err)?;
        match self.code {
            Some(code) => write!(f, "[exit {code}]"),
            None => write!(f, "[ended by a signal]"),
        }
    }
}
