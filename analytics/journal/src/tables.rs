//! The writer of the tables, beside an engine: one thread folds the journals, one writes to the store. Neither is waited
//! for by the engine, and both yield to it.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use engine::Engine;
use rows::{Landing, Table};
use tokio::sync::Notify;

use crate::delta::{Delta, DeltaError, application};
use crate::file::day_name;
use crate::store::{NoStore, Store};
use crate::write::{Part, flush, lock};
use crate::{compact, fold, read};

/// Rows wait at most so long for their file where not many come.
const FLUSH: Duration = Duration::from_secs(30);
/// They do not wait for that once they take so many bytes in memory.
const FLUSH_BYTES: usize = 16 << 20;
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// A store that fails is tried again after this, and later after more.
const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How often files are compacted, and old ones dropped and deleted.
const COMPACT: Duration = Duration::from_secs(3_600);
const CLEAN: Duration = Duration::from_secs(24 * 3_600);
/// How long who asks for live rows waits for the fold to be where the engine is, and how often that is looked at.
const FRESH: Duration = Duration::from_secs(1);
const GLANCE: Duration = Duration::from_millis(2);
/// How long the last rows are waited for at the end: what does not land is made again from the journal.
const FAREWELL: Duration = Duration::from_secs(5);

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
    /// Why nothing lands, if nothing does.
    pub trouble: Option<String>,
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

/// What both threads and those who ask share.
pub(crate) struct Shared {
    pub engine: Engine,
    pub parts: Vec<Part>,
    pub stop: AtomicBool,
    /// A landing has no room for more.
    pub full: Notify,
    store: Store,
    options: Options,
    standing: Mutex<Standing>,
}

impl Tables {
    /// Starts the writer. The store is asked later: one that is away now is tried until it is back.
    pub fn start(engine: Engine, options: Options) -> Result<Self, StartError> {
        let store = Store::open(&options.address).map_err(StartError::Store)?;
        let parts = (0..engine.partitions()).map(|_| Part::default()).collect();
        let (stop, full, standing) = (AtomicBool::new(false), Notify::new(), Mutex::default());
        let shared = Arc::new(Shared { engine, parts, stop, full, store, options, standing });
        let tables = Self { shared: shared.clone(), threads: Arc::default() };
        let (folds, writes) = (shared.clone(), shared);
        let spawned = tables.spawn("tables-fold", move || fold::run(folds));
        if let Err(error) = spawned.and_then(|()| tables.spawn("tables-write", move || write(&writes))) {
            tables.stop();
            return Err(StartError::Thread(error));
        }
        Ok(tables)
    }

    /// Where the tables are.
    pub fn address(&self) -> &str {
        self.shared.store.url.as_str()
    }

    /// Rows of a table that no commit holds that a reader knows of who looks at the table only after this, as an arrow
    /// stream; none while the writer does not know yet what the table holds.
    ///
    /// Blocks until all is in them that the engine knows by now, at most a second.
    pub fn live(&self, table: Table) -> Option<Vec<u8>> {
        let mut batches = Vec::new();
        let until = Instant::now() + FRESH;
        for (partition, part) in self.shared.parts.iter().enumerate() {
            self.shared.has_folded(partition, until);
            let landing = lock(part);
            let landing = landing.as_ref()?;
            let rows: Vec<&[rows::Value]> = landing.rows(table).map(|row| row.values.as_slice()).collect();
            batches.push(crate::batch::batch(table, rows.iter().copied()));
        }
        Some(read::encode(table, &batches))
    }

    /// How it does.
    pub fn standing(&self) -> Standing {
        let waiting = |part: &Part| lock(part).as_ref().map_or(0, Landing::bytes) as u64;
        Standing { waiting_bytes: self.shared.parts.iter().map(waiting).sum(), ..self.shared.standing() }
    }

    /// Writes what it has, for a few seconds at most, and ends both threads.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.full.notify_one();
        for thread in std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner)) {
            // It has said itself what it ended by.
            let _ = thread.join();
        }
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

impl Shared {
    pub(crate) fn trouble(&self, why: String) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        if standing.trouble.as_ref() != Some(&why) {
            tracing::warn!(store = %self.store.url, %why, "nothing lands in the tables; the journal keeps it until it does");
            standing.trouble = Some(why);
        }
    }

    fn well(&self, rows: u64) {
        let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
        standing.rows += rows;
        if standing.trouble.take().is_some() {
            tracing::info!("rows land in the tables again");
        }
    }

    fn standing(&self) -> Standing {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until a partition's fold is where the engine's is now, unless it cannot get there.
    fn has_folded(&self, partition: usize, until: Instant) {
        let health = u32::try_from(partition).ok().and_then(|partition| self.engine.health_in(partition));
        let seq = health.map_or(0, |health| health.seq);
        let behind = || lock(&self.parts[partition]).as_ref().is_some_and(|l| l.replica().seq < seq && !l.is_full());
        while Instant::now() < until && behind() {
            std::thread::sleep(GLANCE);
        }
    }

    fn writes(&self, partition: usize) -> bool {
        if self.options.private {
            return true;
        }
        let health = u32::try_from(partition).ok().and_then(|partition| self.engine.health_in(partition));
        health.is_some_and(|health| health.leading)
    }

    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// An engine that decides goes before a table that lands: the thread that calls this yields to others.
fn yields() {
    if let Err(error) = rustix::process::nice(5) {
        tracing::debug!(%error, "the tables' threads are as urgent as the engine's");
    }
}

/// Opens the tables, and writes what is due until it is told to stop.
fn write(shared: &Shared) {
    // Of several threads, though one would do: the library below waits for itself else.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_name("tables-store").on_thread_start(yields).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return shared.trouble(format!("this machine gives no event loop: {error}")),
    };
    runtime.block_on(async {
        let mut backoff = BACKOFF[0];
        while !shared.stops() {
            if let Err(error) = Writer::open_and_write(shared, &mut backoff).await {
                shared.trouble(error.to_string());
                rest(shared, backoff).await;
                backoff = (backoff * 2).min(BACKOFF[1]);
            }
        }
    });
}

