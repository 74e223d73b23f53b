//! Folding: a thread that reads the journals of all partitions into their landings, from the tap while it can keep up, from
//! the log while it cannot.
//!
//! Nothing is read or waited for while a landing is locked: who asks how the writer does would wait too. So a landing may
//! be another one by the time that its records are there, and is known by its position.

use std::sync::Arc;
use std::time::{Duration, Instant};

use protocol::log::{ReadError, Record};
use rows::{Landing, Table};

use crate::shared::{Shared, Source};
use crate::write::lock;

/// How long nothing may come before it looks whether it shall end.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long a journal that cannot be read is left alone.
const AGAIN: Duration = Duration::from_secs(1);

/// How a partition's journal is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the log, up to where the tap begins.
    Log { until: Option<u64> },
    /// From the tap.
    Tap,
    /// Not at all, for good.
    Stopped,
}

/// Who follows the journal of one partition.
struct Follower<'a> {
    shared: &'a Shared,
    partition: usize,
    way: Way,
    /// Where the landing is into which was read last.
    at: Option<u64>,
    /// It is left alone until then.
    rests: Option<Instant>,
}

/// Reads until it is told to stop.
pub fn run(shared: Arc<Shared>) {
    let follower =
        |partition| Follower { shared: &shared, partition, way: Way::Log { until: None }, at: None, rests: None };
    let mut followers: Vec<Follower<'_>> = (0..shared.parts.len()).map(follower).collect();
    while !shared.stops() {
        let mut more = false;
        for follower in &mut followers {
            more |= follower.step();
        }
        if !more {
            shared.engine.wait_for_taps(PATIENCE);
        }
    }
}

impl Follower<'_> {
    /// Reads a page, if there is one and room for what it makes; says whether there may be more.
    fn step(&mut self) -> bool {
        let knows = |landing: &Landing| (landing.replica().position, landing.is_full());
        let Some((position, is_full)) = lock(&self.shared.parts[self.partition]).as_ref().map(knows) else {
            return false;
        };
        if self.at != Some(position) {
            // It is another landing than the last one.
            (self.way, self.at, self.rests) = (Way::Log { until: None }, Some(position), None);
        }
        if is_full {
            self.shared.wants_room(self.partition);
        }
        if is_full || self.rests.is_some_and(|until| Instant::now() < until) {
            return false;
        }
        match self.way {
            Way::Stopped => false,
            Way::Tap => match self.shared.engine.take_from_tap(self.number()) {
                Some(records) => self.fold(&records) && !records.is_empty(),
                None => {
                    self.way = Way::Log { until: None };
                    true
                }
            },
            Way::Log { until } => self.read_on(position, until),
        }
    }

    fn read_on(&mut self, position: u64, until: Option<u64>) -> bool {
        let number = self.number();
        let until = until.unwrap_or_else(|| self.shared.engine.open_tap(number));
        self.way = Way::Log { until: Some(until) };
        if position >= until {
            self.way = Way::Tap;
            return true;
        }
        match self.shared.engine.past(number, position) {
            Ok(page) => {
                let folded = self.fold(&page.records);
                // Beyond a gap that holds no records at all.
                if folded && page.records.is_empty() && page.next >= until {
                    self.way = Way::Tap;
                }
                true
            }
            Err(ReadError::Cut { start, .. }) => self.cut(start),
            Err(ReadError::Failed(why)) => {
                self.has_trouble(format!("the journal cannot be read: {why}"));
                self.rest()
            }
        }
    }

    /// Folds records, unless the landing is another one by now; says whether that went well.
    fn fold(&mut self, records: &[Record]) -> bool {
        let mut part = lock(&self.shared.parts[self.partition]);
        let at = self.at;
        let Some(landing) = part.as_mut().filter(|landing| Some(landing.replica().position) == at) else {
            return false;
        };
        let first = landing.replica().position;
        let read = records.iter().filter(|record| first <= record.position).try_for_each(|record| {
            let reading = landing.read(record);
            reading.map(|_| ())
        });
        self.at = Some(landing.replica().position);
        drop(part);
        match read {
            Ok(()) => self.shared.is_well(Source::Journal(self.partition)),
            Err(unreadable) => {
                self.has_trouble(unreadable.to_string());
                self.way = Way::Stopped;
                return false;
            }
        }
        true
    }

    /// The journal no longer reaches back to where the landing is: what is in hand lands first, then what is gone is said,
    /// and the newest snapshot gone on from.
    fn cut(&mut self, start: u64) -> bool {
        let knows = |landing: &Landing| {
            let landed = Table::ALL.map(|table| landing.landed(table));
            (landing.bytes(), landed, landing.replica().seq)
        };
        let Some((bytes, landed, seq)) = lock(&self.shared.parts[self.partition]).as_ref().map(knows) else {
            return false;
        };
        if bytes > 0 {
            self.shared.wants_room(self.partition);
            return self.rest();
        }
        let replica = self.shared.engine.fold_up_to(self.number(), u64::MAX);
        if replica.position < start {
            self.has_trouble(format!(
                "the journal begins at {start}, and no snapshot reaches it: restore it from a copy"
            ));
            return self.rest();
        }
        // Each entry has rows of events: that table is as far as any, and others without news are not behind.
        let from = landed.into_iter().max().unwrap_or(0).max(seq) + 1;
        let to = replica.seq;
        if from <= to {
            let partition = self.partition;
            let why = "these entries were deleted from the journal before they had landed: the tables do not have them";
            tracing::error!(partition, from, to, "{why}");
        }
        let anew = Landing::new((self.number(), self.shared.engine.partitions()), replica, landed);
        let at = self.at;
        let mut part = lock(&self.shared.parts[self.partition]);
        if let Some(landing) = part.as_mut().filter(|landing| Some(landing.replica().position) == at) {
            *landing = anew;
        }
        true
    }

    fn rest(&mut self) -> bool {
        self.rests = Some(Instant::now() + AGAIN);
        false
    }

    fn has_trouble(&self, why: String) {
        self.shared.trouble(Source::Journal(self.partition), why);
    }

    fn number(&self) -> u32 {
        u32::try_from(self.partition).unwrap_or(u32::MAX)
    }
}
