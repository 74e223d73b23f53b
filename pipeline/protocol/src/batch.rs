//! A batch: the events of one entry, written as JSON while they are decided, so that its size is always known.

use std::sync::Arc;

use model::record::{Consumed, Entry, Header};
use model::{Event, LeaderId, Timestamp};

use crate::log::NewRecord;

/// A batch is closed beyond so many bytes: one more decision still fits into an entry.
pub const CLOSE_BYTES: usize = 120 * 1024;
/// A batch is closed beyond so many events.
pub const CLOSE_EVENTS: usize = 2_000;

/// The events of the entry that is being made.
#[derive(Debug, Default)]
pub struct Batch {
    events: Vec<Event>,
    json: Vec<u8>,
}

impl Batch {
    /// Adds an event.
    pub fn push(&mut self, event: Event) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        serde_json::to_writer(&mut self.json, &event).expect("events are plain data");
        self.events.push(event);
    }

    /// The events so far.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// How many events it has.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether it has no event.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Whether it is large enough to be closed.
    pub fn is_full(&self) -> bool {
        self.holds_thirds(3)
    }

    /// Whether it holds more than so many thirds of what it may.
    pub fn holds_thirds(&self, thirds: usize) -> bool {
        self.json.len() > CLOSE_BYTES * thirds / 3 || self.events.len() > CLOSE_EVENTS * thirds / 3
    }

    /// The entry and its record.
    pub fn close(
        self,
        now: Timestamp,
        consumed: Consumed,
        epoch: u64,
        leader: &LeaderId,
        seq: u64,
    ) -> (Arc<Entry>, NewRecord) {
        let Consumed { requests, reports } = consumed;
        let head =
            format!("{{\"now\":{},\"consumed\":{{\"requests\":{requests},\"reports\":{reports}}},\"events\":[", now.0);
        let value = [head.as_bytes(), &self.json, b"]}"].concat();
        let header = header(&Header::Entry { epoch, leader: leader.clone(), seq });
        let entry = Entry { now, consumed, events: self.events };
        (Arc::new(entry), NewRecord { key: Vec::new(), header, value })
    }
}

/// A header as it stands in the log.
pub fn header(header: &Header) -> Vec<u8> {
    serde_json::to_vec(header).expect("headers are plain data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_as_it_was_made() {
        let mut batch = Batch::default();
        for position in 0..3 {
            let event = model::Body::NotifiedUpTo { position };
            batch.push(Event { pool: model::PoolId::new("p").unwrap(), by: model::By::Engine, event });
        }
        let leader = LeaderId::new("l1").unwrap();
        let (entry, record) = batch.close(Timestamp(9), Consumed { requests: 2, reports: 5 }, 3, &leader, 7);
        assert_eq!(serde_json::from_slice::<Entry>(&record.value).unwrap(), *entry);
        let head: Header = serde_json::from_slice(&record.header).unwrap();
        assert_eq!(head, Header::Entry { epoch: 3, leader, seq: 7 });
    }
}
