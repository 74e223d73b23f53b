//! A durable stream: a queue and a writer in front of its store, a tail beside it.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bell::Bell;
use protocol::log::{AppendError, Page, ReadError, Stream};

use crate::options::Options;
use crate::queue::{Append, Queue};
use crate::storage::Storage;
use crate::store::Store;
use crate::tail::Tail;
use crate::trouble::{OpenError, Trouble};

/// Most bytes of one append: far above the largest entry, and small enough for one commit.
const APPEND_BYTES: usize = 4 << 20;
/// Most bytes of one page, whatever a reader asks for.
const PAGE_BYTES: usize = 64 << 20;

/// A durable stream.
pub struct Durable {
    pub(crate) queue: Queue,
    pub(crate) tail: RwLock<Tail>,
    pub(crate) store: Store,
    pub(crate) bell: Arc<Bell>,
    pub(crate) retry_after: Duration,
    name: String,
    most_bytes: usize,
    most_records: usize,
}

impl Durable {
    /// Opens a stream. It has no writer yet.
    pub fn open(
        stream: Stream,
        storage: Arc<dyn Storage>,
        bell: Arc<Bell>,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let file = format!("{}-{}.redb", stream.topic.word(), stream.partition);
        let place = storage.place(&file);
        let (store, held) = Store::open(storage, file, options)?;
        Ok(Self {
            queue: Queue::default(),
            tail: RwLock::new(Tail::new(held, options.tail_bytes, usize::MAX)),
            store,
            bell,
            retry_after: options.retry_after,
            name: place,
            most_bytes: options.queue_bytes,
            most_records: options.queue_records,
        })
    }

    /// The positions that it holds.
    pub fn held(&self) -> Range<u64> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner).held()
    }

    /// Queues an append.
    pub fn append(&self, append: Append) {
        let bytes = append.records.iter().map(crate::tail::new_size).sum::<usize>();
        if APPEND_BYTES < bytes {
            let why = format!("{bytes} bytes in one append; at most {APPEND_BYTES} are possible: split it");
            append.done.tell(Err(AppendError::Refused(why)));
        } else if let Err(append) = self.queue.push(append, self.most_bytes, self.most_records) {
            let why = format!("too much waits to be written to {}: the disk is too slow for this load", self.name);
            append.done.tell(Err(AppendError::Failed(why)));
        }
    }

    /// Reads a page, from memory if it can.
    pub fn read(&self, position: u64, bytes: usize) -> Result<Page, ReadError> {
        let tail = self.tail.read().unwrap_or_else(PoisonError::into_inner);
        let Range { start, end } = tail.held();
        if position < start || end < position {
            return Err(ReadError::Cut { position, start, end });
        }
        if tail.in_memory().start <= position {
            return Ok(tail.page(position, bytes));
        }
        drop(tail);
        let records = self.store.read(position..end, bytes.min(PAGE_BYTES))?;
        match (records.first(), records.last()) {
            (Some(first), Some(last)) if first.position == position => {
                let next = last.position + 1;
                Ok(Page { records, next, end })
            }
            (Some(_) | None, _) => Err(self.missing(position)),
        }
    }

    /// Queues a trim of what is held now.
    pub fn trim(&self, before: u64) {
        self.queue.trim(before.min(self.held().end));
    }

    /// Why the store did not have a record: it was trimmed meanwhile, or it should be there.
    fn missing(&self, position: u64) -> ReadError {
        let start = match self.store.held() {
            Ok(held) => held.start,
            Err(trouble) => return trouble.into(),
        };
        let end = self.held().end;
        if position < start {
            ReadError::Cut { position, start, end }
        } else {
            Trouble::damaged(&self.name, &format!("record {position} is missing")).into()
        }
    }
}
