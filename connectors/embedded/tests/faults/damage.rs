//! Files that are not what was written: the log says which, and never shows a wrong record or a shorter history.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;

use embedded::{EmbeddedLog, OpenError, Options};
use protocol::log::{Log, NewRecord, ReadError, Record};
use tempfile::TempDir;

use crate::chance::Chance;
use crate::history::JOURNAL;
use crate::play::seeds;

#[test]
fn a_flipped_byte_is_found_or_harmless() {
    let (folder, want) = written();
    let mut found = 0;
    for seed in seeds(300) {
        let mut chance = Chance::new(seed);
        found += u64::from(survives(&folder, &want, |bytes| {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << chance.below(8);
        }));
    }
    assert!(found > 100, "flips in records are found: {found} of 300");
}

#[test]
fn a_file_cut_short_is_found() {
    let (folder, want) = written();
    for seed in seeds(60) {
        let mut chance = Chance::new(seed);
        let found = survives(&folder, &want, |bytes| bytes.truncate(chance.below(bytes.len() as u64 - 1) as usize));
        assert!(found, "seed {seed}");
    }
    assert!(survives(&folder, &want, Vec::clear), "an empty file is not a new one");
}

#[test]
fn a_page_of_zeros_is_found_or_harmless() {
    let (folder, want) = written();
    for seed in seeds(100) {
        let mut chance = Chance::new(seed);
        survives(&folder, &want, |bytes| {
            let page = chance.below(bytes.len() as u64 / 4096) as usize * 4096;
            bytes[page..page + 4096].fill(0);
        });
    }
}

#[test]
fn another_file_in_its_place_is_found() {
    let (folder, want) = written();
    assert!(survives(&folder, &want, |bytes| bytes.fill(b'x')));
    assert!(survives(&folder, &want, |bytes| bytes.fill(0)));
}

#[test]
fn damage_is_found_also_where_the_process_was_killed() {
    let (folder, want) = written();
    // What a killed process leaves: its files as they are while it runs.
    let killed = TempDir::new().expect("a folder for the test");
    let log = open(folder.path()).expect("the log opens");
    append(&log, 100);
    for file in ["journal-0.redb", "journal-0.redb.end"] {
        fs::copy(folder.path().join(file), killed.path().join(file)).expect("it can be copied");
    }
    drop(log);
    let want: Vec<Record> = want.into_iter().chain([record(100)]).collect();
    assert!(!survives(&killed, &want, |_| {}), "undamaged it opens");
    let mut found = 0;
    for seed in seeds(300) {
        let mut chance = Chance::new(seed);
        found += u64::from(survives(&killed, &want, |bytes| {
            let at = chance.below(bytes.len() as u64) as usize;
            bytes[at] ^= 1 << chance.below(8);
        }));
    }
    assert!(found > 100, "flips in records are found: {found} of 300");
}

#[test]
fn a_deleted_file_is_found() {
    let (folder, _) = written();
    fs::remove_file(folder.path().join("journal-0.redb")).unwrap();
    let error = open(folder.path()).err();
    assert!(matches!(&error, Some(OpenError::Damaged(text)) if text.contains("up to 100")), "{error:?}");
}

/// A folder with a journal of several pages, and what is in it.
fn written() -> (TempDir, Vec<Record>) {
    let folder = TempDir::new().expect("a folder for the test");
    let log = open(folder.path()).expect("the log opens");
    for n in 0..100 {
        append(&log, n);
    }
    let records = log.read(JOURNAL, 0, 1 << 20).expect("it can be read").records;
    assert_eq!(records.len(), 100);
    drop(log);
    (folder, records)
}

fn append(log: &EmbeddedLog, n: u8) {
    let (tell, told) = sync_channel(1);
    let Record { position: _, key, header, value, appended: _ } = record(n);
    log.append(JOURNAL, vec![NewRecord { key, header, value }], Box::new(move |outcome| drop(tell.try_send(outcome))));
    told.recv().expect("every call is answered").expect("there is room");
}

fn record(n: u8) -> Record {
    Record { position: u64::from(n), key: vec![n; 3], header: vec![], value: vec![n; 900], appended: None }
}

/// Damages a copy of the folder; returns whether the log found it. Panics if the log shows anything but the truth.
fn survives(folder: &TempDir, want: &[Record], damage: impl FnOnce(&mut Vec<u8>)) -> bool {
    let copy = TempDir::new().expect("a folder for the test");
    let file = |folder: &Path| -> PathBuf { folder.join("journal-0.redb") };
    let mut bytes = fs::read(file(folder.path())).expect("the file is there");
    damage(&mut bytes);
    fs::write(file(copy.path()), bytes).expect("it can be copied");
    let note = "journal-0.redb.end";
    fs::copy(folder.path().join(note), copy.path().join(note)).expect("it can be copied");
    let log = match open(copy.path()) {
        Ok(log) => log,
        Err(OpenError::Damaged(text)) => {
            assert!(text.contains("journal-0.redb") && text.contains("restore"), "{text}");
            return true;
        }
        Err(other) => panic!("{other:?}"),
    };
    match log.read(JOURNAL, 0, 1 << 20) {
        Ok(page) => {
            assert_eq!(page.records, want);
            false
        }
        Err(ReadError::Failed(text)) => {
            assert!(text.contains("journal-0.redb"), "{text}");
            true
        }
        Err(other) => panic!("{other:?}"),
    }
}

fn open(folder: &Path) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(folder, &Options { reserve_bytes: 0, tail_bytes: 0, ..Options::default() })
}
