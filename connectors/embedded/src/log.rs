//! The log itself: all streams of a data folder behind the contract of [`protocol::log::Log`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bell::Bell;
use model::record::Topic;
use protocol::log::{AppendError, Done, Figures, Log, NewRecord, Page, ReadError, Stream};

use crate::durable::Durable;
use crate::folder::Folder;
use crate::options::Options;
use crate::queue::{Answer, Append};
use crate::soft::Soft;
use crate::storage::Storage;
use crate::trouble::OpenError;
use crate::writer;

/// A log in a data folder of one process. Dropping it writes what is queued, then closes the files.
pub struct EmbeddedLog {
    streams: BTreeMap<Stream, Kind>,
    writers: Vec<JoinHandle<()>>,
    bell: Arc<Bell>,
}

enum Kind {
    Durable(Arc<Durable>),
    Soft(Soft),
}

impl EmbeddedLog {
    /// Opens the log of a data folder, which is made if need be, and verifies every file in it.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        Self::on(Arc::new(Folder::open(folder, options.reserve_bytes)?), options)
    }

    /// Opens a log on a storage of one's own.
    pub fn on(storage: Arc<dyn Storage>, options: &Options) -> Result<Self, OpenError> {
        let mut log = Self { streams: BTreeMap::new(), writers: Vec::new(), bell: Arc::new(Bell::new()) };
        for partition in 0..options.partitions {
            for (topic, _) in Topic::ALL {
                let stream = Stream { topic, partition };
                let kind = match topic {
                    Topic::Heartbeats | Topic::Commands => Kind::Soft(Soft::new(options)),
                    Topic::Requests | Topic::Reports | Topic::Journal | Topic::Rejects => {
                        let durable = Durable::open(stream, storage.clone(), log.bell.clone(), options)?;
                        Kind::Durable(log.start(stream, durable)?)
                    }
                };
                log.streams.insert(stream, kind);
            }
        }
        Ok(log)
    }

    fn start(&mut self, stream: Stream, durable: Durable) -> Result<Arc<Durable>, OpenError> {
        let durable = Arc::new(durable);
        let writes = durable.clone();
        let writer = thread::Builder::new()
            .name(format!("log {stream}"))
            .spawn(move || writer::run(&writes))
            .map_err(|error| OpenError::Io(format!("{error}: no thread for the writer of {stream}")))?;
        self.writers.push(writer);
        Ok(durable)
    }

    fn end(&self, stream: Stream) -> u64 {
        self.range(stream).map_or(0, |held| held.end)
    }
}

impl Log for EmbeddedLog {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        match self.streams.get(&to) {
            None => done(Err(AppendError::Refused(no_stream(to)))),
            Some(Kind::Soft(soft)) => {
                let positions = soft.append(records);
                self.bell.ring();
                done(Ok(positions));
            }
            Some(Kind::Durable(durable)) => durable.append(Append { records, done: Answer::to(done) }),
        }
    }

    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        match self.streams.get(&from) {
            None => Err(ReadError::Failed(no_stream(from))),
            Some(Kind::Soft(soft)) => Ok(soft.read(position, bytes)),
            Some(Kind::Durable(durable)) => durable.read(position, bytes),
        }
    }

    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        match self.streams.get(&of) {
            None => Err(ReadError::Failed(no_stream(of))),
            Some(Kind::Soft(soft)) => Ok(soft.held()),
            Some(Kind::Durable(durable)) => Ok(durable.held()),
        }
    }

    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        self.bell.wait(|| streams.iter().any(|(stream, position)| *position < self.end(*stream)), at_most);
    }

    fn wake(&self) {
        self.bell.wake();
    }

    /// Queues the trim: it is done in steps, between appends.
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        match self.streams.get(&of) {
            None => return Err(AppendError::Refused(no_stream(of))),
            Some(Kind::Soft(soft)) => soft.trim(before),
            Some(Kind::Durable(durable)) => durable.trim(before),
        }
        Ok(())
    }

    fn figures(&self) -> Figures {
        let mut figures = Figures::default();
        for kind in self.streams.values() {
            match kind {
                Kind::Durable(durable) => {
                    let (records, bytes) = durable.queue.waiting();
                    figures.waiting_records += records as u64;
                    figures.waiting_bytes += bytes as u64;
                }
                Kind::Soft(_) => {}
            }
        }
        figures
    }
}

impl Drop for EmbeddedLog {
    fn drop(&mut self) {
        for kind in self.streams.values() {
            match kind {
                Kind::Durable(durable) => durable.queue.close(),
                Kind::Soft(_) => {}
            }
        }
        for writer in self.writers.drain(..) {
            // A callback may hold the last reference to the log: a writer cannot wait for itself.
            if writer.thread().id() != thread::current().id() {
                let _ = writer.join();
            }
        }
    }
}

fn no_stream(stream: Stream) -> String {
    format!("there is no stream {stream}: the partition is out of range")
}
