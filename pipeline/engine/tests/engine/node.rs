//! A node that is the test itself: it listens, reports and beats at whichever engine it is given.

use std::collections::BTreeSet;
use std::time::Duration;

use engine::{Engine, Unavailable};
use model::command::Order;
use model::{Command, Heartbeat, NodeId, PoolId, Renew, Start};
use tokio::sync::mpsc::Receiver;

/// A node that is this test.
pub struct Node {
    pool: PoolId,
    commands: Receiver<Command>,
    seq: u64,
    beat: u64,
    holds: Vec<model::LeaseId>,
    known: BTreeSet<model::LeaseId>,
}

impl Node {
    pub async fn join(engine: &Engine, pool: &PoolId) -> Self {
        let commands = engine.commands(pool.clone(), NodeId::new("n1").unwrap());
        let mut node =
            Self { pool: pool.clone(), commands, seq: 0, beat: 0, holds: Vec::new(), known: BTreeSet::new() };
        node.send(engine, r#""kind":"hello","slots":1"#).await;
        node.beat(engine).await;
        node
    }

    pub fn listen(&mut self, engine: &Engine) {
        self.commands = engine.commands(self.pool.clone(), NodeId::new("n1").unwrap());
    }

    async fn send(&mut self, engine: &Engine, what: &str) {
        self.seq += 1;
        let report = format!(r#"{{{what},"pool":"{}","node":"n1","boot":"b1","seq":{}}}"#, self.pool, self.seq);
        engine.report(&self.pool, vec![report.into_bytes()]).await.unwrap();
    }

    pub async fn report(&mut self, engine: &Engine, start: &Start, what: &str) {
        if what.contains("accepted") {
            self.holds.push(start.lease);
        } else if what.contains("finished") {
            self.holds.retain(|lease| *lease != start.lease);
        }
        self.send(engine, &format!(r#"{what},"lease":"{}""#, start.lease)).await;
    }

    pub async fn passes(&mut self, engine: &Engine, start: &Start) {
        self.report(engine, start, r#""kind":"accepted""#).await;
        self.report(engine, start, r#""kind":"started","pid":7"#).await;
        self.report(engine, start, r#""kind":"finished","exit":0,"cause":"exit""#).await;
    }

    /// Beats until the engine knows it.
    pub async fn beat(&mut self, engine: &Engine) {
        loop {
            let renew = self.beat_once(engine).await.unwrap();
            assert_eq!(renew.stop, [], "nothing that it holds is void");
            if !renew.hello {
                return;
            }
        }
    }

    /// Beats, and waits for the answer.
    pub async fn beat_once(&mut self, engine: &Engine) -> Result<Renew, Unavailable> {
        self.beat += 1;
        let heartbeat: Heartbeat = serde_json::from_value(serde_json::json!({
            "pool": self.pool, "node": "n1", "boot": "b1", "beat": self.beat, "up_ms": self.beat * 1000,
            "stored": self.seq, "holds": self.holds,
        }))
        .unwrap();
        engine.beat(&heartbeat).await
    }

    /// Beats until a start comes.
    pub async fn next_start(&mut self, engine: &Engine) -> Start {
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
