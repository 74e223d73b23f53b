//! Mistakes as they are printed: `file:line:column: error: message`, the line, carets under the place, and what to do.
//!
//! Editors and CI parse the first line; people read the rest. All mistakes of a file come at once, in its order.

use std::fmt::Write;

use crate::source::Source;
use crate::words::{counted, thousands};

/// Most mistakes that are printed; the rest is counted.
pub const MAX_PRINTED: usize = 20;
/// Most mistakes that are kept of a file.
pub const MAX_KEPT: usize = 1_000;
/// Longest piece of a line that is printed, in characters.
const MAX_SHOWN: usize = 160;
/// Most carets: what to do stands behind them, and should not be out of sight.
const MAX_CARETS: usize = 80;

/// Whether the file is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It is.
    Error,
    /// It is not, but somebody should look.
    Warning,
}

impl Severity {
    /// The word that is printed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it refuses the file.
    pub severity: Severity,
    /// From 1; 0 if it is about the file as a whole.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// How many characters it is about, at least one.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Prints the mistakes of a file, the first 20 of them, and counts them.
pub fn render(diagnostics: &[Diagnostic], name: &str, source: &str) -> String {
    let source = Source::new(source);
    let mut out = String::new();
    for diagnostic in diagnostics.iter().take(MAX_PRINTED) {
        one(&mut out, diagnostic, name, &source);
    }
    if let Some(more) = diagnostics.len().checked_sub(MAX_PRINTED).filter(|more| *more > 0) {
        let _ = writeln!(out, "and {} more", thousands(more as u64));
    }
    let _ = writeln!(out, "{}", closing(diagnostics, name));
    out
}

fn one(out: &mut String, diagnostic: &Diagnostic, name: &str, source: &Source<'_>) {
    let Diagnostic { severity, line, column, width, message, hint } = diagnostic;
    let word = severity.word();
    if *line == 0 {
        let _ = writeln!(out, "{name}: {word}: {message}\n      | {hint}");
        return;
    }
    let _ = writeln!(out, "{name}:{line}:{column}: {word}: {message}");
    // A line may be the whole file: only the part round the place is shown.
    let text = source.line_text(*line);
    let skip = (*column as usize).saturating_sub(1);
    let from = if skip + (*width as usize).min(MAX_CARETS) <= MAX_SHOWN { 0 } else { skip.saturating_sub(20) };
    let shown: String = text.chars().skip(from).take(MAX_SHOWN).map(printable).collect();
    // Tabs stay tabs, so that the carets stand right whatever their width is.
    let pad: String = text.chars().skip(from).take(skip - from).map(|c| if c == '\t' { c } else { ' ' }).collect();
    let carets = "^".repeat((*width as usize).min(MAX_CARETS).min(MAX_SHOWN.saturating_sub(skip - from)).max(1));
    let _ = writeln!(out, "{line:>5} | {shown}");
    let _ = writeln!(out, "{}", format!("      | {pad}{carets} {hint}").trim_end());
}

/// A character as a terminal may have it: no escapes of the file's making.
fn printable(c: char) -> char {
    if c.is_control() && c != '\t' { '\u{fffd}' } else { c }
}

fn closing(diagnostics: &[Diagnostic], name: &str) -> String {
    let count = |severity| diagnostics.iter().filter(|d| d.severity == severity).count() as u64;
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let or_more = if diagnostics.len() >= MAX_KEPT { " or more" } else { "" };
    match (errors, warnings) {
        (0, _) => format!("{} in {name}", counted(warnings, "warning")),
        (_, 0) => format!("{}{or_more} in {name}, nothing submitted", counted(errors, "error")),
        (_, _) => {
            format!(
                "{}{or_more} and {} in {name}, nothing submitted",
                counted(errors, "error"),
                counted(warnings, "warning")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(line: u32, column: u32, width: u32) -> Diagnostic {
        let (message, hint) = ("it is wrong".to_owned(), "do this".to_owned());
        Diagnostic { severity: Severity::Error, line, column, width, message, hint }
    }

    #[test]
    fn a_mistake_shows_its_line_and_what_to_do() {
        let text = render(&[mistake(2, 3, 4)], "f.yaml", "one\n\ttwo words\n");
        let want = "f.yaml:2:3: error: it is wrong\n    2 | \ttwo words\n      | \t ^^^^ do this\n1 error in f.yaml, nothing submitted\n";
        assert_eq!(text, want);
    }

    #[test]
    fn twenty_mistakes_are_printed_and_the_rest_is_counted() {
        let text = render(&vec![mistake(1, 1, 1); 23], "f.yaml", "x");
        assert_eq!(text.matches("error: it is wrong").count(), 20);
        assert!(text.ends_with("and 3 more\n23 errors in f.yaml, nothing submitted\n"), "{text}");
        let text = render(&vec![mistake(1, 1, 1); MAX_KEPT], "f.yaml", "x");
        assert!(text.ends_with("and 980 more\n1,000 errors or more in f.yaml, nothing submitted\n"), "{text}");
    }

    #[test]
    fn warnings_refuse_nothing() {
        let warning = Diagnostic { severity: Severity::Warning, ..mistake(1, 1, 1) };
        assert!(render(std::slice::from_ref(&warning), "f.yaml", "x").ends_with("do this\n1 warning in f.yaml\n"));
        let both = render(&[mistake(1, 1, 1), warning], "f.yaml", "x");
        assert!(both.ends_with("1 error and 1 warning in f.yaml, nothing submitted\n"), "{both}");
    }

    #[test]
    fn a_long_line_is_cut_round_the_place_and_escapes_are_not_printed() {
        let line = format!("{}\u{1b}[31m{}", "a".repeat(1000), "b".repeat(1000));
        let text = render(&[mistake(1, 1001, 2000)], "f.yaml", &line);
        assert!(text.lines().all(|line| line.chars().count() < 200), "{text}");
        assert!(text.contains("\u{fffd}[31mbbb") && !text.contains('\u{1b}'), "{text}");
    }

    #[test]
    fn a_mistake_of_the_whole_file_has_no_line() {
        let text = render(&[mistake(0, 0, 0)], "f.yaml", "x");
        assert_eq!(text, "f.yaml: error: it is wrong\n      | do this\n1 error in f.yaml, nothing submitted\n");
    }
}
