//! The same questions to DuckDB, by a script in the Python that `./dev` makes, if it is there.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use ::sql::output::Writer;
use model::Timestamp;
use rows::Table;

use crate::Failure;

/// What one question took, in milliseconds, and how many rows its answer has.
pub struct Answer {
    /// The quickest answer.
    pub best: f64,
    /// Its rows.
    pub rows: usize,
}

const SCRIPT: &str = include_str!("duckdb.py");

/// Asks; none if there is no DuckDB. What has not landed is given to it as files.
pub fn ask(
    folder: &Path,
    waiting: &BTreeMap<Table, Vec<u8>>,
    now: Timestamp,
    runs: usize,
) -> Result<Option<Vec<Answer>>, Failure> {
    let program = std::env::current_exe()?;
    let Some(target) = program.parent().and_then(Path::parent) else { return Ok(None) };
    let python = target.join("python/bin/python");
    let there = Command::new(&python).args(["-c", "import duckdb, deltalake"]).output();
    if !there.is_ok_and(|output| output.status.success()) {
        return Ok(None);
    }
    for (table, bytes) in waiting {
        let beside = folder.join("waiting").join(table.name());
        fs::create_dir_all(&beside)?;
        let batches = journal::read::decode(bytes)?;
        let file = File::create(beside.join("rows.parquet"))?;
        let mut writer = Writer::parquet(file, journal::schema::arrow(*table))?;
        batches.iter().try_for_each(|batch| writer.write(batch))?;
        writer.finish()?;
    }
    let questions: String = super::questions().map(|question| format!("{question}\n")).collect();
    fs::write(folder.join("questions.sql"), questions)?;
    let of = |table: Table| {
        let key = table.stands_for().unwrap_or_default().join(", ");
        format!("{}={key}", table.name())
    };
    let output = Command::new(&python)
        .args(["-c", SCRIPT, &folder.to_string_lossy(), &now.0.to_string(), &runs.to_string()])
        .args(Table::ALL.map(of))
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("DuckDB ended with {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    Ok(Some(text.lines().map(answer).collect::<Result<_, _>>()?))
}

fn answer(line: &str) -> Result<Answer, Failure> {
    let (best, rows) = line.split_once(' ').ok_or("DuckDB says something else")?;
    Ok(Answer { best: best.parse()?, rows: rows.parse()? })
}
