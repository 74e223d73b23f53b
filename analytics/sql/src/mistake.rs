//! What is wrong with a statement, or went wrong with it: in words, and where it can be known at its place.

use std::fmt;

use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, Diagnostic, SchemaError};
use datafusion::error::DataFusionError;

use crate::place::{Place, first_line_of, operator, place_at, place_of, quoted, without_place};

/// Why a statement has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Whose it is.
    pub whose: Whose,
    /// What is wrong.
    pub message: String,
    /// What to do; empty where that is plain.
    pub hint: String,
    /// Line and column, from 1, and how many characters it is about.
    pub place: Option<Place>,
}

/// Who can mend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Who wrote the statement.
    Statement,
    /// Who gave it its bounds: it took too much, or too long.
    Bounds,
    /// Who runs the store.
    Store,
    /// Who runs the engine, which did not hand out its rows.
    Engine,
    /// We: the statement is fine, and should have an answer.
    Us,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some((line, column, _)) = self.place {
            write!(f, " (line {line}, column {column})")?;
        }
        if self.hint.is_empty() { Ok(()) } else { write!(f, "; {}", self.hint) }
    }
}

impl std::error::Error for Mistake {}

impl Mistake {
    /// One of the statement's writer, at no place of its own.
    pub fn of_statement(message: &str, hint: &str) -> Self {
        Self { whose: Whose::Statement, message: message.to_owned(), hint: hint.to_owned(), place: None }
    }

    /// One of the statement's writer, who asks for what would be answered otherwise than asked.
    pub fn not_done(words: &str, hint: &str) -> Self {
        Self::of_statement(&format!("{words} is not done here"), hint)
    }

    /// The same at the place of the name that it speaks of, where the statement has that once.
    pub fn at_its_name(mut self, statement: &str) -> Self {
        self.place = quoted(&self.message, statement);
        self
    }

    /// The same at a place in any case, if it is of the statement: where it is not known which part is meant, at all of it.
    pub fn somewhere_in(mut self, statement: &str) -> Self {
        if self.whose == Whose::Statement {
            self.place = self.place.or_else(|| operator(&self.message, statement)).or_else(|| first_line_of(statement));
        }
        self
    }

    /// One of the store.
    pub fn of_store(message: String) -> Self {
        let hint = "the journal still has every row: once the store is back, so are its tables".to_owned();
        Self { whose: Whose::Store, message, hint, place: None }
    }

    /// One of the engine, in its words or of who did not reach it.
    pub fn of_engine(message: String) -> Self {
        Self { whose: Whose::Engine, message, hint: String::new(), place: None }
    }

    /// One of ours.
    pub fn of_us(what: &str) -> Self {
        let hint = "please report it, with the statement".to_owned();
        Self { whose: Whose::Us, message: format!("our own bug: {what}"), hint, place: None }
    }

    /// One of the bounds: what the process holds is more than it may, whatever for.
    pub fn of_process(holds_bytes: u64) -> Self {
        Self::too_large(&format!(": this process holds {} MiB", holds_bytes >> 20))
    }

    fn too_large(most: &str) -> Self {
        let hint = "ask for fewer rows or columns, or give it more with --memory".to_owned();
        let message = format!("the statement takes more than it may{most}");
        Self { whose: Whose::Bounds, message, hint, place: None }
    }

    fn of_memory(why: &str) -> Self {
        // Those who hold most stand below the first line, each as `SortExec[0]#3(can spill: true) consumed 9 MB`.
        let most = why.lines().skip(1).find_map(|line| line.trim().split(['[', '#', '(', ' ']).next());
        Self::too_large(&most.map(|name| format!(": {name} holds most of the memory")).unwrap_or_default())
    }

    fn of_disk(why: &str) -> Self {
        let hint = "ask for fewer rows or columns, or give it more with --memory".to_owned();
        let message = match why.contains("max_temp_directory_size") {
            true => "the statement puts more on the disk than it may, as memory does not hold it".to_owned(),
            false => format!("what memory does not hold cannot be put on the disk: {why}"),
        };
        Self { whose: Whose::Bounds, message, hint, place: None }
    }

