//! The past of a stream, read through a consumer of its own: whoever follows the end keeps their place.
//!
//! One page at a time, for all who ask: history is read by people. The consumer is made when it is first needed, and
//! tells no statistics: nobody would take them out of its queue between two pages.

use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use protocol::log::{Page, ReadError, Stream};
use rdkafka::consumer::Consumer;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use crate::client::{Reading, consumer};
use crate::reader::{range, record};
use crate::settings::Settings;
use crate::trouble::{self, Right};

/// How long a page may take: what has come by then is returned.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the past.
pub struct History {
    settings: Settings,
    place: Mutex<Option<Place>>,
}

struct Place {
    client: Reading,
    /// Where the client stands, if it reads.
    at: Option<(Stream, u64)>,
    /// An end of that stream that was seen.
    end: u64,
}

impl History {
    /// Connects nothing yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings, place: Mutex::new(None) }
    }

    /// Reads from a position on: see [`protocol::log::Log::read`].
    pub fn read(&self, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let mut place = self.place.lock().unwrap_or_else(PoisonError::into_inner);
        if place.is_none() {
            let client = consumer(&self.settings, "history", "0").map_err(ReadError::Failed)?;
            *place = Some(Place { client, at: None, end: 0 });
        }
        let read = self.read_on(place.as_mut().expect("it was made if it was not there"), from, position, bytes);
        if matches!(read, Err(ReadError::Failed(_))) {
            // The next one who asks gets a new client: this one may know no broker any more. It may take its time to end.
            let gone = place.take();
            drop(thread::Builder::new().name("kafka farewell".to_owned()).spawn(move || drop(gone)));
        }
        read
    }

    fn read_on(&self, place: &mut Place, from: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        if place.at != Some((from, position)) || place.end <= position {
            self.move_to(place, from, position)?;
        }
        let read = self.page(place, from, position, bytes);
        place.at = read.as_ref().ok().map(|page| (from, page.next));
        read
    }

    fn move_to(&self, place: &mut Place, from: Stream, position: u64) -> Result<(), ReadError> {
        let held = range(&place.client, &self.settings, from)?;
        if position < held.start || held.end < position {
            place.at = None;
            return Err(ReadError::Cut { position, start: held.start, end: held.end });
        }
        place.end = held.end;
        if place.at == Some((from, position)) {
            return Ok(());
        }
        let (topic, partition) = (self.settings.topic(from.topic), i32::try_from(from.partition).unwrap_or(i32::MAX));
        let mut list = TopicPartitionList::with_capacity(1);
        let offset = Offset::Offset(i64::try_from(position).unwrap_or(i64::MAX));
        let assigned = list.add_partition_offset(&topic, partition, offset).and_then(|()| place.client.assign(&list));
        assigned.map_err(|error| ReadError::Failed(format!("topic `{topic}`: {error}")))
    }

    fn page(&self, place: &Place, of: Stream, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let (mut records, mut sum, mut next) = (Vec::new(), 0, position);
        let deadline = Instant::now() + PATIENCE;
        while next < place.end && (sum < bytes || records.is_empty()) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            match place.client.poll(left.min(Duration::from_millis(100))) {
                None => {}
                Some(Ok(message)) => {
                    let Some(record) = record(&message).filter(|record| next <= record.position) else { continue };
                    sum += record.key.len() + record.header.len() + record.value.len();
                    next = record.position + 1;
                    records.push(record);
                }
                Some(Err(error)) => {
                    // It is in no group, whatever librdkafka hears of the one whose name it bears.
                    let code = trouble::code(&error).filter(|code| *code != Code::GroupAuthorizationFailed);
                    let Some(code) = code else { continue };
                    let topic = self.settings.topic(of.topic);
                    return Err(ReadError::Failed(trouble::words(&self.settings, &topic, Right::Read, code)));
                }
            }
        }
        if records.is_empty() && next < place.end {
            return Err(ReadError::Failed(format!("no record came within {} s", PATIENCE.as_secs())));
        }
        Ok(Page { records, next, end: place.end.max(next) })
    }
}
