//! A journal as lines of text, so that one can be stored beside the tests: a JSON object for each record.
//!
//! Header and body stand in the line byte for byte as they stand in the log. So a stored journal is read as it was
//! written, also by a later version that would write it otherwise.

use std::fmt;
use std::io::{self, BufRead, Write};

use protocol::log::Record;
use serde::de::IgnoredAny;

const BEFORE: &str = "{\"position\":";
const HEADER: &str = ",\"header\":";
const VALUE: &str = ",\"value\":";
const AFTER: &str = "}";

/// Why a line could not be read.
#[derive(Debug)]
pub enum ReadError {
    /// The text could not be had.
    Io(io::Error),
    /// It is no record.
    NotARecord {
        /// Its number, from 1.
        line: usize,
    },
}

/// Writes records, a line each.
pub fn write(records: impl IntoIterator<Item = Record>, mut out: impl Write) -> io::Result<()> {
    for record in records {
        write_one(&record, &mut out)?;
    }
    out.flush()
}

/// Writes one record as a line.
pub fn write_one(record: &Record, mut out: impl Write) -> io::Result<()> {
    write!(out, "{BEFORE}{}{HEADER}", record.position)?;
    out.write_all(&record.header)?;
    out.write_all(VALUE.as_bytes())?;
    out.write_all(&record.value)?;
    writeln!(out, "{AFTER}")
}

/// Reads what [`write()`] wrote.
pub fn read(from: impl BufRead) -> impl Iterator<Item = Result<Record, ReadError>> {
    from.lines().enumerate().map(|(index, line)| {
        let line = line.map_err(ReadError::Io)?;
        record(&line).ok_or(ReadError::NotARecord { line: index + 1 })
    })
}

fn record(line: &str) -> Option<Record> {
    let (position, rest) = line.strip_prefix(BEFORE)?.split_once(HEADER)?;
    // A header holds numbers and plain names only: the first such mark is the end of it.
    let (header, value) = rest.strip_suffix(AFTER)?.split_once(VALUE)?;
    for json in [header, value] {
        serde_json::from_str::<IgnoredAny>(json).ok()?;
    }
    let (header, value) = (header.as_bytes().to_vec(), value.as_bytes().to_vec());
    Some(Record { position: position.parse().ok()?, key: Vec::new(), header, value, appended: None })
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the journal could not be read: {error}"),
            Self::NotARecord { line } => write!(f, "line {line} is no record of a journal"),
        }
    }
}

impl std::error::Error for ReadError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_record_is_named_by_its_line() {
        let good = r#"{"position":7,"header":{"record":"beat"},"value":{"a":1}}"#;
        for (bad, why) in [
            ("", "empty"),
            ("{}", "no position"),
            (r#"{"position":x,"header":{},"value":{}}"#, "no number"),
            (r#"{"position":7,"header":{},"value":{}"#, "cut off"),
            (r#"{"position":7,"header":{},"value":{]}"#, "no JSON"),
        ] {
            let text = format!("{good}\n{bad}\n");
            let read: Vec<_> = read(text.as_bytes()).collect();
            assert_eq!(read[0].as_ref().unwrap().position, 7, "{why}");
            assert!(matches!(read[1], Err(ReadError::NotARecord { line: 2 })), "{why}");
        }
    }
}
