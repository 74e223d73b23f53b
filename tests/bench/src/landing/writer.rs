//! A writer of tables as the one beside an engine: one thread folds the journal, another with an event loop of its own
//! writes whenever so many bytes of rows wait. Only where the records come from differs.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use journal::write::{Part, flush, lock};
use journal::{Delta, FLUSH_BYTES, LOOK, Store, compact};
use model::Timestamp;
use protocol::Replica;
use protocol::log::Record;
use protocol::replica::Reading;
use rows::{Landing, Table};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;

use crate::Failure;
use crate::machine::thread_time;

const PATIENCE: Duration = Duration::from_millis(10);

/// The tables of a folder, and what they lack of a journal.
pub struct Writer {
    tables: Vec<Delta>,
    parts: [Part; 1],
    runtime: Runtime,
    /// What was read and written so far.
    pub so_far: SoFar,
}

/// What was read and written.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoFar {
    /// Events that were read.
    pub events: u64,
    /// Rows that landed, of all tables.
    pub rows: u64,
    /// How often what was due was written.
    pub flushes: u64,
    /// Processor time of the thread that folds.
    pub folding: Duration,
}

impl Writer {
    /// Opens the tables of a folder; the journal is read from its beginning, so they should be empty where it is.
    pub fn open(folder: &Path) -> Result<Self, Failure> {
        let store = Store::of_folder(folder)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(runtime.block_on(Delta::open_or_create(&store, table))?);
        }
        let landing = Landing::new((0, 1), Replica::default(), [0; Table::ALL.len()]);
        Ok(Self { tables, parts: [Part::new(Some(landing))], runtime, so_far: SoFar::default() })
    }

    /// Reads pages until none comes or so many events are read, and writes all rows.
    pub fn land(&mut self, pages: &mut Receiver<Vec<Record>>, events: u64) -> Result<(), Failure> {
        let (full, ended) = (Notify::new(), AtomicBool::new(false));
        let Self { tables, parts, runtime, so_far } = self;
        let (parts, full, ended) = (&*parts, &full, &ended);
        std::thread::scope(|scope| {
            let folds = scope.spawn(move || {
                let read = fold(&parts[0], pages, events, full);
                ended.store(true, Ordering::Release);
                full.notify_one();
                (read, thread_time())
            });
            let written = runtime.block_on(write(tables, parts, full, ended, so_far));
            let (read, took) = folds.join().map_err(|_| "the journal could not be folded")?;
            so_far.events += read;
            so_far.folding += took;
            written
        })
    }

    /// Reads pages until so many events are read, and writes nothing: their rows wait.
    pub fn read(&mut self, pages: &mut Receiver<Vec<Record>>, events: u64) {
        self.so_far.events += fold(&self.parts[0], pages, events, &Notify::new());
    }

    /// When the last entry was decided that was read.
    pub fn now(&self) -> Timestamp {
        lock(&self.parts[0]).as_ref().map_or(Timestamp(0), |landing| landing.replica().now)
    }

    /// Rows of a table that wait, as an arrow stream.
    pub fn waiting(&self, table: Table) -> Vec<u8> {
        let landing = lock(&self.parts[0]);
        let rows: Vec<&[rows::Value]> =
            landing.iter().flat_map(|landing| landing.rows(table)).map(|row| row.values.as_slice()).collect();
        journal::read::encode(table, &[journal::batch::batch(table, rows.iter().copied())])
    }

    /// Files of all tables, and bytes of one.
    pub fn files(&self, of: Table) -> Result<(usize, u64), Failure> {
        let (mut count, mut bytes) = (0, 0);
        for delta in &self.tables {
            let files = delta.files()?;
            count += files.len();
            bytes += files.iter().filter(|_| delta.table == of).map(|file| file.bytes).sum::<u64>();
        }
        Ok((count, bytes))
    }

    /// Makes few files of many.
    pub fn compact(&mut self) -> Result<(), Failure> {
        for delta in &mut self.tables {
            self.runtime.block_on(compact::compact(delta))?;
        }
        Ok(())
    }
}

/// Reads pages while there is room for their rows; returns how many events that were.
fn fold(part: &Part, pages: &mut Receiver<Vec<Record>>, wanted: u64, full: &Notify) -> u64 {
    let mut events = 0;
    while events < wanted
        && let Ok(page) = pages.recv()
    {
        while lock(part).as_ref().is_some_and(Landing::is_full) {
            full.notify_one();
            std::thread::sleep(PATIENCE);
        }
        let mut landing = lock(part);
        let landing = landing.as_mut().expect("it was opened");
        for record in page {
            if let Reading::Admitted(entry) = landing.read(&record).expect("a journal of ours") {
                events += entry.events.len() as u64;
            }
        }
    }
    events
}

async fn write(
    tables: &mut [Delta],
    parts: &[Part],
    full: &Notify,
    ended: &AtomicBool,
    so_far: &mut SoFar,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            () = full.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        let last = ended.load(Ordering::Acquire);
        if !last && parts.iter().all(|part| lock(part).as_ref().map_or(0, Landing::bytes) < FLUSH_BYTES) {
            continue;
        }
        for delta in &mut *tables {
            so_far.rows += flush(delta, parts, |_| true).await?;
        }
        so_far.flushes += 1;
        if last {
            return Ok(());
        }
    }
}
