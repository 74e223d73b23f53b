//! Where in a statement a mistake is: as datafusion says it, or else by what its words speak of.

use datafusion::common::Span;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::dialect::Dialect;

/// Line and column, from 1, and how many characters it is about.
pub type Place = (u32, u32, u32);

/// Operators that mistakes name.
const OPERATORS: [&str; 22] = [
    "+", "-", "*", "/", "%", "=", "!=", "<>", "<", "<=", ">", ">=", "||", "->", "->>", "#>", "#>>", "@>", "<@", "~",
    "&", "|",
];
/// What stands before them: elsewhere a mistake may have them from the data.
const NAMED_BEHIND: [&str; 4] = ["arithmetic expression ", "comparison operation ", "temporal operation ", "Operator "];

/// A line and a column, from 1, and a width.
pub fn place(line: u64, column: u64, width: u64) -> Option<Place> {
    let number = |n: u64| u32::try_from(n).ok();
    Some((number(line)?, number(column)?, number(width.max(1))?)).filter(|(line, ..)| *line > 0)
}

/// The place that datafusion says.
pub fn place_of(span: Span) -> Option<Place> {
    let width = if span.start.line == span.end.line { span.end.column.saturating_sub(span.start.column) } else { 1 };
    place(span.start.line, span.start.column, width)
}

/// `Expected: ..., found: x at Line: 1, Column: 8` without its end, and what its end says.
pub fn without_place(said: &str) -> (String, Option<Place>) {
    let Some((words, place)) = said.rsplit_once(" at Line: ") else { return (said.to_owned(), None) };
    let place = place.split_once(", Column: ").and_then(|(line, column)| {
        let column: String = column.chars().take_while(char::is_ascii_digit).collect();
        Some((line.parse().ok()?, column.parse().ok()?, found_width(words)))
    });
    (words.to_owned(), place)
}

fn found_width(words: &str) -> u32 {
    let found = words.rsplit_once("found: ").map_or("", |(_, found)| found);
    u32::try_from(found.chars().count()).unwrap_or(1).max(1)
}

/// The place of a name in quotes that the message speaks of, if the statement has it once.
pub fn quoted(message: &str, statement: &str) -> Option<Place> {
    let quoted = message.split(['\'', '`', '"']).nth(1).filter(|name| !name.is_empty())?;
    let once = |name: &str| {
        let mut found = statement.match_indices(name);
        let (at, _) = found.next().filter(|_| found.next().is_none())?;
        place_at(statement, at, name.chars().count())
    };
    once(quoted).or_else(|| once(quoted.rsplit('.').next()?))
}

/// The place of the operator that the message speaks of, if the statement has it once: types that do not go together are
/// said as `Utf8 + Int64`. Of several divisions it is the one by a zero that is typed.
pub fn operator(message: &str, statement: &str) -> Option<Place> {
    let divides = message == "division by zero";
    let behind = NAMED_BEHIND.iter().find_map(|before| Some(message.split_once(before)?.1)).unwrap_or_default();
    let named: Vec<&str> = match divides {
        true => vec!["/", "%"],
        false => behind.split(' ').filter(|word| OPERATORS.contains(word)).take(1).collect(),
    };
    let tokens = Tokenizer::new(&Dialect, statement).tokenize_with_location().ok()?;
    let words: Vec<_> = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    let is_named = |at: usize| words.get(at).is_some_and(|word| named.contains(&word.token.to_string().as_str()));
    let by_zero = |at: usize| words.get(at + 1).is_some_and(|word| word.token.to_string().parse() == Ok(0.0));
    let once = |mut found: Vec<usize>| found.pop().filter(|_| found.is_empty());
    let found: Vec<usize> = (0..words.len()).filter(|at| is_named(*at)).collect();
    let at = once(found.clone()).or_else(|| once(found.into_iter().filter(|at| divides && by_zero(*at)).collect()))?;
    let word = words.get(at)?;
    place(word.span.start.line, word.span.start.column, word.token.to_string().chars().count() as u64)
}

/// All of a statement, as far as its first line goes.
pub fn first_line_of(statement: &str) -> Option<Place> {
    let tokens = Tokenizer::new(&Dialect, statement).tokenize_with_location().unwrap_or_default();
    let nothing = |token: &Token| matches!(token, Token::Whitespace(_) | Token::SemiColon | Token::EOF);
    let first = tokens.iter().find(|token| !nothing(&token.token))?.span.start;
    let line = statement.lines().nth(usize::try_from(first.line).ok()?.checked_sub(1)?)?;
    let before = usize::try_from(first.column).ok()?.checked_sub(1)?;
    place(first.line, first.column, line.trim_end().chars().count().saturating_sub(before) as u64)
}

/// Line and column of a byte of the statement.
pub fn place_at(statement: &str, at: usize, width: usize) -> Option<Place> {
    let before = &statement[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    place(line as u64, column as u64, width as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parsers_words_lose_their_place_and_keep_what_they_say() {
        let (words, place) = without_place("Expected: an expression, found: FROM at Line: 2, Column: 8");
        assert_eq!((words.as_str(), place), ("Expected: an expression, found: FROM", Some((2, 8, 4))));
        assert_eq!(without_place("no place"), ("no place".to_owned(), None));
    }

    #[test]
    fn a_name_in_quotes_is_found_where_it_stands_once() {
        let statement = "SELECT 1\nFROM evnts";
        assert_eq!(quoted("table 'reprise.public.evnts' not found", statement), Some((2, 6, 5)));
        assert_eq!(quoted("'DD.MM' is no pattern", "f('DD.MM'), 'MM'"), Some((1, 4, 5)));
        assert_eq!(quoted("table 'x' not found", "x x"), None);
        assert_eq!(quoted("no quotes", statement), None);
    }

    #[test]
    fn an_operator_is_found_where_it_stands_once_or_divides_by_zero() {
        let table = [
            ("Cannot coerce arithmetic expression Utf8 - Int64 to valid types", "SELECT now() - 7", Some((1, 14, 1))),
            ("Cannot coerce arithmetic expression Utf8 - Int64 to valid types", "SELECT 1 - 2,\n now() - 7", None),
            ("common argument type for comparison operation Int64 = Boolean", "SELECT '=',\n a=true", Some((2, 3, 1))),
            ("division by zero", "SELECT 1/0", Some((1, 9, 1))),
            ("division by zero", "SELECT 4 / 2, 7 % 0", Some((1, 17, 1))),
            ("division by zero", "SELECT 4 / 2, 7 / x", None),
            ("Operator @> is not yet supported", "SELECT a @> b", Some((1, 10, 2))),
            ("Cannot cast string 'a - b' to value of Int32 type", "SELECT 1 - 2", None),
        ];
        for (message, statement, want) in table {
            assert_eq!(operator(message, statement), want, "{message}: {statement}");
        }
    }

    #[test]
    fn what_has_no_place_of_its_own_is_somewhere_in_the_statement() {
        let table = [
            ("SELECT 1", Some((1, 1, 8))),
            ("-- so\n\n  SELECT 1 \nFROM x", Some((3, 3, 8))),
            (" ; -- nothing", None),
            ("", None),
        ];
        for (statement, want) in table {
            assert_eq!(first_line_of(statement), want, "{statement}");
        }
    }
}
