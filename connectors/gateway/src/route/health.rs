//! Probes, and numbers for Prometheus.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};

use crate::app::App;
use crate::failure::Failure;
use crate::stream::headers;
use engine::Trouble;

/// Whether the process is worth keeping: only a stopped engine is not.
pub async fn alive(State(app): State<App>) -> Result<&'static str, Failure> {
    match app.engine.health().trouble {
        Some(Trouble::Stopped(why)) => Err(Failure::not_ready(why)),
        Some(Trouble::Disk(_) | Trouble::Doubt(_) | Trouble::Unread(_)) | None => Ok("alive\n"),
    }
}

/// Whether requests are answered now.
pub async fn ready(State(app): State<App>) -> Result<&'static str, Failure> {
    let health = app.engine.health();
    match health.trouble {
        Some(Trouble::Disk(why)) => Err(Failure::full(why)),
        Some(Trouble::Doubt(why) | Trouble::Unread(why) | Trouble::Stopped(why)) => Err(Failure::not_ready(why)),
        None if !health.leading => Err(Failure::not_ready("the engine is reading its journal")),
        None => Ok("ready\n"),
    }
}

/// Numbers.
pub async fn metrics(State(app): State<App>) -> ([(HeaderName, HeaderValue); 3], String) {
    (headers("text/plain; version=0.0.4; charset=utf-8"), app.engine.metrics())
}
