//! Every route, in one table.

mod commands;
mod executions;
mod fleet;
mod health;
mod journal;
mod logs;
mod parked;
mod policies;
mod reports;
mod submit;
mod tables;
mod tasks;
mod verbs;

use axum::Router;
use axum::extract::Request;
use axum::http::Uri;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use crate::access::Peer;
use crate::app::App;
use crate::failure::Failure;

/// All routes, behind the door.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/v1/executions", get(executions::list).post(submit::submit))
        .route("/v1/executions/{execution}", get(executions::one))
        .route("/v1/executions/{execution}/tasks", get(tasks::list))
        .route("/v1/executions/{execution}/tasks/{task}", get(tasks::one))
        .route("/v1/executions/{execution}/pause", post(verbs::pause))
        .route("/v1/executions/{execution}/resume", post(verbs::resume))
        .route("/v1/executions/{execution}/cancel", post(verbs::cancel))
        .route("/v1/executions/{execution}/retry", post(verbs::retry))
        .route("/v1/tasks/{task}", get(tasks::newest))
        .route("/v1/parked", get(parked::list))
        .route("/v1/parked/{execution}/{task}/replay", post(parked::replay))
        .route("/v1/parked/{execution}/{task}/drop", post(parked::give_up))
        .route("/v1/pool", get(fleet::pool))
        .route("/v1/nodes", get(fleet::nodes))
        .route("/v1/nodes/{node}", get(fleet::node))
        .route("/v1/locks", get(fleet::locks))
        .route("/v1/locks/{lock}", get(fleet::lock))
        .route("/v1/recoveries", get(fleet::recoveries))
        .route("/v1/recoveries/{recovery}", get(fleet::recovery))
        .route("/v1/policies/{policy}", get(policies::one))
        .route("/v1/journal", get(journal::journal))
        .route("/v1/tables", get(tables::standing))
        .route("/v1/tables/{table}/live", get(tables::live))
        .route("/v1/output/{lease}", put(logs::keep))
        .route("/v1/output/{execution}/{attempt}", get(logs::show))
        .route("/v1/reports", post(reports::take))
        .route("/v1/commands", get(commands::follow))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(async |uri: Uri| Failure::no_route(uri.path()))
        .method_not_allowed_fallback(async || Failure::method())
        .layer(from_fn(door))
        .with_state(app)
}

/// Lets a request in, or answers why not.
async fn door(request: Request, next: Next) -> Response {
    let admitted = match request.extensions().get::<Peer>() {
        Some(peer) => peer.admit(request.uri(), request.headers()).map_err(Failure::from),
        None => Err(Failure::ours("a connection without a peer")),
    };
    match admitted {
        Ok(()) => next.run(request).await,
        Err(failure) => failure.into_response(),
    }
}
