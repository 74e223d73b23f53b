//! Taps: records of the journal for who makes something of all of them, as the partition reads them anyway.
//!
//! A tap holds so much and no more; who is too slow finds it closed, reads on from the log, and opens it again. Nobody
//! waits for who listens.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::log::{Page, Record};

/// Most bytes that a tap holds.
const MAX_BYTES: usize = 4 << 20;

/// A partition's tap; shared by the partition's thread and one that listens.
#[derive(Debug, Default)]
pub struct Tap {
    flow: Mutex<Flow>,
    bell: Arc<Bell>,
}

/// What wakes who listens to the taps of all partitions.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    wakes: Condvar,
}

#[derive(Debug, Default)]
struct Flow {
    open: bool,
    records: VecDeque<Record>,
    bytes: usize,
    /// Where the partition reads on.
    next: u64,
}

impl Tap {
    /// Of a partition that reads from here on.
    pub fn new(next: u64, bell: Arc<Bell>) -> Self {
        Self { flow: Mutex::new(Flow { next, ..Flow::default() }), bell }
    }

    /// What the partition has read.
    pub fn put(&self, page: &Page) {
        let mut flow = self.lock();
        flow.next = page.next;
        if !flow.open || page.records.is_empty() {
            return;
        }
        flow.bytes += page.records.iter().map(size).sum::<usize>();
        if flow.bytes > MAX_BYTES {
            flow.close();
        } else {
            flow.records.extend(page.records.iter().cloned());
        }
        drop(flow);
        self.bell.ring();
    }

    /// Opens it: all records from this position on will come, until it is closed.
    pub fn open(&self) -> u64 {
        let mut flow = self.lock();
        flow.close();
        flow.open = true;
        flow.next
    }

    /// What came since; none if it is closed.
    pub fn take(&self) -> Option<Vec<Record>> {
        let mut flow = self.lock();
        flow.bytes = 0;
        flow.open.then(|| flow.records.drain(..).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Flow {
    fn close(&mut self) {
        (self.open, self.bytes) = (false, 0);
        self.records.clear();
    }
}

impl Bell {
    /// Waits until it rings, or has rung since the last wait; at most so long.
    pub fn wait(&self, at_most: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.wakes.wait_timeout_while(rung, at_most, |rung| !*rung);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }

    /// Wakes who waits, or who waits next.
    pub fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.wakes.notify_one();
    }
}

fn size(record: &Record) -> usize {
    record.key.len() + record.header.len() + record.value.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(positions: std::ops::Range<u64>, bytes: usize) -> Page {
        let record =
            |position| Record { position, key: Vec::new(), header: Vec::new(), value: vec![0; bytes], appended: None };
        Page { records: positions.clone().map(record).collect(), next: positions.end, end: positions.end }
    }

    #[test]
    fn all_that_comes_after_it_was_opened_is_taken_once_and_in_order() {
        let tap = Tap::new(7, Arc::default());
        tap.put(&page(7..9, 1));
        assert_eq!(tap.take(), None, "it is closed");
        assert_eq!(tap.open(), 9);
        tap.put(&page(9..11, 1));
        tap.put(&page(11..11, 1));
        tap.put(&page(11..12, 1));
        let positions = |records: Vec<Record>| records.iter().map(|record| record.position).collect::<Vec<_>>();
        assert_eq!(tap.take().map(positions), Some(vec![9, 10, 11]));
        assert_eq!(tap.take().map(positions), Some(vec![]));
    }

    #[test]
    fn one_that_nobody_empties_closes_and_says_where_it_goes_on() {
        let tap = Tap::new(0, Arc::default());
        assert_eq!(tap.open(), 0);
        tap.put(&page(0..4, 1 << 20));
        tap.put(&page(4..5, 1));
        assert_eq!(tap.take(), None);
        tap.put(&page(5..6, 1));
        assert_eq!((tap.take(), tap.open()), (None, 6));
    }
}
