//! Provenance: each input that an entry consumed has left its trace, once.

use std::collections::{BTreeMap, BTreeSet};

use model::{Body, By};

use super::admission::Admitted;
use super::facts::{Facts, ReportKey};
use crate::history::History;

/// Checks all entries.
pub fn check(admitted: &Admitted, facts: &Facts, out: &mut Vec<String>) {
    let mut marked: BTreeMap<ReportKey, u64> = BTreeMap::new();
    let mut effective: BTreeSet<ReportKey> = BTreeSet::new();
    let (mut from, mut rejected) = (0, BTreeSet::new());
    for at in &admitted.entries {
        for event in &at.entry.events {
            if let Body::InputRejected { topic, position, .. } = &event.event {
                rejected.insert((topic.clone(), *position));
            }
            let By::Node { node, boot, seq } = &event.by else { continue };
            let key = (node.clone(), boot.clone(), *seq);
            let stale = matches!(event.event, Body::ReportStale { .. } | Body::InputRejected { .. });
            if !stale && !effective.insert(key.clone()) {
                out.push(format!("I9: the report {key:?} has an effect twice, entry {}", at.seq));
            }
            marked.insert(key, at.seq);
        }
        let upto = at.entry.consumed.reports;
        for (position, (visible, report)) in facts.reports.range(from..upto.max(from)) {
            let key = (report.node.clone(), report.boot.clone(), report.seq);
            let told = marked.contains_key(&key) || rejected.contains(&("reports".to_owned(), *position));
            if !told {
                out.push(format!(
                    "I10: the report {key:?} at {position} was consumed without a trace, entry {}",
                    at.seq
                ));
            }
            if *visible > at.visible {
                out.push(format!("I9: entry {} consumes what was not visible yet", at.seq));
            }
        }
        from = from.max(upto);
    }
    let last = admitted.entries.last().map(|at| at.entry.consumed).unwrap_or_default();
    for (topic, poison, upto) in
        [("reports", &facts.poison[0], last.reports), ("requests", &facts.poison[1], last.requests)]
    {
        let missing = poison.iter().find(|p| **p < upto && !rejected.contains(&(topic.to_owned(), **p)));
        if let Some(position) = missing {
            out.push(format!("I10: {topic}/{position} cannot be read, and no reject says so"));
        }
    }
    out.truncate(40);
}

/// A new leader dispatches nothing before it has consumed all reports that waited when it began.
pub fn watermark(admitted: &Admitted, facts: &Facts, out: &mut Vec<String>) {
    for at in &admitted.entries {
        if !at.entry.events.iter().any(|event| matches!(event.event, Body::AttemptDispatched(_))) {
            continue;
        }
        let upto = at.entry.consumed.reports;
        let waits = facts.reports.range(upto..).find(|(_, (visible, _))| *visible <= at.led_since);
        if let Some((position, _)) = waits {
            out.push(format!("P6: entry {} dispatches while reports/{position} waits since before its leader", at.seq));
            return;
        }
    }
}

/// The rejects of an entry are out after so long, whatever becomes of the first try.
const REJECTED: u64 = 30_000;

/// Each input that was rejected stands in `rejects`, at least once.
pub fn rejects_are_out(admitted: &Admitted, history: &History, end: u64, out: &mut Vec<String>) {
    let told: BTreeSet<&(String, u64)> = history.rejects.iter().collect();
    let due = admitted.entries.iter().filter(|at| at.visible + REJECTED < end);
    let events = due.flat_map(|at| &at.entry.events);
    for event in events {
        if let Body::InputRejected { topic, position, .. } = &event.event
            && !told.contains(&(topic.clone(), *position))
        {
            out.push(format!("I10: {topic}/{position} was rejected, and `rejects` does not say so"));
            return;
        }
    }
}
