//! Records for `rejects`: each with an id made of its entry, so that one that goes out twice is known again.

use model::JournalId;
use operators::state::Unsent;

use crate::log::NewRecord;
use crate::partition::Out;
use crate::replica::Replica;

/// The rejects of one entry, or all that are not known to be out.
pub fn rejects(replica: &Replica, of: Option<u64>, out: &mut Vec<Out>) {
    let journal = replica.journal.unwrap_or(JournalId(0));
    let newest_first = replica.state.unsent.iter().rev();
    let wanted: Vec<&Unsent> = newest_first.take_while(|unsent| of.is_none_or(|seq| seq == unsent.seq)).collect();
    for Unsent { seq, pool, topic, position, hash, reason } in wanted.into_iter().rev() {
        let id = format!("{journal}-{seq}-{topic}-{position}");
        let value = serde_json::json!({
            "id": id, "pool": pool, "topic": topic, "position": position, "hash": hash, "reason": reason,
        });
        let record = NewRecord { key: pool.as_str().into(), header: Vec::new(), value: value.to_string().into_bytes() };
        out.push(Out::Reject { record, seq: *seq });
    }
}
