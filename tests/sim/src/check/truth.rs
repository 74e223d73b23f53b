//! The nodes' own ledgers against the journal: what really ran, from when to when.

use std::collections::BTreeMap;

use model::{LeaseId, LockId, NodeId};

use super::evidence::Watched;
use super::model::Model;

/// Checks the ledgers.
pub fn check(model: &Model, nodes: &[Watched<'_>], out: &mut Vec<String>) {
    accepted_once(nodes, out);
    voids(model, nodes, out);
    for node in nodes {
        slots(node, out);
    }
    locks(model, nodes, out);
}

fn accepted_once(nodes: &[Watched<'_>], out: &mut Vec<String>) {
    let mut by: BTreeMap<LeaseId, (usize, &NodeId)> = BTreeMap::new();
    for (index, node) in nodes.iter().enumerate() {
        out.extend(node.ledger.twice.iter().map(|lease| format!("I2: {} took {lease} in twice", node.name)));
        for lease in node.ledger.ran.keys() {
            if let Some(other) = by.insert(*lease, (index, node.name)) {
                out.push(format!("I2: the nodes {other:?} and {:?} both took {lease} in", (index, node.name)));
            }
        }
    }
}

/// What was taken back never ran; what was found missing had ended.
fn voids(model: &Model, nodes: &[Watched<'_>], out: &mut Vec<String>) {
    for node in nodes {
        for (lease, ran) in &node.ledger.ran {
            let Some(known) = model.leases.get(lease) else {
                out.push(format!("P3: {} runs {lease}, which no admitted entry granted", node.name));
                continue;
            };
            if known.unseen {
                out.push(format!(
                    "I2: {lease} was taken back as unseen, but {} took it in at {}",
                    node.name, ran.accepted
                ));
            }
            if let Some(missing) = known.missing
                && let Some((_, to)) = ran.spans.last()
                && to.is_none_or(|to| to > missing)
            {
                out.push(format!(
                    "I2: {lease} was given up as missing at {missing}, but ran on {} until {to:?}",
                    node.name
                ));
            }
        }
    }
}

/// Spans as points where something begins or ends; ends come first.
fn points(spans: impl Iterator<Item = (u64, u64, i64)>) -> Vec<(u64, i64)> {
    let mut points: Vec<(u64, i64)> =
        spans.filter(|(from, to, _)| from < to).flat_map(|(from, to, n)| [(from, n), (to, -n)]).collect();
    points.sort_unstable();
    points
}

fn most(points: &[(u64, i64)]) -> (i64, u64) {
    let (mut sum, mut most, mut at) = (0, 0, 0);
    for (when, n) in points {
        sum += n;
        if sum > most {
            (most, at) = (sum, *when);
        }
    }
    (most, at)
}

fn slots(node: &Watched<'_>, out: &mut Vec<String>) {
    let spans = node.ledger.ran.values().flat_map(|ran| {
        let slots = i64::from(ran.slots);
        ran.spans.iter().map(move |(from, to)| (*from, to.unwrap_or(u64::MAX), slots))
    });
    let (most, at) = most(&points(spans));
    if most > i64::from(node.slots) {
        out.push(format!("I15: {} runs {most} slots at {at}, it has {}", node.name, node.slots));
    }
}

/// At most as many holders of a lock really run at once as it has permits.
fn locks(model: &Model, nodes: &[Watched<'_>], out: &mut Vec<String>) {
    let mut by_lock: BTreeMap<&LockId, Vec<(u64, u64, i64)>> = BTreeMap::new();
    for node in nodes {
        for (lease, ran) in &node.ledger.ran {
            let Some(known) = model.leases.get(lease) else { continue };
            for (lock, permits) in &known.needs.locks {
                let spans = ran.spans.iter().map(|(from, to)| (*from, to.unwrap_or(u64::MAX), i64::from(*permits)));
                by_lock.entry(lock).or_default().extend(spans);
            }
        }
    }
    for (lock, spans) in by_lock {
        let size = model.locks.get(lock).map_or(0, |(size, _)| i64::from(*size));
        let (most, at) = most(&points(spans.into_iter()));
        if most > size {
            out.push(format!("I15: {lock} has {size} permits, {most} were really held at {at}"));
        }
    }
}
