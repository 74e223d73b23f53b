//! What the engine takes from people and nodes: into the log first, at whichever instance, as long as somebody leads.

use std::fmt;
use std::time::Duration;

use model::request::{Answer, Ask};
use model::{Command, Heartbeat, NodeId, PoolId, Renew, Request};
use protocol::log::{AppendError, NewRecord, Topic};
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use crate::health::{Health, Trouble};
use crate::rejects;
use crate::shared::Part;

/// Inputs that wait before more are refused.
const MAX_LAG: u64 = 20_000;
/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(30);
/// How long the answer to a beat is waited for.
const RENEW: Duration = Duration::from_secs(5);
/// The partition of what names no pool.
const POOLLESS: usize = 0;

/// Why something cannot be taken now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unavailable {
    /// The disk is full; the text says what to do.
    Full(String),
    /// Too much waits already: come again.
    Behind {
        /// After this.
        retry_after: Duration,
    },
    /// Nobody leads, or the log fails.
    NotReady(String),
    /// No answer came in time; what was asked may still be done.
    Timeout,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(advice) => write!(f, "the engine's disk is full: {advice}"),
            Self::Behind { retry_after } => write!(f, "the engine is behind; try again in {} s", retry_after.as_secs()),
            Self::NotReady(why) => write!(f, "the engine is not ready: {why}"),
            Self::Timeout => f.write_str("the engine did not answer in time; asking again with the same key is safe"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Engine {
    /// Asks something, and waits until the entry that consumed it was admitted: what became of it, and that entry's
    /// number. A part of an upload that is not the last is only stored: no answer.
    pub async fn ask(&self, request: Request) -> Result<Option<(Answer, u64)>, Unavailable> {
        let part = self.of(&request.pool);
        self.open(part)?;
        let last = match &request.ask {
            Ask::Submit(submit) => submit.part + 1 >= submit.parts,
            Ask::Pause { .. }
            | Ask::Resume { .. }
            | Ask::Cancel { .. }
            | Ask::Retry { .. }
            | Ask::Replay { .. }
            | Ask::Drop { .. } => true,
        };
        let many = Unavailable::Behind { retry_after: Duration::from_secs(1) };
        let asked = (request.pool.clone(), request.key.clone(), operators::intake::content(&request));
        let waiter = part.waiters.request(asked).ok_or(many)?;
        let value = serde_json::to_vec(&request).expect("requests are plain data");
        let record = NewRecord { key: request.pool.as_str().into(), header: Vec::new(), value };
        self.append(part, Topic::Requests, vec![record]).await?;
        if !last {
            return Ok(None);
        }
        match tokio::time::timeout(ANSWER, waiter).await {
            Ok(Ok(answered)) => Ok(Some(answered)),
            Ok(Err(_)) => Err(self.unanswered(part)),
            Err(_) => Err(Unavailable::Timeout),
        }
    }

    /// Stores reports of a pool, each a JSON object, in their order: durable when this returns.
    pub async fn report(&self, pool: &PoolId, reports: Vec<Vec<u8>>) -> Result<(), Unavailable> {
        let part = self.of(pool);
        self.open(part)?;
        let key: Vec<u8> = pool.as_str().into();
        let record = |value| NewRecord { key: key.clone(), header: Vec::new(), value };
        self.append(part, Topic::Reports, reports.into_iter().map(record).collect()).await
    }

    /// Passes a beat on, and waits for its answer.
    pub async fn beat(&self, heartbeat: &Heartbeat) -> Result<Renew, Unavailable> {
        let Heartbeat { pool, node, boot, beat, .. } = heartbeat;
        let part = self.of(pool);
        // Not refused for lag: a beat is small, and a node that is not answered ends its work.
        self.led(part)?;
        let many = Unavailable::Behind { retry_after: Duration::from_secs(1) };
        let waiter = part.waiters.beat(pool, node, boot, *beat).ok_or(many)?;
        let value = serde_json::to_vec(heartbeat).expect("beats are plain data");
        let record = NewRecord { key: pool.as_str().into(), header: Vec::new(), value };
        self.append(part, Topic::Heartbeats, vec![record]).await?;
        match tokio::time::timeout(RENEW, waiter).await {
            Ok(Ok(renew)) => Ok(renew),
            Ok(Err(_)) => Err(Unavailable::NotReady("it is stopping".to_owned())),
            Err(_) => Err(Unavailable::Timeout),
        }
    }

    /// Keeps an input that could not be read, or the first of it, with the reason. Whose it is nobody knows.
    pub async fn reject(&self, topic: Topic, text: &str, reason: &str) -> Result<(), Unavailable> {
        self.shared.metrics.rejected();
        let part = &self.shared.parts[POOLLESS];
        let record = rejects::record(part.replica().journal, topic, text, reason);
        self.append(part, Topic::Rejects, vec![record]).await?;
        if self.shared.options.trims {
            rejects::trim(self.shared.log.as_ref(), part.stream(Topic::Rejects));
        }
        Ok(())
    }

    /// The command stream of a node; a newer one replaces it.
    pub fn commands(&self, pool: PoolId, node: NodeId) -> mpsc::Receiver<Command> {
        self.shared.hub.open(pool, node)
    }

    /// Whether requests and reports are taken.
    fn open(&self, part: &Part) -> Result<(), Unavailable> {
        let health = self.led(part)?;
        if health.lag_records > MAX_LAG {
            return Err(Unavailable::Behind { retry_after: Duration::from_secs(1) });
        }
        Ok(())
    }

    /// Why nobody answers what is stored already.
    fn unanswered(&self, part: &Part) -> Unavailable {
        match self.led(part) {
            Err(Unavailable::Full(advice)) => Unavailable::Full(format!(
                "{advice}; what was asked is stored, and is decided when there is room: ask again with the same key"
            )),
            Err(why) => why,
            Ok(_) => Unavailable::NotReady("it stopped before it answered".to_owned()),
        }
    }

    fn led(&self, part: &Part) -> Result<Health, Unavailable> {
        let health = part.health();
        match &health.trouble {
            Some(Trouble::Disk(advice)) => Err(Unavailable::Full(advice.clone())),
            Some(Trouble::Stopped(why)) => Err(Unavailable::NotReady(why.clone())),
            Some(Trouble::Doubt(_) | Trouble::Unread(_) | Trouble::Partial(_)) | None if health.led => Ok(health),
            Some(Trouble::Doubt(_) | Trouble::Unread(_) | Trouble::Partial(_)) | None => {
                Err(Unavailable::NotReady(self.unled(part.number, &health)))
            }
        }
    }

    /// Why nothing can be asked in a partition that nobody leads, as far as this instance knows.
    pub fn unled(&self, partition: u32, health: &Health) -> String {
        let why = match &health.trouble {
            Some(trouble) => trouble.why(),
            None if !self.is_standby() || !health.journal_read => "it reads its journal",
            None => "an instance takes over in a moment; ask again then",
        };
        if self.is_standby() { format!("nobody leads partition {partition}: {why}") } else { why.to_owned() }
    }

    async fn append(&self, part: &Part, topic: Topic, records: Vec<NewRecord>) -> Result<(), Unavailable> {
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| {
            // Who no longer waits does not mind.
            let _ = sender.send(outcome.map(|_| ()));
        });
        self.shared.log.append(part.stream(topic), records, done);
        match receiver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(AppendError::Full { advice })) => Err(Unavailable::Full(advice)),
            Ok(Err(AppendError::Refused(why) | AppendError::Failed(why))) => Err(Unavailable::NotReady(why)),
            Err(_) => Err(Unavailable::NotReady("the log was closed".to_owned())),
        }
    }
}