    /// A file is not what its table says of it.
    fn of_damage(why: &str) -> Self {
        let hint = "put it back from a copy of the store; or remove the folder of its table: within minutes the engine makes \
                    anew what its journal still has";
        Self { whose: Whose::Store, message: why.to_owned(), hint: hint.to_owned(), place: None }
    }

    /// What was met while files were read.
    fn of_files(root: &DataFusionError, statement: &str) -> Option<Self> {
        if let DataFusionError::ObjectStore(why) = root {
            if let object_store::Error::NotFound { path, .. } = why.as_ref() {
                return Some(Self::of_damage(&format!("a file is not there: {path}")));
            }
            return Some(Self::of_store(format!("the store cannot be read: {why}")));
        }
        let said = if let DataFusionError::ParquetError(why) = root {
            why.to_string()
        } else if let DataFusionError::ArrowError(why, _) = root
            && let ArrowError::ParquetError(why) = why.as_ref()
        {
            why.clone()
        } else {
            return None;
        };
        // Conditions are worked out while a file is read: what is wrong with one comes as if the file were.
        let Some((_, said)) = said.rsplit_once("Error evaluating filter predicate: ") else {
            // A store that does not hand a file out says nothing of the file.
            if let Some((_, why)) = said.split_once("Object Store error: ") {
                let why = first_line(why);
                // Folders say the first, S3 the second of a file that is shorter than its table says.
                let is_short =
                    ["Requested range was invalid", "Range Not Satisfiable"].iter().any(|part| why.contains(part));
                let is_gone = why.starts_with("Object at location ") && why.contains(" not found");
                return Some(match is_short || is_gone {
                    true => Self::of_damage(&why),
                    false => Self::of_store(format!("the store cannot be read: {why}")),
                });
            }
            return Some(Self::of_damage(&format!("a file cannot be read: {}", first_line(&said))));
        };
        let message = of_words(&of_debug(said));
        let place = quoted(&message, statement);
        Some(Self { place, ..Self::of_statement(&message, "") })
    }

    /// What datafusion says of a statement, in our words as far as we have any.
    pub fn of(error: &DataFusionError, statement: &str) -> Self {
        let diagnostic = error.diagnostic();
        let root = error.find_root();
        if let DataFusionError::ResourcesExhausted(why) = root {
            return Self::of_memory(why);
        }
        // Files of tables are read through their store: what else is read and written is what did not fit memory.
        if let DataFusionError::IoError(why) = root {
            return Self::of_disk(&why.to_string());
        }
        if let DataFusionError::ArrowError(why, _) = root
            && let ArrowError::IoError(why, _) = why.as_ref()
        {
            return Self::of_disk(why);
        }
        if let Some(mistake) = Self::of_files(root, statement) {
            return mistake;
        }
        if is_ours(root) {
            return Self::of_us(&of_words(&root.strip_backtrace()));
        }
        if let DataFusionError::SQL(error, _) = root {
            let said = error.to_string();
            let (message, place) = without_place(said.strip_prefix("sql parser error: ").unwrap_or(&said));
            return ended(message, place, statement);
        }
        let helps = |d: &Diagnostic| d.helps.iter().map(|help| help.message.clone()).collect::<Vec<_>>().join("; ");
        let (message, hint) = if let DataFusionError::SchemaError(error, _) = root {
            of_schema(error)
        } else {
            let message = of_words(&root.strip_backtrace());
            let is_twice = message.starts_with("Projections require unique expression names");
            let hint = if is_twice { "name one of them, as in SELECT 1, 1 AS other" } else { "" };
            (message, hint.to_owned())
        };
        let hint = if hint.is_empty() { diagnostic.map(helps).unwrap_or_default() } else { hint };
        let place = diagnostic.and_then(|d| d.span).and_then(place_of).or_else(|| quoted(&message, statement));
        Self { whose: Whose::Statement, message, hint, place }
    }
}

