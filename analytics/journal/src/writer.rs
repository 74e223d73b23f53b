//! The thread that writes: opens the tables, commits what is due, and keeps their files few and young.

use std::time::{Duration, Instant};

use model::Timestamp;
use rows::{Landing, Table};

use crate::delta::{Delta, DeltaError, application, now_ms};
use crate::file::day_name;
use crate::shared::{Shared, Source};
use crate::write::{flush, hear_all, lock};
use crate::{compact, yields};

/// Rows do not wait for their time once they take so many bytes in memory.
pub const FLUSH_BYTES: usize = 16 << 20;
/// How often that is looked at.
pub const LOOK: Duration = Duration::from_millis(250);
/// How often it is asked how far others are whose rows take up room here.
const ASK: Duration = Duration::from_secs(1);
/// A store that fails is tried again after this, and later after more.
const BACKOFF: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How often each table is opened anew, and what it holds compared with what was known of it: another may have been put in
/// its place.
const CHECK: Duration = Duration::from_secs(120);
/// How often files are compacted, and old ones dropped and deleted. Both happen for the first time soon after the start.
const COMPACT: Duration = Duration::from_secs(3_600);
const CLEAN: Duration = Duration::from_secs(24 * 3_600);
const SOON: Duration = Duration::from_secs(300);
/// How long the last rows are waited for at the end: what does not land is made again from the journal.
const FAREWELL: Duration = Duration::from_secs(5);

/// Writes what is due until it is told to stop.
pub fn run(shared: &Shared) {
    // Of several threads, though one would do: the library below waits for itself else.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).thread_name("tables-store").on_thread_start(yields).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return shared.trouble(Source::Store, format!("this machine gives no event loop: {error}")),
    };
    runtime.block_on(async {
        // Who is given up in the middle of a commit is as one that was killed there: the store says what became of it.
        tokio::select! {
            () = write(shared) => {}
            () = ended(shared) => {}
        }
    });
    runtime.shutdown_background();
}

/// Waits until it is told to stop, and then for the last rows, unless they cannot land anyway.
async fn ended(shared: &Shared) {
    while !shared.stops() {
        tokio::time::sleep(LOOK).await;
    }
    if !shared.is_away() {
        tokio::time::sleep(FAREWELL).await;
        let (store, seconds) = (&shared.store.url, FAREWELL.as_secs());
        tracing::warn!(%store, "the store did not take the last rows within {seconds} s");
    }
}

async fn write(shared: &Shared) {
    let (mut backoff, mut upkeep) = (BACKOFF[0], Upkeep::new(Instant::now()));
    while !shared.stops() {
        if let Err(error) = Writer::open_and_write(shared, &mut backoff, &mut upkeep).await {
            shared.trouble(Source::Store, error.to_string());
            rest(shared, backoff).await;
            backoff = (backoff * 2).min(BACKOFF[1]);
        }
    }
}

/// Waits, but not beyond the end.
async fn rest(shared: &Shared, at_most: Duration) {
    let until = Instant::now() + at_most;
    while Instant::now() < until && !shared.stops() {
        tokio::time::sleep(LOOK.min(at_most)).await;
    }
}

/// When compacting and cleaning are due. They are, however often the store fails meanwhile.
struct Upkeep {
    compact: Instant,
    clean: Instant,
}

impl Upkeep {
    fn new(now: Instant) -> Self {
        Self { compact: now + SOON, clean: now + SOON }
    }
}

struct Writer<'a> {
    shared: &'a Shared,
    tables: Vec<Delta>,
    flushed: Instant,
    asked: Instant,
    checked: Instant,
}

