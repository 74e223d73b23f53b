//! What a query must not have in it: datafusion would pass over it or take it for something else, and the answer would be one
//! to another question. Found by trying, with Postgres' answer beside; what it refuses itself is not here. What shows only in
//! the plan is in [`crate::planned`].

use std::ops::ControlFlow;

use datafusion::common::Span;
use datafusion::execution::SessionState;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, DataType, Expr, Function, FunctionArguments, Join, JoinConstraint, JoinOperator, NamedWindowExpr,
    Query, Select, SetExpr, SetOperator, SetQuantifier, Spanned, Statement, TableFactor, TypedString, Visit, Visitor,
    WindowSpec, WindowType,
};
use datafusion::sql::sqlparser::tokenizer::Span as Words;

use crate::mistake::Mistake;
use crate::place::place_of;
use crate::statement::MAX_TABLES;

/// Looks through a query, down to the last bracket.
pub fn look(ast: &Statement, state: &SessionState) -> Result<(), Mistake> {
    let ControlFlow::Break((words, mistake)) = ast.visit(&mut Looks { tables: 0, state }) else { return Ok(()) };
    Err(Mistake { place: Span::try_from_sqlparser_span(words).and_then(place_of), ..mistake })
}

struct Looks<'a> {
    /// How many were seen, wherever they stand.
    tables: usize,
    state: &'a SessionState,
}

type Found = ControlFlow<(Words, Mistake)>;

impl Visitor for Looks<'_> {
    type Break = (Words, Mistake);

    fn pre_visit_query(&mut self, query: &Query) -> Found {
        let found = query.for_clause.is_some().then(|| Mistake::not_done("FOR XML or JSON", "say --output json"));
        at(query.span(), found)?;
        sets(&query.body)
    }

    fn pre_visit_select(&mut self, select: &Select) -> Found {
        let hierarchical = !select.connect_by.is_empty();
        at(select.select_token.0.span, hierarchical.then(|| Mistake::not_done("CONNECT BY", "say WITH RECURSIVE")))?;
        for window in &select.named_window {
            let NamedWindowExpr::WindowSpec(spec) = &window.1 else { continue };
            at(window.0.span, of_window(spec))?;
        }
        select.from.iter().try_for_each(|from| joins(&from.joins))
    }

    fn pre_visit_table_factor(&mut self, table: &TableFactor) -> Found {
        self.tables += 1;
        let many = self.tables > MAX_TABLES;
        let too_many = || {
            let message = format!("the statement reads from more than {MAX_TABLES} tables");
            Mistake::of_statement(&message, "ask for a part at a time; rows that you give it join with VALUES")
        };
        at(table.span(), many.then(too_many).or_else(|| of_table(table)))?;
        let TableFactor::NestedJoin { table_with_joins, .. } = table else { return ControlFlow::Continue(()) };
        joins(&table_with_joins.joins)
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> Found {
        let found = if let Expr::SimilarTo { .. } = expr {
            // It would be taken for a regular expression.
            Some(Mistake::not_done("SIMILAR TO", "say LIKE, or ~ and a regular expression"))
        } else if let Expr::BinaryOp { op: BinaryOperator::BitwiseXor, .. } = expr {
            // It would be taken for the exclusive or of bits.
            Some(Mistake::not_done("^", "say power(2, 3)"))
        } else if let Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) = expr {
            of_type(data_type)
        } else if let Expr::AtTimeZone { timestamp, .. } = expr
            && matches!(timestamp.as_ref(), Expr::BinaryOp { .. })
        {
            let hint = "put brackets around what stands before it";
            Some(Mistake::not_done("AT TIME ZONE behind an operator", hint))
        } else if let Expr::Function(function) = expr {
            self.of_function(function)
        } else {
            None
        };
        at(expr.span(), found)
    }
}

impl Looks<'_> {
    fn of_function(&self, function: &Function) -> Option<Mistake> {
        if let Some(WindowType::WindowSpec(spec)) = &function.over
            && let Some(mistake) = of_window(spec)
        {
            return Some(mistake);
        }
        let name = function.name.to_string().to_ascii_lowercase();
        let is_other =
            self.state.aggregate_functions().contains_key(&name) || self.state.window_functions().contains_key(&name);
        let is_plain = self.state.scalar_functions().contains_key(&name) && !is_other;
        let said = match &function.args {
            FunctionArguments::List(list) => list.duplicate_treatment.is_some() || !list.clauses.is_empty(),
            FunctionArguments::None | FunctionArguments::Subquery(_) => false,
        };
        let said = said || function.filter.is_some() || function.over.is_some() || function.null_treatment.is_some();
        let words = format!("`{name}` with DISTINCT, ORDER BY, FILTER, OVER or WITHIN GROUP");
        (is_plain && (said || !function.within_group.is_empty()))
            .then(|| Mistake::not_done(&words, "these are for functions of many rows, as count"))
    }
}

fn at(words: Words, found: Option<Mistake>) -> Found {
    found.map_or(ControlFlow::Continue(()), |mistake| ControlFlow::Break((words, mistake)))
}

/// A text of so many letters: it would keep all that it has.
fn of_type(to: &DataType) -> Option<Mistake> {
    let words = to.to_string().to_ascii_lowercase();
    let (kind, _) = words.split_once('(')?;
    let is_text = ["char", "character", "varchar", "nvarchar", "nchar", "string", "text"].contains(&kind)
        || kind.starts_with("char") && kind.contains("varying");
    is_text.then(|| Mistake::not_done(&format!("the length of a text, as in {words},"), "say left(…, 3)"))
}

/// EXCEPT and INTERSECT with ALL would not count how often a row is there.
fn sets(of: &SetExpr) -> Found {
    let SetExpr::SetOperation { left, op, set_quantifier, right } = of else { return ControlFlow::Continue(()) };
    let counts = matches!(set_quantifier, SetQuantifier::All | SetQuantifier::AllByName);
    let found =
        (counts && *op != SetOperator::Union).then(|| Mistake::not_done(&format!("{op} ALL"), "say it without ALL"));
    at(right.span(), found)?;
    sets(left)?;
    sets(right)
}

fn of_table(table: &TableFactor) -> Option<Mistake> {
    let TableFactor::Table { sample, partitions, with_ordinality, .. } = table else { return None };
    let said = [
        (sample.is_some(), "TABLESAMPLE"),
        (!partitions.is_empty(), "PARTITION"),
        (*with_ordinality, "WITH ORDINALITY"),
    ];
    said.into_iter().find_map(|(is_said, words)| is_said.then(|| Mistake::not_done(words, "ask without it")))
}

/// A window that begins with another one's name loses how that is partitioned.
fn of_window(spec: &WindowSpec) -> Option<Mistake> {
    let name = spec.window_name.as_ref()?;
    Some(Mistake::not_done(&format!("a window of `{name}` and more"), &format!("write it whole, or say OVER {name}")))
}

/// Joins that keep rows of their right side have nothing in a column that both sides share, where that side alone has it.
fn joins(joins: &[Join]) -> Found {
    for join in joins {
        let (JoinOperator::Right(by) | JoinOperator::RightOuter(by) | JoinOperator::FullOuter(by)) =
            &join.join_operator
        else {
            continue;
        };
        let shares = matches!(by, JoinConstraint::Using(_) | JoinConstraint::Natural);
        let words = "RIGHT or FULL JOIN with USING or NATURAL";
        let hint = "say ON a.x = b.x, and coalesce(a.x, b.x)";
        at(join.relation.span(), shares.then(|| Mistake::not_done(words, hint)))?;
    }
    ControlFlow::Continue(())
}
