//! An engine on the embedded log, and a node that is this test: a flow runs, and an engine that is started again
//! goes on where the last one was.

#![expect(clippy::unwrap_used, reason = "a node that cannot speak fails its test")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use embedded::EmbeddedLog;
use engine::{Engine, Options};
use model::command::Order;
use model::request::{Answer, Ask, RefusalKind, Submit};
use model::{Command, ExecutionId, Heartbeat, Key, NodeId, PoolId, Request, Start, Timestamp};
use tokio::sync::mpsc::Receiver;

const FLOW: &str = "
tasks:
  build: { run: make }
  test: { run: make test, after: build }
  report: { run: make report, after: test.finished }
";

#[tokio::test]
async fn a_flow_runs_and_a_new_engine_goes_on_where_the_last_one_was() {
    let folder = tempfile::tempdir().unwrap();
    let engine = start(folder.path()).await;
    let mut node = Node::join(&engine).await;
    let execution = submit(&engine, "k1").await;
    assert_eq!(submit(&engine, "k1").await, execution, "the same key is the same request");
    let (pause, resume) = (|execution| Ask::Pause { execution }, |execution| Ask::Resume { execution });
    let [one, other] = [pause(execution.clone()), resume(execution.clone())].map(|ask| ask_with(&engine, "k2", ask));
    let (one, other) = tokio::join!(one, other);
    let reused = |answer: &&Answer| matches!(answer, Answer::Refused { refusal: RefusalKind::KeyReused, .. });
    let count = [&one, &other].into_iter().filter(reused).count();
    assert_eq!(count, 1, "each hears what became of what it asked itself: {one:?}, {other:?}");
    ask_with(&engine, "k3", resume(execution.clone())).await;

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
        |engine: &Engine| engine.read(&pool(), |r| r.state.pools[&pool()].execution_named(&execution).unwrap().ended);
    let mut follow = engine.follow(&pool());
    while ended(&engine).is_none() {
        follow.changed().await.unwrap();
    }
    assert_eq!(ended(&engine).unwrap().0, model::event::EndState::Failed);
    engine.stop();
    let entries = engine.journal(&pool(), 1, 10_000).unwrap();
    let numbers: Vec<u64> = entries.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=engine.health().seq).collect::<Vec<_>>(), "the journal reads to its end");
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
    let log = Arc::new(EmbeddedLog::open(&folder.join("log"), &embedded::Options::default()).unwrap());
    let mut options = Options::new(folder.join("snapshots"));
    options.policies = ["default", "none"].map(|name| Arc::new(flow::policy::builtin(name).unwrap())).to_vec();
    options.snapshot_entries = 5;
    Engine::start(log, options).unwrap()
}

async fn leads(engine: &Engine) {
    let health = engine.ready(Duration::from_secs(30)).await;
    assert!(health.leading, "{health:?}");
}

fn metric(engine: &Engine, name: &str) -> u64 {
    let text = engine.metrics();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap().parse().unwrap()
}

async fn submit(engine: &Engine, key: &str) -> ExecutionId {
    let flow = flow::parse("f.yaml", FLOW.as_bytes(), flow::Format::Yaml).unwrap();
    let mut parts = flow.parts();
    assert_eq!(parts.len(), 1);
    let submit = Submit { content: flow.content(), part: 0, parts: 1, priority: None, flow: parts.remove(0) };
    match ask_with(engine, key, Ask::Submit(submit)).await {
        Answer::Done { execution } => execution.unwrap(),
        Answer::Refused { message, .. } => panic!("{message}"),
    }
}

async fn ask_with(engine: &Engine, key: &str, ask: Ask) -> Answer {
    let now = Timestamp(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64);
    let request =
        Request { pool: pool(), key: Key::new(key).unwrap(), who: "t".into(), at: now, reason: String::new(), ask };
    engine.ask(request).await.unwrap().unwrap().0
}

struct Node {
    commands: Receiver<Command>,
    seq: u64,
    beat: u64,
    holds: Vec<model::LeaseId>,
    known: BTreeSet<model::LeaseId>,
}

impl Node {
    async fn join(engine: &Engine) -> Self {
        let commands = engine.commands(pool(), NodeId::new("n1").unwrap());
        let mut node = Self { commands, seq: 0, beat: 0, holds: Vec::new(), known: BTreeSet::new() };
        node.send(engine, r#""kind":"hello","slots":1"#).await;
        node.beat(engine).await;
        node
    }

    fn listen(&mut self, engine: &Engine) {
        self.commands = engine.commands(pool(), NodeId::new("n1").unwrap());
    }

    async fn send(&mut self, engine: &Engine, what: &str) {
        self.seq += 1;
        let report = format!(r#"{{{what},"pool":"default","node":"n1","boot":"b1","seq":{}}}"#, self.seq);
        engine.report(&pool(), vec![report.into_bytes()]).await.unwrap();
    }

    async fn report(&mut self, engine: &Engine, start: &Start, what: &str) {
        if what.contains("accepted") {
            self.holds.push(start.lease);
        } else if what.contains("finished") {
            self.holds.retain(|lease| *lease != start.lease);
        }
        self.send(engine, &format!(r#"{what},"lease":"{}""#, start.lease)).await;
    }

    async fn passes(&mut self, engine: &Engine, start: &Start) {
        self.report(engine, start, r#""kind":"accepted""#).await;
        self.report(engine, start, r#""kind":"started","pid":7"#).await;
        self.report(engine, start, r#""kind":"finished","exit":0,"cause":"exit""#).await;
    }

    /// Beats until the engine knows it.
    async fn beat(&mut self, engine: &Engine) {
        loop {
            self.beat += 1;
            let heartbeat: Heartbeat = serde_json::from_value(serde_json::json!({
                "pool": "default", "node": "n1", "boot": "b1", "beat": self.beat, "up_ms": self.beat * 1000,
                "stored": self.seq, "holds": self.holds,
            }))
            .unwrap();
            let renew = engine.beat(&heartbeat).await.unwrap();
            assert_eq!(renew.stop, [], "nothing that it holds is void");
            if !renew.hello {
                return;
            }
        }
    }

    /// Beats until a start comes.
    async fn next_start(&mut self, engine: &Engine) -> Start {
        for _ in 0..1_000 {
            let Ok(command) = tokio::time::timeout(Duration::from_millis(100), self.commands.recv()).await else {
                self.beat(engine).await;
                continue;
            };
            match command.expect("the stream is open").order {
                Order::Start(start) if self.known.insert(start.lease) => return *start,
                Order::Start(_) => {}
                other @ (Order::Cancel { .. } | Order::Renew(_)) => panic!("{other:?}"),
            }
        }
        panic!("no start came")
    }
}
