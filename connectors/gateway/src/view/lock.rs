//! Locks: who holds them, and who waits in which order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use model::event::{TaskRef, attempt_name};
use model::{LeaseId, LockId, NodeId};
use operators::state::queue::{Head, Queue};
use operators::state::{Lock, Pool};
use serde::{Deserialize, Serialize};

use super::at::At;
use crate::Moment;

/// Most holders and most waiters that are named of one lock.
const MAX_NAMED: usize = 100;

/// A lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LockView {
    /// Its name.
    pub lock: LockId,
    /// How many permits there are; 1 is a mutex.
    pub size: u32,
    /// How many of them are held.
    pub held: u32,
    /// Who holds them; the first 100.
    pub holders: Vec<Holder>,
    /// Ready tasks that need it, the next one first, as `EXECUTION/TASK`; the first 100.
    pub waiters: Vec<String>,
    /// How many there are.
    pub waiting: u32,
    /// While the journal is new: when permits are first granted.
    #[serde(default)]
    pub granted_from: Option<Moment>,
}

/// Who holds permits of a lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// `EXECUTION/TASK@ATTEMPT`; empty if it is not known any more.
    pub attempt: String,
    /// Its lease.
    pub lease: LeaseId,
    /// Its node.
    pub node: Option<NodeId>,
    /// How many permits.
    pub permits: u32,
}

/// One lock.
pub fn lock(pool: &Pool, id: &LockId, at: At) -> Option<LockView> {
    let lock = pool.locks.get(id)?;
    let (waiters, waiting) = waiters(pool, id);
    Some(LockView {
        lock: id.clone(),
        size: lock.size,
        held: lock.held.values().sum(),
        holders: holders(pool, lock),
        waiters,
        waiting,
        granted_from: at.locks_from,
    })
}

/// Ready tasks that need a lock: the first 100 by name, and how many there are. Costs as much as executions have some,
/// not as many as wait.
fn waiters(pool: &Pool, id: &LockId) -> (Vec<String>, u32) {
    let queues = pool.queues.of_lock(id).filter_map(|queue| pool.queues.get(queue));
    let mut executions: Vec<_> = queues.flat_map(Queue::waiting).collect();
    let waiting: usize = executions.iter().map(ExactSizeIterator::len).sum();
    let next = |(from, of): (usize, &mut _)| Some(Reverse((Iterator::next(of)?, from)));
    let mut heads: BinaryHeap<Reverse<(Head, usize)>> = executions.iter_mut().enumerate().filter_map(next).collect();
    let mut names = Vec::new();
    while names.len() < MAX_NAMED
        && let Some(Reverse((Head { execution, task, .. }, from))) = heads.pop()
    {
        names.extend(task_name(pool, TaskRef { execution, task }));
        heads.extend(executions[from].next().map(|head| Reverse((head, from))));
    }
    (names, u32::try_from(waiting).unwrap_or(u32::MAX))
}

/// Who holds a lock; the first 100.
pub fn holders(pool: &Pool, lock: &Lock) -> Vec<Holder> {
    let holder = |(lease, permits): (&LeaseId, &u32)| {
        let at = pool.leases.get(lease).copied();
        let node = at.and_then(|at| pool.task(at)?.attempt()).map(|a| a.node.clone());
        Holder {
            attempt: at.and_then(|at| running(pool, at)).unwrap_or_default(),
            lease: *lease,
            node,
            permits: *permits,
        }
    };
    lock.held.iter().take(MAX_NAMED).map(holder).collect()
}

/// The name of a task's last attempt.
pub fn running(pool: &Pool, at: TaskRef) -> Option<String> {
    let task = pool.task(at)?;
    Some(attempt_name(&pool.execution(at.execution)?.id, &task.spec.id, task.attempts))
}

/// `EXECUTION/TASK`.
pub fn task_name(pool: &Pool, at: TaskRef) -> Option<String> {
    Some(format!("{}/{}", pool.execution(at.execution)?.id, pool.task(at)?.spec.id))
}

#[cfg(test)]
mod tests {
    use model::Priority;

    use super::*;
    use crate::view::example::{World, task};

    #[test]
    fn waiters_stand_in_the_order_in_which_they_come_next() {
        let levels = [Priority::Medium, Priority::Low, Priority::High, Priority::Medium];
        let tasks = ["a", "b", "c", "d"].into_iter().zip(levels).map(|(id, level)| task(id, &["db"], level)).collect();
        let mut world = World::new(tasks, &[]);
        world.joins("n1", 4);
        (0..4).for_each(|index| world.ready(index));
        world.runs(3, "n1");
        let pool = world.pool();
        let id = "db".parse().unwrap();
        let view = lock(pool, &id, At::default()).unwrap();
        assert_eq!((view.size, view.held, view.waiting), (1, 1, 3));
        assert_eq!(view.waiters, ["web-1/c", "web-1/a", "web-1/b"]);
        assert_eq!((view.holders[0].attempt.as_str(), view.holders[0].permits), ("web-1/d@1", 1));
        assert_eq!(lock(pool, &"none".parse().unwrap(), At::default()), None);
    }
}
