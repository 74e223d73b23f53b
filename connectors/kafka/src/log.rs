//! The log on a Kafka cluster: each stream is a partition of a topic, and what is read of it comes through one client.
//!
//! - Appends go through an idempotent producer ([`crate::appender`]), acknowledged by all replicas in sync.
//! - What follows the end is read through one consumer whose partitions have queues of their own ([`crate::reader`]).
//! - The past of a journal is read through a second consumer ([`crate::history`]), so that nobody's place is lost.
//! - One thread asks for the ends of all that is followed ([`crate::ends`]): a read that returns nothing proves that a
//!   broker has answered lately.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bell::Bell;
use model::record::Topic;

use protocol::log::{AppendError, Done, Figures, Log, NewRecord, Page, ReadError, Remote, Stream};
use rdkafka::consumer::Consumer;

use crate::appender::Appender;
use crate::client::{Reading, consumer};
use crate::ends;
use crate::history::History;
use crate::reader::Reader;
use crate::settings::Settings;
use crate::statistics::INTERVAL_MS;
use crate::topics;

/// How long a client may take to say farewell; the process does not wait longer.
const FAREWELL: Duration = Duration::from_secs(3);
/// Questions for ends that may go without an answer.
const STALE: u32 = 5;
/// A wait on streams of several partitions looks at all of them this often.
const LOOK: Duration = Duration::from_millis(10);

/// A log on a Kafka cluster, whose topics exist.
pub struct KafkaLog {
    settings: Settings,
    streams: BTreeMap<Stream, Arc<Reader>>,
    bells: Vec<Arc<Bell>>,
    clients: Option<Clients>,
    prober: Option<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

/// What is connected; said farewell to on a thread of its own, since that may take its time.
struct Clients {
    appender: Appender,
    history: History,
    consumer: Arc<Reading>,
}

impl KafkaLog {
    /// Opens the log: makes clients, and asks nothing of the cluster yet.
    pub fn open(settings: &Settings, partitions: u32, options: Options) -> Result<Self, String> {
        let consumer = Arc::new(consumer(settings, "data", INTERVAL_MS)?);
        let appender = Appender::new(settings, options)?;
        let history = History::new(settings.clone());
        let bells: Vec<Arc<Bell>> = (0..partitions).map(|_| Arc::new(Bell::new())).collect();
        let mut streams = BTreeMap::new();
        for (partition, bell) in (0..).zip(&bells) {
            for (topic, _) in Topic::ALL {
                let stream = Stream { topic, partition };
                let reader =
                    Reader::new(stream, settings.clone(), (consumer.clone(), bell.clone()), options.ends * STALE);
                streams.insert(stream, Arc::new(reader));
            }
        }
        let stop = Arc::new(AtomicBool::new(false));
        let asked = ends::Asked {
            consumer: consumer.clone(),
            settings: settings.clone(),
            readers: streams.values().cloned().collect(),
            period: options.ends,
        };
        let stopped = stop.clone();
        let prober = thread::Builder::new().name("kafka ends".to_owned()).spawn(move || ends::run(&asked, &stopped));
        let prober = Some(prober.map_err(|error| format!("the system gives no thread: {error}"))?);
        let clients = Some(Clients { appender, history, consumer });
        Ok(Self { settings: settings.clone(), streams, bells, clients, prober, stop })
    }

    fn reader(&self, of: Stream) -> Result<&Arc<Reader>, ReadError> {
        self.streams.get(&of).ok_or_else(|| ReadError::Failed(no_stream(of)))
    }

    fn clients(&self) -> &Clients {
        self.clients.as_ref().expect("they are there until the log is dropped")
    }
}

/// How a log is opened.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Records that may wait in memory to be appended.
    pub waiting_records: usize,
    /// Bytes of keys and values that may.
    pub waiting_bytes: usize,
    /// From one question for the ends of what is followed to the next: what is read is no older than that, and a log
    /// that has not answered five times as long cannot be read.
    pub ends: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { waiting_records: 50_000, waiting_bytes: 64 << 20, ends: Duration::from_millis(200) }
    }
}

impl Log for KafkaLog {
    fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        if !self.streams.contains_key(&to) {
            return done(Err(AppendError::Refused(no_stream(to))));
        }
        self.clients().appender.append(to, records, done);
    }

    fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        self.reader(from)?.read(position, bytes)
    }

    fn range(&self, of: Stream) -> Result<Range<u64>, ReadError> {
        self.reader(of)?.range()
    }

    fn past(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        self.reader(from)?;
        self.clients().history.read(from, position, bytes)
    }

    fn wait(&self, streams: &[(Stream, u64)], at_most: Duration) {
        let Some(((first, _), others)) = streams.split_first() else { return thread::sleep(at_most) };
        let Some(bell) = self.bells.get(first.partition as usize) else { return thread::sleep(at_most) };
        for (stream, position) in streams {
            // One that nobody reads yet is followed from here on; a failure shows in the next read.
            if let Some(reader) = self.streams.get(stream) {
                reader.follow(*position);
            }
        }
        let one = others.iter().all(|(other, _)| other.partition == first.partition);
        let ready = || streams.iter().any(|(stream, at)| self.streams.get(stream).is_some_and(|r| r.may_hold(*at)));
        bell.wait(ready, if one { at_most } else { at_most.min(LOOK) });
    }

    fn wake(&self) {
        self.bells.iter().for_each(|bell| bell.wake());
    }

    /// Asks the broker to delete records, and waits for its answer. Needs the right Delete on the topic.
    fn trim(&self, of: Stream, before: u64) -> Result<(), AppendError> {
        let held = self.range(of).map_err(|error| AppendError::Failed(error.to_string()))?;
        if before <= held.start {
            return Ok(());
        }
        topics::delete_records(&self.settings, of, before.min(held.end)).map_err(AppendError::Failed)
    }

    /// Of the producer and the consumer together.
    fn figures(&self) -> Figures {
        let (Clients { appender, consumer, .. }, add) = (self.clients(), |a: Remote, b: Remote| Remote {
            brokers: a.brokers.max(b.brokers),
            brokers_up: a.brokers_up.max(b.brokers_up),
            round_trip_p99_us: a.round_trip_p99_us,
            sent_bytes: a.sent_bytes + b.sent_bytes,
            received_bytes: a.received_bytes + b.received_bytes,
            errors: a.errors + b.errors,
        });
        let figures = appender.figures();
        // Round trips of the consumer are long polls, and tell nothing.
        let remote = figures.remote.map(|appends| add(appends, consumer.client().context().statistics.last()));
        Figures { remote, ..figures }
    }
}

impl Drop for KafkaLog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        let (prober, clients) = (self.prober.take(), self.clients.take());
        let readers = std::mem::take(&mut self.streams);
        let (tell, told) = sync_channel::<()>(1);
        let farewell = move || {
            if let Some(Clients { appender, history, consumer }) = clients {
                appender.close();
                drop(history);
                // It ends within one of its looks.
                drop(prober.map(JoinHandle::join));
                drop(readers);
                drop(consumer);
            }
            drop(tell);
        };
        // The last handle may be dropped by a callback of the producer, whose thread cannot wait for itself.
        let spawned = thread::Builder::new().name("kafka farewell".to_owned()).spawn(farewell);
        if spawned.is_ok() && !Appender::is_own_thread() {
            // Either it is done, or it takes too long: both are an end.
            let _ = told.recv_timeout(FAREWELL);
        }
    }
}

fn no_stream(stream: Stream) -> String {
    format!("there is no stream {stream}: the partition is out of range")
}
