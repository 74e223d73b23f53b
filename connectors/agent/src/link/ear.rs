//! What is said to a node over Kafka: a thread reads the partition of `commands` that the node's key hashes to, and keeps
//! what has that key. The answer to the beat that waits goes to who waits; all else is put in line to be obeyed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use model::command::Order;
use model::{BootId, Renew};
use protocol::log::{Log, Page, ReadError, Stream};
use tokio::sync::{mpsc, oneshot};

use crate::backoff::Backoff;

/// Bytes of records read at once.
const PAGE: usize = 256 * 1024;
/// From one look at a partition where nothing is said to the next.
const LOOK: Duration = Duration::from_millis(500);

/// Something that was heard.
#[derive(Debug, PartialEq)]
pub enum Heard {
    /// Something may have been missed: the engine shall know where the node stands.
    Gap,
    /// An order that no beat waits for.
    Order(Order),
}

/// Hears for one node.
pub struct Ear {
    key: Vec<u8>,
    say: mpsc::Sender<Heard>,
    waiting: Mutex<Option<Waiting>>,
    anew: AtomicBool,
    closed: AtomicBool,
}

/// The beat whose answer is waited for.
struct Waiting {
    boot: BootId,
    beat: u64,
    tell: oneshot::Sender<Renew>,
}

impl Ear {
    /// For records of this key.
    pub fn new(key: Vec<u8>, say: mpsc::Sender<Heard>) -> Self {
        let (anew, closed) = (AtomicBool::new(true), AtomicBool::new(false));
        Self { key, say, waiting: Mutex::new(None), anew, closed }
    }

    /// Whether this was not asked since it began to hear, or since records were cut.
    pub fn is_anew(&self) -> bool {
        self.anew.swap(false, Ordering::AcqRel)
    }

    /// The answer to this beat, which is about to be sent.
    pub fn expect(&self, boot: BootId, beat: u64) -> oneshot::Receiver<Renew> {
        let (tell, told) = oneshot::channel();
        *self.waiting() = Some(Waiting { boot, beat, tell });
        told
    }

