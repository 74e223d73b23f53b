//! A person who asks.

use engine::Engine;
use model::request::{Answer, Ask, Submit};
use model::{ExecutionId, Key, PoolId, Request, Timestamp};

const FLOW: &str = "
tasks:
  build: { run: make }
  test: { run: make test, after: build }
  report: { run: make report, after: test.finished }
";

/// Submits the flow.
pub async fn submit(engine: &Engine, pool: &PoolId, key: &str) -> ExecutionId {
    let flow = flow::parse("f.yaml", FLOW.as_bytes(), flow::Format::Yaml).unwrap();
    let mut parts = flow.parts();
    assert_eq!(parts.len(), 1);
    let submit = Submit { content: flow.content(), part: 0, parts: 1, priority: None, flow: parts.remove(0) };
    match ask_with(engine, pool, key, Ask::Submit(submit)).await {
        Answer::Done { execution } => execution.unwrap(),
        Answer::Refused { message, .. } => panic!("{message}"),
    }
}

/// Asks, and is answered.
pub async fn ask_with(engine: &Engine, pool: &PoolId, key: &str, ask: Ask) -> Answer {
    engine.ask(request(pool, key, ask)).await.unwrap().unwrap().0
}

/// A request of this moment.
pub fn request(pool: &PoolId, key: &str, ask: Ask) -> Request {
    let at = Timestamp(std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64);
    Request { pool: pool.clone(), key: Key::new(key).unwrap(), who: "t".into(), at, reason: String::new(), ask }
}

/// Something that is refused at once, and so answered: there is no such execution.
pub fn anything() -> Ask {
    Ask::Pause { execution: "web-1".parse().unwrap() }
}
