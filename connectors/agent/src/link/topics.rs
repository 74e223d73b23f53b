//! Over Kafka: reports and beats are records of the pool's partition, acknowledged when they are durable; answers and
//! orders come from the partition of `commands` that the node's key hashes to.
//!
//! There is one connection for all, made at the start. What Kafka's client does with threads and retries is its own;
//! that a batch is told to have failed before the next is sent is what keeps reports in order.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use kafka::{KafkaLog, Options, Settings};
use model::hash::partition_of_key;
use model::record::{Topic, command_key};
use model::{BootId, NodeId, PoolId, Renew, partition_of};
use protocol::log::{AppendError, Log, NewRecord, Stream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, sleep_until};

use super::ear::{Ear, Heard};
use crate::backoff::Backoff;
use crate::node::{Error, no_thread};
use crate::sender::Sent;
use crate::store::Line;

/// Orders that may wait to be obeyed; one more is not heard, and comes again.
const ORDERS: usize = 1_024;

/// How often a node asks whether its partition of `commands` has more: brokers serve many nodes.
const ENDS: Duration = Duration::from_secs(1);

/// The topics of one installation, as a node sees them.
pub struct Topics {
    log: Arc<KafkaLog>,
    brokers: String,
    partition: u32,
    key: Vec<u8>,
    ear: Arc<Ear>,
    /// For the one who follows.
    orders: Mutex<Option<mpsc::Receiver<Heard>>>,
    listener: Option<thread::JoinHandle<()>>,
}

/// Why there is no connection.
enum Failure {
    /// It may be better later.
    Away(String),
    /// No waiting mends it.
    Final(Error),
}

impl Topics {
    /// Connects, and hears what is said to the node from here on. Tries until it works: brokers and topics may come
    /// later than a node.
    pub async fn open(settings: &Settings, pool: &PoolId, node: &NodeId) -> Result<Self, Error> {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));
        let mut said = BTreeSet::new();
        loop {
            let (settings, pool, node) = (settings.clone(), pool.clone(), node.clone());
            match aside(move || connect(&settings, &pool, &node)).await? {
                Ok(topics) => return Ok(topics),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Away(why)) => {
                    if !said.contains(&why) {
                        tracing::warn!("not joined yet, tried until it works: {why}");
                        said.insert(why);
                    }
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Whether the topics may be others than when this was last asked: at first, and where records were cut.
    pub fn is_anew(&self) -> bool {
        self.ear.is_anew()
    }

    /// Sends some reports together.
    pub async fn send(&self, lines: &[Line]) -> Sent {
        let value = |line: &Line| line.json.strip_suffix(b"\n").unwrap_or(&line.json).to_vec();
        match self.append(Topic::Reports, lines.iter().map(value).collect()).await {
            Ok(()) => Sent::Taken(None),
            Err(error) if kafka::is_too_large(&error) => Sent::Unreadable(error.to_string()),
            // Also what is refused for good: what is missing is a right or a topic, which people give.
            Err(AppendError::Refused(why)) => Sent::Failed(why),
            Err(error @ (AppendError::Failed(_) | AppendError::Full { .. })) => Sent::Failed(error.to_string()),
        }
    }

    /// Sends a beat, and waits for its answer for so long.
    pub async fn ask(&self, (boot, number): (BootId, u64), beat: Vec<u8>, limit: Duration) -> Result<Renew, String> {
        let deadline = Instant::now() + limit;
        let mut answer = self.ear.expect(boot, number);
        let mut append = std::pin::pin!(self.append(Topic::Heartbeats, vec![beat]));
        let mut is_taken = false;
        loop {
            tokio::select! {
                answer = &mut answer => return answer.map_err(|_| "nobody listens any more".to_owned()),
                taken = &mut append, if !is_taken => {
                    taken.map_err(|error| error.to_string())?;
                    is_taken = true;
                }
                () = sleep_until(deadline) => return Err(match is_taken {
                    true => format!("no answer within {limit:?}"),
                    false => format!("{self} has not taken the beat within {limit:?}"),
                }),
            }
        }
    }

    /// What is heard, once: there is one who follows.
    pub fn orders(&self) -> Option<mpsc::Receiver<Heard>> {
        self.orders.lock().expect("no holder of this lock panics").take()
    }

    async fn append(&self, topic: Topic, values: Vec<Vec<u8>>) -> Result<(), AppendError> {
        let record = |value| NewRecord { key: self.key.clone(), header: Vec::new(), value };
        let (tell, told) = oneshot::channel();
        let done = Box::new(move |outcome| drop(tell.send(outcome)));
        let stream = Stream { topic, partition: self.partition };
        self.log.append(stream, values.into_iter().map(record).collect(), done);
        match told.await {
            Ok(outcome) => outcome.map(drop),
            Err(_) => Err(AppendError::Failed("nobody told what became of it".to_owned())),
        }
    }
}

impl Drop for Topics {
    /// Waits a moment for who listens: a client that is still connected when its process ends may crash it.
    fn drop(&mut self) {
        self.ear.close();
        self.log.wake();
        if let Some(listener) = self.listener.take() {
            let _ = listener.join(); // a panic of the thread has been printed
        }
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kafka at {}", self.brokers)
    }
}

/// One try. Blocks for as long as brokers take to answer.
fn connect(settings: &Settings, pool: &PoolId, node: &NodeId) -> Result<Topics, Failure> {
    settings.check().map_err(|why| Failure::Final(Error::Options(why)))?;
    let partitions = kafka::topics::count(settings).map_err(|wrong| Failure::Away(wrong.to_string()))?;
    let log =
        KafkaLog::open(settings, partitions, Options { ends: ENDS, ..Options::default() }).map_err(Failure::Away)?;
    let log = Arc::new(log);
    let partition = partition_of(pool, partitions);
    let node_key = command_key(pool, node);
    let stream = Stream { topic: Topic::Commands, partition: partition_of_key(&node_key, partitions) };
    let end = log.range(stream).map_err(|error| Failure::Away(error.to_string()))?.end;
    let (say, orders) = mpsc::channel(ORDERS);
    let ear = Arc::new(Ear::new(node_key, say));
    let (thread_ear, thread_log) = (Arc::clone(&ear), Arc::clone(&log));
    let listen = move || thread_ear.listen(thread_log.as_ref(), stream, end);
    let spawned = thread::Builder::new().name("commands".into()).spawn(listen);
    let listener = Some(spawned.map_err(|error| Failure::Final(no_thread(error).into()))?);
    let key = pool.as_str().as_bytes().to_vec();
    let orders = Mutex::new(Some(orders));
    Ok(Topics { log, brokers: settings.brokers.clone(), partition, key, ear, orders, listener })
}

/// Does what blocks on a thread of its own, which nobody who leaves waits for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let (tell, told) = oneshot::channel();
    let work = move || drop(tell.send(work()));
    thread::Builder::new().name("kafka connect".into()).spawn(work).map_err(no_thread)?;
    told.await.map_err(|_| Error::Machine(std::io::Error::other("the thread that connects to Kafka has panicked")))
}
