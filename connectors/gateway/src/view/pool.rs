//! A pool at a glance: the first line of `status`.

use model::{JournalId, Millis, PoolId, PoolSettings};
use operators::state::{Pool, Presence};
use serde::{Deserialize, Serialize};

/// A pool, and who leads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PoolView {
    /// Its name.
    pub pool: PoolId,
    /// Who leads it.
    pub leader: LeaderView,
    /// Nodes by whether they live.
    pub nodes: NodeCounts,
    /// Slots of present nodes.
    pub slots: u32,
    /// Those of them that are taken.
    pub used: u32,
    /// Zones that went silent as a whole.
    pub emergencies: Vec<String>,
    /// Executions whose round is open.
    pub open: u32,
    /// Executions that the engine remembers.
    pub executions: u32,
    /// Tasks that wait for a person.
    pub parked: u32,
    /// Recoveries that are not done.
    pub recoveries: u32,
    /// Its settings.
    pub settings: PoolSettings,
    /// The journal position that this is true for.
    pub position: u64,
}

/// Who leads, and how well it keeps up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaderView {
    /// This engine leads.
    pub here: bool,
    /// Somebody leads, this engine or another, as far as it has heard.
    #[serde(default)]
    pub led: bool,
    /// It has read its journal to the end since it began.
    #[serde(default)]
    pub journal_read: bool,
    /// It leads, and has read all that the log holds.
    pub caught_up: bool,
    /// The leader's epoch.
    pub epoch: u64,
    /// How far it is behind.
    pub lag_ms: Millis,
    /// What is wrong with it and what to do, if something is.
    pub trouble: Option<String>,
    /// The journal.
    pub journal: Option<JournalId>,
}

/// Nodes by whether they live.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field counts the state that it is named after")]
pub struct NodeCounts {
    pub ready: u32,
    pub suspect: u32,
    pub lost: u32,
    pub gone: u32,
}

/// A pool at a glance.
pub fn summary(id: &PoolId, pool: &Pool, leader: LeaderView, position: u64) -> PoolView {
    let mut nodes = NodeCounts::default();
    let (mut slots, mut used) = (0_u32, 0_u32);
    for node in pool.nodes.values() {
        *match node.presence {
            Presence::Ready => &mut nodes.ready,
            Presence::Suspect => &mut nodes.suspect,
            Presence::Lost => &mut nodes.lost,
            Presence::Gone => &mut nodes.gone,
        } += 1;
        if node.presence.is_present() {
            slots = slots.saturating_add(node.slots);
            used = used.saturating_add(node.used_slots());
        }
    }
    let open = pool.executions.len().saturating_sub(pool.ended.len());
    PoolView {
        pool: id.clone(),
        leader,
        nodes,
        slots,
        used,
        emergencies: pool.emergencies.iter().cloned().collect(),
        open: u32::try_from(open).unwrap_or(u32::MAX),
        executions: u32::try_from(pool.executions.len()).unwrap_or(u32::MAX),
        parked: pool.executions.values().map(|e| e.counts.parked).sum(),
        recoveries: u32::try_from(pool.open_recoveries.len()).unwrap_or(u32::MAX),
        settings: pool.settings,
        position,
    }
}
