//! Answers as people and programs read them.

use std::io::Write;

use datafusion::arrow::csv;
pub use datafusion::arrow::datatypes::SchemaRef;
pub use datafusion::arrow::error::ArrowError;
use datafusion::arrow::json;
use datafusion::arrow::json::writer::LineDelimited;
pub use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::parquet::arrow::ArrowWriter;

/// How times are written.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.3fZ";

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
        let format = csv::WriterBuilder::new().with_header(true).with_timestamp_tz_format(TIME.to_owned());
        Self::Csv(Box::new(format.build(to)))
    }

    /// An object a line.
    pub fn json(to: W) -> Self {
        let format = json::WriterBuilder::new().with_explicit_nulls(true).with_timestamp_tz_format(TIME.to_owned());
        Self::Json(format.build(to))
    }

    /// A Parquet file.
    pub fn parquet(to: W, schema: SchemaRef) -> Result<Self, ArrowError> {
        Ok(Self::Parquet(Box::new(ArrowWriter::try_new(to, schema, None)?)))
    }

    /// Writes rows.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArrowError> {
        match self {
            Self::Csv(writer) => writer.write(batch),
            Self::Json(writer) => writer.write(batch),
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
pub fn leans_right(field: &datafusion::arrow::datatypes::Field) -> bool {
    field.data_type().is_numeric()
}

/// The cells of batches as text, a row a line.
pub fn cells(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let options = FormatOptions::new().with_timestamp_tz_format(Some(TIME)).with_null("");
    let mut lines = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter().map(|column| ArrayFormatter::try_new(column.as_ref(), &options));
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            let text = columns.iter().map(|column| column.value(row).try_to_string());
            lines.push(text.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(lines)
}
