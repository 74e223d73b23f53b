//! What could not be used, kept for people in the topic `rejects`: the newest, and no more than a bound.

use model::JournalId;
use protocol::log::{Log, NewRecord, Stream, Topic};
use serde_json::json;

/// Rejects that are kept. Each has at most a few KiB.
const KEPT: u64 = 20_000;

/// The record of an input that never reached the log: as those of the journal, with its text in place of a position.
/// The same text has the same id again.
pub fn record(journal: Option<JournalId>, topic: Topic, text: &str, reason: &str) -> NewRecord {
    let (journal, topic) = (journal.unwrap_or(JournalId(0)), topic.word());
    let hash = model::hash::fnv1a(text.bytes());
    let id = format!("{journal}-gateway-{topic}-{hash}");
    let value = json!({
        "id": id, "pool": "unknown", "topic": topic, "position": null, "hash": hash, "reason": reason, "text": text,
    });
    NewRecord { key: b"unknown".to_vec(), header: Vec::new(), value: value.to_string().into_bytes() }
}

/// Drops the oldest of a partition's rejects, when there are a tenth too many.
pub fn trim(log: &dyn Log, rejects: Stream) {
    let Ok(held) = log.range(rejects) else { return };
    let before = held.end.saturating_sub(KEPT);
    if held.start + KEPT / 10 < before
        && let Err(error) = log.trim(rejects, before)
    {
        tracing::warn!(%error, "rejects could not be trimmed");
    }
}

#[cfg(test)]
mod tests {
    use embedded::EmbeddedLog;

    use super::*;

    const REJECTS: Stream = Stream { topic: Topic::Rejects, partition: 0 };

    #[test]
    fn the_newest_are_kept_and_one_text_has_one_id() {
        let folder = tempfile::tempdir().unwrap();
        let log = EmbeddedLog::open(folder.path(), &embedded::Options::default()).unwrap();
        let one = record(None, Topic::Reports, "nonsense", "it is no JSON");
        assert_eq!(one, record(None, Topic::Reports, "nonsense", "it is no JSON"));
        assert_ne!(one.value, record(None, Topic::Reports, "other", "it is no JSON").value);
        let mut appended = 0;
        while appended <= KEPT + KEPT / 10 {
            assert_eq!(log.range(REJECTS).unwrap().start, 0, "not yet too many");
            let (tell, told) = std::sync::mpsc::sync_channel(1);
            let records = vec![NewRecord::default(); 1_000];
            appended += 1_000;
            log.append(REJECTS, records, Box::new(move |outcome| tell.send(outcome).unwrap()));
            told.recv().unwrap().unwrap();
            trim(&log, REJECTS);
        }
        while log.range(REJECTS).unwrap().start < appended - KEPT {
            std::thread::yield_now();
        }
        assert_eq!(log.range(REJECTS).unwrap(), appended - KEPT..appended);
    }
}
