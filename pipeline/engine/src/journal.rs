//! Reading the journal by entry numbers: admitted entries only, by the same rules as everyone.
//!
//! Whether an entry is admitted is known only to who followed the journal up to it. So places are marked from which
//! that can be followed on: as the partition's thread comes by, and as a reader passes who comes from far. The journal
//! is read from its beginning once in the life of an engine at the most; a mark costs some 100 bytes of memory for
//! each [`EVERY`] entries on the disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use model::LeaderId;
use model::record::{Entry, Header};
use protocol::Replica;
use protocol::log::{Log, ReadError, Stream};

/// A mark is kept for each so many entries.
const EVERY: u64 = 256;
/// Bytes of one read.
const PAGE: usize = 256 * 1024;

/// Why entries cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalError {
    /// They were trimmed.
    Gone {
        /// The first position that is still held.
        start: u64,
    },
    /// The log cannot be read now; the text says what to do.
    Failed(String),
    /// An admitted entry is no JSON of ours.
    Damaged {
        /// Its number.
        seq: u64,
        /// What is wrong.
        why: String,
    },
}

impl std::fmt::Display for JournalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone { start } => write!(f, "the journal before position {start} is gone"),
            Self::Failed(why) => write!(f, "the journal cannot be read: {why}"),
            Self::Damaged { seq, why } => write!(f, "entry {seq} of the journal cannot be read: {why}"),
        }
    }
}

impl std::error::Error for JournalError {}

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

    /// Takes the header of the next record in; says whether that is an admitted entry.
    fn admits(&mut self, position: u64, header: Header) -> bool {
        self.position = position + 1;
        match header {
            Header::Announced { epoch, leader } => {
                if self.counted.as_ref().is_none_or(|(counted, _)| *counted < epoch) {
                    self.counted = Some((epoch, leader));
                }
                false
            }
            Header::Entry { epoch, leader, seq } => {
                let counts = self.counted.as_ref().is_some_and(|(e, l)| *e == epoch && *l == leader);
                let admitted = counts && seq == self.seq + 1;
                self.seq += u64::from(admitted);
                admitted
            }
            Header::Resigned { .. } | Header::Beat { .. } => false,
        }
    }
}

/// Marks of a journal.
#[derive(Debug)]
pub struct Marks {
    /// The journal that they are places of.
    journal: Stream,
    /// By the number of the last entry before each.
    marks: Mutex<BTreeMap<u64, Mark>>,
    /// Who reads from far; one at a time, since the next one finds the marks of the last.
    far: Mutex<()>,
}

impl Marks {
    /// With the journal's beginning and one place more.
    pub fn new(journal: Stream, mark: Mark) -> Self {
        let marks = [Mark::default(), mark].map(|mark| (mark.seq, mark));
        Self { journal, marks: Mutex::new(marks.into()), far: Mutex::default() }
    }

    /// Notes where a replica stands, now and then.
    pub fn note(&self, replica: &Replica) {
        self.insert(replica.seq, || Mark::of(replica));
    }

    /// Admitted entries from a number up to another, at most so many. Blocks while it reads.
    pub fn entries(
        &self,
        log: &dyn Log,
        [from, last]: [u64; 2],
        limit: usize,
    ) -> Result<Vec<(u64, Entry)>, JournalError> {
        let mut mark = self.before(from);
        let _turn;
        if mark.seq + 2 * EVERY < from {
            _turn = self.far.lock().unwrap_or_else(PoisonError::into_inner);
            mark = self.before(from);
        }
        let mut noted = mark.seq;
        let mut entries = Vec::new();
        while from <= last && mark.seq < last && entries.len() < limit {
            let page = log.past(self.journal, mark.position, PAGE).map_err(|error| match error {
                ReadError::Cut { start, .. } if mark.position < start => JournalError::Gone { start },
                error @ (ReadError::Cut { .. } | ReadError::Failed(_)) => JournalError::Failed(error.to_string()),
            })?;
            if page.records.is_empty() && page.next >= page.end {
                break;
            }
            for record in page.records {
                let Ok(header) = serde_json::from_slice::<Header>(&record.header) else { continue };
                if !mark.admits(record.position, header) {
                    continue;
                }
                if noted + EVERY <= mark.seq {
                    noted = mark.seq;
                    self.insert(noted, || mark.clone());
                }
                if (from..=last).contains(&mark.seq) && entries.len() < limit {
                    let damaged =
                        |error: serde_json::Error| JournalError::Damaged { seq: mark.seq, why: error.to_string() };
                    entries.push((mark.seq, serde_json::from_slice(&record.value).map_err(damaged)?));
                }
            }
            mark.position = page.next;
        }
        Ok(entries)
    }

    /// The last mark before an entry.
    fn before(&self, seq: u64) -> Mark {
        last_up_to(&self.lock(), seq.saturating_sub(1)).cloned().unwrap_or_default()
    }

    /// Keeps a mark, unless one stands close before it.
    fn insert(&self, seq: u64, mark: impl FnOnce() -> Mark) {
        let mut marks = self.lock();
        if last_up_to(&marks, seq).is_none_or(|last| last.seq + EVERY <= seq) {
            marks.insert(seq, mark());
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Mark>> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last_up_to(marks: &BTreeMap<u64, Mark>, seq: u64) -> Option<&Mark> {
    marks.range(..=seq).next_back().map(|(_, mark)| mark)
}

#[cfg(test)]
mod tests;
