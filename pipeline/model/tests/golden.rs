//! What was once written is read for ever, and written the same again: each kind of record stands in a file, as the
//! first version wrote it. A line may be added; one that changes breaks every journal that there is.

#![expect(clippy::unwrap_used, reason = "a golden line that cannot be read fails its test")]

use std::collections::BTreeSet;

use model::command::Order;
use model::record::Header;
use model::{Event, Heartbeat, Report, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads each line and writes it again; returns the kinds that were seen.
fn holds<T: DeserializeOwned + Serialize>(lines: &str, kind: &str) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for line in lines.lines() {
        let value: T = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(serde_json::to_string(&value).unwrap(), line);
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        kinds.insert(value.pointer(kind).and_then(|word| word.as_str()).unwrap().to_owned());
    }
    kinds
}

/// All kinds that a type knows: it says so to whoever asks for another.
fn known<T: DeserializeOwned>(line: &str) -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(line).err().unwrap().to_string();
    let listed = error.split_once("expected one of ").unwrap_or_else(|| panic!("{error}")).1;
    let words = listed.split('`').skip(1).step_by(2);
    words.map(str::to_owned).collect()
}

#[test]
fn each_event_of_the_journal_is_read_and_written_as_ever() {
    let seen = holds::<Event>(include_str!("golden/events.jsonl"), "/event/kind");
    assert_eq!(seen, known::<Event>(r#"{"pool":"p","event":{"kind":"another"}}"#));
}

#[test]
fn each_report_is_read_and_written_as_ever() {
    let lines = include_str!("golden/reports.jsonl");
    let (beats, reports): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| line.contains(r#""beat""#));
    let seen = holds::<Report>(&reports.join("\n"), "/kind");
    assert_eq!(seen, known::<Report>(r#"{"kind":"another","pool":"p","node":"n","boot":"b","seq":1}"#));
    for beat in &beats {
        let read = Heartbeat::read(beat.as_bytes()).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), *beat);
    }
    assert_eq!(beats.len(), 1);
}

#[test]
fn each_request_is_read_and_written_as_ever() {
    let seen = holds::<Request>(include_str!("golden/requests.jsonl"), "/ask/ask");
    let unknown = r#"{"pool":"p","key":"k","who":"ann","at":1,"ask":{"ask":"another"}}"#;
    assert_eq!(seen, known::<Request>(unknown));
}

#[test]
fn each_order_and_header_is_read_and_written_as_ever() {
    let seen = holds::<Order>(include_str!("golden/orders.jsonl"), "/kind");
    assert_eq!(seen, known::<Order>(r#"{"kind":"another"}"#));
    let seen = holds::<Header>(include_str!("golden/headers.jsonl"), "/record");
    assert_eq!(seen, known::<Header>(r#"{"record":"another"}"#));
}
