//! Locks: who holds them, and who waits in which order.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use model::event::{TaskRef, attempt_name};
use model::{LeaseId, LockId, NodeId};
use operators::state::{Lock, Phase, Pool};
use serde::{Deserialize, Serialize};

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

/// Who waits for which lock, the next one first, with the priority that its queue goes by.
pub type Waiting = BTreeMap<LockId, Vec<(Reverse<model::Priority>, u64, Reverse<model::Millis>, TaskRef)>>;

/// Ready tasks by the locks that they need: one look at each task of the executions that have some.
pub fn waiting(pool: &Pool) -> Waiting {
    let mut waiting = Waiting::new();
    for (number, execution) in pool.executions.iter().filter(|(_, e)| e.counts.ready > 0) {
        for (task, index) in execution.tasks.iter().zip(0..) {
            let Phase::Ready { rank, .. } = task.phase else { continue };
            let at = TaskRef { execution: *number, task: index };
            for lock in task.needs().locks.keys() {
                let place = (Reverse(execution.level(index)), execution.turn, Reverse(rank), at);
                waiting.entry(lock.clone()).or_default().push(place);
            }
        }
    }
    waiting.values_mut().for_each(|places| places.sort_unstable());
    waiting
}

/// One lock.
pub fn lock(pool: &Pool, id: &LockId, waiting: &Waiting) -> Option<LockView> {
    let lock = pool.locks.get(id)?;
    let places = waiting.get(id).map(Vec::as_slice).unwrap_or_default();
    Some(LockView {
        lock: id.clone(),
        size: lock.size,
        held: lock.held.values().sum(),
        holders: holders(pool, lock),
        waiters: places.iter().take(MAX_NAMED).filter_map(|(.., at)| task_name(pool, *at)).collect(),
        waiting: u32::try_from(places.len()).unwrap_or(u32::MAX),
    })
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
        let view = lock(pool, &id, &waiting(pool)).unwrap();
        assert_eq!((view.size, view.held, view.waiting), (1, 1, 3));
        assert_eq!(view.waiters, ["web-1/c", "web-1/a", "web-1/b"]);
        assert_eq!((view.holders[0].attempt.as_str(), view.holders[0].permits), ("web-1/d@1", 1));
        assert_eq!(lock(pool, &"none".parse().unwrap(), &waiting(pool)), None);
    }
}
