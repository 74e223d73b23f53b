//! Several engines on one log: one leads, all answer, and another takes over.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use embedded::EmbeddedLog;
use engine::{Engine, Options, Trouble, Unavailable};
use model::event::EndState;
use model::{Body, PoolId};
use protocol::log::{Log, Stream, Topic};

use crate::faulty::Faulty;
use crate::node::Node;
use crate::person::{anything, ask_with, request, submit};
use crate::until;

#[tokio::test]
async fn a_node_at_a_follower_is_served_and_goes_on_when_the_leader_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    let (a, b) = (start(&shared, folder.path(), "a"), start(&shared, folder.path(), "b"));
    for (_, engine) in [&a, &b] {
        let health = engine.ready(Duration::from_secs(10)).await;
        assert!(health.led, "one leads after silence, and both know: {health:?}");
    }
    let (leader, follower) = if a.1.health().leading { (a, b) } else { (b, a) };
    assert!(leader.1.health().leading && !follower.1.health().leading);
    let (pool, here) = (pool(), &follower.1);
    let mut node = Node::join(here, &pool).await;
    let execution = submit(here, &pool, "k1").await;
    let build = node.next_start(here).await;
    node.passes(here, &build).await;
    let test = node.next_start(here).await;
    assert_eq!(submit(&leader.1, &pool, "k1").await, execution, "the same request, at another instance");
    assert!(!here.health().leading);
    assert!(!shared.range(Stream { topic: Topic::Commands, partition: 0 }).unwrap().is_empty());

    leader.0.cut.store(true, Ordering::Relaxed);
    let cut = Instant::now();
    // What the node has to say is stored meanwhile: somebody may lead still.
    node.passes(here, &test).await;
    until(here, |health| health.leading).await;
    assert!(cut.elapsed() < Duration::from_secs(8), "it took over after {:?}", cut.elapsed());
    let report = node.next_start(here).await;
    assert_eq!(report.attempt, "f-1/report@1");
    until(&leader.1, |health| !health.led).await;
    let asked = leader.1.ask(request(&pool, "k2", anything())).await;
    assert!(matches!(&asked, Err(Unavailable::NotReady(why)) if why.contains("nobody leads partition 0")), "{asked:?}");
    assert!(leader.0.mend() > 0, "what the old leader had said arrives late");
    node.passes(here, &report).await;
    until(&leader.1, |health| health.led && !health.leading && health.trouble.is_none()).await;
    ask_with(&leader.1, &pool, "k3", anything()).await;
    let answered = leader.1.health().seq;
    until(here, |health| answered <= health.seq).await;

    let ended = here.read(&pool, |r| r.state.pools[&pool].execution_named(&execution).unwrap().ended);
    assert_eq!(ended.map(|(state, _)| state), Some(EndState::Completed));
    let entries = here.journal(&pool, 1, 10_000).unwrap();
    assert_eq!(entries, leader.1.journal(&pool, 1, 10_000).unwrap(), "both read the same");
    let dispatched = entries.iter().flat_map(|(_, entry)| &entry.events);
    let dispatched = dispatched.filter(|event| matches!(event.event, Body::AttemptDispatched(_)));
    assert_eq!(dispatched.count(), 3, "each task ran once");

    let resigned = Instant::now();
    here.stop();
    let health = until(&leader.1, |health| health.leading).await;
    assert!(resigned.elapsed() < Duration::from_millis(1_500), "no silence is waited for: {:?}", resigned.elapsed());
    assert!(health.epoch > 1);
    node.listen(&leader.1);
    node.beat(&leader.1).await;
    submit(&leader.1, &pool, "k4").await;
    node.next_start(&leader.1).await;
    leader.1.stop();
}

#[tokio::test]
async fn an_input_that_a_leader_could_not_read_does_not_trouble_the_follower_that_it_becomes() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    let (a, b) = (start(&shared, folder.path(), "a"), start(&shared, folder.path(), "b"));
    a.1.lead(0);
    until(&a.1, |health| health.leading).await;
    *a.0.unreadable.lock().unwrap() = Some(Topic::Reports);
    until(&a.1, |health| matches!(&health.trouble, Some(Trouble::Unread(why)) if why.contains("reports/0"))).await;
    b.1.lead(0);
    until(&a.1, |health| health.led && !health.leading && health.trouble.is_none()).await;
    a.1.stop();
    b.1.stop();
}

#[tokio::test]
async fn commands_that_cannot_be_written_or_read_trouble_whose_nodes_they_are_for() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    let (log, engine) = start(&shared, folder.path(), "a");
    until(&engine, |health| health.leading).await;
    let mut node = Node::join(&engine, &pool()).await;
    *log.refused.lock().unwrap() = Some(Topic::Commands);
    // Whether the beat is answered is no matter: that it cannot be is said.
    drop(tokio::time::timeout(Duration::from_millis(200), node.beat_once(&engine)).await);
    until(&engine, |h| h.trouble.as_ref().is_some_and(|t| t.why().contains("nodes are told nothing"))).await;
    *log.refused.lock().unwrap() = None;
    node.beat(&engine).await;
    until(&engine, |health| health.trouble.is_none()).await;
    *log.unreadable.lock().unwrap() = Some(Topic::Commands);
    until(&engine, |h| h.trouble.as_ref().is_some_and(|t| t.why().contains("commands/0"))).await;
    *log.unreadable.lock().unwrap() = None;
    until(&engine, |health| health.trouble.is_none() && health.leading).await;
    engine.stop();
}

#[tokio::test]
async fn who_is_told_to_lead_does_so_at_once_and_who_is_deposed_follows() {
    let folder = tempfile::tempdir().unwrap();
    let shared = open(folder.path());
    let (a, b) = (start(&shared, folder.path(), "a").1, start(&shared, folder.path(), "b").1);
    for (one, other, key) in [(&a, &b, "k1"), (&b, &a, "k2"), (&a, &b, "k3")] {
        let told = Instant::now();
        one.lead(0);
        until(one, |health| health.leading).await;
        until(other, |health| health.led && !health.leading).await;
        assert!(told.elapsed() < Duration::from_millis(1_500), "{:?}", told.elapsed());
        ask_with(other, &pool(), key, anything()).await;
        ask_with(one, &pool(), key, anything()).await;
    }
    a.stop();
    b.stop();
}

fn open(folder: &Path) -> Arc<EmbeddedLog> {
    Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default()).unwrap())
}

fn start(shared: &Arc<EmbeddedLog>, folder: &Path, name: &str) -> (Arc<Faulty>, Engine) {
    let log = Arc::new(Faulty::new(shared.clone()));
    let mut options = Options::new(folder.join(name));
    options.policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
    (options.standby, options.trims) = (true, false);
    (log.clone(), Engine::start(log, options).unwrap())
}

fn pool() -> PoolId {
    PoolId::new("default").unwrap()
}
