//! A process that appends is killed by SIGKILL at random moments: what it was told is durable is there afterwards.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;

use embedded::{EmbeddedLog, OpenError, Options};
use protocol::log::{Log, NewRecord, Stream, Topic};
use tempfile::TempDir;

const REPORTS: Stream = Stream { topic: Topic::Reports, partition: 0 };
const FOLDER: &str = "EMBEDDED_KILL_FOLDER";

#[test]
fn a_killed_process_loses_nothing_that_it_was_told_is_durable() {
    let folder = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for kill in 0..25_usize {
        let mut child = appender(folder.path());
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = 0;
        for line in lines {
            // The last line may be cut by the kill.
            let line = line.unwrap();
            let Some(position) = line.strip_prefix("durable ").and_then(|rest| rest.strip_suffix(" .")) else {
                continue;
            };
            acknowledged.push(position.parse::<u64>().unwrap());
            told += 1;
            if told == 1 + kill * 7 % 60 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(told > 0, "the child appended");
        let log = open(folder.path()).unwrap();
        let held = log.range(REPORTS).unwrap();
        assert!(acknowledged.iter().all(|position| *position < held.end), "{held:?}");
        let mut next = 0;
        while next < held.end {
            let page = log.read(REPORTS, next, 1 << 20).unwrap();
            for record in &page.records {
                assert_eq!(record.value, value(record.position));
            }
            next = page.next;
        }
    }
    assert!(acknowledged.is_sorted_by(|a, b| a < b), "no position was given twice");
}

#[test]
fn a_folder_is_of_one_process_at_a_time_and_the_other_learns_which() {
    let folder = TempDir::new().unwrap();
    let mut child = appender(folder.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("durable")), "it is running");
    let refused = open(folder.path()).err().unwrap();
    assert_eq!(refused, OpenError::Locked { folder: folder.path().to_owned(), pid: Some(child.id()) });
    let text = refused.to_string();
    assert!(text.contains(&format!("in use by process {}", child.id())), "{text}");
    child.kill().unwrap();
    child.wait().unwrap();
    open(folder.path()).expect("the lock went with its process");
}

#[test]
fn what_another_process_appended_is_there_when_it_is_dead() {
    // Started with the folder in its environment, this test is that other process.
    if let Some(folder) = env::var_os(FOLDER) {
        return appends(Path::new(&folder));
    }
    let folder = TempDir::new().unwrap();
    let mut child = appender(folder.path());
    let output = std::io::BufReader::new(child.stdout.take().unwrap());
    let told = std::io::BufRead::lines(output).map_while(Result::ok).filter(|line| line.contains("durable ")).take(5);
    let count = told.count();
    child.kill().unwrap();
    child.wait().unwrap();
    let log = open(folder.path()).unwrap();
    assert!(count == 5 && log.range(REPORTS).unwrap().end >= 5);
}

#[test]
fn what_is_no_folder_or_not_ours_is_said_in_words() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "x").unwrap();
    assert_eq!(open(&file).err(), Some(OpenError::NotAFolder(file)));
}

/// The other process: this very test binary, asked for the one test below.
fn appender(folder: &Path) -> Child {
    Command::new(env::current_exe().expect("a test has a binary"))
        .args(["--exact", "what_another_process_appended_is_there_when_it_is_dead", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary can be started")
}

/// What the other process does: appends until it is killed.
#[expect(
    clippy::unwrap_used,
    clippy::explicit_write,
    reason = "the other process of a test; its output must not be captured"
)]
fn appends(folder: &Path) {
    let log = open(folder).unwrap();
    let (tell, told) = sync_channel(16);
    let mut next = log.range(REPORTS).unwrap().end;
    loop {
        // Several are under way at any time.
        for _ in 0..3 {
            let record = NewRecord { value: value(next), ..NewRecord::default() };
            next += 1;
            let tell = tell.clone();
            log.append(REPORTS, vec![record], Box::new(move |outcome| tell.send(outcome).unwrap()));
        }
        for _ in 0..3 {
            let position = told.recv().unwrap().unwrap()[0];
            writeln!(std::io::stdout(), "durable {position} .").unwrap();
        }
    }
}

fn open(folder: &Path) -> Result<EmbeddedLog, OpenError> {
    EmbeddedLog::open(folder, &Options { reserve_bytes: 1 << 20, ..Options::default() })
}

fn value(position: u64) -> Vec<u8> {
    let length = usize::try_from(position % 50 * position % 977).expect("it is small");
    position.to_le_bytes().into_iter().cycle().take(8 + length).collect()
}
