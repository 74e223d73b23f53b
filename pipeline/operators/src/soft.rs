//! What a leader has merely observed: beats, and since when it has been listening. Never journaled, empty after a
//! takeover or a pause of ours; changed only here.

use std::collections::{BTreeMap, BTreeSet};

use model::{BootId, Heartbeat, LeaseId, Millis, NodeId, PoolId, Report, Timestamp};

use crate::schedule::Agenda;
use crate::state::{Node, Pool, State};

/// Boots whose hello was refused that are remembered per node.
const MAX_TAKEN: usize = 8;

/// Observations of all pools.
#[derive(Debug, Clone, Default)]
pub struct Soft {
    /// Since when this leader listens without a pause: no silence counts from before.
    pub since: Timestamp,
    /// Whether everything that the log held when it was last read has been consumed.
    pub caught_up: bool,
    /// By pool.
    pub pools: BTreeMap<PoolId, Seen>,
}

/// Observations of one pool.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// What was heard of each node.
    pub nodes: BTreeMap<NodeId, Heard>,
    /// What the scheduler should look at.
    pub agenda: Agenda,
    /// Nodes whose last beat waits for reports that it speaks of, or was not looked at yet.
    pub unsettled: BTreeSet<NodeId>,
}

/// What was heard of one node.
#[derive(Debug, Clone, Default)]
pub struct Heard {
    /// When it last gave a sign of life with its present boot.
    pub last_sign: Option<Timestamp>,
    /// Its last beat with its present boot.
    pub beat: Option<Beat>,
    /// It refused a start since that beat: no further one before the next.
    pub refused: bool,
    /// Boots that were told that its name is taken.
    pub taken: BTreeSet<BootId>,
}

/// A beat as it was heard.
#[derive(Debug, Clone)]
pub struct Beat {
    /// Its number.
    pub beat: u64,
    /// When it was heard.
    pub at: Timestamp,
    /// The node's clock.
    pub up_ms: Millis,
    /// The last report on the node's disk.
    pub stored: u64,
    /// What the node held.
    pub holds: BTreeSet<LeaseId>,
    /// Why it takes no starts, if it takes none.
    pub closed: Option<String>,
    /// Load by processor.
    pub load: f64,
    /// Free memory in MiB.
    pub memory_free_mb: Option<u64>,
}

impl Soft {
    /// Forgets everything: nothing before `now` was observed by us.
    pub fn reset(&mut self, state: &State, now: Timestamp) {
        *self = Self { since: now, caught_up: false, pools: BTreeMap::new() };
        for (id, pool) in &state.pools {
            self.pools.entry(id.clone()).or_default().agenda.look_at_all(pool);
        }
    }

    /// The observations of a pool.
    pub fn pool(&self, id: &PoolId) -> Option<&Seen> {
        self.pools.get(id)
    }

    /// Hears a beat. One of another boot than the present is no sign of life.
    pub fn observe_beat(&mut self, state: &State, heartbeat: &Heartbeat, now: Timestamp) {
        let Some(pool) = state.pools.get(&heartbeat.pool) else { return };
        let Some(node) = pool.nodes.get(&heartbeat.node) else { return };
        if node.boot != heartbeat.boot || !node.presence.is_present() {
            return;
        }
        let seen = self.pools.entry(heartbeat.pool.clone()).or_default();
        let heard = seen.nodes.entry(heartbeat.node.clone()).or_default();
        heard.last_sign = Some(now);
        if heard.beat.as_ref().is_some_and(|b| b.beat >= heartbeat.beat) {
            return;
        }
        heard.refused = false;
        heard.beat = Some(Beat {
            beat: heartbeat.beat,
            at: now,
            up_ms: heartbeat.up_ms,
            stored: heartbeat.stored,
            holds: heartbeat.holds.iter().copied().collect(),
            closed: heartbeat.closed.clone(),
            load: heartbeat.load,
            memory_free_mb: heartbeat.memory_free_mb,
        });
        seen.unsettled.insert(heartbeat.node.clone());
        if heartbeat.closed.is_none() && node.used_slots() < node.slots {
            seen.agenda.node_opened(pool, &heartbeat.node);
        }
    }

