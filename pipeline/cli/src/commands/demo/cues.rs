//! Cues: what each fault waits for. Never the clock: so much of the flow is done, a node is busy, lost or back.

use std::time::Duration;

use gateway::view::{ExecutionView, NodeState, NodeView, TaskItem, TaskWord};
use model::ExecutionId;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};

use super::engines::Engines;
use super::report::clock;
use super::world::World;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::bar;
use crate::resolve::execution_path;

/// How often something is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How many attempts of a busy node have got somewhere, so that there is something to save.
const BUSY: usize = 2;

/// Where the faults are played.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The engines.
    pub engines: &'a Engines,
    /// The execution.
    pub execution: &'a ExecutionId,
    /// How it stands, as it changes.
    pub views: watch::Receiver<Option<ExecutionView>>,
    /// What there is to say.
    pub notes: mpsc::Sender<String>,
    /// When all began.
    pub began: Instant,
}

impl Stage<'_> {
    /// Says what was done.
    pub async fn say(&self, words: &str) {
        // Whoever would show it has failed already, and says so.
        _ = self.notes.send(format!("{} {words}", clock(self.began.elapsed()))).await;
    }

    /// How many attempts run.
    pub async fn running(&self) -> Result<u32, Failure> {
        let view: ExecutionView = self.engines.read(&execution_path(self.execution)).await?;
        Ok(view.tasks.running)
    }

    /// Waits until so much is done, in percent.
    pub async fn until_done(&mut self, world: &mut World, percent: u64) -> Result<(), Failure> {
        let done = |view: &ExecutionView| {
            let (over, total) = bar::done(view);
            view.ended.is_none() && over * 100 >= total * percent
        };
        self.until(world, &format!("{percent} % of it was seen done"), done).await
    }

    /// Waits until the execution is over.
    pub async fn until_ended(&mut self, world: &mut World) -> Result<(), Failure> {
        self.until(world, "it was seen ended", |view| view.ended.is_some()).await
    }

    /// Waits until some attempts of a node have got somewhere.
    pub async fn until_busy(&mut self, world: &mut World, node: &str) -> Result<(), Failure> {
        let path = format!("{}/tasks", execution_path(self.execution));
        loop {
            world.check()?;
            let running: Vec<TaskItem> = self.engines.list(&path, &[("state", TaskWord::Running.word())]).await?;
            let there = running.iter().filter(|item| item.node.as_ref().is_some_and(|of| of.as_str() == node));
            if there.filter(|item| item.fraction.is_some_and(|fraction| fraction > 0.0)).count() >= BUSY {
                return Ok(());
            }
            self.not_over(&format!("{node} was busy"))?;
            sleep(LOOK).await;
        }
    }

    /// Waits until a node is lost, or back.
    pub async fn until_node(&mut self, world: &mut World, node: &str, state: NodeState) -> Result<(), Failure> {
        loop {
            world.check()?;
            let view: NodeView = self.engines.read(&format!("/v1/nodes/{node}")).await?;
            if view.state == state {
                return Ok(());
            }
            self.not_over(&format!("{node} was {}", state.word()))?;
            sleep(LOOK).await;
        }
    }

    async fn until(
        &mut self,
        world: &mut World,
        what: &str,
        holds: impl Fn(&ExecutionView) -> bool,
    ) -> Result<(), Failure> {
        loop {
            world.check()?;
            if self.views.borrow_and_update().as_ref().is_some_and(&holds) {
                return Ok(());
            }
            self.not_over(what)?;
            // Looked at again in any case, for a process may have ended.
            _ = timeout(LOOK, self.views.changed()).await;
        }
    }

    /// Fails if the execution has ended before a cue.
    fn not_over(&self, what: &str) -> Result<(), Failure> {
        match self.views.borrow().as_ref() {
            Some(view) if view.ended.is_some() => {
                Err(Failure::new(Exit::Bug, format!("{} had ended before {what}", view.execution)))
            }
            Some(_) | None => Ok(()),
        }
    }
}
