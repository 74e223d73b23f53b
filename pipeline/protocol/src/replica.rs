//! The replica: what the journal says to whoever reads it from the beginning, leader or not.
//!
//! An announcement counts only if its epoch is greater than every one counted before, and if it has as many partitions as
//! the first: who counts them otherwise reads other pools' inputs. An entry is admitted only if its epoch and leader are
//! those last counted and its sequence number, which goes on across epochs, is the next.
//! All else is ignored, by everyone alike: that is what makes a paused or partitioned old leader harmless.

use std::sync::Arc;

use model::record::{Announcement, Consumed, Entry, FORMAT, Header};
use model::{Event, JournalId, LeaderId, Timestamp};
use operators::State;
use operators::fold::When;
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::log::Record;
use crate::partition::Fault;

/// The fold of a journal's admitted records.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Replica {
    /// What the entries say.
    #[serde(skip)]
    pub state: State,
    /// The journal's id, from its first announcement.
    pub journal: Option<JournalId>,
    /// How many partitions there are, from the first announcement.
    pub partitions: u32,
    /// When the first announcement was made.
    pub first_announced: Timestamp,
    /// The announcement that counted last.
    pub counted: Option<(u64, LeaderId)>,
    /// The leader has resigned.
    pub resigned: bool,
    /// How many entries were admitted.
    pub seq: u64,
    /// Up to where the inputs are consumed.
    pub consumed: Consumed,
    /// The time of the last admitted entry or counted announcement.
    pub now: Timestamp,
    /// The next journal position to be read.
    pub position: u64,
    /// For tests: rules of admission that are left out, to prove that they are needed.
    #[serde(skip)]
    pub fault: Option<Fault>,
}

/// What a record of the journal turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// An announcement that counts.
    Counted {
        /// Its epoch.
        epoch: u64,
        /// Who announced.
        leader: LeaderId,
    },
    /// A sign of life of the counted leader.
    Beat,
    /// The counted leader has resigned.
    Resigned,
    /// An entry that was admitted and folded.
    Admitted(Arc<Entry>),
    /// Nothing that counts.
    Ignored(Option<Header>),
}

/// A moment of an entry that is folded: before one of its events, or after.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// The state of the moment.
    pub state: &'a State,
    /// All events of the entry.
    pub events: &'a [Event],
    /// The index of the event that is folded.
    pub index: usize,
    /// When and where the entry was decided.
    pub when: When,
    /// The event has been folded.
    pub folded: bool,
}

/// A record that this version cannot go on from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// A later version has written it.
    Newer {
        /// The format that it announced.
        format: u32,
    },
    /// An admitted record that is no JSON of ours.
    Damaged {
        /// Its position.
        position: u64,
        /// What is wrong.
        why: String,
    },
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Newer { format } => {
                write!(f, "the journal has format {format}, this version reads {FORMAT}: start a newer version")
            }
            Self::Damaged { position, why } => write!(f, "the journal's record {position} cannot be read: {why}"),
        }
    }
}

impl Replica {
    /// Reads the next record. `own` is the entry that the record holds if the reader wrote it and knows it still.
    pub fn read(&mut self, record: &Record, own: Option<Arc<Entry>>) -> Result<Reading, Unreadable> {
        self.read_watched(record, own, &mut |_| {})
    }

    /// The same, for who makes something of each event: `watch` sees the state before and after each.
    pub fn read_watched(
        &mut self,
        record: &Record,
        own: Option<Arc<Entry>>,
        watch: &mut dyn FnMut(Step<'_>),
    ) -> Result<Reading, Unreadable> {
        self.position = record.position + 1;
        let Ok(header) = serde_json::from_slice::<Header>(&record.header) else { return Ok(Reading::Ignored(None)) };
        let counted =
            |epoch: u64, leader: &LeaderId| self.counted.as_ref().is_some_and(|(e, l)| *e == epoch && l == leader);
        match &header {
            Header::Announced { epoch, leader } => {
                if self.counted.as_ref().is_some_and(|(counted, _)| counted >= epoch) {
                    return Ok(Reading::Ignored(Some(header)));
                }
                let announcement = parse::<Announcement>(record)?;
                if announcement.format > FORMAT {
                    return Err(Unreadable::Newer { format: announcement.format });
                }
                if self.journal.is_some() && announcement.partitions != self.partitions {
                    return Ok(Reading::Ignored(Some(header)));
                }
                self.announced(*epoch, leader.clone(), &announcement, record.appended);
                Ok(Reading::Counted { epoch: *epoch, leader: leader.clone() })
            }
            Header::Beat { epoch, leader } if counted(*epoch, leader) => Ok(Reading::Beat),
            Header::Resigned { epoch, leader } if counted(*epoch, leader) => {
                self.resigned = true;
                Ok(Reading::Resigned)
            }
            Header::Entry { epoch, leader, seq } if self.admits(*epoch, leader, *seq) => {
                let entry = match own {
                    Some(entry) => entry,
                    None => Arc::new(parse::<Entry>(record)?),
                };
                self.admit(&entry, watch);
                Ok(Reading::Admitted(entry))
            }
            Header::Beat { .. } | Header::Resigned { .. } | Header::Entry { .. } => Ok(Reading::Ignored(Some(header))),
        }
    }

    /// Whether an entry with this header would be admitted as the next record.
    pub fn admits(&self, epoch: u64, leader: &LeaderId, seq: u64) -> bool {
        let led = self.counted.as_ref().is_some_and(|(e, l)| *e == epoch && l == leader);
        let next = seq == self.seq + 1;
        (led || self.fault == Some(Fault::NoEpochCheck)) && (next || self.fault == Some(Fault::NoSequenceCheck))
    }

    fn announced(&mut self, epoch: u64, leader: LeaderId, announcement: &Announcement, appended: Option<Timestamp>) {
        let now = clock::held(announcement.now, appended);
        // A clock that is off the log's knows nothing of deadlines either.
        let shift = if now == announcement.now { announcement.clock_shift_ms } else { 0 };
        if self.journal.is_none() {
            self.journal = Some(announcement.journal);
            self.partitions = announcement.partitions;
            self.first_announced = now;
        }
        self.counted = Some((epoch, leader));
        self.resigned = false;
        if shift != 0 {
            self.state.shift(shift, now);
            self.first_announced.0 = self.first_announced.0.saturating_add_signed(shift);
            self.now = now;
        }
        self.now = self.now.max(now);
    }

    fn admit(&mut self, entry: &Entry, watch: &mut dyn FnMut(Step<'_>)) {
        self.seq += 1;
        self.consumed = entry.consumed;
        self.now = entry.now;
        let when = When { now: entry.now, seq: self.seq };
        for (index, event) in entry.events.iter().enumerate() {
            let events = &entry.events;
            watch(Step { state: &self.state, events, index, when, folded: false });
            operators::fold(&mut self.state, event, when);
            watch(Step { state: &self.state, events, index, when, folded: true });
        }
    }
}

/// Whose beginning a journal's first record is: the journal that its first announcement drew. None for a record that
/// announces nobody, as where the beginning was trimmed.
pub fn begins(first: &Record) -> Option<JournalId> {
    let Ok(Header::Announced { .. }) = serde_json::from_slice(&first.header) else { return None };
    parse::<Announcement>(first).ok().map(|announcement| announcement.journal)
}

fn parse<T: serde::de::DeserializeOwned>(record: &Record) -> Result<T, Unreadable> {
    let damaged = |e: serde_json::Error| Unreadable::Damaged { position: record.position, why: e.to_string() };
    serde_json::from_slice(&record.value).map_err(damaged)
}
