//! The trace of a run: a line for each thing that happened, hashed as it grows.
//!
//! The same seed gives the same trace, byte for byte. A failing run shows the last lines; all are kept on demand.

use std::collections::VecDeque;
use std::fmt::{Arguments, Write};

/// Lines that are always kept.
const LAST: usize = 60;

/// What happened, in order.
#[derive(Debug, Default)]
pub struct Trace {
    all: Option<String>,
    last: VecDeque<String>,
    hash: u64,
    lines: u64,
}

impl Trace {
    /// An empty trace; `keep`: every line is kept.
    pub fn new(keep: bool) -> Self {
        Self { all: keep.then(String::new), hash: 0xcbf2_9ce4_8422_2325, ..Self::default() }
    }

    /// Adds a line.
    pub fn line(&mut self, at: u64, what: Arguments<'_>) {
        let mut line = if self.last.len() < LAST { String::new() } else { self.last.pop_front().unwrap_or_default() };
        line.clear();
        write!(line, "{at:>7} {what}").expect("a text grows");
        self.hash = line.bytes().fold(self.hash, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        self.lines += 1;
        if let Some(all) = &mut self.all {
            all.push_str(&line);
            all.push('\n');
        }
        self.last.push_back(line);
    }

    /// Number of lines and their hash.
    pub fn sum(&self) -> (u64, u64) {
        (self.lines, self.hash)
    }

    /// All lines, if they were kept.
    pub fn all(&self) -> Option<&str> {
        self.all.as_deref()
    }

    /// The last lines.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().map(String::as_str)
    }
}
