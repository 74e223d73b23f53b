//! The simulated streams behind the trait of all logs: in real time, without faults, for the conformance suite.

use std::ops::Range;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::log::{AppendError, Done, Log, NewRecord, Page, ReadError, Stream};

use super::{Tape, Tapes};

/// A log in memory that lives as long as its last handle.
#[derive(Debug)]
pub struct RealLog {
    inner: Mutex<Inner>,
    bell: Condvar,
}

#[derive(Debug)]
struct Inner {
    tapes: Tapes,
    wakes: u64,
}

impl RealLog {
    /// An empty log.
    pub fn new(partitions: u32) -> Self {
        Self { inner: Mutex::new(Inner { tapes: Tapes::new(partitions), wakes: 0 }), bell: Condvar::new() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(stream: Stream) -> String {
    format!("there is no stream {stream}")
}

impl Inner {
    fn tape(&self, stream: Stream) -> Result<&Tape, ReadError> {
        self.tapes.get(stream).ok_or_else(|| ReadError::Failed(missing(stream)))
    }
}

impl Log for RealLog {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        let outcome = match self.inner().tapes.get_mut(to) {
            Some(tape) => Ok(tape.place(records, 0, 0).0),
            None => Err(AppendError::Refused(missing(to))),
        };
        self.bell.notify_all();
        done(outcome);
    }

    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        self.inner().tape(from)?.read(position, bytes, u64::MAX)
    }

    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        let inner = self.inner();
        let tape = inner.tape(of)?;
        Ok(tape.start()..tape.end_at(u64::MAX))
    }

    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        let inner = self.inner();
        let wakes = inner.wakes;
        let holds = |inner: &Inner, (stream, position): &(Stream, u64)| {
            inner.tapes.get(*stream).is_some_and(|tape| tape.end_at(u64::MAX) > *position)
        };
        let sleep = |inner: &mut Inner| inner.wakes == wakes && !streams.iter().any(|s| holds(inner, s));
        drop(self.bell.wait_timeout_while(inner, at_most, sleep));
    }

    fn wake(&self) {
        self.inner().wakes += 1;
        self.bell.notify_all();
    }

    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        let mut inner = self.inner();
        let tape = inner.tapes.get_mut(of).ok_or_else(|| AppendError::Refused(missing(of)))?;
        tape.trim(before);
        Ok(())
    }
}
