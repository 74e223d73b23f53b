//! The embedded log is a log: it passes the suite that every implementation passes.

use std::sync::Arc;
use std::time::Duration;

use conformance::Subject;
use embedded::{EmbeddedLog, Options};
use protocol::log::{AppendError, Log, NewRecord, Stream, Topic};
use tempfile::TempDir;

struct Embedded {
    folder: TempDir,
    options: Options,
}

impl Subject for Embedded {
    fn fresh(&mut self) -> Arc<dyn Log> {
        self.folder = TempDir::new().expect("a folder for the test");
        self.reopen()
    }

    fn reopen(&mut self) -> Arc<dyn Log> {
        Arc::new(EmbeddedLog::open(self.folder.path(), &self.options).expect("the log opens"))
    }

    fn may_wait(&self) -> Option<usize> {
        Some(self.options.queue_records)
    }
}

#[test]
fn the_embedded_log_conforms() {
    let options = Options { partitions: 2, reserve_bytes: 1 << 20, queue_records: 10_000, ..Options::default() };
    conformance::run(|| Embedded { folder: TempDir::new().unwrap(), options: options.clone() });
}

#[test]
fn it_conforms_when_nothing_is_served_from_memory() {
    let options = Options {
        partitions: 2,
        reserve_bytes: 0,
        tail_bytes: 0,
        cache_bytes: 0,
        queue_records: 10_000,
        ..Options::default()
    };
    conformance::run(|| Embedded { folder: TempDir::new().unwrap(), options: options.clone() });
}

#[test]
fn dropping_the_log_writes_what_is_queued_and_one_append_has_a_bound() {
    let folder = TempDir::new().unwrap();
    let options = Options { reserve_bytes: 0, ..Options::default() };
    let journal = Stream { topic: Topic::Journal, partition: 0 };
    let log = EmbeddedLog::open(folder.path(), &options).unwrap();
    let (tell, told) = std::sync::mpsc::sync_channel(200);
    for size in std::iter::repeat_n(1000, 100).chain([5 << 20]) {
        let tell = tell.clone();
        let record = NewRecord { value: vec![1; size], ..NewRecord::default() };
        log.append(journal, vec![record], Box::new(move |outcome| tell.send(outcome).unwrap()));
    }
    drop((log, tell));
    let (durable, refused): (Vec<_>, Vec<_>) = told.iter().partition(Result::is_ok);
    assert_eq!(durable.len(), 100);
    assert!(matches!(refused.as_slice(), [Err(AppendError::Refused(_))]), "{refused:?}");
    assert_eq!(EmbeddedLog::open(folder.path(), &options).unwrap().range(journal), Ok(0..100));
}

#[test]
fn a_panic_in_the_writer_is_told_to_those_who_wait_and_the_writer_goes_on() {
    let folder = TempDir::new().unwrap();
    let options = Options { reserve_bytes: 0, retry_after: Duration::from_millis(1), ..Options::default() };
    let journal = Stream { topic: Topic::Journal, partition: 0 };
    let log = EmbeddedLog::open(folder.path(), &options).unwrap();
    let append = |value: u8| {
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let record = NewRecord { value: vec![value], ..NewRecord::default() };
        log.append(journal, vec![record], Box::new(move |outcome| drop(tell.try_send(outcome))));
        told
    };
    let patience = Duration::from_secs(20);
    for n in 0..20 {
        log.append(journal, vec![NewRecord::default()], Box::new(|_| panic!("tripped on purpose")));
        // Together with the one that panics it may be in doubt; the next one is not.
        let _ = append(n).recv_timeout(patience).expect("it is answered");
        append(n).recv_timeout(patience).expect("it is answered").expect("the writer goes on");
    }
    drop(log);
    let end = EmbeddedLog::open(folder.path(), &options).unwrap().range(journal).unwrap().end;
    assert_eq!(end, 60, "each was written once");
}
