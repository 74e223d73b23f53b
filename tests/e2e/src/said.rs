//! What a command printed, and how it ended.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::wait;

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
    /// Runs a command to its end; one that never ends is killed, and has no code.
    pub(crate) fn of(command: &mut Command) -> Self {
        let words = || tempfile::tempfile().expect("a temporary file can be made");
        let (mut out, mut err) = (words(), words());
        let same = |file: &File| file.try_clone().expect("a file can be had twice");
        command.stdin(Stdio::null()).stdout(same(&out)).stderr(same(&err));
        let mut child = command.spawn().expect("the binary can be started");
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().expect("a child can be waited for") {
                Some(status) => break Some(status),
                None if begun.elapsed() > wait::LONG => break None,
                None => sleep(Duration::from_millis(10)),
            }
        };
        if status.is_none() {
            let _ = child.kill(); // it may have ended in this very moment
            let _ = child.wait();
        }
        let arguments: Vec<_> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
        let typed = format!("reprise {}", arguments.join(" "));
        Self { typed, code: status.and_then(|status| status.code()), out: text(&mut out), err: text(&mut err) }
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
            None => write!(f, "[ended by a signal, or did not end in {} s]", wait::LONG.as_secs()),
        }
    }
}

/// All that was written to a file.
fn text(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().and_then(|()| file.read_to_end(&mut bytes)).expect("a temporary file can be read");
    String::from_utf8_lossy(&bytes).into_owned()
}
