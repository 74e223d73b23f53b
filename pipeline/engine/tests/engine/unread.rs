//! What an engine makes of a log that cannot be read, or slowly: it is deaf then, and nobody is silent.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use embedded::EmbeddedLog;
use engine::{Engine, Options, Trouble};
use model::{Body, Millis, PoolId};

use crate::faulty::Faulty;
use crate::node::Node;
use crate::person::{anything, ask_with};
use crate::until;

#[tokio::test]
async fn nobody_is_given_up_while_the_log_fails_or_crawls_and_it_heals() {
    let folder = tempfile::tempdir().unwrap();
    let log = EmbeddedLog::open(&folder.path().join("log"), &embedded::Options::default()).unwrap();
    let log = Arc::new(Faulty::new(Arc::new(log)));
    let mut options = Options::new(folder.path().join("snapshots"));
    let settings = &mut options.settings;
    (settings.beat_ms, settings.suspect_ms, settings.lost_ms) = (Millis(200), Millis(1_000), Millis(1_500));
    let engine = Engine::start(log.clone(), options).unwrap();
    until(&engine, |health| health.led).await;
    let pool = PoolId::new("default").unwrap();
    let mut node = Node::join(&engine, &pool).await;

    log.cut.store(true, Ordering::Relaxed);
    let troubled = until(&engine, |health| health.trouble.is_some()).await;
    assert!(matches!(troubled.trouble, Some(Trouble::Unread(_))), "{troubled:?}");
    goes_unheard(&mut node, &engine).await;
    log.mend();
    until(&engine, |health| health.led && health.trouble.is_none()).await;
    node.beat(&engine).await;

    log.slow.store(700, Ordering::Relaxed);
    goes_unheard(&mut node, &engine).await;
    log.slow.store(0, Ordering::Relaxed);
    node.beat(&engine).await;

    ask_with(&engine, &pool, "k1", anything()).await;
    let entries = engine.journal(&pool, 1, 10_000).unwrap();
    let events = entries.iter().flat_map(|(_, entry)| &entry.events);
    let verdicts = events.filter(|e| matches!(e.event, Body::NodeSuspected { .. } | Body::NodeLost { .. }));
    assert_eq!(verdicts.count(), 0, "it beat all the time");
    engine.stop();
}

/// Longer than a silent node is given.
async fn goes_unheard(node: &mut Node, engine: &Engine) {
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        // Whether that is answered in time is no matter.
        let _ = tokio::time::timeout(Duration::from_millis(200), node.beat_once(engine)).await;
    }
}
