//! Where one statement of a text ends and the next begins: by the words that it is made of, so that a semicolon in quotes or in
//! a comment ends none.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Tokenizer};

/// A text in statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Each without its semicolon. What cannot be read is the last one, to its end.
    pub statements: Vec<String>,
    /// Whether nothing is open at its end: no quotes, no comment, no statement without its semicolon.
    pub is_whole: bool,
}

/// Takes a text apart.
pub fn split(text: &str) -> Split {
    let mut tokens: Vec<TokenWithSpan> = Vec::new();
    let read = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location_into_buf(&mut tokens);
    let mut places = Places { text, line: 1, column: 1, byte: 0 };
    let (mut statements, mut from, mut holds_words) = (Vec::new(), 0, false);
    for token in &tokens {
        if token.token == Token::SemiColon {
            let semicolon = places.byte_at(token.span.start);
            if holds_words {
                statements.push(text[from..semicolon].trim().to_owned());
            }
            (from, holds_words) = (semicolon + 1, false);
        } else {
            holds_words |= !matches!(token.token, Token::Whitespace(_) | Token::EOF);
        }
    }
    // What is wrong beyond an open end is said of the statement, not waited for.
    let is_open = read.as_ref().is_err_and(|error| error.message.contains("ntermi") || error.message.contains("EOF"));
    let ends = read.is_err() && text.trim_end().ends_with(';');
    if holds_words || read.is_err() {
        statements.push(text[from..].trim().to_owned());
    }
    Split { statements, is_whole: !is_open && (ends || !holds_words && read.is_ok()) }
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
}

#[cfg(test)]
mod tests {
    use super::split;

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
            ("/* don't */ SELECT 1; SELECT 2;", vec!["/* don't */ SELECT 1", "SELECT 2"]),
            ("SELECT 1 /* a /* b; */ c; */; SELECT 2", vec!["SELECT 1 /* a /* b; */ c; */", "SELECT 2"]),
            ("SELECT $$a;b$$; SELECT $x$';$x$", vec!["SELECT $$a;b$$", "SELECT $x$';$x$"]),
            ("SELECT E'\\';'; SELECT 2", vec!["SELECT E'\\';'", "SELECT 2"]),
            ("SELECT 'é\n–;';\nSELECT 'ü';SELECT 2", vec!["SELECT 'é\n–;'", "SELECT 'ü'", "SELECT 2"]),
            ("SELECT 1; SELECT 'a; SELECT 2;", vec!["SELECT 1", "SELECT 'a; SELECT 2;"]),
        ];
        for (text, want) in table {
            assert_eq!(split(text).statements, want, "{text}");
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
        ] {
            assert_eq!(split(text).is_whole, whole, "{text}");
        }
    }
}
