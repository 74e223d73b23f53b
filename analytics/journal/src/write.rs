//! Writing: what the landings of all partitions keep of one table goes into one commit.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow::record_batch::RecordBatch;
use rows::{Landing, SteppedBack, Table, Value};

use crate::batch::{batch, day, sorted};
use crate::delta::{Delta, DeltaError, Steps, application, now_ms};
use crate::file::{NewFile, day_name, file};

/// A partition's landing, once it is known from where it goes on.
pub type Part = Mutex<Option<Landing>>;

/// Commits what a table is due of each partition that `leads`, and hears of the others how far they are. Returns how many
/// rows were committed.
pub async fn flush(delta: &mut Delta, parts: &[Part], leads: impl Fn(usize) -> bool) -> Result<u64, DeltaError> {
    let table = delta.table;
    let (mut steps, mut days) = (Steps::new(), BTreeMap::<u64, Vec<RecordBatch>>::new());
    let mut others = false;
    for (partition, part) in parts.iter().enumerate() {
        let landing = lock(part);
        let Some((landing, journal)) = landing.as_ref().and_then(|landing| Some((landing, landing.journal()?))) else {
            continue;
        };
        if !leads(partition) {
            others |= landing.due(table).is_some();
            continue;
        }
        let Some(due) = landing.due(table) else { continue };
        steps.insert(application(journal, partition), (due.after, due.upto));
        for (day, rows) in by_day(table, landing) {
            days.entry(day).or_default().push(batch(table, rows.iter().copied()));
        }
    }
    if steps.is_empty() && !others {
        return Ok(0);
    }
    let mut rows = 0;
    if steps.is_empty() {
        delta.refresh().await?;
    } else {
        let files = files(table, days)?;
        rows = files.iter().map(|file| file.rows).sum();
        match delta.append(files, &steps).await {
            Ok(()) => {}
            Err(DeltaError::Overtaken) => {
                (rows, steps) = (0, Steps::new());
                delta.refresh().await?;
            }
            Err(error) => return Err(error),
        }
    }
    heard(delta, parts, &steps).await?;
    Ok(rows)
}

/// Tells each landing how far the table is: as far as a commit of ours has just brought it, or as the table says. What no
/// landing waits for is not asked: the table's log is read for each.
async fn heard(delta: &Delta, parts: &[Part], committed: &Steps) -> Result<(), DeltaError> {
    for (partition, part) in parts.iter().enumerate() {
        let knows = |landing: &Landing| Some((landing.journal()?, landing.due(delta.table).is_some()));
        let Some((journal, is_due)) = lock(part).as_ref().and_then(knows) else { continue };
        let application = application(journal, partition);
        match committed.get(&application) {
            Some((_, upto)) => hear(delta.table, (partition, part), *upto),
            None if is_due => hear(delta.table, (partition, part), delta.landed(&application).await?),
            None => {}
        }
    }
    Ok(())
}

/// Tells each landing how far the table says that it is.
pub async fn hear_all(delta: &Delta, parts: &[Part]) -> Result<(), DeltaError> {
    for (partition, part) in parts.iter().enumerate() {
        let Some(journal) = lock(part).as_ref().and_then(Landing::journal) else { continue };
        hear(delta.table, (partition, part), delta.landed(&application(journal, partition)).await?);
    }
    Ok(())
}

/// A landing that knows of more goes: its partition is to be followed anew, from where the table is.
fn hear(table: Table, (partition, part): (usize, &Part), landed: u64) {
    let mut part = lock(part);
    if part.as_mut().is_some_and(|landing| landing.has_landed(table, landed) == Err(SteppedBack)) {
        let what = "the table holds less than it did: its rows are made again from the journal";
        tracing::warn!(table = table.name(), partition, landed, "{what}");
        *part = None;
    }
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

/// A partition's landing.
pub fn lock(part: &Part) -> MutexGuard<'_, Option<Landing>> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
