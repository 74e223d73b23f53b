//! Appends: an idempotent producer, so that what is sent again by the client stands once and in order.
//!
//! A call's records are handed over under its stream's lock and stand together. What may wait is bounded; beyond that an
//! append fails at once. A producer that has met a fatal error is replaced: everything that it had is in doubt, which is
//! told to who waits.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use protocol::log::{AppendError, Done, Figures, NewRecord, Stream, Topic};
use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::bootstrap;
use crate::log::Options;
use crate::reader::HEADER;
use crate::settings::Settings;
use crate::statistics::{INTERVAL_MS, Statistics};
use crate::trouble::{self, Right};

/// How long what is queued may take when the log is closed.
const LAST: Duration = Duration::from_secs(2);
/// Locks of streams: two calls to one stream never mix; two streams rarely wait for each other.
const LOCKS: usize = 64;

thread_local! {
    /// This thread is one that tells outcomes.
    static OWN: Cell<bool> = const { Cell::new(false) };
}

type Client = ThreadedProducer<Telling>;

/// Appends to all streams.
pub struct Appender {
    settings: Settings,
    options: Options,
    client: RwLock<Arc<Client>>,
    waiting: Arc<Waiting>,
    locks: Vec<Mutex<()>>,
}

/// What waits to be acknowledged.
#[derive(Debug, Default)]
struct Waiting {
    records: AtomicUsize,
    bytes: AtomicUsize,
}

/// One call of `append`.
struct Call {
    state: Mutex<CallState>,
}

struct CallState {
    /// Records that were handed over and are not settled, and one for the handing over itself.
    left: usize,
    positions: Vec<u64>,
    /// Records that stand in the log.
    appended: usize,
    /// Why the first one was refused for good.
    refused: Option<String>,
    /// Why the first one failed that may stand in the log.
    failed: Option<String>,
    done: Option<Done>,
}

impl CallState {
    fn new(records: usize, done: Done) -> Self {
        let positions = vec![0; records];
        Self { left: 1, positions, appended: 0, refused: None, failed: None, done: Some(done) }
    }

    /// What became of the call: refused only if nothing of it can stand in the log.
    fn outcome(&mut self) -> Result<Vec<u64>, AppendError> {
        match (self.failed.take(), self.refused.take(), self.appended) {
            (None, None, _) => Ok(std::mem::take(&mut self.positions)),
            (None, Some(why), 0) => Err(AppendError::Refused(why)),
            (Some(why), _, _) | (None, Some(why), _) => Err(AppendError::Failed(why)),
        }
    }
}

/// What comes back with each record.
struct Slot {
    call: Arc<Call>,
    index: usize,
    bytes: usize,
}

/// Tells outcomes, on the producer's own thread.
struct Telling {
    settings: Settings,
    waiting: Arc<Waiting>,
    statistics: Statistics,
    /// Whose outcomes these are: it knows why it can do nothing more.
    client: OnceLock<Weak<Client>>,
}

impl Appender {
    /// Connects when it is first used.
    pub fn new(settings: &Settings, options: Options) -> Result<Self, String> {
        let waiting = Arc::new(Waiting::default());
        let client = RwLock::new(client(settings, &waiting)?);
        let locks = (0..LOCKS).map(|_| Mutex::new(())).collect();
        Ok(Self { settings: settings.clone(), options, client, waiting, locks })
    }

    /// Whether this thread is one that tells outcomes.
    pub fn is_own_thread() -> bool {
        OWN.get()
    }

    /// Appends: see [`protocol::log::Log::append`].
    pub fn append(&self, to: Stream, records: Vec<NewRecord>, done: Done) {
        let bytes: usize = records.iter().map(size).sum();
        if !self.waiting.takes(records.len(), bytes, room(to.topic, self.options)) {
            return done(Err(AppendError::Failed(format!(
                "{} records wait to be acknowledged, and no more are taken",
                self.waiting.records.load(Ordering::Relaxed)
            ))));
        }
        let topic = self.settings.topic(to.topic);
        let call = Arc::new(Call { state: Mutex::new(CallState::new(records.len(), done)) });
        let client = self.sound();
        {
            let lock = &self.locks[(to.topic as usize + to.partition as usize * 7) % LOCKS];
            let _together = lock.lock().unwrap_or_else(PoisonError::into_inner);
            let mut records = records.iter().enumerate();
            for (index, record) in records.by_ref() {
                if let Err(error) = self.send(&client, &topic, to, record, index, &call) {
                    call.fail(error);
                    self.waiting.settled(1, size(record));
                    break;
                }
            }
            // What was not handed over does not wait.
            records.for_each(|(_, record)| self.waiting.settled(1, size(record)));
        }
        call.settle();
    }

