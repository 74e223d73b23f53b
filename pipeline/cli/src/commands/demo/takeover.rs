//! The third fault where two engines share a log on Kafka: the one that leads is killed. The other one hears nothing of
//! it any more and takes over, and only then the first is started again, to follow.

use serde::Serialize;
use tokio::time::{Instant, sleep};

use super::cues::Stage;
use super::engines::Asked;
use super::faults::{self, ASK, EngineFault, READY, Then};
use super::world::World;
use crate::exit::Exit;
use crate::failure::Failure;

/// Who was killed, and who leads since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Takeover {
    /// The one that led.
    pub killed: &'static str,
    /// The one that leads since.
    pub by: &'static str,
}

/// Kills the engine that leads, and waits until the other one does, and the first is there again.
pub async fn kill_leader(stage: &Stage<'_>, world: &mut World) -> Result<EngineFault, Failure> {
    let (leader, other) = until_led(stage, world).await?;
    let (killed, by) = (leader.engine.name, other.engine.name);
    stage.engines.ask(other.engine);
    let ran_on = stage.running().await?;
    world.kill(killed)?;
    // Not before it has ended: whatever is decided after this moment is the other one's decision.
    let at = faults::now();
    stage.say(&format!("SIGKILL {killed}, which leads: it stays dead until {by} has taken over")).await;
    until_leads(other, world).await?;
    stage.say(&format!("{by} leads; {killed} is started again, to follow")).await;
    world.start_engine(leader.engine)?;
    faults::until_ready(&leader.api, world).await?;
    Ok(EngineFault { at, ran_on, then: Then::TakenOver(Takeover { killed, by }) })
}

/// Waits until it is clear who leads. It may just be changing: leaders come and go as engines join.
async fn until_led<'a>(stage: &Stage<'a>, world: &mut World) -> Result<(&'a Asked, &'a Asked), Failure> {
    let since = Instant::now();
    loop {
        world.check()?;
        if let Some(led) = stage.engines.led().await? {
            return Ok(led);
        }
        if READY < since.elapsed() {
            return Err(late("no engine led the pool"));
        }
        sleep(ASK).await;
    }
}

async fn until_leads(other: &Asked, world: &mut World) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        world.check()?;
        if other.leads().await? {
            return Ok(());
        }
        if READY < since.elapsed() {
            return Err(late(&format!("{} did not take over", other.engine.name)));
        }
        sleep(ASK).await;
    }
}

fn late(what: &str) -> Failure {
    Failure::new(Exit::Bug, format!("{what} within {} s", READY.as_secs()))
}
