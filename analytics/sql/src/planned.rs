//! What must not be in the plan of a query: datafusion would put another plan in its place, and that has other answers.
//!
//! What is asked anew for each row becomes a join, so that all rows are counted, numbered or passed over before one is
//! looked for; and IN becomes a mark at each row, which is false where it should be unknown.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};

use crate::mistake::Mistake;
use crate::place::place_of;

/// Looks through a plan and all that is asked in it.
pub fn look(plan: &LogicalPlan) -> std::result::Result<(), Mistake> {
    let mut found = None;
    let walked = plan.apply_with_subqueries(|node| {
        found = found.take().or_else(|| of_node(node));
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                found = found.take().or_else(|| of_part(part));
                go_on(found.is_none())
            })
        })?;
        go_on(found.is_none())
    });
    walked.map_err(|error| Mistake::of(&error, ""))?;
    found.map_or(Ok(()), Err)
}

fn go_on(goes_on: bool) -> Result<TreeNodeRecursion> {
    Ok(if goes_on { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
}

fn of_node(node: &LogicalPlan) -> Option<Mistake> {
    if let LogicalPlan::Subquery(lateral) = node {
        return asked_anew(lateral, &|under| numbers(under));
    }
    let LogicalPlan::Filter(filter) = node else { return None };
    let hint = "say IN without NOT, OR and functions around it, or NOT EXISTS (… WHERE a.x = b.x)";
    let mistake = Mistake::not_done("IN (SELECT …) whose being unknown matters", hint);
    (!is_kept(&filter.predicate, true)).then_some(mistake)
}

fn of_part(part: &Expr) -> Option<Mistake> {
    if let Expr::Exists(exists) = part {
        return asked_anew(&exists.subquery, &|under| counts(under).or_else(|| numbers(under)));
    }
    if let Expr::InSubquery(is_in) = part {
        return asked_anew(&is_in.subquery, &|under| counts(under).or_else(|| numbers(under)));
    }
    let Expr::ScalarSubquery(scalar) = part else { return None };
    asked_anew(scalar, &|under| numbers(under))
}

/// What of a subquery looks at more rows than the one that asks has.
fn asked_anew(asked: &Subquery, looks: &dyn Fn(&LogicalPlan) -> Option<&'static str>) -> Option<Mistake> {
    let mut words = None;
    let walked = asked.subquery.apply(|node| {
        // What has nothing of the row that asks is the same for each.
        let is_asked = node.inputs().iter().any(|input| speaks_of_outer(input));
        words = words.take().or_else(|| looks(node).filter(|_| is_asked));
        go_on(words.is_none())
    });
    walked.ok()?;
    let message = format!("{} in a subquery that is asked anew for each row is not done here", words?);
    let mistake =
        Mistake::of_statement(&message, "join with a query that does it for all, or compare (SELECT count(*) …)");
    Some(Mistake { place: asked.spans.first().and_then(place_of), ..mistake })
}

fn speaks_of_outer(plan: &LogicalPlan) -> bool {
    plan.contains_outer_reference() || plan.inputs().iter().any(|input| speaks_of_outer(input))
}

/// One row for all that there are, be there none.
fn counts(node: &LogicalPlan) -> Option<&'static str> {
    if let LogicalPlan::Aggregate(groups) = node {
        let has_all = groups.group_expr.iter().any(|by| matches!(by, Expr::GroupingSet(_)));
        return (has_all || groups.group_expr.is_empty()).then_some("counting of all rows");
    }
    let LogicalPlan::Limit(limit) = node else { return None };
    limit.skip.is_some().then_some("OFFSET")
}

fn numbers(node: &LogicalPlan) -> Option<&'static str> {
    matches!(node, LogicalPlan::Window(_)).then_some("a window function")
}

/// Whether a row is kept where a condition is true, and else not, also if each IN in it is false where it should be unknown.
/// `last`: what is not true leaves the row out, whatever else holds.
fn is_kept(condition: &Expr, last: bool) -> bool {
    if let Expr::BinaryExpr(both) = condition
        && matches!(both.op, Operator::And | Operator::Or)
    {
        let last = last && both.op == Operator::And;
        return is_kept(&both.left, last) && is_kept(&both.right, last);
    }
    if let Expr::InSubquery(is_in) = condition {
        return !is_in.negated || last;
    }
    if let Expr::Not(inner) = condition
        && let Expr::InSubquery(_) = inner.as_ref()
    {
        return last;
    }
    let asks = condition.exists(|part| Ok(matches!(part, Expr::InSubquery(_))));
    !asks.unwrap_or(true)
}
