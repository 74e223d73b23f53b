//! One stream as it is followed: a queue of its own within the one consumer, and what is known of its end.
//!
//! Whoever reads stands at one place and goes on from there. A read elsewhere moves it: the range is asked for, and the
//! partition is assigned anew. What was fetched for the old place is passed over by librdkafka, and looked for here.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bell::Bell;
use protocol::log::{Page, ReadError, Record, Stream};
use rdkafka::consumer::Consumer;
use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{Quiet, Reading};
use crate::settings::Settings;
use crate::trouble::{self, Right};

/// The one header of a journal's records.
pub const HEADER: &str = "reprise";
/// No position: nobody reads.
const NOWHERE: u64 = u64::MAX;
/// The consumer's statistics speak of a new place from so long after the move on.
const SETTLED: Duration = Duration::from_secs(10);
/// A place from which nothing comes for so long, though there is more, is read anew.
const STALLED: Duration = Duration::from_secs(20);
/// How long a broker may take to tell a range.
const ANSWER: Duration = Duration::from_secs(1);

/// One stream.
pub struct Reader {
    stream: Stream,
    topic: String,
    partition: i32,
    settings: Settings,
    consumer: Arc<Reading>,
    /// An empty page is told only if a broker has said so within this time.
    stale: Duration,
    place: Mutex<Place>,
    /// Its queue may hold something.
    fresh: Arc<AtomicBool>,
    /// Where it is read on, or [`NOWHERE`]: to be known without the lock, which is held while librdkafka's are taken.
    stands: AtomicU64,
}

struct Place {
    queue: PartitionQueue<Quiet>,
    /// Where it is read on; none if nobody reads it.
    next: Option<u64>,
    /// When it was moved there from elsewhere, and when it last went on or was at the end.
    moved: Instant,
    went_on: Instant,
    /// The consumer has it among its partitions: also where nobody reads it any more, after a cut.
    assigned: bool,
    known: Known,
    /// Why nothing could be fetched when that was tried last: librdkafka says it once, until it can again.
    unfetched: Option<String>,
    /// Records that were to be read are gone. To be told before any other is, however long a broker does not say which.
    cut: bool,
}

/// What was last heard of a stream's end.
#[derive(Debug, Clone)]
struct Known {
    end: u64,
    /// When that was asked.
    at: Instant,
    /// Why nothing was heard since, if that is known.
    trouble: Option<String>,
}

impl Reader {
    /// A stream that nobody reads yet.
    pub fn new(stream: Stream, settings: Settings, of: (Arc<Reading>, Arc<Bell>), stale: Duration) -> Self {
        let (consumer, bell) = of;
        let topic = settings.topic(stream.topic);
        let partition = i32::try_from(stream.partition).unwrap_or(i32::MAX);
        let mut queue = consumer.split_partition_queue(&topic, partition).expect("a topic has a name without zeros");
        let fresh = Arc::new(AtomicBool::new(false));
        let news = fresh.clone();
        queue.set_nonempty_callback(move || {
            news.store(true, Ordering::Release);
            bell.ring();
        });
        let now = Instant::now();
        let known = Known { end: 0, at: now, trouble: None };
        let (next, assigned, moved, went_on, unfetched, cut) = (None, false, now, now, None, false);
        let place = Mutex::new(Place { queue, next, moved, went_on, assigned, known, unfetched, cut });
        Self { stream, topic, partition, settings, consumer, stale, place, fresh, stands: AtomicU64::new(NOWHERE) }
    }

    /// Whether a read at a position may return something, as far as can be said without asking.
    pub fn may_hold(&self, position: u64) -> bool {
        self.fresh.load(Ordering::Acquire) || self.stands.load(Ordering::Acquire) != position
    }

    /// Begins to read at a position, if nobody reads it elsewhere.
    pub fn follow(&self, position: u64) {
        let mut place = self.lock();
        if place.next.is_none() {
            // What is wrong is said by the read that comes next.
            let _ = self.move_to(&mut place, position);
        }
    }

