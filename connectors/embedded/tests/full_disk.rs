//! A disk that is really full: a small file system in memory. Mounting one takes root; else this says that it is
//! skipped, which CI does not allow.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::sync_channel;

use embedded::{EmbeddedLog, Options};
use protocol::log::{AppendError, Log, NewRecord, Stream, Topic};
use tempfile::TempDir;

const JOURNAL: Stream = Stream { topic: Topic::Journal, partition: 0 };

#[test]
fn a_full_disk_refuses_appends_and_keeps_reads_until_there_is_room() {
    let Some(mount) = Mount::new() else {
        assert!(std::env::var_os("CI").is_none(), "CI skips no test: this user may not mount a small file system");
        // Not by `eprintln!`, which the harness keeps to itself.
        let words = "SKIPPED, so this proves nothing: this user may not mount a small file system";
        return writeln!(std::io::stderr(), "{words}").expect("a test has a standard error");
    };
    for reserve_bytes in [2 << 20, 0] {
        let options = Options { reserve_bytes, tail_bytes: 100_000, ..Options::default() };
        let data = mount.folder.path().join(format!("data {reserve_bytes}"));
        let log = EmbeddedLog::open(&data, &options).unwrap();
        let mut held = fill(&log, 0);
        assert!(held > 10, "{held}");
        check(&log, held);
        assert!(matches!(append(&log, held), Err(AppendError::Full { .. })), "it stays full");
        // Others take the very last block, and the engine is restarted on the full disk.
        let other = mount.folder.path().join("other");
        assert!(fs::write(&other, vec![1; 8 << 20]).is_err(), "it does not fit");
        drop(log);
        let log = EmbeddedLog::open(&data, &options).unwrap();
        check(&log, held);
        // A trim makes room inside the file even while nothing can be appended.
        log.trim(JOURNAL, held - 5).unwrap();
        let begun = std::time::Instant::now();
        while log.range(JOURNAL).unwrap().start < held - 5 {
            assert!(begun.elapsed().as_secs() < 20, "the trim is done");
        }
        mount.grow();
        while let Err(error) = append(&log, held) {
            assert!(begun.elapsed().as_secs() < 20, "with room it goes on: {error}");
        }
        held += 1;
        check(&log, held);
        drop(log);
        check(&EmbeddedLog::open(&data, &options).unwrap(), held);
        fs::remove_dir_all(&data).unwrap();
        fs::remove_file(&other).unwrap();
        mount.shrink();
    }
}

/// Appends until the disk is full; returns how many there are.
fn fill(log: &EmbeddedLog, mut held: u64) -> u64 {
    loop {
        match append(log, held) {
            Ok(()) => held += 1,
            Err(AppendError::Full { advice }) => {
                assert!(advice.contains("free some space"), "{advice}");
                return held;
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn append(log: &EmbeddedLog, position: u64) -> Result<(), AppendError> {
    let (tell, told) = sync_channel(1);
    let record = NewRecord { value: value(position), ..NewRecord::default() };
    log.append(JOURNAL, vec![record], Box::new(move |outcome| drop(tell.try_send(outcome))));
    told.recv().expect("every call is answered").map(|positions| assert_eq!(positions, [position]))
}

fn check(log: &EmbeddedLog, end: u64) {
    let held = log.range(JOURNAL).expect("the stream exists");
    assert_eq!(held.end, end);
    let mut next = held.start;
    while next < end {
        let page = log.read(JOURNAL, next, 1 << 20).expect("reads go on");
        assert!(page.records.iter().all(|record| record.value == value(record.position)));
        next = page.next;
    }
}

fn value(position: u64) -> Vec<u8> {
    vec![position.to_le_bytes()[0]; 20_000]
}

/// A file system of a few megabytes.
struct Mount {
    folder: TempDir,
}

impl Mount {
    fn new() -> Option<Self> {
        let folder = TempDir::new().expect("a folder for the test");
        let mounted = mount(&["-t", "tmpfs", "-o", "size=8m", "tmpfs"], folder.path());
        mounted.then_some(Self { folder })
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=32m"], self.folder.path()));
    }

    fn shrink(&self) {
        assert!(mount(&["-o", "remount,size=8m"], self.folder.path()));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn mount(arguments: &[&str], at: &Path) -> bool {
    Command::new("mount").args(arguments).arg(at).output().is_ok_and(|output| output.status.success())
}
