//! A journal of some nights, a writer of it without an engine, and what the tables should hold in the end.

use std::collections::BTreeMap;

use history::{Shape, history};
use journal::delta::{Delta, DeltaError};
use journal::write::{Part, flush, hear_all, lock};
use journal::{Store, compact};
use protocol::Replica;
use protocol::log::Record;
use rows::making::Row;
use rows::{Landing, Table};

/// The journal that is landed.
pub fn records() -> Vec<Record> {
    history(&Shape { nights: 2, ..Shape::default() }).collect()
}

/// A writer that has asked the store how far it is.
pub struct Writer {
    pub tables: Vec<Delta>,
    pub parts: Vec<Part>,
}

impl Writer {
    /// Opens the tables; reads on from the beginning of the journal.
    pub async fn open(store: &Store) -> Result<Self, DeltaError> {
        let mut tables = Vec::new();
        let mut landed = [0; Table::ALL.len()];
        for table in Table::ALL {
            let delta = Delta::open_or_create(store, table).await?;
            landed[table as usize] = delta.landed(&format!("{}/0", history::JOURNAL)).await?;
            tables.push(delta);
        }
        let landing = Landing::new((0, 1), Replica::default(), landed);
        Ok(Self { tables, parts: vec![Part::new(Some(landing))] })
    }

    /// Reads records.
    pub fn read(&self, records: &[Record]) {
        let mut part = lock(&self.parts[0]);
        let landing = part.as_mut().expect("it was opened");
        for record in records {
            landing.read(record).expect("a journal of ours");
        }
    }

    /// Commits what is due of every table.
    pub async fn flush(&mut self) -> Result<(), DeltaError> {
        for delta in &mut self.tables {
            flush(delta, &self.parts, |_| true).await?;
        }
        Ok(())
    }

    /// Makes one file of many.
    pub async fn compact(&mut self) -> Result<usize, DeltaError> {
        let mut saved = 0;
        for delta in &mut self.tables {
            saved += compact::compact(delta).await?;
        }
        Ok(saved)
    }

    /// Hears how far each table is.
    pub async fn hear(&mut self) -> Result<(), DeltaError> {
        for delta in &mut self.tables {
            delta.refresh().await?;
            hear_all(delta, &self.parts).await?;
        }
        Ok(())
    }
}

/// What one writer that never fails would have written: each table's rows by their place, as text.
pub fn wanted(records: &[Record]) -> BTreeMap<Table, Vec<String>> {
    let mut landing = Landing::new((0, 1), Replica::default(), [0; Table::ALL.len()]);
    for record in records {
        landing.read(record).expect("a journal of ours");
    }
    let text = |row: &Row| {
        let place = &row.values[row.values.len() - 4..];
        format!("{place:?}")
    };
    let of = |table| {
        let mut rows: Vec<String> = landing.rows(table).map(text).collect();
        rows.sort();
        (table, rows)
    };
    Table::ALL.into_iter().map(of).collect()
}

/// What the tables hold, in the same form.
pub async fn held(store: &Store) -> BTreeMap<Table, Vec<String>> {
    let mut held = BTreeMap::new();
    for table in Table::ALL {
        let delta = Delta::open(store, table).await.expect("the table is there");
        let mut rows = Vec::new();
        for file in delta.files().expect("its files are known") {
            for batch in compact::read(delta.bytes(&file).await.expect("a file is there")).expect("it is whole") {
                rows.extend(journal::read::places(&batch));
            }
        }
        rows.sort();
        held.insert(table, rows);
    }
    held
}
