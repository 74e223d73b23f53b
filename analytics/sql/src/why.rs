//! `why('EXECUTION/TASK')`: a task's attempts in order, with what was decided after each, by which rule and on what
//! evidence. A bare `TASK` means the newest execution that has it.

use std::sync::Arc;

use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{ScalarValue, plan_err};
use datafusion::datasource::ViewTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, col, lit};
use model::PoolId;

/// The tables that the story is made of.
pub const TABLES: [&str; 3] = ["attempts", "failures", "decisions"];

/// Every task's story; `nth` counts a task's executions, the newest first.
pub const STORY: &str = "
    SELECT a.execution_id, a.task_id, a.attempt, a.node_id, a.started_at, a.run_ms, a.outcome, a.class, f.evidence,
           d.rule, d.action, d.delay_ms, d.path, d.why, a.pool,
           dense_rank() OVER (PARTITION BY a.pool, a.task_id ORDER BY a.first_ready DESC) AS nth
    FROM (SELECT *, min(ready_at) OVER (PARTITION BY task_id, pool, execution_id) AS first_ready FROM attempts) a
    LEFT JOIN failures f ON f.pool = a.pool AND f.execution_id = a.execution_id AND f.task_id = a.task_id
        AND f.attempt = a.attempt AND f.journal = a.journal
    LEFT JOIN decisions d ON d.pool = a.pool AND d.execution_id = a.execution_id AND d.task_id = a.task_id
        AND d.attempt = a.attempt AND d.journal = a.journal";

/// The function over a plan of [`STORY`].
#[derive(Debug)]
pub struct Why {
    /// Every task's story.
    pub story: LogicalPlan,
    /// Of this pool alone.
    pub pool: PoolId,
}

impl TableFunctionImpl for Why {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let [Expr::Literal(ScalarValue::Utf8(Some(name)) | ScalarValue::Utf8View(Some(name)), _)] = args.exprs() else {
            return plan_err!("`why` takes one task: why('nightly-web-118/build'), or why('build') for the newest");
        };
        let (execution, rest) = match name.split_once('/') {
            Some((execution, rest)) => (Some(execution), rest),
            None => (None, name.as_str()),
        };
        let (task, attempt) = match rest.rsplit_once('@').map(|(task, attempt)| (task, attempt.parse::<i64>())) {
            Some((task, Ok(attempt))) => (task, Some(attempt)),
            Some((_, Err(_))) | None => (rest, None),
        };
        let mut wanted = col("task_id").eq(lit(task)).and(col("pool").eq(lit(self.pool.as_str())));
        wanted = match execution {
            Some(execution) => wanted.and(col("execution_id").eq(lit(execution))),
            None => wanted.and(col("nth").eq(lit(1_u64))),
        };
        if let Some(attempt) = attempt {
            wanted = wanted.and(col("attempt").eq(lit(attempt)));
        }
        let columns = self.story.schema().fields().iter().map(|field| field.name().as_str());
        let shown: Vec<Expr> = columns.filter(|name| *name != "nth").map(col).collect();
        let plan = LogicalPlanBuilder::from(self.story.clone())
            .filter(wanted)?
            .sort([col("execution_id").sort(true, false), col("attempt").sort(true, false)])?
            .project(shown)?
            .build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}
