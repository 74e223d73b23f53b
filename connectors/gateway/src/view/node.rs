//! Nodes: whether they live, what they have, what runs there.

use std::collections::BTreeMap;

use model::{BootId, NodeId, PoolId};
use operators::state::{Node, Pool, Presence};
use serde::{Deserialize, Serialize};

use super::lock::running;
use super::recovery::recovery_id;
use crate::Moment;

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub node: NodeId,
    /// Its pool.
    pub pool: PoolId,
    /// Whether it lives.
    pub state: NodeState,
    /// Since when.
    pub since: Moment,
    /// Its present boot.
    pub boot: BootId,
    /// All its slots.
    pub slots: u32,
    /// Slots that are taken.
    pub used: u32,
    /// Its memory in MiB; 0 is unknown.
    pub memory_mb: u64,
    /// Memory that is taken, in MiB.
    pub used_memory_mb: u64,
    /// Its zone.
    pub zone: String,
    /// Verdicts wait, since its zone went silent as a whole.
    pub zone_emergency: bool,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Attempts that ended there.
    pub tried: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// What runs there, as `EXECUTION/TASK@ATTEMPT`.
    pub running: Vec<String>,
    /// The report of its last loss, as `r-31`.
    pub recovery: Option<String>,
    /// How many attempts that loss ended.
    pub moved: Option<u32>,
}

/// Whether a node lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeState {
    /// It is heard.
    Ready,
    /// It has been silent for long; its leases still hold.
    Suspect,
    /// It is given up.
    Lost,
    /// It said goodbye.
    Gone,
}

/// The last recovery of each node: its number.
pub fn last_recoveries(pool: &Pool) -> BTreeMap<NodeId, u32> {
    pool.recoveries.iter().map(|(number, recovery)| (recovery.node.clone(), *number)).collect()
}

/// One node. `recoveries` are those of [`last_recoveries`].
pub fn node(id: &PoolId, pool: &Pool, name: &NodeId, recoveries: &BTreeMap<NodeId, u32>) -> Option<NodeView> {
    let node = pool.nodes.get(name)?;
    let recovery = recoveries.get(name).and_then(|number| Some((*number, pool.recoveries.get(number)?)));
    Some(NodeView {
        node: name.clone(),
        pool: id.clone(),
        state: NodeState::from(node.presence),
        since: Moment(node.since),
        boot: node.boot.clone(),
        slots: node.slots,
        used: node.used_slots(),
        memory_mb: node.memory_mb,
        used_memory_mb: node.leases.values().fold(0, |sum, (_, memory_mb)| sum.saturating_add(*memory_mb)),
        zone: node.zone.clone(),
        zone_emergency: pool.emergencies.contains(&node.zone),
        labels: node.labels.clone(),
        tried: node.tried.0,
        failed: node.tried.1,
        running: running_there(pool, node),
        recovery: recovery.map(|(number, _)| recovery_id(number)),
        moved: recovery.map(|(_, r)| r.attempts),
    })
}

fn running_there(pool: &Pool, node: &Node) -> Vec<String> {
    let named = node.leases.keys().filter_map(|lease| running(pool, *pool.leases.get(lease)?));
    named.collect()
}

impl NodeState {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Suspect => "suspect",
            Self::Lost => "lost",
            Self::Gone => "gone",
        }
    }
}

impl From<Presence> for NodeState {
    fn from(presence: Presence) -> Self {
        match presence {
            Presence::Ready => Self::Ready,
            Presence::Suspect => Self::Suspect,
            Presence::Lost => Self::Lost,
            Presence::Gone => Self::Gone,
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Body, Millis, Priority};

    use super::*;
    use crate::view::example::{World, pool, task};
    use crate::view::recovery::recovery;

    #[test]
    fn a_lost_node_names_its_recovery_which_names_what_moved() {
        let mut world = World::new(vec![task("a", &[], Priority::Medium)], &[]);
        world.joins("n1", 2);
        world.ready(0);
        let lease = world.runs(0, "n1");
        let name: NodeId = "n1".parse().unwrap();
        let told = |world: &World| {
            let view = node(&pool(), world.pool(), &name, &last_recoveries(world.pool())).unwrap();
            (view.state, view.used, view.running.join(" "), view.recovery, view.moved)
        };
        assert_eq!(told(&world), (NodeState::Ready, 1, "web-1/a@1".to_owned(), None, None));
        let (boot, silent_ms) = ("b1".parse().unwrap(), Millis(2_000));
        let evidence = "n2 was heard".to_owned();
        world.happens(Body::NodeLost { node: name.clone(), boot, silent_ms, evidence, recovery: 31 });
        world.lost(0, "n1", lease, 31);
        assert_eq!(told(&world), (NodeState::Lost, 0, String::new(), Some("r-31".to_owned()), Some(1)));
        let report = recovery(world.pool(), 31).unwrap();
        assert_eq!((report.moved.join(" "), report.open.join(" ")), ("web-1/a@1".to_owned(), "web-1/a".to_owned()));
        assert_eq!((report.phases.noticed_ms, report.phases.progress_ms), (Some(Millis(2_000)), None));
        assert!(report.goals_met && !report.done);
    }
}
