//! What may be asked: one statement that reads. All else is refused before it is planned.

use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::Statement as Ast;

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
        Statement::Statement(ast) => match ast.as_ref() {
            Ast::Query(query) if query.to_string().to_ascii_uppercase().contains(" INTO ") && has_into(query) => {
                refused("SELECT INTO")
            }
            Ast::Query(_)
            | Ast::ExplainTable { .. }
            | Ast::ShowTables { .. }
            | Ast::ShowColumns { .. }
            | Ast::ShowVariable { .. }
            | Ast::ShowFunctions { .. } => Ok(()),
            Ast::Explain { statement, .. } => match statement.as_ref() {
                Ast::Query(_) => Ok(()),
                other => refused(&first_word(&other.to_string())),
            },
            other => refused(&first_word(&other.to_string())),
        },
        Statement::Explain(explain) => reads(&explain.statement),
        Statement::CreateExternalTable(_) => refused("CREATE EXTERNAL TABLE"),
        Statement::CopyTo(_) => refused("COPY"),
        Statement::Reset(_) => refused("RESET"),
    }
}

fn has_into(query: &datafusion::sql::sqlparser::ast::Query) -> bool {
    use datafusion::sql::sqlparser::ast::SetExpr;
    match query.body.as_ref() {
        SetExpr::Select(select) => select.into.is_some(),
        _other => false,
    }
}

fn first_word(text: &str) -> String {
    text.split_whitespace().next().unwrap_or("this").to_ascii_uppercase()
}
