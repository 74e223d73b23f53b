//! The stage: engines and agents come together, the flow is submitted, and shown to its end while the faults are played.

use std::time::Duration;

use bytes::Bytes;
use gateway::view::{ExecutionView, NodeState, NodeView, Submitted};
use model::ExecutionId;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::cues::Stage;
use super::engines::Engines;
use super::faults::{self, EngineFault};
use super::world::{Way, World};
use crate::api::{Api, fresh_key};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, Live};

/// The nodes, their zones, and how they speak where there is Kafka; where not, all speak to the one engine.
const NODES: [(&str, &str, Way); 5] = [
    ("n1", "a", Way::Kafka),
    ("n2", "a", Way::Kafka),
    ("n3", "b", Way::Http(0)),
    ("n4", "b", Way::Kafka),
    ("n5", "a", Way::Http(1)),
];
/// How often the screen is drawn.
const EACH: Duration = Duration::from_millis(500);
/// How often nodes are looked for that join.
const LOOK: Duration = Duration::from_millis(100);
/// How long nodes may take to join, and the engine may be away.
const AWAY: Duration = Duration::from_secs(60);

/// Starts engines and agents, and waits until all nodes are there.
pub async fn gather(world: &mut World, engines: &Engines) -> Result<(), Failure> {
    for engine in world.engines.clone() {
        world.start_engine(engine)?;
    }
    for asked in engines.all() {
        faults::until_ready(&asked.api, world).await?;
    }
    for (node, zone, way) in NODES {
        world.start_agent(node, zone, if world.topics.is_some() { way } else { Way::Http(0) })?;
    }
    let since = Instant::now();
    loop {
        world.check()?;
        let nodes: Vec<NodeView> = engines.list("/v1/nodes", &[]).await?;
        let ready = nodes.iter().filter(|node| node.state == NodeState::Ready).count();
        if ready == NODES.len() {
            return Ok(());
        }
        if since.elapsed() > AWAY {
            return Err(Failure::new(Exit::Bug, format!("only {ready} of {} nodes came", NODES.len())));
        }
        sleep(LOOK).await;
    }
}

/// Submits the flow, as `reprise run` does.
pub async fn submit(api: &Api, flow: &Value) -> Result<ExecutionId, Failure> {
    let (key, flow) = (fresh_key()?, Bytes::from(flow.to_string()));
    let answer = api.post("/v1/executions", &[], key.as_str(), ("application/json", flow)).await?;
    let submitted: Submitted =
        serde_json::from_slice(&answer).map_err(|error| Failure::unreadable("the submission", &error))?;
    Ok(submitted.execution.execution)
}

/// Shows the execution to its end while the faults are played.
pub async fn play(
    world: &mut World,
    engines: &Engines,
    (execution, began): (&ExecutionId, Instant),
    live: &mut Live,
) -> Result<(ExecutionView, EngineFault), Failure> {
    let (show, views) = watch::channel(None);
    let (notes, said) = mpsc::channel(8);
    let stage = Stage { engines, execution, views, notes, began };
    tokio::try_join!(shown(engines, execution, live, show, said), faults::play(stage, world))
}

async fn shown(
    engines: &Engines,
    execution: &ExecutionId,
    live: &mut Live,
    show: watch::Sender<Option<ExecutionView>>,
    mut said: mpsc::Receiver<String>,
) -> Result<ExecutionView, Failure> {
    let mut heard = Instant::now();
    let mut tick = interval(EACH);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(note) = said.recv() => live.note(&note),
            _ = tick.tick() => match follow::look(engines.api(), execution, live).await {
                Ok(view) => {
                    heard = Instant::now();
                    show.send_replace(Some(view.clone()));
                    if view.ended.is_some() {
                        return Ok(view);
                    }
                }
                Err(failure) if failure.exit == Exit::NoEngine && heard.elapsed() < AWAY => {}
                Err(failure) => return Err(failure),
            },
        }
    }
}
