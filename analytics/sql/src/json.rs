//! Asking into text that is JSON, as `detail` of events is: with `->>` and `->`, and functions for what they do not do. What they give is text, too, or a plain value: so any form can print it, and anything can be sorted by it.

use std::sync::Arc;

use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::execution::FunctionRegistry;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ScalarUDF};
use datafusion::prelude::SessionContext;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use datafusion_functions_json::udfs;

/// Makes operators and functions known.
pub fn register(context: &mut SessionContext) -> Result<()> {
    for function in functions() {
        FunctionRegistry::register_udf(context, function)?;
    }
    context.register_expr_planner(Arc::new(Operators))
}

/// `json_get` is not among them: its values are of many kinds in one column, which no form but a table can print.
fn functions() -> [Arc<ScalarUDF>; 8] {
    [
        udfs::json_get_str_udf(),
        udfs::json_get_int_udf(),
        udfs::json_get_float_udf(),
        udfs::json_get_bool_udf(),
        udfs::json_get_array_udf(),
        udfs::json_contains_udf(),
        udfs::json_length_udf(),
        udfs::json_object_keys_udf(),
    ]
}

/// What the operators mean: text beyond `->>`, and beyond `->` text that is JSON, too.
#[derive(Debug)]
struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(&self, of: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = if of.op == BinaryOperator::Arrow {
            udfs::json_get_json_udf()
        } else if of.op == BinaryOperator::LongArrow {
            udfs::json_as_text_udf()
        } else {
            return Ok(PlannerResult::Original(of));
        };
        let name = format!("{} {} {}", name(&of.left), of.op, name(&of.right));
        let mut way = if is_literal(&of.right) { way(of.left) } else { vec![of.left] };
        way.push(of.right);
        Ok(PlannerResult::Planned(function.call(way).alias(name)))
    }
}

/// A text and the way into it so far: `a->'b'->'c'` is one call, since each that stands in another is planned twice as long.
/// Only where the whole way stands in the statement: for others the functions take one step at a time.
fn way(left: Expr) -> Vec<Expr> {
    let left = left.unalias();
    if let Expr::ScalarFunction(call) = &left
        && call.func == udfs::json_get_json_udf()
        && call.args.iter().skip(1).all(is_literal)
    {
        return call.args.clone();
    }
    vec![left]
}

fn is_literal(of: &Expr) -> bool {
    matches!(of, Expr::Literal(..))
}

/// How a part is named in the name of the column: a text as it was typed.
fn name(of: &Expr) -> String {
    if let Expr::Literal(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)), _) = of {
        return format!("'{text}'");
    }
    of.schema_name().to_string()
}
