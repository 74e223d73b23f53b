//! The pool at a glance, its nodes, locks and recoveries.

use axum::Json;
use axum::extract::State;
use model::{LockId, Millis, NodeId};
use std::ops::Bound;

use crate::app::App;
use crate::failure::Failure;
use crate::params::{Names, Params};
use crate::view::lock::{self, LockView};
use crate::view::node::{self, NodeView};
use crate::view::page::Page;
use crate::view::pool::{LeaderView, PoolView, summary};
use crate::view::recovery::{self, RecoveryView, recovery_number};

/// The first line of `status`.
pub async fn pool(State(app): State<App>, params: Params) -> Result<Json<PoolView>, Failure> {
    params.only(&[])?;
    let pool = params.pool()?;
    let health = app.engine.health_of(&pool);
    let trouble = health.trouble.map(|trouble| trouble.why().to_owned());
    let leader = LeaderView {
        here: health.leading,
        led: health.led,
        journal_read: health.journal_read,
        caught_up: health.caught_up,
        epoch: health.epoch,
        lag_ms: Millis(health.lag_ms),
        trouble,
        journal: app.engine.read(&pool, |replica| replica.journal),
    };
    app.look(&params, |look| Ok(summary(look.id, look.pool, leader, look.at.position))).await.map(Json)
}

/// By name: `?limit=`, `?cursor=`.
pub async fn nodes(State(app): State<App>, params: Params) -> Result<Json<Page<NodeView>>, Failure> {
    params.only(&["limit", "cursor"])?;
    let limit = params.limit()?;
    let after = params.get::<NodeId>("cursor")?.map_or(Bound::Unbounded, Bound::Excluded);
    let page = app.look(&params, |look| {
        let recoveries = node::last_recoveries(look.pool);
        let names = look.pool.nodes.range((after, Bound::Unbounded)).map(|(name, _)| name);
        let items =
            names.take(limit + 1).filter_map(|name| node::node(look.id, look.pool, name, &recoveries)).collect();
        Ok(Page::cut(items, limit, look.at.position, |n: &NodeView| n.node.to_string()))
    });
    page.await.map(Json)
}

/// One node.
pub async fn node(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<Json<NodeView>, Failure> {
    params.only(&[])?;
    let name = NodeId::new(&name).map_err(|error| Failure::bad(error.to_string()))?;
    let found = app.look(&params, |look| {
        let found = node::node(look.id, look.pool, &name, &node::last_recoveries(look.pool));
        found.ok_or_else(|| {
            Failure::not_found(format!("no node `{name}` in pool `{}`; reprise nodes lists them", look.id))
        })
    });
    found.await.map(Json)
}

/// By name: `?limit=`, `?cursor=`.
pub async fn locks(State(app): State<App>, params: Params) -> Result<Json<Page<LockView>>, Failure> {
    params.only(&["limit", "cursor"])?;
    let limit = params.limit()?;
    let after = params.get::<LockId>("cursor")?.map_or(Bound::Unbounded, Bound::Excluded);
    let page = app.look(&params, |look| {
        let ids = look.pool.locks.range((after, Bound::Unbounded)).map(|(id, _)| id);
        let items = ids.take(limit + 1).filter_map(|id| lock::lock(look.pool, id, look.at)).collect();
        Ok(Page::cut(items, limit, look.at.position, |l: &LockView| l.lock.to_string()))
    });
    page.await.map(Json)
}

/// One lock.
pub async fn lock(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<Json<LockView>, Failure> {
    params.only(&[])?;
    let id = LockId::new(&name).map_err(|error| Failure::bad(error.to_string()))?;
    let found = app.look(&params, |look| {
        let found = lock::lock(look.pool, &id, look.at);
        found.ok_or_else(|| {
            Failure::not_found(format!("no lock `{id}` in pool `{}`; reprise locks lists them", look.id))
        })
    });
    found.await.map(Json)
}

/// Newest first: `?limit=`, `?cursor=`.
pub async fn recoveries(State(app): State<App>, params: Params) -> Result<Json<Page<RecoveryView>>, Failure> {
    params.only(&["limit", "cursor"])?;
    let limit = params.limit()?;
    let before = match params.text("cursor") {
        None => u32::MAX,
        Some(id) => number(id)?,
    };
    let page = app.look(&params, |look| {
        let older = look.pool.recoveries.range(..before).rev().map(|(number, _)| *number);
        let items = older.take(limit + 1).filter_map(|number| recovery::recovery(look.pool, number)).collect();
        Ok(Page::cut(items, limit, look.at.position, |r: &RecoveryView| r.recovery.clone()))
    });
    page.await.map(Json)
}

/// One recovery.
pub async fn recovery(
    State(app): State<App>,
    Names(id): Names<String>,
    params: Params,
) -> Result<Json<RecoveryView>, Failure> {
    params.only(&[])?;
    let number = number(&id)?;
    let found = app.look(&params, |look| {
        let found = recovery::recovery(look.pool, number);
        found.ok_or_else(|| Failure::not_found(format!("no recovery r-{number} in pool `{}`", look.id)))
    });
    found.await.map(Json)
}

fn number(id: &str) -> Result<u32, Failure> {
    recovery_number(id).ok_or_else(|| Failure::bad(format!("`{id:.64}` is no recovery: it looks like r-31")))
}
