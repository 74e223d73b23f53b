//! Ready tasks, in an ordered queue per signature of needs: a task that cannot run never hides one that can.
//!
//! A queue knows which nodes could ever run its tasks; a node knows its queues. So a freed slot leads to the queues
//! that may use it, whatever else waits. The whole is an index: it is rebuilt from the tasks.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use model::task::Needs;
use model::{LockId, Millis, NodeId, Priority};

use super::node::Node;

/// Empty queues that are kept for the next task with those needs.
const MAX_EMPTY: usize = 1_024;

/// All queues of a pool.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queues {
    queues: BTreeMap<u32, Queue>,
    by_needs: BTreeMap<Needs, u32>,
    by_node: BTreeMap<NodeId, BTreeSet<u32>>,
    by_lock: BTreeMap<LockId, BTreeSet<u32>>,
    empty: usize,
    next: u32,
}

/// Ready tasks of one signature of needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Queue {
    /// What they need.
    pub needs: Needs,
    /// Nodes whose labels and size fit.
    pub nodes: BTreeSet<NodeId>,
    /// Executions that may be dispatched from, in the order of their turns.
    order: BTreeSet<(Reverse<Priority>, u64, u32)>,
    /// The tasks of each, the longest remaining path first.
    buckets: BTreeMap<(Reverse<Priority>, u32), Bucket>,
    len: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Bucket {
    turn: u64,
    shown: bool,
    tasks: BTreeSet<(Reverse<Millis>, u32)>,
}

/// The task that a queue would run next. Heads are ordered: the least is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Head {
    /// Its level.
    pub level: Reverse<Priority>,
    /// Its execution's turn.
    pub turn: u64,
    /// Its longest remaining path.
    pub rank: Reverse<Millis>,
    /// Its execution.
    pub execution: u32,
    /// Its index.
    pub task: u32,
}

impl Queues {
    /// The queue of some needs, made if it does not exist.
    pub fn queue_for(&mut self, needs: &Needs, nodes: &BTreeMap<NodeId, Node>) -> u32 {
        if let Some(id) = self.by_needs.get(needs) {
            return *id;
        }
        self.next += 1;
        let id = self.next;
        let fitting: BTreeSet<NodeId> =
            nodes.iter().filter(|(_, n)| fits(needs, n)).map(|(name, _)| name.clone()).collect();
        for name in &fitting {
            self.by_node.entry(name.clone()).or_default().insert(id);
        }
        for lock in needs.locks.keys() {
            self.by_lock.entry(lock.clone()).or_default().insert(id);
        }
        self.by_needs.insert(needs.clone(), id);
        self.queues.insert(id, Queue { needs: needs.clone(), nodes: fitting, ..Queue::default() });
        self.empty += 1;
        id
    }

