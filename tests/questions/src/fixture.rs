//! The recorded journal `tests/fixtures/journal/v1.jsonl.zst`: six nights, as the first version wrote them. Whatever a later
//! version writes, it still reads this one, and makes the same rows of it.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use model::Timestamp;
use protocol::Replica;
use protocol::log::Record;
use rows::{Landing, Table};

/// Its records.
pub fn records() -> Vec<Record> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/journal/v1.jsonl.zst");
    let file = File::open(&path).expect("the journal stands in the repository");
    let text = BufReader::new(zstd::Decoder::new(file).expect("it is compressed by zstd"));
    history::read(text).map(|record| record.expect("each line is a record")).collect()
}

/// All its rows, none of which has landed.
pub fn landing(records: &[Record]) -> Landing {
    let mut landing = Landing::new((0, 1), Replica::default(), [0; Table::ALL.len()]);
    for record in records {
        landing.read(record).expect("each version reads the journals of those before it");
    }
    landing
}

/// The moment that questions are asked in: one second after its last entry.
pub fn end(landing: &Landing) -> Timestamp {
    Timestamp(landing.replica().now.0 + 1_000)
}

#[test]
fn the_recorded_journal_still_makes_the_rows_that_it_made() {
    let landing = landing(&records());
    assert_eq!((landing.replica().seq, end(&landing)), (5_196, Timestamp(1_772_763_619_859)));
    let made = Table::ALL.map(|table| (table.name(), landing.rows(table).len()));
    let want = [
        ("events", 14_363),
        ("executions", 80),
        ("attempts", 1_627),
        ("failures", 127),
        ("decisions", 127),
        ("recoveries", 80),
        ("test_results", 7_275),
        ("node_changes", 176),
    ];
    assert_eq!(made, want);
}
