//! The journal, an event a line, with the names of executions and tasks where they are still known.

use model::about::about;
use model::record::Entry;
use model::{Body, By, Event, ExecutionId, NodeId, PoolId, TaskId};
use operators::state::Pool;
use serde::{Deserialize, Serialize};

use crate::Moment;

/// One event of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalLine {
    /// The entry's position.
    pub position: u64,
    /// Its place in the entry.
    pub index: u32,
    /// When it was decided, by the engine's clock.
    pub at: Moment,
    /// The pool.
    pub pool: PoolId,
    /// The word of its kind.
    pub kind: String,
    /// Whose doing it is.
    pub by: By,
    /// The execution that it is about, by name; absent if it left the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution: Option<ExecutionId>,
    /// The task that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The attempt that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The node that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// A failure of that task does not fail its execution.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// The event as the journal has it.
    pub event: Body,
}

/// Which lines are wanted: each that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Events about this execution.
    pub execution: Option<ExecutionId>,
    /// Events about this task.
    pub task: Option<TaskId>,
    /// Events about this node, or by it.
    pub node: Option<NodeId>,
    /// Events of this kind.
    pub kind: Option<String>,
}

/// The wanted lines of an entry, of one pool.
pub fn lines(id: &PoolId, pool: &Pool, position: u64, entry: &Entry, wanted: &Wanted) -> Vec<JournalLine> {
    let of_pool = entry.events.iter().zip(0..).filter(|(event, _)| event.pool == *id);
    let lines = of_pool.map(|(event, index)| line(pool, (position, index), entry, event));
    lines.filter(|line| wanted.takes(line)).collect()
}

fn line(pool: &Pool, (position, index): (u64, u32), entry: &Entry, event: &Event) -> JournalLine {
    let about = about(&event.event);
    JournalLine {
        position,
        index,
        at: Moment(entry.now),
        pool: event.pool.clone(),
        kind: event.event.word().to_owned(),
        by: event.by.clone(),
        execution: about.execution.and_then(|number| pool.execution(number)).map(|e| e.id.clone()),
        task: about.task.and_then(|at| pool.task(at)).map(|t| t.spec.id.clone()),
        attempt: about.attempt,
        allow_failure: about.task.and_then(|at| pool.task(at)).is_some_and(|t| t.spec.allow_failure),
        node: about.node.or(by_node(&event.by)).cloned(),
        event: event.event.clone(),
    }
}

fn by_node(by: &By) -> Option<&NodeId> {
    match by {
        By::Node { node, .. } => Some(node),
        By::Engine | By::Person { .. } => None,
    }
}

impl Wanted {
    fn takes(&self, line: &JournalLine) -> bool {
        let among = |want: &Option<String>, is: &str| want.as_ref().is_none_or(|want| want == is);
        among(&self.kind, &line.kind)
            && (self.execution.is_none() || self.execution == line.execution)
            && (self.task.is_none() || self.task == line.task)
            && (self.node.is_none() || self.node == line.node)
    }
}
