//! Retry policies, by name or by name and version.

use axum::Json;
use axum::extract::State;

use crate::app::App;
use crate::failure::Failure;
use crate::params::{Names, Params};
use crate::view::policy::{PolicyView, policy};

/// One policy: the newest version, or the one that is named.
pub async fn one(
    State(app): State<App>,
    Names(name): Names<String>,
    params: Params,
) -> Result<Json<PolicyView>, Failure> {
    params.only(&[])?;
    let found = app.look(&params, |look| {
        let known = || look.pool.newest.values().map(|id| id.as_str()).collect::<Vec<_>>().join(", ");
        let missing =
            || Failure::not_found(format!("no policy `{name:.64}` in pool `{}`; known are: {}", look.id, known()));
        policy(look.pool, &name, look.at.position).ok_or_else(missing)
    });
    found.await.map(Json)
}
