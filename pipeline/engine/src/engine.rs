//! The engine as others see it: ask, report, beat, listen, read.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use model::request::{Answer, Ask};
use model::{Command, Heartbeat, NodeId, PoolId, Renew, Request};
use protocol::Replica;
use protocol::log::{AppendError, Log, NewRecord, Stream, Topic};
use tokio::sync::{mpsc, oneshot, watch};

use crate::drive;
use crate::health::{Health, Trouble};
use crate::hub::Hub;
use crate::journal::{JournalError, Mark, Marks};
use crate::metrics::Metrics;
use crate::options::Options;
use crate::rejects;
use crate::snapshots;
use crate::waiters::Waiters;

/// Inputs that wait before more are refused.
const MAX_LAG: u64 = 20_000;
/// How long an answer is waited for.
const ANSWER: Duration = Duration::from_secs(30);
/// How long the answer to a beat is waited for.
const RENEW: Duration = Duration::from_secs(5);

/// A running engine. Cheap to clone; all clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// What the thread and the callers share.
pub(crate) struct Shared {
    pub log: Arc<dyn Log>,
    pub replica: Arc<RwLock<Replica>>,
    pub hub: Hub,
    pub waiters: Waiters,
    pub health: Mutex<Health>,
    pub admitted: watch::Sender<u64>,
    pub metrics: Metrics,
    pub marks: Marks,
    pub stop: AtomicBool,
}

/// Why an engine did not start.
#[derive(Debug)]
pub enum StartError {
    /// The log or the snapshots cannot be read; the text says what to do.
    Data(String),
    /// The system gave no thread.
    Thread(std::io::Error),
}

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
    /// It does not lead, or its log fails.
    NotReady(String),
    /// No answer came in time; what was asked may still be done.
    Timeout,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(why) => f.write_str(why),
            Self::Thread(why) => write!(f, "no thread could be started: {why}"),
        }
    }
}

