//! What people do to an execution. Each is a request of the log: its answer comes when it is decided.

use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use model::request::{Ask, RetryScope};
use serde::de::DeserializeOwned;

use crate::access::Peer;
use crate::app::{App, whole};
use crate::asking::Asker;
use crate::failure::Failure;
use crate::params::{Idempotency, Names, Params, execution};
use crate::view::submitted::{Done, Retry, Verb};

/// Most bytes of a verb's body.
const MAX_BODY: usize = 64 * 1024;

type Answered = Result<Json<Done>, Failure>;

/// No new dispatches.
pub async fn pause(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names(name): Names<String>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Answered {
    let execution = execution(&name)?;
    let verb: Verb = read(body).await?;
    ask(&app, asker(&params, key, &peer, verb.reason)?, Ask::Pause { execution }).await
}

/// Go on.
pub async fn resume(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names(name): Names<String>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Answered {
    let execution = execution(&name)?;
    let verb: Verb = read(body).await?;
    ask(&app, asker(&params, key, &peer, verb.reason)?, Ask::Resume { execution }).await
}

/// End it.
pub async fn cancel(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names(name): Names<String>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Answered {
    let execution = execution(&name)?;
    let Verb { reason, kill } = read(body).await?;
    ask(&app, asker(&params, key, &peer, reason)?, Ask::Cancel { execution, kill }).await
}

/// Open its next round.
pub async fn retry(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    Names(name): Names<String>,
    params: Params,
    key: Idempotency,
    body: Body,
) -> Answered {
    let execution = execution(&name)?;
    let Retry { reason, from, drop_checkpoints } = read(body).await?;
    let scope = from.map_or(RetryScope::Failed, RetryScope::From);
    ask(&app, asker(&params, key, &peer, reason)?, Ask::Retry { execution, scope, drop_checkpoints }).await
}

/// Who asks, by a verb's parameters.
pub fn asker(params: &Params, key: Idempotency, peer: &Peer, reason: String) -> Result<Asker, Failure> {
    params.only(&[])?;
    Asker::new(params.pool()?, key.0, peer, reason)
}

/// Asks and tells how the execution stands then.
pub async fn ask(app: &App, asker: Asker, ask: Ask) -> Answered {
    let answered = asker.ask(app, ask).await?;
    let (execution, position) = answered.ok_or_else(|| Failure::ours("a verb was not answered"))?;
    Ok(Json(Done { execution: execution.and_then(|id| asker.view(app, &id)), position }))
}

/// The body of a verb; an empty one says nothing.
pub async fn read<T: DeserializeOwned + Default>(body: Body) -> Result<T, Failure> {
    let body = whole(body, "the body of a verb", MAX_BODY).await?;
    if body.trim_ascii().is_empty() {
        return Ok(T::default());
    }
    serde_json::from_slice(&body).map_err(|error| Failure::bad(format!("the body cannot be read: {error}")))
}
