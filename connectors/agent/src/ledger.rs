//! What all parts of an agent share: the node's rules and the reports that wait, under one lock, and the one thread
//! that writes the report store.
//!
//! A report is stored in three steps: it is queued; the writer takes all that is queued, writes and syncs it at once;
//! then, under the lock, its number becomes `stored`, what it says of a lease takes effect, and it waits to be sent.
//! The lock is never held over IO, so a slow disk does not delay a beat.
//!
//! When nothing can be stored (a full disk, say), the node closes, reports that can be done without are refused, and
//! the others are tried again until they are on disk.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use model::report::Hello;
use model::{BootId, JournalId, NodeId, PoolId, Renew, ReportKind, Start};
use tokio::sync::{Notify, mpsc, oneshot, watch};

use crate::home::Home;
use crate::machine;
use crate::rules::{Beat, Closed, Deed, Rules, Verdict};
use crate::store::{Line, Store};
use crate::writer::{self, Entry};

/// Reports that may be queued for the writer; who has more waits.
const QUEUE: usize = 1_024;
/// Bytes of unacknowledged reports beyond which no starts, progress or checkpoints are taken.
const BACKLOG_BYTES: usize = 64 * 1024 * 1024;

/// Who speaks.
#[derive(Debug, Clone)]
pub struct Who {
    /// The pool.
    pub pool: PoolId,
    /// The node.
    pub node: NodeId,
    /// Its present life.
    pub boot: BootId,
}

/// The shared part of an agent.
#[derive(Debug)]
pub struct Ledger {
    /// Who speaks.
    pub who: Who,
    inside: Mutex<Inside>,
    writer: mpsc::Sender<Entry>,
    /// Counts what happened that a sender may wait for.
    changes: watch::Sender<u64>,
    /// Asks for a beat at once.
    pub nudge: Notify,
    /// Beats are sent: from the first acknowledged hello to shortly before the goodbye.
    beating: AtomicBool,
}

#[derive(Debug)]
struct Inside {
    rules: Rules,
    waiting: VecDeque<Line>,
    waiting_bytes: usize,
    /// The number of the hello that is not acknowledged yet.
    hello: Option<u64>,
    /// A hello is queued or unacknowledged.
    hello_asked: bool,
    /// Why the engine could not read the first hello, if it could not.
    unwanted: Option<String>,
}

/// A report could not be stored, and is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotStored;

impl Ledger {
    /// Begins a boot with its store, which holds nothing yet; starts the writer, which ends with the ledger.
    pub fn begin(who: Who, card: Hello, home: Arc<Home>, store: Store) -> io::Result<Arc<Self>> {
        let rules = Rules::new(who.boot.clone(), card, home.journal()?);
        let waiting = VecDeque::new();
        let (hello, hello_asked, unwanted) = (None, false, None);
        let inside = Mutex::new(Inside { rules, waiting, waiting_bytes: 0, hello, hello_asked, unwanted });
        let (writer, entries) = mpsc::channel(QUEUE);
        let ledger = Arc::new(Self {
            who,
            inside,
            writer,
            changes: watch::Sender::new(0),
            nudge: Notify::new(),
            beating: AtomicBool::new(false),
        });
        let weak = Arc::downgrade(&ledger);
        thread::Builder::new().name("reports".into()).spawn(move || writer::write_all(&weak, &home, store, entries))?;
        Ok(ledger)
    }

    /// Stores reports together, in this order; waits for the disk for as long as it takes.
    pub async fn store(&self, kinds: Vec<ReportKind>) {
        // The writer ends only with the ledger, which `self` keeps.
        let _ = self.queue(Entry::Reports { kinds, must: true, done: None }, true).await;
    }

    /// Queues a report that must be stored, and does not wait.
    pub async fn post(&self, kind: ReportKind) {
        let _ = self.queue(Entry::Reports { kinds: vec![kind], must: true, done: None }, false).await;
    }

    /// Stores one report now or not at all.
    pub async fn try_store(&self, kind: ReportKind) -> Result<(), NotStored> {
        self.queue(Entry::Reports { kinds: vec![kind], must: false, done: None }, true).await
    }

    /// Stores a report that can be done without, unless too many wait already.
    pub async fn try_store_minor(&self, kind: ReportKind) -> Result<(), NotStored> {
        if self.lock().waiting_bytes > BACKLOG_BYTES {
            return Err(NotStored);
        }
        self.try_store(kind).await
    }

    /// Stores a hello, unless one is under way.
    pub fn say_hello(&self) {
        let mut inside = self.lock();
        if !inside.hello_asked {
            inside.hello_asked = self.writer.try_send(Entry::Hello).is_ok();
        }
    }

    /// Whether no hello is under way: the last one is acknowledged.
    pub fn is_hello_acked(&self) -> bool {
        !self.lock().hello_asked
    }

    /// Why the engine could not read this boot's first hello, if it could not: no other one will do better.
    pub fn unwanted(&self) -> Option<String> {
        self.lock().unwanted.clone()
    }

    /// The engine could not read some reports up to this one.
    pub fn rejected(&self, seq: u64, why: String) {
        // The first report is the first hello, and goes alone: nothing starts before it is acknowledged.
        if seq == 1 {
            self.lock().unwanted = Some(why);
        }
    }

    /// Another journal has been met than the last, if it is another: what belongs to the old one is put aside.
    pub async fn meet(&self, journal: JournalId) {
        let (done, stored) = oneshot::channel();
        let _ = self.writer.send(Entry::Meet { journal, done: Some(done) }).await;
        let _ = stored.await;
    }

