//! What an engine does when its log fails under it, or it fails itself: who waits is told, and what heals is gone.

#![expect(clippy::unwrap_used, reason = "an engine that cannot be asked fails its test")]

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, Health, Options, Trouble, Unavailable};
use model::request::Ask;
use model::{Key, PoolId, Request, Timestamp};
use protocol::log::{AppendError, Done, Log, NewRecord, Page, ReadError, Stream, Topic};

/// An embedded log that fails as it is told.
struct Faulty {
    log: EmbeddedLog,
    /// Reads of this topic fail.
    unreadable: Mutex<Option<Topic>>,
    /// The next read panics.
    panics: AtomicBool,
    /// The journal finds no room.
    full: AtomicBool,
}

impl Log for Faulty {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        if to.topic == Topic::Journal && self.full.load(Ordering::Relaxed) {
            return done(Err(AppendError::Full { advice: "free some space".to_owned() }));
        }
        self.log.append(to, records, done);
    }
    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        assert!(!self.panics.load(Ordering::Relaxed), "tripped on purpose");
        if *self.unreadable.lock().unwrap() == Some(from.topic) {
            return Err(ReadError::Failed("look at the disk".to_owned()));
        }
        self.log.read(from, position, bytes)
    }
    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        self.log.range(of)
    }
    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        self.log.wait(streams, at_most);
    }
    fn wake(&self) {
        self.log.wake();
    }
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        self.log.trim(of, before)
    }
}

#[tokio::test]
async fn a_panic_of_the_partitions_thread_stops_the_engine_in_words() {
    let (_folder, log, engine) = start().await;
    log.panics.store(true, Ordering::Relaxed);
    let stopped = until(&engine, |health| health.trouble.is_some()).await;
    assert!(!stopped.leading);
    let Some(Trouble::Stopped(why)) = stopped.trouble else { panic!("{stopped:?}") };
    assert!(why.contains("our own bug") && why.contains("tripped on purpose"), "{why}");
    assert_eq!(engine.ask(pause("k1")).await, Err(Unavailable::NotReady(why)));
    engine.stop();
}

#[tokio::test]
async fn a_read_that_fails_troubles_until_one_succeeds() {
    let (_folder, log, engine) = start().await;
    *log.unreadable.lock().unwrap() = Some(Topic::Reports);
    let troubled = until(&engine, |health| health.trouble.is_some()).await;
    assert!(matches!(&troubled.trouble, Some(Trouble::Unread(why)) if why.contains("reports/0")), "{troubled:?}");
    *log.unreadable.lock().unwrap() = None;
    let healed = until(&engine, |health| health.trouble.is_none()).await;
    assert!(healed.leading && healed.epoch == troubled.epoch, "it led all the time: {healed:?}");
    engine.stop();
}

#[tokio::test]
async fn a_request_that_is_stored_when_the_disk_is_full_is_answered_at_once() {
    let (_folder, log, engine) = start().await;
    log.full.store(true, Ordering::Relaxed);
    let answer = engine.ask(pause("k1")).await;
    let Err(Unavailable::Full(advice)) = answer else { panic!("{answer:?}") };
    assert!(advice.contains("free some space") && advice.contains("is stored"), "{advice}");
    let answer = engine.ask(pause("k2")).await;
    assert_eq!(answer, Err(Unavailable::Full("free some space".to_owned())), "the next ones are not taken");
    assert!(engine.health().journal_read, "reads go on");
    log.full.store(false, Ordering::Relaxed);
    until(&engine, |health| health.leading && health.trouble.is_none()).await;
    assert!(engine.ask(pause("k1")).await.unwrap().is_some(), "it was decided meanwhile");
    engine.stop();
}

async fn start() -> (tempfile::TempDir, Arc<Faulty>, Engine) {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&folder.path().join("log"), &embedded::Options::default()).unwrap();
    let log = Arc::new(Faulty { log, unreadable: Mutex::default(), panics: false.into(), full: false.into() });
    let engine = Engine::start(log.clone(), Options::new(folder.path().join("snapshots"))).unwrap();
    until(&engine, |health| health.leading).await;
    (folder, log, engine)
}

async fn until(engine: &Engine, wanted: impl Fn(&Health) -> bool) -> Health {
    for _ in 0..6_000 {
        let health = engine.health();
        if wanted(&health) {
            return health;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to that: {:?}", engine.health())
}

fn pause(key: &str) -> Request {
    let now = Timestamp(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64);
    let ask = Ask::Pause { execution: "web-1".parse().unwrap() };
    let pool = PoolId::new("default").unwrap();
    Request { pool, key: Key::new(key).unwrap(), who: "t".into(), at: now, reason: String::new(), ask }
}
