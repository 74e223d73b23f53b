//! Colours, where somebody sees them: on a terminal, and without `NO_COLOR`.

use std::io::{IsTerminal, stderr, stdout};

/// Whether to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// All that colouring puts into a text.
    pub const CODES: [&str; 5] = ["\u{1b}[32m", "\u{1b}[31m", "\u{1b}[33m", "\u{1b}[2m", "\u{1b}[0m"];

    /// No colours.
    pub const PLAIN: Paint = Paint { on: false };

    /// For what is printed to standard output.
    pub fn stdout() -> Self {
        Self { on: stdout().is_terminal() && wanted() }
    }

    /// For what is printed to standard error.
    pub fn stderr() -> Self {
        Self { on: stderr().is_terminal() && wanted() }
    }

    /// Good.
    pub fn green(self, text: &str) -> String {
        self.with("32", text)
    }

    /// Bad.
    pub fn red(self, text: &str) -> String {
        self.with("31", text)
    }

    /// Worth a look.
    pub fn yellow(self, text: &str) -> String {
        self.with("33", text)
    }

    /// Beside the point.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }

    /// A state's or verdict's word in the colour of what it means; padding before it stays.
    pub fn verdict(self, word: &str) -> String {
        match word.trim() {
            "PASS" | "RESUMED" | "completed" | "passed" => self.green(word),
            "FAIL" | "LOST" | "failed" | "lost" => self.red(word),
            "RETRY" | "PARK" | "FLAKY" | "recovering" | "parked" | "suspect" | "paused" => self.yellow(word),
            "SKIP" | "CANCEL" | "cancelled" | "skipped" | "left" => self.dim(word),
            _ => word.to_owned(),
        }
    }

    fn with(self, code: &str, text: &str) -> String {
        if self.on { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|set| set.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_put_on_only_where_they_are_wanted() {
        assert_eq!(Paint::PLAIN.verdict("  PASS"), "  PASS");
        assert_eq!(Paint { on: true }.verdict("  PASS"), "\u{1b}[32m  PASS\u{1b}[0m");
        assert_eq!(Paint { on: true }.verdict("whatever"), "whatever");
        for colour in [Paint::green, Paint::red, Paint::yellow, Paint::dim] {
            let text = colour(Paint { on: true }, "a");
            assert_eq!(crate::screen::clean(&text), text, "the screen knows our own colours");
        }
    }
}
