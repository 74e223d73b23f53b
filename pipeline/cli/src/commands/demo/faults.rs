//! The faults, in their order: an agent is killed, another one frozen and woken, the engine killed and restarted. Each
//! comes when so much of the flow is done and the one before is over, never by the clock.

use std::time::{Duration, SystemTime};

use gateway::Moment;
use gateway::view::{ExecutionView, NodeState, NodeView};
use model::{Millis, Timestamp};
use nix::sys::signal::Signal;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::report::clock;
use super::world::{ENGINE, World};
use crate::api::Api;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::bar;
use crate::words::counted;

/// The agent that is killed, and how much is done by then, in percent.
pub const KILLED: (&str, u64) = ("n2", 25);
/// The agent that is frozen, and how much is done by then.
pub const FROZEN: (&str, u64) = ("n4", 45);
/// How long it is frozen at least: four times the silence that makes a node lost.
pub const FREEZE: Duration = Duration::from_secs(12);
/// How much is done when the engine is killed.
const ENGINE_AT: u64 = 65;
/// How often something is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How often an engine that starts is asked whether it is ready, and how long it may take.
const ASK: Duration = Duration::from_millis(20);
const READY: Duration = Duration::from_secs(60);

/// Where the faults are played.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The engine.
    pub api: &'a Api,
    /// How it stands, as it changes.
    pub views: watch::Receiver<Option<ExecutionView>>,
    /// What there is to say.
    pub notes: mpsc::Sender<String>,
    /// When all began.
    pub began: Instant,
}

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
    stage.until_percent(world, KILLED).await?;
    world.kill(KILLED.0)?;
    stage.say(&format!("SIGKILL {}: its agent is gone, without a word", KILLED.0)).await;

    stage.until_percent(world, FROZEN).await?;
    world.signal(FROZEN.0, Signal::SIGSTOP)?;
    let frozen = Instant::now();
    stage.say(&format!("SIGSTOP {}: its agent is frozen, its tests go on", FROZEN.0)).await;
    stage.until_node(world, FROZEN.0, NodeState::Lost).await?;
    sleep(FREEZE.saturating_sub(frozen.elapsed())).await;
    world.signal(FROZEN.0, Signal::SIGCONT)?;
    stage.say(&format!("SIGCONT {}: it wakes, and has late reports to send", FROZEN.0)).await;
    stage.until_node(world, FROZEN.0, NodeState::Ready).await?;

    let view = stage.until_percent(world, (ENGINE, ENGINE_AT)).await?;
    let (at, killed) = (Moment::from(SystemTime::now()).0, Instant::now());
    world.kill(ENGINE)?;
    stage.say("SIGKILL engine; and a new one is started on its journal").await;
    world.start_engine()?;
    until_ready(stage.api, world).await?;
    let back = Millis(u64::try_from(killed.elapsed().as_millis()).unwrap_or(u64::MAX));
    stage.until(world, "the end", |view| view.ended.is_some()).await?;
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
                let limit = counted(READY.as_secs(), "second");
                return Err(Failure::new(Exit::Bug, format!("the engine was not ready within {limit}: {failure}")));
            }
            Err(_) => sleep(ASK).await,
        }
    }
}

impl Stage<'_> {
    async fn say(&self, words: &str) {
        // Whoever would show it has failed already, and says so.
        _ = self.notes.send(format!("{} {words}", clock(self.began.elapsed()))).await;
    }

    async fn until_percent(
        &mut self,
        world: &mut World,
        (whom, percent): (&str, u64),
    ) -> Result<ExecutionView, Failure> {
        let done = |view: &ExecutionView| {
            let (over, total) = bar::done(view);
            over * 100 >= total * percent
        };
        let view = self.until(world, &format!("the fault of {whom}"), done).await?;
        match view.ended {
            None => Ok(view),
            Some(_) => Err(Failure::new(Exit::Bug, format!("the flow had ended before the fault of {whom}"))),
        }
    }

    async fn until(
        &mut self,
        world: &mut World,
        what: &str,
        holds: impl Fn(&ExecutionView) -> bool,
    ) -> Result<ExecutionView, Failure> {
        loop {
            world.check()?;
            let view = self.views.borrow_and_update().clone();
            match view {
                Some(view) if holds(&view) => return Ok(view),
                Some(view) if view.ended.is_some() => {
                    return Err(Failure::new(Exit::Bug, format!("the flow had ended before {what}")));
                }
                Some(_) | None => _ = timeout(LOOK, self.views.changed()).await,
            }
        }
    }

    async fn until_node(&mut self, world: &mut World, node: &str, state: NodeState) -> Result<(), Failure> {
        loop {
            world.check()?;
            let view: NodeView = self.api.read(&format!("/v1/nodes/{node}"), &[]).await?;
            if view.state == state {
                return Ok(());
            }
            sleep(LOOK).await;
        }
    }
}
