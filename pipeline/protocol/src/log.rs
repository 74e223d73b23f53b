//! What the engine asks of a log: durable appends, reads in order, and an honest word about what was cut.
//!
//! Three implementations pass one conformance suite: Kafka, the embedded log and the simulated one. The rules:
//!
//! - A record is returned by [`Log::read`] only when it is durable: it survives SIGKILL and power loss.
//! - Records of one stream keep their order and never change; positions grow but may have gaps.
//! - Records of one [`Log::append`] call stand together and in their order; all of them if it succeeds, none if it is
//!   refused. One that failed may stand in part: a log on a network may take the first of them and not the rest.
//! - An append whose outcome says "failed" may still become durable later (a log on a network cannot know); one that
//!   says "refused" never does.
//! - A cut below a reader's position, or above it (the end moved backwards), is reported before any other record.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use model::Timestamp;

pub use model::record::Topic;

/// One topic of one partition: the unit of order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The topic.
    pub topic: Topic,
    /// The partition, from 0.
    pub partition: u32,
}

/// A record to be appended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewRecord {
    /// Pool, or pool and node.
    pub key: Vec<u8>,
    /// Small; empty outside the journal.
    pub header: Vec<u8>,
    /// JSON.
    pub value: Vec<u8>,
}

/// A durable record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the stream.
    pub position: u64,
    /// Pool, or pool and node.
    pub key: Vec<u8>,
    /// Small; empty outside the journal.
    pub header: Vec<u8>,
    /// JSON.
    pub value: Vec<u8>,
    /// When the log took it, by the log's own clock, where it has one.
    pub appended: Option<Timestamp>,
}

/// What one read returns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Records in order; empty when nothing stands at or after the position yet.
    pub records: Vec<Record>,
    /// Where to read on: after the last record, or beyond a gap.
    pub next: u64,
    /// The stream's end at the time of the read: the position that the next append will get at the earliest. Of a log
    /// on a network it is what that told last, up to a second ago.
    pub end: u64,
}

/// Why an append did not become durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppendError {
    /// The disk is full: nothing was written. It heals when there is room.
    Full {
        /// What to do, for people.
        advice: String,
    },
    /// It was refused for good: too large, a stream that does not exist, a log that is closed.
    Refused(String),
    /// It failed, or nobody knows: it may have been written.
    Failed(String),
}

/// Why a read returned nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// Records at the position are gone: the stream now holds `start..end` only.
    Cut {
        /// Where the reader stood.
        position: u64,
        /// The first position that is still held.
        start: u64,
        /// The end.
        end: u64,
    },
    /// It failed; the text says what to do.
    Failed(String),
}

/// How a log does, for an administrator.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Records that wait to become durable.
    pub waiting_records: u64,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Where the log is elsewhere: how it is reached.
    pub remote: Option<Remote>,
}

/// How a log on a network is reached, over the last seconds or since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remote {
    /// Brokers that are known.
    pub brokers: u64,
    /// Those of them that are connected.
    pub brokers_up: u64,
    /// The slowest broker's round trip, 99th percentile of the last seconds, in microseconds.
    pub round_trip_p99_us: u64,
    /// Bytes sent since the start.
    pub sent_bytes: u64,
    /// Bytes received since the start.
    pub received_bytes: u64,
    /// Requests that failed or were given up since the start.
    pub errors: u64,
}

/// Called once with the outcome of an append: the position of each record, or why not. It must not block.
pub type Done = Box<dyn FnOnce(Result<Vec<u64>, AppendError>) + Send>;

/// A log of streams, shared by all threads of an engine.
pub trait Log: Send + Sync {
    /// Appends records to a stream and calls `done` when they are durable or not. Does not wait; appends to one
    /// stream by one thread become durable in the order of the calls. Queued records are bounded: beyond the bound
    /// `done` is called at once with [`AppendError::Failed`].
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done);

    /// Reads from a position on, up to about `bytes` of values and at least one record if there is one. On a network it
    /// fails when the log has told nothing for longer than a second or so: an end that is older would be no news.
    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError>;

    /// The positions that a stream holds.
    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError>;

    /// Reads as [`Log::read`] does, for who looks at what was: a log that reads ahead for who follows a stream's end is
    /// not disturbed by it.
    fn past(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        self.read(from, position, bytes)
    }

    /// The first record that a stream holds, if it holds any; without disturbing either.
    fn first(&self, of: Stream) -> Result<Option<Record>, ReadError> {
        let mut held = self.range(of)?;
        while !held.is_empty() {
            match self.past(of, held.start, 1) {
                // It was trimmed meanwhile.
                Err(ReadError::Cut { start, .. }) if held.start < start => held = self.range(of)?,
                read => return Ok(read?.records.into_iter().next()),
            }
        }
        Ok(None)
    }

    /// Waits until one of the streams holds a record at or after its position, [`Log::wake`] was called, or the time
    /// has passed. Says nothing about which: read and see. Spurious returns are allowed.
    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration);

    /// Ends all waits under way.
    fn wake(&self);

    /// Drops records before a position, sometime. Never moves the end.
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError>;

    /// How it does, known without asking anybody.
    fn figures(&self) -> Figures {
        Figures::default()
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic.word(), self.partition)
    }
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full { advice } => write!(f, "no room on the disk: {advice}"),
            Self::Refused(why) => write!(f, "append refused: {why}"),
            Self::Failed(why) => write!(f, "append failed: {why}"),
        }
    }
}

impl std::error::Error for AppendError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { position, start, end } => {
                write!(f, "records at {position} are gone: the stream holds {start}..{end}")
            }
            Self::Failed(why) => write!(f, "read failed: {why}"),
        }
    }
}

impl std::error::Error for ReadError {}
