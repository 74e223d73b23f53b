//! The agenda: what is worth looking at, so that what cannot run costs nothing and hides nothing.
//!
//! Queues that may have something to run stand under the execution that their next task belongs to, and executions
//! stand in the order of their turns: a dispatch moves one execution, however many queues it has. A queue that found
//! no room is set aside until a node that fits it opens; one that found a lock taken, until that is freed. Losing the
//! agenda costs time, never a decision.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use model::{LockId, Millis, NodeId, Priority};

use crate::state::{Head, Pool};

/// What the scheduler should look at.
#[derive(Debug, Clone, Default)]
pub struct Agenda {
    /// Executions by level, in the order of their turns.
    turns: BTreeSet<(Reverse<Priority>, u64, u32)>,
    groups: BTreeMap<Group, Waiting>,
    noted: BTreeMap<u32, (Group, Next)>,
    /// Queues that found no room on any open node.
    aside: BTreeSet<u32>,
    /// Nodes that may have room.
    pub(super) open: BTreeSet<NodeId>,
    /// Queues, nodes and locks looked at since the leader began: what scheduling costs.
    pub visits: u64,
    /// Some queue waits until locks may be granted at all.
    pub(super) locks_waited: bool,
}

/// The tasks of one level of an execution.
type Group = (Reverse<Priority>, u32);

/// The task that a queue would run next, the longest remaining path first; with the queue.
type Next = (Reverse<Millis>, u32, u32);

/// What a group would run next, and the turn under which it stands.
#[derive(Debug, Clone, Default)]
struct Waiting {
    turn: u64,
    queues: BTreeSet<Next>,
}

impl Agenda {
    /// All queues are others: what was noted of the old ones is void.
    pub fn begin_anew(&mut self, pool: &Pool) {
        *self = Self { visits: self.visits, ..Self::default() };
        self.look_at_all(pool);
    }

    /// Everything may have changed.
    pub fn look_at_all(&mut self, pool: &Pool) {
        self.open.extend(pool.nodes.iter().filter(|(_, n)| n.presence.is_present()).map(|(name, _)| name.clone()));
        for queue in pool.queues.all() {
            self.look_at(pool, queue);
        }
    }

    /// A queue has a new task, or one of its locks has a free permit.
    pub fn look_at(&mut self, pool: &Pool, queue: u32) {
        self.visits += 1;
        self.aside.remove(&queue);
        self.drop_note(queue);
        let Some(head) = head(pool, queue) else { return };
        let (group, next) = place_of(head, queue);
        let waiting = self.groups.entry(group).or_default();
        if waiting.queues.is_empty() {
            waiting.turn = turn(pool, group).unwrap_or(0);
            self.turns.insert((group.0, waiting.turn, group.1));
        }
        waiting.queues.insert(next);
        self.noted.insert(queue, (group, next));
    }

    /// A node has joined: queues that no other node fits may run.
    pub fn node_joined(&mut self, pool: &Pool, node: &NodeId) {
        self.open.insert(node.clone());
        for queue in pool.queues.of_node(node) {
            self.look_at(pool, queue);
        }
    }

    /// A node has room.
    pub fn node_opened(&mut self, pool: &Pool, node: &NodeId) {
        self.open.insert(node.clone());
        if self.aside.is_empty() {
            return;
        }
        let fits = |queue: &u32| self.aside.contains(queue);
        let again: Vec<u32> = pool.queues.of_node(node).filter(fits).collect();
        for queue in again {
            self.look_at(pool, queue);
        }
    }

    /// A lock has a free permit.
    pub fn lock_freed(&mut self, pool: &Pool, lock: &LockId) {
        for queue in pool.queues.of_lock(lock) {
            self.look_at(pool, queue);
        }
    }

    /// Queues may be gone: what was noted of them goes too.
    pub fn forget_gone(&mut self, pool: &Pool) {
        self.aside.retain(|queue| pool.queues.get(*queue).is_some());
        let gone: Vec<u32> = self.noted.keys().filter(|queue| pool.queues.get(**queue).is_none()).copied().collect();
        for queue in gone {
            self.drop_note(queue);
        }
    }

    /// Whether there may be something to dispatch.
    pub fn is_idle(&self) -> bool {
        self.turns.is_empty() || self.open.is_empty()
    }

    /// The queue that is next, and its next task. What was noted may be old: it is put right on the way.
    pub(super) fn next(&mut self, pool: &Pool) -> Option<(Head, u32)> {
        loop {
            let (level, noted_turn, execution) = *self.turns.first()?;
            let group = (level, execution);
            let next = *self.groups.get(&group)?.queues.first()?;
            let now = turn(pool, group).unwrap_or(noted_turn);
            if now != noted_turn {
                self.visits += 1;
                self.turns.remove(&(level, noted_turn, execution));
                self.turns.insert((level, now, execution));
                self.groups.entry(group).or_default().turn = now;
                continue;
            }
            match head(pool, next.2) {
                Some(head) if place_of(head, next.2) == (group, next) => return Some((head, next.2)),
                Some(_) | None => self.look_at(pool, next.2),
            }
        }
    }

    /// A queue cannot run now; `for_room`: since no open node has room for it.
    pub(super) fn set_aside(&mut self, queue: u32, for_room: bool) {
        self.drop_note(queue);
        if for_room {
            self.aside.insert(queue);
        }
    }

    fn drop_note(&mut self, queue: u32) {
        let Some((group, next)) = self.noted.remove(&queue) else { return };
        let Some(waiting) = self.groups.get_mut(&group) else { return };
        waiting.queues.remove(&next);
        if waiting.queues.is_empty() {
            self.turns.remove(&(group.0, waiting.turn, group.1));
            self.groups.remove(&group);
        }
    }
}

/// The task that a queue would run next, if any node fits it.
fn head(pool: &Pool, queue: u32) -> Option<Head> {
    pool.queues.get(queue).filter(|q| !q.nodes.is_empty())?.head()
}

fn place_of(head: Head, queue: u32) -> (Group, Next) {
    ((head.level, head.execution), (head.rank, head.task, queue))
}

/// An execution's turn as it is: a queue knows only the turn that it had when it last ran from there.
fn turn(pool: &Pool, (_, execution): Group) -> Option<u64> {
    pool.execution(execution).map(|e| e.turn)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Queues;

    #[test]
    fn a_queue_that_is_gone_is_forgotten_and_leaves_nothing_behind() {
        let mut agenda = Agenda::default();
        let group = (Reverse(Priority::Medium), 1);
        agenda.turns.insert((group.0, 7, 1));
        agenda.groups.insert(group, Waiting { turn: 7, queues: [(Reverse(Millis(5)), 0, 3)].into() });
        agenda.noted.insert(3, (group, (Reverse(Millis(5)), 0, 3)));
        agenda.aside.insert(4);
        agenda.open.insert(NodeId::new("n1").unwrap());
        let pool = Pool { queues: Queues::default(), ..Pool::default() };
        let mut other = agenda.clone();
        agenda.forget_gone(&pool);
        assert!(agenda.is_idle() && agenda.groups.is_empty() && agenda.noted.is_empty() && agenda.aside.is_empty());
        assert_eq!(other.next(&pool), None, "and is not chosen either");
        assert!(other.is_idle());
    }
}
