//! One engine that owns a log of several partitions: it leads them all.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, Options, Trouble, Unavailable};
use model::{PoolId, partition_of};
use protocol::log::{Log, Stream, Topic};

use crate::faulty::Faulty;
use crate::node::Node;
use crate::person::{anything, ask_with, request, submit};
use crate::until;

const PARTITIONS: u32 = 4;

#[tokio::test]
async fn pools_of_each_partition_are_served_and_a_new_engine_goes_on_with_all() {
    let folder = tempfile::tempdir().unwrap();
    let (log, engine) = start(folder.path()).await;
    let pools: Vec<PoolId> = (0..PARTITIONS).map(pool_of).collect();
    for pool in &pools {
        let mut node = Node::join(&engine, pool).await;
        submit(&engine, pool, "k1").await;
        let build = node.next_start(&engine).await;
        assert_eq!(build.lease.partition, partition_of(pool, PARTITIONS), "the lease names its partition");
        node.passes(&engine, &build).await;
        let test = node.next_start(&engine).await;
        assert_eq!(test.attempt, "f-1/test@1", "executions are numbered by pool");
        assert!(engine.wait_for(pool, engine.health_of(pool).seq, Duration::from_secs(1)).await);
        assert!(engine.read(pool, |replica| replica.state.pools.keys().all(|known| known == pool)));
        let entries = engine.journal(pool, 1, 10_000).unwrap();
        let of_pool = entries.iter().flat_map(|(_, entry)| &entry.events).filter(|event| event.pool == *pool);
        assert!(of_pool.count() > 5);
        let commands = log.range(Stream { topic: Topic::Commands, partition: build.lease.partition }).unwrap();
        assert!(commands.is_empty(), "who owns the log tells its nodes itself");
    }
    assert_eq!(engine.pools(10), pools);
    engine.reject(Topic::Reports, "nonsense", "it names no pool").await.unwrap();
    assert_eq!(log.range(Stream { topic: Topic::Rejects, partition: 0 }).unwrap().count(), 1);
    let text = engine.metrics(None);
    for partition in 0..PARTITIONS {
        assert!(text.contains(&format!("reprise_leading{{partition=\"{partition}\"}} 1")), "{text}");
    }
    let before = engine.healths();
    engine.stop();
    drop((engine, log));

    for partition in 0..PARTITIONS {
        let kept = names(&folder.path().join("snapshots"), &format!("{partition}-"));
        assert!((1..=2).contains(&kept.len()), "{kept:?}");
        // Without the others' it still knows its own.
    }
    let (_log, engine) = start(folder.path()).await;
    for (pool, before) in pools.iter().zip(before) {
        assert!(engine.health_of(pool).seq >= before.seq);
        assert_eq!(submit(&engine, pool, "k1").await.to_string(), "f-1", "the same key is the same request");
    }
    engine.stop();
}

#[tokio::test]
async fn a_partition_that_stops_for_good_leaves_the_others_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (log, engine) = start(folder.path()).await;
    *log.panics.lock().unwrap() = Some(2);
    let health = until(&engine, |health| health.trouble.is_some()).await;
    assert!(health.led && !health.has_stopped(), "{health:?}");
    assert!(matches!(&health.trouble, Some(Trouble::Partial(why)) if why.contains("partition 2")), "{health:?}");
    let asked = engine.ask(request(&pool_of(2), "k1", anything())).await;
    assert!(matches!(&asked, Err(Unavailable::NotReady(why)) if why.contains("tripped on purpose")), "{asked:?}");
    ask_with(&engine, &pool_of(1), "k1", anything()).await;
    assert!(engine.metrics(None).contains("reprise_stopped{partition=\"2\"} 1"));
    engine.stop();
}

async fn start(folder: &Path) -> (Arc<Faulty>, Engine) {
    let options = embedded::Options { partitions: PARTITIONS, ..Default::default() };
    let log = Arc::new(Faulty::new(Arc::new(EmbeddedLog::open(&folder.join("log"), &options).unwrap())));
    let mut options = Options::new(folder.join("snapshots"));
    options.policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
    // Each pool makes some entries more, however they fall into batches.
    (options.snapshot_entries, options.partitions) = (2, PARTITIONS);
    // As on a network; a lone input waits no longer than that.
    options.window = Duration::from_millis(2);
    let engine = Engine::start(log.clone(), options).unwrap();
    let health = engine.ready(Duration::from_secs(30)).await;
    assert!(health.led && health.leading, "{health:?}");
    (log, engine)
}

/// A pool of a partition.
fn pool_of(partition: u32) -> PoolId {
    let mut names = (0..).map(|n| PoolId::new(&format!("pool-{n}")).unwrap());
    names.find(|pool| partition_of(pool, PARTITIONS) == partition).unwrap()
}

fn names(folder: &Path, beginning: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(beginning)).collect()
}