/// Whether the statement is fine. That types do not go together is said as if datafusion had a bug, and is none.
fn is_ours(root: &DataFusionError) -> bool {
    if let DataFusionError::Internal(why) = root {
        return !why.starts_with("Failed to coerce types");
    }
    matches!(root, DataFusionError::ExecutionJoin(_))
}

/// The words in what is printed for those who write programs: `ArrowError(CastError("Cannot cast"), Some(""))`.
fn of_debug(said: &str) -> String {
    let said = said.strip_prefix("ArrowError(").unwrap_or(said);
    if said.starts_with("DivideByZero") {
        return "division by zero".to_owned();
    }
    let Some((_, quoted)) = said.split_once("(\"") else { return said.to_owned() };
    let (mut words, mut chars) = (String::new(), quoted.chars());
    while let Some(c) = chars.next().filter(|c| *c != '"') {
        match c {
            '\\' => words.extend(chars.next().map(|c| if c == 'n' { '\n' } else { c })),
            c => words.push(c),
        }
    }
    words
}

/// What has no kind of its own: the first line, without who passed it on.
fn of_words(said: &str) -> String {
    // A regular expression is drawn, and what is wrong with it stands below.
    if let Some((_, why)) = said.rsplit_once("\nerror: ") {
        return format!("the regular expression is wrong: {}", first_line(why));
    }
    let message = without_origin(&first_line(said)).to_owned();
    if let Some((function, reasons)) = message.split_once(" failed to match any signature, errors: ") {
        return signature(function.trim_start_matches("Function ").trim_matches('\''), reasons);
    }
    // What is not done there is said with the whole of its tree.
    if let Some((head, _)) =
        message.split_once(" { ").filter(|(head, _)| NOT_DONE.iter().any(|no| head.starts_with(no)))
    {
        return head.split('(').next().unwrap_or(head).to_owned();
    }
    if message == "Divide by zero error" {
        return "division by zero".to_owned();
    }
    let function = message.strip_prefix("Invalid function '").and_then(|rest| rest.strip_suffix('\''));
    function.map(|name| format!("there is no function `{name}`")).unwrap_or(message)
}

/// What a function takes, by why it does not take what it is given.
fn signature(function: &str, reasons: &str) -> String {
    let (mut counts, mut kinds): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    for reason in reasons.split(",Error during planning: ") {
        let part = |before, after| Some(reason.split_once(before)?.1.split_once(after)?.0);
        let (to, found) = match part(" expects ", " arguments but received") {
            Some(count) => (&mut counts, Some(count)),
            None => (&mut kinds, part(" requires ", ", but received")),
        };
        to.extend(found.filter(|found| !to.contains(found)));
    }
    let counts = (!counts.is_empty()).then(|| format!("{} arguments", counts.join(" or ")));
    let kinds = (!kinds.is_empty()).then(|| kinds.join(" or "));
    match [counts, kinds].into_iter().flatten().collect::<Vec<_>>().join(", or ") {
        takes if takes.is_empty() => format!("`{function}` takes other arguments"),
        takes => format!("`{function}` takes {takes}"),
    }
}

/// A name that is not there, and what there is.
fn of_schema(error: &SchemaError) -> (String, String) {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known = valid_fields.iter().map(|column| column.name.as_str());
            let near = nearest(&field.name, known.clone());
            let more = if valid_fields.len() > 12 { ", …" } else { "" };
            let all = || known.clone().take(12).collect::<Vec<_>>().join(", ") + more;
            let hint = match near {
                // The table is wrong that it is said to be of.
                Some(near) if near == field.name => "say of which table here it is, or nothing of that".to_owned(),
                Some(near) => format!("did you mean `{near}`?"),
                None if valid_fields.is_empty() => String::new(),
                None => format!("there are {}", all()),
            };
            (format!("there is no column `{}`", near_name(field, near)), hint)
        }
        SchemaError::AmbiguousReference { field } => {
            let name = &field.name;
            (format!("more than one table has a column `{name}`"), format!("say whose, as in `e.{name}`"))
        }
        SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => {
            (error.to_string(), String::new())
        }
    }
}

