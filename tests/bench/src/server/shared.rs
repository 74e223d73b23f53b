//! The real thing on Kafka: engine, log, group and gateway, as `reprise up --kafka` puts them together.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::engine::Engine;
use kafka::{Election, KafkaLog};

use crate::Failure;
use crate::cluster::{Place, WINDOW};
use crate::server::behind_gateway;

/// Serves from a folder, under that folder's name in the group.
pub async fn serve(folder: &Path, place: &Place) -> Result<(), Failure> {
    let log = Arc::new(KafkaLog::open(&place.settings, place.partitions, kafka::Options::default())?);
    let mut options = ::engine::Options::new(folder.join("snapshots"));
    (options.partitions, options.standby, options.window) = (place.partitions, true, WINDOW);
    options.trims = false;
    let builtin = flow::policy::BUILTIN.iter().filter_map(|(name, _)| flow::policy::builtin(name));
    options.policies = builtin.map(Arc::new).collect();
    let engine = tokio::task::spawn_blocking(|| Engine::start(log, options)).await??;
    let replayed_from = engine.health().seq;
    let (leader, reader) = (engine.clone(), engine.clone());
    let lead = Box::new(move |partition| leader.lead(partition));
    let consumed =
        Box::new(move |partition| reader.read_in(partition, |replica| replica.consumed.reports).unwrap_or(0));
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let election = Election::join(&place.settings, &format!("reprise-{name}"), lead, consumed)?;
    let health = engine.ready(Duration::from_secs(120)).await;
    if !health.led {
        return Err(format!("nobody leads: {health:?}").into());
    }
    behind_gateway(&engine, folder, replayed_from).await?;
    drop(election);
    engine.stop();
    Ok(())
}
