//! What an error says: problem+json (RFC 9457), with the mistakes of a flow where there are some.

use serde::{Deserialize, Serialize};

/// An error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A word for scripts: `not-found`, `not-now`, `invalid-flow`.
    #[serde(rename = "type")]
    pub kind: String,
    /// A few words for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to what, and what to do next.
    pub detail: String,
    /// The mistakes of a file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Mistake>,
    /// The same as they are printed, the first 20.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rendered: String,
}

/// One mistake of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mistake {
    /// `error` or `warning`.
    pub severity: String,
    /// From 1; 0 if it is about the file as a whole.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// How many characters it is about.
    pub width: u32,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: String,
}

impl From<&flow::Diagnostic> for Mistake {
    fn from(of: &flow::Diagnostic) -> Self {
        Self {
            severity: of.severity.word().to_owned(),
            line: of.line,
            column: of.column,
            width: of.width,
            message: of.message.clone(),
            hint: of.hint.clone(),
        }
    }
}