    fn send(
        &self,
        client: &Client,
        topic: &str,
        to: Stream,
        record: &NewRecord,
        index: usize,
        call: &Arc<Call>,
    ) -> Result<(), AppendError> {
        let slot = Slot { call: call.clone(), index, bytes: size(record) };
        let mut send = BaseRecord::<[u8], [u8], Box<Slot>>::with_opaque_to(topic, Box::new(slot));
        send = send.partition(i32::try_from(to.partition).unwrap_or(i32::MAX)).payload(&record.value);
        if !record.key.is_empty() {
            send = send.key(&record.key);
        }
        if !record.header.is_empty() {
            send = send.headers(OwnedHeaders::new().insert(Header { key: HEADER, value: Some(&record.header) }));
        }
        call.lock().left += 1;
        client.send(send).map_err(|(error, _)| {
            call.lock().left -= 1;
            failure(&self.settings, topic, &error, client.client().fatal_error().map(|(code, _)| code))
        })
    }

    fn client(&self) -> Arc<Client> {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A producer that has met no fatal error, as far as it knows.
    fn sound(&self) -> Arc<Client> {
        let client = self.client();
        if client.client().fatal_error().is_none() {
            return client;
        }
        self.replace(&client);
        self.client()
    }

    /// Replaces a producer that can do nothing more.
    fn replace(&self, broken: &Arc<Client>) {
        let mut current = self.client.write().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&current, broken) {
            return;
        }
        match client(&self.settings, &self.waiting) {
            Ok(fresh) => {
                tracing::warn!("the producer met a fatal error and is replaced: {:?}", broken.client().fatal_error());
                let old = std::mem::replace(&mut *current, fresh);
                // It may take its time to end.
                drop(thread::Builder::new().name("kafka farewell".to_owned()).spawn(move || end(old)));
            }
            Err(why) => tracing::error!(%why, "the producer met a fatal error, and no other can be made"),
        }
    }

    /// How it does.
    pub fn figures(&self) -> Figures {
        let remote = self.client().context().statistics.last();
        Figures {
            waiting_records: self.waiting.records.load(Ordering::Relaxed) as u64,
            waiting_bytes: self.waiting.bytes.load(Ordering::Relaxed) as u64,
            remote: Some(remote),
        }
    }

