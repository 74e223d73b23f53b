//! The faults, in their order: an agent is killed, another one frozen and woken, the engine killed and restarted. Each
//! waits for its cue, and for the one before to be over.

use std::time::{Duration, SystemTime};

use gateway::Moment;
use gateway::view::{ExecutionView, NodeState};
use model::{Millis, Timestamp};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::cues::Stage;
use super::world::{ENGINE, World};
use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::resolve::execution_path;

/// The agent that is killed.
pub const KILLED: &str = "n2";
/// The agent that is frozen.
pub const FROZEN: &str = "n4";
/// How long it is frozen at least: four times the silence that makes a node lost.
pub const FREEZE: Duration = Duration::from_secs(12);
/// How much of the flow is done when an agent is killed, one is frozen, the engine is killed; in percent.
const CUES: [u64; 3] = [25, 45, 65];
/// How often an engine that starts is asked whether it is ready, and how long it may take.
const ASK: Duration = Duration::from_millis(20);
const READY: Duration = Duration::from_secs(60);

/// What the engine's row of the table needs.
#[derive(Debug, Clone, Copy)]
pub struct EngineFault {
    /// When it was killed.
    pub at: Timestamp,
    /// How long it took until it was ready again.
    pub back: Millis,
    /// How many attempts ran meanwhile.
    pub ran_on: u32,
}

/// Plays all faults, and waits for the end of the execution.
pub async fn play(mut stage: Stage<'_>, world: &mut World) -> Result<EngineFault, Failure> {
    stage.until_done(world, CUES[0]).await?;
    stage.until_busy(world, KILLED).await?;
    world.kill(KILLED)?;
    stage.say(&format!("SIGKILL {KILLED}: its agent is gone, without a word")).await;

    stage.until_done(world, CUES[1]).await?;
    stage.until_busy(world, FROZEN).await?;
    world.signal(FROZEN, Signal::SIGSTOP)?;
    let frozen = Instant::now();
    stage.say(&format!("SIGSTOP {FROZEN}: its agent is frozen, its tests go on")).await;
    stage.until_node(world, FROZEN, NodeState::Lost).await?;
    sleep(FREEZE.saturating_sub(frozen.elapsed())).await;
    world.signal(FROZEN, Signal::SIGCONT)?;
    stage.say(&format!("SIGCONT {FROZEN}: it wakes, and has late reports to send")).await;
    stage.until_node(world, FROZEN, NodeState::Ready).await?;

    stage.until_done(world, CUES[2]).await?;
    let fault = kill_engine(&stage, world).await?;
    stage.until_ended(world).await?;
    Ok(fault)
}

async fn kill_engine(stage: &Stage<'_>, world: &mut World) -> Result<EngineFault, Failure> {
    let view: ExecutionView = stage.api.read(&execution_path(stage.execution), &[]).await?;
    let (at, killed) = (Moment::from(SystemTime::now()).0, Instant::now());
    world.kill(ENGINE)?;
    stage.say("SIGKILL engine; and a new one is started on its journal").await;
    world.start_engine()?;
    until_ready(stage.api, world).await?;
    let back = Millis(u64::try_from(killed.elapsed().as_millis()).unwrap_or(u64::MAX));
    Ok(EngineFault { at, back, ran_on: view.tasks.running })
}

/// Waits until the engine is ready.
pub async fn until_ready(api: &Api, world: &mut World) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        world.check()?;
        match api.get("/readyz", &[]).await {
            Ok(_) => return Ok(()),
            Err(failure) if since.elapsed() > READY => {
                let limit = READY.as_secs();
                return Err(Failure::new(Exit::Bug, format!("the engine was not ready within {limit} s: {failure}")));
            }
            Err(_) => sleep(ASK).await,
        }
    }
}
