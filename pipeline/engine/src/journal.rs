//! Reading the journal by entry numbers: admitted entries only, by the same rules as everyone.

use model::LeaderId;
use model::record::{Entry, Header};
use protocol::Replica;
use protocol::log::{Log, ReadError, Stream, Topic};

/// A mark is kept for each so many entries.
const EVERY: u64 = 256;
/// Bytes of one read.
const PAGE: usize = 4 * 1024 * 1024;
/// The partition's journal.
pub const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };

/// A place in the journal from which admission can be followed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The number of the last entry before it.
    pub seq: u64,
    /// Where to read on.
    pub position: u64,
    /// The announcement that counts there.
    pub counted: Option<(u64, LeaderId)>,
}

impl Mark {
    /// Where a replica stands.
    pub fn of(replica: &Replica) -> Self {
        Self { seq: replica.seq, position: replica.position, counted: replica.counted.clone() }
    }
}

/// Marks of a journal, oldest first.
#[derive(Debug)]
pub struct Marks {
    marks: Vec<Mark>,
}

impl Marks {
    /// With the journal's beginning and one place more.
    pub fn new(mark: Mark) -> Self {
        let first = (mark.seq > 0).then(Mark::default);
        Self { marks: first.into_iter().chain([mark]).collect() }
    }

    /// Notes where a replica stands, now and then.
    pub fn note(&mut self, replica: &Replica) {
        if self.marks.last().is_some_and(|last| replica.seq >= last.seq + EVERY) {
            self.marks.push(Mark::of(replica));
        }
    }

    /// The last mark before an entry.
    pub fn before(&self, seq: u64) -> Mark {
        let after = self.marks.partition_point(|mark| mark.seq < seq.max(1));
        self.marks.get(after.saturating_sub(1)).cloned().unwrap_or_default()
    }
}

/// Admitted entries from a number on, at most so many.
pub fn entries(log: &dyn Log, mut mark: Mark, from: u64, limit: usize) -> Result<Vec<(u64, Entry)>, String> {
    let mut entries = Vec::new();
    while entries.len() < limit {
        let page = match log.read(JOURNAL, mark.position, PAGE) {
            Ok(page) => page,
            Err(ReadError::Cut { start, .. }) if mark.position < start => {
                return Err(format!("the journal before position {start} is gone"));
            }
            Err(error) => return Err(error.to_string()),
        };
        if page.records.is_empty() && page.next >= page.end {
            break;
        }
        mark.position = page.next;
        for record in page.records {
            let Ok(header) = serde_json::from_slice::<Header>(&record.header) else { continue };
            match header {
                Header::Announced { epoch, leader } => {
                    if mark.counted.as_ref().is_none_or(|(counted, _)| *counted < epoch) {
                        mark.counted = Some((epoch, leader));
                    }
                }
                Header::Entry { epoch, leader, seq } => {
                    let counts = mark.counted.as_ref().is_some_and(|(e, l)| *e == epoch && *l == leader);
                    if !counts || seq != mark.seq + 1 {
                        continue;
                    }
                    mark.seq = seq;
                    if seq >= from && entries.len() < limit {
                        entries.push((seq, serde_json::from_slice(&record.value).map_err(|e| e.to_string())?));
                    }
                }
                Header::Resigned { .. } | Header::Beat { .. } => {}
            }
        }
    }
    Ok(entries)
}
