//! Reading beside the files: rows that have not landed travel as an arrow stream, and those of them that have landed
//! meanwhile are left out.

use std::collections::BTreeMap;

use arrow::array::{Array, BooleanArray, Int64Array, StringArray};
use arrow::compute::filter_record_batch;
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;
use rows::Table;

use crate::delta::{Delta, DeltaError, application};
use crate::schema;

/// Batches of a table as an arrow stream.
pub fn encode(table: Table, batches: &[RecordBatch]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = StreamWriter::try_new(&mut bytes, &schema::arrow(table)).and_then(|mut writer| {
        batches.iter().filter(|batch| batch.num_rows() > 0).try_for_each(|batch| writer.write(batch))?;
        writer.finish()
    });
    written.expect("memory takes rows that are made by their table's columns");
    bytes
}

/// What such a stream holds.
pub fn decode(bytes: &[u8]) -> Result<Vec<RecordBatch>, ArrowError> {
    StreamReader::try_new(bytes, None)?.collect()
}

/// The rows of batches that a table does not hold in the commit that it was opened at.
pub async fn beyond(delta: &Delta, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, DeltaError> {
    let mut kept = Vec::new();
    for batch in batches {
        let Some((journals, partitions, positions)) = origin(&batch) else {
            return Err(DeltaError::Store(
                "rows come without their place in the journal: another version's".to_owned(),
            ));
        };
        let (mut keep, mut landed) = (Vec::with_capacity(batch.num_rows()), BTreeMap::new());
        for row in 0..batch.num_rows() {
            let from = (journals.value(row), partitions.value(row));
            let upto = match landed.get(&from) {
                Some(upto) => *upto,
                None => {
                    let upto = delta.landed(&application(from.0, from.1)).await?;
                    landed.insert(from, upto);
                    upto
                }
            };
            keep.push(u64::try_from(positions.value(row)).is_ok_and(|position| upto < position));
        }
        let filtered = filter_record_batch(&batch, &BooleanArray::from(keep));
        kept.push(filtered.map_err(|error| DeltaError::Store(error.to_string()))?);
    }
    Ok(kept)
}

fn origin(batch: &RecordBatch) -> Option<(&StringArray, &Int64Array, &Int64Array)> {
    let [journal, partition, position, _] = rows::tables::ORIGIN;
    let number = |name| batch.column_by_name(name)?.as_any().downcast_ref::<Int64Array>();
    let journals = batch.column_by_name(journal)?.as_any().downcast_ref::<StringArray>()?;
    Some((journals, number(partition)?, number(position)?)).filter(|(journals, ..)| journals.null_count() == 0)
}

/// The place in the journal of each row of a batch, as text: what no two rows of a table have alike.
pub fn places(batch: &RecordBatch) -> Vec<String> {
    let [.., row] = rows::tables::ORIGIN;
    let rows = batch.column_by_name(row).and_then(|column| column.as_any().downcast_ref::<Int64Array>());
    let (Some((journals, partitions, positions)), Some(rows)) = (origin(batch), rows) else { return Vec::new() };
    let place = |at: usize| {
        let number = |of: &Int64Array| rows::Value::Int(of.value(at));
        let journal = rows::Value::Text(journals.value(at).to_owned());
        format!("{:?}", [journal, number(partitions), number(positions), number(rows)])
    };
    (0..batch.num_rows()).map(place).collect()
}
