//! Where one statement of a text ends and the next begins: by the words that it is made of, so that a semicolon in quotes or in
//! a comment ends none. Between statements a line may be a command, as in psql.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

use crate::dialect::Dialect;

/// Words that are commands where all that is left of a line is one of them.
const COMMANDS: [&str; 3] = ["quit", "exit", "help"];
/// A text has at most so many commands: what follows one is read anew. What is beyond them is taken for a statement.
pub const MAX_COMMANDS: usize = 200;

/// A text in pieces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// In their order. What cannot be read is the last one, to its end.
    pub pieces: Vec<Piece>,
    /// Whether nothing is open at its end: no quotes, no comment, no statement without its semicolon.
    pub is_whole: bool,
}

/// A statement or a command, and where in the text it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// A statement from its first word on and without its semicolon; a command with all of its line.
    pub text: String,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in characters.
    pub column: u32,
    /// Whether it is a command: `\d`, `\q`, `quit`.
    pub is_command: bool,
}

impl Piece {
    /// A text that is one statement, however many semicolons are in it, or one line that is a command.
    pub fn whole(text: &str) -> Self {
        let is_command = is_command(text) && !text.trim().contains('\n');
        Self { text: text.to_owned(), line: 1, column: 1, is_command }
    }
}

/// Takes a text apart.
pub fn split(text: &str) -> Split {
    let (mut pieces, mut begins) = (Vec::new(), Begins { byte: 0, line: 0 });
    for _ in 0..MAX_COMMANDS {
        // What stands on a command's line is not SQL, and may hold half a pair of quotes: whatever follows is read anew.
        match read_on(text, begins, true, &mut pieces) {
            ControlFlow::Continue(next) => begins = next,
            ControlFlow::Break(is_whole) => return Split { pieces, is_whole },
        }
    }
    let is_whole = read_on(text, begins, false, &mut pieces).break_value().unwrap_or(true);
    Split { pieces, is_whole }
}

/// Where a part of a text begins: always with a line.
#[derive(Clone, Copy)]
struct Begins {
    byte: usize,
    /// How many lines are before it.
    line: u64,
}

/// Reads on to a command and says what follows it, or to the text's end and says whether nothing is open there.
fn read_on(text: &str, begins: Begins, commands: bool, pieces: &mut Vec<Piece>) -> ControlFlow<bool, Begins> {
    let rest = &text[begins.byte..];
    let mut tokens: Vec<TokenWithSpan> = Vec::new();
    let read = Tokenizer::new(&Dialect, rest).tokenize_with_location_into_buf(&mut tokens);
    let mut places = Places { text: rest, line: 1, column: 1, byte: 0 };
    let piece = |text: &str, at: Location, is_command| {
        let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let (line, column) = (number(begins.line + at.line), number(at.column));
        Piece { text: text.trim().to_owned(), line, column, is_command }
    };
    let (mut open, mut after): (Option<(Location, usize)>, _) = (None, 0);
    for token in &tokens {
        let at = token.span.start;
        match (&token.token, open) {
            (Token::Whitespace(_) | Token::EOF, _) => {}
            (Token::SemiColon, begun) => {
                let semicolon = places.byte_at(at);
                pieces.extend(begun.map(|(at, from)| piece(&rest[from..semicolon], at, false)));
                (open, after) = (None, semicolon + 1);
            }
            (_, None) => {
                let from = places.byte_at(at);
                let line = rest[from..].split('\n').next().unwrap_or_default();
                if commands && is_command(line) {
                    pieces.push(piece(line, at, true));
                    let byte = (begins.byte + from + line.len() + 1).min(text.len());
                    return ControlFlow::Continue(Begins { byte, line: begins.line + at.line });
                }
                open = Some((at, from));
            }
            (_, Some(_)) => {}
        }
    }
    if let Some((at, from)) = open.or_else(|| read.is_err().then(|| places.first_after(after))) {
        pieces.push(piece(&rest[from..], at, false));
    }
    // What is wrong beyond an open end is said of the statement, not waited for.
    let is_open = read.as_ref().is_err_and(|error| error.message.contains("ntermi") || error.message.contains("EOF"));
    let ends = read.is_err() && text.trim_end().ends_with(';');
    ControlFlow::Break(!is_open && (ends || open.is_none() && read.is_ok()))
}