/// Waits, but not beyond the end.
async fn rest(shared: &Shared, at_most: Duration) {
    let until = Instant::now() + at_most;
    while Instant::now() < until && !shared.stops() {
        tokio::time::sleep(LOOK.min(at_most)).await;
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    tables: Vec<Delta>,
    flushed: Instant,
    compacted: Instant,
    /// None until it has been done once, soon after the start.
    cleaned: Option<Instant>,
}

impl Writer<'_> {
    async fn open_and_write(shared: &Shared, backoff: &mut Duration) -> Result<(), DeltaError> {
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(Delta::open_or_create(&shared.store, table).await?);
        }
        let now = Instant::now();
        let mut writer = Writer { shared, tables, flushed: now, compacted: now, cleaned: None };
        while !shared.stops() {
            writer.begin_landings().await?;
            tokio::select! {
                () = shared.full.notified() => writer.flush().await?,
                () = tokio::time::sleep(LOOK) => if writer.is_due() { writer.flush().await? },
            }
            *backoff = BACKOFF[0];
            writer.tidy().await?;
        }
        tokio::time::timeout(FAREWELL, writer.flush()).await.unwrap_or(Ok(()))
    }

    /// Partitions whose journal has an id by now, and of which it is not known yet what has landed.
    async fn begin_landings(&mut self) -> Result<(), DeltaError> {
        for (partition, part) in self.shared.parts.iter().enumerate() {
            let number = u32::try_from(partition).unwrap_or(u32::MAX);
            if lock(part).is_some() {
                continue;
            }
            let Some(journal) = self.shared.engine.read_in(number, |replica| replica.journal).flatten() else {
                continue;
            };
            let mut landed = [0; Table::ALL.len()];
            for delta in &mut self.tables {
                delta.refresh().await?;
                landed[delta.table as usize] = delta.landed(&application(journal, partition)).await?;
            }
            let first = landed.iter().copied().min().unwrap_or(0);
            let replica = self.shared.engine.fold_up_to(number, first);
            let of = (number, self.shared.engine.partitions());
            let landing = Landing::new(of, replica, landed);
            *lock(part) = Some(landing);
        }
        Ok(())
    }

    fn is_due(&self) -> bool {
        let bytes: usize = self.shared.parts.iter().map(|part| lock(part).as_ref().map_or(0, Landing::bytes)).sum();
        self.flushed.elapsed() >= self.shared.options.flush || bytes >= FLUSH_BYTES
    }

    async fn flush(&mut self) -> Result<(), DeltaError> {
        let shared = self.shared;
        for delta in &mut self.tables {
            let rows = flush(delta, &shared.parts, |partition| shared.writes(partition)).await?;
            shared.well(rows);
        }
        self.flushed = Instant::now();
        Ok(())
    }

    /// Who writes the first partition keeps the files few and young.
    async fn tidy(&mut self) -> Result<(), DeltaError> {
        if !self.shared.writes(0) {
            return Ok(());
        }
        if self.compacted.elapsed() >= COMPACT {
            self.compacted = Instant::now();
            for delta in &mut self.tables {
                settle(compact::compact(delta).await, delta).await?;
            }
        }
        if self.cleaned.is_none_or(|at| at.elapsed() >= CLEAN) {
            self.cleaned = Some(Instant::now());
            let today = u64::try_from(crate::delta::now_ms()).unwrap_or(0) / (24 * 3_600_000);
            for delta in &mut self.tables {
                let days = self.shared.options.days.get(&delta.table).copied().unwrap_or(u64::MAX);
                let first = day_name(today.saturating_sub(days));
                settle(compact::retain(delta, &first).await, delta).await?;
                settle(delta.vacuum().await, delta).await?;
            }
        }
        Ok(())
    }
}

/// Another instance that did the same in the same moment is no failure.
async fn settle<T>(done: Result<T, DeltaError>, delta: &mut Delta) -> Result<(), DeltaError> {
    match done {
        Ok(_) => Ok(()),
        Err(DeltaError::Overtaken) => delta.refresh().await,
        Err(error @ (DeltaError::Missing | DeltaError::Store(_))) => Err(error),
    }
}
