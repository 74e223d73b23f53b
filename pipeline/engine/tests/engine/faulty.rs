//! A log that fails as it is told; what lies behind it may be shared by several engines.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded::EmbeddedLog;
use protocol::log::{AppendError, Done, Log, NewRecord, Page, ReadError, Stream, Topic};

/// An embedded log that fails as it is told.
pub struct Faulty {
    pub log: Arc<EmbeddedLog>,
    /// Reads of this topic fail.
    pub unreadable: Mutex<Option<Topic>>,
    /// Appends to this topic are refused.
    pub refused: Mutex<Option<Topic>>,
    /// The next read of this partition panics.
    pub panics: Mutex<Option<u32>>,
    /// The journal finds no room.
    pub full: AtomicBool,
    /// A read takes so many milliseconds.
    pub slow: AtomicU64,
    /// Nothing can be read, and what is appended is on its way until it is let through.
    pub cut: AtomicBool,
    late: Mutex<Vec<(Stream, Vec<NewRecord>, Done)>>,
}

impl Faulty {
    pub fn new(log: Arc<EmbeddedLog>) -> Self {
        Self {
            log,
            unreadable: Mutex::default(),
            refused: Mutex::default(),
            panics: Mutex::default(),
            full: false.into(),
            slow: 0.into(),
            cut: false.into(),
            late: Mutex::default(),
        }
    }

    /// Ends the cut: what was on its way arrives.
    pub fn mend(&self) -> usize {
        self.cut.store(false, Ordering::Relaxed);
        let late = std::mem::take(&mut *self.late.lock().unwrap());
        let count = late.len();
        for (to, records, done) in late {
            self.log.append(to, records, done);
        }
        count
    }
}

impl Log for Faulty {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        if to.topic == Topic::Journal && self.full.load(Ordering::Relaxed) {
            return done(Err(AppendError::Full { advice: "free some space".to_owned() }));
        }
        if *self.refused.lock().unwrap() == Some(to.topic) {
            return done(Err(AppendError::Refused("you may not".to_owned())));
        }
        if self.cut.load(Ordering::Relaxed) {
            return self.late.lock().unwrap().push((to, records, done));
        }
        self.log.append(to, records, done);
    }
    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let panics = *self.panics.lock().unwrap() == Some(from.partition);
        assert!(!panics, "tripped on purpose");
        if self.cut.load(Ordering::Relaxed) || *self.unreadable.lock().unwrap() == Some(from.topic) {
            return Err(ReadError::Failed("look at the disk".to_owned()));
        }
        std::thread::sleep(Duration::from_millis(self.slow.load(Ordering::Relaxed)));
        self.log.read(from, position, bytes)
    }
    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        self.log.range(of)
    }
    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        self.log.wait(streams, at_most);
    }
    fn wake(&self) {
        self.log.wake();
    }
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        self.log.trim(of, before)
    }
}
