//! What becomes of nodes, and of what went down with them.

use std::cmp::Reverse;

use model::event::{NodeJoined, Phase as RecoveryPhase, TaskRef, Work};
use model::report::Cause;
use model::{LeaseId, Millis, NodeId, Timestamp};

use super::When;
use crate::recovery::{self, work_lost};
use crate::state::node::{MAX_NODES, Seen, Void};
use crate::state::recovery::MAX_RECOVERIES;
use crate::state::{Node, Pool, Presence, Recovery};

/// `seq`: the hello's number. It is counted from there: what came before it was consumed, or is never to come.
pub fn joined(pool: &mut Pool, joined: &NodeJoined, seq: u64, when: When) {
    let name = &joined.node;
    if !pool.nodes.contains_key(name) && pool.nodes.len() >= MAX_NODES {
        forget_oldest(pool);
    }
    let stays = pool.nodes.get(name).is_some_and(|n| n.boot == joined.boot && n.presence.is_present());
    if !stays && pool.nodes.contains_key(name) {
        let evidence = format!("{name} was started again");
        let loss = Loss {
            evidence,
            counts: true,
            cause: "restarted",
            last_sign: when.now - joined.silent_ms.unwrap_or_default(),
        };
        void(pool, name, joined.recovery, loss, when);
    }
    let old = pool.nodes.remove(name);
    let same_boot = old.as_ref().is_some_and(|n| n.boot == joined.boot);
    let old = old.map(|n| (n.generation, n.seen, n.leases, n.void, n.tried));
    let (generation, seen, leases, void, tried) = old.unwrap_or_default();
    let node = Node {
        boot: joined.boot.clone(),
        generation,
        presence: Presence::Ready,
        since: when.now,
        slots: joined.slots,
        memory_mb: joined.memory_mb,
        zone: joined.zone.clone(),
        labels: joined.labels.clone(),
        seen: if same_boot { seen.from(seq) } else { Seen::default().from(seq) },
        leases,
        void,
        tried,
    };
    pool.queues.node_changed(name, &node);
    pool.nodes.insert(name.clone(), node);
}

/// The node that is gone longest leaves, to make room for a new one.
fn forget_oldest(pool: &mut Pool) {
    let gone = pool.nodes.iter().filter(|(_, n)| !n.presence.is_present() && n.void.is_empty());
    if let Some(name) = gone.min_by_key(|(_, n)| n.since).map(|(name, _)| name.clone()) {
        pool.nodes.remove(&name);
        pool.queues.node_left(&name);
    }
}

pub fn suspected(pool: &mut Pool, node: &NodeId, when: When) {
    if let Some(node) = pool.nodes.get_mut(node) {
        (node.presence, node.since) = (Presence::Suspect, when.now);
    }
}

pub fn returned(pool: &mut Pool, node: &NodeId, when: When) {
    if let Some(node) = pool.nodes.get_mut(node) {
        (node.presence, node.since) = (Presence::Ready, when.now);
    }
}

pub fn lost(pool: &mut Pool, name: &NodeId, silent: Millis, evidence: &str, recovery: u32, when: When) {
    // Silence of a whole zone says more of the zone than of the node.
    let counts = pool.nodes.get(name).is_some_and(|n| !pool.emergencies.contains(&n.zone));
    let evidence = format!("silent for {silent}; {evidence}");
    let loss = Loss { evidence, counts, cause: "silent", last_sign: when.now - silent };
    void(pool, name, Some(recovery), loss, when);
    leave(pool, name, Presence::Lost, when);
}

pub fn left(pool: &mut Pool, name: &NodeId, why: &str, recovery: Option<u32>, when: When) {
    let evidence = format!("it said goodbye: {why}");
    let loss = Loss { evidence, counts: false, cause: "goodbye", last_sign: when.now };
    void(pool, name, recovery, loss, when);
    leave(pool, name, Presence::Gone, when);
}

fn leave(pool: &mut Pool, name: &NodeId, presence: Presence, when: When) {
    if let Some(node) = pool.nodes.get_mut(name) {
        (node.presence, node.since) = (presence, when.now);
    }
    pool.queues.node_left(name);
}

struct Loss {
    evidence: String,
    counts: bool,
    cause: &'static str,
    last_sign: Timestamp,
}

