//! Reading beside the files: rows that have not landed travel as an arrow stream, and those of them that have landed
//! meanwhile are left out.

use std::collections::BTreeMap;

use arrow::array::{Array, BooleanArray, Int64Array, StringArray, new_null_array};
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

/// Rows with the columns that a table has in this version, each found by its name: those of an engine of another version may
/// have more, or lack some that were added since.
pub fn of_table(table: Table, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>, DeltaError> {
    let schema = schema::arrow(table);
    let conform = |batch: RecordBatch| {
        let columns = schema.fields().iter().map(|field| {
            let name = field.name();
            match batch.column_by_name(name) {
                Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
                Some(column) => {
                    let (is, should) = (column.data_type(), field.data_type());
                    Err(DeltaError::Store(format!("their column `{name}` is of type {is}, and should be {should}")))
                }
                None if field.is_nullable() => Ok(new_null_array(field.data_type(), batch.num_rows())),
                None => Err(DeltaError::Store(format!("they have no column `{name}`"))),
            }
        });
        let rows = RecordBatch::try_new(schema.clone(), columns.collect::<Result<_, _>>()?);
        rows.map_err(|error| DeltaError::Store(error.to_string()))
    };
    batches.into_iter().map(conform).collect()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, Schema};

    use super::*;

    #[test]
    fn rows_of_another_version_are_read_by_the_names_of_their_columns() {
        let table = Table::Events;
        let ours = schema::arrow(table);
        let mut theirs: Vec<Field> = ours.fields().iter().map(|field| field.as_ref().clone()).rev().collect();
        theirs.push(Field::new("later", DataType::Utf8, true));
        theirs.retain(|field| field.name() != "reason");
        let read = of_table(table, vec![batch(&theirs)]).unwrap();
        assert_eq!(read[0].schema(), ours);
        let without = |name: &str| theirs.iter().filter(|field| field.name() != name).cloned().collect::<Vec<_>>();
        let no = of_table(table, vec![batch(&without("kind"))]).unwrap_err();
        assert_eq!(no.to_string(), "they have no column `kind`");
        let other = [without("attempt"), vec![Field::new("attempt", DataType::Utf8, true)]].concat();
        let no = of_table(table, vec![batch(&other)]).unwrap_err();
        assert_eq!(no.to_string(), "their column `attempt` is of type Utf8, and should be Int64");
    }

    fn batch(columns: &[Field]) -> RecordBatch {
        RecordBatch::new_empty(Arc::new(Schema::new(columns.to_vec())))
    }
}
