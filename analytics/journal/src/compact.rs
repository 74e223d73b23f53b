//! Compaction: many small files of a day become one, and rows of days that are kept no longer are dropped.
//!
//! Two who compact from the same snapshot would double all rows, and the library would let them: each change of this kind
//! carries a number that the other would carry too, and so they conflict. Rows are counted before and after.

use std::collections::BTreeMap;

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::batch::sorted;
use crate::delta::{COMPACTOR, DataFile, Delta, DeltaError, now_ms};
use crate::file::file;

/// Files of at least so many rows are left as they are, and none with more is made: its rows are in memory meanwhile, twice,
/// which for events takes about 200 MiB.
const FULL_ROWS: u64 = 250_000;
/// The same in bytes of files, which are a tenth and less of what they take in memory: some rows are large.
const FULL_BYTES: u64 = 16 << 20;
/// So many small files of the newest day are worth one that holds them all; of a day that is over two are, since whoever
/// asks about a year opens every file of it.
const MANY: usize = 8;
const MANY_OF_THE_PAST: usize = 2;

/// Makes one file of many, where a day has many; returns how many files became fewer.
pub async fn compact(delta: &mut Delta) -> Result<usize, DeltaError> {
    let mut saved = 0;
    for day in crowded(delta.files()?) {
        let rows_before: u64 = day.iter().filter_map(|file| file.rows).sum();
        let mut batches = Vec::new();
        for file in &day {
            batches.extend(read(delta.bytes(file).await?)?);
        }
        let whole = sorted(delta.table, batches).map_err(|error| DeltaError::Store(error.to_string()))?;
        if whole.num_rows() as u64 != rows_before {
            let (table, found) = (delta.table.name(), whole.num_rows());
            return Err(DeltaError::Store(format!(
                "{table} of {}: its commits say {rows_before} rows, its files hold {found}; nothing was changed",
                day[0].day
            )));
        }
        let made = file(delta.table, &day[0].day, &whole, now_ms());
        let made = made.map_err(|error| DeltaError::Store(error.to_string()))?;
        let number = delta.landed(COMPACTOR).await? + 1;
        saved += day.len() - 1;
        delta.replace(&day, vec![made], number).await?;
    }
    Ok(saved)
}

/// Drops the files of days before this one, by its name.
pub async fn retain(delta: &mut Delta, first_day: &str) -> Result<usize, DeltaError> {
    let old: Vec<DataFile> = delta.files()?.into_iter().filter(|file| file.day.as_str() < first_day).collect();
    if !old.is_empty() {
        let number = delta.landed(COMPACTOR).await? + 1;
        delta.drop_files(&old, number).await?;
    }
    Ok(old.len())
}

/// Groups of files that are worth one: small ones of the same day, as many as one may hold.
fn crowded(files: Vec<DataFile>) -> Vec<Vec<DataFile>> {
    let newest = files.iter().map(|file| file.day.clone()).max().unwrap_or_default();
    let many = |day: &str| if day < newest.as_str() { MANY_OF_THE_PAST } else { MANY };
    let mut days = BTreeMap::<String, Vec<DataFile>>::new();
    let is_small = |file: &DataFile| file.rows.is_some_and(|rows| rows < FULL_ROWS) && file.bytes < FULL_BYTES;
    for file in files.into_iter().filter(is_small) {
        days.entry(file.day.clone()).or_default().push(file);
    }
    let mut groups = Vec::new();
    for (_, mut day) in days.into_iter().filter(|(name, day)| day.len() >= many(name)) {
        day.sort_by_key(|file| file.rows);
        let (mut rows, mut bytes) = (0, 0);
        let fits = |file: &DataFile| {
            (rows, bytes) = (rows + file.rows.unwrap_or(0), bytes + file.bytes);
            rows <= FULL_ROWS && bytes <= FULL_BYTES
        };
        let group: Vec<DataFile> = day.into_iter().take_while(fits).collect();
        if group.len() > 1 {
            groups.push(group);
        }
    }
    groups
}

/// All rows of a file.
pub fn read(bytes: bytes::Bytes) -> Result<Vec<RecordBatch>, DeltaError> {
    let no = |why: String| DeltaError::Store(format!("a file is damaged: {why}"));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).and_then(|builder| builder.build());
    let reader = reader.map_err(|error| no(error.to_string()))?;
    reader.map(|batch| batch.map_err(|error| no(error.to_string()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, u64)]) -> Vec<DataFile> {
        let file = |(index, (day, rows)): (usize, &(&str, u64))| DataFile {
            path: format!("{index}"),
            bytes: 1,
            rows: Some(*rows),
            day: (*day).to_owned(),
            stats: None,
        };
        of.iter().enumerate().map(file).collect()
    }

    #[test]
    fn days_with_many_small_files_are_worth_it_and_no_file_grows_too_large() {
        let past = [("2026-03-01", 10); 2];
        let many = [("2026-03-02", 50_000); 8];
        let large = [("2026-03-03", 300_000); 20];
        let [few, more] = [7, 8].map(|count| vec![("2026-03-04", 10); count]);
        let shape = |of: &[&[(&str, u64)]]| {
            let groups = crowded(files(&of.concat()));
            groups.iter().map(|group| (group[0].day.clone(), group.len())).collect::<Vec<_>>()
        };
        let want = |of: &[(&str, usize)]| of.iter().map(|(day, count)| ((*day).to_owned(), *count)).collect::<Vec<_>>();
        let over = want(&[("2026-03-01", 2), ("2026-03-02", 5)]);
        assert_eq!(shape(&[&past, &many, &large, &few]), over);
        assert_eq!(shape(&[&past, &many, &large, &more]), [over, want(&[("2026-03-04", 8)])].concat());
    }

    #[test]
    fn what_fits_into_one_file_no_more_is_left_as_it_is() {
        let two = files(&[("2026-03-01", 150_000), ("2026-03-01", 150_000), ("2026-03-02", 1)]);
        assert!(crowded(two).is_empty());
        let four = files(&[&[("2026-03-01", 9); 4][..], &[("2026-03-02", 1)]].concat());
        let of = |bytes| four.iter().cloned().map(move |file| DataFile { bytes, ..file }).collect();
        let sizes = |bytes| crowded(of(bytes)).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!([sizes(4 << 20), sizes(7 << 20), sizes(9 << 20)], [vec![4], vec![2], vec![]]);
    }
}
