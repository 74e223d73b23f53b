//! The real thing: engine, embedded log and gateway, as `reprise up` puts them together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::engine::Engine;
use embedded::EmbeddedLog;

use crate::Failure;
use crate::server::behind_gateway;

/// Serves from a folder, with a snapshot after so many entries.
pub async fn serve(folder: &Path, entries: u64) -> Result<(), Failure> {
    let log = Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default())?);
    let mut options = ::engine::Options::new(folder.join("snapshots"));
    options.snapshot_entries = entries;
    for name in ["default", "none"] {
        options.policies.push(Arc::new(flow::policy::builtin(name).ok_or("a built-in policy is missing")?));
    }
    let engine = Engine::start(log, options)?;
    let replayed_from = engine.health().seq;
    let health = engine.ready(Duration::from_secs(120)).await;
    if !health.leading {
        return Err(format!("the engine does not lead: {health:?}").into());
    }
    behind_gateway(&engine, folder, replayed_from).await?;
    engine.stop();
    Ok(())
}