impl Writer<'_> {
    async fn open_and_write(shared: &Shared, backoff: &mut Duration, upkeep: &mut Upkeep) -> Result<(), DeltaError> {
        let mut tables = Vec::new();
        for table in Table::ALL {
            tables.push(Delta::open_or_create(&shared.store, table).await?);
        }
        shared.has_opened();
        let now = Instant::now();
        let mut writer = Writer { shared, tables, flushed: now, asked: now, checked: now };
        writer.hear_all().await?;
        while !shared.stops() {
            writer.begin_landings().await?;
            tokio::select! {
                () = shared.full.notified() => writer.flush().await?,
                () = tokio::time::sleep(LOOK) => if writer.is_due() { writer.flush().await? },
            }
            writer.ask().await?;
            writer.check().await?;
            *backoff = BACKOFF[0];
            writer.keep_up(upkeep).await;
        }
        writer.flush().await
    }

    /// Partitions whose journal has an id by now, and of which it is not known what has landed.
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
        self.flushed.elapsed() >= self.shared.options.flush || self.bytes(true) >= FLUSH_BYTES
    }

    /// Bytes that wait of the partitions that are written here, or of all others.
    fn bytes(&self, ours: bool) -> usize {
        let partitions = (0..self.shared.parts.len()).filter(|partition| self.shared.writes(*partition) == ours);
        partitions.map(|partition| self.shared.bytes(partition)).sum()
    }

    async fn flush(&mut self) -> Result<(), DeltaError> {
        let shared = self.shared;
        for delta in &mut self.tables {
            shared.has_written(flush(delta, &shared.parts, |partition| shared.writes(partition)).await?);
        }
        shared.is_well(Source::Store);
        (self.flushed, self.asked) = (Instant::now(), Instant::now());
        Ok(())
    }

    /// Asks how far others are whose rows take up much room here: each instance keeps what any has not written.
    async fn ask(&mut self) -> Result<(), DeltaError> {
        let full = |part| lock(part).as_ref().is_some_and(Landing::is_full);
        if self.asked.elapsed() < ASK || self.bytes(false) < FLUSH_BYTES && !self.shared.parts.iter().any(full) {
            return Ok(());
        }
        self.asked = Instant::now();
        for delta in &mut self.tables {
            flush(delta, &self.shared.parts, |_| false).await?;
        }
        Ok(())
    }

    /// A table that was lost, or put back to a copy, is noticed though nothing is due.
    async fn check(&mut self) -> Result<(), DeltaError> {
        if self.checked.elapsed() < CHECK {
            return Ok(());
        }
        self.checked = Instant::now();
        for delta in &mut self.tables {
            *delta = Delta::open_or_create(&self.shared.store, delta.table).await?;
        }
        self.hear_all().await
    }

    async fn hear_all(&self) -> Result<(), DeltaError> {
        for delta in &self.tables {
            hear_all(delta, &self.shared.parts).await?;
        }
        Ok(())
    }

    /// Who writes the first partition keeps the files few and young. What fails for one table does not keep it from the
    /// others, nor anybody from landing.
    async fn keep_up(&mut self, upkeep: &mut Upkeep) {
        let now = Instant::now();
        if !self.shared.writes(0) || now < upkeep.compact.min(upkeep.clean) {
            return;
        }
        if now >= upkeep.compact {
            upkeep.compact = now + COMPACT;
            let mut failed = None;
            for delta in &mut self.tables {
                failed = failed.or(settle(compact::compact(delta).await, delta).await.err());
            }
            self.went(Source::Compaction, failed.as_ref());
        }
        if now >= upkeep.clean {
            let failed = self.clean().await;
            upkeep.clean = now + if failed.is_some() { COMPACT } else { CLEAN };
            self.went(Source::Cleaning, failed.as_ref());
        }
    }

    fn went(&self, source: Source, failed: Option<&DeltaError>) {
        match failed {
            None => self.shared.is_well(source),
            Some(why) => self.shared.trouble(source, why.to_string()),
        }
    }

    /// Drops rows that are kept no longer, and deletes what no table names. By the journal's clock: where that of this
    /// machine says something else, it may have leapt, and nothing is deleted; nor where nothing happened for a day.
    /// Returns what failed first.
    async fn clean(&mut self) -> Option<DeltaError> {
        let newest = self.shared.parts.iter().filter_map(|part| Some(lock(part).as_ref()?.replica().now)).max();
        let Some(now) = newest.filter(|now| agree(*now, now_ms())) else {
            tracing::info!(?newest, "old rows stay: the newest entry of the journal is not of this machine's day");
            return None;
        };
        let (today, mut failed) = (now.0 / DAY_MS, None);
        for delta in &mut self.tables {
            let days = self.shared.options.days.get(&delta.table).copied().unwrap_or(u64::MAX);
            let first = day_name(today.saturating_sub(days));
            failed = failed.or(settle(compact::retain(delta, &first).await, delta).await.err());
            failed = failed.or(settle(delta.vacuum().await, delta).await.err());
        }
        failed
    }
}

const DAY_MS: u64 = 24 * 3_600_000;

/// Whether two clocks say about the same.
fn agree(journal: Timestamp, wall_ms: i64) -> bool {
    u64::try_from(wall_ms).is_ok_and(|wall| wall.abs_diff(journal.0) < DAY_MS)
}

/// Another instance that did the same in the same moment is no failure.
async fn settle<T>(done: Result<T, DeltaError>, delta: &mut Delta) -> Result<(), DeltaError> {
    match done {
        Ok(_) => Ok(()),
        Err(DeltaError::Overtaken) => delta.refresh().await,
        Err(error @ (DeltaError::Missing | DeltaError::Store(_))) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_leapt_deletes_nothing() {
        let (journal, day) = (Timestamp(1_772_763_619_859), i64::try_from(DAY_MS).unwrap());
        let wall = i64::try_from(journal.0).unwrap();
        let rows = [(wall, true), (wall + day / 2, true), (wall + 10 * 365 * day, false), (wall - 2 * day, false)];
        for (wall, agreed) in rows {
            assert_eq!(agree(journal, wall), agreed, "{wall}");
        }
        assert!(!agree(journal, -1));
    }
}
