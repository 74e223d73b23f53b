//! Tasks that wait for a person: the list, and what a person may do.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use model::request::Ask;

use super::verbs::{ask, asker, read};
use crate::access::Peer;
use crate::app::App;
use crate::failure::Failure;
use crate::params::{Idempotency, Names, Params, execution, task};
use crate::view::page::Page;
use crate::view::parked::{ParkedView, parked};
use crate::view::submitted::{Done, Replay, Verb};

/// Those of the newest execution first: `?class=`, `?flow=`, `?limit=`, `?cursor=`.
pub async fn list(State(app): State<App>, params: Params) -> Result<Json<Page<ParkedView>>, Failure> {
    params.only(&["class", "flow", "limit", "cursor"])?;
    let limit = params.limit()?;
    let (newest, first) = cursor(params.text("cursor"))?;
    let wanted = |task: &ParkedView| {
        let class = params.text("class").is_none_or(|class| task.class.is_some_and(|is| is.word() == class));
        class && params.text("flow").is_none_or(|flow| flow == task.execution.flow.as_str())
    };
    let page = app.look(&params, |look| {
        let with_parked = look.pool.executions.range(..=newest).rev().filter(|(_, e)| e.counts.parked > 0);
        let all = with_parked.flat_map(|(number, e)| {
            let from = if *number == newest { first } else { 0 };
            (from..)
                .take(e.tasks.len().saturating_sub(from as usize))
                .filter_map(move |index| Some((*number, index, parked(e, index)?)))
        });
        let mut wanted = all.filter(|(.., task)| wanted(task));
        let items = wanted.by_ref().take(limit).map(|(.., task)| task).collect();
        let next = wanted.next().map(|(number, index, _)| format!("{number}.{index}"));
        Ok(Page { items, next, position: look.position })
    });
    page.await.map(Json)
}

/// `EXECUTION.TASK`, both by number: where the list goes on.
fn cursor(text: Option<&str>) -> Result<(u32, u32), Failure> {
    let Some(text) = text else { return Ok((u32::MAX, 0)) };
    let read = || {
        let (number, index) = text.split_once('.')?;
        Some((number.parse().ok()?, index.parse().ok()?))
    };
    read().ok_or_else(|| Failure::bad("`cursor` is the `next` of the page before"))
}

/// Try it again, perhaps with other needs.
pub async fn replay(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names((name, id)): Names<(String, String)>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Result<Json<Done>, Failure> {
    let (execution, task) = (execution(&name)?, task(&id)?);
    let Replay { reason, memory_mb, slots } = read(body).await?;
    ask(&app, asker(&params, key, &peer, reason)?, Ask::Replay { execution, task, memory_mb, slots }).await
}

/// Give it up: it has failed.
pub async fn give_up(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names((name, id)): Names<(String, String)>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Result<Json<Done>, Failure> {
    let (execution, task) = (execution(&name)?, task(&id)?);
    let verb: Verb = read(body).await?;
    ask(&app, asker(&params, key, &peer, verb.reason)?, Ask::Drop { execution, task }).await
}
