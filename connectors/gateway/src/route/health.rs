//! Probes, and numbers for Prometheus.

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};

use crate::app::App;
use crate::failure::Failure;
use crate::stream::headers;
use engine::metrics::TablesFigures;
use engine::{Engine, Health, Trouble};

/// Whether the process is worth keeping: only an engine that has stopped in all partitions is not.
pub async fn alive(State(app): State<App>) -> Result<&'static str, Failure> {
    match app.engine.health().trouble {
        Some(Trouble::Stopped(why)) => Err(Failure::not_ready(why)),
        Some(Trouble::Disk(_) | Trouble::Doubt(_) | Trouble::Unread(_) | Trouble::Partial(_)) | None => Ok("alive\n"),
    }
}

/// Whether requests of every pool are answered now, whoever leads.
pub async fn ready(State(app): State<App>) -> Result<&'static str, Failure> {
    for (partition, health) in (0..).zip(app.engine.healths()) {
        takes(&app.engine, partition, &health)?;
    }
    Ok("ready\n")
}

fn takes(engine: &Engine, partition: u32, health: &Health) -> Result<(), Failure> {
    let of = |why: &str| match engine.partitions() {
        1 => why.to_owned(),
        _ => format!("partition {partition}: {why}"),
    };
    match &health.trouble {
        Some(Trouble::Disk(why)) => Err(Failure::full(of(why))),
        Some(Trouble::Stopped(why)) => Err(Failure::not_ready(of(why))),
        Some(Trouble::Doubt(_) | Trouble::Unread(_) | Trouble::Partial(_)) | None
            if engine.is_standby() && !health.led =>
        {
            Err(Failure::not_ready(engine.unled(partition, health)))
        }
        Some(Trouble::Doubt(why) | Trouble::Unread(why) | Trouble::Partial(why)) => Err(Failure::not_ready(of(why))),
        None if !health.led => Err(Failure::not_ready(of("the engine is reading its journal"))),
        None => Ok(()),
    }
}

/// Numbers.
pub async fn metrics(State(app): State<App>) -> ([(HeaderName, HeaderValue); 3], String) {
    let tables = app.tables.as_ref().map(|tables| {
        let standing = tables.standing();
        let (rows, waiting_bytes) = (standing.rows, standing.waiting_bytes);
        TablesFigures { rows, waiting_bytes, failing: standing.trouble.is_some() }
    });
    (headers("text/plain; version=0.0.4; charset=utf-8"), app.engine.metrics(tables))
}
