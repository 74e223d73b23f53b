//! What the two threads of the tables' writer and those who ask for it share.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use engine::Engine;
use rows::{Landing, Table};
use tokio::sync::Notify;

use crate::store::Store;
use crate::tables::{Options, Standing};
use crate::write::{Part, lock};

/// How often it is looked whether a fold is where the engine is.
const GLANCE: Duration = Duration::from_millis(2);

/// Whose trouble it is. One that is over for the one goes on for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Rows cannot be written.
    Store,
    /// The journal of a partition cannot be read.
    Journal(usize),
    /// Files are not compacted.
    Compaction,
    /// Old rows and files are not deleted.
    Cleaning,
}

/// What is shared.
pub struct Shared {
    /// Whose journals they are.
    pub engine: Engine,
    /// By partition.
    pub parts: Vec<Part>,
    /// A landing of a partition that is written here has no room for more.
    pub full: Notify,
    /// Where the tables are.
    pub store: Store,
    /// What the writer was started with.
    pub options: Options,
    /// Once it shall end: the rows of which partitions it writes until then.
    last: OnceLock<Vec<bool>>,
    said: Mutex<Said>,
}

#[derive(Debug, Default)]
struct Said {
    rows: u64,
    is_open: bool,
    troubles: BTreeMap<Source, String>,
}

impl Shared {
    /// Of a writer that has not begun.
    pub fn new(engine: Engine, store: Store, options: Options) -> Self {
        let parts = (0..engine.partitions()).map(|_| Part::default()).collect();
        let (full, last, said) = (Notify::new(), OnceLock::new(), Mutex::default());
        Self { engine, parts, full, store, options, last, said }
    }

    /// Something does not work, which is said once for each reason.
    pub fn trouble(&self, source: Source, why: String) {
        let mut said = self.said();
        if said.troubles.get(&source) != Some(&why) {
            let store = &self.store.url;
            match source {
                Source::Store => {
                    tracing::warn!(%store, %why, "nothing lands in the tables; the journal keeps it until it does");
                }
                Source::Journal(partition) => {
                    tracing::warn!(partition, %why, "nothing of this partition's journal lands in the tables");
                }
                Source::Compaction => tracing::warn!(%store, %why, "files of tables are not compacted"),
                Source::Cleaning => tracing::warn!(%store, %why, "old rows and files of tables are not deleted"),
            }
            said.troubles.insert(source, why);
        }
    }

    /// It works.
    pub fn is_well(&self, source: Source) {
        if self.said().troubles.remove(&source).is_some() {
            match source {
                Source::Store => tracing::info!("rows land in the tables again"),
                Source::Journal(partition) => tracing::info!(partition, "this partition's journal is read again"),
                Source::Compaction => tracing::info!("files of tables are compacted again"),
                Source::Cleaning => tracing::info!("old rows and files of tables are deleted again"),
            }
        }
    }

    /// All tables are there.
    pub fn has_opened(&self) {
        self.said().is_open = true;
    }

    /// Rows were committed.
    pub fn has_written(&self, rows: u64) {
        self.said().rows += rows;
    }

    /// How the writer does. Reads nothing.
    pub fn standing(&self) -> Standing {
        let waiting_bytes = (0..self.parts.len()).map(|partition| self.bytes(partition) as u64).sum();
        let said = self.said();
        let landing = said.troubles.iter().find(|(source, _)| matches!(source, Source::Store | Source::Journal(_)));
        Standing { rows: said.rows, waiting_bytes, is_open: said.is_open, trouble: landing.map(|(_, why)| why.clone()) }
    }

    /// Whether nothing can be written, as far as is known.
    pub fn is_away(&self) -> bool {
        self.said().troubles.contains_key(&Source::Store)
    }

    /// Bytes of rows of a partition that wait.
    pub fn bytes(&self, partition: usize) -> usize {
        lock(&self.parts[partition]).as_ref().map_or(0, Landing::bytes)
    }

    /// A landing has no room; who writes its rows should. Rows that another instance writes go once that has.
    pub fn wants_room(&self, partition: usize) {
        if self.writes(partition) {
            self.full.notify_one();
        }
    }

    /// Waits until a partition's fold is where the engine's is now, unless it cannot get there; returns how many entries
    /// it is behind.
    pub fn has_folded(&self, partition: usize, until: Instant) -> u64 {
        let health = u32::try_from(partition).ok().and_then(|partition| self.engine.health_in(partition));
        let seq = health.map_or(0, |health| health.seq);
        loop {
            let knows = |landing: &Landing| (seq.saturating_sub(landing.replica().seq), landing.is_full());
            let (behind, is_full) = lock(&self.parts[partition]).as_ref().map_or((0, false), knows);
            if behind == 0 || is_full || Instant::now() >= until {
                return behind;
            }
            std::thread::sleep(GLANCE);
        }
    }

    /// Whether a partition's journal is known to have begun.
    pub fn has_journal(&self, partition: usize) -> bool {
        let number = u32::try_from(partition).unwrap_or(u32::MAX);
        self.engine.read_in(number, |replica| replica.journal).flatten().is_some()
    }

    /// Whether the rows of a partition are written here.
    pub fn writes(&self, partition: usize) -> bool {
        if self.options.private {
            return true;
        }
        if let Some(last) = self.last.get() {
            return last[partition];
        }
        let health = u32::try_from(partition).ok().and_then(|partition| self.engine.health_in(partition));
        health.is_some_and(|health| health.leading)
    }

    /// How many rows wait in the partitions that are written here; what was not folded yet is not among them.
    pub fn left(&self) -> usize {
        let parts = self.parts.iter().enumerate().filter(|(partition, _)| self.writes(*partition));
        let rows = |landing: &Landing| Table::ALL.into_iter().map(|table| landing.rows(table).len()).sum::<usize>();
        parts.map(|(_, part)| lock(part).as_ref().map_or(0, rows)).sum()
    }

    /// Whether it shall end.
    pub fn stops(&self) -> bool {
        self.last.get().is_some()
    }

    /// It shall end, and write until then what it writes now: its engine may cease to lead meanwhile.
    pub fn stop(&self) {
        self.last.get_or_init(|| (0..self.parts.len()).map(|partition| self.writes(partition)).collect());
        self.full.notify_one();
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
