//! The simulated log: streams of bytes in memory, with every delay and doubt that a log on a network has.
//!
//! A record is *placed* at some time after it was appended, *visible* some time after that, and acknowledged before
//! or after. Positions may have gaps. Nothing that was visible changes or vanishes; a stream's start may be trimmed.
//! Which append is lost, doubled or late is decided by the world; here is only what a stream then looks like.
//!
//! [`real::RealLog`] puts the same streams behind the trait of all logs, in real time and without faults, so that
//! the suite of every log proves them.

pub mod real;

use std::collections::BTreeMap;

use protocol::log::{NewRecord, Page, ReadError, Record, Stream, Topic};

/// A record and since when readers see it.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Since when it is visible.
    pub visible: u64,
}

/// One stream.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    records: Vec<Stored>,
    start: u64,
    end: u64,
    visible: u64,
}

impl Tape {
    /// Places records together, after `gap` positions that hold nothing. Returns their positions and since when they
    /// are visible: never before what stands before them.
    pub fn place(&mut self, new: Vec<NewRecord>, gap: u64, visible: u64) -> (Vec<u64>, u64) {
        self.visible = self.visible.max(visible);
        self.end += gap;
        let mut positions = Vec::with_capacity(new.len());
        for NewRecord { key, header, value } in new {
            let record = Record { position: self.end, key, header, value, appended: None };
            self.records.push(Stored { record, visible: self.visible });
            positions.push(self.end);
            self.end += 1;
        }
        (positions, self.visible)
    }

    /// Keeps a record that stands in another log, at its own position, behind all that were kept before.
    pub fn keep(&mut self, record: Record, visible: u64) {
        (self.end, self.visible) = (record.position + 1, self.visible.max(visible));
        self.records.push(Stored { record, visible: self.visible });
    }

    /// Reads visible records from a position on.
    pub fn read(&self, position: u64, bytes: usize, now: u64) -> Result<Page, ReadError> {
        let end = self.end_at(now);
        if position < self.start || position > self.end {
            return Err(ReadError::Cut { position, start: self.start, end });
        }
        let (mut records, mut size) = (Vec::new(), 0);
        for stored in &self.records[self.index(position)..] {
            if stored.visible > now || (size >= bytes && !records.is_empty()) {
                break;
            }
            size += stored.record.value.len();
            records.push(stored.record.clone());
        }
        let next = records.last().map_or(position, |r: &Record| r.position + 1);
        // Beyond a gap at the end, if nothing else stands there.
        let next = if self.index(next) == self.visible_count(now) { next.max(end) } else { next };
        Ok(Page { records, next, end })
    }

    /// The end as readers see it.
    pub fn end_at(&self, now: u64) -> u64 {
        let count = self.visible_count(now);
        count.checked_sub(1).map_or(self.start, |last| self.records[last].record.position + 1).max(self.start)
    }

    /// When the next record that stands already becomes visible.
    pub fn next_visible(&self, now: u64) -> Option<u64> {
        self.records.get(self.visible_count(now)).map(|stored| stored.visible)
    }

    /// The first position that is held.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// Drops what stands before a position from the readers' view; the checker still sees it.
    pub fn trim(&mut self, before: u64) {
        self.start = self.start.max(before.min(self.end));
    }

    /// Every record that was ever placed, trimmed or not.
    pub fn all(&self) -> &[Stored] {
        &self.records
    }

    fn index(&self, position: u64) -> usize {
        self.records.partition_point(|s| s.record.position < position)
    }

    fn visible_count(&self, now: u64) -> usize {
        self.records.partition_point(|s| s.visible <= now)
    }
}

/// All streams.
#[derive(Debug, Clone, Default)]
pub struct Tapes(BTreeMap<Stream, Tape>);

impl Tapes {
    /// The streams of so many partitions.
    pub fn new(partitions: u32) -> Self {
        let streams = |partition| Topic::ALL.map(|(topic, _)| Stream { topic, partition });
        Self((0..partitions).flat_map(streams).map(|s| (s, Tape::default())).collect())
    }

    /// A stream, if it exists.
    pub fn get(&self, stream: Stream) -> Option<&Tape> {
        self.0.get(&stream)
    }

    /// A stream to be changed, if it exists.
    pub fn get_mut(&mut self, stream: Stream) -> Option<&mut Tape> {
        self.0.get_mut(&stream)
    }

    /// A stream of the world's one partition.
    pub fn of(&self, topic: Topic) -> &Tape {
        self.get(Stream { topic, partition: 0 }).expect("partition 0 has every topic")
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, topic: Topic) -> &mut Tape {
        self.get_mut(Stream { topic, partition: 0 }).expect("partition 0 has every topic")
    }
}
