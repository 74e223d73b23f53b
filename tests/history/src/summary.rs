//! What a history holds, counted from its records alone: a table for people, and what tests ask.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use model::event::NodeJoined;
use model::record::{Entry, Header};
use model::{Body, BootId, Event, NodeId, PoolId};
use operators::recovery;
use protocol::log::Record;

/// Milliseconds of a day.
const DAY: u64 = 86_400_000;

/// Counts of a history. Each table has the words of the journal as its keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Announcements.
    pub announcements: u64,
    /// Entries.
    pub entries: u64,
    /// Bytes of headers and bodies.
    pub bytes: u64,
    /// The body of the largest entry, in bytes.
    pub largest_bytes: usize,
    /// The most events of one entry.
    pub most_events: usize,
    /// Entries by how many events they hold.
    pub sizes: Table,
    /// Events by kind.
    pub kinds: Table,
    /// Days on which an execution began.
    pub days: BTreeSet<u64>,
    /// Rounds by how they ended.
    pub rounds: Table,
    /// Attempts by outcome.
    pub attempts: Table,
    /// Failures by class.
    pub failures: Table,
    /// Decisions by action.
    pub decisions: Table,
    /// Recoveries by cause.
    pub recoveries: Table,
    /// What became of nodes.
    pub nodes: Table,
    known: BTreeSet<(PoolId, u32)>,
    lost: BTreeMap<NodeId, BootId>,
}

/// How often each word occurs.
pub type Table = BTreeMap<String, u64>;

impl Summary {
    /// Counts all records.
    pub fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut summary = Self::default();
        records.into_iter().for_each(|record| summary.count(&record));
        summary
    }

    /// Counts a record.
    ///
    /// # Panics
    /// If it is none of ours.
    pub fn count(&mut self, record: &Record) {
        self.bytes += (record.header.len() + record.value.len()) as u64;
        let header = serde_json::from_slice(&record.header).expect("headers are ours");
        match header {
            Header::Announced { .. } => self.announcements += 1,
            Header::Resigned { .. } | Header::Beat { .. } => {}
            Header::Entry { .. } => {
                self.entries += 1;
                self.largest_bytes = self.largest_bytes.max(record.value.len());
                let entry: Entry = serde_json::from_slice(&record.value).expect("entries are ours");
                self.most_events = self.most_events.max(entry.events.len());
                add(&mut self.sizes, size_word(entry.events.len()));
                for event in &entry.events {
                    self.event(event, entry.now.0);
                }
            }
        }
    }

    /// How many events there are.
    pub fn events(&self) -> u64 {
        self.kinds.values().sum()
    }

    fn event(&mut self, event: &Event, now: u64) {
        let body = &event.event;
        add(&mut self.kinds, body.word());
        if let Body::ExecutionStarted { .. } = body {
            self.days.insert(now / DAY);
        } else if let Body::ExecutionEnded { state, .. } = body {
            add(&mut self.rounds, &word(state));
        } else if let Body::AttemptEnded(ended) = body {
            add(&mut self.attempts, &word(&ended.outcome));
            let cause = ended.end.as_ref().map_or("", |end| recovery::reported(end.cause));
            self.recovery(&event.pool, ended.recovery, cause);
        } else if let Body::FailureClassified(failure) = body {
            add(&mut self.failures, failure.class.word());
        } else if let Body::RetryDecided(decided) = body {
            add(&mut self.decisions, &word(&decided.action));
        } else {
            self.node(event);
        }
    }

    fn node(&mut self, event: &Event) {
        let pool = &event.pool;
        if let Body::NodeJoined(joined) = &event.event {
            let word = self.joined(joined);
            add(&mut self.nodes, word);
            self.recovery(pool, joined.recovery, "restarted");
        } else if let Body::NodeLost { node, boot, recovery, .. } = &event.event {
            add(&mut self.nodes, "lost");
            self.lost.insert(node.clone(), boot.clone());
            self.recovery(pool, Some(*recovery), "silent");
        } else if let Body::NodeLeft { recovery, .. } = &event.event {
            add(&mut self.nodes, "left");
            self.recovery(pool, *recovery, "goodbye");
        } else if let Body::NodeSuspected { .. } = &event.event {
            add(&mut self.nodes, "suspected");
        } else if let Body::NodeReturned { .. } = &event.event {
            add(&mut self.nodes, "returned");
        } else if let Body::ZoneEmergency { on: true, .. } = &event.event {
            add(&mut self.nodes, "zone silent");
        }
    }

    /// A false death is told by the boot: it is the one that was given up.
    fn joined(&mut self, joined: &NodeJoined) -> &'static str {
        match self.lost.remove(&joined.node) {
            Some(boot) if boot == joined.boot => "back from a false death",
            Some(_) => "back from death",
            None => "joined",
        }
    }

    /// A recovery is counted with the event that opens it.
    fn recovery(&mut self, pool: &PoolId, number: Option<u32>, cause: &str) {
        if let Some(number) = number
            && self.known.insert((pool.clone(), number))
        {
            add(&mut self.recoveries, cause);
        }
    }
}

fn add(table: &mut Table, word: &str) {
    match table.get_mut(word) {
        Some(count) => *count += 1,
        None => {
            table.insert(word.to_owned(), 1);
        }
    }
}

/// The word of a plain enum, as in the journal.
fn word(value: &impl serde::Serialize) -> String {
    let json = serde_json::to_value(value).expect("words are plain data");
    json.as_str().unwrap_or_default().to_owned()
}

fn size_word(events: usize) -> &'static str {
    match events {
        0 => "none",
        1 => "1",
        2..=5 => "2 to 5",
        6..=20 => "6 to 20",
        21..=50 => "21 to 50",
        51.. => "more than 50",
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { announcements, entries, bytes, largest_bytes, most_events, .. } = self;
        let (nights, events) = (self.days.len(), self.events());
        let executions = self.kinds.get("execution_started").unwrap_or(&0);
        writeln!(f, "{nights} nights, {executions} executions, {events} events in {entries} entries, {bytes} bytes")?;
        writeln!(f, "{announcements} announcements; largest entry {largest_bytes} bytes, most events {most_events}")?;
        let tables = [
            ("entries by their events", &self.sizes),
            ("rounds ended", &self.rounds),
            ("attempts ended", &self.attempts),
            ("failures", &self.failures),
            ("decisions", &self.decisions),
            ("recoveries", &self.recoveries),
            ("nodes", &self.nodes),
            ("events", &self.kinds),
        ];
        for (title, table) in tables {
            writeln!(f, "{title}")?;
            for (word, count) in table {
                writeln!(f, "{count:>9}  {word}")?;
            }
        }
        Ok(())
    }
}
