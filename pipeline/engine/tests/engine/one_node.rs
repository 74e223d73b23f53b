//! An engine on the embedded log, and a node that is this test: a flow runs, and an engine that is started again
//! goes on where the last one was.

use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, Options, StartError};
use model::PoolId;
use model::request::{Answer, Ask, RefusalKind};

use crate::node::Node;
use crate::person::{anything, ask_with, submit};

#[tokio::test]
async fn a_flow_runs_and_a_new_engine_goes_on_where_the_last_one_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path()).await;
    let mut node = Node::join(&engine, &pool()).await;
    let pool = pool();
    let execution = submit(&engine, &pool, "k1").await;
    assert_eq!(submit(&engine, &pool, "k1").await, execution, "the same key is the same request");
    let (pause, resume) = (|execution| Ask::Pause { execution }, |execution| Ask::Resume { execution });
    let [one, other] =
        [pause(execution.clone()), resume(execution.clone())].map(|ask| ask_with(&engine, &pool, "k2", ask));
    let (one, other) = tokio::join!(one, other);
    let reused = |answer: &&Answer| matches!(answer, Answer::Refused { refusal: RefusalKind::KeyReused, .. });
    let count = [&one, &other].into_iter().filter(reused).count();
    assert_eq!(count, 1, "each hears what became of what it asked itself: {one:?}, {other:?}");
    ask_with(&engine, &pool, "k3", resume(execution.clone())).await;

    let build = node.next_start(&engine).await;
    assert_eq!((build.attempt.as_str(), build.run.last().unwrap().as_str()), ("f-1/build@1", "make"));
    node.passes(&engine, &build).await;
    let test = node.next_start(&engine).await;
    assert_eq!(test.attempt, "f-1/test@1");
    node.report(&engine, &test, r#""kind":"accepted""#).await;
    node.report(&engine, &test, r#""kind":"started","pid":7"#).await;
    let seq = engine.health().seq;
    engine.stop();
    drop(engine);

    let engine = begin(folder.path());
    assert!(engine.health().seq > 0, "it says at once what its snapshot knows");
    leads(&engine).await;
    assert!(engine.health().seq >= seq, "nothing that was admitted is gone");
    let counted = metric(&engine, "reprise_journal_entries_total");
    assert!(
        counted <= engine.health().seq - seq,
        "{counted} counted: what the last engine counted is not counted again"
    );
    assert!(metric(&engine, "reprise_snapshot_timestamp_seconds{partition=\"0\"}") > 0, "there is a snapshot");
    node.listen(&engine);
    node.beat(&engine).await;
    node.report(&engine, &test, r#""kind":"finished","exit":1,"cause":"exit""#).await;
    // A test failure is retried once; the second one is final, and `report` runs whatever came of it.
    let again = node.next_start(&engine).await;
    assert_eq!(again.attempt, "f-1/test@2");
    node.report(&engine, &again, r#""kind":"accepted""#).await;
    node.report(&engine, &again, r#""kind":"finished","exit":1,"cause":"exit""#).await;
    let report = node.next_start(&engine).await;
    assert_eq!(report.attempt, "f-1/report@1");
    node.passes(&engine, &report).await;
    let ended =
        |engine: &Engine| engine.read(&pool, |r| r.state.pools[&pool].execution_named(&execution).unwrap().ended);
    let mut follow = engine.follow(&pool);
    while ended(&engine).is_none() {
        follow.changed().await.unwrap();
    }
    assert_eq!(ended(&engine).unwrap().0, model::event::EndState::Failed);
    engine.stop();
    let entries = engine.journal(&pool, 1, 10_000).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=engine.health().seq).collect::<Vec<_>>(), "the journal reads to its end");
}

#[tokio::test]
async fn a_journal_that_was_made_anew_is_not_taken_for_the_one_of_the_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path()).await;
    asks_until_a_snapshot(&engine).await;
    engine.stop();
    drop(engine);
    let (snapshots, aside) = (folder.path().join("snapshots"), folder.path().join("aside"));
    std::fs::rename(&snapshots, &aside).unwrap();
    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    let engine = start(folder.path()).await;
    // It grows beyond where the old one's snapshot stands.
    asks_until_a_snapshot(&engine).await;
    asks_until_a_snapshot(&engine).await;
    engine.stop();
    drop(engine);
    std::fs::remove_dir_all(&snapshots).unwrap();
    std::fs::rename(&aside, &snapshots).unwrap();
    let Err(StartError::Data(why)) = open(folder.path()) else { panic!("it took one journal for another") };
    assert!(why.contains("deleted and made anew") && why.contains("another data folder"), "{why}");

    std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    let Err(StartError::Data(why)) = open(folder.path()) else { panic!("it took an empty journal for the old one") };
    assert!(why.contains("which ends at 0") && why.contains("--data"), "{why}");
}

async fn asks_until_a_snapshot(engine: &Engine) {
    let end = engine.health().seq + 12;
    while engine.health().seq < end {
        let key = format!("k{}", engine.health().seq);
        ask_with(engine, &pool(), &key, anything()).await;
    }
    while metric(engine, "reprise_snapshot_timestamp_seconds{partition=\"0\"}") == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn pool() -> PoolId {
    PoolId::new("default").unwrap()
}

async fn start(folder: &std::path::Path) -> Engine {
    let engine = begin(folder);
    leads(&engine).await;
    engine
}

fn begin(folder: &std::path::Path) -> Engine {
    open(folder).unwrap()
}

fn open(folder: &std::path::Path) -> Result<Engine, StartError> {
    let log = Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default()).unwrap());
    let mut options = Options::new(folder.join("snapshots"));
    options.policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
    options.snapshot_entries = 5;
    Engine::start(log, options)
}

async fn leads(engine: &Engine) {
    let health = engine.ready(Duration::from_secs(30)).await;
    assert!(health.leading, "{health:?}");
}

fn metric(engine: &Engine, name: &str) -> u64 {
    let text = engine.metrics(None);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}
