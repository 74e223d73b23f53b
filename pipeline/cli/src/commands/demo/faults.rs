//! The faults, in their order: an agent is killed, another one frozen and woken, the engine killed and restarted, or,
//! where there are two, the one that leads killed and [taken over](takeover) from. Each waits for its cue, and for the
//! one before to be over.

use std::time::{Duration, SystemTime};

use gateway::Moment;
use gateway::view::NodeState;
use model::{Millis, Timestamp};
use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep};

use super::cues::Stage;
use super::takeover::{self, Takeover};
use super::world::{Engine, World};
use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;

/// The agent that is killed.
pub const KILLED: &str = "n2";
/// The agent that is frozen.
pub const FROZEN: &str = "n4";
/// How long it is frozen at least: four times the silence that makes a node lost.
pub const FREEZE: Duration = Duration::from_secs(12);
/// How much of the flow is done when an agent is killed, one is frozen, the engine is killed; in percent.
const CUES: [u64; 3] = [25, 45, 65];
/// How often an engine is asked whether it has come so far, and how long it may take.
pub const ASK: Duration = Duration::from_millis(20);
pub const READY: Duration = Duration::from_secs(60);

/// What the engine's row of the table needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineFault {
    /// When it was killed.
    pub at: Timestamp,
    /// How many attempts ran meanwhile.
    pub ran_on: u32,
    /// How it went on.
    pub then: Then,
}

/// How it went on when an engine was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It was started again, and took so long until it was ready.
    Restarted(Millis),
    /// It led, and another one took over.
    TakenOver(Takeover),
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
    let fault = match world.engines.as_slice() {
        [alone] => kill_engine(&stage, world, *alone).await?,
        _ => takeover::kill_leader(&stage, world).await?,
    };
    stage.until_ended(world).await?;
    Ok(fault)
}

async fn kill_engine(stage: &Stage<'_>, world: &mut World, engine: Engine) -> Result<EngineFault, Failure> {
    let ran_on = stage.running().await?;
    let (at, killed) = (now(), Instant::now());
    world.kill(engine.name)?;
    stage.say("SIGKILL engine; and a new one is started on its journal").await;
    world.start_engine(engine)?;
    until_ready(stage.engines.api(), world).await?;
    let back = Millis(u64::try_from(killed.elapsed().as_millis()).unwrap_or(u64::MAX));
    Ok(EngineFault { at, ran_on, then: Then::Restarted(back) })
}

/// The time as journals write it.
pub fn now() -> Timestamp {
    Moment::from(SystemTime::now()).0
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
