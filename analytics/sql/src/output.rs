//! Answers as people and programs read them.

use std::io::Write;
use std::sync::Arc;

pub use datafusion::arrow;
use datafusion::arrow::array::timezone::Tz;
use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::csv;
pub use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
pub use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json;
use datafusion::arrow::json::writer::LineDelimited;
pub use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::record_batch::RecordBatchOptions;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ArrowWriter;

/// How times of UTC are written.
const UTC: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";
/// How times of another zone are written: by their clock, and how far it is from UTC's.
const ZONED: &str = "%Y-%m-%dT%H:%M:%S%.3f%:z";

/// Writes batches as they come.
pub enum Writer<W: Write + Send> {
    /// A line a row, after one with the names.
    Csv(Box<csv::Writer<W>>),
    /// An object a line, with null where there is nothing.
    Json(json::Writer<W, LineDelimited>),
    /// A Parquet file.
    Parquet(Box<ArrowWriter<W>>),
}

impl<W: Write + Send> Writer<W> {
    /// Comma-separated values.
    pub fn csv(to: W) -> Self {
        let format = csv::WriterBuilder::new().with_header(true).with_timestamp_tz_format(UTC.to_owned());
        Self::Csv(Box::new(format.build(to)))
    }

    /// An object a line.
    pub fn json(to: W) -> Self {
        let format = json::WriterBuilder::new().with_explicit_nulls(true).with_timestamp_tz_format(UTC.to_owned());
        Self::Json(format.build(to))
    }

    /// A Parquet file.
    pub fn parquet(to: W, schema: SchemaRef) -> Result<Self, ArrowError> {
        Ok(Self::Parquet(Box::new(ArrowWriter::try_new(to, schema, None)?)))
    }

    /// Writes rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Csv(writer) => writer.write(&legible(batch, |of| is_utc(of) && !of.is_nested())?),
            Self::Json(writer) => writer.write(&legible(batch, is_utc)?),
            Self::Parquet(writer) => Ok(writer.write(batch)?),
        }
    }

    /// Writes what ends it.
    pub fn finish(self) -> Result<(), ArrowError> {
        match self {
            Self::Csv(_) => Ok(()),
            Self::Json(mut writer) => writer.finish(),
            Self::Parquet(writer) => Ok(writer.close().map(|_| ())?),
        }
    }
}

/// Whether a column's values are numbers, which stand under each other by their last digit.
pub fn leans_right(field: &Field) -> bool {
    field.data_type().is_numeric()
}

/// The cells of batches as text, a row a line.
pub fn cells(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let mut lines = Vec::new();
    for batch in batches {
        let options: Vec<_> = batch.columns().iter().map(|column| options(column.data_type())).collect();
        let columns = batch.columns().iter().zip(&options).map(|(column, of)| ArrayFormatter::try_new(column, of));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let text = columns.iter().map(|column| column.value(row).try_to_string());
            lines.push(text.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(lines)
}

/// How values of a type are shown, wherever in them a time stands: no time says UTC that is another zone's.
pub fn options(of: &DataType) -> FormatOptions<'static> {
    FormatOptions::new().with_timestamp_tz_format(Some(if is_utc(of) { UTC } else { ZONED }))
}

/// Whether all times of a type are UTC that have a zone at all.
fn is_utc(of: &DataType) -> bool {
    let whole = Schema::new(vec![Field::new("", of.clone(), true)]);
    whole.flattened_fields().into_iter().all(|field| {
        if let DataType::Dictionary(_, value) = field.data_type() {
            return is_utc(value);
        }
        zone(field).is_none_or(|zone| ["UTC", "+00:00"].contains(&zone))
    })
}

fn zone(field: &Field) -> Option<&str> {
    if let DataType::Timestamp(_, zone) = field.data_type() { zone.as_deref() } else { None }
}

/// A zone in which no time can be shown, since there is none of that name.
pub fn unknown_zone(schema: &Schema) -> Option<&str> {
    schema.flattened_fields().into_iter().filter_map(zone).find(|zone| zone.parse::<Tz>().is_err())
}

/// Rows for a writer: what it does not know how to write, times of another zone than UTC among it, is text to it.
fn legible(batch: &RecordBatch, knows: impl Fn(&DataType) -> bool) -> Result<RecordBatch, ArrowError> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let column = if knows(column.data_type()) { column.clone() } else { text(column)? };
        fields.push(Field::new(field.name(), column.data_type().clone(), true));
        columns.push(column);
    }
    let rows = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Schema::new(fields).into(), columns, &rows)
}

fn text(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let options = options(column.data_type());
    let values = ArrayFormatter::try_new(column, &options)?;
    let text = |row| column.is_valid(row).then(|| values.value(row).try_to_string()).transpose();
    Ok(Arc::new((0..column.len()).map(text).collect::<Result<StringArray, _>>()?))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ListArray, TimestampMicrosecondArray};
    use datafusion::arrow::compute::cast;
    use datafusion::arrow::datatypes::{Int64Type, TimeUnit, TimestampMicrosecondType};

    use super::*;

    #[test]
    fn no_form_says_utc_of_another_zones_time() {
        let of = |zone: &str| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(vec![Some(1_773_480_283_680_000), None]).with_timezone(zone))
        };
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("utc", of("UTC"), true),
            ("zero", of("+00:00"), true),
            ("new_york", of("America/New_York"), true),
            ("kolkata", of("+05:30"), true),
        ])
        .unwrap();
        let told = [
            "2026-03-14T09:24:43.680Z",
            "2026-03-14T09:24:43.680Z",
            "2026-03-14T05:24:43.680-04:00",
            "2026-03-14T14:54:43.680+05:30",
        ];
        assert_eq!(cells(std::slice::from_ref(&batch)).unwrap(), [told, [""; 4]]);
        let mut csv = Vec::new();
        Writer::csv(&mut csv).write(&batch).unwrap();
        assert_eq!(String::from_utf8(csv).unwrap(), format!("utc,zero,new_york,kolkata\n{}\n,,,\n", told.join(",")));
        let mut json = Vec::new();
        let mut writer = Writer::json(&mut json);
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
        let json = String::from_utf8(json).unwrap();
        let named = ["utc", "zero", "new_york", "kolkata"].into_iter().zip(told);
        let row = named.map(|(name, told)| format!("\"{name}\":\"{told}\"")).collect::<Vec<_>>().join(",");
        assert_eq!(json.lines().next(), Some(format!("{{{row}}}").as_str()));
    }

    #[test]
    fn a_list_is_text_in_csv_and_in_json_a_list_unless_its_times_are_of_another_zone() {
        let times = ListArray::from_iter_primitive::<TimestampMicrosecondType, _, _>([Some([Some(0)])]);
        let zoned = DataType::new_list(DataType::Timestamp(TimeUnit::Microsecond, Some("+01:00".into())), true);
        let times = cast(&times, &zoned).unwrap();
        let numbers = ListArray::from_iter_primitive::<Int64Type, _, _>([Some([Some(7), None])]);
        let batch = RecordBatch::try_from_iter([("times", times), ("numbers", Arc::new(numbers) as ArrayRef)]).unwrap();
        let (mut csv, mut json) = (Vec::new(), Vec::new());
        Writer::csv(&mut csv).write(&batch).unwrap();
        Writer::json(&mut json).write(&batch).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        assert_eq!(csv, "times,numbers\n[1970-01-01T00:00:00.000+01:00],\"[7, ]\"\n");
        let json = String::from_utf8(json).unwrap();
        assert_eq!(json.trim(), r#"{"times":"[1970-01-01T00:00:00.000+01:00]","numbers":[7,null]}"#);
    }
}