impl std::error::Error for StartError {}

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
    /// Starts an engine on a log: loads the newest usable snapshot, reads the journal from there, and leads.
    pub fn start(log: Arc<dyn Log>, options: Options) -> Result<Engine, StartError> {
        let (replica, written) = snapshots::load(&options.snapshots, log.as_ref()).map_err(StartError::Data)?;
        failpoint::hit("engine.loaded");
        let mark = Mark::of(&replica);
        let partition = drive::partition(replica, &options);
        let shared = Arc::new(Shared {
            log,
            replica: partition.replica.clone(),
            hub: Hub::default(),
            waiters: Waiters::default(),
            health: Mutex::new(Health { seq: mark.seq, ..Health::default() }),
            admitted: watch::Sender::new(mark.seq),
            metrics: Metrics::new(),
            marks: Marks::new(mark),
            stop: AtomicBool::new(false),
        });
        if let Some(written_ms) = written {
            shared.metrics.snapshot_written(written_ms);
        }
        let driver = drive::Driver::new(shared.clone(), partition, options);
        let thread = std::thread::Builder::new().name("partition-0".to_owned()).spawn(move || drive::run(driver));
        let thread = Arc::new(Mutex::new(Some(thread.map_err(StartError::Thread)?)));
        Ok(Engine { shared, thread })
    }

    /// Reads the admitted state. What is called holds up the partition: it must be short.
    pub fn read<T>(&self, read: impl FnOnce(&Replica) -> T) -> T {
        read(&self.shared.replica.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How it is.
    pub fn health(&self) -> Health {
        self.shared.health.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until it leads or has stopped for good, at most so long.
    pub async fn ready(&self, at_most: Duration) -> Health {
        let wait = async {
            loop {
                let health = self.health();
                if health.leading || matches!(health.trouble, Some(Trouble::Stopped(_))) {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(at_most, wait).await.unwrap_or_else(|_| self.health())
    }

    /// Asks something, and waits until the entry that consumed it was admitted: what became of it, and that entry's
    /// number. A part of an upload that is not the last is only stored: no answer.
    pub async fn ask(&self, request: Request) -> Result<Option<(Answer, u64)>, Unavailable> {
        self.open()?;
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
        let waiter = self.shared.waiters.request(asked).ok_or(many)?;
        let value = serde_json::to_vec(&request).expect("requests are plain data");
        let record = NewRecord { key: request.pool.as_str().into(), header: Vec::new(), value };
        self.append(Topic::Requests, vec![record]).await?;
        if !last {
            return Ok(None);
        }
        match tokio::time::timeout(ANSWER, waiter).await {
            Ok(Ok(answered)) => Ok(Some(answered)),
            Ok(Err(_)) => Err(self.unanswered()),
            Err(_) => Err(Unavailable::Timeout),
        }
    }

    /// Stores reports, each a JSON object, in their order: durable when this returns.
    pub async fn report(&self, pool: &PoolId, reports: Vec<Vec<u8>>) -> Result<(), Unavailable> {
        self.open()?;
        let key: Vec<u8> = pool.as_str().into();
        let record = |value| NewRecord { key: key.clone(), header: Vec::new(), value };
        self.append(Topic::Reports, reports.into_iter().map(record).collect()).await
    }

    /// Passes a beat on, and waits for its answer.
    pub async fn beat(&self, heartbeat: &Heartbeat) -> Result<Renew, Unavailable> {
        // Not refused for lag: a beat is small, and a node that is not answered ends its work.
        self.leads()?;
        let Heartbeat { pool, node, boot, beat, .. } = heartbeat;
        let many = Unavailable::Behind { retry_after: Duration::from_secs(1) };
        let waiter = self.shared.waiters.beat(pool, node, boot, *beat).ok_or(many)?;
        let value = serde_json::to_vec(heartbeat).expect("beats are plain data");
        let record = NewRecord { key: pool.as_str().into(), header: Vec::new(), value };
        self.append(Topic::Heartbeats, vec![record]).await?;
        match tokio::time::timeout(RENEW, waiter).await {
            Ok(Ok(renew)) => Ok(renew),
            Ok(Err(_)) => Err(Unavailable::NotReady("it is stopping".to_owned())),
            Err(_) => Err(Unavailable::Timeout),
        }
    }

    /// Keeps an input that could not be read, or the first of it, with the reason.
    pub async fn reject(&self, topic: Topic, text: &str, reason: &str) -> Result<(), Unavailable> {
        self.shared.metrics.rejected();
        let record = rejects::record(self.read(|replica| replica.journal), topic, text, reason);
        self.append(Topic::Rejects, vec![record]).await?;
        rejects::trim(self.shared.log.as_ref());
        Ok(())
    }

    /// The command stream of a node; a newer one replaces it.
    pub fn commands(&self, pool: PoolId, node: NodeId) -> mpsc::Receiver<Command> {
        self.shared.hub.open(pool, node)
    }

    /// Follows the number of the last admitted entry.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.shared.admitted.subscribe()
    }

    /// Waits until an entry was admitted, at most so long; says whether it was.
    pub async fn wait_for(&self, seq: u64, at_most: Duration) -> bool {
        let mut follow = self.follow();
        let waited = tokio::time::timeout(at_most, follow.wait_for(|now| *now >= seq)).await;
        waited.is_ok_and(|seen| seen.is_ok())
    }

    /// Admitted entries from a number on, at most so many. Blocks while it reads.
    pub fn journal(&self, from: u64, limit: usize) -> Result<Vec<(u64, model::record::Entry)>, JournalError> {
        self.shared.marks.entries(self.shared.log.as_ref(), from, limit)
    }

    /// All metrics as Prometheus reads them.
    pub fn metrics(&self) -> String {
        let lag = self.health().lag_records;
        let (mut ready, mut parked, mut slots, mut used) = (0, 0, 0, 0);
        self.read(|replica| {
            for pool in replica.state.pools.values() {
                ready += pool.queues.len();
                parked += pool.executions.values().map(|e| e.counts.parked as usize).sum::<usize>();
                for node in pool.nodes.values().filter(|n| n.presence.is_present()) {
                    slots += u64::from(node.slots);
                    used += u64::from(node.used_slots());
                }
            }
        });
        self.shared.metrics.observe(ready, parked, slots, used, lag);
        self.shared.metrics.text()
    }

    /// Resigns, and waits until the partition's thread has ended.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.log.wake();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It says itself what it ended by.
            let _ = thread.join();
        }
        self.shared.hub.close();
        self.shared.waiters.close();
    }

    /// Whether requests and reports are taken.
    fn open(&self) -> Result<(), Unavailable> {
        let health = self.leads()?;
        if health.lag_records > MAX_LAG {
            return Err(Unavailable::Behind { retry_after: Duration::from_secs(1) });
        }
        Ok(())
    }

    /// Why nobody answers what is stored already.
    fn unanswered(&self) -> Unavailable {
        match self.leads() {
            Err(Unavailable::Full(advice)) => Unavailable::Full(format!(
                "{advice}; what was asked is stored, and is decided when there is room: ask again with the same key"
            )),
            Err(why) => why,
            Ok(_) => Unavailable::NotReady("it stopped before it answered".to_owned()),
        }
    }

    fn leads(&self) -> Result<Health, Unavailable> {
        let health = self.health();
        match &health.trouble {
            Some(Trouble::Disk(advice)) => return Err(Unavailable::Full(advice.clone())),
            Some(Trouble::Stopped(why)) => return Err(Unavailable::NotReady(why.clone())),
            Some(Trouble::Doubt(why) | Trouble::Unread(why)) if !health.leading => {
                return Err(Unavailable::NotReady(why.clone()));
            }
            Some(Trouble::Doubt(_) | Trouble::Unread(_)) | None => {}
        }
        if !health.leading { Err(Unavailable::NotReady("it reads its journal".to_owned())) } else { Ok(health) }
    }

    async fn append(&self, topic: Topic, records: Vec<NewRecord>) -> Result<(), Unavailable> {
        let (sender, receiver) = oneshot::channel();
        let to = Stream { topic, partition: 0 };
        let done = Box::new(move |outcome: Result<Vec<u64>, AppendError>| {
            // Who no longer waits does not mind.
            let _ = sender.send(outcome.map(|_| ()));
        });
        self.shared.log.append(to, records, done);
        match receiver.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(AppendError::Full { advice })) => Err(Unavailable::Full(advice)),
            Ok(Err(AppendError::Refused(why) | AppendError::Failed(why))) => Err(Unavailable::NotReady(why)),
            Err(_) => Err(Unavailable::NotReady("the log was closed".to_owned())),
        }
    }
}