    /// Hears a report: a sign of life of the present boot.
    pub fn observe_report(&mut self, state: &State, report: &Report, now: Timestamp) {
        let Some(node) = state.pools.get(&report.pool).and_then(|p| p.nodes.get(&report.node)) else { return };
        if node.boot == report.boot && node.presence.is_present() {
            let seen = self.pools.entry(report.pool.clone()).or_default();
            seen.nodes.entry(report.node.clone()).or_default().last_sign = Some(now);
        }
    }

    /// A node's beats before this are void: it joined, left or was lost.
    pub fn node_changed(&mut self, pool: &PoolId, node: &NodeId, now: Timestamp) {
        let heard = self.pools.entry(pool.clone()).or_default().nodes.entry(node.clone()).or_default();
        let taken = std::mem::take(&mut heard.taken);
        *heard = Heard { last_sign: Some(now), taken, ..Heard::default() };
    }

    /// A node refused a start: it gets no other before its next beat.
    pub fn refused(&mut self, pool: &PoolId, node: &NodeId) {
        self.pools.entry(pool.clone()).or_default().nodes.entry(node.clone()).or_default().refused = true;
    }

    /// A node reported the end of an attempt: what its last beat held is that much less, and its slot is free at once
    /// instead of with the next beat.
    pub fn released(&mut self, pool: &Pool, id: &PoolId, node: &NodeId, lease: LeaseId) {
        let Some(seen) = self.pools.get_mut(id) else { return };
        let beat = seen.nodes.get_mut(node).and_then(|heard| heard.beat.as_mut());
        if beat.is_some_and(|beat| beat.holds.remove(&lease)) {
            seen.agenda.node_opened(pool, node);
        }
    }

    /// A boot was refused, since its name belongs to another that lives.
    pub fn name_taken(&mut self, pool: &PoolId, node: &NodeId, boot: &BootId) {
        let heard = self.pools.entry(pool.clone()).or_default().nodes.entry(node.clone()).or_default();
        if heard.taken.len() < MAX_TAKEN {
            heard.taken.insert(boot.clone());
        }
    }

    /// Beats that were settled have been looked at: what they prove has been decided.
    pub fn settle(&mut self, state: &State) {
        for (id, seen) in &mut self.pools {
            let nodes = state.pools.get(id).map(|p| &p.nodes);
            let Seen { nodes: heard, unsettled, .. } = seen;
            if let Some(known) = nodes.filter(|known| known.len() < heard.len()) {
                // The pool has forgotten some: whoever comes and goes under ever new names leaves nothing behind.
                heard.retain(|name, _| known.contains_key(name));
            }
            unsettled.retain(|name| {
                let waits =
                    |node| heard.get(name).is_some_and(|h: &Heard| h.beat.is_some() && h.settled(node).is_none());
                nodes.and_then(|n| n.get(name)).is_some_and(waits)
            });
        }
    }

    /// Whether a node gave a sign of life since we listen.
    pub fn heard(&self, pool: &PoolId, node: &NodeId) -> bool {
        let sign = self.pools.get(pool).and_then(|p| p.nodes.get(node)).and_then(|h| h.last_sign);
        sign.is_some_and(|at| at >= self.since)
    }

    /// For how long a node has been silent, as far as we were listening.
    pub fn silence(&self, pool: &PoolId, node: &NodeId, now: Timestamp) -> Millis {
        let sign = self.pools.get(pool).and_then(|p| p.nodes.get(node)).and_then(|h| h.last_sign);
        now - sign.unwrap_or(self.since).max(self.since)
    }
}

impl Heard {
    /// The last beat, if all reports that it speaks of were consumed.
    pub fn settled(&self, node: &Node) -> Option<&Beat> {
        self.beat.as_ref().filter(|b| b.stored <= node.seen.through())
    }
}
