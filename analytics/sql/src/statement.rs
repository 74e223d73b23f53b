//! What may be asked: one statement that reads. All else is refused before it is planned.

use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Ast;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, TokenizerError};

use crate::answerable;
use crate::dialect::Dialect;
use crate::mistake::Mistake;
use crate::place::{self, Place};

/// A statement is at most so long.
pub const MAX_BYTES: usize = 256 << 10;
/// It has at most so many keywords and operators. Each may hold all that stand before it, and whoever plans it goes down
/// into every one on a stack that has an end; lists of values may be as long as they like. What joins whole queries takes
/// most of the stack, and counts as four.
pub const MAX_WORDS: usize = 1_000;
/// It reads from at most so many tables and queries in brackets: each is joined to all that stand before it.
pub const MAX_TABLES: usize = 64;
/// Text in it holds at most so many brackets in each other: what is read as the name of a type, 'List(List(Int8))', is gone
/// down into.
pub const MAX_DEPTH: usize = 1_000;
/// The stack that each thread has to have on which statements are planned and run: twice what the deepest of those takes that
/// are let through.
pub const STACK_BYTES: usize = 16 << 20;

/// Reads one statement; a semicolon at its end is no second one.
pub fn read(state: &SessionState, text: &str) -> Result<Statement, Mistake> {
    if text.len() > MAX_BYTES {
        let message = format!("the statement has {} bytes, and may have {MAX_BYTES}", text.len());
        return Err(Mistake::of_statement(&message, "join with VALUES, or ask for a part at a time"));
    }
    let options = &state.config().options().sql_parser;
    let no = |error: DataFusionError| Mistake::of(&error, text);
    let unread = |error: TokenizerError| no(DataFusionError::SQL(Box::new(ParserError::from(error)), None));
    let tokens = Tokenizer::new(&Dialect, text).tokenize_with_location().map_err(unread)?;
    let words: usize = tokens.iter().map(|token| weight(&token.token)).sum();
    if words > MAX_WORDS {
        let message = format!("the statement has {words} keywords and operators, and may have {MAX_WORDS}");
        return Err(Mistake::of_statement(&message, "say `x IN (1, 2, …)` instead of `x = 1 OR x = 2 …`"));
    }
    if let Some(deep) = tokens.iter().find(|token| depth(&token.token.to_string()) > MAX_DEPTH) {
        let mistake = Mistake::of_statement("the statement is nested too deeply", "");
        return Err(Mistake { place: place(deep), ..mistake });
    }
    let parser = DFParserBuilder::new(tokens.clone())
        .with_dialect(&Dialect)
        .with_recursion_limit(options.recursion_limit.get())
        .build();
    let mut statements = parser.and_then(|mut parser| parser.parse_statements()).map_err(no)?;
    match (statements.pop_front(), statements.len()) {
        (None, _) => Err(Mistake::of_statement("there is no statement", "try: SELECT * FROM executions LIMIT 5")),
        (Some(statement), 0) => reads(&statement, &tokens, state).map(|()| statement),
        (Some(_), more) => {
            let ended = tokens.iter().skip_while(|token| token.token != Token::SemiColon).skip(1);
            let second = ended.into_iter().find(|token| !matches!(token.token, Token::Whitespace(_)));
            let message = format!("there are {} statements", more + 1);
            let mistake = Mistake::of_statement(&message, "ask one at a time");
            Err(Mistake { place: second.and_then(place), ..mistake })
        }
    }
}

/// What a word counts: nothing if it holds no others, as an operator its operands.
fn weight(token: &Token) -> usize {
    if let Token::Word(word) = token {
        let joins_queries = [Keyword::UNION, Keyword::EXCEPT, Keyword::INTERSECT].contains(&word.keyword);
        return if joins_queries { 4 } else { usize::from(word.keyword != Keyword::NoKeyword) };
    }
    let is_value = matches!(token, Token::Number(..) | Token::SingleQuotedString(_));
    let is_mark = matches!(token, Token::Comma | Token::Period | Token::SemiColon | Token::LParen | Token::RParen);
    usize::from(!is_value && !is_mark && !matches!(token, Token::Whitespace(_) | Token::EOF))
}

/// How many brackets are open at once in a word.
fn depth(word: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in word.bytes() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.saturating_sub(1),
            _other => {}
        }
        most = most.max(open);
    }
    most
}

fn reads(statement: &Statement, tokens: &[TokenWithSpan], state: &SessionState) -> Result<(), Mistake> {
    match statement {
        Statement::Statement(ast) => is_reading(ast, tokens, state),
        Statement::Explain(explain) => reads(&explain.statement, tokens, state),
        Statement::CreateExternalTable(_) => Err(refused("CREATE EXTERNAL TABLE", tokens)),
        Statement::CopyTo(_) => Err(refused("COPY", tokens)),
        Statement::Reset(_) => Err(refused("RESET", tokens)),
    }
}

fn is_reading(ast: &Ast, tokens: &[TokenWithSpan], state: &SessionState) -> Result<(), Mistake> {
    if let Ast::Explain { statement, .. } = ast {
        return is_reading(statement, tokens, state);
    }
    let shows = matches!(
        ast,
        Ast::ExplainTable { .. }
            | Ast::ShowTables { .. }
            | Ast::ShowColumns { .. }
            | Ast::ShowVariable { .. }
            | Ast::ShowFunctions { .. }
    );
    if matches!(ast, Ast::Query(_)) {
        return into(tokens).and_then(|()| answerable::look(ast, state));
    }
    if shows { Ok(()) } else { Err(refused(&first_word(ast), tokens)) }
}

/// A query reads, unless it puts what it reads somewhere: however deep within it that is said.
fn into(tokens: &[TokenWithSpan]) -> Result<(), Mistake> {
    let has = |keyword| tokens.iter().any(|token| matches!(&token.token, Token::Word(word) if word.keyword == keyword));
    match has(Keyword::INTO) {
        true if has(Keyword::INSERT) => Err(refused("INSERT", tokens)),
        true => Err(refused("INTO", tokens)),
        false => Ok(()),
    }
}

/// The refusal of a word, at its place.
fn refused(words: &str, tokens: &[TokenWithSpan]) -> Mistake {
    let first = words.split(' ').next().unwrap_or(words);
    let is_first = |token: &&TokenWithSpan| {
        let Token::Word(word) = &token.token else { return false };
        word.quote_style.is_none() && word.value.eq_ignore_ascii_case(first)
    };
    let message = format!("{words} is refused: the tables are what the journal says, and only read here");
    let mistake = Mistake::of_statement(&message, "SELECT, EXPLAIN, SHOW and DESCRIBE are there to read");
    Mistake { place: tokens.iter().find(is_first).and_then(place), ..mistake }
}

/// Line, column and width of a word.
fn place(token: &TokenWithSpan) -> Option<Place> {
    let (start, end) = (token.span.start, token.span.end);
    place::place(start.line, start.column, end.column.saturating_sub(start.column))
}

fn first_word(of: &Ast) -> String {
    of.to_string().split_whitespace().next().unwrap_or("this").to_ascii_uppercase()
}
