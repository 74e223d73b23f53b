//! Driving a log from a test: append and wait for the outcome, read until all is there.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use protocol::log::{AppendError, Log, NewRecord, ReadError, Record, Stream, Topic};

use crate::subject::Subject;

/// The outcome of one append.
pub type Outcome = Result<Vec<u64>, AppendError>;

/// A log under test.
#[derive(Clone)]
pub struct Driven {
    /// The log.
    pub log: Arc<dyn Log>,
    patience: Duration,
}

/// A stream of a durable topic.
pub fn stream(topic: Topic, partition: u32) -> Stream {
    Stream { topic, partition }
}

/// A record whose value is a text.
pub fn record(value: &str) -> NewRecord {
    NewRecord { key: b"pool".to_vec(), header: Vec::new(), value: value.as_bytes().to_vec() }
}

/// The values of records, as texts.
pub fn texts(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| String::from_utf8_lossy(&record.value).into_owned()).collect()
}

impl Driven {
    /// Of a fresh log.
    pub fn fresh(subject: &mut dyn Subject) -> Self {
        Self { log: subject.fresh(), patience: subject.patience() }
    }

    /// Of the same log after a restart.
    pub fn reopened(self, subject: &mut dyn Subject) -> Self {
        let patience = self.patience;
        drop(self);
        Self { log: subject.reopen(), patience }
    }

    /// Appends without waiting.
    pub fn send(&self, to: Stream, records: Vec<NewRecord>) -> Receiver<Outcome> {
        let (tell, told) = sync_channel(1);
        self.log.append(to, records, Box::new(move |outcome| drop(tell.try_send(outcome))));
        told
    }

    /// The outcome of an append that was sent.
    pub fn outcome(&self, told: &Receiver<Outcome>) -> Outcome {
        told.recv_timeout(self.patience).expect("an append is answered in time")
    }

    /// Appends and waits until it is acknowledged.
    pub fn append(&self, to: Stream, records: Vec<NewRecord>) -> Vec<u64> {
        let told = self.send(to, records);
        self.outcome(&told).expect("an append to a healthy log succeeds")
    }

    /// Appends records of these texts, each in a call of its own.
    pub fn append_each(&self, to: Stream, values: &[&str]) -> Vec<u64> {
        values.iter().flat_map(|value| self.append(to, vec![record(value)])).collect()
    }

    /// The stream's first position.
    pub fn start(&self, of: Stream) -> u64 {
        self.log.range(of).expect("a range can be asked").start
    }

    /// The stream's end.
    pub fn end(&self, of: Stream) -> u64 {
        self.log.range(of).expect("a range can be asked").end
    }

    /// Reads from a position until `count` records have come, in pages of `bytes`.
    pub fn read(&self, from: Stream, position: u64, count: usize, bytes: usize) -> Vec<Record> {
        let deadline = Instant::now() + self.patience;
        let (mut records, mut next) = (Vec::new(), position);
        while records.len() < count {
            let page = self.log.read(from, next, bytes).expect("what is held can be read");
            assert!(next <= page.next, "a page goes on at {} after {next}", page.next);
            assert!(page.next <= page.end, "a page goes on at {}, beyond the end {}", page.next, page.end);
            assert!(Instant::now() < deadline, "{} of {count} records came in time", records.len());
            if page.records.is_empty() {
                self.log.wait(&[(from, page.next)], Duration::from_millis(50));
            }
            next = page.next;
            records.extend(page.records);
        }
        records
    }

    /// Reads everything from the start to the end.
    pub fn read_all(&self, from: Stream) -> Vec<Record> {
        let held = self.log.range(from).expect("a range can be asked");
        let (mut records, mut next) = (Vec::new(), held.start);
        self.until("all is read", || {
            let page = self.log.read(from, next, 1 << 20).expect("what is held can be read");
            records.extend(page.records);
            next = page.next;
            held.end <= next
        });
        records
    }

    /// Waits until a read reports a cut.
    pub fn cut(&self, from: Stream, position: u64) -> ReadError {
        let mut cut = None;
        self.until("a cut is reported", || {
            cut = self.log.read(from, position, 1 << 20).err();
            cut.is_some()
        });
        cut.expect("it was waited for")
    }

    /// Waits until something is so.
    pub fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        let deadline = Instant::now() + self.patience;
        while !so() {
            assert!(Instant::now() < deadline, "in time: {what}");
            std::thread::yield_now();
        }
    }

    /// How long something that must happen may take.
    pub fn patience(&self) -> Duration {
        self.patience
    }
}
