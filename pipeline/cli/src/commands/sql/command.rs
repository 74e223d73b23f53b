//! Commands beside statements: what there is to ask, and leaving.

use std::ops::ControlFlow;

use ::sql::Mistake;

use super::print;
use crate::failure::Failure;
use crate::screen;

/// What there is, for who asks for help and for who guesses.
const HELP: &str =
    "\\d            tables and views\n\\d NAME       one's columns\n\\?, help      this\n\\q, quit      leaves";

/// A line that is no statement.
#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    /// Tables and views, or the columns of one.
    Describe(Option<String>),
    /// What commands there are.
    Help,
    /// Nothing more is asked.
    Leave,
}

/// Reads a line.
pub fn read(line: &str) -> Result<Command, Mistake> {
    let typed = line.trim().trim_end_matches(';').trim_end();
    let (word, name) = typed.split_once(char::is_whitespace).map_or((typed, ""), |(word, name)| (word, name.trim()));
    match (word.to_ascii_lowercase().as_str(), name) {
        // As psql has them, with its letters for kinds of things, of which there is one here.
        ("\\d" | "\\d+" | "\\dt" | "\\dt+" | "\\dv" | "\\dv+", name) => {
            let name = name.to_ascii_lowercase();
            let name = name.strip_prefix("public.").unwrap_or(&name).trim_matches('"');
            Ok(Command::Describe((!name.is_empty()).then(|| name.to_owned())))
        }
        ("\\?" | "\\h" | "help", "") => Ok(Command::Help),
        ("\\q" | "quit" | "exit", "") => Ok(Command::Leave),
        _other => {
            let hint = "there are \\d, \\d NAME and \\q; a statement ends with a semicolon";
            let mistake = Mistake::of_statement(&format!("`{typed}` is no command"), hint);
            Err(mistake.at_its_name(line))
        }
    }
}

impl Command {
    /// Does it: whether there is to be more.
    pub fn run(self) -> Result<ControlFlow<()>, Failure> {
        match self {
            Self::Describe(name) => screen::show(&print::described(name.as_deref())?),
            Self::Help => screen::line(HELP),
            Self::Leave => return Ok(ControlFlow::Break(())),
        }
        Ok(ControlFlow::Continue(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_with_their_names() {
        let of = |name: &str| Command::Describe((!name.is_empty()).then(|| name.to_owned()));
        let table = [
            ("\\d", of("")),
            ("\\dt", of("")),
            ("\\d events", of("events")),
            ("  \\d+  events ;", of("events")),
            ("\\d Public.EVENTS", of("events")),
            ("\\d \"events\"", of("events")),
            ("\\?", Command::Help),
            ("HELP;", Command::Help),
            ("\\q", Command::Leave),
            ("Quit", Command::Leave),
            ("exit;", Command::Leave),
        ];
        for (line, want) in table {
            assert_eq!(read(line), Ok(want), "{line}");
        }
    }

    #[test]
    fn what_is_no_command_is_refused_at_its_place() {
        let mistake = read("\\copy events").unwrap_err();
        assert_eq!((mistake.message.as_str(), mistake.place), ("`\\copy events` is no command", Some((1, 1, 12))));
        assert!(read("\\").is_err() && read("\\q now").is_err());
    }
}
