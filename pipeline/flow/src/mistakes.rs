//! The mistakes of one file as they are found: all of them, at their places, within a bound.

use crate::diagnostic::{Diagnostic, MAX_KEPT, Severity};
use crate::source::{Source, Span};
use crate::words::Nearest;

/// Collects what is wrong with one file.
pub(crate) struct Mistakes<'a> {
    pub source: Source<'a>,
    pub nearest: Nearest,
    found: Vec<Found>,
    full: bool,
    failed: bool,
}

/// A mistake whose line and column are not counted yet.
struct Found {
    span: Span,
    severity: Severity,
    message: String,
    hint: String,
}

impl<'a> Mistakes<'a> {
    /// None yet.
    pub fn new(text: &'a str) -> Self {
        let (source, nearest) = (Source::new(text), Nearest::default());
        Self { source, nearest, found: Vec::new(), full: false, failed: false }
    }

    /// Notes an error: what is wrong with the text at a place, and what to do.
    pub fn error(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.failed = true;
        self.note(Severity::Error, span, message.into(), hint.into());
    }

    /// Notes a warning.
    pub fn warning(&mut self, span: Span, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Warning, span, message.into(), hint.into());
    }

    /// Whether any more can be kept; a walk over a long list may stop when not.
    pub fn is_full(&self) -> bool {
        self.full
    }

    /// Whether there is an error among them.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// The line of a place.
    pub fn line(&self, span: Span) -> u32 {
        self.source.line(span.start)
    }

    /// All of them, in the order of the file.
    pub fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.found.sort_by_key(|found| found.span);
        let mut before = None;
        let placed = |found: Found| {
            let Found { span, severity, message, hint } = found;
            let place = self.source.place(span, before);
            before = Some((span, place));
            Diagnostic { severity, line: place.line, column: place.column, width: place.width, message, hint }
        };
        self.found.into_iter().map(placed).collect()
    }

    fn note(&mut self, severity: Severity, span: Span, message: String, hint: String) {
        if self.found.len() >= MAX_KEPT {
            self.full = true;
            return;
        }
        self.found.push(Found { span, severity, message, hint });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_come_in_the_order_of_the_file_and_within_a_bound() {
        let mut mistakes = Mistakes::new("a: b\nc: d\n");
        mistakes.warning(Span::new(5, 6), "second", "");
        assert!(!mistakes.failed());
        mistakes.error(Span::new(0, 1), "first", "");
        assert!(mistakes.failed() && !mistakes.is_full());
        for _ in 0..MAX_KEPT {
            mistakes.error(Span::new(8, 9), "more", "");
        }
        assert!(mistakes.is_full());
        let sorted = mistakes.into_sorted();
        assert_eq!(sorted.len(), MAX_KEPT);
        assert_eq!((sorted[0].message.as_str(), sorted[1].message.as_str()), ("first", "second"));
    }
}
