//! Runs files of statements and their rows (`.slt`). `UPDATE=1` in the environment writes what came out into them.

use std::path::{Path, PathBuf};

use sql::output::arrow::array::Array;
use sql::output::arrow::datatypes::DataType;
use sql::output::arrow::record_batch::RecordBatch;
use sql::output::arrow::util::display::ArrayFormatter;
use sql::{Mistake, Session, output};
use sqllogictest::{
    AsyncDB, DBOutput, DefaultColumnType, Runner, default_normalizer, default_validator, strict_column_validator,
};

use crate::stage::stage;

/// A session as the runner wants it.
struct Asked(Session);

#[async_trait::async_trait]
impl AsyncDB for Asked {
    type Error = Mistake;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, text: &str) -> Result<DBOutput<DefaultColumnType>, Mistake> {
        let mut answer = self.0.run(text).await?;
        let types = answer.schema.fields().iter().map(|field| letter(field.data_type())).collect();
        Ok(DBOutput::Rows { types, rows: cells(&answer.collect().await?) })
    }

    async fn shutdown(&mut self) {}
}

fn letter(of: &DataType) -> DefaultColumnType {
    match of.is_numeric() {
        true if of.is_integer() => DefaultColumnType::Integer,
        true => DefaultColumnType::FloatingPoint,
        false => DefaultColumnType::Text,
    }
}

/// Runs every file of a folder below `answers`, in order of their names.
pub async fn run(folder: &str) {
    let stage = stage().await;
    let mut wrong = Vec::new();
    for file in files(folder) {
        let mut runner = Runner::new(|| async { Ok(Asked(stage.session())) });
        runner.with_column_validator(strict_column_validator);
        if updates() {
            let (valid, normal, types) = (default_validator, default_normalizer, strict_column_validator);
            runner.update_test_file(&file, "\t", valid, normal, types).await.expect("the file can be written");
        } else if let Err(error) = runner.run_file_async(&file).await {
            wrong.push(error.display(false).to_string());
        }
    }
    assert!(wrong.is_empty(), "UPDATE=1 writes what came out into the files\n\n{}", wrong.join("\n"));
}

/// The `.slt` files of a folder below `answers`, in order of their names.
pub fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("answers").join(folder);
    let entries = folder.read_dir().expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be listed").path());
    let mut files: Vec<PathBuf> = paths.filter(|path| path.extension().is_some_and(|end| end == "slt")).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no file", folder.display());
    files
}

/// Whether what came out is to be written where it differs from what is expected.
pub fn updates() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// The cells of an answer as text: `NULL` where there is nothing, fractions to six places, as sums of them end otherwise
/// whenever they are added up in another order.
pub fn cells(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect());
        }
    }
    rows
}

fn cell(column: &dyn Array, row: usize) -> String {
    let options = output::options(column.data_type()).with_null("NULL");
    let text = ArrayFormatter::try_new(column, &options).expect("a column of ours can be shown").value(row).to_string();
    let is_fraction = column.data_type().is_floating();
    match text.parse::<f64>() {
        Ok(number) if is_fraction => format!("{number:.6}").trim_end_matches('0').trim_end_matches('.').to_owned(),
        Ok(_) | Err(_) if text.is_empty() => "(empty)".to_owned(),
        Ok(_) | Err(_) => text,
    }
}
