//! What may be asked: one statement that reads. All else is refused before it is planned.

use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as Ast};

use crate::mistake::Mistake;

/// Reads one statement; a semicolon at its end is no second one.
pub fn read(state: &SessionState, text: &str) -> Result<Statement, Mistake> {
    let text_only = text.trim().trim_end_matches(';').trim_end();
    if text_only.is_empty() {
        return Err(Mistake::of_statement("there is no statement", "try: SELECT * FROM executions LIMIT 5"));
    }
    let dialect = state.config().options().sql_parser.dialect;
    let statement = state.sql_to_statement(text, &dialect).map_err(|error| Mistake::of(&error, text))?;
    reads(&statement)?;
    Ok(statement)
}

fn reads(statement: &Statement) -> Result<(), Mistake> {
    let refused = |word: &str| {
        let message = format!("{word} is refused: the tables are what the journal says, and only read here");
        Err(Mistake::of_statement(&message, "SELECT, EXPLAIN, SHOW and DESCRIBE are there to read"))
    };
    match statement {
        Statement::Statement(ast) if has_into(ast) => refused("SELECT INTO"),
        Statement::Statement(ast) if is_reading(ast) => Ok(()),
        Statement::Statement(ast) => refused(&first_word(&ast.to_string())),
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::CreateExternalTable(_) => refused("CREATE EXTERNAL TABLE"),
        Statement::CopyTo(_) => refused("COPY"),
        Statement::Reset(_) => refused("RESET"),
    }
}

fn is_reading(ast: &Ast) -> bool {
    if let Ast::Explain { statement, .. } = ast {
        return matches!(statement.as_ref(), Ast::Query(_)) && !has_into(statement);
    }
    matches!(
        ast,
        Ast::Query(_)
            | Ast::ExplainTable { .. }
            | Ast::ShowTables { .. }
            | Ast::ShowColumns { .. }
            | Ast::ShowVariable { .. }
            | Ast::ShowFunctions { .. }
    )
}

fn has_into(ast: &Ast) -> bool {
    let Ast::Query(query) = ast else { return false };
    let SetExpr::Select(select) = query.body.as_ref() else { return false };
    select.into.is_some()
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or("this").to_ascii_uppercase()
}
