//! What an engine does when its log fails under it, or it fails itself: who waits is told, and what heals is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use embedded::EmbeddedLog;
use engine::{Engine, Options, Trouble, Unavailable};
use model::{PoolId, Request};
use protocol::log::Topic;

use crate::faulty::Faulty;
use crate::person::{anything, request};
use crate::until;

#[tokio::test]
async fn a_panic_of_the_partitions_thread_stops_the_engine_in_words() {
    let (_folder, log, engine) = start().await;
    *log.panics.lock().unwrap() = Some(0);
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
    let log = Arc::new(Faulty::new(Arc::new(log)));
    let engine = Engine::start(log.clone(), Options::new(folder.path().join("snapshots"))).unwrap();
    until(&engine, |health| health.leading).await;
    (folder, log, engine)
}

fn pause(key: &str) -> Request {
    request(&PoolId::new("default").unwrap(), key, anything())
}
