//! What the input streams hold, read once from their bytes: who reported what, which beat held what.

use std::collections::BTreeMap;

use model::report::{Heartbeat, Report};
use model::{BootId, LeaseId, NodeId};
use protocol::log::Topic;

use crate::log::Tapes;

/// A report by node, boot and number.
pub type ReportKey = (NodeId, BootId, u64);

/// The inputs.
#[derive(Debug, Default)]
pub struct Facts {
    /// Each record of `reports` that can be read, by position; with since when it is visible.
    pub reports: BTreeMap<u64, (u64, Report)>,
    /// The first such record of each report.
    pub by_key: BTreeMap<ReportKey, Report>,
    /// Positions of `reports` and of `requests` that hold something that cannot be read.
    pub poison: [Vec<u64>; 2],
    /// Beats: since when each copy is visible, and what it held.
    pub beats: BTreeMap<(NodeId, BootId, u64), Beat>,
    /// Signs of life by node and boot: when each became visible, in order.
    pub signs: BTreeMap<(NodeId, BootId), Vec<u64>>,
}

/// A beat.
#[derive(Debug, Clone, Default)]
pub struct Beat {
    /// Since when each copy is visible.
    pub copies: Vec<u64>,
    /// What the node held.
    pub holds: Vec<LeaseId>,
}

/// Reads all inputs.
pub fn read(tapes: &Tapes) -> Facts {
    let mut facts = Facts::default();
    for stored in tapes.of(Topic::Reports).all() {
        match serde_json::from_slice::<Report>(&stored.record.value) {
            Ok(report) => {
                let (node, boot) = (report.node.clone(), report.boot.clone());
                facts.signs.entry((node.clone(), boot.clone())).or_default().push(stored.visible);
                facts.by_key.entry((node, boot, report.seq)).or_insert_with(|| report.clone());
                facts.reports.insert(stored.record.position, (stored.visible, report));
            }
            Err(_) => facts.poison[0].push(stored.record.position),
        }
    }
    for stored in tapes.of(Topic::Requests).all() {
        if serde_json::from_slice::<model::Request>(&stored.record.value).is_err() {
            facts.poison[1].push(stored.record.position);
        }
    }
    for stored in tapes.of(Topic::Heartbeats).all() {
        let Ok(beat) = serde_json::from_slice::<Heartbeat>(&stored.record.value) else { continue };
        let (node, boot) = (beat.node, beat.boot);
        facts.signs.entry((node.clone(), boot.clone())).or_default().push(stored.visible);
        let known = facts.beats.entry((node, boot, beat.beat)).or_default();
        known.copies.push(stored.visible);
        known.holds = beat.holds;
    }
    facts.signs.values_mut().for_each(|signs| signs.sort_unstable());
    facts
}
