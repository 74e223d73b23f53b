//! Schedule: which ready task runs next, and where.
//!
//! The order is priority, then whose turn it is among executions of one level, then the longest remaining path. A
//! node gets a start only after a beat of its present boot that we heard ourselves, younger than `start`, and not
//! after a refusal; its slots are counted less its current leases and less whatever else that beat held. Locks are
//! taken all or none, by the same order: no permit idles while somebody could run with it.
//!
//! The [`Agenda`] notes what is worth looking at: queues that may have something to run, and nodes with room.

mod agenda;

use model::event::{Dispatch, TaskRef};
use model::policy::Place;
use model::{Body, Event, LeaseId, Millis, NodeId, PoolId};

use crate::soft::{Heard, Seen, Soft};
use crate::state::{Execution, Head, Node, Pool, TaskState};
use crate::{Context, Planted};

pub use agenda::Agenda;

/// Decides the next dispatch of a pool, if one is possible. To be folded before the next is asked for.
pub fn next(pool: &Pool, id: &PoolId, soft: &mut Soft, ctx: &Context<'_>) -> Vec<Event> {
    let Some(seen) = soft.pools.get_mut(id) else { return Vec::new() };
    let strict_from = ctx.first_announced + pool.lost_ms(ctx.now);
    let locks_open = ctx.now >= strict_from || ctx.planted(Planted::LockGrantedAtOnce);
    if locks_open && seen.agenda.locks_waited {
        seen.agenda.locks_waited = false;
        seen.agenda.look_at_all(pool);
    }
    while !seen.agenda.open.is_empty() {
        let Some((head, queue)) = seen.agenda.next(pool) else { break };
        if !has_locks(pool, seen, queue, locks_open) {
            seen.agenda.set_aside(queue, false);
            continue;
        }
        match place(pool, seen, queue, head, ctx) {
            Some(node) => return dispatch(pool, id, seen, head, &node, ctx),
            // No node has any room left: it stays where it is, and nothing needs to bring it back.
            None if seen.agenda.open.is_empty() => break,
            None => seen.agenda.set_aside(queue, true),
        }
    }
    Vec::new()
}

/// Whether all locks that a queue's tasks need have permits for one more.
fn has_locks(pool: &Pool, seen: &mut Seen, queue: u32, locks_open: bool) -> bool {
    let Some(queue) = pool.queues.get(queue) else { return false };
    if !queue.needs.locks.is_empty() && !locks_open {
        seen.agenda.locks_waited = true;
        return false;
    }
    queue.needs.locks.iter().all(|(lock, permits)| {
        seen.agenda.visits += 1;
        pool.locks.get(lock).is_some_and(|l| l.free() >= *permits)
    })
}

/// The best node for the head of a queue, if one has room.
fn place(pool: &Pool, seen: &mut Seen, queue: u32, head: Head, ctx: &Context<'_>) -> Option<NodeId> {
    let queue = pool.queues.get(queue)?;
    let execution = pool.execution(head.execution)?;
    let task = execution.tasks.get(head.task as usize)?;
    let mut full = Vec::new();
    let mut best: Option<(Wish, &NodeId, u32)> = None;
    for name in &seen.agenda.open {
        seen.agenda.visits += 1;
        let room = pool.nodes.get(name).zip(seen.nodes.get(name)).and_then(|(node, heard)| {
            let room = room(pool, node, heard, ctx)?;
            (room.slots > 0).then_some((node, room))
        });
        let Some((node, room)) = room else {
            full.push(name.clone());
            continue;
        };
        let fits =
            queue.nodes.contains(name) && room.slots >= queue.needs.slots && room.memory >= queue.needs.memory_mb;
        if fits {
            let wish = wish(execution, task, name, node, &room);
            if best.as_ref().is_none_or(|(least, ..)| wish < *least) {
                best = Some((wish, name, room.slots));
            }
        }
    }
    let best = best.map(|(_, name, slots)| (name.clone(), slots));
    let filled = best.as_ref().filter(|(_, slots)| *slots <= queue.needs.slots).map(|(name, _)| name.clone());
    for name in full.into_iter().chain(filled) {
        seen.agenda.open.remove(&name);
    }
    best.map(|(name, _)| name)
}

