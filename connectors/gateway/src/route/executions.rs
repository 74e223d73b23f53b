//! Executions: the list, newest first, and one.

use axum::Json;
use axum::extract::State;
use operators::state::Execution;

use crate::app::{App, Look};
use crate::failure::Failure;
use crate::params::{Names, Params, execution};
use crate::view::execution::{self as view, ExecutionView, MAX_RECKONED};
use crate::view::page::Page;

/// `?state=`, `?flow=`, `?limit=`, `?cursor=`.
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<Page<ExecutionView>>, Failure> {
    params.only(&["state", "flow", "limit", "cursor"])?;
    let limit = params.limit()?;
    let before: u32 = params.get("cursor")?.unwrap_or(u32::MAX);
    let wanted = |e: &Execution| {
        let state = params.text("state").is_none_or(|state| state == e.standing().word());
        state && params.text("flow").is_none_or(|flow| flow == e.head.flow.as_str())
    };
    let page = app.look(&params, |look| {
        let older = look.pool.executions.range(..before).rev().map(|(_, e)| e.as_ref()).filter(|e| wanted(e));
        let mut looks = MAX_RECKONED;
        let items = older.take(limit + 1).map(|e| view(&look, e, &mut looks)).collect();
        Ok(Page::cut(items, limit, look.at.position, |e: &ExecutionView| e.execution.number.to_string()))
    });
    page.await.map(Json)
}

/// One execution.
pub async fn one(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<Json<ExecutionView>, Failure> {
    params.only(&[])?;
    app.look(&params, |look| find(&look, &name).map(|e| view(&look, e, &mut { MAX_RECKONED }))).await.map(Json)
}

/// An execution by its name.
pub fn find<'a>(look: &Look<'a>, name: &str) -> Result<&'a Execution, Failure> {
    let id = execution(name)?;
    let missing =
        || Failure::not_found(format!("no execution `{id}` in pool `{}`; reprise status lists them", look.id));
    look.pool.execution_named(&id).ok_or_else(missing)
}

fn view(look: &Look<'_>, of: &Execution, looks: &mut usize) -> ExecutionView {
    view::execution((look.id, look.pool), of, look.at, looks)
}
