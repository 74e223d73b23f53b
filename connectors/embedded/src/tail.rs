//! The tail: the newest records of a stream in memory, and the positions that the stream holds as readers see it.
//!
//! A durable stream publishes into it what has been synced, and reads what is older from its store; for a soft stream
//! the tail is all there is.

use std::collections::VecDeque;
use std::ops::Range;

use protocol::log::{NewRecord, Page, Record};

/// What a record costs in memory beside its bytes.
const OVERHEAD: usize = 120;

/// The end of a stream.
#[derive(Debug)]
pub struct Tail {
    held: Range<u64>,
    records: VecDeque<Record>,
    bytes: usize,
    most_bytes: usize,
    most_records: usize,
}

impl Tail {
    /// The tail of a stream that holds these positions, with none of its records in memory.
    pub fn new(held: Range<u64>, most_bytes: usize, most_records: usize) -> Self {
        Self { held, records: VecDeque::new(), bytes: 0, most_bytes, most_records }
    }

    /// The positions that the stream holds.
    pub fn held(&self) -> Range<u64> {
        self.held.clone()
    }

    /// The positions that are in memory.
    pub fn in_memory(&self) -> Range<u64> {
        self.held.end - self.records.len() as u64..self.held.end
    }

    /// Publishes one more record at the end.
    pub fn push(&mut self, record: NewRecord) {
        let NewRecord { key, header, value } = record;
        let record = Record { position: self.held.end, key, header, value, appended: None };
        self.held.end += 1;
        self.bytes += size(&record);
        self.records.push_back(record);
        while self.most_bytes < self.bytes || self.most_records < self.records.len() {
            self.pop();
        }
    }

    /// Moves the start.
    pub fn cut(&mut self, start: u64) {
        self.held.start = start.clamp(self.held.start, self.held.end);
        while self.in_memory().start < self.held.start && !self.records.is_empty() {
            self.pop();
        }
    }

    /// The stream holds this instead, by the word of its store.
    pub fn reset(&mut self, held: Range<u64>) {
        *self = Self::new(held, self.most_bytes, self.most_records);
    }

    /// A page from a position in memory, or from the end.
    pub fn page(&self, position: u64, bytes: usize) -> Page {
        let skip = position.saturating_sub(self.in_memory().start);
        let mut room = bytes;
        let mut records = Vec::new();
        for record in self.records.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)) {
            if !records.is_empty() && room < size(record) {
                break;
            }
            room = room.saturating_sub(size(record));
            records.push(record.clone());
        }
        let next = records.last().map_or(position, |last| last.position + 1);
        Page { records, next, end: self.held.end }
    }

    fn pop(&mut self) {
        if let Some(oldest) = self.records.pop_front() {
            self.bytes -= size(&oldest);
        }
    }
}

/// What a record counts for against a bound on bytes.
pub fn size(record: &Record) -> usize {
    OVERHEAD + record.key.len() + record.header.len() + record.value.len()
}

/// What a record that is to be appended counts for.
pub fn new_size(record: &NewRecord) -> usize {
    OVERHEAD + record.key.len() + record.header.len() + record.value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_keeps_the_newest_within_both_bounds() {
        let mut tail = Tail::new(5..5, 3 * (OVERHEAD + 10), 100);
        for n in 0..10_u8 {
            tail.push(NewRecord { value: vec![n; 10], ..NewRecord::default() });
        }
        assert_eq!((tail.held(), tail.in_memory()), (5..15, 12..15));
        let mut tail = Tail::new(0..0, 1 << 20, 2);
        for _ in 0..10 {
            tail.push(NewRecord::default());
        }
        assert_eq!((tail.held(), tail.in_memory()), (0..10, 8..10));
    }

    #[test]
    fn pages_hold_at_least_one_record_and_end_at_the_end() {
        let mut tail = Tail::new(0..0, 1 << 20, 100);
        for n in 0..3_u8 {
            tail.push(NewRecord { value: vec![n; 100], ..NewRecord::default() });
        }
        let positions = |page: Page| page.records.iter().map(|r| r.position).collect::<Vec<_>>();
        assert_eq!(positions(tail.page(0, 0)), [0]);
        assert_eq!(positions(tail.page(1, 1 << 20)), [1, 2]);
        assert_eq!(tail.page(3, 1 << 20), Page { records: vec![], next: 3, end: 3 });
        tail.cut(2);
        assert_eq!((tail.held(), tail.in_memory()), (2..3, 2..3));
        tail.cut(9);
        assert_eq!((tail.held(), tail.in_memory()), (3..3, 3..3));
    }
}
