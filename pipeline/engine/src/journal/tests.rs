//! What it costs to read a long journal.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use embedded::EmbeddedLog;
use model::record::Consumed;
use protocol::log::{AppendError, Done, NewRecord, Page, Topic};

use super::*;

/// A log that counts the records that it gives out.
struct Counting(EmbeddedLog, AtomicU64);

impl Log for Counting {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        self.0.append(to, records, done);
    }
    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let page = self.0.read(from, position, bytes)?;
        self.1.fetch_add(page.records.len() as u64, Ordering::Relaxed);
        Ok(page)
    }
    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        self.0.range(of)
    }
    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        self.0.wait(streams, at_most);
    }
    fn wake(&self) {
        self.0.wake();
    }
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        self.0.trim(of, before)
    }
}

const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };
const ENTRIES: u64 = 20_000;

/// A journal of two leaders; the first one's last entries come too late to count.
fn journal(folder: &std::path::Path) -> (Counting, Mark) {
    let log = EmbeddedLog::open(folder, &embedded::Options::default()).unwrap();
    let header = |header: &Header| serde_json::to_vec(header).unwrap();
    let [old, new] = ["l1", "l2"].map(|name| LeaderId::new(name).unwrap());
    let entry = |(epoch, leader): (u64, &LeaderId), seq| {
        let entry = Entry { now: model::Timestamp(seq), consumed: Consumed::default(), events: Vec::new() };
        let header = header(&Header::Entry { epoch, leader: leader.clone(), seq });
        NewRecord { key: Vec::new(), header, value: serde_json::to_vec(&entry).unwrap() }
    };
    let announced = |epoch, leader: &LeaderId| {
        let header = header(&Header::Announced { epoch, leader: leader.clone() });
        NewRecord { key: Vec::new(), header, value: b"{}".to_vec() }
    };
    let half = ENTRIES / 2;
    let mut records = vec![announced(1, &old)];
    records.extend((1..=half).map(|seq| entry((1, &old), seq)));
    records.push(announced(2, &new));
    records.extend((half + 1..half + 400).map(|seq| entry((1, &old), seq)));
    records.extend((half + 1..=ENTRIES).map(|seq| entry((2, &new), seq)));
    let position = records.len() as u64;
    for some in records.chunks(2_000) {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        log.append(JOURNAL, some.to_vec(), Box::new(move |outcome| tell.send(outcome).unwrap()));
        told.recv().unwrap().unwrap();
    }
    (Counting(log, AtomicU64::new(0)), Mark { seq: ENTRIES, position, counted: Some((2, new)) })
}

#[test]
fn a_long_journal_is_paged_through_after_a_restart_without_reading_it_anew_for_each_page() {
    let folder = tempfile::tempdir().unwrap();
    let (log, end) = journal(folder.path());
    let marks = Marks::new(JOURNAL, end);
    let (mut next, mut pages) = (1, 0);
    while next <= ENTRIES {
        let page = marks.entries(&log, [next, ENTRIES], 128).unwrap();
        let numbers: Vec<u64> = page.iter().map(|(seq, _)| *seq).collect();
        assert!(page.iter().all(|(seq, entry)| entry.now.0 == *seq), "those that count");
        assert_eq!(numbers, (next..=ENTRIES.min(next + 127)).collect::<Vec<_>>());
        next += page.len() as u64;
        pages += 1;
    }
    // A page reads on a little further than it needs.
    let read = log.1.load(Ordering::Relaxed);
    assert!(read < pages * 4_000, "{read} records were read for {pages} pages");
    assert_eq!(marks.entries(&log, [ENTRIES + 1, ENTRIES], 128), Ok(Vec::new()));
}

#[test]
fn what_is_asked_for_from_far_is_sought_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, end) = journal(folder.path());
    let marks = Marks::new(JOURNAL, end);
    let cost = |seq| {
        let before = log.1.load(Ordering::Relaxed);
        let found = marks.entries(&log, [seq, ENTRIES], 1).unwrap();
        assert_eq!(found.first().map(|(found, _)| *found), Some(seq));
        log.1.load(Ordering::Relaxed) - before
    };
    assert!(cost(ENTRIES - 1) > ENTRIES / 2, "from the beginning");
    for seq in [ENTRIES - 1, ENTRIES - 500, ENTRIES / 2 + 1, 7, ENTRIES] {
        assert!(cost(seq) < 4_000, "{seq}");
    }
}