    /// Adds a ready task. `shown`: its execution may be dispatched from.
    pub fn add(&mut self, id: u32, level: Priority, turn: u64, shown: bool, rank: Millis, at: (u32, u32)) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let key = (Reverse(level), at.0);
        let bucket = queue.buckets.entry(key).or_insert_with(|| Bucket { turn, shown, ..Bucket::default() });
        if bucket.shown {
            queue.order.insert((key.0, bucket.turn, at.0));
        }
        if bucket.tasks.insert((Reverse(rank), at.1)) {
            queue.len += 1;
            self.empty -= usize::from(queue.len == 1);
        }
    }

    /// Takes a ready task out; `turn` is the execution's turn from here on.
    pub fn remove(&mut self, id: u32, level: Priority, turn: u64, rank: Millis, at: (u32, u32)) {
        let Some(queue) = self.queues.get_mut(&id) else { return };
        let key = (Reverse(level), at.0);
        let Some(bucket) = queue.buckets.get_mut(&key) else { return };
        if !bucket.tasks.remove(&(Reverse(rank), at.1)) {
            return;
        }
        queue.len -= 1;
        queue.order.remove(&(key.0, bucket.turn, at.0));
        if bucket.tasks.is_empty() {
            queue.buckets.remove(&key);
        } else {
            bucket.turn = turn;
            if bucket.shown {
                queue.order.insert((key.0, turn, at.0));
            }
        }
        if queue.len == 0 {
            self.empty += 1;
            self.drop_if_many(id);
        }
    }

    /// Shows or hides all ready tasks of an execution.
    pub fn show(&mut self, execution: u32, shown: bool) {
        for queue in self.queues.values_mut() {
            for ((level, owner), bucket) in &mut queue.buckets {
                if *owner == execution {
                    bucket.shown = shown;
                    let key = (*level, bucket.turn, execution);
                    if shown {
                        queue.order.insert(key)
                    } else {
                        queue.order.remove(&key)
                    };
                }
            }
        }
    }

    /// A node has joined or changed: which queues it fits.
    pub fn node_changed(&mut self, name: &NodeId, node: &Node) {
        self.node_left(name);
        let mut mine = BTreeSet::new();
        for (id, queue) in &mut self.queues {
            if fits(&queue.needs, node) {
                queue.nodes.insert(name.clone());
                mine.insert(*id);
            }
        }
        self.by_node.insert(name.clone(), mine);
    }

    /// A node is gone.
    pub fn node_left(&mut self, name: &NodeId) {
        for id in self.by_node.remove(name).unwrap_or_default() {
            if let Some(queue) = self.queues.get_mut(&id) {
                queue.nodes.remove(name);
            }
        }
    }

    /// A queue.
    pub fn get(&self, id: u32) -> Option<&Queue> {
        self.queues.get(&id)
    }

    /// The queue of some needs, if there is one.
    pub fn of_needs(&self, needs: &Needs) -> Option<u32> {
        self.by_needs.get(needs).copied()
    }

    /// All queues that hold a task.
    pub fn all(&self) -> impl Iterator<Item = u32> + '_ {
        self.queues.iter().filter(|(_, q)| q.len > 0).map(|(id, _)| *id)
    }

    /// The queues whose tasks a node could run.
    pub fn of_node(&self, name: &NodeId) -> impl Iterator<Item = u32> + '_ {
        self.by_node
            .get(name)
            .into_iter()
            .flatten()
            .copied()
            .filter(|id| self.queues.get(id).is_some_and(|q| q.len > 0))
    }

    /// The queues whose tasks need a lock.
    pub fn of_lock(&self, lock: &LockId) -> impl Iterator<Item = u32> + '_ {
        self.by_lock
            .get(lock)
            .into_iter()
            .flatten()
            .copied()
            .filter(|id| self.queues.get(id).is_some_and(|q| q.len > 0))
    }

    /// How many tasks are ready.
    pub fn len(&self) -> usize {
        self.queues.values().map(|q| q.len).sum()
    }

    /// Whether no task is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn drop_if_many(&mut self, id: u32) {
        if self.empty <= MAX_EMPTY {
            return;
        }
        let Some(queue) = self.queues.remove(&id) else { return };
        self.empty -= 1;
        self.by_needs.remove(&queue.needs);
        for name in &queue.nodes {
            if let Some(mine) = self.by_node.get_mut(name) {
                mine.remove(&id);
            }
        }
        for lock in queue.needs.locks.keys() {
            if let Some(mine) = self.by_lock.get_mut(lock) {
                mine.remove(&id);
            }
        }
    }
}

impl Queue {
    /// The task that runs next, if one may.
    pub fn head(&self) -> Option<Head> {
        let (level, turn, execution) = *self.order.first()?;
        let (rank, task) = *self.buckets.get(&(level, execution))?.tasks.first()?;
        Some(Head { level, turn, rank, execution, task })
    }

    /// All its tasks, also those that may not be dispatched from now: for each execution, the one that runs next first.
    pub fn waiting(&self) -> impl Iterator<Item = impl ExactSizeIterator<Item = Head>> {
        self.buckets.iter().map(|((level, execution), bucket)| {
            let (level, turn, execution) = (*level, bucket.turn, *execution);
            bucket.tasks.iter().map(move |(rank, task)| Head { level, turn, rank: *rank, execution, task: *task })
        })
    }
}

/// Whether a node could run tasks with these needs if nothing else ran there.
fn fits(needs: &Needs, node: &Node) -> bool {
    node.presence.is_present()
        && needs.slots <= node.slots
        && (needs.memory_mb <= node.memory_mb || node.memory_mb == 0)
        && needs.labels.iter().all(|(key, value)| node.labels.get(key) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_path_of_the_execution_whose_turn_it_is_comes_first() {
        let mut queues = Queues::default();
        let id = queues.queue_for(&Needs::default(), &BTreeMap::new());
        // execution 1 has three tasks, execution 2 one; execution 3 is above them, but paused
        for (execution, task, rank, level, shown) in [
            (1, 0, 10, Priority::Medium, true),
            (1, 1, 30, Priority::Medium, true),
            (1, 2, 20, Priority::Medium, true),
            (2, 0, 5, Priority::Medium, true),
            (3, 0, 99, Priority::Highest, false),
        ] {
            queues.add(id, level, 0, shown, Millis(rank), (execution, task));
        }
        let mut turn = 0;
        let mut order = String::new();
        let take = |queues: &mut Queues, turn: &mut u64, order: &mut String| {
            while let Some(head) = queues.get(id).unwrap().head() {
                *turn += 1;
                order.push_str(&format!("{}:{} ", head.execution, head.task));
                queues.remove(id, head.level.0, *turn, head.rank.0, (head.execution, head.task));
            }
        };
        take(&mut queues, &mut turn, &mut order);
        assert_eq!(order, "1:1 2:0 1:2 1:0 ");
        queues.show(3, true);
        take(&mut queues, &mut turn, &mut order);
        assert!(order.ends_with("1:0 3:0 ") && queues.is_empty());
    }
}
