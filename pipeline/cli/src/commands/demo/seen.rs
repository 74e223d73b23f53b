//! What is seen at the end: the execution, its journal, the recoveries, and the ledger that its tasks kept.

use std::collections::BTreeSet;

use gateway::view::{ExecutionView, JournalLine, RecoveryView, TaskItem, TaskWord};

use super::engines::Engines;
use super::flow;
use super::verdict::Ledger;
use super::world::World;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::resolve::execution_path;
use crate::words::some_of;

/// Most tasks that are named.
const NAMED: usize = 10;

/// What is there to be judged and told.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The execution as it ended.
    pub view: ExecutionView,
    /// The whole journal.
    pub journal: Vec<JournalLine>,
    /// The losses of nodes.
    pub recoveries: Vec<RecoveryView>,
    /// What tasks signed.
    pub ledger: Ledger,
    /// The tasks that failed.
    pub failed: BTreeSet<String>,
}

impl Seen {
    /// Asks for all of it.
    pub async fn read(world: &World, engines: &Engines, view: ExecutionView) -> Result<Self, Failure> {
        let path = format!("{}/tasks", execution_path(&view.execution));
        let failed: Vec<TaskItem> = engines.list(&path, &[("state", TaskWord::Failed.word())]).await?;
        Ok(Self {
            view,
            journal: engines.list("/v1/journal", &[]).await?,
            recoveries: engines.list("/v1/recoveries", &[]).await?,
            ledger: world.ledger()?,
            failed: failed.iter().map(|item| item.task.to_string()).collect(),
        })
    }

    /// Whether those failed that should, and only what depends on them was skipped.
    pub fn is_as_planned(&self) -> bool {
        let counts = &self.view.tasks;
        self.failed == BTreeSet::from(flow::FAIL.map(str::to_owned))
            && counts.skipped == flow::SKIPPED
            && counts.parked + counts.cancelled == 0
    }

    /// Nothing was lost; it may yet have ended otherwise than planned.
    pub fn check_plan(&self) -> Result<(), Failure> {
        if self.is_as_planned() {
            return Ok(());
        }
        let failed: Vec<String> = self.failed.iter().cloned().collect();
        let words = format!(
            "every task has its result, but {} were to fail and {} to be skipped; {} were skipped, and these failed: {}",
            flow::FAIL.join(", "),
            flow::SKIPPED,
            self.view.tasks.skipped,
            some_of(&failed, NAMED)
        );
        Err(Failure::new(Exit::Bug, words))
    }
}