    /// The next beat, to be sent at once.
    pub fn beat(&self) -> Beat {
        let mut inside = self.lock();
        let now = machine::up_ms();
        inside.rules.beat(now)
    }

    /// What the answer to a beat calls for. Hello and journal are seen to here.
    pub fn heard(&self, renew: &Renew) -> Vec<Deed> {
        let deeds = self.lock().rules.heard(renew);
        for deed in &deeds {
            match deed {
                // Full queue: the next answer asks again.
                Deed::Meet(journal) => {
                    let _ = self.writer.try_send(Entry::Meet { journal: *journal, done: None });
                }
                Deed::SayHello => self.say_hello(),
                Deed::Renew(..) | Deed::Stop(..) | Deed::Taken(..) => {}
            }
        }
        self.changes.send_modify(|n| *n += 1);
        deeds
    }

    /// Judges a start; one that is taken is held from here on.
    pub fn start(&self, start: &Start) -> Verdict {
        let mut inside = self.lock();
        let now = machine::up_ms();
        inside.rules.start(start, now)
    }

    /// The next reports to send, in order: at most so many, and so many bytes unless one alone is longer.
    pub fn next(&self, most: usize, bytes: usize) -> Vec<Line> {
        let inside = self.lock();
        let mut sum = 0;
        let fits = |line: &&Line| {
            sum += line.json.len();
            sum <= bytes
        };
        let mut lines: Vec<Line> = inside.waiting.iter().take(most).take_while(fits).cloned().collect();
        if lines.is_empty() {
            lines.extend(inside.waiting.front().cloned());
        }
        lines
    }

    /// The engine has all reports up to this one.
    pub fn acked(&self, seq: u64) {
        {
            let mut inside = self.lock();
            while let Some(line) = inside.waiting.pop_front_if(|line| line.seq <= seq) {
                inside.waiting_bytes -= line.json.len();
            }
            if inside.waiting_bytes <= BACKLOG_BYTES / 2 {
                inside.rules.reopen(Closed::Backlog);
            }
            if inside.hello.is_some_and(|hello| hello <= seq) {
                (inside.hello, inside.hello_asked) = (None, false);
            }
        }
        let _ = self.writer.try_send(Entry::Acked(seq)); // a lost mark costs no more than sending again
        self.changes.send_modify(|n| *n += 1);
    }

    /// Changes whenever reports were stored or acknowledged, or a beat was answered.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether nothing waits to be acknowledged.
    pub fn is_sent(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// Beats are sent from here on, or no more.
    pub fn set_beating(&self, beating: bool) {
        self.beating.store(beating, Ordering::Release);
        self.changes.send_modify(|n| *n += 1);
    }

    /// Asks for a beat and waits until one that is sent from now on is answered, and what that answer says of the
    /// journal has been done. Does not wait where no beats are sent.
    pub async fn heard_anew(&self) {
        let before = self.with_rules(|rules| rules.last_beat());
        self.nudge.notify_one(); // after the look: the beat that this asks for is a later one
        let mut changes = self.changes();
        let is_heard = || self.lock().rules.is_known_since(before);
        while self.beating.load(Ordering::Acquire) && !is_heard() {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// Reads or changes the rules at one moment.
    pub fn with_rules<T>(&self, look: impl FnOnce(&mut Rules) -> T) -> T {
        look(&mut self.lock().rules)
    }

    /// The writer has these on disk.
    pub(crate) fn stored(&self, kinds: &[ReportKind], lines: Vec<Line>, aside: &[ReportKind]) {
        let mut inside = self.lock();
        for (kind, line) in kinds.iter().zip(lines) {
            inside.rules.stored(line.seq, kind);
            if matches!(kind, ReportKind::Hello(_)) {
                inside.hello = Some(line.seq);
            }
            inside.waiting_bytes += line.json.len();
            inside.waiting.push_back(line);
        }
        aside.iter().for_each(|kind| inside.rules.kept_aside(kind));
        inside.rules.reopen(Closed::Disk);
        if inside.waiting_bytes > BACKLOG_BYTES {
            inside.rules.close(Closed::Backlog, "too many reports wait for the engine".into());
        }
        drop(inside);
        self.changes.send_modify(|n| *n += 1);
    }

    /// The writer has put aside all that waited, and has stored what the new journal is told.
    pub(crate) fn met(&self, journal: JournalId, kinds: &[ReportKind], lines: Vec<Line>) {
        {
            let mut inside = self.lock();
            inside.rules.met(journal);
            inside.waiting.clear();
            inside.waiting_bytes = 0;
            (inside.hello, inside.hello_asked) = (None, kinds.iter().any(|kind| matches!(kind, ReportKind::Hello(_))));
        }
        self.stored(kinds, lines, &[]);
    }

    /// Whether a hello is on disk that is not acknowledged.
    pub(crate) fn is_hello_stored(&self) -> bool {
        self.lock().hello.is_some()
    }

    /// All that waits, for the writer.
    pub(crate) fn waiting(&self) -> Vec<Line> {
        self.lock().waiting.iter().cloned().collect()
    }

    async fn queue(&self, entry: Entry, wait: bool) -> Result<(), NotStored> {
        let (done, stored) = oneshot::channel();
        let entry = match entry {
            Entry::Reports { kinds, must, done: _ } => Entry::Reports { kinds, must, done: Some(done) },
            Entry::Hello | Entry::Meet { .. } | Entry::Acked(_) => entry,
        };
        self.writer.send(entry).await.map_err(|_| NotStored)?;
        if wait { stored.await.unwrap_or(Err(NotStored)) } else { Ok(()) }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("no holder of this lock panics")
    }
}

#[cfg(test)]
mod tests;