    /// Ends the thread that listens, soon.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Reads from a position on until it is closed. Blocks.
    pub fn listen(&self, log: &dyn Log, stream: Stream, mut position: u64) {
        let mut backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(1));
        let mut failing = false;
        while !self.closed.load(Ordering::Acquire) {
            match log.read(stream, position, PAGE) {
                Ok(page) => {
                    if std::mem::take(&mut failing) {
                        backoff.reset();
                        tracing::info!("commands are heard again");
                    }
                    position = page.next;
                    match page.records.is_empty() {
                        true => log.wait(&[(stream, position)], LOOK),
                        false => self.hear(page),
                    }
                }
                Err(ReadError::Cut { position: stood, start, end }) => {
                    tracing::warn!("commands at {stood} are gone, {start}..{end} are there: was the topic made anew?");
                    position = end;
                    self.anew.store(true, Ordering::Release);
                    self.hand_on(Heard::Gap);
                }
                Err(ReadError::Failed(why)) => {
                    if !std::mem::replace(&mut failing, true) {
                        tracing::warn!("commands cannot be heard: {why}");
                    }
                    thread::sleep(backoff.next());
                }
            }
        }
    }

    fn hear(&self, page: Page) {
        for record in page.records.iter().filter(|record| record.key == self.key) {
            match serde_json::from_slice(&record.value) {
                Ok(Order::Renew(renew)) => {
                    if let Some(renew) = self.answer(renew) {
                        self.hand_on(Heard::Order(Order::Renew(renew)));
                    }
                }
                Ok(order @ (Order::Start(_) | Order::Cancel { .. })) => self.hand_on(Heard::Order(order)),
                Err(error) => tracing::warn!("a command cannot be read, and is ignored: {error}"),
            }
        }
    }

    /// Gives an answer to who waits for it; back it comes if nobody does.
    fn answer(&self, renew: Renew) -> Option<Renew> {
        let mut waiting = self.waiting();
        let is_it = |waiting: &mut Waiting| waiting.beat == renew.beat && waiting.boot == renew.boot;
        match waiting.take_if(is_it) {
            Some(Waiting { tell, .. }) => tell.send(renew).err(),
            None => Some(renew),
        }
    }

    /// Does not wait: what follows may be an answer that a beat waits for.
    fn hand_on(&self, heard: Heard) {
        if self.say.try_send(heard).is_err() {
            tracing::debug!("too many orders wait: one is not heard, and comes again");
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Waiting>> {
        self.waiting.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use model::{JournalId, LeaseId, Millis};
    use protocol::log::{AppendError, Done, NewRecord, Record, Topic};

    use super::*;

    #[test]
    fn an_answer_goes_to_the_beat_that_waits_and_all_else_is_put_in_line() {
        let (say, mut orders) = mpsc::channel(10);
        let ear = Ear::new(b"p/n".to_vec(), say);
        let mut told = ear.expect(boot("b"), 2);
        ear.hear(page(&[("p/n", renew("b", 1)), ("p/m", renew("b", 2)), ("p/n", renew("a", 2)), ("p/n", cancel())]));
        assert!(told.try_recv().is_err(), "an older beat, another node and another boot are not it");
        ear.hear(page(&[("p/n", renew("b", 2)), ("p/n", renew("b", 2))]));
        assert_eq!(told.try_recv().map(Order::Renew), Ok(renew("b", 2)));
        let heard: Vec<Heard> = std::iter::from_fn(|| orders.try_recv().ok()).collect();
        let want = [renew("b", 1), renew("a", 2), cancel(), renew("b", 2)];
        assert_eq!(heard, want.map(Heard::Order));
    }

    #[test]
    fn an_answer_that_comes_too_late_is_obeyed_all_the_same() {
        let (say, mut orders) = mpsc::channel(10);
        let ear = Ear::new(b"p/n".to_vec(), say);
        drop(ear.expect(boot("b"), 2));
        ear.hear(page(&[("p/n", renew("b", 2))]));
        assert_eq!(orders.try_recv(), Ok(Heard::Order(renew("b", 2))));
    }

    #[test]
    fn it_is_anew_once() {
        let ear = Ear::new(Vec::new(), mpsc::channel(1).0);
        assert_eq!([ear.is_anew(), ear.is_anew()], [true, false]);
    }

    #[test]
    fn where_records_are_gone_it_goes_on_from_the_end_and_says_so() {
        let (say, mut orders) = mpsc::channel(10);
        let ear = Ear::new(b"p/n".to_vec(), say);
        ear.is_anew();
        let stream = Stream { topic: Topic::Commands, partition: 0 };
        ear.listen(&Remade { ear: &ear, end: 3 }, stream, 70);
        assert!(ear.is_anew());
        assert_eq!([orders.try_recv(), orders.try_recv()], [Ok(Heard::Gap), Ok(Heard::Order(cancel()))]);
    }

    /// A stream that was made anew and got one order since.
    struct Remade<'a> {
        ear: &'a Ear,
        end: u64,
    }

    impl Log for Remade<'_> {
        fn read(&self, _from: Stream, position: u64, _bytes: usize) -> Result<Page, ReadError> {
            if self.end < position {
                return Err(ReadError::Cut { position, start: 0, end: self.end });
            }
            self.ear.close();
            Ok(page(&[("p/n", cancel())]))
        }

        fn append(&self, _to: Stream, _records: Vec<NewRecord>, _done: Done) {}
        fn range(&self, _of: Stream) -> Result<Range<u64>, ReadError> {
            Ok(0..self.end)
        }
        fn wait(&self, _streams: &[(Stream, u64)], _at_most: Duration) {}
        fn wake(&self) {}
        fn trim(&self, _of: Stream, _before: u64) -> Result<(), AppendError> {
            Ok(())
        }
    }

    fn page(orders: &[(&str, Order)]) -> Page {
        let record = |(key, order): &(&str, Order)| {
            let value = serde_json::to_vec(order).unwrap();
            Record { position: 0, key: key.as_bytes().to_vec(), header: Vec::new(), value, appended: None }
        };
        Page { records: orders.iter().map(record).collect(), next: 0, end: 0 }
    }

    fn boot(name: &str) -> BootId {
        BootId::new(name).unwrap()
    }

    fn renew(name: &str, beat: u64) -> Order {
        let ms = Millis(1);
        let (journal, stop) = (JournalId(5), Vec::new());
        let boot = boot(name);
        let (for_ms, orphan_ms, beat_ms) = (ms, ms, ms);
        Order::Renew(Renew { boot, beat, journal, for_ms, orphan_ms, beat_ms, stop, hello: false, taken: None })
    }

    fn cancel() -> Order {
        let lease = LeaseId { journal: JournalId(5), partition: 0, epoch: 1, seq: 1, index: 0 };
        Order::Cancel { id: "c".into(), journal: JournalId(5), lease, grace_ms: Millis(0), why: String::new() }
    }
}
