//! An engine that starts on a full disk: what it knows can be read, and who asks for more is told what to do.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, Trouble};
use gateway::view::{ExecutionView, Page};
use protocol::log::{AppendError, Done, Log, NewRecord, ReadError, Stream};

use crate::stage::{Stage, gateway, stage};

/// A log on a disk without room.
struct Full(EmbeddedLog);

impl Log for Full {
    fn append(&self, _: Stream, _: Vec<NewRecord>, done: Done) {
        done(Err(AppendError::Full { advice: "free some space there".to_owned() }));
    }
    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<protocol::log::Page, ReadError> {
        self.0.read(from, position, bytes)
    }
    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        self.0.range(of)
    }
    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        self.0.wait(streams, at_most);
    }
    fn wake(&self) {
        self.0.wake();
    }
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        self.0.trim(of, before)
    }
}

#[tokio::test]
async fn an_engine_that_starts_on_a_full_disk_answers_reads_and_says_what_to_do_for_the_rest() {
    let stage = stage().await;
    stage.submit("tasks: { build: { run: make } }").await;
    let folder = stage.stop().await;

    let log = EmbeddedLog::open(&folder.path().join("log"), &embedded::Options::default()).unwrap();
    let engine = Engine::start(Arc::new(Full(log)), engine::Options::new(folder.path().join("snapshots"))).unwrap();
    let gateway = gateway(engine.clone(), folder.path(), "127.0.0.1:0").await.unwrap();
    let stage = Stage { folder, engine, gateway };
    while !matches!(stage.engine.health().trouble, Some(Trouble::Disk(_))) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let page: Page<ExecutionView> = stage.read("/v1/executions").await;
    assert_eq!(page.items.len(), 1);
    for answer in [stage.post("/v1/executions/web-1/pause", "").await, stage.get("/readyz").await] {
        let problem = answer.problem();
        assert_eq!((problem.status, problem.kind.as_str()), (507, "disk-full"));
        assert!(problem.detail.contains("free some space there"), "{problem:?}");
    }
    stage.stop().await;
}