    /// Reads on: see [`protocol::log::Log::read`].
    pub fn read(&self, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let mut place = self.lock();
        if place.next != Some(position) {
            self.move_to(&mut place, position)?;
        }
        self.fresh.store(false, Ordering::Release);
        let (mut records, mut sum, mut next) = (Vec::new(), 0, position);
        loop {
            let polled = place.queue.poll(Duration::ZERO);
            match polled {
                None => break,
                Some(Ok(message)) => {
                    let Some(record) = record(&message).filter(|record| next <= record.position) else { continue };
                    sum += record.key.len() + record.header.len() + record.value.len();
                    next = record.position + 1;
                    records.push(record);
                    place.unfetched = None;
                }
                Some(Err(error)) => match trouble::code(&error) {
                    Some(code) if trouble::is_cut(code) => place.cut = true,
                    code => place.unfetched = code.map(|code| self.words(code)),
                },
            }
            if bytes <= sum {
                self.fresh.store(true, Ordering::Release);
                break;
            }
        }
        self.page(&mut place, position, Page { records, next, end: next })
    }

    /// The page, if what is known of the stream allows one.
    fn page(&self, place: &mut Place, position: u64, page: Page) -> Result<Page, ReadError> {
        if place.cut {
            let held = self.range()?;
            self.stand(place, None);
            return Err(self.cut(position, held));
        }
        let silent = place.known.at.elapsed();
        if page.records.is_empty() && self.stale < silent {
            let why = place.known.trouble.clone().unwrap_or_else(|| "no broker answers".to_owned());
            return Err(ReadError::Failed(format!("nothing heard for {} s: {why}", silent.as_secs())));
        }
        let next = self.beyond_gap(place, &page);
        let end = place.known.end.max(next);
        if position < next || next == end {
            place.went_on = Instant::now();
        } else if STALLED < place.went_on.elapsed() {
            // Also where librdkafka has said why: it may have given up for good, as after a fenced leader epoch.
            let why = place.unfetched.clone();
            tracing::warn!(topic = self.topic, self.partition, why, "nothing comes though there is more: read anew");
            self.move_to(place, position)?;
            (place.went_on, place.unfetched) = (Instant::now(), why);
            return place.unfetched.clone().map_or(Ok(Page { end, ..page }), |why| Err(ReadError::Failed(why)));
        } else if let Some(why) = &place.unfetched {
            return Err(ReadError::Failed(why.clone()));
        }
        self.stand(place, Some(next));
        Ok(Page { next, end, ..page })
    }

    /// Where to read on: what was fetched and brought no records holds none, as where a transaction's end is marked.
    fn beyond_gap(&self, place: &Place, page: &Page) -> u64 {
        if !page.records.is_empty() || place.known.end <= page.next {
            return page.next;
        }
        let statistics = &self.consumer.context().statistics;
        let fetched = statistics.fetched(&self.topic, self.partition, place.moved + SETTLED);
        page.next.max(fetched.unwrap_or(0).min(place.known.end))
    }

    fn cut(&self, position: u64, held: Range<u64>) -> ReadError {
        ReadError::Cut { position, start: held.start, end: held.end }
    }

    /// The positions that a broker says the stream holds.
    pub fn range(&self) -> Result<Range<u64>, ReadError> {
        range(&self.consumer, &self.settings, self.stream)
    }

    /// Moves to a position, if the stream holds it.
    fn move_to(&self, place: &mut Place, position: u64) -> Result<(), ReadError> {
        let at = Instant::now();
        let held = self.range()?;
        if position < held.start || held.end < position {
            return Err(self.cut(position, held));
        }
        let failed = |error: KafkaError| ReadError::Failed(format!("topic `{}`: {error}", self.topic));
        if place.assigned {
            self.stand(place, None);
            self.consumer.incremental_unassign(&self.list(Offset::Invalid)).map_err(failed)?;
            place.assigned = false;
        }
        let offset = Offset::Offset(i64::try_from(position).unwrap_or(i64::MAX));
        self.consumer.incremental_assign(&self.list(offset)).map_err(failed)?;
        place.assigned = true;
        self.stand(place, Some(position));
        place.known = Known { end: held.end, at, trouble: None };
        (place.moved, place.went_on) = (at, at);
        (place.unfetched, place.cut) = (None, false);
        Ok(())
    }

