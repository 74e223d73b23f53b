//! Tasks that wait for a person: the list, and what a person may do.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use model::request::Ask;
use model::task::MAX_MEMORY_MB;

use super::verbs::{ask, asker, read};
use crate::access::Peer;
use crate::app::App;
use crate::failure::Failure;
use crate::params::{Idempotency, Names, Params, execution, task};
use crate::view::page::Page;
use crate::view::parked::{ParkedView, parked};
use crate::view::submitted::{Done, Replay, Verb};

/// What an attempt may need at most, as in a flow.
const MAX_SLOTS: u32 = 1_000;
/// Tasks that one page looks at: the partition waits for it.
const MAX_LOOKS: usize = 100_000;

/// Those of the newest execution first: `?class=`, `?flow=`, `?limit=`, `?cursor=`. A page may be short, even empty, and
/// have a next one: nothing more in what it looked at was wanted.
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
        let places = with_parked.flat_map(|(number, e)| {
            let from = if *number == newest { first as usize } else { 0 };
            (0..).take(e.tasks.len()).skip(from).map(move |index| (*number, e, index))
        });
        let (mut items, mut next, mut looks) = (Vec::new(), None, MAX_LOOKS);
        for (number, execution, index) in places {
            let spent = looks == 0;
            looks = looks.saturating_sub(1);
            let found = if spent { None } else { parked(execution, index, &mut looks).filter(wanted) };
            if spent || (found.is_some() && items.len() == limit) {
                next = Some(format!("{number}.{index}"));
                break;
            }
            items.extend(found);
        }
        Ok(Page { items, next, position: look.at.position })
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
    if memory_mb.is_some_and(|mb| mb > MAX_MEMORY_MB) || slots.is_some_and(|slots| !(1..=MAX_SLOTS).contains(&slots)) {
        return Err(Failure::bad(format!("an attempt may need 16 TiB of memory and 1 to {MAX_SLOTS} slots, no more")));
    }
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
