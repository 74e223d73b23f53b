//! What the nodes wrote down against what they reported and what the journal says of it: nothing that was acknowledged
//! is lost, nothing was reported that did not run, and nobody else ran it.

use std::collections::{BTreeMap, BTreeSet};

use model::{BootId, LeaseId, NodeId, ReportKind};
use sim::check::evidence::Watched;
use sim::check::facts::Facts;
use sim::check::model::Model;

/// Most findings of one kind.
const MOST: usize = 10;

/// Each boot's reports are in the topic from the first to its last: a node sends them in order, until acknowledged.
pub fn sequences(facts: &Facts, out: &mut Vec<String>) {
    let mut boots: BTreeMap<(&NodeId, &BootId), (u64, u64)> = BTreeMap::new();
    for (node, boot, seq) in facts.by_key.keys() {
        let (count, last) = boots.entry((node, boot)).or_default();
        (*count, *last) = (*count + 1, (*last).max(*seq));
    }
    for ((node, boot), (count, last)) in boots.into_iter().filter(|(_, (count, last))| count != last) {
        out.push(format!("I11: {node} {boot} reported up to {last}, and only {count} of that are in the topic"));
    }
}

/// What was taken in was reported so, and nothing else was; when all is over each such attempt has one end.
pub fn reports(facts: &Facts, nodes: &[Watched<'_>], settled: bool, out: &mut Vec<String>) {
    let mut findings = Vec::new();
    let (mut accepted, mut finished) = (BTreeMap::new(), BTreeMap::new());
    for ((node, boot, seq), report) in &facts.by_key {
        let count = match &report.kind {
            ReportKind::Accepted { lease } => accepted.entry((node, *lease)),
            ReportKind::Finished { lease, .. } => finished.entry((node, *lease)),
            ReportKind::Hello(_)
            | ReportKind::Refused { .. }
            | ReportKind::Started { .. }
            | ReportKind::Progress { .. }
            | ReportKind::Checkpoint { .. }
            | ReportKind::Results { .. }
            | ReportKind::Goodbye { .. } => continue,
        };
        count.or_insert_with(Vec::new).push((boot, *seq));
    }
    let ran = ran(nodes);
    let spans = nodes.iter().flat_map(|node| node.ledger.ran.iter().map(move |(lease, ran)| (node.name, *lease, ran)));
    let began: BTreeSet<(&NodeId, LeaseId)> =
        spans.filter(|(_, _, ran)| !ran.spans.is_empty()).map(|(node, lease, _)| (node, lease)).collect();
    for (node, lease) in &ran {
        let times = |of: &BTreeMap<(&NodeId, LeaseId), Vec<_>>| of.get(&(*node, *lease)).map_or(0, Vec::len);
        let (begun, ended) = (times(&accepted), times(&finished));
        // Killed in the very moment: it is in the ledger, and was not on the disk yet, so it counts for nothing.
        let never = begun == 0 && ended == 0 && !began.contains(&(*node, *lease));
        if 1 < begun || 1 < ended || settled && !never && (begun != 1 || ended != 1) {
            findings.push(format!("I11: {node} took {lease} in; reported {begun} times, its end {ended} times"));
        }
    }
    let names: BTreeSet<&NodeId> = nodes.iter().map(|node| node.name).collect();
    let forged = accepted.keys().filter(|(name, lease)| names.contains(name) && !ran.contains(&(*name, *lease)));
    findings.extend(forged.map(|(name, lease)| format!("I2: {name} reported {lease}, and never took it in")));
    findings.truncate(MOST);
    out.append(&mut findings);
}

/// What counts as accepted was taken in by the node to which it was granted.
pub fn journal(model: &Model, nodes: &[Watched<'_>], out: &mut Vec<String>) {
    let ran = ran(nodes);
    let missing = model.leases.iter().filter(|(lease, known)| known.accepted && !ran.contains(&(&known.node, **lease)));
    let words =
        missing.map(|(lease, known)| format!("I2: {lease} counts as accepted by {}, who never had it", known.node));
    out.extend(words.take(MOST));
}

fn ran<'a>(nodes: &[Watched<'a>]) -> BTreeSet<(&'a NodeId, LeaseId)> {
    nodes.iter().flat_map(|node| node.ledger.ran.keys().map(|lease| (node.name, *lease))).collect()
}