    fn stand(&self, place: &mut Place, next: Option<u64>) {
        place.next = next;
        self.stands.store(next.unwrap_or(NOWHERE), Ordering::Release);
    }

    /// Takes its place in a question for ends: where it is read on now.
    pub fn ask(&self, list: &mut TopicPartitionList) -> Option<u64> {
        let next = self.place.try_lock().ok()?.next?;
        list.add_partition_offset(&self.topic, self.partition, Offset::End).ok()?;
        Some(next)
    }

    /// What a question for ends has told: the end, or why not. `next` is where it was read on when that was asked.
    pub fn told(&self, next: u64, asked: Instant, ends: &Result<TopicPartitionList, KafkaError>) {
        let found = ends.as_ref().map(|list| {
            let element = list.find_partition(&self.topic, self.partition);
            element.map(|element| (element.error(), element.offset()))
        });
        let answer = match found {
            Ok(Some((Ok(()), Offset::Offset(end)))) => u64::try_from(end).map_err(|_| None),
            Ok(Some((Err(error), _))) => Err(trouble::code(&error)),
            Ok(Some((Ok(()), _)) | None) => Err(None),
            Err(error) => Err(trouble::code(error)),
        };
        let mut place = self.lock();
        match answer {
            Ok(end) => {
                // Somebody may have moved meanwhile: then the answer is about another place.
                place.cut |= end < next && place.next.is_some_and(|now| next <= now);
                place.known = Known { end, at: asked, trouble: None };
            }
            Err(code) => place.known.trouble = code.map(|code| self.words(code)).or(place.known.trouble.take()),
        }
    }

    fn list(&self, offset: Offset) -> TopicPartitionList {
        let mut list = TopicPartitionList::with_capacity(1);
        list.add_partition_offset(&self.topic, self.partition, offset).expect("an offset that can be");
        list
    }

    fn words(&self, code: rdkafka::types::RDKafkaErrorCode) -> String {
        let code = self.consumer.context().refused().unwrap_or(code);
        trouble::words(&self.settings, &self.topic, Right::Read, code)
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The positions that a broker says a stream holds.
pub fn range(client: &Reading, settings: &Settings, of: Stream) -> Result<Range<u64>, ReadError> {
    let (topic, partition) = (settings.topic(of.topic), i32::try_from(of.partition).unwrap_or(i32::MAX));
    let (low, high) = client.fetch_watermarks(&topic, partition, ANSWER).map_err(|error| {
        let words = |code| trouble::words(settings, &topic, Right::Read, client.context().refused().unwrap_or(code));
        ReadError::Failed(trouble::code(&error).map_or_else(|| error.to_string(), words))
    })?;
    let position = |offset: i64| u64::try_from(offset).unwrap_or(0);
    Ok(position(low)..position(high))
}

/// A record as our log has it; none for what has no place.
pub fn record(message: &BorrowedMessage<'_>) -> Option<Record> {
    let bytes = |part: Option<&[u8]>| part.unwrap_or_default().to_vec();
    let headers = message.headers();
    let header = headers.and_then(|all| all.iter().find(|header| header.key == HEADER)?.value);
    Some(Record {
        position: u64::try_from(message.offset()).ok()?,
        key: bytes(message.key()),
        header: bytes(header),
        value: bytes(message.payload()),
        appended: appended(message.timestamp()),
    })
}

/// When the broker took it, if it says so: what a producer says is no news.
fn appended(stamp: rdkafka::Timestamp) -> Option<model::Timestamp> {
    match stamp {
        rdkafka::Timestamp::LogAppendTime(ms) => u64::try_from(ms).ok().map(model::Timestamp),
        rdkafka::Timestamp::CreateTime(_) | rdkafka::Timestamp::NotAvailable => None,
    }
}
