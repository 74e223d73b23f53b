//! Records for `rejects`: each with an id made of its entry, so that one that goes out twice is known again.

use std::collections::BTreeMap;

use model::JournalId;
use operators::state::Unsent;

use crate::log::NewRecord;
use crate::partition::Out;
use crate::replica::Replica;

/// The rejects of one entry, or all that are not known to be out, by entry.
pub fn rejects(replica: &Replica, of: Option<u64>) -> Vec<Out> {
    let journal = replica.journal.unwrap_or(JournalId(0));
    let mut by_entry: BTreeMap<u64, Vec<NewRecord>> = BTreeMap::new();
    let all = &replica.state.unsent;
    let from = of.map_or(0, |seq| all.partition_point(|unsent| unsent.seq < seq));
    for unsent in all.range(from..).take_while(|unsent| of.is_none_or(|seq| seq == unsent.seq)) {
        by_entry.entry(unsent.seq).or_default().push(record(journal, unsent));
    }
    by_entry.into_iter().map(|(seq, records)| Out::Reject { records, seq }).collect()
}

fn record(journal: JournalId, unsent: &Unsent) -> NewRecord {
    let Unsent { seq, pool, topic, position, hash, reason } = unsent;
    let id = format!("{journal}-{seq}-{topic}-{position}");
    let value = serde_json::json!({
        "id": id, "pool": pool, "topic": topic, "position": position, "hash": hash, "reason": reason,
    });
    NewRecord { key: pool.as_str().into(), header: Vec::new(), value: value.to_string().into_bytes() }
}
