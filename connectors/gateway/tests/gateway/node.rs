//! A node that is this test: it says by HTTP what a node says.

use model::command::Order;
use model::{LeaseId, Renew, Start};
use serde::Deserialize;

use crate::client::{Answer, Lines, Way, ask, lines};

/// One node.
pub struct Node {
    way: Way,
    name: String,
    seq: u64,
    beat: u64,
    holds: Vec<LeaseId>,
    known: Vec<LeaseId>,
    commands: Lines,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Heard {
    Renew(Renew),
}

impl Node {
    /// Opens its stream, says hello, and beats until it is known.
    pub async fn join(way: Way, name: &str, slots: u32) -> Self {
        let commands = lines(&way, &format!("/v1/commands?pool=default&node={name}")).await;
        let mut node =
            Self { way, name: name.to_owned(), seq: 0, beat: 0, holds: Vec::new(), known: Vec::new(), commands };
        node.say(&format!(r#""kind":"hello","slots":{slots},"zone":"a","labels":{{"os":"linux"}}"#)).await;
        while node.beat().await.hello {}
        node
    }

    /// Reports something.
    pub async fn say(&mut self, what: &str) {
        self.seq += 1;
        let who = format!(r#""pool":"default","node":"{}","boot":"b1""#, self.name);
        let report = format!("{{{what},{who},\"seq\":{}}}\n", self.seq);
        let answer = ask(&self.way, "POST", "/v1/reports", &[], report).await;
        assert_eq!((answer.status.as_u16(), answer.text().as_str()), (200, r#"{"taken":1}"#));
    }

    /// Reports something of an attempt.
    pub async fn say_of(&mut self, lease: LeaseId, what: &str) {
        if what.contains(r#""finished""#) {
            self.holds.retain(|held| *held != lease);
        }
        self.say(&format!(r#"{what},"lease":"{lease}""#)).await;
    }

    /// Beats, and hears the answer.
    pub async fn beat(&mut self) -> Renew {
        self.beat += 1;
        let who = format!(r#""pool":"default","node":"{}","boot":"b1""#, self.name);
        let holds = serde_json::to_string(&self.holds).unwrap();
        let (beat, stored) = (self.beat, self.seq);
        let up_ms = 1_000 + beat;
        let text =
            format!(r#"{{"kind":"heartbeat",{who},"beat":{beat},"up_ms":{up_ms},"stored":{stored},"holds":{holds}}}"#);
        let Heard::Renew(renew) = ask(&self.way, "POST", "/v1/reports", &[], text).await.read();
        assert_eq!(renew.beat, beat);
        renew
    }

    /// The next start that is new, taken in and running. A node with free slots beats before it waits.
    pub async fn start(&mut self) -> Start {
        self.beat().await;
        loop {
            let order: Order = serde_json::from_str(&self.commands.next().await.unwrap()).unwrap();
            let Order::Start(start) = order else { continue };
            if self.known.contains(&start.lease) {
                continue;
            }
            self.known.push(start.lease);
            self.holds.push(start.lease);
            self.say_of(start.lease, r#""kind":"accepted""#).await;
            self.say_of(start.lease, r#""kind":"started","pid":7"#).await;
            return *start;
        }
    }

    /// Waits for the end of its stream.
    pub async fn stream_ends(&mut self) {
        while self.commands.next().await.is_some() {}
    }

    /// Runs what comes, each with this end.
    pub async fn ends(&mut self, times: usize, end: &str) {
        for _ in 0..times {
            let start = self.start().await;
            self.say_of(start.lease, &format!(r#""kind":"finished",{end}"#)).await;
        }
    }

    /// Sends output of an attempt.
    pub async fn prints(&self, lease: LeaseId, offset: usize, text: &str) -> Answer {
        ask(&self.way, "PUT", &format!("/v1/output/{lease}?offset={offset}"), &[], text.to_owned()).await
    }
}
