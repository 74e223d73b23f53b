//! A soft stream: heartbeats and commands, in memory only, the oldest dropped when there are too many.
//!
//! Whoever reads one lives by what comes next, not by what was: beats repeat, and commands are sent again until a beat
//! shows them. So a soft stream never reports a cut: a read from a position that is not held any more, or that belongs
//! to a former life of the log, goes on at the oldest record. Its positions start at the clock's microseconds rather
//! than at 0, so those of a former life are lower, and a reader that kept one misses nothing.

use std::ops::Range;
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::log::{NewRecord, Page};

use crate::options::Options;
use crate::tail::Tail;

/// A soft stream.
pub struct Soft {
    tail: RwLock<Tail>,
}

impl Soft {
    /// An empty stream.
    pub fn new(options: &Options) -> Self {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let base = u64::try_from(micros).unwrap_or(0);
        Self { tail: RwLock::new(Tail::new(base..base, options.soft_bytes, options.soft_records)) }
    }

    /// The positions that it holds.
    pub fn held(&self) -> Range<u64> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner).in_memory()
    }

    /// Takes records; older ones may go.
    pub fn append(&self, records: Vec<NewRecord>) -> Vec<u64> {
        let mut tail = self.tail.write().unwrap_or_else(PoisonError::into_inner);
        let first = tail.held().end;
        for record in records {
            tail.push(record);
        }
        (first..tail.held().end).collect()
    }

    /// Reads a page; from the oldest record on, if the position is not held.
    pub fn read(&self, position: u64, bytes: usize) -> Page {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let Range { start, end } = tail.in_memory();
        let from = if end < position { start } else { position.max(start) };
        tail.page(from, bytes)
    }

    /// Drops records before a position.
    pub fn trim(&self, before: u64) {
        self.tail.write().unwrap_or_else(PoisonError::into_inner).cut(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_of_a_soft_stream_is_never_stopped_by_what_is_gone() {
        let options = Options { soft_records: 3, ..Options::default() };
        let before = Soft::new(&options);
        let old = before.append(vec![NewRecord::default(); 10]);
        assert_eq!(before.held(), old[7]..old[9] + 1, "the oldest are gone");
        assert_eq!(before.read(old[0], 1 << 20).records[0].position, old[7], "reading goes on behind them");
        let after = std::iter::repeat_with(|| Soft::new(&options)).find(|soft| old[9] < soft.held().start).unwrap();
        assert_eq!(after.read(old[9] + 1, 100).next, after.held().end, "a position of a former life");
        let new = after.append(vec![NewRecord::default(); 2]);
        for position in [0, old[9] + 1, u64::MAX] {
            assert_eq!(after.read(position, 1 << 20).records.len(), 2, "from {position}");
        }
        assert_eq!(after.read(new[1], 1 << 20).records.len(), 1);
        after.trim(new[1]);
        assert_eq!(after.held(), new[1]..new[1] + 1);
    }
}