/// All leases of a node are void from here on; a work list ends their attempts, those of higher priority first.
fn void(pool: &mut Pool, name: &NodeId, recovery: Option<u32>, loss: Loss, when: When) {
    let Some(node) = pool.nodes.get_mut(name) else { return };
    let lost = node.generation;
    node.generation += 1;
    let suspected = (node.presence == Presence::Suspect).then_some(node.since);
    let zone = node.zone.clone();
    let leases = std::mem::take(&mut node.leases);
    let Some(number) = recovery else { return };
    let mut tasks: Vec<TaskRef> = leases.keys().filter_map(|lease| pool.leases.get(lease).copied()).collect();
    let level = |at: &TaskRef| pool.execution(at.execution).map(|e| e.level(at.task));
    tasks.sort_by_key(|at| (Reverse(level(at)), *at));
    let Loss { evidence, counts, cause, last_sign } = loss;
    let mut report = Recovery { swept: tasks.is_empty(), ..Recovery::new(name, &zone, cause, last_sign) };
    if let Some(since) = suspected {
        report.phases.push((RecoveryPhase::Suspected, since - last_sign));
    }
    for phase in [RecoveryPhase::Noticed, RecoveryPhase::Fenced] {
        report.phases.push((phase, when.now - last_sign));
    }
    for (lease, at) in leases.keys().zip(leases.keys().filter_map(|lease| pool.leases.get(lease))) {
        let attempt = pool.task(*at).map_or(0, |t| t.attempts);
        report.leases.insert(*lease, (*at, attempt));
    }
    open(pool, number, report);
    if let Some(node) = pool.nodes.get_mut(name).filter(|_| !tasks.is_empty()) {
        node.void.insert(lost, Void { tasks, evidence, counts, recovery: number });
        pool.work.push_back((Work::Node { node: name.clone(), generation: lost }, 0));
    }
}

fn open(pool: &mut Pool, number: u32, report: Recovery) {
    pool.recoveries.insert(number, report);
    pool.open_recoveries.insert(number);
    pool.last_recovery = pool.last_recovery.max(number);
    while pool.recoveries.len() > MAX_RECOVERIES {
        if let Some((oldest, _)) = pool.recoveries.pop_first() {
            pool.open_recoveries.remove(&oldest);
        }
    }
}

/// A node reported itself that an attempt was lost: noticed, fenced and decided about at once.
pub fn reported(pool: &mut Pool, number: u32, node: &NodeId, cause: Cause, when: When) {
    if number <= pool.last_recovery {
        return;
    }
    let zone = pool.nodes.get(node).map(|n| n.zone.clone()).unwrap_or_default();
    let mut report = Recovery { swept: true, ..Recovery::new(node, &zone, recovery::reported(cause), when.now) };
    for phase in [RecoveryPhase::Noticed, RecoveryPhase::Fenced, RecoveryPhase::Requeued] {
        report.phases.push((phase, Millis(0)));
    }
    open(pool, number, report);
}

/// One attempt of a recovery has ended; its task's next attempt is what the recovery waits for.
pub fn attempt_lost(pool: &mut Pool, number: u32, at: TaskRef, lease: LeaseId) {
    let Some(last_sign) = pool.recoveries.get(&number).map(|r| r.last_sign) else { return };
    let lost = pool.task(at).map_or(Millis(0), |task| work_lost(task, last_sign));
    if let Some(recovery) = pool.recoveries.get_mut(&number) {
        recovery.attempts += 1;
        recovery.work_lost_ms = recovery.work_lost_ms + lost;
        recovery.open.insert(at);
        recovery.leases.entry(lease).or_insert((at, 0));
    }
    let Some(task) = pool.task_mut(at) else { return };
    let story = task.story_mut();
    let first = story.recovering.replace(number).is_none();
    if first && let Some(execution) = pool.execution_mut(at.execution) {
        execution.counts.recovering += 1;
    }
}

pub fn phase(pool: &mut Pool, number: u32, phase: RecoveryPhase, at: Option<TaskRef>, took: Millis) {
    if let Some(recovery) = pool.recoveries.get_mut(&number) {
        if recovery.phase(phase).is_none() {
            recovery.phases.push((phase, took));
        }
        recovery.swept |= phase == RecoveryPhase::Requeued;
    }
    if phase == RecoveryPhase::Done {
        pool.open_recoveries.remove(&number);
    }
    let Some(at) = at else { return };
    let recovering = pool.task_mut(at).and_then(|t| t.story.as_deref_mut()?.recovering.take());
    if recovering.is_some()
        && let Some(execution) = pool.execution_mut(at.execution)
    {
        execution.counts.recovering = execution.counts.recovering.saturating_sub(1);
    }
}

pub fn emergency(pool: &mut Pool, zone: &str, on: bool) {
    if on {
        pool.emergencies.insert(zone.to_owned());
    } else {
        pool.emergencies.remove(zone);
    }
}

/// A late report of a void lease: its recovery and its attempt remember it.
pub fn stale(pool: &mut Pool, lease: Option<LeaseId>) {
    let Some(lease) = lease else { return };
    let recent = pool.recoveries.values_mut().rev().take(100);
    let Some((recovery, (at, attempt))) = recent.filter_map(|r| r.leases.get(&lease).copied().map(|l| (r, l))).next()
    else {
        return;
    };
    recovery.late_reports += 1;
    let story = pool.task_mut(at).and_then(|t| t.story.as_deref_mut());
    if let Some(tried) = story.and_then(|s| s.tried.iter_mut().find(|t| t.attempt == attempt)) {
        tried.stale += 1;
    }
}
