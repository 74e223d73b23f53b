//! Rows as arrow holds them, column by column.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, StringBuilder, TimestampMicrosecondArray, TimestampMicrosecondBuilder,
};
use arrow::compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use model::Timestamp;
use rows::{Kind, Table, Value};

use crate::schema;

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 3_600_000;

/// The rows of a table as one batch.
pub fn batch<'a>(table: Table, rows: impl Iterator<Item = &'a [Value]> + Clone) -> RecordBatch {
    let columns = table.columns().into_iter().enumerate().map(|(index, column)| {
        let values = rows.clone().map(|row| &row[index]);
        array(column.kind, values)
    });
    RecordBatch::try_new(schema::arrow(table), columns.collect()).expect("rows are made by their table's columns")
}

fn array<'a>(kind: Kind, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    match kind {
        Kind::Word | Kind::Prose => {
            let mut column = StringBuilder::new();
            for value in values {
                match value {
                    Value::Text(text) => column.append_value(text),
                    Value::None | Value::Int(_) | Value::Flag(_) | Value::Time(_) => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        Kind::Int => {
            let mut column = Int64Builder::new();
            for value in values {
                match value {
                    Value::Int(number) => column.append_value(*number),
                    Value::None | Value::Text(_) | Value::Flag(_) | Value::Time(_) => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        Kind::Flag => {
            let mut column = BooleanBuilder::new();
            for value in values {
                match value {
                    Value::Flag(flag) => column.append_value(*flag),
                    Value::None | Value::Text(_) | Value::Int(_) | Value::Time(_) => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
        Kind::Time => {
            let mut column = TimestampMicrosecondBuilder::new().with_timezone("UTC");
            for value in values {
                match value {
                    Value::Time(at) => column.append_value(micros(*at)),
                    Value::None | Value::Text(_) | Value::Int(_) | Value::Flag(_) => column.append_null(),
                }
            }
            Arc::new(column.finish())
        }
    }
}

/// A point in time as a table holds it.
pub fn micros(at: Timestamp) -> i64 {
    i64::try_from(at.0).unwrap_or(i64::MAX / 1_000).saturating_mul(1_000)
}

/// What tells the day of a table's rows, counted from 1970.
pub fn day(table: Table) -> impl Fn(&[Value]) -> u64 {
    let time = table.time();
    let index = table.columns().iter().position(|column| column.name == time);
    move |row| match index.and_then(|index| row.get(index)) {
        Some(Value::Time(at)) => at.0 / DAY_MS,
        Some(Value::None | Value::Text(_) | Value::Int(_) | Value::Flag(_)) | None => 0,
    }
}

/// The same rows in the order in which files hold them: by the table's time, then by the journal. At most two copies of
/// them are in memory meanwhile.
pub fn sorted(table: Table, batches: Vec<RecordBatch>) -> Result<RecordBatch, ArrowError> {
    let whole = concat_batches(&schema::arrow(table), &batches)?;
    drop(batches);
    let by = [table.time(), "journal_partition", "journal_position", "journal_row"];
    let columns = by.iter().filter_map(|name| whole.column_by_name(name));
    let columns: Vec<SortColumn> = columns.map(|values| SortColumn { values: values.clone(), options: None }).collect();
    take_record_batch(&whole, &lexsort_to_indices(&columns, None)?)
}

/// The least and the greatest time of a batch that holds any, in microseconds since 1970.
pub fn times(table: Table, batch: &RecordBatch) -> Option<(i64, i64)> {
    let column = batch.column_by_name(table.time())?.as_any().downcast_ref::<TimestampMicrosecondArray>()?;
    Some((arrow::compute::min(column)?, arrow::compute::max(column)?))
}