/// Whether a line where a statement could begin is a command.
fn is_command(line: &str) -> bool {
    let line = line.trim();
    let word = line.trim_end_matches(';').trim_end();
    line.starts_with('\\') || COMMANDS.iter().any(|command| word.eq_ignore_ascii_case(command))
}

/// Finds the bytes of places that come in their order, each from the last one on: a text may be one long line.
struct Places<'a> {
    text: &'a str,
    line: u64,
    column: u64,
    byte: usize,
}

impl Places<'_> {
    /// The byte at a line and a column, both from 1 and the column in characters.
    fn byte_at(&mut self, place: Location) -> usize {
        while self.line < place.line {
            let Some(end) = self.text[self.byte..].find('\n') else { return self.text.len() };
            (self.line, self.column, self.byte) = (self.line + 1, 1, self.byte + end + 1);
        }
        let further = usize::try_from(place.column.saturating_sub(self.column)).unwrap_or(usize::MAX);
        let rest = self.text[self.byte..].char_indices().nth(further).map(|(byte, _)| byte);
        self.column = place.column;
        self.byte = rest.map_or(self.text.len(), |rest| self.byte + rest);
        self.byte
    }

    /// The first that is no blank from a byte on which is not before the last one: its place, and its byte.
    fn first_after(&self, byte: usize) -> (Location, usize) {
        let rest = &self.text[byte..];
        let byte = byte + rest.len() - rest.trim_start().len();
        let between = &self.text[self.byte..byte];
        let (lines, last) = (between.matches('\n').count() as u64, between.rsplit('\n').next().unwrap_or_default());
        let column = last.chars().count() as u64 + if lines == 0 { self.column } else { 1 };
        (Location { line: self.line + lines, column }, byte)
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_COMMANDS, Piece, split};

    fn texts(text: &str) -> Vec<String> {
        split(text).pieces.into_iter().map(|piece| piece.text).collect()
    }

    #[test]
    fn semicolons_end_statements_but_not_in_quotes_or_comments() {
        let table = [
            ("SELECT 1", vec!["SELECT 1"]),
            ("SELECT 1;", vec!["SELECT 1"]),
            ("SELECT ';'; SELECT \"a;b\"", vec!["SELECT ';'", "SELECT \"a;b\""]),
            ("SELECT 1 -- a; b\n; SELECT 2", vec!["SELECT 1 -- a; b", "SELECT 2"]),
            ("SELECT 'it''s; so'", vec!["SELECT 'it''s; so'"]),
            (" ; -- nothing\n;", vec![]),
            ("/* nothing; */", vec![]),
            ("SELECT 1 /* a; b */;", vec!["SELECT 1 /* a; b */"]),
            ("/* don't */ SELECT 1; SELECT 2;", vec!["SELECT 1", "SELECT 2"]),
            ("SELECT 1 /* a /* b; */ c; */; SELECT 2", vec!["SELECT 1 /* a /* b; */ c; */", "SELECT 2"]),
            ("SELECT $$a;b$$; SELECT $x$';$x$", vec!["SELECT $$a;b$$", "SELECT $x$';$x$"]),
            ("SELECT E'\\';'; SELECT 2", vec!["SELECT E'\\';'", "SELECT 2"]),
            ("SELECT 'é\n–;';\nSELECT 'ü';SELECT 2", vec!["SELECT 'é\n–;'", "SELECT 'ü'", "SELECT 2"]),
            ("SELECT 1; SELECT 'a; SELECT 2;", vec!["SELECT 1", "SELECT 'a; SELECT 2;"]),
            ("SELECT 1;\n  'a; SELECT 2;", vec!["SELECT 1", "'a; SELECT 2;"]),
        ];
        for (text, want) in table {
            assert_eq!(texts(text), want, "{text}");
        }
    }

    #[test]
    fn a_command_is_one_line_between_statements() {
        let table = [
            ("\\d", vec!["\\d"]),
            ("\\d\nSELECT 1;\n\\q\n", vec!["\\d", "SELECT 1", "\\q"]),
            ("\\d it's\nSELECT 'a';", vec!["\\d it's", "SELECT 'a'"]),
            ("SELECT 1; \\d events;\nSELECT 2", vec!["SELECT 1", "\\d events;", "SELECT 2"]),
            ("-- so\n  EXIT;\nSELECT 1", vec!["EXIT;", "SELECT 1"]),
            ("SELECT 1\n\\d events\n;", vec!["SELECT 1\n\\d events"]),
            ("SELECT '\n\\q\n';", vec!["SELECT '\n\\q\n'"]),
            ("help me", vec!["help me"]),
            ("\\d\r\nSELECT 1;\r\n\\q\r\n", vec!["\\d", "SELECT 1", "\\q"]),
        ];
        for (text, want) in table {
            assert_eq!(texts(text), want, "{text}");
        }
        let commands: Vec<bool> =
            split("\\d\nSELECT 1;\nquit").pieces.into_iter().map(|piece| piece.is_command).collect();
        assert_eq!(commands, [true, false, true]);
        assert!(!Piece::whole("\\q\nSELECT 1").is_command && Piece::whole(" \\d events\n").is_command);
    }

    #[test]
    fn a_text_has_only_so_many_commands() {
        let pieces = split(&"\\d\n".repeat(MAX_COMMANDS + 7)).pieces;
        assert_eq!(pieces.len(), MAX_COMMANDS + 1);
        assert!(!pieces[MAX_COMMANDS].is_command && pieces[MAX_COMMANDS].line as usize == MAX_COMMANDS + 1);
    }

    #[test]
    fn a_piece_knows_where_it_begins() {
        let table = [
            ("SELECT 1;\nSELECT 2;", vec![(1, 1), (2, 1)]),
            ("SELECT 'é'; SELECT 2", vec![(1, 1), (1, 13)]),
            ("SELECT 1;\r\nSELECT 2;", vec![(1, 1), (2, 1)]),
            ("\\d it's\n\n-- so\n  SELECT 1;\\q", vec![(1, 1), (4, 3), (4, 12)]),
            ("SELECT 1;\n ; 'a", vec![(1, 1), (2, 4)]),
            ("\n\n  'a", vec![(3, 3)]),
        ];
        for (text, want) in table {
            let places: Vec<(u32, u32)> =
                split(text).pieces.iter().map(|Piece { line, column, .. }| (*line, *column)).collect();
            assert_eq!(places, want, "{text}");
        }
    }

    #[test]
    fn a_text_is_whole_when_nothing_is_open_at_its_end() {
        for (text, whole) in [
            ("", true),
            ("SELECT 1", false),
            ("SELECT 1;", true),
            ("SELECT 1; -- so", true),
            ("SELECT 1; SELECT 2", false),
            ("SELECT ';", false),
            ("SELECT \";", false),
            ("SELECT 1 /* ;", false),
            ("SELECT 1 /* ; */", false),
            ("SELECT 1 /* ; */;", true),
            ("SELECT $$;", false),
            ("SELECT $a$;", false),
            ("SELECT E';", false),
            ("SELECT E'\\';", false),
            ("SELECT U&'a;", false),
            // This is wrong, and stays so whatever follows.
            ("SELECT U&'\\zzzz';", true),
            ("\\d events", true),
            ("\\d it's", true),
            ("quit", true),
            ("\\d\nSELECT 1", false),
        ] {
            assert_eq!(split(text).is_whole, whole, "{text}");
        }
    }
}
