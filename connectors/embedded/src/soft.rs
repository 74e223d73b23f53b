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
