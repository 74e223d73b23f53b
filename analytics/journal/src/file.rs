//! A Parquet file of a table: how it is laid out, and what its commit says of it.
//!
//! Layout and settings were measured: groups of 128,000 rows in pages of 20,000, zstd, times as differences, a dictionary
//! where few different texts occur, bloom filters where people look for one execution or one lease.

use std::collections::HashMap;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use deltalake_core::kernel::Add;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use rows::{Kind, Table};
use serde_json::json;
use uuid::Uuid;

use crate::batch::times;
use crate::schema::DAY;

/// Rows of a group, and of a page.
const GROUP_ROWS: usize = 128_000;
const PAGE_ROWS: usize = 20_000;
/// Columns that people look for one value in.
const LOOKED_UP: [&str; 2] = ["execution_id", "correlation_id"];

/// A file that no commit names yet.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Where it goes, from the table's folder on.
    pub path: String,
    /// What it holds.
    pub bytes: Bytes,
    /// How many rows that is.
    pub rows: u64,
    /// What the commit says of it.
    pub add: Add,
}

/// Makes a file of rows of one day; they should be sorted.
pub fn file(table: Table, day: &str, rows: &RecordBatch, now_ms: i64) -> Result<NewFile, ArrowError> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties(table)))?;
    writer.write(rows)?;
    writer.close()?;
    let path = format!("{DAY}={day}/{}.parquet", Uuid::new_v4());
    let add = Add {
        path: path.clone(),
        partition_values: HashMap::from([(DAY.to_owned(), Some(day.to_owned()))]),
        size: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
        modification_time: now_ms,
        data_change: true,
        stats: Some(stats(table, rows)),
        ..Add::default()
    };
    Ok(NewFile { path, bytes: bytes.into(), rows: rows.num_rows() as u64, add })
}

fn properties(table: Table) -> WriterProperties {
    let level = ZstdLevel::try_new(3).expect("3 is a level of zstd");
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS / 4)
        .set_statistics_enabled(EnabledStatistics::Page);
    for column in table.columns() {
        let path = ColumnPath::from(column.name);
        properties = match column.kind {
            Kind::Time => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED),
            Kind::Prose => properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None),
            Kind::Word | Kind::Int | Kind::Flag => properties,
        };
        if LOOKED_UP.contains(&column.name) {
            properties = properties.set_column_bloom_filter_enabled(column.name.into(), true);
        }
    }
    properties.build()
}

/// What lets a reader pass a file over without opening it: how many rows, and from when to when.
fn stats(table: Table, rows: &RecordBatch) -> String {
    let Some((least, greatest)) = times(table, rows) else {
        return json!({ "numRecords": rows.num_rows() }).to_string();
    };
    let text = |micros: i64| {
        let at = arrow::temporal_conversions::timestamp_us_to_datetime(micros);
        at.map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()).unwrap_or_default()
    };
    json!({
        "numRecords": rows.num_rows(),
        "minValues": { table.time(): text(least) },
        "maxValues": { table.time(): text(greatest) },
        "nullCount": { table.time(): 0 },
    })
    .to_string()
}

/// The day of a file, as its folder is named, from days since 1970.
pub fn day_name(days: u64) -> String {
    let micros = i64::try_from(days).unwrap_or(0).saturating_mul(24 * 3_600_000_000);
    let at = arrow::temporal_conversions::timestamp_us_to_datetime(micros);
    at.map(|at| at.format("%Y-%m-%d").to_string()).unwrap_or_default()
}
