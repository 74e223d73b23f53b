//! The writer of the tables, beside an engine: one thread folds the journals, one writes to the store. Neither is waited
//! for by the engine, and both yield to it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::Engine;
use rows::Table;

use crate::shared::Shared;
use crate::store::{NoStore, Store};
use crate::write::lock;
use crate::{fold, read, writer, yields};

/// Rows wait at most so long for their file where not many come.
const FLUSH: Duration = Duration::from_secs(30);
/// How long who asks for live rows waits for the fold to be where the engine is.
const FRESH: Duration = Duration::from_secs(1);
/// What the writer is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// A folder, or the address of an object store.
    pub address: String,
    /// No other instance writes there: this one writes what it reads of every partition, whoever leads. Else the leader of
    /// a partition writes for all.
    pub private: bool,
    /// Rows wait at most so long for their file.
    pub flush: Duration,
    /// How many days each table keeps.
    pub days: BTreeMap<Table, u64>,
}

impl Options {
    /// The defaults, at an address that all instances share, or a private one.
    pub fn new(address: String, private: bool) -> Self {
        let days = |table| (table, if table == Table::Events { 90 } else { 400 });
        Self { address, private, flush: FLUSH, days: Table::ALL.into_iter().map(days).collect() }
    }
}

/// How the writer does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Rows that have landed since the start.
    pub rows: u64,
    /// Bytes of rows that wait, in memory.
    pub waiting_bytes: u64,
    /// Whether all tables were there once.
    pub is_open: bool,
    /// Why nothing lands, or not of each partition, if so.
    pub trouble: Option<String>,
}

/// Rows that have not landed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRows {
    /// As an arrow stream.
    pub stream: Vec<u8>,
    /// So many entries that the engine has are neither in them nor landed yet.
    pub behind: u64,
}

/// Why there is no writer.
#[derive(Debug)]
pub enum StartError {
    /// The address is none.
    Store(NoStore),
    /// The system gave no thread.
    Thread(io::Error),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(why) => why.fmt(f),
            Self::Thread(why) => write!(f, "no thread could be started: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

/// The running writer. Cheap to clone; all clones are the same.
#[derive(Clone)]
pub struct Tables {
    shared: Arc<Shared>,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Tables {
    /// Starts the writer. The store is asked later: one that is away now is tried until it is back.
    pub fn start(engine: Engine, options: Options) -> Result<Self, StartError> {
        let store = Store::open(&options.address).map_err(StartError::Store)?;
        let shared = Arc::new(Shared::new(engine, store, options));
        let tables = Self { shared: shared.clone(), threads: Arc::default() };
        let (folds, writes) = (shared.clone(), shared);
        let spawned = tables.spawn("tables-fold", move || fold::run(folds));
        if let Err(error) = spawned.and_then(|()| tables.spawn("tables-write", move || writer::run(&writes))) {
            tables.stop();
            return Err(StartError::Thread(error));
        }
        Ok(tables)
    }

    /// Where the tables are.
    pub fn address(&self) -> &str {
        self.shared.store.url.as_str()
    }

    /// Rows of a table that no commit holds that a reader knows of who looks at the table only after this; none while the
    /// writer does not know yet what the table holds.
    ///
    /// Blocks until all is in them that the engine knows by now, at most a second.
    pub fn live(&self, table: Table) -> Option<LiveRows> {
        let (mut batches, mut behind) = (Vec::new(), 0);
        let until = Instant::now() + FRESH;
        for (partition, part) in self.shared.parts.iter().enumerate() {
            behind += self.shared.has_folded(partition, until);
            let landing = lock(part);
            match landing.as_ref() {
                Some(landing) => {
                    let standing = if table == Table::Executions { landing.standing() } else { Vec::new() };
                    let rows = landing.rows(table).chain(&standing);
                    let rows: Vec<&[rows::Value]> = rows.map(|row| row.values.as_slice()).collect();
                    batches.push(crate::batch::batch(table, rows.iter().copied()));
                }
                None if self.shared.has_journal(partition) => return None,
                // Nothing was ever written to this partition, or nothing is read of it, which the engine says itself.
                None => {}
            }
        }
        Some(LiveRows { stream: read::encode(table, &batches), behind })
    }

    /// How it does.
    pub fn standing(&self) -> Standing {
        self.shared.standing()
    }

    /// Begins to write what it has, so that its engine may stop meanwhile.
    pub fn begin_stop(&self) {
        self.shared.stop();
    }

    /// Writes what it has, for a few seconds at most, and ends both threads: how many rows that it had made have not
    /// landed. Whoever writes next takes them from the journal, with those that it had not made yet.
    pub fn stop(&self) -> usize {
        self.begin_stop();
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            // It has said itself what it ended by.
            let _ = thread.join();
        }
        self.shared.left()
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let run = move || {
            yields();
            run();
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }
}
