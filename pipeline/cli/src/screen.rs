//! What is printed. Nothing that becomes of it stops a command: a reader that has seen enough (`reprise journal | head`)
//! is no trouble at all, and what cannot be written to a full disk is said when the command has done its work.
//!
//! What tasks, nodes and people have written passes through here on its way to a terminal, so this is where it loses
//! the characters that would move the cursor or change the screen; only our own colours stay.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::sync::OnceLock;

use crate::exit::Exit;
use crate::paint::Paint;

/// The first failure of standard output: nothing is written after it.
static BROKEN: OnceLock<io::Error> = OnceLock::new();

/// Prints a text to standard output.
pub fn show(text: &str) {
    bytes(clean(text).as_bytes());
}

/// Prints a line.
pub fn line(text: &str) {
    show(&format!("{text}\n"));
}

/// Prints a value as one line of JSON.
pub fn json(value: &impl serde::Serialize) {
    let text = serde_json::to_string(value).expect("what is printed as JSON is made of plain data");
    bytes(format!("{text}\n").as_bytes());
}

/// Prints bytes as they are.
pub fn bytes(bytes: &[u8]) {
    if is_broken() {
        return;
    }
    let mut out = stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush()) {
        // Another thread may have met the same: one of the two is enough.
        let _ = BROKEN.set(error);
    }
}

/// Prints words beside the answer to standard error. If they cannot be written, nobody is there to be told.
pub fn warn(words: &str) {
    let _ = writeln!(stderr().lock(), "{}", clean(words));
}

/// Whether nothing is printed any more: who prints for ever may stop.
pub fn is_broken() -> bool {
    BROKEN.get().is_some()
}

/// How a command ends that would end so if all it printed had arrived.
pub fn ended(exit: Exit) -> Exit {
    let Some(error) = BROKEN.get().filter(|error| error.kind() != ErrorKind::BrokenPipe) else { return exit };
    warn(&format!(
        "{} standard output cannot be written ({error}): what is missing there is lost; without that the exit code \
         were {}: {}",
        Paint::stderr().red("error:"),
        exit.code(),
        exit.meaning()
    ));
    Exit::Machine
}

/// The text as a terminal may have it: lines, tabs and our own colours, and nothing else that is no character.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_colour = |code: &&&str| first == '\u{1b}' && rest.starts_with(**code);
        let colour = Paint::CODES.iter().find(is_colour);
        let taken = colour.map_or(first.len_utf8(), |code| code.len());
        if colour.is_some() || !first.is_control() || matches!(first, '\n' | '\t') {
            out.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_lines_and_our_colours_and_nothing_that_moves_its_cursor() {
        for (text, shown) in [
            ("a\tb\nc", "a\tb\nc"),
            ("\u{1b}[31mFAIL\u{1b}[0m", "\u{1b}[31mFAIL\u{1b}[0m"),
            ("\u{1b}[2J\u{1b}]0;title\u{7}x\r", "[2J]0;titlex"),
            ("\u{9b}2Jé", "2Jé"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
    }
}
