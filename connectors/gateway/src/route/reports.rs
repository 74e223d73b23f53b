//! Reports of nodes: in the log when they are acknowledged. A beat is answered at once with what the node must know.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use model::command::Order;
use protocol::log::Topic;

use crate::app::{App, whole};
use crate::failure::Failure;
use crate::reports::{MAX_LINES, Sent, Taken, read};

/// Most lines of one request that are kept for people when they cannot be used.
const MAX_REJECTS: usize = 20;
/// Most bytes of one request.
const MAX_BODY: usize = 1024 * 1024;

/// A beat, or up to 1,000 reports, one JSON object a line.
pub async fn take(State(app): State<App>, body: Body) -> Result<Response, Failure> {
    let body = whole(body, "a request with reports", MAX_BODY).await?;
    match read(&body) {
        Sent::TooMany => Err(Failure::bad(format!("a request has at most {MAX_LINES} reports; send less at once"))),
        Sent::BadBeat(why) => Err(Failure::bad(format!("the beat cannot be used: {why}"))),
        Sent::Beat(beat) => {
            let renew = app.engine.beat(&beat).await?;
            failpoint::hit("gateway.beat.answered");
            Ok(Json(Order::Renew(renew)).into_response())
        }
        Sent::Reports(checked) => {
            let mut taken = 0;
            for (pool, reports) in checked.good {
                taken += reports.len();
                app.engine.report(&pool, reports).await?;
            }
            for bad in checked.bad.iter().take(MAX_REJECTS) {
                tracing::warn!("a report cannot be used: {}", bad.reason);
                app.engine.reject(Topic::Reports, &bad.text, &bad.reason).await?;
            }
            failpoint::hit("gateway.reports.stored");
            Ok(Json(Taken { taken, rejected: checked.bad }).into_response())
        }
    }
}