/// A column's name, with the table that it is said to be of where that is what is wrong.
fn near_name(field: &Column, near: Option<&str>) -> String {
    if near == Some(field.name.as_str()) { field.flat_name() } else { field.name.clone() }
}

/// The known name that a mistyped one is nearest to, if any is near.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.map(|known| (strsim::osa_distance(word, known), known));
    // Of a short word two letters are most of it.
    let most = if word.chars().count() < 5 { 1 } else { 2 };
    distances.min().filter(|(distance, _)| *distance <= most).map(|(_, known)| known)
}

/// What parts of datafusion put before their words.
const ORIGINS: [&str; 7] = [
    "Internal error: ",
    "Error during planning: ",
    "This feature is not implemented: ",
    "Execution error: ",
    "Arrow error: ",
    "Parser error: ",
    "Cast error: ",
];

/// How it begins where datafusion does not do something.
const NOT_DONE: [&str; 2] = ["Unsupported ", "Physical plan does not support "];

/// A message without the names of those who passed it on.
fn without_origin(message: &str) -> &str {
    let shorter = ORIGINS.iter().find_map(|origin| message.strip_prefix(origin));
    shorter.map_or(message, without_origin)
}

/// What a parser says that met the end, or went down too far.
fn ended(message: String, place: Option<Place>, statement: &str) -> Mistake {
    let mut mistake = Mistake { place, ..Mistake::of_statement(&message, "") };
    if let Some(expected) = message.strip_suffix("found: EOF") {
        mistake.message = format!("{expected}found: the end");
        mistake.place = place_at(statement, statement.trim_end().len(), 1);
    } else if message == "recursion limit exceeded" {
        mistake.message = "the statement is nested too deeply".to_owned();
    }
    mistake
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_should_not_happen_is_said_to_be_our_own_bug() {
        let error = DataFusionError::Internal("the columns differ".to_owned()).context("while planning");
        let mistake = Mistake::of(&error, "SELECT 1");
        assert_eq!(mistake.whose, Whose::Us);
        assert!(mistake.message.starts_with("our own bug: the columns differ"), "{mistake}");
        assert_eq!(mistake.hint, "please report it, with the statement");
        let types = DataFusionError::Internal("Failed to coerce types Boolean and Int64".to_owned());
        assert_eq!(Mistake::of(&types, "SELECT 1").whose, Whose::Statement);
    }

    #[test]
    fn what_is_printed_for_programmers_is_said_in_words() {
        let rows = [
            (
                r#"ArrowError(CastError("Cannot cast string 'a' to \"b\""), Some(""))"#,
                r#"Cannot cast string 'a' to "b""#,
            ),
            (r#"ArrowError(DivideByZero, Some(""))"#, "division by zero"),
            (r#"Execution("Granularity must be constant")"#, "Granularity must be constant"),
            (
                r#"ArrowError(ComputeError("no regex: (\n  a(\n   ^\nerror: unclosed group\n"), None)"#,
                "the regular expression is wrong: unclosed group",
            ),
            (
                "Function 'f' failed to match any signature, errors: Error during planning: Function 'f' expects 2 \
                 arguments but received 1,Error during planning: Function 'f' requires Integer, but received String \
                 (DataType: Utf8).,Error during planning: Function 'f' requires Float64, but received String.",
                "`f` takes 2 arguments, or Integer or Float64",
            ),
            ("Function 'f' failed to match any signature, errors: so", "`f` takes other arguments"),
            ("Unsupported JOIN operator Semi(On(BinaryOp { left: a, op: Eq }))", "Unsupported JOIN operator Semi"),
            ("Unsupported ast node Pivot { table: Table { name: x } }", "Unsupported ast node Pivot"),
            ("as it is", "as it is"),
        ];
        for (said, words) in rows {
            assert_eq!(of_words(&of_debug(said)), words);
        }
    }
}
