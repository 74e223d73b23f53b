//! Writing: what the landings of all partitions keep of one table goes into one commit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::record_batch::RecordBatch;
use rows::{Landing, Table, Value};

use crate::batch::{batch, day, sorted};
use crate::delta::{Delta, DeltaError, Steps, now_ms};
use crate::file::{NewFile, day_name, file};

/// A partition's landing, once it is known from where it goes on.
pub type Part = Mutex<Option<Landing>>;

/// What a flush did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Rows that were committed.
    pub rows: u64,
    /// Bytes of their files.
    pub bytes: u64,
}

/// The application of a partition in each table.
pub fn application(landing: &Landing, partition: usize) -> Option<String> {
    landing.journal().map(|journal| format!("{journal}/{partition}"))
}

/// Commits what a table is due of each partition that `leads`, and hears of the others how far they are.
pub async fn flush(delta: &mut Delta, parts: &[Part], leads: impl Fn(usize) -> bool) -> Result<Flushed, DeltaError> {
    let table = delta.table;
    let (mut steps, mut days) = (Steps::new(), BTreeMap::<u64, Vec<RecordBatch>>::new());
    let mut others = false;
    for (partition, part) in parts.iter().enumerate() {
        let landing = lock(part);
        let Some((landing, application)) = landing.as_ref().and_then(|l| Some((l, application(l, partition)?))) else {
            continue;
        };
        if !leads(partition) {
            others |= landing.due(table).is_some();
            continue;
        }
        let Some(due) = landing.due(table) else { continue };
        steps.insert(application, (due.after, due.upto));
        for (day, rows) in by_day(table, landing) {
            days.entry(day).or_default().push(batch(table, rows.iter().copied()));
        }
    }
    let mut flushed = Flushed::default();
    if !steps.is_empty() {
        let files = files(table, days)?;
        for file in &files {
            flushed.bytes += file.bytes.len() as u64;
        }
        flushed.rows = files.iter().filter_map(rows_of).sum();
        match delta.append(files, &steps).await {
            Ok(()) => {}
            Err(DeltaError::Overtaken) => {
                delta.refresh().await?;
                heard(delta, parts).await?;
                return Ok(Flushed::default());
            }
            Err(error) => return Err(error),
        }
    } else if others {
        delta.refresh().await?;
    }
    if others || !steps.is_empty() {
        heard(delta, parts).await?;
    }
    Ok(flushed)
}

/// Tells each landing how far the table is.
pub async fn heard(delta: &Delta, parts: &[Part]) -> Result<(), DeltaError> {
    for (partition, part) in parts.iter().enumerate() {
        let application = lock(part).as_ref().and_then(|landing| application(landing, partition));
        let Some(application) = application else { continue };
        let landed = delta.landed(&application).await?;
        if let Some(landing) = lock(part).as_mut() {
            landing.has_landed(delta.table, landed);
        }
    }
    Ok(())
}

fn by_day(table: Table, landing: &Landing) -> BTreeMap<u64, Vec<&[Value]>> {
    let (mut days, day) = (BTreeMap::<u64, Vec<&[Value]>>::new(), day(table));
    for row in landing.rows(table) {
        days.entry(day(&row.values)).or_default().push(&row.values);
    }
    days
}

fn files(table: Table, days: BTreeMap<u64, Vec<RecordBatch>>) -> Result<Vec<NewFile>, DeltaError> {
    let make = |(day, batches): (u64, Vec<RecordBatch>)| {
        let rows = sorted(table, batches)?;
        file(table, &day_name(day), &rows, now_ms())
    };
    days.into_iter().map(make).collect::<Result<_, _>>().map_err(|error| DeltaError::Store(error.to_string()))
}

fn rows_of(file: &NewFile) -> Option<u64> {
    let stats: serde_json::Value = serde_json::from_str(file.add.stats.as_deref()?).ok()?;
    stats["numRecords"].as_u64()
}

/// A partition's landing.
pub fn lock(part: &Part) -> MutexGuard<'_, Option<Landing>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