/// What a node can take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Free slots.
    pub slots: u32,
    /// Free memory in MiB.
    pub memory: u64,
}

/// What a node can take now; none if it must not get a start.
pub fn room(pool: &Pool, node: &Node, heard: &Heard, ctx: &Context<'_>) -> Option<Room> {
    let beat = heard.beat.as_ref()?;
    let fresh = ctx.now - beat.at < pool.settings.start_ms || ctx.planted(Planted::StartWithoutBeat);
    let refused = heard.refused && !ctx.planted(Planted::RefusedIsRetriedAtOnce);
    if !node.presence.is_present() || !fresh || refused || beat.closed.is_some() {
        return None;
    }
    let mut others = beat.holds.iter().filter(|lease| !node.leases.contains_key(lease)).count();
    if ctx.planted(Planted::SlotsWithoutWhatTheBeatHeld) {
        others = 0;
    }
    if ctx.planted(Planted::SlotsKeptAfterLoss) {
        others += pool.recoveries.values().flat_map(|r| r.leases.values()).count();
    }
    let taken = node.used_slots().saturating_add(u32::try_from(others).unwrap_or(u32::MAX));
    let memory = if node.memory_mb == 0 { u64::MAX } else { node.memory_mb.saturating_sub(node.used_memory()) };
    Some(Room { slots: node.slots.saturating_sub(taken), memory })
}

/// How much a task would rather not run on a node: the least wins. The retry's wish first, then the zone where fewest
/// of its execution run, then the share of slots taken, then memory.
type Wish = (bool, u32, u32, std::cmp::Reverse<u64>);

fn wish(execution: &Execution, task: &TaskState, name: &NodeId, node: &Node, room: &Room) -> Wish {
    let last = task.story.as_ref().and_then(|s| s.tried.last().map(|tried| (s.place, tried)));
    let against = last.is_some_and(|(place, tried)| match place {
        Place::Any => false,
        Place::SameNode => tried.node != *name,
        Place::OtherNode => tried.node == *name,
        Place::OtherZone => tried.zone == node.zone,
    });
    let zone = execution.zones.get(&node.zone).copied().unwrap_or(0);
    let taken = (node.slots - room.slots.min(node.slots)).saturating_mul(1000) / node.slots.max(1);
    (against, zone, taken, std::cmp::Reverse(room.memory))
}

fn dispatch(pool: &Pool, id: &PoolId, seen: &Seen, head: Head, name: &NodeId, ctx: &Context<'_>) -> Vec<Event> {
    let at = TaskRef { execution: head.execution, task: head.task };
    let (Some(task), Some(node)) = (pool.task(at), pool.nodes.get(name)) else { return Vec::new() };
    let Some(beat) = seen.nodes.get(name).and_then(|h| h.beat.as_ref()) else { return Vec::new() };
    let lease =
        LeaseId { journal: ctx.journal, partition: ctx.partition, epoch: ctx.epoch, seq: ctx.seq, index: ctx.index };
    let waited_ms = task.phase.ready_since().map_or(Millis(0), |since| ctx.now - since);
    let needs = task.needs().clone();
    let free = node.slots.saturating_sub(node.used_slots());
    let mut events = vec![ctx.event(
        id,
        Body::AttemptDispatched(Box::new(Dispatch {
            at,
            attempt: task.attempts + 1,
            lease,
            node: name.clone(),
            boot: node.boot.clone(),
            after_beat: beat.beat,
            after_up_ms: beat.up_ms,
            expires_ms: pool.settings.start_ms,
            resumes: task.story.as_ref().is_some_and(|s| s.checkpoint.is_some()),
            waited_ms,
            why: format!("{name} had {free} of {} slots free", node.slots),
            needs: needs.clone(),
        })),
    )];
    for (lock, permits) in &needs.locks {
        let free = pool.locks.get(lock).map_or(0, |l| l.free()).saturating_sub(*permits);
        events.push(ctx.event(id, Body::LockGranted { lock: lock.clone(), lease, permits: *permits, free }));
    }
    events
}