    /// Waits a little for what is queued, then ends.
    pub fn close(self) {
        let client = self.client();
        let begun = Instant::now();
        while 0 < client.in_flight_count() && begun.elapsed() < LAST {
            thread::sleep(Duration::from_millis(2));
        }
        drop(client);
        end(self.client.into_inner().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Ends a producer, here and nowhere else: the thread that tells its outcomes holds it for moments, and would wait for
/// itself if it were the last to let go.
fn end(mut client: Arc<Client>) {
    while let Err(shared) = Arc::try_unwrap(client) {
        client = shared;
        thread::sleep(Duration::from_millis(2));
    }
}

/// How much may wait when a record of this topic comes: the journal finds room where inputs of strangers find none, or
/// they could keep a leader from deciding about what they have sent.
fn room(topic: Topic, options: Options) -> Options {
    let times = if topic == Topic::Journal { 2 } else { 1 };
    let Options { waiting_records, waiting_bytes, ends } = options;
    Options { waiting_records: waiting_records * times, waiting_bytes: waiting_bytes * times, ends }
}

impl Waiting {
    /// Takes room for records, if there is some. One call alone may be too large, or it could never be made.
    fn takes(&self, records: usize, bytes: usize, most: Options) -> bool {
        let (before, held) =
            (self.records.fetch_add(records, Ordering::AcqRel), self.bytes.fetch_add(bytes, Ordering::AcqRel));
        let fits = before == 0 || (before + records <= most.waiting_records && held + bytes <= most.waiting_bytes);
        if !fits {
            self.settled(records, bytes);
        }
        fits
    }

    fn settled(&self, records: usize, bytes: usize) {
        self.records.fetch_sub(records, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

impl Call {
    fn lock(&self) -> std::sync::MutexGuard<'_, CallState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, error: AppendError) {
        let mut state = self.lock();
        match error {
            AppendError::Refused(why) => drop(state.refused.get_or_insert(why)),
            AppendError::Failed(why) | AppendError::Full { advice: why } => drop(state.failed.get_or_insert(why)),
        }
    }

    /// One more record stands in the log, at this position.
    fn stands(&self, index: usize, position: u64) {
        let mut state = self.lock();
        state.appended += 1;
        state.positions[index] = position;
    }

    /// One more part is settled: a record, or the handing over. The last one tells who waits.
    fn settle(&self) {
        let mut state = self.lock();
        state.left -= 1;
        if 0 < state.left {
            return;
        }
        let (outcome, done) = (state.outcome(), state.done.take());
        drop(state);
        if let Some(done) = done {
            done(outcome);
        }
    }
}

impl ClientContext for Telling {
    fn log(&self, _level: RDKafkaLogLevel, facility: &str, message: &str) {
        tracing::debug!(facility, "librdkafka: {message}");
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, "librdkafka: {reason}");
    }

    fn stats_raw(&self, statistics: &[u8]) {
        self.statistics.told(statistics);
        if let Some(client) = self.client() {
            bootstrap::if_stranded(client.client(), &self.statistics, &self.settings);
        }
    }
}

impl Telling {
    fn client(&self) -> Option<Arc<Client>> {
        self.client.get()?.upgrade()
    }

    /// The error after which the producer can do nothing more, if it met one.
    fn fatal(&self) -> Option<Code> {
        let client = self.client()?;
        client.client().fatal_error().map(|(code, _)| code)
    }
}

impl ProducerContext for Telling {
    type DeliveryOpaque = Box<Slot>;

    fn delivery(&self, result: &DeliveryResult<'_>, slot: Box<Slot>) {
        OWN.set(true);
        self.waiting.settled(1, slot.bytes);
        match result {
            Ok(message) => slot.call.stands(slot.index, u64::try_from(message.offset()).unwrap_or(0)),
            Err((error, message)) => {
                slot.call.fail(failure(&self.settings, message.topic(), error, self.fatal()));
            }
        }
        // A panic of who waits must not end the thread that tells all others.
        let told = catch_unwind(AssertUnwindSafe(|| slot.call.settle()));
        if told.is_err() {
            tracing::error!("our own bug: who waited for an append panicked");
        }
    }
}

fn client(settings: &Settings, waiting: &Arc<Waiting>) -> Result<Arc<Client>, String> {
    let config = settings.client(&[
        ("enable.idempotence", "true"),
        ("statistics.interval.ms", INTERVAL_MS),
        ("linger.ms", "0"),
        ("message.timeout.ms", "30000"),
        // Our own bounds are met first.
        ("queue.buffering.max.messages", "1000000"),
        ("queue.buffering.max.kbytes", "1048576"),
        ("message.max.bytes", "1000000"),
        // What goes in one request stays below the least bound that a topic may have.
        ("batch.size", "262144"),
        ("compression.type", "lz4"),
        ("partitioner", "murmur2_random"),
    ]);
    let telling = Telling {
        settings: settings.clone(),
        waiting: waiting.clone(),
        statistics: Statistics::default(),
        client: OnceLock::new(),
    };
    let client = Client::from_config_and_context(&config, telling).map_err(|error| settings.refused(&error))?;
    let client = Arc::new(client);
    // It is set once, here.
    let _ = client.context().client.set(Arc::downgrade(&client));
    Ok(client)
}

/// Why an append failed. What a producer had when it met a fatal error is purged: the reason is that error.
fn failure(settings: &Settings, topic: &str, error: &KafkaError, fatal: Option<Code>) -> AppendError {
    let Some(code) = fatal.or(trouble::code(error)) else { return AppendError::Failed(error.to_string()) };
    let words = trouble::words(settings, topic, Right::Write, code);
    match code == Code::QueueFull || !trouble::is_final(code) {
        true => AppendError::Failed(words),
        false => AppendError::Refused(words),
    }
}

fn size(record: &NewRecord) -> usize {
    record.key.len() + record.header.len() + record.value.len()
}
